"""The W3C test suites of the SPARQL 1.1 Graph Store HTTP Protocol and Service Description.

Written from https://w3c.github.io/rdf-tests/sparql/sparql11/http-rdf-update/ and …/service-description/. The graph store's tests build
on each other, so they run here as one story.
"""

from collections.abc import Iterator
from urllib.parse import urljoin

import httpx
import pytest
from pyoxigraph import NamedNode, RdfFormat, parse
from rdflib import Graph
from rdflib.compare import isomorphic
from serving import BASE, Server

from kg.iris import iri_of

SD = "http://www.w3.org/ns/sparql-service-description#"
PREFIXES = "@prefix foaf: <http://xmlns.com/foaf/0.1/> . @prefix v: <http://www.w3.org/2006/vcard/ns#> . "
PERSON = f"<{BASE}graphs/person/1>"
JOHN = f'{PREFIXES} {PERSON} a foaf:Person ; foaf:businessCard [ a v:VCard ; v:fn "John Doe" ] .'
JANE = f'{PREFIXES} {PERSON} a foaf:Person ; foaf:businessCard [ a v:VCard ; v:fn "Jane Doe" ] .'
ALICE = f'{PREFIXES} [] a foaf:Person ; foaf:businessCard [ a v:VCard ; v:given-name "Alice" ] .'
NAME = f'{PREFIXES} {PERSON} foaf:name "Jane Doe" .'
FAMILY, GIVEN = (f'{PREFIXES} {PERSON} foaf:{word} "{value}" .' for word, value in (("familyName", "Doe"), ("givenName", "Jane")))
TURTLE = {"Content-Type": "text/turtle; charset=utf-8"}


@pytest.fixture
def writer(server: Server) -> Iterator[httpx.Client]:
    """A client that may write graphs."""
    with server.client(headers={"Authorization": f"Bearer {server.token}"}) as client:
        yield client


def same(response: httpx.Response, *documents: str) -> bool:
    assert response.status_code == 200, response.text
    expected = Graph()
    for document in documents:
        expected.parse(data=document, format="turtle")
    return isomorphic(Graph().parse(data=response.text, format="turtle"), expected)


def test_w3c_graph_store_protocol(writer: httpx.Client):
    person, turtle = "/graphs/person/1", {"Accept": "text/turtle"}
    # put__initial_state, and its get by the indirect name
    assert writer.put(person, content=JOHN, headers=TURTLE).status_code == 201
    assert same(writer.get("/graphs", params={"graph": f"{BASE}graphs/person/1"}, headers=turtle), JOHN)
    # put__graph_already_in_store
    assert writer.put(person, content=JANE, headers=TURTLE).status_code == 204
    assert same(writer.get(person, headers=turtle), JANE)
    # put__default_graph
    assert writer.put("/graphs?default", content=ALICE, headers=TURTLE).status_code == 201
    assert same(writer.get("/graphs?default", headers=turtle), ALICE)
    # put__mismatched_payload
    assert writer.put("/graphs?default", content=JANE, headers={"Content-Type": "application/rdf+xml"}).status_code == 400
    assert same(writer.get("/graphs?default", headers=turtle), ALICE)
    # delete__existing_graph, delete__nonexistent_graph
    assert writer.put("/graphs/person/2", content=JANE, headers=TURTLE).status_code == 201
    assert writer.delete("/graphs/person/2").status_code == 200
    assert writer.get("/graphs/person/2").status_code == 404
    assert writer.delete("/graphs/person/2").status_code == 404
    # post__existing_graph
    assert writer.post(person, content=NAME, headers=TURTLE).status_code == 200
    assert same(writer.get(person, headers=turtle), JANE, NAME)
    # post__multipart_formdata
    files = {"lastName.ttl": ("lastName.ttl", FAMILY, "text/turtle"), "firstName.ttl": ("firstName.ttl", GIVEN, "text/turtle")}
    assert writer.post(person, files=files).status_code == 200
    assert same(writer.get(person, headers=turtle), JANE, NAME, FAMILY, GIVEN)
    # post__create__new_graph, and a post of nothing
    created = writer.post("/graphs", content=ALICE, headers=TURTLE)
    assert created.status_code == 201
    path = created.headers["location"]
    assert same(writer.get(path, headers=turtle), ALICE)
    assert writer.post(path, content="", headers=TURTLE).is_success
    assert same(writer.get(path, headers=turtle), ALICE)
    # head_on_an_existing_graph, head_on_a_nonexisting_graph
    assert writer.head(person).status_code == 200
    assert writer.head("/graphs/person/4").status_code == 404


