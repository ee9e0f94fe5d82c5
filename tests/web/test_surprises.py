"""What docs/service.md says may surprise is so; when an engine does otherwise, the page is to change."""

from collections.abc import Callable

import httpx
import pytest
from serving import Server

from kg import tokens

XSD = "http://www.w3.org/2001/XMLSchema#"
TWICE = "<x:s> <x:p> <x:o> <x:g> .\n<x:s> <x:p> <x:o> <x:h> .\n"


@pytest.fixture
def client(serve: Callable[..., Server]):
    server = serve(quads=TWICE)
    token = tokens.create(server.data, "test", [tokens.Scope.UPDATE])
    with server.client(headers={"Authorization": f"Bearer {token}"}) as made:
        yield made


def rows(client: httpx.Client, query: str) -> list[str]:
    response = client.get("/sparql", params={"query": query}, headers={"Accept": "text/csv"})
    assert response.status_code == 200, response.text
    return response.text.split()[1:]


def update(client: httpx.Client, text: str) -> None:
    assert client.post("/sparql", data={"update": text}).status_code == 204


def test_a_triple_in_two_graphs_is_two_rows_of_the_default_graph(client: httpx.Client):
    assert rows(client, "SELECT (COUNT(*) AS ?n) { ?s ?p ?o }") == ["2"]
    assert rows(client, "SELECT (COUNT(DISTINCT *) AS ?n) { ?s ?p ?o }") == ["1"]
    assert rows(client, "SELECT (COUNT(*) AS ?n) FROM <x:g> FROM <x:h> { ?s ?p ?o }") == ["2"]


def test_an_update_matches_the_stored_default_graph_and_a_query_the_union(client: httpx.Client):
    update(client, "INSERT { GRAPH <x:copy> { ?s ?p ?o } } WHERE { ?s ?p ?o }")
    assert rows(client, "SELECT * { GRAPH <x:copy> { ?s ?p ?o } }") == []
    for where in ("WHERE { GRAPH ?g { ?s ?p ?o } }", "USING <x:g> WHERE { ?s ?p ?o }"):
        update(client, f"DROP SILENT GRAPH <x:copy> ; INSERT {{ GRAPH <x:copy> {{ ?s ?p ?o }} }} {where}")
        assert len(rows(client, "SELECT * { GRAPH <x:copy> { ?s ?p ?o } }")) == 1


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        (f'"01"^^<{XSD}integer>', f'"1"^^<{XSD}integer>'),
        (f'"5"^^<{XSD}positiveInteger>', f'"5"^^<{XSD}integer>'),
        (f'"1.50"^^<{XSD}decimal>', f'"1.5"^^<{XSD}decimal>'),
        (f'"2024-01-01T00:00:00+00:00"^^<{XSD}dateTime>', f'"2024-01-01T00:00:00Z"^^<{XSD}dateTime>'),
        ('"a"@EN-us', '"a"@en-us'),
    ],
)
def test_literals_are_kept_in_the_engine_s_spelling(client: httpx.Client, written: str, kept: str):
    sent = client.put("/graphs", params={"graph": "x:l"}, content=f"<x:s> <x:p> {written} .", headers={"Content-Type": "text/turtle"})
    assert sent.status_code == 201
    assert client.get("/graphs", params={"graph": "x:l", "format": "ntriples"}).text == f"<x:s> <x:p> {kept} .\n"


@pytest.mark.parametrize("path", ["*", "?"])
def test_a_path_of_length_zero_needs_a_term_of_the_data(client: httpx.Client, path: str):
    assert rows(client, f"SELECT ?x {{ <x:absent> <x:p>{path} ?x }}") == []
    assert "x:o" in rows(client, f"SELECT ?x {{ <x:o> <x:p>{path} ?x }}")


def test_only_json_ld_has_no_triple_terms(client: httpx.Client):
    update(client, "INSERT DATA { GRAPH <x:t> { <x:s> <x:says> <<( <x:a> <http://example.org/b> <x:c> )>> } }")
    for name, status in {"jsonld": 400, "turtle": 200, "trig": 200, "ntriples": 200, "nquads": 200, "rdfxml": 200}.items():
        found = client.get("/graphs", params={"graph": "x:t", "format": name})
        assert found.status_code == status, (name, found.text)
    for name in ("json", "xml", "csv", "tsv"):
        assert client.get("/sparql", params={"query": "SELECT ?o { <x:s> <x:says> ?o }", "format": name}).status_code == 200
