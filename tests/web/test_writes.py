"""Writing over HTTP: who may, and that a write is whole, on disk and visible when it is acknowledged."""

import hashlib
import json
import os
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urljoin

import httpx
import pytest
from pyoxigraph import CanonicalizationAlgorithm, Dataset, Quad, RdfFormat, parse
from serving import Server

from kg import tokens
from kg.store import locked

UPDATE = {"Content-Type": "application/sparql-update"}
TURTLE = {"Content-Type": "text/turtle"}
GRAPH = "http://example.org/g"


@pytest.fixture
def writer(server: Server) -> Iterator[httpx.Client]:
    with server.client(headers={"Authorization": f"Bearer {server.token}"}) as client:
        yield client


def count(client: httpx.Client, pattern: str = f"GRAPH <{GRAPH}> {{ ?s ?p ?o }}") -> int:
    response = client.get("/sparql", params={"query": f"SELECT (COUNT(*) AS ?n) {{ {pattern} }}"}, headers={"Accept": "text/csv"})
    return int(response.text.split()[1])


def update(client: httpx.Client, text: str, **headers: str) -> httpx.Response:
    return client.post("/sparql", content=text, headers={**UPDATE, **headers})


def graph(client: httpx.Client, method: str, **headers: str) -> httpx.Response:
    content = {} if method == "DELETE" else {"content": "<x:s> <x:p> 1 ."}
    return client.request(method, "/graphs", params={"graph": GRAPH}, headers={**TURTLE, **headers}, **content)


@pytest.mark.parametrize(
    ("authorization", "challenge"),
    [
        ("", 'Bearer realm="aikg"'),
        ("Basic YTpi", 'Bearer realm="aikg"'),
        ("Bearer", 'Bearer realm="aikg"'),
        ("Bearer wrong", 'Bearer realm="aikg", error="invalid_token"'),
        ("Bearer aikg_", 'Bearer realm="aikg", error="invalid_token"'),
        ("Bearer \xff\xfe", 'Bearer realm="aikg", error="invalid_token"'),
    ],
)
def test_nobody_writes_without_a_token(client: httpx.Client, authorization: str, challenge: str):
    headers = {"Authorization": authorization.encode("latin-1")} if authorization else {}
    before = count(client, "?s ?p ?o")
    attempts = [update(client, "CLEAR ALL", **headers), *(graph(client, method, **headers) for method in ("PUT", "POST", "DELETE"))]
    for refused in attempts:
        assert refused.status_code == 401
        assert refused.headers["www-authenticate"] == challenge
        assert refused.headers["content-type"] == "application/problem+json"
    assert count(client, "?s ?p ?o") == before


def test_a_token_of_another_scope_is_refused(server: Server, client: httpx.Client):
    secret = tokens.create(server.data, "ingests", [tokens.Scope.INGEST])
    for refused in (update(client, "CLEAR ALL", Authorization=f"Bearer {secret}"), graph(client, "PUT", Authorization=f"Bearer {secret}")):
        assert refused.status_code == 403
        assert 'error="insufficient_scope", scope="update"' in refused.headers["www-authenticate"]


def test_a_revoked_token_is_refused_by_a_running_server(server: Server, client: httpx.Client):
    secret = tokens.create(server.data, "short-lived", [tokens.Scope.UPDATE])
    headers = {"Authorization": f"Bearer {secret}"}
    assert update(client, "CLEAR GRAPH <x:none>", **headers).status_code == 204
    assert tokens.revoke(server.data, "short-lived")
    assert update(client, "CLEAR GRAPH <x:none>", **headers).status_code == 401


def test_only_a_hash_of_a_token_is_kept(server: Server):
    kept = server.data / "tokens.json"
    assert server.token not in kept.read_text()
    assert hashlib.sha256(server.token.encode()).hexdigest() in {row["sha256"] for row in json.loads(kept.read_text())}
    assert kept.stat().st_mode & 0o077 == 0
    for file in (path for path in server.data.rglob("*") if path.is_file()):
        assert server.token.encode() not in file.read_bytes()


def test_every_write_is_visible_to_the_next_query(writer: httpx.Client):
    update(writer, f"CLEAR GRAPH <{GRAPH}>")
    for number in range(20):
        assert update(writer, f"INSERT DATA {{ GRAPH <{GRAPH}> {{ <x:s> <x:p> {number} }} }}").status_code == 204
        assert count(writer) == number + 1


