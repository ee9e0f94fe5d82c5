"""The shapes accept what the code writes and reject each kind of damage, with a message that says what to do."""

import re
from collections.abc import Callable

import pyshacl
import pytest
from claims_graph import IRIS, RUN, Said, entity, extraction, known, new, store
from pyoxigraph import BlankNode, DefaultGraph, Literal, NamedNode, Quad, Store
from rdflib import SH
from rdflib import Graph as RdfGraph

from ingest.model import EntityType, Modality, Polarity
from kg.iris import AIKG, DCTERMS, ITSRDF, NIF, OWL, PROV, RDF, RDFS, SCHEMA, SKOS, XSD
from kg.ontology import shape_triples
from kg.quads import claim_id
from kg.validate import Report, Severity, Violation, validate

MICROSOFT, MISTRAL, OPENAI = known("Microsoft", "Microsoft"), known("Mistral AI", "Mistral_AI"), known("OpenAI", "OpenAI")
FOUND = extraction(
    "stake",
    Said("Microsoft took a stake in Mistral AI.", MICROSOFT, "investsIn", MISTRAL),
    Said("OpenAI is no partner of Lumigraph, Mistral AI said.", OPENAI, "partnersWith", new("Lumigraph", EntityType.COMPANY),
         Polarity.NEGATED, Modality.PAST, attribution=MISTRAL),
    title="A stake", date="2024-02-27", publisher="The Daily Graph", url="https://example.org/stake",
)  # fmt: skip
ARTICLE, GRAPH, KNOWLEDGE, META = IRIS.article("stake"), IRIS.graph("stake"), IRIS.knowledge, IRIS.meta
CLAIM = IRIS.claim(claim_id("stake", FOUND.claims[0]))
SENTENCE, MENTION = IRIS.sentence("stake", 0, 37), IRIS.mention("stake", 0, 9)


@pytest.fixture
def graph() -> Store:
    return store(FOUND)


@pytest.fixture
def statement(graph: Store) -> NamedNode:
    (quad,) = graph.quads_for_pattern(CLAIM, AIKG("states"), None, GRAPH)
    assert isinstance(quad.object, NamedNode)
    return quad.object


def _violations(graph: Store) -> list[Violation]:
    return list(validate(graph).violations)


def test_what_the_code_writes_conforms(graph: Store) -> None:
    report = validate(graph)
    assert report.violations == ()
    assert report.conforms
    assert report.checked["claim"] == 2
    assert report.checked["article"] == report.checked["article graph"] == report.checked["run"] == 1
    assert all(report.checked.values())  # every shape was applied to something


def test_an_empty_store_conforms() -> None:
    assert validate(Store()).conforms


def _cut(subject: NamedNode, predicate: NamedNode, *instead: object, graph: NamedNode = GRAPH) -> Callable[[Store], None]:
    """Takes the values of a property away and puts others in their place."""

    def damage(store: Store) -> None:
        for quad in list(store.quads_for_pattern(subject, predicate, None, graph)):
            store.remove(quad)
        for value in instead:
            store.add(Quad(subject, predicate, value, graph))  # type: ignore[arg-type]

    return damage


def _add(subject: NamedNode, predicate: NamedNode, value: object, graph: NamedNode = GRAPH) -> Callable[[Store], None]:
    return lambda store: store.add(Quad(subject, predicate, value, graph))  # type: ignore[arg-type]


def _drop(subject: NamedNode, kind: NamedNode, graph: NamedNode = GRAPH) -> Callable[[Store], None]:
    return lambda store: store.remove(Quad(subject, RDF("type"), kind, graph))


def _integer(number: int) -> Literal:
    return Literal(str(number), datatype=XSD("integer"))


def _other_article(store: Store) -> None:
    other = IRIS.article("other")
    for kind in (SCHEMA("NewsArticle"), NIF("Context"), PROV("Entity")):
        store.add(Quad(other, RDF("type"), kind, GRAPH))
    store.add(Quad(other, AIKG("contentHash"), Literal("sha256:" + "0" * 64), GRAPH))
    _cut(SENTENCE, NIF("referenceContext"), other)(store)


