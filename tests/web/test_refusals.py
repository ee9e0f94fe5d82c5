"""Hostile texts over real HTTP: each gets a status of its own and a reason, and the server is there afterwards."""

import httpx
import pytest
from nesting import NESTED
from serving import Server

DIRECT = {"Content-Type": "application/sparql-query"}


def refused(client: httpx.Client, response: httpx.Response, *statuses: int) -> dict:
    """The problem, once it is sure that the server still answers."""
    assert response.status_code in statuses, response.text[:300]
    assert response.headers["content-type"] == "application/problem+json"
    assert client.get("/sparql", params={"query": "ASK {}"}).json()["boolean"] is True
    assert len(response.json()["detail"]) > 10
    return response.json()


@pytest.mark.parametrize("levels", [1_000, 10_000, 100_000])
@pytest.mark.parametrize("construct", NESTED)
def test_nesting_is_refused(server: Server, client: httpx.Client, construct: str, levels: int):
    before = server.workers()
    response = client.post("/sparql", content=NESTED[construct](levels), headers=DIRECT)
    refused(client, response, 400, 413)
    assert server.workers() == before, "no worker died of it"


def test_chains_without_brackets_cost_their_own_query_at_most(client: httpx.Client):
    for text in (
        f"SELECT * {{ FILTER(1{'+1' * 100_000}) }}",
        f"SELECT * {{ FILTER(true{'||true' * 100_000}) }}",
        f"SELECT * {{ ?s <x:p>{'/<x:p>' * 50_000} ?o }}",
        f"SELECT * {{ ?s <x:p>{'|<x:p>' * 50_000} ?o }}",
        f"SELECT * {{ {{}} {'UNION {} ' * 100_000} }}",
        f"SELECT * {{ {'OPTIONAL {} ' * 50_000} }}",
        f"SELECT * {{ ?s ?p 'a'{', 1' * 100_000} }}",
    ):
        response = client.post("/sparql", content=text, params={"timeout": "2"}, headers=DIRECT)
        if response.status_code != 200:
            refused(client, response, 400, 413, 503, 504)


def test_a_text_of_ten_megabytes_is_refused(client: httpx.Client):
    text = f"SELECT * {{ VALUES ?x {{ {'1 ' * 5_000_000} }} }}"
    for response in (client.post("/sparql", content=text, headers=DIRECT), client.post("/sparql", data={"query": text})):
        assert "1048576 bytes" in refused(client, response, 413)["detail"]

    def endless():
        yield from (text[:1_000_000].encode() for _ in range(10))

    refused(client, client.post("/sparql", content=endless(), headers=DIRECT), 413)


def test_an_unknown_token_does_not_raise_the_limit(client: httpx.Client):
    text = f"INSERT DATA {{ {'<x:s> <x:p> 1 . ' * 100_000} }}"
    headers = {"Content-Type": "application/sparql-update", "Authorization": "Bearer wrong"}
    refused(client, client.post("/sparql", content=text, headers=headers), 413)


@pytest.mark.parametrize(
    "query", [b"ASK { ?s ?p '\xff' }", b"ASK { ?s ?p '\xc0\x80' }", b"ASK { ?s ?p '\xed\xa0\x80' }", b"\xff\xfeA\0S\0K\0"]
)
def test_what_is_not_utf8_is_refused(client: httpx.Client, query: bytes):
    refused(client, client.post("/sparql", content=query, headers=DIRECT), 400)
    escaped = b"".join(b"%%%02x" % byte for byte in query)
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    refused(client, client.post("/sparql", content=b"query=" + escaped, headers=form), 400)
    refused(client, client.get(b"/sparql?query=".decode() + escaped.decode()), 400)


@pytest.mark.parametrize("query", ["ASK {\0}", "\0", "ASK { ?s ?p 'a' }\0", "ASK { ?s\u0001 ?p ?o }"])
def test_nul_and_control_characters_are_refused(client: httpx.Client, query: str):
    refused(client, client.post("/sparql", content=query, headers=DIRECT), 400)


def test_a_nul_in_a_string_is_a_character_like_others(client: httpx.Client):
    response = client.post("/sparql", content="SELECT (STRLEN('a\0b') AS ?n) {}", headers={**DIRECT, "Accept": "text/csv"})
    assert response.status_code in (200, 400)


@pytest.mark.parametrize("name", ["query", "update"])
def test_several_of_a_parameter_are_refused(client: httpx.Client, name: str):
    sent = client.post("/sparql", data={name: ["ASK {}", "ASK {}"]})
    assert "2 times" in refused(client, sent, 400)["detail"]


@pytest.mark.parametrize(
    ("params", "status"),
    [
        ({"query": "ASK {}", "update": "CLEAR ALL"}, 400),
        ({"update": "CLEAR ALL"}, 400),
        ({"default-graph-uri": "x:g"}, 400),
        ({"query": "ASK {}", "using-graph-uri": "x:g"}, 400),
        ({"query": "CLEAR ALL"}, 400),
        ({"query": "ASK {}", "format": "png"}, 406),
        ({"query": "ASK { SERVICE <http://127.0.0.1/> {} }"}, 403),
    ],
)
def test_what_cannot_be_asked_with_get_is_refused(client: httpx.Client, params: dict[str, str], status: int):
    refused(client, client.get("/sparql", params=params), status)


@pytest.mark.parametrize("iri", ["relative", "/graph/knowledge", "", "http://a b/"])
@pytest.mark.parametrize("name", ["default-graph-uri", "named-graph-uri", "using-graph-uri", "using-named-graph-uri"])
def test_a_graph_of_the_dataset_has_an_absolute_iri(client: httpx.Client, name: str, iri: str):
    """Whatever is asked: also what has no use for a dataset."""
    for text in ("", "CLEAR ALL") if name.startswith("using") else ("ASK {}", "ASK FROM <x:g> {}"):
        asked = {"update" if name.startswith("using") else "query": text, name: ["x:absolute", iri]}
        detail = refused(client, client.post("/sparql", data=asked), 400)["detail"]
        assert f"`{name}`" in detail
        assert repr(iri) in detail


def test_a_long_text_is_refused_for_the_same_reasons_as_a_short_one(client: httpx.Client):
    padding = " # " + "x" * 5000
    for text, status in (
        ("ASK { SERVICE <x:> {} }", 403),
        ("ASK {", 400),
        ("ASK { ?s ?p 'a }", 400),
        ("CLEAR ALL", 400),
        ("ASK { GRAPH ?g { VALUES ?x { 1 } } }", 400),
        ("ASK " + "{" * 500 + "}" * 500, 400),
    ):
        refused(client, client.post("/sparql", content=text + padding, headers=DIRECT), status)
    assert client.post("/sparql", content="ASK {}" + padding, headers=DIRECT).json()["boolean"] is True


def test_what_the_engine_would_answer_wrongly_is_refused(client: httpx.Client):
    text = "SELECT ?g { GRAPH ?g { SELECT ?s { ?s ?p ?o } } }"
    problem = refused(client, client.get("/sparql", params={"query": text}), 400)
    assert problem["type"].endswith("#unsupported")
    assert "1:13" in problem["detail"]
