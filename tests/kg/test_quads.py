"""What an article's graph says: exactly what was extracted, in canonical terms, each triple once."""

from dataclasses import replace

import pytest
from claims_graph import IRIS, RUN, Said, entity, extraction, known, new
from pyoxigraph import Literal, NamedNode, Quad, Store

from ingest.model import Article, EntityType, Extraction, Modality, Polarity
from kg.iris import AIKG, DCTERMS, ITSRDF, NIF, PROV, RDF, RDFS, SCHEMA, XSD
from kg.quads import (
    Run,
    article_graph,
    claim_id,
    claim_label,
    content_hash,
    dataset_quads,
    fingerprint,
    run_quads,
    statement_id,
)

MICROSOFT, MISTRAL = known("Microsoft", "Microsoft"), known("Mistral AI", "Mistral_AI")
STAKE = Said("🇫🇷 Microsoft took a stake in Mistral AI.", MICROSOFT, "investsIn", MISTRAL, confidence=0.87)
DENIED = Said("Mistral AI denied that Microsoft took a stake.", MICROSOFT, "investsIn", MISTRAL, Polarity.NEGATED, attribution=MISTRAL)
FOUND = extraction("stake", STAKE, DENIED, title="A stake", date="2024-02-27", publisher="The Graph", url="https://example.org/stake")
ARTICLE, GRAPH = IRIS.article("stake"), IRIS.graph("stake")


def quads(found: Extraction, *, keep_text: bool = False, symmetric: frozenset[str] = frozenset({"partnersWith"})) -> frozenset[Quad]:
    return article_graph(found, IRIS, RUN, symmetric=symmetric, keep_text=keep_text).quads


def about(written: frozenset[Quad], subject: NamedNode) -> dict[str, set[object]]:
    found: dict[str, set[object]] = {}
    for quad in written:
        if quad.subject == subject:
            found.setdefault(quad.predicate.value, set()).add(quad.object)
    return found


def test_every_quad_of_an_article_is_in_its_graph():
    assert {quad.graph_name for quad in quads(FOUND)} == {GRAPH}


def test_a_claim_has_its_statement_qualifiers_evidence_and_provenance():
    claim = IRIS.claim(claim_id("stake", FOUND.claims[1]))
    start = FOUND.article.text.index(DENIED.sentence)
    said = about(quads(FOUND), claim)
    expected = {
        RDF("type"): AIKG("Claim"),
        RDFS("label"): Literal("Microsoft invests in Mistral AI (negated, according to Mistral AI)", language="en"),
        AIKG("states"): IRIS.statement(statement_id(FOUND.claims[1], frozenset())),
        AIKG("polarity"): AIKG("negated"),
        AIKG("modality"): AIKG("actual"),
        AIKG("attributedTo"): entity("Mistral_AI"),
        AIKG("confidence"): Literal("0.8", datatype=XSD("decimal")),
        AIKG("evidence"): IRIS.sentence("stake", start, start + len(DENIED.sentence)),
        PROV("wasDerivedFrom"): ARTICLE,
        PROV("wasGeneratedBy"): IRIS.run(RUN.id),
    }
    for predicate, value in expected.items():
        assert said[predicate.value] == {value}, predicate


def test_offsets_are_code_points_and_find_the_anchor_in_the_text():
    strings = {}
    for quad in quads(FOUND):
        if quad.predicate in {NIF("beginIndex"), NIF("endIndex"), NIF("anchorOf")}:
            strings.setdefault(quad.subject, {})[quad.predicate.value.rpartition("#")[2]] = quad.object.value
    assert len(strings) == 6  # two sentences; two mentions each, both of Mistral AI and of Microsoft
    for found in strings.values():
        assert FOUND.article.text[int(found["beginIndex"]) : int(found["endIndex"])] == found["anchorOf"]
    assert {found["beginIndex"] for found in strings.values() if found["anchorOf"] == "Microsoft"} == {"3", "64"}


def test_an_article_carries_its_metadata_and_the_hash_of_its_text():
    said = about(quads(FOUND), ARTICLE)
    assert said[RDF("type").value] == {SCHEMA("NewsArticle"), NIF("Context"), PROV("Entity")}
    assert said[DCTERMS("title").value] == {Literal("A stake")}
    assert said[DCTERMS("date").value] == {Literal("2024-02-27", datatype=XSD("date"))}
    assert said[DCTERMS("source").value] == {NamedNode("https://example.org/stake")}
    assert said[DCTERMS("publisher").value] == {Literal("The Graph")}
    assert said[DCTERMS("language").value] == {Literal("en")}
    assert DCTERMS("creator").value not in said
    assert said[AIKG("contentHash").value] == {Literal(content_hash(FOUND.article.text))}


def test_the_text_is_stored_only_on_request():
    assert NIF("isString").value not in about(quads(FOUND), ARTICLE)
    assert about(quads(FOUND, keep_text=True), ARTICLE)[NIF("isString").value] == {Literal(FOUND.article.text)}


@pytest.mark.parametrize("date", ["2024-02-30", "27 February 2024", "20240227"])
def test_a_date_that_is_none_stays_a_text(date: str):
    found = replace(FOUND, article=replace(FOUND.article, date=date))
    assert about(quads(found), ARTICLE)[DCTERMS("date").value] == {Literal(date)}


