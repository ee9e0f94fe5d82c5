"""The ontology is complete, consistent and as the shapes want it, and so are the known entities."""

import csv
import re
from collections import Counter
from pathlib import Path

import owlrl
import pyshacl
import pytest
from claims_graph import IRIS, Said, extraction, known, new, store
from pyoxigraph import NamedNode, Quad, Store
from rdflib import Graph, URIRef

from ingest.model import EntityType, MentionKind, Modality, Polarity
from kg import ontology
from kg.errors import DataError
from kg.iris import AIKG, OWL, RDF, RDFS, SCHEMA, SKOS
from kg.validate import validate

ROOT = Path(__file__).resolve().parents[2]
BASE = "http://localhost:8000/"
TRIPLES = ontology.ontology_triples()
GAZETTEER = ontology.known_entity_triples(BASE)
SCHEMA_READ = ontology.schema(BASE)
RELATIONS = list(SCHEMA_READ.relations)
GUIDELINE = {
    "investsIn", "acquires", "partnersWith", "competesWith", "develops", "distributes", "founded", "leads",
    "worksFor", "ownedBy", "basedIn", "supports", "opposes", "lobbies", "regulates", "proposes",
    "adopts", "investigates", "fines", "sues", "criticizes", "defends", "uses", "suppliesTo",
    "basedOn", "memberOf", "benefits", "locatedIn",
}  # fmt: skip


def objects(subject: NamedNode, predicate: NamedNode) -> list[str]:
    return [triple.object.value for triple in TRIPLES if triple.subject == subject and triple.predicate == predicate]


def terms() -> set[NamedNode]:
    """Everything in our namespace that the ontology declares."""
    return {t.subject for t in TRIPLES if t.predicate == RDF("type") and t.subject.value.startswith(AIKG.iri)}


def superclasses(name: str) -> set[str]:
    """A class and all above it, by their IRIs."""
    found, waiting = set(), [AIKG(name).value]
    while waiting:
        found.add(current := waiting.pop())
        waiting += [above for above in objects(NamedNode(current), RDFS("subClassOf")) if above not in found]
    return found


def local(iris: list[str]) -> list[str]:
    return [iri.removeprefix(AIKG.iri) for iri in iris]


def test_every_term_has_one_label_and_a_comment_and_says_where_it_is_defined():
    assert len(terms()) > 60
    for term in terms():
        assert len(objects(term, RDFS("label"))) == 1, term
        assert objects(term, RDFS("comment")), term
        assert objects(term, RDFS("isDefinedBy")) == ["https://w3id.org/aikg/ontology"], term


def test_all_relations_of_the_guideline_are_there():
    assert set(RELATIONS) == GUIDELINE
    assert len(RELATIONS) == 28


@pytest.mark.parametrize("name", RELATIONS)
def test_relation_has_definition_domain_range_cues_and_an_example(name: str):
    relation = AIKG(name)
    for predicate in (SKOS("definition"), RDFS("domain"), RDFS("range"), SKOS("example"), AIKG("exampleSubject"), AIKG("exampleObject")):
        assert len(objects(relation, predicate)) == 1, predicate
    (sentence,) = objects(relation, SKOS("example"))
    for side in ("exampleSubject", "exampleObject"):
        assert objects(relation, AIKG(side))[0] in sentence
    assert SCHEMA_READ.relations[name].cues


@pytest.mark.parametrize("name", RELATIONS)
def test_what_extraction_accepts_is_of_the_relations_domain_and_range(name: str):
    for listed, stated in ((SCHEMA("domainIncludes"), RDFS("domain")), (SCHEMA("rangeIncludes"), RDFS("range"))):
        (wide,) = objects(AIKG(name), stated)
        assert [kind for kind in local(objects(AIKG(name), listed)) if wide not in superclasses(kind)] == []


@pytest.mark.parametrize("name", RELATIONS)
def test_a_symmetric_relation_accepts_the_same_on_both_sides(name: str):
    relation = SCHEMA_READ.relations[name]
    assert not relation.symmetric or relation.domain == relation.range
    assert relation.symmetric == (name in {"partnersWith", "competesWith"})


def test_the_classes_and_qualifiers_are_those_of_the_model():
    assert {AIKG(kind) for kind in EntityType} <= {t.subject for t in TRIPLES if t.object == OWL("Class")}
    for kind, values in (("Polarity", Polarity), ("Modality", Modality), ("MentionKind", MentionKind)):
        declared = {t.subject for t in TRIPLES if t.predicate == RDF("type") and t.object == AIKG(kind)}
        assert declared == {AIKG(value) for value in values}


@pytest.mark.parametrize("folder", ["ontology", "queries"])
def test_data_files_use_only_terms_that_are_declared(folder: str):
    files = [path for path in (ROOT / folder).iterdir() if path.suffix in {".ttl", ".rq"}]
    used = {(path.name, name) for path in files for name in re.findall(r"\baikg:(\w+)", path.read_text())}
    declared = {term.value.removeprefix(AIKG.iri) for term in terms()}
    assert sorted((file, name) for file, name in used if name not in declared) == []


