"""What a client can send before, beside and instead of a proper request: each is refused with a reason, and the server goes on."""

import asyncio
import contextlib
import json
import re
import socket
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest
from serving import Server, fill, serving

from kg.web import call as call_module
from kg.web.call import Call
from kg.web.problems import ProblemError

SLOW = "SELECT (COUNT(*) AS ?n) { " + " ".join(f"?s{i} ?p{i} ?o{i} ." for i in range(12)) + " }"
PAGES = ["/sparql", "/graphs", "/graphs/x", "/health", "/ready", "/metrics", "/", "/docs", "/openapi.json", "/static/style.css"]


def received(server: Server, sent: bytes) -> bytes:
    """All that raw bytes are answered with until the server closes the connection."""
    host, port = server.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=30) as connection:
        connection.sendall(sent)
        return b"".join(iter(lambda: connection.recv(65536), b""))


def exchange(server: Server, sent: bytes) -> tuple[int, dict]:
    """The status and the problem that raw bytes are answered with."""
    head, _, body = received(server, sent).partition(b"\r\n\r\n")
    return int(head.split()[1]), json.loads(body)


def test_an_endless_address_is_refused(server: Server):
    status, problem = exchange(server, b"GET /sparql?query=" + b"a" * 200_000)
    assert (status, problem["status"]) == (414, 414)
    assert "POST" in problem["detail"]


def test_an_endless_header_is_refused(server: Server):
    status, problem = exchange(server, b"GET / HTTP/1.1\r\nHost: x\r\nX-Long: " + b"a" * 1_000_000)
    assert (status, problem["status"]) == (431, 431)


