"""Whatever SPARQL is sent, the service never fails: it answers, or says what is wrong with the query.

`AIKG_FUZZ_S=600 pytest tests/web/test_random_sparql.py` goes on for ten minutes, with other queries every time.
"""

import os
import time
from collections.abc import Iterator

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from serving import Server

FUZZ_S = float(os.environ.get("AIKG_FUZZ_S", "0"))
FORMATS = ["json", "xml", "csv", "tsv", "turtle", "jsonld", "ntriples", "rdfxml", "trig", "nquads"]


def words(*alternatives: str) -> st.SearchStrategy[str]:
    return st.sampled_from(alternatives)


def joined(*parts: str | st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.tuples(*(st.just(part) if isinstance(part, str) else part for part in parts)).map(" ".join)


def several(part: st.SearchStrategy[str], separator: str = " ", *, least: int = 0, most: int = 3) -> st.SearchStrategy[str]:
    return st.lists(part, min_size=least, max_size=most).map(separator.join)


text = st.text(st.characters(exclude_characters="\"'\\\n\r", exclude_categories=["Cs"]), max_size=6)
variable = words("?a", "?b", "?c", "$a")
iri = words(
    "<http://localhost:8000/entity/Microsoft>",
    "<relative>",
    "<>",
    "<x:y>",
    "rdfs:label",
    "aikg:investsIn",
    "a:b",
    "<http://[bad>",
    "xsd:integer",
)
number = words(
    "0", "1", "-1", "+2", "1.5", ".5", "1e400", "-1e-400", "9223372036854775807", "9223372036854775808", "0.000000000000000000001"
)
literal = st.one_of(
    number,
    words("true", "false", '"x"@en', '"x"@en-GB', '"2024-02-30"^^xsd:date', '"P1Y"^^xsd:duration', '"9999999999"^^xsd:gYear', '"a"^^<x:y>'),
    text.map("'{}'".format),
    text.map('"""{}"""'.format),
)
term = st.one_of(variable, iri, literal, words("[]", "_:b", "()"))
path = st.recursive(
    st.one_of(iri, variable, words("a", "!a", "!(a|^a)")),
    lambda inner: st.one_of(
        inner.map("({})*".format),
        inner.map("({})+".format),
        inner.map("({})?".format),
        inner.map("^({})".format),
        joined(inner, "/", inner),
        joined(inner, "|", inner),
    ),
    max_leaves=4,
)
_FUNCTIONS = """
ABS CEIL FLOOR ROUND STR LANG DATATYPE IRI BNODE STRLEN UCASE LCASE ENCODE_FOR_URI YEAR MONTH DAY HOURS MINUTES SECONDS TIMEZONE
TZ MD5 SHA1 SHA256 SHA384 SHA512 ISIRI ISBLANK ISLITERAL ISNUMERIC xsd:integer xsd:decimal xsd:double xsd:dateTime xsd:duration
xsd:boolean
"""
FUNCTIONS = _FUNCTIONS.split()
BINARY = ["LANGMATCHES", "CONTAINS", "STRSTARTS", "STRENDS", "STRBEFORE", "STRAFTER", "STRLANG", "STRDT", "SAMETERM", "REGEX", "SUBSTR"]
expression = st.recursive(
    st.one_of(variable, literal, iri),
    lambda inner: st.one_of(
        joined("(", inner, words("+", "-", "*", "/", "=", "!=", "<", ">", "<=", ">=", "&&", "||"), inner, ")"),
        joined(words(*FUNCTIONS), "(", inner, ")"),
        joined(words(*BINARY), "(", inner, ",", inner, ")"),
        joined(words("REPLACE", "IF", "SUBSTR", "REGEX"), "(", inner, ",", inner, ",", inner, ")"),
        joined(words("COALESCE", "CONCAT"), "(", several(inner, ", ", most=4), ")"),
        joined(inner, words("IN", "NOT IN"), "(", several(inner, ", "), ")"),
        words(
            "NOW()",
            "RAND()",
            "UUID()",
            "STRUUID()",
            "BNODE()",
            "EXISTS { ?a ?b ?c }",
            "NOT EXISTS { }",
            "REGEX('aaaa', '(a+)+$')",
            "REGEX(?a, '[')",
        ),
        inner.map("! ({})".format),
        inner.map("- ({})".format),
    ),
    max_leaves=6,
)
AGGREGATES = words(
    "COUNT(*)", "COUNT(DISTINCT ?a)", "SUM(?c)", "AVG(?c)", "MIN(?c)", "MAX(?c)", "SAMPLE(?a)", "GROUP_CONCAT(?c; SEPARATOR=',')"
)
triple = joined(term, path, term, ".")
pattern = st.recursive(
    st.one_of(
        several(triple),
        joined("FILTER(", expression, ")"),
        joined("BIND(", expression, "AS", words("?x", "?y", "?a"), ")"),
        joined("VALUES", variable, "{", several(st.one_of(iri, literal, words("UNDEF"))), "}"),
    ),
    lambda inner: st.one_of(
        inner.map("{{ {} }}".format),
        inner.map("OPTIONAL {{ {} }}".format),
        inner.map("MINUS {{ {} }}".format),
        joined("{", inner, "} UNION {", inner, "}"),
        joined("GRAPH", st.one_of(variable, iri), "{", inner, "}"),
        joined("{ SELECT", st.one_of(words("*"), several(variable, least=1)), "{", inner, "} }"),
        joined(inner, inner),
    ),
    max_leaves=6,
)
modifiers = joined(
    st.one_of(st.just(""), joined("GROUP BY", variable)),
    st.one_of(st.just(""), joined("HAVING(", expression, ")")),
    st.one_of(st.just(""), joined("ORDER BY", st.one_of(variable, joined("DESC(", expression, ")")))),
    words("", "LIMIT 0", "LIMIT 3", "OFFSET 2", "LIMIT 99999999999999999999"),
)
head = st.one_of(
    words(
        "SELECT *",
        "SELECT DISTINCT *",
        "SELECT REDUCED ?a",
        "SELECT ?a ?b",
        "ASK",
        "DESCRIBE ?a",
        "CONSTRUCT { ?a ?b ?c }",
        "CONSTRUCT { [] ?b ?c . ?a a 'x' }",
    ),
    joined("SELECT (", expression, "AS ?x )"),
    joined("SELECT (", AGGREGATES, "AS ?n )"),
)
dataset = words("", "", "", "FROM <http://localhost:8000/graph/a>", "FROM NAMED <x:none>", "FROM <relative>")
PROLOGUE = "PREFIX rdfs: <http://www.w3.org/2000/01/rdf-schema#> PREFIX aikg: <https://w3id.org/aikg/ontology#> PREFIX xsd: <http://www.w3.org/2001/XMLSchema#>"
query = joined(words(PROLOGUE, PROLOGUE + " BASE <http://example.org/>", ""), head, dataset, "WHERE {", pattern, "}", modifiers)
broken = st.tuples(query, st.integers(0, 300), st.integers(0, 12), st.text(max_size=3)).map(
    lambda made: made[0][: made[1]] + made[3] + made[0][made[1] + made[2] :]
)


@pytest.fixture(scope="module")
def patient(server: Server) -> Iterator[httpx.Client]:
    with server.client() as client:
        yield client


@settings(max_examples=400, deadline=None, derandomize=not FUZZ_S, database=None, suppress_health_check=list(HealthCheck))
@given(st.one_of(query, broken), st.sampled_from(FORMATS))
def check(client: httpx.Client, sparql: str, wanted: str) -> None:
    """The service answers with a complete result or with a reason of its own."""
    try:
        sent = sparql.encode()
    except UnicodeEncodeError:
        return
    params = {"format": wanted, "timeout": "2"}
    try:
        response = client.post("/sparql", params=params, content=sent, headers={"Content-Type": "application/sparql-query"})
    except httpx.RemoteProtocolError:
        return  # a result that was too long in coming, and was cut
    assert response.status_code in (200, 400, 403, 406, 413, 504), (response.status_code, response.text, sparql)


def test_no_query_makes_the_service_fail(patient: httpx.Client):
    until = time.monotonic() + FUZZ_S
    check(patient)
    while time.monotonic() < until:
        check(patient)
    assert patient.get("/ready").status_code == 200
