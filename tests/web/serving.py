"""`kg serve` as its own process, on a data directory made for the test."""

import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
from pyoxigraph import RdfFormat

from kg.settings import Settings
from kg.store import open_writer

START_S = 60.0
BASE = "http://localhost:8000/"

TYPE = "http://www.w3.org/1999/02/22-rdf-syntax-ns#type"
QUADS = f"""
<{BASE}entity/Mistral_AI> <http://www.w3.org/2000/01/rdf-schema#label> "Mistral AI"@en <{BASE}graph/knowledge> .
<{BASE}entity/Mistral_AI> <{TYPE}> <https://w3id.org/aikg/ontology#Company> <{BASE}graph/knowledge> .
<{BASE}entity/Microsoft> <http://www.w3.org/2000/01/rdf-schema#label> "Microsoft"@en <{BASE}graph/knowledge> .
<{BASE}entity/Microsoft> <https://w3id.org/aikg/ontology#investsIn> <{BASE}entity/Mistral_AI> <{BASE}graph/knowledge> .
<{BASE}article/a> <http://purl.org/dc/terms/title> "An article" <{BASE}graph/a> .
"""


@dataclass
class Server:
    """A running `kg serve`."""

    process: subprocess.Popen
    url: str
    data: Path
    log: Path
    token: str = ""

    def client(self, **options) -> httpx.Client:
        """A client that trusts no proxy of this machine."""
        return httpx.Client(base_url=self.url, timeout=60, trust_env=False, **options)

    def workers(self) -> list[int]:
        """The process ids of its children that live."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return [int(pid) for pid in children.read_text().split()]

    def stop(self) -> int:
        """SIGTERM, and the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=60)


def fill(data: Path, quads: str = QUADS) -> None:
    """Publish these N-Quads as the directory's data."""
    with open_writer(Settings.load(data=data)) as writer:
        writer.store.bulk_load(quads, RdfFormat.N_QUADS)
        writer.publish()


@contextmanager
def serving(data: Path, log: Path, *, program: list[str] | None = None, **settings: object) -> Iterator[Server]:
    """A server on a free port; settings are those of `kg serve`; `program` (Python's arguments) runs in its place."""
    flags = [part for name, value in settings.items() for part in (f"--{name.replace('_', '-')}", str(value))]
    start = [sys.executable, *program] if program else [str(Path(sys.executable).with_name("kg")), "serve"]
    command = [*start, "--data", str(data), "--port", "0", *flags]
    with log.open("w") as output, subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=output) as process:
        try:
            yield Server(process, address(process, log), data, log)
        finally:
            process.kill()


def address(process: subprocess.Popen, log: Path) -> str:
    """Where the server says that it serves."""
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline and process.poll() is None:
        if found := re.search(r"Serving (http://\S+?)/ ", log.read_text()):
            return found.group(1)
        time.sleep(0.02)
    raise AssertionError(f"the server did not start: {log.read_text()}")