def test_an_update_is_done_as_a_whole_or_not_at_all(writer: httpx.Client):
    update(writer, f"CLEAR GRAPH <{GRAPH}>")
    refused = update(writer, f"INSERT DATA {{ GRAPH <{GRAPH}> {{ <x:s> <x:p> 1 }} }} ; CREATE GRAPH <{GRAPH}>")
    assert refused.status_code == 400
    assert count(writer) == 0
    assert update(writer, f"INSERT DATA {{ GRAPH <{GRAPH}> {{ <x:s> <x:p> 1 }} }} ; DELETE DATA {{").status_code == 400
    assert count(writer) == 0


def test_a_graph_is_replaced_as_a_whole_or_not_at_all(writer: httpx.Client):
    whole = "".join(f"<x:s> <x:p> {number} .\n" for number in range(1000))
    assert writer.put("/graphs", params={"graph": GRAPH}, content=whole, headers=TURTLE).is_success
    refused = writer.put("/graphs", params={"graph": GRAPH}, content=whole * 3 + "<x:s> <x:p>", headers=TURTLE)
    assert refused.status_code == 400
    assert count(writer) == 1000


def test_a_part_of_a_graph_does_not_take_its_place(writer: httpx.Client):
    graph(writer, "PUT")
    refused = graph(writer, "PUT", **{"Content-Range": "bytes 0-9/100"})
    assert refused.status_code == 400
    assert "Content-Range" in refused.json()["detail"]
    assert count(writer) == 1


@pytest.mark.parametrize(
    "text",
    [
        "LOAD <http://127.0.0.1:1/>",
        "LOAD SILENT <http://127.0.0.1:1/>",
        "CLEAR ALL ; LOAD <file:///etc/passwd>",
        "INSERT { ?s ?p ?o } WHERE { SERVICE <http://127.0.0.1:1/> { ?s ?p ?o } }",
    ],
)
def test_an_update_reaches_nothing_outside(writer: httpx.Client, text: str):
    before = count(writer, "?s ?p ?o")
    refused = update(writer, text)
    assert refused.status_code == 403
    assert "opens no connections" in refused.json()["detail"]
    assert count(writer, "?s ?p ?o") == before


@pytest.mark.parametrize("text", ["", "# nothing", "PREFIX x: <http://x/> BASE <http://x/>"])
def test_an_update_may_do_nothing(writer: httpx.Client, text: str):
    assert update(writer, text).status_code == 204
    assert "there is no SELECT" in writer.get("/sparql", params={"query": text or " "}).json()["detail"]


@pytest.mark.parametrize("text", ["PREFIX a:", "BASE", "BASE a:b", "x", "<x:y>", "PREFIX a:b <x:y>", ";", "BASE <x:> `"])
def test_what_is_no_prologue_is_no_update(writer: httpx.Client, text: str):
    assert update(writer, text).status_code == 400


def test_content_that_is_posted_again_is_the_same_graph(writer: httpx.Client):
    posts = [writer.post("/graphs", content='_:b <x:p> "posted twice" .', headers=TURTLE) for _ in range(2)]
    assert [response.status_code for response in posts] == [201, 200]
    assert posts[0].headers["location"] == posts[1].headers["location"]
    assert count(writer, 'GRAPH ?g { ?s <x:p> "posted twice" }') == 1


@pytest.mark.parametrize("path", ["/graphs/a%2Fb", "/graphs/sp%20ace", "/graphs/50%25", "/graphs/frag%23x", "/graphs/%C3%A9t%C3%A9"])
def test_a_graph_is_named_by_its_address_letter_by_letter(server: Server, writer: httpx.Client, path: str):
    there = f"{server.url}{path}"
    put = writer.put(there, content=f'<x:s> <x:p> "{path}" .', headers=TURTLE)
    assert put.status_code == 201
    assert path in writer.get(there, headers={"Accept": "text/turtle"}).text
    location = urljoin(there, put.headers["location"])  # RFC 9110, 10.2.2
    assert location.startswith(server.url), "not to where the base IRI leads"
    assert path in writer.get(location, headers={"Accept": "text/turtle"}).text
    assert writer.delete(there).status_code == 200