def test_what_is_no_http_is_refused(server: Server):
    status, problem = exchange(server, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n")
    assert (status, problem["status"]) == (400, 400)


REFUSED_BY_THE_CONNECTION = {
    400: b"GET /health HTTP/1.1\r\n\r\n",
    414: b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\n",
    431: b"GET / HTTP/1.1\r\nHost: x\r\nX-Long: " + b"a" * 1_000_000,
}


@pytest.mark.parametrize("status", REFUSED_BY_THE_CONNECTION)
def test_what_the_connection_refuses_has_the_headers_of_every_answer(server: Server, client: httpx.Client, status: int):
    head = received(server, REFUSED_BY_THE_CONNECTION[status]).partition(b"\r\n\r\n")[0].decode().lower().split("\r\n")
    fields = dict(line.split(": ", 1) for line in head[1:])
    assert int(head[0].split()[1]) == status
    usual = client.get("/nothing/here").headers
    for name in ("access-control-allow-origin", "x-content-type-options", "referrer-policy", "cache-control", "content-type"):
        assert fields[name] == usual[name].lower(), name
    assert {"date", "connection", "content-length"} <= fields.keys()


@pytest.mark.parametrize("method", [b"FOO", b"BREW-1", b"get", b"GETS"])
@pytest.mark.parametrize("path", [b"/sparql", b"/health", b"/nothing"])
def test_a_method_that_nobody_knows_is_not_implemented(server: Server, method: bytes, path: bytes):
    status, problem = exchange(server, method + b" " + path + b" HTTP/1.1\r\nHost: x\r\n\r\n")
    assert (status, problem["type"].rpartition("#")[2]) == (501, "method")


@pytest.mark.parametrize("method", ["PATCH", "PROPFIND", "TRACE"])
def test_a_method_that_only_others_know_is_not_allowed(client: httpx.Client, method: str):
    for path in ("/sparql", "/graphs", "/health", "/dump.nq.gz"):
        refused = client.request(method, path)
        assert refused.status_code == 405
        assert "GET" in refused.headers["allow"]


@pytest.mark.parametrize("line", [b"FOO", b"FOO /\r\n", b"F(O / HTTP/1.1\r\n", b"FOO / HTTP/2.0\r\n", b"FOO / a HTTP/1.1\r\n"])
def test_what_is_wrong_in_more_than_its_method_is_no_request(server: Server, line: bytes):
    assert exchange(server, line + b"\r\n")[0] == 400


def test_a_long_address_works_up_to_the_limit(client: httpx.Client):
    assert client.get("/sparql", params={"query": f"ASK {{ ?s ?p '{'a' * 50_000}' }}"}).json()["boolean"] is False


def test_requests_on_one_connection_are_answered_in_turn(server: Server):
    head = b"POST /sparql HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n\r\n"
    query = b"query=ASK%20%7B%7D"
    post = head % len(query) + query
    answers = received(server, post * 50 + b"GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert answers.count(b"HTTP/1.1 200 ") == 51


def test_who_sends_thousands_of_requests_ahead_is_cut_off(server: Server):
    host, port = server.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=30) as connection, contextlib.suppress(ConnectionError):
        connection.sendall(b"GET /sparql?query=" + quote(SLOW).encode() + b" HTTP/1.1\r\nHost: x\r\n\r\n")
        for _ in range(100):
            connection.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n" * 1000)
        assert connection.recv(65536) == b"", "closed without an answer to any of them"


IMPATIENT = "from kg.web import connection\nconnection.STALL_S = 0.5\nfrom kg.cli.main import main\nmain()\n"
LARGE = {"whole": "a" * 60_000, "in pieces": "a" * 300_000}


@pytest.mark.parametrize("size", LARGE)
def test_who_takes_nothing_is_let_go_and_the_log_says_so(tmp_path: Path, size: str):
    """However the answer is sent; else a client could hold as much of it in our memory as it likes."""
    fill(tmp_path / "data")
    (tmp_path / "impatient.py").write_text(IMPATIENT)
    query = f"SELECT ('{LARGE[size]}' AS ?a) {{}}".encode()
    head = f"POST /sparql HTTP/1.1\r\nHost: x\r\nContent-Type: application/sparql-query\r\nContent-Length: {len(query)}\r\n\r\n".encode()
    with serving(tmp_path / "data", tmp_path / "log", program=[str(tmp_path / "impatient.py"), "serve"]) as server:
        host, port = server.url.removeprefix("http://").split(":")
        with socket.socket() as connection, contextlib.suppress(ConnectionError):
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            connection.settimeout(30)
            connection.connect((host, int(port)))
            for _ in range(120):  # fewer than may be sent ahead, until it resets the connection
                connection.sendall(head + query)
            deadline = time.monotonic() + 30
            while '"gone"' not in server.log.read_text() and time.monotonic() < deadline:
                time.sleep(0.1)
        server.stop()
        log = [json.loads(line) for line in server.log.read_text().splitlines() if line.startswith("{")]
    begun = [line for line in log if line.get("path") == "/sparql" and line["status"] == 200]
    assert (begun[-1].get("gone"), begun[-1].get("cut")) == (True, True)
    assert not any("traceback" in line for line in log)


def connect(server: Server, stack: contextlib.ExitStack, sent: bytes = b"") -> socket.socket:
    host, port = server.url.removeprefix("http://").split(":")
    connection = stack.enter_context(socket.create_connection((host, int(port)), timeout=30))
    connection.sendall(sent)
    return connection


def test_who_holds_too_many_idle_connections_loses_the_longest_idle(serve: Callable[..., Server]):
    server = serve(idle_connections=3, query_timeout_s=5)
    query, health = quote(SLOW).encode(), b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n"
    with contextlib.ExitStack() as stack:
        busy = connect(server, stack, b"GET /sparql?query=" + query + b" HTTP/1.1\r\nHost: x\r\n\r\n")
        used = connect(server, stack, health)
        assert used.recv(65536).startswith(b"HTTP/1.1 200")
        silent, dripping = connect(server, stack), connect(server, stack, b"GET /health HT")
        time.sleep(0.5)  # until it is known that these are there
        used.sendall(health)
        assert used.recv(65536).startswith(b"HTTP/1.1 200"), "three are allowed"
        for lost in (silent, dripping):  # the other was idle again later
            connect(server, stack)
            assert lost.recv(65536) == b""
        used.sendall(health)
        assert used.recv(65536).startswith(b"HTTP/1.1 200")
        assert busy.recv(65536).startswith(b"HTTP/1.1 504"), "it was not idle"


def test_an_endless_trailer_is_refused(server: Server):
    head = b"POST /sparql HTTP/1.1\r\nHost: x\r\nContent-Type: application/sparql-query\r\nTransfer-Encoding: chunked\r\n\r\n"
    host, port = server.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=30) as connection, contextlib.suppress(ConnectionError):
        connection.sendall(head + b"6\r\nASK {}\r\n0\r\n" + b"a: b\r\n" * 50_000)
        assert not connection.recv(65536).startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize(
    "hosts",
    ["", "Host: a\r\nHost: a\r\n", *(f"Host: {name}\r\n" for name in ("a b", "a/b", "a@b", "a:b", "http://a", "[::1", "a<>", "%zz"))],
)
@pytest.mark.parametrize("address", ["/health", "http://a/health"])
def test_a_request_without_one_proper_host_is_refused(server: Server, hosts: str, address: str):
    """RFC 9112, 3.2: two readers of such a request could take it for one to different servers."""
    status, problem = exchange(server, f"GET {address} HTTP/1.1\r\n{hosts}Connection: close\r\n\r\n".encode())
    assert (status, problem["status"]) == (400, 400)
    assert "Host" in problem["detail"]


