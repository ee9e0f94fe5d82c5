"""The W3C test suite of the SPARQL 1.1 Protocol: its 34 requests and what it expects of the answers.

Written from https://w3c.github.io/rdf-tests/sparql/sparql11/protocol/; the tests' names are theirs.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

import httpx
import pytest
from serving import Server

FORM = "application/x-www-form-urlencoded"
QUERY = "application/sparql-query"
UPDATE = "application/sparql-update"
BOOLEAN = ("application/sparql-results+xml", "application/sparql-results+json")
TABLE = (*BOOLEAN, "text/csv", "text/tab-separated-values")
RDF = ("application/rdf+xml", "text/turtle", "application/n-triples", "application/ld+json")

DATA = {number: f"http://example.org/w3c/data{number}" for number in range(4)}
DOCUMENT = "http://xmlns.com/foaf/0.1/Document"
RESOURCE = "http://purl.org/dc/terms/BibliographicResource"
THREE_GRAPHS = " ".join(f"GRAPH <{DATA[n]}> {{ <{DATA[n]}> a <{DOCUMENT}> }}" for n in (1, 2, 3))


def graphs(**parameters: tuple[int, ...]) -> list[tuple[str, str]]:
    """Dataset parameters: `graphs(default_graph_uri=(1, 2))`."""
    return [(name.replace("_", "-"), DATA[number]) for name, numbers in parameters.items() for number in numbers]


@dataclass(frozen=True)
class Request:
    """A request, and the answer's expected media types and truth."""

    method: str = "POST"
    params: list[tuple[str, str]] = field(default_factory=list)
    body: str | bytes = ""
    content_type: str = ""
    media_types: tuple[str, ...] = ()
    truth: bool | None = None


def query(text: str, *params: tuple[str, str], media_types: tuple[str, ...] = BOOLEAN, truth: bool | None = True) -> Request:
    """A query by direct POST."""
    return Request(params=list(params), body=text, content_type=QUERY, media_types=media_types, truth=truth)


def get(text: str, *params: tuple[str, str]) -> Request:
    """A query by GET that is true."""
    return Request(method="GET", params=[("query", text), *params], media_types=BOOLEAN, truth=True)


def update(text: str, *params: tuple[str, str]) -> Request:
    """An update by direct POST."""
    return Request(params=list(params), body=text, content_type=UPDATE)


def types(*numbers: int) -> str:
    return " ".join(f"<{DATA[number]}> a ?type{number} ." for number in numbers)


NAMED_1_AND_2 = f"GRAPH ?g1 {{ <{DATA[1]}> a ?t1 }} GRAPH ?g2 {{ <{DATA[2]}> a ?t2 }}"
NO_GRAPH = graphs(default_graph_uri=(0,))


def copied(graph: str, pattern: str, *, then: str, without: str, **dataset: tuple[int, ...]) -> list[Request]:
    """Fill three graphs and copy what the pattern finds in the request's dataset; the copy must hold `then` and not `without`."""
    text = f"DROP ALL ; INSERT DATA {{ {THREE_GRAPHS} }} ; INSERT {{ GRAPH <{graph}> {{ ?s ?found ?in }} }} WHERE {{ {pattern} }}"
    asked = f"ASK {{ GRAPH <{graph}> {{ {then} }} FILTER NOT EXISTS {{ GRAPH <{graph}> {{ {without} }} }} }}"
    return [update(text, *graphs(**dataset)), query(asked)]


FOUND = f"BIND(<x:found> AS ?found) BIND(<{RESOURCE}> AS ?in)"
PLAIN = f"?s a <{DOCUMENT}> {FOUND}"
NAMED = f"GRAPH ?g {{ ?s a <{DOCUMENT}> }} {FOUND}"
EITHER = (
    f"BIND(<x:found> AS ?found) {{ GRAPH ?g {{ ?s a <{DOCUMENT}> }} BIND(?g AS ?in) }} UNION {{ ?s a <{DOCUMENT}> BIND('default' AS ?in) }}"
)


def found(*numbers: int) -> str:
    return " ".join(f"<{DATA[number]}> <x:found> <{RESOURCE}> ." for number in numbers)