def _swap_mentions(store: Store) -> None:
    (subject,) = store.quads_for_pattern(CLAIM, AIKG("subjectMention"), None, GRAPH)
    (object_,) = store.quads_for_pattern(CLAIM, AIKG("objectMention"), None, GRAPH)
    _cut(CLAIM, AIKG("subjectMention"), object_.object)(store)
    _cut(CLAIM, AIKG("objectMention"), subject.object)(store)


STAKE = (entity("Microsoft"), AIKG("investsIn"), entity("Mistral_AI"))
RUN_NODE = IRIS.run(RUN.id)
TERM = AIKG("investsIn")


def _statement(store: Store) -> NamedNode:
    return next(q.object for q in store.quads_for_pattern(CLAIM, AIKG("states"), None, GRAPH) if isinstance(q.object, NamedNode))


def _stated(predicate: str, *instead: NamedNode) -> Callable[[Store], None]:
    return lambda store: _cut(_statement(store), RDF(predicate), *instead, graph=KNOWLEDGE)(store)


def _unclaimed(store: Store) -> None:
    new_statement = IRIS.statement("0" * 16)
    store.add(Quad(new_statement, RDF("type"), RDF("Statement"), KNOWLEDGE))
    for name, value in zip(("subject", "predicate", "object"), (STAKE[2], STAKE[1], STAKE[0]), strict=True):
        store.add(Quad(new_statement, RDF(name), value, KNOWLEDGE))