@pytest.mark.parametrize("host", ["", "a", "a:80", "a:", "[::1]:8000", "127.0.0.1", "xn--a_b.example", "%C3%A9", "a \t"])
def test_a_request_with_a_proper_host_is_answered(server: Server, host: str):
    assert exchange(server, f"GET /health HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())[0] == 200


def test_only_http_1_0_need_not_name_a_host(server: Server):
    assert exchange(server, b"GET /health HTTP/1.0\r\n\r\n")[0] == 200
    assert exchange(server, b"GET /health HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n")[0] == 400


def test_the_server_as_a_whole_says_what_it_can_be_asked_for(server: Server):
    """RFC 9110, 9.3.7; nothing else can be asked of no resource."""
    head = received(server, b"OPTIONS * HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 204 ")
    (allow,) = re.findall(rb"\r\nallow: ([^\r]*)", head)
    assert set(allow.decode().split(", ")) == {"GET", "HEAD", "POST", "QUERY", "PUT", "DELETE", "OPTIONS"}
    assert exchange(server, b"GET * HTTP/1.1\r\nHost: x\r\n\r\n")[0] == 400


@pytest.mark.parametrize("path", ["/health", "/sparql?query=ASK{}", "/openapi.json", "/nowhere"])
def test_every_response_has_its_date(client: httpx.Client, path: str):
    for _ in range(2):  # the second time from memory, where there is one
        assert abs(parsedate_to_datetime(client.get(path).headers["date"]) - datetime.now(UTC)) < timedelta(minutes=1)


@pytest.mark.parametrize(
    ("accepted", "coding"),
    [("identity, gzip;q=0.5", None), ("gzip;q=0.5, identity;q=0.1", "gzip"), ("*", "zstd"), ("gzip", "gzip")],
)
def test_no_coding_is_chosen_against_the_client_s_liking(client: httpx.Client, accepted: str, coding: str | None):
    values = {"query": f"SELECT * {{ VALUES ?a {{ {'1 ' * 1000} }} }}"}
    response = client.get("/sparql", params=values, headers={"Accept-Encoding": accepted})
    assert response.headers.get("content-encoding") == coding


def test_a_percent_sign_that_encodes_nothing_stays(client: httpx.Client):
    sent = client.post("/sparql", content=b"query=ASK%20{}%20%23%%zz", headers={"Content-Type": "application/x-www-form-urlencoded"})
    assert sent.json()["boolean"] is True


def test_a_file_name_that_is_too_long_for_the_file_system_is_not_found(client: httpx.Client):
    assert client.get(f"/static/{'a' * 400}.css").status_code == 404


@pytest.mark.parametrize(
    ("peer", "caller"),
    [("192.0.2.7", "192.0.2.7"), ("2001:db8::1:2:3:4", "2001:db8::/64"), ("2001:db8::ffff", "2001:db8::/64"), ("anything-1", "unknown")],
)
def test_a_caller_is_an_address_or_a_network(peer: str, caller: str):
    scope = {"method": "GET", "path": "/", "client": (peer, 0)}
    assert Call(scope, None, None).caller == caller  # type: ignore[arg-type]  # nothing is sent


@pytest.mark.parametrize("path", PAGES)
def test_head_has_what_get_has_but_no_body(client: httpx.Client, path: str):
    got, head = client.get(path), client.head(path)
    assert (got.status_code, head.status_code, head.content) == (head.status_code, got.status_code, b"")
    assert head.headers["content-type"] == got.headers["content-type"]


@pytest.mark.parametrize("path", PAGES)
def test_options_lists_methods_and_others_are_405(client: httpx.Client, path: str):
    options = client.options(path)
    assert options.status_code == 204
    refused = client.request("PATCH", path)
    assert refused.status_code == 405
    assert refused.headers["allow"] == options.headers["allow"]
    assert refused.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("path", ["/", "/docs", "/openapi.json", "/static/style.css", "/sparql", "/graphs"])
def test_what_a_client_has_is_not_sent_again(client: httpx.Client, path: str):
    tag = client.get(path).headers["etag"]
    for known in (tag, f'"other", W/{tag}'):
        again = client.get(path, headers={"If-None-Match": known})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)