POSITIVE = {
    "query_post_form": [Request(params=NO_GRAPH, body="query=ASK%20%7B%7D", content_type=FORM, media_types=BOOLEAN, truth=True)],
    "query_dataset_default_graphs_get": [get(f"ASK {{ {types(1, 2)} }}", *graphs(default_graph_uri=(1, 2)))],
    "query_dataset_default_graphs_post": [query(f"ASK {{ {types(1, 2)} }}", *graphs(default_graph_uri=(1, 2)))],
    "query_dataset_named_graphs_post": [query(f"ASK {{ {NAMED_1_AND_2} }}", *graphs(named_graph_uri=(1, 2)))],
    "query_dataset_named_graphs_get": [get(f"ASK {{ {NAMED_1_AND_2} }}", *graphs(named_graph_uri=(1, 2)))],
    "query_dataset_full": [query(f"ASK {{ {types(3)} {NAMED_1_AND_2} }}", *graphs(default_graph_uri=(3,), named_graph_uri=(1, 2)))],
    "query_multiple_dataset": [query(f"ASK FROM <{DATA[3]}> {{ {NAMED_1_AND_2} }}", *graphs(named_graph_uri=(1, 2)))],
    "query_get": [get("ASK {}", *NO_GRAPH)],
    "query_content_type_select": [query("SELECT (1 AS ?value) {}", *NO_GRAPH, media_types=TABLE, truth=None)],
    "query_content_type_ask": [query("ASK {}", *NO_GRAPH)],
    "query_content_type_describe": [query("DESCRIBE <http://example.org/>", *NO_GRAPH, media_types=RDF, truth=None)],
    "query_content_type_construct": [query("CONSTRUCT { <s> <p> 1 } WHERE {}", *NO_GRAPH, media_types=RDF, truth=None)],
    "update_dataset_default_graph": copied("x:one", PLAIN, then=found(1), without=found(2), using_graph_uri=(1,)),
    "update_dataset_default_graphs": copied("x:two", PLAIN, then=found(1, 2), without=found(3), using_graph_uri=(1, 2)),
    "update_dataset_named_graphs": copied("x:named", NAMED, then=found(1, 2), without=found(3), using_named_graph_uri=(1, 2)),
    "update_dataset_full": copied(
        "x:full",
        EITHER,
        then=f"<{DATA[1]}> <x:found> 'default' . <{DATA[2]}> <x:found> <{DATA[2]}>",
        without=f"<{DATA[3]}> ?p ?o",
        using_graph_uri=(1,),
        using_named_graph_uri=(2,),
    ),
    "update_post_form": [Request(body="update=CLEAR+ALL", content_type=FORM)],
    "update_post_direct": [update("CLEAR ALL")],
    "update_base_uri": [
        update("CLEAR GRAPH <x:base> ; INSERT DATA { GRAPH <x:base> { <x:s> <x:p> <test> } }"),
        query("ASK { GRAPH <x:base> { <x:s> <x:p> ?o FILTER(isIRI(?o) && STRLEN(STR(?o)) > 4 && STRENDS(STR(?o), '/test')) } }"),
    ],
    "query_post_direct": [query("ASK {}")],
}

CONFLICT = "WITH <http://example.org/addresses> DELETE { ?p <x:name> 'Bill' } INSERT { ?p <x:name> 'William' } WHERE { ?p <x:name> 'Bill' }"
NEGATIVE = {
    "bad_query_method": Request(method="PUT", params=[("query", "ASK {}"), *NO_GRAPH], content_type=FORM),
    "bad_multiple_queries": Request(method="GET", params=[("query", "ASK {}"), ("query", "SELECT * {}")]),
    "bad_query_wrong_media_type": Request(body="ASK {}", content_type="text/plain"),
    "bad_query_missing_form_type": Request(body="query=ASK%20%7B%7D"),
    "bad_query_missing_direct_type": Request(body="ASK {}"),
    "bad_query_non_utf8": Request(body="ASK {}".encode("utf-16"), content_type=f"{QUERY}; charset=UTF-16"),
    "bad_query_syntax": Request(method="GET", params=[("query", "ASK {")]),
    "bad_update_get": Request(method="GET", params=[("update", "CLEAR ALL")]),
    "bad_multiple_updates": Request(body="update=CLEAR%20NAMED&update=CLEAR%20DEFAULT", content_type=FORM),
    "bad_update_wrong_media_type": Request(body="CLEAR NAMED", content_type="text/plain"),
    "bad_update_missing_form_type": Request(body="update=CLEAR%20NAMED"),
    "bad_update_non_utf8": Request(body="CLEAR NAMED".encode("utf-16"), content_type=f"{UPDATE}; charset=UTF-16"),
    "bad_update_syntax": Request(body="update=CLEAR%20XYZ", content_type=FORM),
    "bad_update_dataset_conflict": update(CONFLICT, ("using-named-graph-uri", "http://example.org/people")),
}


@pytest.fixture
def writer(server: Server) -> Iterator[httpx.Client]:
    """A client that may update, on a store that holds the suite's three graphs."""
    with server.client(headers={"Authorization": f"Bearer {server.token}"}) as client:
        assert send(client, update(f"DROP ALL ; INSERT DATA {{ {THREE_GRAPHS} }}")).is_success
        yield client


def send(client: httpx.Client, request: Request) -> httpx.Response:
    headers = {"Content-Type": request.content_type} if request.content_type else {}
    return client.request(request.method, "/sparql/", params=request.params, content=request.body, headers=headers)


def test_the_suite_is_whole():
    assert len(POSITIVE) + len(NEGATIVE) == 34


@pytest.mark.parametrize("name", POSITIVE)
def test_w3c_protocol(name: str, writer: httpx.Client):
    for request in POSITIVE[name]:
        response = send(writer, request)
        assert response.status_code in range(200, 400), response.text
        if request.media_types:
            assert response.headers["content-type"].partition(";")[0] in request.media_types
        if request.truth is not None:
            assert response.json()["boolean"] is request.truth


@pytest.mark.parametrize("name", NEGATIVE)
def test_w3c_protocol_refuses(name: str, writer: httpx.Client):
    response = send(writer, NEGATIVE[name])
    assert response.status_code in range(400, 500)
    assert response.headers["content-type"] == "application/problem+json"
    assert len(response.json()["detail"]) > 10
    assert send(writer, query(f"ASK {{ {NAMED_1_AND_2} }}")).json()["boolean"] is True, "nothing was changed"
