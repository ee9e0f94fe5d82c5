"""The servers that are compared, each on the same N-Quads, queries seeing the union of all graphs."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.parse import quote
from urllib.request import Request, urlopen

from kg.settings import Settings
from kg.store import open_writer

BIN = Path(sys.executable).parent
START_S = 3600.0
SETTLED_S = 120.0  # how long is waited at most until a server is idle
LOOK_S, IDLE = 0.25, 0.1  # idle: in a quarter of a second less than a tenth of it on a processor
ANSWER = "SELECT ?label { ?entity <http://www.w3.org/2000/01/rdf-schema#label> ?label } LIMIT 1"


@dataclass(frozen=True, slots=True)
class Running:
    """A server that answers at `url`, `start_s` seconds after it was started, as process `pid`."""

    name: str
    url: str
    start_s: float
    pid: int

    def settle(self) -> None:
        """Waits until it has nothing to do: some go on with what nobody waits for any more, and would slow down whoever is asked next."""
        deadline, before = time.monotonic() + SETTLED_S, _busy_s(self.pid)
        while time.monotonic() < deadline:
            time.sleep(LOOK_S)
            now = _busy_s(self.pid)
            if now - before < IDLE * LOOK_S:
                return
            before = now


def load_ours(quads: Path, folder: Path) -> None:
    """The quads as a data directory with a published snapshot."""
    with open_writer(Settings.load(data=folder)) as writer:
        writer.bulk_load(quads)
        writer.publish()


def load_native(quads: Path, folder: Path) -> None:
    """The quads as a store of `oxigraph serve`."""
    subprocess.run([BIN / "oxigraph", "load", "--location", folder, "--file", quads], check=True, capture_output=True)


def load_rdflib(_quads: Path, _folder: Path) -> None:
    """Nothing: it reads the file when it starts, into memory."""


def _ours(folder: Path, port: int, _quads: Path) -> list[str | Path]:
    return [BIN / "kg", "serve", "--data", folder, "--port", str(port)]


def _native(folder: Path, port: int, _quads: Path) -> list[str | Path]:
    return [BIN / "oxigraph", "serve-read-only", "--location", folder, "--bind", f"127.0.0.1:{port}", "--union-default-graph"]


def _rdflib(_folder: Path, port: int, quads: Path) -> list[str | Path]:
    return [BIN / "rdflib-endpoint", "serve", "--host", "127.0.0.1", "--port", str(port), quads]


@dataclass(frozen=True, slots=True)
class Server:
    """How a server is given its data, started and asked."""

    load: Callable[[Path, Path], None]
    command: Callable[[Path, int, Path], list[str | Path]]
    path: str


SERVERS = {
    "ours": Server(load_ours, _ours, "/sparql"),
    "native": Server(load_native, _native, "/query"),
    "rdflib-endpoint": Server(load_rdflib, _rdflib, "/"),
}


@contextmanager
def running(name: str, folder: Path, quads: Path) -> Iterator[Running]:
    """The server on data that was loaded into the folder; ends with the block."""
    server, port = SERVERS[name], _free_port()
    began = time.perf_counter()
    with (folder.parent / f"{name}.log").open("w") as log:
        process = subprocess.Popen(server.command(folder, port, quads), stdout=log, stderr=log)
        try:
            url = f"http://127.0.0.1:{port}{server.path}"
            _wait(url, process)
            yield Running(name, url, time.perf_counter() - began, process.pid)
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def ask(url: str, query: str, accept: str = "application/sparql-results+json") -> bytes:
    """One answer, whole."""
    request = Request(f"{url}?query={quote(query)}", headers={"Accept": accept})  # noqa: S310  our own address
    with urlopen(request, timeout=600) as response:  # noqa: S310
        found: bytes = response.read()
        return found


def rows(answer: bytes) -> int:
    """How many rows, or triples as N-Triples, an answer has."""
    return answer.count(b" .\n") or len(re.findall(rb'\{\s*"[\w?]+"\s*:\s*\{', answer.partition(b'"bindings"')[2]))


def _wait(url: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"the server at {url} ended with {process.returncode}; see its log")
        try:
            ask(url, ANSWER)
        except HTTPError:
            raise
        except (URLError, ConnectionError, TimeoutError):
            time.sleep(0.01)
        else:
            return
    raise RuntimeError(f"the server at {url} did not answer")


def _busy_s(pid: int) -> float:
    """Processor time so far of a process and its children that live (Linux; proc(5))."""
    try:
        ticks = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13]
        children = [child for task in Path(f"/proc/{pid}/task").glob("*/children") for child in task.read_text().split()]
    except FileNotFoundError:
        return 0.0
    return sum(map(int, ticks)) / os.sysconf("SC_CLK_TCK") + sum(_busy_s(int(child)) for child in children)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
        return port
