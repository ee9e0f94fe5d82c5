"""If-Match and If-None-Match on the graph store's writes (RFC 9110, 13.1): nobody overwrites what they have not seen."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from remotes import oxigraph
from serving import BASE, Server, fill, serving

from kg import tokens
from kg.settings import Settings
from kg.store import open_writer

TURTLE = {"Content-Type": "text/turtle"}
GRAPH, ABSENT = f"{BASE}graphs/kept", f"{BASE}graphs/absent"


@pytest.fixture
def writer(server: Server) -> Iterator[httpx.Client]:
    with server.client(headers={"Authorization": f"Bearer {server.token}"}) as client:
        assert put(client, "<x:s> <x:p> 0 .").status_code in (201, 204)
        yield client


def put(client: httpx.Client, turtle: str, graph: str = GRAPH, **headers: str) -> httpx.Response:
    return client.put("/graphs", params={"graph": graph}, content=turtle, headers={**TURTLE, **_named(headers)})


def send(client: httpx.Client, method: str, graph: str = GRAPH, **headers: str) -> httpx.Response:
    content = {} if method == "DELETE" else {"content": "<x:s> <x:p> 1 ."}
    return client.request(method, "/graphs", params={"graph": graph}, headers={**TURTLE, **_named(headers)}, **content)


def _named(headers: dict[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}


def tag(client: httpx.Client, graph: str = GRAPH, method: str = "HEAD", **headers: str) -> str:
    response = client.request(method, "/graphs", params={"graph": graph}, headers=_named(headers))
    assert response.status_code == 200
    return response.headers["etag"]


def content(client: httpx.Client, graph: str = GRAPH) -> str:
    return client.get("/graphs", params={"graph": graph, "format": "ntriples"}).text


def failed(response: httpx.Response) -> str:
    assert response.status_code == 412, response.text
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["type"].endswith("#precondition")
    assert "nothing was written" in response.json()["detail"] or "dataset" in response.json()["detail"]
    return response.json()["detail"]


@pytest.mark.parametrize("method", ["PUT", "POST", "DELETE"])
def test_a_write_goes_through_with_the_tag_that_reading_gave_and_only_once(writer: httpx.Client, method: str):
    seen = tag(writer)
    assert send(writer, method, If_Match=f'"other", {seen}').is_success
    before = put(writer, "<x:s> <x:p> 2 .") if method == "DELETE" else None
    assert before is None or before.status_code == 201
    known = content(writer)
    assert "read the graph again" in failed(send(writer, method, If_Match=seen))
    assert content(writer) == known


def test_the_tag_of_any_representation_will_do(writer: httpx.Client):
    for headers in ({"Accept": "application/ld+json"}, {"Accept_Encoding": "gzip"}, {"Accept_Encoding": "zstd", "Accept": "text/turtle"}):
        for method in ("GET", "HEAD"):
            assert put(writer, "<x:s> <x:p> 3 .", If_Match=tag(writer, method=method, **headers)).status_code == 204


def test_the_same_graph_by_its_own_address_has_the_same_tags(writer: httpx.Client):
    address = GRAPH.removeprefix(BASE.rstrip("/"))
    assert writer.head(address).headers["etag"] == tag(writer)
    assert writer.put(address, content="<x:s> <x:p> 4 .", headers={**TURTLE, "If-Match": tag(writer)}).status_code == 204


@pytest.mark.parametrize("value", ['"other"', "W/{tag}", "", "*x", '"*"'])
def test_what_is_no_current_strong_tag_matches_nothing(writer: httpx.Client, value: str):
    known = content(writer)
    for method in ("PUT", "POST", "DELETE"):
        failed(send(writer, method, If_Match=value.format(tag=tag(writer))))
    assert content(writer) == known


def test_the_tag_of_another_graph_does_not_match(writer: httpx.Client):
    failed(put(writer, "<x:s> <x:p> 5 .", If_Match=tag(writer, f"{BASE}graph/knowledge")))


def test_a_star_is_whether_the_graph_is_there(writer: httpx.Client):
    failed(put(writer, "<x:s> <x:p> 6 .", If_None_Match="*"))
    assert put(writer, "<x:s> <x:p> 6 .", If_Match="*").status_code == 204
    failed(put(writer, "<x:s> <x:p> 6 .", ABSENT, If_Match="*"))
    failed(put(writer, "<x:s> <x:p> 6 .", ABSENT, If_Match="*", If_None_Match="*"))
    assert writer.get("/graphs", params={"graph": ABSENT}).status_code == 404
    for method, expected in (("PUT", 201), ("POST", 201)):
        assert send(writer, method, ABSENT, If_None_Match="*").status_code == expected
        failed(send(writer, method, ABSENT, If_None_Match="*"))
        assert send(writer, "DELETE", ABSENT, If_Match="*").status_code == 200


def test_the_default_graph_is_always_there(writer: httpx.Client):
    failed(writer.put("/graphs?default", content="", headers={**TURTLE, "If-None-Match": "*"}))
    assert writer.put("/graphs?default", content="<x:s> <x:p> 1 .", headers={**TURTLE, "If-Match": "*"}).status_code == 201
    seen = writer.head("/graphs?default").headers["etag"]
    assert writer.delete("/graphs?default", headers={"If-Match": seen}).status_code == 200
    failed(writer.delete("/graphs?default", headers={"If-Match": seen}))


def test_a_graph_without_a_name_is_added_to_the_dataset_that_was_seen(writer: httpx.Client):
    seen = writer.head("/graphs").headers["etag"]
    sent = {"content": "<x:s> <x:p> 'unnamed' .", "headers": {**TURTLE, "If-Match": seen}}
    assert writer.post("/graphs", **sent).status_code == 201
    failed(writer.post("/graphs", **sent))
    assert writer.post("/graphs", content="", headers={**TURTLE, "If-Match": "*"}).status_code == 201
    failed(writer.post("/graphs", content="", headers={**TURTLE, "If-None-Match": "*"}))


def test_a_tag_in_if_none_match_keeps_from_writing_over_what_it_names(writer: httpx.Client):
    seen = tag(writer)
    failed(put(writer, "<x:s> <x:p> 7 .", If_None_Match=f"W/{seen}"))
    assert put(writer, "<x:s> <x:p> 7 .", If_None_Match='"other"').status_code == 204
    assert put(writer, "<x:s> <x:p> 8 .", If_None_Match=seen).status_code == 204


def test_what_would_fail_anyway_fails_as_it_would(writer: httpx.Client, client: httpx.Client):
    assert send(writer, "DELETE", ABSENT, If_Match='"other"').status_code == 404  # RFC 9110, 13.2.1
    assert send(client, "PUT", If_Match="*").status_code == 401
    assert put(writer, "", If_Match="*", Content_Type="text/csv").status_code == 415
    assert writer.post("/graphs", content="a,b", headers={"Content-Type": "text/csv", "If-None-Match": "*"}).status_code == 415


def test_a_successful_put_has_no_tag_of_its_own(writer: httpx.Client):
    """RFC 9110, 9.3.4: what is read is not, byte by byte, what was sent."""
    assert "etag" not in put(writer, "<x:s> <x:p> 9 .").headers


def test_of_writers_that_saw_the_same_one_wins(server: Server, writer: httpx.Client):
    for _ in range(6):
        seen, gate = tag(writer), threading.Barrier(4)

        def write(number: int, seen: str = seen, gate: threading.Barrier = gate) -> tuple[int, int]:
            with server.client(headers={"Authorization": f"Bearer {server.token}"}) as client:
                gate.wait()
                return put(client, f"<x:s> <x:winner> {number} .", If_Match=seen).status_code, number

        with ThreadPoolExecutor(4) as threads:
            outcomes = sorted(threads.map(write, range(4)))
        assert [status for status, _ in outcomes] == [204, 412, 412, 412]
        assert f'<x:winner> "{outcomes[0][1]}"' in content(writer)


def test_of_writers_that_make_the_same_graph_one_wins(server: Server, writer: httpx.Client):
    gate = threading.Barrier(4)

    def write(number: int) -> tuple[int, int]:
        with server.client(headers={"Authorization": f"Bearer {server.token}"}) as client:
            gate.wait()
            return put(client, f"<x:s> <x:winner> {number} .", ABSENT, If_None_Match="*").status_code, number

    with ThreadPoolExecutor(4) as threads:
        outcomes = sorted(threads.map(write, range(4)))
    assert [status for status, _ in outcomes] == [201, 412, 412, 412]
    assert f'"{outcomes[0][1]}"' in content(writer, ABSENT)
    assert send(writer, "DELETE", ABSENT).status_code == 200


def test_a_writer_beside_the_server_is_seen(serve: Callable[..., Server]):
    server = serve()
    token = tokens.create(server.data, "test", [tokens.Scope.UPDATE])
    with server.client(headers={"Authorization": f"Bearer {token}"}) as client:
        knowledge = f"{BASE}graph/knowledge"
        for publishes, value in ((True, "seen"), (False, "stored only")):
            seen = tag(client, knowledge)
            with open_writer(Settings.load(data=server.data)) as beside:
                beside.update(f"INSERT DATA {{ GRAPH <{knowledge}> {{ <x:s> <x:p> '{value}' }} }}")
                if publishes:
                    beside.publish()
            failed(put(client, "<x:s> <x:p> 1 .", knowledge, If_Match=seen))
            assert f'"{value}"' in content(client, knowledge), "now it is there to be read"
        assert put(client, "<x:s> <x:p> 1 .", knowledge, If_Match=tag(client, knowledge)).status_code == 204


def test_before_a_store_of_another_kind_only_a_star_can_be_told(tmp_path: Path):
    """What it holds can change at any time, so nothing that is read has a tag."""
    fill(tmp_path / "tokens", "")
    token = tokens.create(tmp_path / "tokens", "test", [tokens.Scope.UPDATE])
    with (
        oxigraph(tmp_path / "store") as there,
        serving(tmp_path / "tokens", tmp_path / "log", **there) as server,
        server.client(headers={"Authorization": f"Bearer {token}"}) as client,
    ):
        assert put(client, "<x:s> <x:p> 1 .", If_None_Match="*").status_code == 201
        failed(put(client, "<x:s> <x:p> 2 .", If_None_Match="*"))
        assert put(client, "<x:s> <x:p> 2 .", If_Match="*").status_code == 204
        failed(put(client, "<x:s> <x:p> 3 .", If_Match='"any"'))
        assert '"2"' in content(client)
