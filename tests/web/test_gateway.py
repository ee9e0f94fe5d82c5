"""`kg serve --store`: our protocol in front of a remote store."""

import gzip
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from pyoxigraph import RdfFormat, serialize
from remotes import JSON, Fake, Reply, fake, oxigraph
from serving import BASE, QUADS, Server, fill, serving

from kg import engines, tokens
from kg.backup import back_up
from kg.errors import RemoteError
from kg.iris import Iris
from kg.quads import dataset_quads
from kg.settings import Settings

INVESTS = "SELECT ?s ?o { ?s <https://w3id.org/aikg/ontology#investsIn> ?o }"
CROSS = "SELECT (COUNT(*) AS ?n) { " + " ".join(f"?s{n} ?p{n} ?o{n} ." for n in range(12)) + " }"


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A gateway to a native server that holds QUADS; `token` allows updates."""
    folder = tmp_path_factory.mktemp("gateway")
    patch = pytest.MonkeyPatch()
    patch.setenv("NO_PROXY", "127.0.0.1")
    with patch.context(), oxigraph(folder / "ox") as named:
        httpx.post(f"{named['store']}store", content=QUADS, headers={"Content-Type": "application/n-quads"}).raise_for_status()
        (folder / "data").mkdir()
        token = tokens.create(folder / "data", "test", [tokens.Scope.UPDATE])
        with serving(folder / "data", folder / "serve.log", query_timeout_s=10, **named) as running:
            running.token = token
            yield running
    patch.undo()


@pytest.fixture
def client(gateway: Server) -> Iterator[httpx.Client]:
    with gateway.client() as made:
        yield made


def write(gateway: Server, client: httpx.Client, update: str) -> httpx.Response:
    return client.post("/sparql", data={"update": update}, headers={"Authorization": f"Bearer {gateway.token}"})


@pytest.mark.parametrize("accept", ["text/csv", "text/tab-separated-values", JSON, "application/sparql-results+xml"])
def test_rows_come_in_the_format_that_was_asked_for(client: httpx.Client, accept: str):
    response = client.get("/sparql", params={"query": INVESTS}, headers={"Accept": accept})
    assert response.status_code == 200
    assert response.headers["content-type"].partition(";")[0] == accept
    assert "http://localhost:8000/entity/Microsoft" in response.text


def test_a_graph_comes_with_our_prefixes(client: httpx.Client):
    response = client.get("/sparql", params={"query": "CONSTRUCT WHERE { ?s <https://w3id.org/aikg/ontology#investsIn> ?o }"})
    assert "aikg:investsIn <http://localhost:8000/entity/Mistral_AI>" in response.text


def test_nothing_is_kept_or_tagged_as_it_may_change_any_time(client: httpx.Client):
    response = client.get("/sparql", params={"query": INVESTS})
    assert "etag" not in response.headers
    assert response.headers["cache-control"] == "no-store"


def test_the_default_graph_is_the_union_and_a_named_dataset_counts(client: httpx.Client):
    anywhere = {"query": "ASK { ?article <http://purl.org/dc/terms/title> ?title }"}
    assert client.get("/sparql", params=anywhere).json()["boolean"]
    assert not client.get("/sparql", params={**anywhere, "default-graph-uri": "http://localhost:8000/graph/knowledge"}).json()["boolean"]


def test_an_update_is_visible_when_it_is_acknowledged(gateway: Server, client: httpx.Client):
    assert write(gateway, client, "INSERT DATA { GRAPH <http://x/g> { <http://x/s> <http://x/p> 1 } }").status_code == 204
    assert client.get("/sparql", params={"query": "ASK { <http://x/s> <http://x/p> 1 }"}).json()["boolean"]


def test_a_mistake_in_an_update_is_where_the_client_wrote_it(gateway: Server, client: httpx.Client):
    answer = write(gateway, client, "INSERT DATA { ?s <x:p> 1 }")
    assert answer.status_code == 400
    assert "error at 1:27" in answer.json()["detail"]


def test_a_relative_iri_is_below_the_endpoint(gateway: Server, client: httpx.Client):
    assert write(gateway, client, "INSERT DATA { GRAPH <http://x/g> { <#a:b> <http://x/p> <rel> } }").status_code == 204
    there = "ASK { <http://localhost:8000/sparql#a:b> <http://x/p> <http://localhost:8000/rel> }"
    assert client.get("/sparql", params={"query": there}).json()["boolean"]
    assert client.get("/sparql", params={"query": "ASK { <#a:b> <http://x/p> ?o }"}).json()["boolean"]


def test_graphs_are_put_read_and_deleted(gateway: Server, client: httpx.Client):
    token = {"Authorization": f"Bearer {gateway.token}"}
    where = {"graph": "http://x/put"}
    put = client.put("/graphs", params=where, content="<http://x/a> <http://x/b> 'c'.", headers={**token, "Content-Type": "text/turtle"})
    assert put.status_code == 201
    assert client.get("/graphs", params=where, headers={"Accept": "application/n-triples"}).text == '<http://x/a> <http://x/b> "c" .\n'
    assert client.delete("/graphs", params=where, headers=token).status_code == 200
    assert client.get("/graphs", params=where).status_code == 404


def test_the_dump_and_the_description_of_the_dataset_are_served(client: httpx.Client):
    assert b"entity/Microsoft" in gzip.decompress(client.get("/dump.nq.gz").content)
    assert "sparqlEndpoint" in client.get("/.well-known/void").text


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "POST", "DELETE"])
def test_the_stores_own_default_graph_is_not_ours(gateway: Server, client: httpx.Client, method: str):
    headers = {"Authorization": f"Bearer {gateway.token}", "Content-Type": "text/turtle"}
    content = {} if method in ("GET", "HEAD", "DELETE") else {"content": "<http://x/a> <http://x/b> 'c'."}
    refused = client.request(method, "/graphs?default", headers=headers, **content)
    assert refused.status_code == 403
    assert method == "HEAD" or "named graphs" in refused.json()["detail"]


@pytest.mark.parametrize("flags", [[], ["--union-default-graph"]])
def test_what_is_outside_named_graphs_is_never_left_out_without_a_word(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, flags: list[str]):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with oxigraph(tmp_path / "ox", *flags) as named:
        quads = QUADS + (serialize(dataset_quads(Iris(BASE)), format=RdfFormat.N_QUADS) or b"").decode()
        httpx.post(f"{named['store']}store", content=quads, headers={"Content-Type": "application/n-quads"}).raise_for_status()
        fill(tmp_path / "data")
        token = tokens.create(tmp_path / "data", "test", [tokens.Scope.UPDATE])
        with serving(tmp_path / "data", tmp_path / "serve.log", **named) as server, server.client() as client:
            server.token = token
            assert write(server, client, "INSERT DATA { <http://x/s> <http://x/p> 'unnamed' }").status_code == 204
            for path in ("/dump.nq.gz", "/graphs", "/graphs?format=jsonld", "/graphs?format=trig"):
                refused = client.get(path)
                assert refused.status_code == 502, path
                assert "outside named graphs" in refused.json()["detail"]
            with pytest.raises(RemoteError, match="named graph there"):
                back_up(Settings.load(**named), tmp_path / "backup.zip")
            with engines.reading(Settings.load(**named)) as graph, pytest.raises(RemoteError, match="CLEAR DEFAULT"), graph.copy():
                pass
            assert (
                write(
                    server, client, "CLEAR DEFAULT; INSERT DATA { GRAPH <http://x/g> { <http://x/s> <http://x/p> 'unnamed' } }"
                ).status_code
                == 204
            )
            assert b"unnamed" in gzip.decompress(client.get("/dump.nq.gz").content)
            assert "unnamed" in client.get("/graphs").text
            assert back_up(Settings.load(**named), tmp_path / "backup.zip").quads == quads.count(" .\n") + 1


def test_a_write_without_a_token_is_refused(client: httpx.Client):
    assert client.post("/sparql", data={"update": "CLEAR ALL"}).status_code == 401


@pytest.mark.parametrize("query", ["SELECT * { SERVICE <http://127.0.0.1:1/> { ?s ?p ?o } }"])
def test_the_store_is_not_asked_to_connect_elsewhere(client: httpx.Client, query: str):
    assert client.get("/sparql", params={"query": query}).status_code == 403


def test_a_mistake_is_the_callers(client: httpx.Client):
    response = client.get("/sparql", params={"query": "SELECT * { ?s ?p }"})
    assert response.status_code == 400
    assert "1:" in response.json()["detail"]


def test_the_deadline_is_ours(client: httpx.Client):
    response = client.get("/sparql", params={"query": CROSS, "timeout": "1"})
    assert (response.status_code, response.json()["type"].rpartition("#")[2]) == (504, "deadline")


@contextmanager
def before(service: Fake, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[httpx.Client]:
    """A client of a gateway to a fake service."""
    for name, value in {"NO_PROXY": "127.0.0.1", **{f"KG_{name.upper()}": value for name, value in service.settings.items()}}.items():
        monkeypatch.setenv(name, value)
    (folder / "data").mkdir()
    with serving(folder / "data", folder / "log") as server, server.client() as client:
        yield client


def test_a_store_that_answers_no_more_is_a_bad_gateway(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    bases = b'{"head":{"vars":["base","g"]},"results":{"bindings":[]}}'
    broken = Reply(500, b"broken", {"Content-Type": "text/plain"})
    with fake(Reply(body=bases), broken) as service, before(service, tmp_path, monkeypatch) as client:
        response = client.get("/sparql", params={"query": INVESTS})
        assert response.status_code == 502
        assert "broken" in response.json()["detail"]


@pytest.mark.parametrize("path", ["/dump.nq.gz", "/graphs"])
def test_a_dump_that_does_not_begin_before_its_deadline_names_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str):
    monkeypatch.setenv("KG_DUMP_TIMEOUT_S", "1.5")
    nothing = Reply(body=b'{"head":{"vars":["base","g"]},"results":{"bindings":[]}}')
    silent = Reply(body=b"", headers={"Content-Type": JSON, "Content-Length": "100"})
    with fake(nothing, silent) as service, before(service, tmp_path, monkeypatch) as client:
        response = client.get(path)
    assert (response.status_code, response.json()["type"].rpartition("#")[2]) == (504, "deadline")
    assert "(KG_DUMP_TIMEOUT_S, 1.5 s)" in response.json()["detail"]


@pytest.mark.parametrize("many", [0, 60_000])
def test_an_answer_that_the_store_breaks_off_never_ends_well(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, many: int):
    head, row = b'{"head":{"vars":["s","o"]},"results":{"bindings":[', b'{"s":{"type":"literal","value":"1"}},'
    nothing = b'{"head":{"vars":["s","p","o","base","g"]},"results":{"bindings":[]}}'
    broken = Reply(body=head + row * many + b"The query was cancelled")
    with fake(Reply(body=nothing), Reply(body=nothing), broken) as service, before(service, tmp_path, monkeypatch) as client:
        if many:
            with pytest.raises(httpx.RemoteProtocolError):
                client.get("/sparql", params={"query": INVESTS, "format": "csv"}, headers={"Accept-Encoding": "identity"})
        else:
            assert client.get("/sparql", params={"query": INVESTS, "format": "csv"}).status_code == 502


def test_without_its_store_a_gateway_does_not_start(tmp_path: Path):
    (tmp_path / "data").mkdir()
    with (
        pytest.raises(AssertionError, match="cannot reach http://127"),
        serving(tmp_path / "data", tmp_path / "log", store="http://127.0.0.1:1/"),
    ):
        pass