def test_everything_written_of_an_article_is_in_declared_terms():
    said = Said("Microsoft may back Lumigraph, OpenAI said.", known("Microsoft", "Microsoft"), "investsIn",
                new("Lumigraph", EntityType.COMPANY), modality=Modality.POSSIBLE, attribution=known("OpenAI", "OpenAI"))  # fmt: skip
    written = store(extraction("a", said, title="T"))
    used = {term for quad in written for term in quad.triple if isinstance(term, NamedNode) and term.value.startswith(AIKG.iri)} - {
        NamedNode(AIKG.iri)
    }
    assert used <= terms()


def closure_errors(*triples: tuple[object, object, object]) -> list[str]:
    """What OWL 2 RL finds inconsistent in the ontology together with these triples (OWL 2 Profiles, 4.3)."""
    graph = Graph()
    for name in ("aikg.ttl", "relations.ttl"):
        graph.parse(ROOT / "ontology" / name)
    for triple in triples:
        graph.add(triple)
    reasoner = owlrl.OWLRL_Semantics(graph, axioms=False, daxioms=False)
    reasoner.closure()
    return list(reasoner.error_messages)


def uri(name: str) -> URIRef:
    return URIRef(AIKG(name).value)


A = URIRef(RDF("type").value)


def test_the_ontology_is_consistent_with_an_example_of_each_relation():
    example = [
        triple
        for name, relation in SCHEMA_READ.relations.items()
        for subject, value in [(URIRef(f"urn:{name}:s"), URIRef(f"urn:{name}:o"))]
        for triple in (
            (subject, A, uri(min(relation.domain))),
            (value, A, uri(min(relation.range))),
            (subject, uri(name), value),
        )
    ]
    assert closure_errors(*example) == []


@pytest.mark.parametrize(
    "contradiction",
    [
        [(URIRef("urn:x"), A, uri("Person")), (URIRef("urn:x"), A, uri("Place"))],
        [(URIRef("urn:x"), A, uri("Claim")), (URIRef("urn:x"), uri("investsIn"), URIRef("urn:y"))],
        [(URIRef("urn:c"), uri("polarity"), uri("affirmed")), (URIRef("urn:c"), uri("polarity"), uri("negated"))],
    ],
    ids=["two kinds", "claim that invests", "two polarities"],
)
def test_a_contradiction_is_one(contradiction: list[tuple[URIRef, URIRef, URIRef]]):
    assert closure_errors(*contradiction)


def test_known_entities_are_consistent_with_the_ontology():
    """Names take no part in the reasoning: a label contradicts nothing."""
    telling = [t for t in GAZETTEER if t.predicate not in {RDFS("label"), SKOS("altLabel"), AIKG("country")}]
    linked = {t.subject for t in telling if t.predicate != RDF("type")}
    graph = Graph()
    graph.parse(data="".join(f"{t} .\n" for t in telling if t.subject in linked), format="nt")
    assert len(linked) > 100
    assert closure_errors(*graph) == []


def test_known_entities_and_ontology_conform_to_the_shapes():
    graph = Store()
    graph.extend(ontology.ontology_quads(BASE))
    graph.extend(Quad(t.subject, t.predicate, t.object, IRIS.knowledge) for t in GAZETTEER)
    report = validate(graph)
    assert report.violations == ()
    assert report.checked["entity"] == len(SCHEMA_READ.known_entities)


def test_the_shapes_are_shacl():
    shapes = Graph().parse(ROOT / "ontology" / "shapes.ttl")
    pyshacl.validate(Graph(), shacl_graph=shapes, meta_shacl=True)  # raises ShapeLoadError for shapes that are none


def test_no_blank_node_and_no_triple_twice_in_the_data_files():
    for name in ("aikg.ttl", "relations.ttl", "entities.ttl"):
        written = ontology._parsed(name, BASE)
        assert [t for t, count in Counter(written).items() if count > 1] == []
        assert not any(type(term).__name__ == "BlankNode" for triple in written for term in triple)


def test_no_two_known_entities_are_the_same_item_of_wikidata():
    items = Counter(triple.object.value for triple in GAZETTEER if triple.predicate == OWL("sameAs"))
    assert len(items) > 50
    assert [item for item, count in items.items() if count > 1] == []


def test_known_entities_are_sorted():
    subjects = list(dict.fromkeys(triple.subject.value for triple in GAZETTEER))
    assert subjects == sorted(subjects)


@pytest.mark.shared
def test_only_checked_identifiers_are_linked_to_wikidata(shared_dir: Path):
    """Grades A and B alone: checked against Wikidata itself, or by two independent sources."""
    with (shared_dir / "data" / "wikidata" / "entities.tsv").open(encoding="utf-8", newline="") as file:
        checked = {row["qid"] for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE) if row["grade"] in {"A", "B"}}
    linked = {triple.object.value.rpartition("/")[2] for triple in GAZETTEER if triple.predicate == OWL("sameAs")}
    assert sorted(linked - checked) == []


def test_a_damaged_data_file_is_reported_with_its_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    (tmp_path / "entities.ttl").write_text("<entity/A> a aikg:Company .\n")
    monkeypatch.setattr(ontology, "data_dir", lambda name: tmp_path)
    with pytest.raises(DataError, match=r"entities\.ttl, line 1: .*mend the file"):
        ontology._parsed("entities.ttl", BASE)
    with pytest.raises(DataError, match=r"cannot read .*shapes\.ttl.*install aikg again"):
        ontology.shape_triples()