def test_a_star_is_what_a_client_has_only_of_what_is_there(client: httpx.Client):
    star = {"If-None-Match": "*"}
    for path, status in (
        ("/graphs?graph=x:absent", 404),
        ("/sparql?query=ASK%20{%20?s%20?p%20}", 400),
        ("/graphs", 304),
        ("/sparql?query=ASK{}", 304),
    ):
        for _ in range(2):  # the second time from memory, where there is one
            assert client.get(path, headers=star).status_code == status, path


@pytest.mark.parametrize("method", ["GET", "POST", "PATCH"])
@pytest.mark.parametrize("text", ["SELECT * { ?s ?p }", "ASK { ?s ?p 'a }", "CLEAR ALL", "SELECT (1 + 1 AS ?b) {} # found"])
@pytest.mark.parametrize("listed", ['"other"', 'W/"other"', "", ","])
def test_only_what_would_succeed_fails_for_its_condition(client: httpx.Client, method: str, text: str, listed: str):
    """RFC 9110, 13.2.1; 13.1.1: no tag is in an empty list."""
    asked = {"data": {"query": text}} if method == "POST" else {"params": {"query": text}}
    plain = client.request(method, "/sparql", **asked).status_code
    for _ in range(2):  # the second time from memory, where there is one
        assert client.request(method, "/sparql", headers={"If-Match": listed}, **asked).status_code == (412 if plain == 200 else plain)


@pytest.mark.parametrize(("path", "status"), [("/graphs?graph=x:absent", 404), ("/graphs?graph=relative", 400), ("/static/none.css", 404)])
def test_what_is_not_there_is_said_before_a_condition(client: httpx.Client, path: str, status: int):
    assert client.get(path, headers={"If-Match": '"other"'}).status_code == status


@pytest.mark.parametrize("path", ["/", "/docs", "/openapi.json", "/static/style.css", "/sparql", "/graphs", "/sparql?query=ASK{}"])
def test_if_match_asks_for_what_it_names(client: httpx.Client, path: str):
    tag = client.get(path).headers["etag"]
    for listed, status in ((tag, 200), (f'"other", {tag}', 200), ("*", 200), (f"W/{tag}", 412), ('"other"', 412), ("", 412)):
        assert client.get(path, headers={"If-Match": listed}).status_code == status, listed