def test_a_condition_holds_or_nothing_is_done(writer: httpx.Client):
    for name in ("If-Match", "If-None-Match"):
        assert update(writer, f'INSERT DATA {{ GRAPH <{GRAPH}> {{ <x:s> <x:p> "{name}" }} }}', **{name: '"stale"'}).status_code == 412
    assert count(writer, '?s ?p "If-Match"') == count(writer, '?s ?p "If-None-Match"') == 0
    query = {"query": "ASK { ?s ?p 'a condition' }"}
    tag = writer.get("/sparql", params=query).headers["etag"]
    for _ in range(2):  # the second time from memory
        assert writer.get("/sparql", params=query, headers={"If-Match": tag}).status_code == 200
        assert writer.get("/sparql", params=query, headers={"If-Match": '"stale"'}).status_code == 412
        assert writer.get("/sparql", params=query).status_code == 200


def test_a_query_sent_as_an_update_is_told_so(writer: httpx.Client):
    assert "query" in update(writer, "SELECT * {}").json()["detail"]


@pytest.mark.parametrize("between", [" ", "", "\n", " # {\n", "{ ?s ?p ?o } "])
@pytest.mark.parametrize("name", ["using-graph-uri", "using-named-graph-uri"])
def test_a_dataset_is_taken_or_refused_but_never_passed_over(writer: httpx.Client, name: str, between: str):
    """SPARQL 1.1 Protocol, 2.2.3; DELETE WHERE has no place for it (SPARQL 1.1 Update, grammar rule 40)."""
    put = writer.put("/graphs?default", content='<x:s> <x:p> "in no dataset" .', headers=TURTLE)
    assert put.is_success
    answer = writer.post("/sparql", data={"update": f"DELETE{between}WHERE {{ ?s ?p ?o }}", name: "x:absent"})
    assert answer.status_code == (204 if "{ ?s" in between else 400)
    assert answer.status_code == 204 or "DELETE { … } WHERE { … }" in answer.json()["detail"]
    assert "in no dataset" in writer.get("/graphs?default", headers={"Accept": "text/turtle"}).text


@pytest.mark.parametrize("before", ["", "PREFIX a: <x:>\n", "CLEAR GRAPH <x:cleared> ; ", "DELETE { ?s ?p ?o } WHERE { ?s ?p ?o } ;\n"])
@pytest.mark.parametrize("dataset", [{}, {"using-graph-uri": ["http://example.org/one", "http://example.org/two"]}])
def test_a_mistake_is_where_the_client_wrote_it(writer: httpx.Client, before: str, dataset: dict[str, list[str]]):
    """Whatever was put into the text before it ran: a base, USING, SILENT."""
    text = f"{before}DELETE {{ ?s ?p ?o }} WHERE {{ ?s ?p ?o . mistake }}"
    line, column = text.count("\n") + 1, len(text) - text.rfind("\n") - 1  # of the brace: the word could have gone on until there
    answer = writer.post("/sparql", data={"update": text, **dataset})
    assert answer.status_code == 400
    assert f"error at {line}:{column}:" in answer.json()["detail"]


def test_a_relative_iri_in_an_update_is_below_the_endpoint(writer: httpx.Client):
    assert update(writer, f"INSERT DATA {{ GRAPH <{GRAPH}> {{ <#a:b> <x:p> <rel> }} }}").status_code == 204
    assert count(writer, "<http://localhost:8000/sparql#a:b> <x:p> <http://localhost:8000/rel>") == 1


@pytest.mark.parametrize(
    ("where", "base"),
    [({"default": ""}, "http://localhost:8000/graphs?default"), ({"graph": f"{GRAPH}/a/b"}, f"{GRAPH}/a/b")],
)
@pytest.mark.parametrize("method", ["PUT", "POST"])
def test_a_relative_iri_in_a_document_is_below_what_was_asked_for(writer: httpx.Client, method: str, where: dict[str, str], base: str):
    """RFC 3986, 5.1.3, the address being below the base IRI wherever the server is reached."""
    assert writer.request(method, "/graphs", params=where, content="<#s> <p> <>, </o> .", headers=TURTLE).is_success
    found = writer.get("/graphs", params={**where, "format": "ntriples"}).text
    assert f"<{base}#s> <{urljoin(base, 'p')}> <{base}> ." in found
    assert f"<{urljoin(base, '/o')}> ." in found