def test_a_source_that_is_no_iri_stays_a_text():
    found = replace(FOUND, article=replace(FOUND.article, url="the web"))
    assert about(quads(found), ARTICLE)[DCTERMS("source").value] == {Literal("the web")}


@pytest.mark.parametrize(("confidence", "written"), [(0.0, "0"), (1.0, "1"), (0.5, "0.5"), (0.1 + 0.2, "0.3"), (0.9996, "1"), (1e-9, "0")])
def test_a_confidence_is_a_decimal_in_its_canonical_form(confidence: float, written: str):
    found = extraction("stake", replace(STAKE, confidence=confidence))
    (value,) = {q.object for q in quads(found) if q.predicate == AIKG("confidence")}
    assert value == Literal(written, datatype=XSD("decimal"))


def test_a_store_gives_back_what_was_written():
    kept = Store()
    kept.extend(quads(FOUND, keep_text=True))
    assert set(kept) == quads(FOUND, keep_text=True)


def test_the_two_directions_of_a_symmetric_relation_are_one_statement():
    there = extraction("a", Said("Microsoft works with Mistral AI.", MICROSOFT, "partnersWith", MISTRAL)).claims[0]
    back = extraction("a", Said("Microsoft works with Mistral AI.", MISTRAL, "partnersWith", MICROSOFT)).claims[0]
    assert statement_id(there, frozenset({"partnersWith"})) == statement_id(back, frozenset({"partnersWith"}))
    assert statement_id(there, frozenset()) != statement_id(back, frozenset())


def test_a_claim_found_twice_is_one_and_the_surer_one():
    sure, unsure = FOUND.claims[0], replace(FOUND.claims[0], confidence=0.3)
    for claims in ((sure, unsure), (unsure, sure)):
        written = quads(replace(FOUND, claims=claims))
        assert {q.object.value for q in written if q.predicate == AIKG("confidence")} == {"0.87"}


def test_a_span_that_only_a_claim_points_at_is_a_mention_too():
    found = replace(FOUND, mentions=())
    written = quads(found)
    for predicate in (AIKG("subjectMention"), AIKG("objectMention")):
        for quad in written:
            if quad.predicate == predicate:
                assert about(written, quad.object)[RDF("type").value] >= {AIKG("Mention")}
                assert about(written, quad.object)[ITSRDF("taIdentRef").value]


def test_the_same_article_gives_the_same_quads_whatever_the_order_of_what_was_found():
    turned = replace(FOUND, claims=FOUND.claims[::-1], mentions=FOUND.mentions[::-1], entities=FOUND.entities[::-1])
    assert quads(turned) == quads(FOUND)


def test_the_base_iri_reaches_every_name_of_ours():
    from kg.iris import Iris

    elsewhere = article_graph(FOUND, Iris("https://example.org/kg/"), RUN, symmetric=frozenset()).quads
    assert not [quad for quad in elsewhere if "localhost" in str(quad)]


@pytest.mark.parametrize("field", ["title", "date", "author", "publisher", "url", "language", "text", "id"])
def test_the_fingerprint_changes_with_everything_that_the_graph_depends_on(field: str):
    changed = replace(FOUND.article, **{field: getattr(FOUND.article, field) + "x"})
    assert fingerprint(changed, keep_text=False) != fingerprint(FOUND.article, keep_text=False)
    assert fingerprint(FOUND.article, keep_text=True) != fingerprint(FOUND.article, keep_text=False)


def test_an_unpaired_surrogate_is_refused():
    with pytest.raises(ValueError, match="surrogate"):
        quads(Extraction(Article("a", "bad \ud800 text"), (), (), ()))


def test_a_run_is_a_hash_of_its_versions_in_any_order():
    run = Run({"pipeline": "1", "model": "2"})
    assert run.id == Run({"model": "2", "pipeline": "1"}).id != Run({"model": "1", "pipeline": "2"}).id
    assert {quad.graph_name for quad in run_quads(run, IRIS)} == {IRIS.meta}
    assert (AIKG("pipelineVersion"), Literal("1")) in {(quad.predicate, quad.object) for quad in run_quads(run, IRIS)}


def test_a_claim_in_words_names_its_qualifiers():
    labels = {"Mistral_AI": "Mistral AI"}
    claim = replace(FOUND.claims[0], modality=Modality.PLANNED)
    assert claim_label(claim, labels) == "Microsoft invests in Mistral AI (planned)"
    assert claim_label(FOUND.claims[0], labels) == "Microsoft invests in Mistral AI"


def test_the_dataset_describes_itself_in_the_meta_graph():
    described = dataset_quads(IRIS)
    assert {quad.graph_name for quad in described} == {IRIS.meta}
    assert len(set(described)) == len(described)


def test_a_new_entity_is_typed_by_its_mentions():
    found = extraction("a", Said("Lumigraph uses Mistral AI.", new("Lumigraph", EntityType.COMPANY), "uses", MISTRAL))
    refs = {(q.subject, q.object) for q in quads(found) if q.predicate == ITSRDF("taIdentRef")}
    classes = {q.subject: q.object for q in quads(found) if q.predicate == ITSRDF("taClassRef")}
    assert {classes[mention] for mention, what in refs if what == entity("Lumigraph")} == {AIKG("Company")}
