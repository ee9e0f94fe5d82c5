"""/.well-known/void and /dump.nq.gz: what we link to is there, and says what the links say."""

import gzip
import re
import time
from collections.abc import Callable, Iterator
from hashlib import sha512

import httpx
import pytest
from pyoxigraph import NamedNode, RdfFormat, parse, serialize
from serving import BASE, QUADS, Server

from kg.iris import DCAT, RDFS, SD, VOID, Iris
from kg.quads import dataset_quads

LINKS = {RDFS("seeAlso"), VOID("dataDump"), VOID("sparqlEndpoint"), DCAT("downloadURL"), SD("endpoint")}
META = (serialize(dataset_quads(Iris(BASE)), format=RdfFormat.N_QUADS) or b"").decode()


@pytest.fixture
def client(serve: Callable[..., Server]) -> Iterator[httpx.Client]:
    """A client of a server that holds QUADS and the description of the dataset that ingesting writes."""
    with serve(quads=QUADS + META).client() as made:
        yield made


def triples(response: httpx.Response) -> set[tuple]:
    assert response.status_code == 200
    return {(t.subject, t.predicate, t.object) for t in parse(response.content, RdfFormat.N_TRIPLES)}


def test_what_descriptions_and_pages_link_to_is_served(client: httpx.Client):
    found = {
        o.value.removeprefix(BASE)
        for path in ("/sparql", "/.well-known/void")
        for _, p, o in triples(client.get(path, params={"format": "ntriples"}))
        if p in LINKS and o.value.startswith(BASE)
    }
    assert found == {"sparql", ".well-known/void", "dump.nq.gz"}
    for page in ("/", "/docs", "/sparql"):
        text = client.get(page, headers={"Accept": "text/html"}).text
        found |= {link.removeprefix("/") for link in re.findall(r'(?:href|src)="(/[^"]*)"', text)}
    for link in found:
        assert client.get(f"/{link}").status_code == 200, link


@pytest.mark.parametrize("media_type", ["text/turtle", "application/ld+json", "application/rdf+xml", "application/n-quads"])
def test_the_dataset_is_described_in_the_format_that_is_asked_for(client: httpx.Client, media_type: str):
    response = client.get("/.well-known/void", headers={"Accept": media_type})
    assert response.status_code == 200
    assert response.headers["content-type"].partition(";")[0] == media_type
    assert client.get("/.well-known/void", headers={"If-None-Match": response.headers["etag"], "Accept": media_type}).status_code == 304


def test_the_description_says_what_the_meta_graph_says(client: httpx.Client):
    described = triples(client.get("/.well-known/void", params={"format": "ntriples"}))
    assert {(q.subject, q.predicate, q.object) for q in dataset_quads(Iris(BASE))} < described


def test_a_store_that_says_nothing_of_itself_is_described_too(serve: Callable[..., Server]):
    with serve(quads=QUADS).client() as client:
        described = triples(client.get("/.well-known/void", params={"format": "ntriples"}))
    assert (Iris(BASE).dataset, VOID("sparqlEndpoint"), NamedNode(f"{BASE}sparql")) in described


@pytest.mark.parametrize("accepted", ["identity", "gzip", "zstd"])
@pytest.mark.parametrize("many", [False, True])
def test_the_dump_is_a_compressed_file_of_every_quad(serve: Callable[..., Server], accepted: str, many: bool):
    quads = QUADS + "".join(f'<x:{number}> <x:p> "{number}" <x:g> .\n' for number in range(20_000 if many else 0))
    with serve(quads=quads).client() as client:
        with client.stream("GET", "/dump.nq.gz", headers={"Accept-Encoding": accepted}) as response:
            assert response.status_code == 200
            assert response.headers["content-type"] == "application/gzip"
            assert "content-encoding" not in response.headers
            packed = b"".join(response.iter_raw())
        assert set(parse(gzip.decompress(packed), RdfFormat.N_QUADS)) == set(parse(quads, RdfFormat.N_QUADS))
        assert client.get("/dump.nq.gz").content == packed, "the same bytes every time, as its tag says"
        assert client.get("/dump.nq.gz", headers={"If-None-Match": response.headers["etag"]}).status_code == 304
        assert client.head("/dump.nq.gz").status_code == 200


def test_a_dump_outlives_a_query_s_deadline_and_leaves_room_for_everybody_else(serve: Callable[..., Server]):
    quads = "".join(f'<x:{n}> <x:p> "{sha512(b"%d" % n).hexdigest()}" <x:g> .\n' for n in range(150_000))
    with serve(quads=quads, query_timeout_s=2).client() as client:
        with client.stream("GET", "/dump.nq.gz") as response:
            pieces = response.iter_raw()
            start = next(pieces)
            refused = client.get("/dump.nq.gz")
            asked = time.monotonic()
            answers = [client.get("/sparql", params={"query": f"SELECT * {{ <x:{n}> ?p ?o }}"}) for n in range(20)]
            time.sleep(max(0.0, asked + 2 - time.monotonic()))
            packed = start + b"".join(pieces)
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "60")
        assert "dump" in refused.json()["detail"]
        assert {answer.status_code for answer in answers} == {200}
        assert gzip.decompress(packed).count(b"\n") == 150_000
        assert client.get("/dump.nq.gz").status_code == 200


def test_a_dump_past_its_own_deadline_is_cut(serve: Callable[..., Server], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("KG_DUMP_TIMEOUT_S", "1")
    quads = "".join(f'<x:{n}> <x:p> "{sha512(b"%d" % n).hexdigest()}" <x:g> .\n' for n in range(150_000))
    with serve(quads=quads).client() as client, client.stream("GET", "/dump.nq.gz") as response:
        pieces = response.iter_raw()
        next(pieces)
        time.sleep(2)
        with pytest.raises(httpx.RemoteProtocolError):
            list(pieces)


@pytest.mark.parametrize("accept", ["*/*", "", "application/*;q=0.5", "application/n-quads, */*"])
def test_who_takes_anything_gets_what_can_carry_everything(serve: Callable[..., Server], accept: str):
    term = "<x:s> <x:says> <<( <x:a> <x:b> <x:c> )>> <x:g> .\n"
    with serve(quads=QUADS + term).client() as client:
        response = client.get("/graphs", headers={"Accept": accept})
        assert (response.status_code, response.headers["content-type"]) == (200, "application/n-quads")
        assert set(parse(response.content, RdfFormat.N_QUADS)) == set(parse(QUADS + term, RdfFormat.N_QUADS))
        assert client.get("/graphs?graph=x:g", headers={"Accept": "*/*"}).headers["content-type"] == "text/turtle; charset=utf-8"
        assert client.get("/graphs", headers={"Accept": "application/ld+json"}).status_code == 400


@pytest.mark.parametrize("path", ["/.well-known/void", f"/graphs?graph={BASE}graph/knowledge", "/graph/knowledge"])
def test_a_browser_gets_turtle(client: httpx.Client, path: str):
    browser = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"
    assert client.get(path, headers={"Accept": browser}).headers["content-type"] == "text/turtle; charset=utf-8"