def test_an_update_may_be_longer_than_a_query(writer: httpx.Client):
    rows = " ".join(f"<x:{number}> <x:p> '{'a' * 80}' ." for number in range(15_000))
    update(writer, f"CLEAR GRAPH <{GRAPH}>")
    assert len(rows) > 1_400_000
    assert update(writer, f"INSERT DATA {{ GRAPH <{GRAPH}> {{ {rows} }} }}").status_code == 204
    assert count(writer) == 15_000
    form = writer.post("/sparql", data={"update": f"CLEAR GRAPH <{GRAPH}> ; INSERT DATA {{ GRAPH <{GRAPH}> {{ {rows} }} }}"})
    assert form.status_code == 204


def test_a_write_that_takes_too_long_is_stopped_and_the_next_one_done(serve: Callable[..., Server]):
    server = serve(query_timeout_s=2)
    secret = tokens.create(server.data, "test", [tokens.Scope.UPDATE])
    cross = " . ".join(f"?a{i} ?b{i} ?c{i}" for i in range(14))
    with server.client(headers={"Authorization": f"Bearer {secret}"}) as client:
        stopped = update(client, f"DELETE {{ ?a0 ?b0 ?c0 }} WHERE {{ GRAPH ?g {{ {cross} }} }}")
        assert stopped.status_code == 504
        assert "as a whole or not at all" in stopped.json()["detail"]
        assert update(client, f"INSERT DATA {{ GRAPH <{GRAPH}> {{ <x:s> <x:p> 1 }} }}").status_code == 204
        assert count(client, "?s ?p ?o") == 6


def test_what_a_write_stored_at_its_deadline_can_be_seen_when_it_is_answered(serve: Callable[..., Server], monkeypatch: pytest.MonkeyPatch):
    halting = Path(__file__).with_name("halting.py")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, [str(halting.parent), os.environ.get("PYTHONPATH")])))
    server = serve(program=[str(halting), "serve"], query_timeout_s=2)
    secret = tokens.create(server.data, "test", [tokens.Scope.UPDATE])
    with server.client(headers={"Authorization": f"Bearer {secret}"}) as client:
        assert count(client) == 0
        (server.data / "halt").touch()
        stopped = update(client, f"INSERT DATA {{ GRAPH <{GRAPH}> {{ <x:s> <x:p> 1 }} }}")
        assert stopped.status_code == 504
        assert "look before you send it again" in stopped.json()["detail"]
        assert count(client) == 1
        assert not (server.data / "unpublished").exists()


FORMER = "<x:a> <x:p> 1, 01, 'x'@en ; <x:q> <x:b> . <x:b> <x:p> 2 ."
BLANK = "<x:a> <x:p> [ <x:q> 1 ], 1 ."
TERM = "<x:a> <x:says> <<( _:b <x:p> 1 )>> ; <x:p> 1 ."


@pytest.mark.parametrize("former", [FORMER, BLANK, TERM, ""])
@pytest.mark.parametrize("latter", [FORMER, "<x:a> <x:p> 1, 3 .", "<x:a> <x:p> 01 .", BLANK, ""])
@pytest.mark.parametrize("where", [{"graph": "http://example.org/replaced"}, {"default": ""}])
def test_a_graph_that_is_put_holds_what_was_sent_and_nothing_else(writer: httpx.Client, where: dict[str, str], former: str, latter: str):
    for document in (former, latter):
        assert writer.put("/graphs", params=where, content=document, headers=TURTLE).status_code in (201, 204)
    kept = parse(writer.get("/graphs", params={**where, "format": "ntriples"}).content, RdfFormat.N_TRIPLES)
    sent = parse(latter.replace("01", "1"), RdfFormat.TURTLE)
    assert canonical(kept) == canonical(sent)


def canonical(quads: Iterable[Quad]) -> Dataset:
    dataset = Dataset(quads)
    dataset.canonicalize(CanonicalizationAlgorithm.UNSTABLE)
    return dataset


def test_a_graph_has_a_longer_deadline_than_a_query_and_an_update(serve: Callable[..., Server]):
    server = serve(query_timeout_s=1)
    secret = tokens.create(server.data, "test", [tokens.Scope.UPDATE])
    with server.client(headers={"Authorization": f"Bearer {secret}"}) as client:
        for content in ("a", "b"):
            large = "".join(f"<x:{number}> <x:p> '{content}{number}' .\n" for number in range(60_000))
            assert client.put("/graphs", params={"graph": GRAPH}, content=large, headers=TURTLE).status_code in (201, 204)
            assert count(client) == 60_000