# the shape that must be broken, and the damage that breaks it: every shape of shapes.ttl is here
DAMAGE: list[tuple[str, Callable[[Store], None]]] = [
    ("Article", _drop(ARTICLE, NIF("Context"))),
    ("Article-contentHash", _cut(ARTICLE, AIKG("contentHash"), Literal("md5:1"))),
    ("Article-title", _add(ARTICLE, DCTERMS("title"), Literal("Another title"))),
    ("Article-date", _cut(ARTICLE, DCTERMS("date"), Literal("last Tuesday"))),
    ("Article-source", _cut(ARTICLE, DCTERMS("source"), Literal("the web"))),
    ("Article-creator", _add(ARTICLE, DCTERMS("creator"), Literal(""))),
    ("Article-publisher", _cut(ARTICLE, DCTERMS("publisher"), Literal(""))),
    ("Article-language", _cut(ARTICLE, DCTERMS("language"), Literal("English!"))),
    ("Article-isString", _add(ARTICLE, NIF("isString"), Literal("Text", language="en"))),
    ("Bundle-wasDerivedFrom", _cut(GRAPH, PROV("wasDerivedFrom"))),
    ("Bundle-wasGeneratedBy", _cut(GRAPH, PROV("wasGeneratedBy"), IRIS.run("unknown"))),
    ("String-anchorOf", _cut(SENTENCE, NIF("anchorOf"))),
    ("String-beginIndex", _cut(SENTENCE, NIF("beginIndex"), _integer(40))),
    ("String-beginIndex", _cut(SENTENCE, NIF("beginIndex"), _integer(-1))),
    ("String-endIndex", _cut(SENTENCE, NIF("endIndex"))),
    ("String-referenceContext", _cut(SENTENCE, NIF("referenceContext"), IRIS.article("unknown"))),
    ("String-length", _cut(SENTENCE, NIF("endIndex"), _integer(38))),
    ("Sentence", _drop(SENTENCE, NIF("OffsetBasedString"))),
    ("Mention-taIdentRef", _cut(MENTION, ITSRDF("taIdentRef"), entity("Nobody"))),
    ("Mention-taClassRef", _cut(MENTION, ITSRDF("taClassRef"), AIKG("Compny"))),
    ("Mention-mentionKind", _cut(MENTION, AIKG("mentionKind"), AIKG("actual"))),
    ("Claim-label", _cut(CLAIM, RDFS("label"))),
    ("Claim-states", _cut(CLAIM, AIKG("states"), IRIS.statement("unknown"))),
    ("Claim-polarity", _add(CLAIM, AIKG("polarity"), AIKG("negated"))),
    ("Claim-modality", _cut(CLAIM, AIKG("modality"), AIKG("affirmed"))),
    ("Claim-attributedTo", _add(CLAIM, AIKG("attributedTo"), entity("Nobody"))),
    ("Claim-confidence", _cut(CLAIM, AIKG("confidence"), Literal("1.2", datatype=XSD("decimal")))),
    ("Claim-confidence", _cut(CLAIM, AIKG("confidence"), Literal("0.8"))),
    ("Claim-evidence", _cut(CLAIM, AIKG("evidence"))),
    ("Claim-subjectMention", _cut(CLAIM, AIKG("subjectMention"), SENTENCE)),
    ("Claim-objectMention", _cut(CLAIM, AIKG("objectMention"))),
    ("Claim-wasDerivedFrom", _cut(CLAIM, PROV("wasDerivedFrom"))),
    ("Claim-wasGeneratedBy", _cut(CLAIM, PROV("wasGeneratedBy"), ARTICLE)),
    ("Claim-mentions", _swap_mentions),
    ("Claim-article", _other_article),
    ("Statement-subject", _stated("subject", entity("Nobody"))),
    ("Statement-predicate", _stated("predicate", RDFS("seeAlso"))),
    ("Statement-object", _stated("object")),
    ("Statement-claimed", _unclaimed),
    ("Statement-direct", lambda store: store.remove(Quad(*STAKE, KNOWLEDGE))),  # type: ignore[call-arg]
    ("Statement-domain", _cut(entity("Microsoft"), RDF("type"), AIKG("Regulation"), graph=KNOWLEDGE)),
    ("Statement-range", _cut(entity("Mistral_AI"), RDF("type"), AIKG("Place"), graph=KNOWLEDGE)),
    ("Entity", _add(BlankNode("someone"), RDF("type"), AIKG("Person"), KNOWLEDGE)),  # type: ignore[arg-type]
    ("Entity-label", _cut(entity("Lumigraph"), RDFS("label"), graph=KNOWLEDGE)),
    ("Entity-altLabel", _add(entity("Microsoft"), SKOS("altLabel"), Literal("Microsoft", language="en"), KNOWLEDGE)),
    ("Entity-sameAs", _add(entity("Microsoft"), OWL("sameAs"), NamedNode("http://www.wikidata.org/wiki/Q2283"), KNOWLEDGE)),
    ("Entity-country", _cut(entity("Microsoft"), AIKG("country"), Literal("USA"), graph=KNOWLEDGE)),
    ("Entity-direct", _add(entity("OpenAI"), AIKG("acquires"), entity("Microsoft"), KNOWLEDGE)),
    ("Entity-oneKind", _add(entity("Lumigraph"), RDF("type"), AIKG("Person"), KNOWLEDGE)),
    ("Run-label", _cut(RUN_NODE, RDFS("label"), graph=META)),
    ("Run-pipelineVersion", _cut(RUN_NODE, AIKG("pipelineVersion"), graph=META)),
    ("Run-languageModel", _cut(RUN_NODE, AIKG("languageModel"), graph=META)),
    ("Run-weightsHash", _add(RUN_NODE, AIKG("weightsHash"), Literal("other"), META)),
    ("Run-ontologyHash", _cut(RUN_NODE, AIKG("ontologyHash"), Literal("1"), graph=META)),
    ("Run-gazetteerHash", _cut(RUN_NODE, AIKG("gazetteerHash"), graph=META)),
    ("Term-label", _add(NamedNode("https://example.org/Thing"), RDF("type"), OWL("Class"), IRIS.ontology)),
    ("Term-comment", _add(NamedNode("https://example.org/Thing"), RDF("type"), OWL("Class"), IRIS.ontology)),
]
WARNINGS = {"Article-date", "Article-source", "Statement-domain", "Statement-range", "Entity-oneKind"}


@pytest.mark.parametrize(("shape", "damage"), DAMAGE, ids=[name for name, _ in DAMAGE])
def test_damage_is_found_by_its_shape_and_explained(graph: Store, shape: str, damage: Callable[[Store], None]) -> None:
    damage(graph)
    report = validate(graph)
    found = [v for v in report.violations if v.shape == f"https://w3id.org/aikg/shapes#{shape}"]
    assert found, [v.shape for v in report.violations]
    assert {v.severity for v in found} == {Severity.WARNING if shape in WARNINGS else Severity.VIOLATION}
    assert all(";" in v.what and v.where for v in found)  # what is wrong; what to do


