"""The knowledge graph is a function of gazetteer and article graphs: what came when, or went, leaves no trace."""

from collections.abc import Iterable
from itertools import permutations

import pytest
from claims_graph import BASE, IRIS, RUN, Name, Said, entity, extraction, known, new
from hypothesis import given, settings
from hypothesis import strategies as st
from pyoxigraph import Literal, NamedNode, Quad, Store

from ingest.model import EntityType, Extraction, Modality, Polarity
from kg import ontology
from kg.iris import AIKG, OWL, RDF, RDFS, SKOS
from kg.knowledge import KnowledgeGraph, KnownEntities
from kg.quads import ArticleGraph, Run, article_graph, statement_id

KNOWN = KnownEntities({IRIS.entity(name).value: about for name, about in ontology.known_entity_quads(BASE).items()})
SYMMETRIC = frozenset({"partnersWith", "competesWith"})
MICROSOFT, MISTRAL, OPENAI = known("Microsoft", "Microsoft"), known("Mistral AI", "Mistral_AI"), known("OpenAI", "OpenAI")
LUMIGRAPH = new("Lumigraph", EntityType.COMPANY)

STAKE = Said("Microsoft took a stake in Mistral AI.", MICROSOFT, "investsIn", MISTRAL)
PLANNED = Said("Microsoft will take a stake in Mistral AI.", MICROSOFT, "investsIn", MISTRAL, modality=Modality.PLANNED)
DENIED = Said("Microsoft took no stake in Mistral AI.", MICROSOFT, "investsIn", MISTRAL, Polarity.NEGATED)
NEW = Said("Lumigraph uses OpenAI.", LUMIGRAPH, "uses", OPENAI)
SAID = Said("OpenAI is backed by Microsoft, Lumigraph said.", MICROSOFT, "investsIn", OPENAI, attribution=LUMIGRAPH)
TOGETHER = Said("OpenAI works with Microsoft.", OPENAI, "partnersWith", MICROSOFT)
TOGETHER_TOO = Said("Microsoft works with OpenAI.", MICROSOFT, "partnersWith", OPENAI)
DIRECT = (entity("Microsoft"), AIKG("investsIn"), entity("Mistral_AI"))


def graph_of(found: Extraction, run: Run = RUN) -> ArticleGraph:
    return article_graph(found, IRIS, run, symmetric=SYMMETRIC)


class Stored:
    """A store that article graphs are put into and taken out of."""

    def __init__(self) -> None:
        self.store = Store()
        self.graph = KnowledgeGraph(self.store.quads_for_pattern, IRIS, KNOWN)

    def put(self, *found: Extraction, run: Run = RUN) -> "Stored":
        return self._apply(self.graph.replace([graph_of(one, run) for one in found], run))

    def remove(self, *names: str) -> "Stored":
        return self._apply(self.graph.remove(names))

    def _apply(self, change) -> "Stored":
        assert not change.removed & change.added
        assert all(quad in self.store for quad in change.removed)
        assert not any(quad in self.store for quad in change.added)
        for quad in change.removed:
            self.store.remove(quad)
        self.store.extend(change.added)
        return self

    def quads(self) -> set[Quad]:
        return set(self.store)

    def about(self, subject: NamedNode, predicate: NamedNode) -> set[str]:
        return {quad.object.value for quad in self.store.quads_for_pattern(subject, predicate, None, IRIS.knowledge)}

    def has(self, *triple: NamedNode) -> bool:
        return Quad(*triple, IRIS.knowledge) in self.store


ARTICLES = [
    extraction("a", STAKE, NEW),
    extraction("b", PLANNED, SAID, TOGETHER),
    extraction("c", DENIED, TOGETHER_TOO),
    extraction("d", STAKE),
]


@pytest.mark.parametrize(("said", "direct"), [(STAKE, True), (PLANNED, False), (DENIED, False)])
def test_only_what_is_affirmed_as_actual_becomes_a_direct_triple(said: Said, direct: bool):
    found = extraction("a", said)
    stored = Stored().put(found)
    assert stored.has(*DIRECT) == direct
    assert stored.has(IRIS.statement(statement_id(found.claims[0], SYMMETRIC)), RDF("type"), RDF("Statement"))


def test_one_affirmation_is_enough_for_a_direct_triple_and_it_goes_with_it():
    stored = Stored().put(*ARTICLES[:3])
    assert stored.has(*DIRECT)
    stored.remove("a")
    assert not stored.has(*DIRECT)
    assert stored.put(ARTICLES[3]).has(*DIRECT)


def test_a_direct_triple_stays_while_another_article_affirms_it():
    assert Stored().put(ARTICLES[0], ARTICLES[3]).remove("a").has(*DIRECT)


def test_both_directions_of_a_symmetric_relation_are_one_direct_triple():
    stored = Stored().put(ARTICLES[1], ARTICLES[2])
    assert len(list(stored.store.quads_for_pattern(None, AIKG("partnersWith"), None, IRIS.knowledge))) == 1
    assert len(list(stored.store.quads_for_pattern(None, RDF("predicate"), AIKG("partnersWith"), IRIS.knowledge))) == 1


def test_each_triple_is_in_one_graph():
    quads = Stored().put(*ARTICLES).quads()
    assert len({quad.triple for quad in quads}) == len(quads)


def test_a_known_entity_is_what_the_gazetteer_says():
    stored = Stored().put(
        extraction("a", Said("Mistral took money from Microsoft.", MICROSOFT, "investsIn", known("Mistral", "Mistral_AI")))
    )
    said = {quad.triple for quad in stored.store.quads_for_pattern(entity("Mistral_AI"), None, None, IRIS.knowledge)}
    assert said == set(KNOWN.triples[entity("Mistral_AI").value])
    assert stored.about(entity("Microsoft"), OWL("sameAs")) == {"http://www.wikidata.org/entity/Q2283"}