def test_a_graph_past_its_own_deadline_is_stopped(serve: Callable[..., Server], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("KG_WRITE_TIMEOUT_S", "0.5")
    server = serve()
    secret = tokens.create(server.data, "test", [tokens.Scope.UPDATE])
    large = "".join(f"<x:{number}> <x:p> {number} .\n" for number in range(200_000))
    with server.client(headers={"Authorization": f"Bearer {secret}"}) as client:
        stopped = client.put("/graphs", params={"graph": GRAPH}, content=large, headers=TURTLE)
        assert (stopped.status_code, stopped.json()["type"].rpartition("#")[2]) == (504, "deadline")
        assert count(client) in (0, 200_000)


@pytest.mark.parametrize("kind", ["update", "graph"])
def test_a_write_behind_another_writer_is_told_to_come_back(serve: Callable[..., Server], monkeypatch: pytest.MonkeyPatch, kind: str):
    """Also where the deadline is shorter than the wait for the lock: nothing was written, and that is sure."""
    monkeypatch.setenv("KG_WRITE_TIMEOUT_S", "2")
    server = serve(query_timeout_s=2, lock_timeout_s=20)
    secret = tokens.create(server.data, "test", [tokens.Scope.UPDATE])
    with server.client(headers={"Authorization": f"Bearer {secret}"}) as client:
        with locked(server.data, 5):
            write = graph(client, "PUT") if kind == "graph" else update(client, f"INSERT DATA {{ GRAPH <{GRAPH}> {{ <x:s> <x:p> 1 }} }}")
        assert write.status_code == 503
        assert int(write.headers["retry-after"]) > 0
        assert "nothing was written" in write.json()["detail"]
        assert count(client) == 0
        assert graph(client, "PUT").status_code == 201


@pytest.mark.parametrize("timeout", ["1", "100"])
def test_an_update_may_ask_for_a_shorter_deadline_and_for_no_longer_one(serve: Callable[..., Server], timeout: str):
    server = serve(query_timeout_s=30 if timeout == "1" else 1)
    secret = tokens.create(server.data, "test", [tokens.Scope.UPDATE])
    cross = " . ".join(f"?a{i} ?b{i} ?c{i}" for i in range(14))
    text = f"DELETE {{ ?a0 ?b0 ?c0 }} WHERE {{ GRAPH ?g {{ {cross} }} }}"
    with server.client(headers={"Authorization": f"Bearer {secret}"}) as client:
        for sent in ({"data": {"update": text, "timeout": timeout}}, {"params": {"timeout": timeout}, "content": text, "headers": UPDATE}):
            began = time.monotonic()
            assert client.post("/sparql", **sent).status_code == 504
            assert time.monotonic() - began < 15
        assert client.post("/sparql", data={"update": "CLEAR ALL", "timeout": "soon"}).status_code == 400


def test_a_write_behind_a_long_one_is_told_to_come_back(serve: Callable[..., Server]):
    server = serve(query_timeout_s=3)
    secret = tokens.create(server.data, "test", [tokens.Scope.UPDATE])
    cross = " . ".join(f"?a{i} ?b{i} ?c{i}" for i in range(14))
    with server.client(headers={"Authorization": f"Bearer {secret}"}) as client, ThreadPoolExecutor() as others:
        long = [others.submit(update, client, f"DELETE {{ ?a0 ?b0 ?c0 }} WHERE {{ GRAPH ?g {{ {cross} }} }}") for _ in range(3)]
        assert {write.result().status_code for write in long} == {503, 504}


@pytest.mark.parametrize("depth", [100, 101, 8000])
@pytest.mark.parametrize("media_type", ["text/turtle", "application/n-triples"])
def test_triple_terms_may_be_nested_as_deep_as_a_query_can_be(writer: httpx.Client, media_type: str, depth: int):
    document = "<x:a> <x:b> " + "<<( <x:a> <x:b> " * depth + "<x:c>" + " )>>" * depth + " ."
    where = {"graph": "http://example.org/deep"}
    put = writer.put("/graphs", params=where, content=document, headers={"Content-Type": media_type})
    assert put.status_code == (201 if depth == 100 else 400), put.text
    if depth > 100:
        assert "nested more than 100 levels deep" in put.json()["detail"]
        assert put.json()["type"].endswith("#complexity")
    else:
        for name in ("turtle", "ntriples", "rdfxml"):
            assert writer.get("/graphs", params={**where, "format": name}).status_code == 200
        assert writer.delete("/graphs", params=where).status_code == 200