@pytest.mark.parametrize("media_type", ["text/turtle", "application/n-triples", "application/rdf+xml", "application/ld+json"])
def test_a_graph_comes_back_as_it_was_put(writer: httpx.Client, media_type: str):
    assert writer.put("/graphs/round", content=NAME, headers=TURTLE).is_success
    sent = writer.get("/graphs/round", headers={"Accept": media_type})
    assert sent.headers["content-type"].startswith(media_type)
    assert writer.put("/graphs/copy", content=sent.content, headers={"Content-Type": sent.headers["content-type"]}).is_success
    assert same(writer.get("/graphs/copy", headers={"Accept": "text/turtle"}), NAME)


AT_ITS_NAME = ["Tom%20&%20Jerry%2050%25%20a%2Fb%3F", "x%23y", "p/q", "a.b", "中国", "a%EE%80%80b", "a'b(c)"]
ELSEWHERE = [
    "x:elsewhere",
    *(f"{BASE}{path}" for path in ("graphs/a#b", "graphs/a?b", "graphs/../c", "graphs/%2E%2e/c", "other/a&b", "graph")),
]


@pytest.mark.parametrize("iri", [*(f"{BASE}graphs/{name}" for name in AT_ITS_NAME), *ELSEWHERE, f"{BASE}graphs", f"{BASE}graphs/"])
@pytest.mark.parametrize("method", ["PUT", "POST"])
def test_a_created_graph_is_where_its_location_leads(writer: httpx.Client, method: str, iri: str):
    created = writer.request(method, "/graphs", params={"graph": iri}, content=NAME, headers=TURTLE)
    assert created.status_code == 201
    address = created.headers["location"]
    assert address.startswith("/")
    assert not address.startswith("//")
    assert same(writer.get(address, headers={"Accept": "text/turtle"}), NAME)
    assert writer.delete(address).status_code == 200
    assert writer.get("/graphs", params={"graph": iri}).status_code == 404, "it is this graph and no other"


@pytest.mark.parametrize("name", AT_ITS_NAME)
def test_a_graph_whose_name_is_an_address_is_located_at_it(writer: httpx.Client, name: str):
    created = writer.put("/graphs", params={"graph": f"{BASE}graphs/{name}"}, content=NAME, headers=TURTLE)
    assert writer.delete(created.headers["location"]).status_code == 200
    assert iri_of(urljoin(BASE, created.headers["location"])) == f"{BASE}graphs/{name}"


def test_an_empty_graph_can_be_put(writer: httpx.Client):
    assert writer.put("/graphs/empty", content="", headers=TURTLE).status_code == 201
    assert same(writer.get("/graphs/empty", headers={"Accept": "text/turtle"}), "")


@pytest.mark.parametrize(
    ("method", "path", "content_type", "status"),
    [
        ("PUT", "/graphs", "text/turtle", 400),
        ("DELETE", "/graphs", "", 400),
        ("PUT", "/graphs?graph=relative", "text/turtle", 400),
        ("PUT", "/graphs?graph=x:a&graph=x:b", "text/turtle", 400),
        ("PUT", "/graphs?graph=x:a&default", "text/turtle", 400),
        ("PUT", "/graphs?graph=x:a", "text/csv", 415),
        ("PUT", "/graphs?graph=x:a", "", 415),
        ("PATCH", "/graphs?graph=x:a", "text/turtle", 405),
    ],
)
def test_a_write_that_cannot_be_is_refused(writer: httpx.Client, method: str, path: str, content_type: str, status: int):
    headers = {"Content-Type": content_type} if content_type else {}
    response = writer.request(method, path, content=NAME, headers=headers)
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"


def test_the_whole_dataset_can_be_read(writer: httpx.Client):
    quads = parse(writer.get("/graphs", headers={"Accept": "application/n-quads"}).content, RdfFormat.N_QUADS)
    assert NamedNode(f"{BASE}graph/knowledge") in {quad.graph_name for quad in quads}


def test_w3c_service_description(client: httpx.Client):
    response = client.get("/sparql/", headers={"Accept": "text/turtle"})
    assert response.status_code == 200  # returns-rdf
    graph = {(str(q.subject), str(q.predicate), str(q.object)) for q in parse(response.content, RdfFormat.TURTLE)}
    assert (f"<{BASE}sparql>", f"<{SD}endpoint>", f"<{BASE}sparql>") in graph  # has-endpoint-triple
    # conforms-to-schema: the classes that the vocabulary gives subjects and objects
    typed = {(s, o) for s, p, o in graph if p == "<http://www.w3.org/1999/02/22-rdf-syntax-ns#type>"}
    domains = {"endpoint": "Service", "resultFormat": "Service", "defaultDataset": "Service", "namedGraph": "Dataset", "name": "NamedGraph"}
    ranges = {"defaultDataset": "Dataset", "namedGraph": "NamedGraph", "defaultGraph": "Graph"}
    for subject, predicate, value in graph:
        term = predicate.strip("<>").removeprefix(SD)
        assert term not in domains or (subject, f"<{SD}{domains[term]}>") in typed
        assert term not in ranges or (value, f"<{SD}{ranges[term]}>") in typed