def test_every_shape_and_constraint_has_an_example_of_damage() -> None:
    messages = {t.subject.value for t in shape_triples() if isinstance(t.subject, NamedNode) and t.predicate.value.endswith("#message")}
    assert {f"https://w3id.org/aikg/shapes#{name}" for name, _ in DAMAGE} == messages


@pytest.mark.parametrize("shape", sorted(WARNINGS))
def test_a_warning_alone_does_not_fail_the_graph(graph: Store, shape: str) -> None:
    dict(DAMAGE)[shape](graph)
    severe = {v.shape.split("#")[1] for v in _violations(graph) if v.severity is Severity.VIOLATION}
    assert severe == set()
    assert validate(graph).conforms


def test_a_blank_node_is_found_in_any_graph(graph: Store) -> None:
    graph.add(Quad(ARTICLE, DCTERMS("relation"), BlankNode("b"), GRAPH))
    (found,) = _violations(graph)
    assert (found.where, found.path) == (GRAPH.value, DCTERMS("relation").value)
    assert re.match(r"a blank node cannot be cited or compared; ingest", found.what)


def test_a_triple_in_two_graphs_is_found(graph: Store) -> None:
    graph.add(Quad(ARTICLE, RDF("type"), SCHEMA("NewsArticle"), KNOWLEDGE))
    (found,) = _violations(graph)
    assert found.where == ARTICLE.value
    assert "in more than one graph" in found.what


def test_violations_come_before_warnings_and_in_order(graph: Store) -> None:
    for name in ("Article-date", "Run-label", "Claim-evidence"):
        dict(DAMAGE)[name](graph)
    report = validate(graph)
    assert [v.severity for v in report.violations] == [Severity.VIOLATION, Severity.VIOLATION, Severity.WARNING]
    assert report == Report(report.violations, report.checked)


def test_progress_ends_with_all_quads(graph: Store) -> None:
    seen: list[tuple[int, int]] = []
    validate(graph, progress=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (len(graph), len(graph))


def test_batches_find_the_same_as_one_graph(graph: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    dict(DAMAGE)["Entity-label"](graph)
    dict(DAMAGE)["Claim-evidence"](graph)
    whole = validate(graph)
    monkeypatch.setattr("kg.validate._BATCH_QUADS", 10)
    assert validate(graph) == whole


def test_batches_of_a_sound_graph_conform(graph: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kg.validate._BATCH_QUADS", 10)
    assert validate(graph).violations == ()


@pytest.mark.parametrize("graph_name", [DefaultGraph(), NamedNode("https://example.org/notes")], ids=["default", "own"])
def test_what_clients_write_elsewhere_is_checked_with_all_that_is_known_of_it(
    graph: Store, graph_name: NamedNode | DefaultGraph, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kg.validate._BATCH_QUADS", 10)
    graph.add(Quad(entity("Lumigraph"), RDFS("seeAlso"), NamedNode("https://example.org/"), graph_name))
    assert _violations(graph) == []
    graph.add(Quad(entity("Lumigraph"), RDFS("label"), Literal("Another name", language="en"), graph_name))
    assert {v.shape.split("#")[1] for v in _violations(graph)} == {"Entity-label"}


def test_a_triple_of_the_default_graph_is_counted_too(graph: Store) -> None:
    graph.add(Quad(ARTICLE, RDF("type"), SCHEMA("NewsArticle"), DefaultGraph()))
    (found,) = _violations(graph)
    assert "in more than one graph" in found.what


@pytest.mark.parametrize("name", ["Claim-mentions", "Statement-direct", "Entity-direct", "String-length", "Statement-domain"])
def test_constraints_across_graphs_mean_in_the_store_what_they_mean_in_pyshacl(graph: Store, name: str) -> None:
    dict(DAMAGE)[name](graph)
    data, shapes = RdfGraph(), RdfGraph()
    data.parse(data="\n".join(f"{quad.triple} ." for quad in graph), format="turtle")
    shapes.parse(data="\n".join(f"{triple} ." for triple in shape_triples()), format="turtle")
    _, results, _ = pyshacl.validate(data, shacl_graph=shapes, allow_warnings=True)
    theirs = {str(node) for node in results.objects(None, SH.focusNode)}
    assert {v.where for v in _violations(graph)} == theirs
