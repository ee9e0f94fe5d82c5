"""Remote stores to test against: the native `oxigraph serve`, our own `kg serve`, and a service that misbehaves as it is told."""

import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
from serving import fill, serving

from kg import tokens

START_S = 30.0
JSON = "application/sparql-results+json"
YES = b'{"head":{},"boolean":true}'


@contextmanager
def oxigraph(folder: Path, *flags: str) -> Iterator[dict[str, Any]]:
    """The native server on an empty store; the settings that name it."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [str(Path(sys.executable).with_name("oxigraph")), "serve", "--location", str(folder), "--bind", f"127.0.0.1:{port}", *flags]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            _wait(port)
            yield {"store": f"http://127.0.0.1:{port}/"}
        finally:
            process.kill()


@contextmanager
def own(folder: Path) -> Iterator[dict[str, Any]]:
    """`kg serve` on an empty data directory, and a token that allows updates."""
    fill(folder / "data", "")
    token = tokens.create(folder / "data", "test", [tokens.Scope.UPDATE])
    with serving(folder / "data", folder / "serve.log") as server:
        yield {"store": f"{server.url}/", "store_token": token}


@dataclass
class Reply:
    """What the fake service answers once: with a status of 0 it hangs up instead. `rest` follows without being counted as whole."""

    status: int = 200
    body: bytes = YES
    headers: dict[str, str] = field(default_factory=lambda: {"Content-Type": JSON})


@dataclass
class Fake:
    """A service that gives these replies one after the other, the last again and again; `seen` has method and body of each request."""

    replies: list[Reply]
    seen: list[tuple[str, bytes]] = field(default_factory=list)
    url: str = ""

    @property
    def settings(self) -> dict[str, Any]:
        """The settings that name it, endpoints included, so that it is not looked for."""
        return {"store": self.url, "store_query": "q", "store_update": "u", "store_graphs": "g"}


@contextmanager
def fake(*replies: Reply) -> Iterator[Fake]:
    """A fake service on a free port."""
    service = Fake(list(replies))

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            service.seen.append((self.command, self.rfile.read(int(self.headers["Content-Length"]))))
            reply = service.replies.pop(0) if len(service.replies) > 1 else service.replies[0]
            if not reply.status:
                self.close_connection = True
                return
            self.send_response(reply.status)
            for name, value in {"Content-Length": str(len(reply.body)), **reply.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(reply.body)

        def log_message(self, *_: object) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    service.url = f"http://127.0.0.1:{server.server_port}/"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield service
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _wait(port: int) -> None:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        try:
            httpx.get(f"http://127.0.0.1:{port}/", trust_env=False)
        except httpx.HTTPError:
            time.sleep(0.02)
        else:
            return
    raise AssertionError("oxigraph did not start")