def test_what_has_no_tag_is_in_no_list(client: httpx.Client):
    random = {"query": "SELECT (RAND() AS ?r) {}"}
    for listed, status in (("*", 200), ('""', 412), ('"other"', 412)):
        assert client.get("/sparql", params=random, headers={"If-Match": listed}).status_code == status, listed


@pytest.mark.parametrize(
    ("method", "name"),
    [("GET", "Accept"), ("GET", "Accept-Encoding"), ("GET", "If-None-Match"), ("POST", "Content-Type"), ("POST", "Authorization")],
)
def test_a_header_that_would_take_long_to_take_apart_is_refused(client: httpx.Client, method: str, name: str):
    """`a/b`, many spaces and `x` in Accept took three seconds, in which nobody else was answered."""
    query = {"params": {"query": "ASK {}"}} if method == "GET" else {"data": {"update": "CLEAR ALL"}}
    refused = client.request(method, "/sparql", headers={name: f"a/b{' ' * 5000}x"}, **query)
    assert refused.status_code == 431
    assert refused.headers["content-type"] == "application/problem+json"
    assert name.lower() in refused.json()["detail"]


def test_posting_again_is_answered_again(client: httpx.Client):
    tag = client.post("/sparql", data={"query": "ASK {}"}).headers["etag"]
    assert client.post("/sparql", data={"query": "ASK {}"}, headers={"If-None-Match": tag}).status_code == 200


@pytest.mark.parametrize("method", ["POST", "QUERY"])
def test_a_query_may_be_sent_directly_or_as_a_form(client: httpx.Client, method: str):
    direct = client.request(method, "/sparql", content="ASK {}", headers={"Content-Type": "application/sparql-query"})
    form = client.request(method, "/sparql", data={"query": "ASK {}"})
    assert direct.json() == form.json() == {"head": {}, "boolean": True}


def test_http_query_is_safe(server: Server):
    with server.client(headers={"Authorization": f"Bearer {server.token}"}) as client:
        refused = client.request("QUERY", "/sparql", content="CLEAR ALL", headers={"Content-Type": "application/sparql-update"})
    assert refused.status_code == 400


def test_a_compressed_request_is_refused_and_told_so(client: httpx.Client):
    headers = {"Content-Type": "application/sparql-query", "Content-Encoding": "gzip"}
    refused = client.post("/sparql", content=b"\x1f\x8b", headers=headers)
    assert refused.status_code == 415
    assert refused.headers["accept-encoding"] == "identity"


def test_what_is_not_there_is_a_problem(client: httpx.Client):
    refused = client.get("/nothing/here", headers={"Origin": "https://example.org"})
    assert refused.status_code == 404
    assert refused.headers["content-type"] == "application/problem+json"
    assert refused.headers["access-control-allow-origin"] == "*"


@pytest.mark.parametrize(
    "path", ["/static/../server.py", "/static/%2e%2e/server.py", "/static/..%2fserver.py", "/static/", "/static/a%00.css"]
)
def test_only_the_pages_own_files_are_sent(server: Server, path: str):
    status, _ = exchange(server, f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
    assert status == 404


@pytest.mark.parametrize(("piece", "status"), [(b"x", 408), (b"x" * 8192, 200)])
def test_a_body_that_drips_is_given_up_and_one_that_flows_is_not(monkeypatch: pytest.MonkeyPatch, piece: bytes, status: int):
    """Ten pieces, each within the patience for one, but together past that for a whole body without substance."""
    monkeypatch.setattr(call_module, "STALL_S", 0.5)
    left = iter(range(10))

    async def receive() -> dict[str, object]:
        await asyncio.sleep(0.1)
        return {"type": "http.request", "body": piece, "more_body": next(left) < 9}

    async def body() -> int:
        try:
            return 200 if await Call({"method": "POST", "path": "/", "headers": []}, receive, receive).body(1_000_000) else 0
        except ProblemError as problem:
            return problem.status

    assert asyncio.run(body()) == status