def test_a_new_entity_has_the_names_and_kinds_that_articles_give_it():
    person = Name("Lumigraph", LUMIGRAPH.id, EntityType.PERSON)
    stored = Stored().put(ARTICLES[0], extraction("b", Said("Lumigraph left OpenAI.", person, "worksFor", OPENAI)))
    assert stored.about(entity("Lumigraph"), RDFS("label")) == {"Lumigraph"}
    assert stored.about(entity("Lumigraph"), RDF("type")) == {AIKG("Company").value, AIKG("Person").value}
    stored.remove("b")
    assert stored.about(entity("Lumigraph"), RDF("type")) == {AIKG("Company").value}


def test_another_name_of_a_new_entity_comes_and_goes_with_who_uses_it():
    short = Name("Lumi", LUMIGRAPH.id, EntityType.COMPANY)
    stored = Stored().put(ARTICLES[0], extraction("b", Said("Lumi uses Mistral AI.", short, "uses", MISTRAL)))
    assert stored.about(entity("Lumigraph"), SKOS("altLabel")) == {"Lumi"}
    assert stored.remove("b").about(entity("Lumigraph"), SKOS("altLabel")) == set()


def test_who_is_only_quoted_is_an_entity_too():
    stored = Stored().put(extraction("b", SAID))
    assert stored.about(entity("Lumigraph"), RDFS("label")) == {"Lumigraph"}
    assert stored.remove("b").quads() == set()


def test_ingesting_again_changes_nothing():
    stored = Stored().put(*ARTICLES)
    assert not stored.graph.replace([graph_of(one) for one in ARTICLES], RUN)


def test_a_changed_version_and_the_first_again_leave_no_trace():
    first = Stored().put(*ARTICLES)
    before = first.quads()
    first.put(extraction("a", PLANNED, SAID))
    assert first.quads() != before
    assert first.put(ARTICLES[0]).quads() == before


def test_removing_everything_leaves_nothing():
    assert Stored().put(*ARTICLES).remove("a", "b", "c", "d").quads() == set()


def test_removing_what_is_not_there_changes_nothing():
    assert not Stored().put(*ARTICLES).graph.remove(["nobody"])


@pytest.mark.parametrize("order", list(permutations(range(4))), ids=str)
def test_the_order_in_which_articles_come_leaves_no_trace(order: tuple[int, ...]):
    together = Stored().put(*ARTICLES)
    one_by_one = Stored()
    for position in order:
        one_by_one.put(ARTICLES[position])
    assert one_by_one.quads() == together.quads()


STEPS = st.lists(
    st.tuples(st.sampled_from("abc"), st.none() | st.lists(st.sampled_from([STAKE, PLANNED, DENIED, NEW, SAID, TOGETHER, TOGETHER_TOO]))),
    max_size=12,
)


@settings(max_examples=60, deadline=None)
@given(STEPS)
def test_whatever_happened_the_graph_is_what_its_articles_say(steps: Iterable[tuple[str, list[Said] | None]]):
    stored, left = Stored(), {}
    for name, said in steps:
        if said is None:
            stored.remove(name)
            left.pop(name, None)
        else:
            left[name] = extraction(name, *said)
            stored.put(left[name])
    assert stored.quads() == Stored().put(*left.values()).quads()
    assert not stored.graph.rebuild()


def test_a_run_is_described_as_long_as_an_article_is_of_it():
    other = Run({**RUN.description, "pipeline": "2"})
    stored = Stored().put(*ARTICLES).put(ARTICLES[0], run=other)
    runs = {quad.subject for quad in stored.store.quads_for_pattern(None, RDF("type"), AIKG("Run"), IRIS.meta)}
    assert runs == {IRIS.run(RUN.id), IRIS.run(other.id)}
    stored.put(*ARTICLES, run=other)
    runs = {quad.subject for quad in stored.store.quads_for_pattern(None, RDF("type"), AIKG("Run"), IRIS.meta)}
    assert runs == {IRIS.run(other.id)}


def test_a_rebuild_puts_right_what_was_changed_by_hand_or_by_a_new_gazetteer():
    stored = Stored().put(*ARTICLES)
    before = stored.quads()
    stored.store.remove(Quad(*DIRECT, IRIS.knowledge))
    stored.store.add(Quad(entity("Nobody"), RDFS("label"), Literal("Nobody", language="en"), IRIS.knowledge))
    stored.store.add(Quad(entity("Microsoft"), SKOS("altLabel"), Literal("Old name", language="en"), IRIS.knowledge))
    stored._apply(stored.graph.rebuild())
    assert stored.quads() == before


def test_a_name_broken_over_two_lines_is_no_name():
    broken = Name("Lumi\ngraph", LUMIGRAPH.id, EntityType.COMPANY)
    stored = Stored().put(extraction("a", Said("Lumi\ngraph uses OpenAI.", broken, "uses", OPENAI)))
    assert stored.about(entity("Lumigraph"), SKOS("altLabel")) == set()


def test_replacing_one_article_looks_only_at_what_it_touches():
    """The number of look-ups does not grow with the number of other articles."""

    def looked_up(others: int) -> int:
        stored = Stored().put(*(extraction(f"other{number}", STAKE) for number in range(others)), *ARTICLES)
        count = 0

        def counting(*pattern):
            nonlocal count
            for quad in stored.store.quads_for_pattern(*pattern):
                count += 1
                yield quad

        KnowledgeGraph(counting, IRIS, KNOWN).replace([graph_of(extraction("a", PLANNED))], RUN)
        return count

    assert looked_up(100) == looked_up(2)
