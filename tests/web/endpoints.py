"""Endpoints that SERVICE asks, which do as they are told, and what is asked of them."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

import httpx
from serving import BASE

JSON = "application/sparql-results+json"
LABEL = "http://www.w3.org/2000/01/rdf-schema#label"
MISTRAL, MICROSOFT = f"{BASE}entity/Mistral_AI", f"{BASE}entity/Microsoft"
CSV = {"Accept": "text/csv"}
XSD = "http://www.w3.org/2001/XMLSchema#"


def uri(value: str) -> dict[str, str]:
    return {"type": "uri", "value": value}


def literal(value: str, **more: str) -> dict[str, str]:
    return {"type": "literal", "value": value, **more}


def results(variables: list[str], *rows: dict[str, object]) -> bytes:
    return json.dumps({"head": {"vars": variables}, "results": {"bindings": list(rows)}}).encode()


COUNTRIES = results(["s", "country"], {"s": uri(MISTRAL), "country": literal("France", **{"xml:lang": "en"})}, {"s": uri("x:else")})


@dataclass
class Remote:
    """An endpoint that does with each request what `behaviour` says; `seen` has their queries and headers."""

    url: str
    behaviour: Callable[[BaseHTTPRequestHandler], None]
    seen: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    @property
    def iri(self) -> str:
        return f"{self.url}sparql"


def answers(body: bytes, status: int = 200, **headers: str) -> Callable[[BaseHTTPRequestHandler], None]:
    def behave(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        usual = {"Content_Type": JSON, "Content_Length": str(len(body)), "Set_Cookie": "a=b; Path=/"}
        for name, value in {**usual, **headers}.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        handler.wfile.write(body)

    return behave


def drips(stop: threading.Event) -> Callable[[BaseHTTPRequestHandler], None]:
    """One byte after the other, for ever."""

    def behave(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Type", JSON)
        handler.end_headers()
        while not stop.wait(0.05):
            handler.wfile.write(b" ")

    return behave


@contextmanager
def endpoint() -> Iterator[Remote]:
    """An endpoint on a free port that answers COUNTRIES until it is told otherwise."""
    remote = Remote("", answers(COUNTRIES))

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            remote.seen.append((parse_qs(body.decode())["query"][0], {name.lower(): value for name, value in self.headers.items()}))
            try:
                remote.behaviour(self)
            except OSError:
                self.close_connection = True

        def log_message(self, *_: object) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    remote.url = f"http://127.0.0.1:{server.server_port}/"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield remote
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def ask(client: httpx.Client, query: str, **headers: str) -> httpx.Response:
    return client.post("/sparql", data={"query": query}, headers=headers)


def problem(response: httpx.Response, status: int, kind: str = "") -> str:
    assert response.status_code == status, response.text[:500]
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["type"].endswith(f"#{kind}") or not kind
    return response.json()["detail"]


def clause(remote: Remote, group: str = "?s <x:country> ?country", silent: str = "") -> str:
    return f"SERVICE {silent} <{remote.iri}> {{ {group} }}"
