"""Saved queries: each on a small graph, with its parameters bound and left open; a query file without an example here fails."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from claims_graph import BASE, IRIS, Said, entity, extraction, known, new, store
from pyoxigraph import Literal, NamedNode, Store, Variable

from ingest.model import EntityType, Modality, Polarity
from kg import queries
from kg.errors import DataError, QueryError
from kg.iris import AIKG, XSD
from kg.queries import Parameter, ParameterType, SavedQuery

MICROSOFT, MISTRAL, OPENAI = known("Microsoft", "Microsoft"), known("Mistral AI", "Mistral_AI"), known("OpenAI", "OpenAI")
FRANCE, GERMANY = known("Paris", "Government_of_France"), known("the German government", "Government_of_Germany")
AI_ACT, CMA, META = (
    known("AI Act", "Artificial_Intelligence_Act"),
    known("CMA", "Competition_and_Markets_Authority"),
    known("Meta", "Meta_Platforms"),
)
LUMIGRAPH = new("Lumigraph", EntityType.COMPANY)

STAKE = Said("Microsoft took a stake in Mistral AI.", MICROSOFT, "investsIn", MISTRAL)
PLANNED = Said("Microsoft will also invest in Lumigraph.", MICROSOFT, "investsIn", LUMIGRAPH, modality=Modality.PLANNED)
DENIED = Said("Mistral AI denied that Microsoft took a stake.", MICROSOFT, "investsIn", MISTRAL, Polarity.NEGATED, attribution=MISTRAL)
AGAINST = Said("Paris and the German government opposed the AI Act.", FRANCE, "opposes", AI_ACT)
AGAINST_TOO = Said("Paris and the German government opposed the AI Act.", GERMANY, "opposes", AI_ACT)
FOR = Said("Meta may come to support the AI Act.", META, "supports", AI_ACT, modality=Modality.POSSIBLE)
PARTNERS = Said("OpenAI is a partner of Microsoft, the CMA said.", OPENAI, "partnersWith", MICROSOFT, attribution=CMA)


@pytest.fixture(scope="module")
def graph() -> Store:
    return store(
        extraction("stake", STAKE, PLANNED, title="A stake", date="2024-02-27", publisher="The Daily Graph"),
        extraction("denial", DENIED, title="A denial", date="2024-03-01"),
        extraction("act", AGAINST, AGAINST_TOO, FOR),
        extraction("partners", PARTNERS),
    )


type Rows = list[tuple[str, ...]]


@pytest.fixture(scope="module")
def ask(graph: Store) -> Callable[..., Rows]:
    """Runs a saved query; rows of the columns asked for, sorted."""

    def run(name: str, *columns: str, **arguments: str) -> Rows:
        query = queries.find(name)
        bindings = queries.bind(query, arguments, partial(queries.find_entity, graph, IRIS))
        solutions = graph.query(query.text, substitutions=bindings, use_default_graph_as_union=True)
        return sorted(tuple(s[c].value if s[c] is not None else "" for c in columns) for s in solutions)  # type: ignore[union-attr]

    return run


SPO = ("subjectLabel", "relationLabel", "objectLabel")

# query, columns, arguments, rows: every saved query is here at least once
EXAMPLES = [
    ("who-invests-in-whom", ("investorLabel", "organizationLabel", "polarity", "modality", "sentence"), {}, [
        ("Microsoft", "Lumigraph", "affirmed", "planned", PLANNED.sentence),
        ("Microsoft", "Mistral AI", "affirmed", "actual", STAKE.sentence),
        ("Microsoft", "Mistral AI", "negated", "actual", DENIED.sentence),
    ]),
    ("who-invests-in-whom", ("organizationLabel",), {"investor": "Microsoft", "organization": "Lumigraph"}, [("Lumigraph",)]),
    ("who-invests-in-whom", ("organizationLabel",), {"investor": "OpenAI"}, []),
    ("positions-on-a-regulation", ("agentLabel", "positionLabel", "regulationLabel", "modality", "sentence"), {"regulation": "AI Act"}, [
        ("Government of France", "opposes", "Artificial Intelligence Act", "actual", AGAINST.sentence),
        ("Government of Germany", "opposes", "Artificial Intelligence Act", "actual", AGAINST.sentence),
        ("Meta Platforms", "supports", "Artificial Intelligence Act", "possible", FOR.sentence),
    ]),
    ("positions-on-a-regulation", ("agentLabel",), {"position": "supports"}, [("Meta Platforms",)]),
    ("positions-on-a-regulation", ("positionLabel",), {"agent": "German government"}, [("opposes",)]),
    ("claims-about-an-entity", (*SPO, "attributedTo"), {"entity": "OpenAI"}, [
        ("Microsoft", "partners with", "OpenAI", "Competition and Markets Authority"),
    ]),
    ("claims-about-an-entity", SPO, {"entity": "Microsoft", "relation": "partnersWith"}, [("Microsoft", "partners with", "OpenAI")]),
    ("denied-or-hedged", (*SPO, "polarity", "modality"), {}, [
        ("Meta Platforms", "supports", "Artificial Intelligence Act", "affirmed", "possible"),
        ("Microsoft", "invests in", "Lumigraph", "affirmed", "planned"),
        ("Microsoft", "invests in", "Mistral AI", "negated", "actual"),
    ]),
    ("denied-or-hedged", ("objectLabel",), {"subject": "Microsoft", "relation": "investsIn", "object": "Mistral"}, [("Mistral AI",)]),
    ("sources-of-a-statement", ("polarity", "title", "publisher", "date"), {"subject": "Microsoft", "object": "Mistral AI"}, [
        ("affirmed", "A stake", "The Daily Graph", "2024-02-27"),
        ("negated", "A denial", "", "2024-03-01"),
    ]),
    ("sources-of-a-statement", SPO, {"subject": "OpenAI", "relation": "partnersWith"}, [("OpenAI", "partners with", "Microsoft")]),
    ("disputed-statements", (*SPO, "polarity", "sentence"), {}, [
        ("Microsoft", "invests in", "Mistral AI", "affirmed", STAKE.sentence),
        ("Microsoft", "invests in", "Mistral AI", "negated", DENIED.sentence),
    ]),
    ("disputed-statements", SPO, {"relation": "opposes"}, []),
    ("who-said-what", ("attributedTo", *SPO, "polarity"), {}, [
        ("Competition and Markets Authority", "Microsoft", "partners with", "OpenAI", "affirmed"),
        ("Mistral AI", "Microsoft", "invests in", "Mistral AI", "negated"),
    ]),
    ("who-said-what", ("attributedTo",), {"speaker": "CMA", "relation": "partnersWith"}, [("Competition and Markets Authority",)]),
]  # fmt: skip


@pytest.mark.parametrize(("name", "columns", "arguments", "rows"), EXAMPLES)
def test_saved_query_answers_its_example(
    ask: Callable[..., Rows], name: str, columns: tuple[str, ...], arguments: dict[str, str], rows: Rows
) -> None:
    assert ask(name, *columns, **arguments) == rows


def test_every_saved_query_has_an_example_and_every_parameter_is_given_in_one() -> None:
    shown = {name for name, _, _, _ in EXAMPLES}
    given = {(name, argument) for name, _, arguments, _ in EXAMPLES for argument in arguments}
    saved = queries.load()
    assert shown == set(saved)
    assert given == {(query.name, parameter.name) for query in saved.values() for parameter in query.parameters}


@pytest.mark.parametrize("query", queries.load().values(), ids=lambda query: query.name)
def test_every_row_of_a_saved_query_shows_sentence_article_and_qualifiers(query: SavedQuery) -> None:
    columns = {variable.value for variable in Store().query(query.text).variables}  # type: ignore[union-attr]
    assert {"sentence", "article", "polarity", "modality"} <= columns
    assert {parameter.name for parameter in query.parameters} <= columns  # or Oxigraph cannot bind them
    assert "ORDER BY" in query.text


def test_the_five_queries_that_the_readme_promises_are_there() -> None:
    promised = {"who-invests-in-whom", "positions-on-a-regulation", "claims-about-an-entity", "denied-or-hedged", "sources-of-a-statement"}
    assert promised <= set(queries.load())


def test_one_claim_is_one_row_when_a_parameter_is_left_open(ask: Callable[..., Rows]) -> None:
    assert len(ask("claims-about-an-entity", "sentence", entity="Mistral AI")) == 2


@pytest.mark.parametrize("text", ["Mistral AI", "Mistral_AI", f"{BASE}entity/Mistral_AI", "Mistral", "mistral ai", "MISTRAL  AI"])
def test_an_entity_is_found_by_iri_id_or_name_in_any_case(graph: Store, text: str) -> None:
    assert queries.find_entity(graph, IRIS, text) == entity("Mistral_AI")


def test_a_name_is_found_without_its_article(graph: Store) -> None:
    assert queries.find_entity(graph, IRIS, "the lumigraph") == entity("Lumigraph")


def test_an_unknown_entity_is_reported_with_the_closest_names(graph: Store) -> None:
    with pytest.raises(QueryError, match=r"no entity is called 'Mistrel AI'; did you mean 'Mistral AI'"):
        queries.find_entity(graph, IRIS, "Mistrel AI")


def test_a_name_of_two_entities_is_reported_with_their_ids() -> None:
    falcons = store(
        extraction(
            "falcon",
            Said("Falcon was made by Falcon Labs.", new("Falcon", EntityType.COMPANY), "uses", known("Falcon", "Falcon")),
            Said("GPT-4 is used by falcon.", new("falcon", EntityType.COMPANY), "uses", known("GPT-4", "GPT-4")),
        )
    )
    assert queries.find_entity(falcons, IRIS, "Falcon") == entity("Falcon")
    with pytest.raises(QueryError, match=r"2 entities are called 'FALCON': Falcon, falcon; give one of these ids"):
        queries.find_entity(falcons, IRIS, "FALCON")


def test_an_unknown_query_is_reported_with_the_closest_name() -> None:
    with pytest.raises(QueryError, match=r"no saved query is called 'who-invests-in-who'; did you mean 'who-invests-in-whom'"):
        queries.find("who-invests-in-who")


def _query(kind: ParameterType, *, default: str | None = None, required: bool = False) -> SavedQuery:
    return SavedQuery("test", "", "", (Parameter("value", kind, "the value", default, required),), "")


def _nobody(text: str) -> NamedNode:
    raise QueryError(f"no entity is called {text!r}")


@pytest.mark.parametrize(
    ("kind", "text", "term"),
    [
        (ParameterType.STRING, 'he said "}"', Literal('he said "}"')),
        (ParameterType.INTEGER, "-007", Literal("-7", datatype=XSD("integer"))),
        (ParameterType.DATE, "2024-02-29", Literal("2024-02-29", datatype=XSD("date"))),
        (ParameterType.IRI, "https://example.org/a", NamedNode("https://example.org/a")),
        (ParameterType.RELATION, "investsIn", AIKG("investsIn")),
        (ParameterType.RELATION, AIKG("investsIn").value, AIKG("investsIn")),
    ],
)
def test_an_argument_becomes_a_term_of_its_type(kind: ParameterType, text: str, term: NamedNode | Literal) -> None:
    assert queries.bind(_query(kind), {"value": text}, _nobody) == {Variable("value"): term}
    assert queries.bind(_query(kind, default=text), {}, _nobody) == {Variable("value"): term}


@pytest.mark.parametrize(
    ("kind", "text", "message"),
    [
        (ParameterType.INTEGER, "seven", "'seven' is no whole number"),
        (ParameterType.INTEGER, "1.5", "'1.5' is no whole number"),
        (ParameterType.DATE, "27 February", "'27 February' is no date; write it as 2024-02-27"),
        (ParameterType.DATE, "2023-02-29", "day is out of range for month"),
        (ParameterType.IRI, "a> . DROP ALL #", "is no absolute IRI"),
        (ParameterType.RELATION, "investIn", "no relation is called 'investIn'; did you mean 'investsIn'"),
        (ParameterType.ENTITY, "Nobody", "no entity is called 'Nobody'"),
    ],
)
def test_an_argument_that_is_not_of_its_type_is_refused(kind: ParameterType, text: str, message: str) -> None:
    with pytest.raises(QueryError, match=f"parameter value of saved query test: .*{message}"):
        queries.bind(_query(kind), {"value": text}, _nobody)


def test_an_argument_is_one_of_the_choices() -> None:
    query = queries.find("positions-on-a-regulation")
    for value in ("supports", AIKG("supports").value):
        assert queries.bind(query, {"position": value}, _nobody) == {Variable("position"): AIKG("supports")}
    with pytest.raises(QueryError, match="'acquires' is none of supports, opposes, criticizes, lobbies"):
        queries.bind(query, {"position": "acquires"}, _nobody)


def test_an_argument_that_no_parameter_takes_is_refused() -> None:
    with pytest.raises(QueryError, match=r"has no parameter 'vaule'; did you mean 'value'\?; it has value"):
        queries.bind(_query(ParameterType.STRING), {"vaule": "x"}, _nobody)


def test_a_required_argument_that_is_missing_is_named() -> None:
    with pytest.raises(QueryError, match=r"saved query test needs value \(string\): the value"):
        queries.bind(_query(ParameterType.STRING, required=True), {}, _nobody)


def test_an_argument_cannot_change_the_query(graph: Store) -> None:
    query = SavedQuery("test", "", "", (Parameter("name", ParameterType.STRING, "a name"),), "SELECT ?name { ?e ?p ?name }")
    bindings = queries.bind(query, {"name": '"} UNION { ?e ?p ?name } #'}, _nobody)
    assert list(graph.query(query.text, substitutions=bindings, use_default_graph_as_union=True)) == []


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ("#+ summary: [", "are no YAML"),
        ("#+ summary: only this", "must give summary and description"),
        ("SELECT * {}", "must give summary and description"),
        ("#+ summary: s\n#+ description: d\n#+ parameters:\n#+   - {name: x, type: entty, description: d}", "'entty' is not a valid"),
        ("#+ summary: s\n#+ description: d\n#+ parameters:\n#+   - {name: x, type: entity}", "'description'"),
    ],
)
def test_a_damaged_header_is_reported_with_its_file(tmp_path: Path, header: str, message: str) -> None:
    (tmp_path / "bad.rq").write_text(header)
    with pytest.raises(DataError, match=f"bad.rq: .*{message}"):
        queries.load(tmp_path)
