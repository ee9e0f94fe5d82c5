"""kill -9 of the server, a worker or a writer, at any moment under load: all that was acknowledged is there, and nothing by half."""

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
import pytest
from serving import Server, fill, serving
from test_operations import wait_for

from kg import tokens

ROUNDS = 50
SIZE = 40  # triples that every write puts into a graph of its own
VICTIMS = ("server", "worker", "writer", "other writer")
OTHER_WRITER = f"""
import itertools, sys
from kg.settings import Settings
from kg.store import open_writer
settings = Settings.load(data=sys.argv[1])
for number in itertools.count():
    name = sys.argv[2] + str(number)
    with open_writer(settings) as writer:
        writer.update("INSERT DATA {{ GRAPH <x:" + name + "> {{ <x:s> <x:p> " + ", ".join(map(str, range({SIZE}))) + " }} }}")
        writer.publish()
    print(name, flush=True)
"""


class Life:
    """A data directory, whoever serves it now, and what was acknowledged."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        fill(folder / "data")
        secret = tokens.create(folder / "data", "test", [tokens.Scope.UPDATE])
        self.headers = {"Authorization": f"Bearer {secret}"}
        self.acknowledged: set[str] = set()
        self.number = 0

    @contextmanager
    def load(self, server: Server) -> Iterator[None]:
        """Writes and queries without a pause until the block ends; what fails is not acknowledged, and that is all right."""
        done = threading.Event()
        threads = [threading.Thread(target=work, args=(server, done)) for work in (self._write, self._write, self._ask)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            done.set()
            for thread in threads:
                thread.join()

    def _write(self, server: Server, done: threading.Event) -> None:
        with server.client(headers=self.headers) as client:
            while not done.is_set():
                self.number += 1
                name = f"{threading.get_ident()}-{self.number}"
                text = f"INSERT DATA {{ GRAPH <x:{name}> {{ <x:s> <x:p> {', '.join(map(str, range(SIZE)))} }} }}"
                try:
                    response = client.post("/sparql", data={"update": text})
                except httpx.TransportError:
                    done.wait(0.01)
                    continue
                assert response.status_code in (204, 413, 500, 503), response.text
                if response.status_code == 204:
                    self.acknowledged.add(f"x:{name}")

    def _ask(self, server: Server, done: threading.Event) -> None:
        with server.client() as client:
            while not done.is_set():
                try:
                    halves = self.halves(client)
                except (httpx.TransportError, KeyError):
                    done.wait(0.01)
                    continue
                assert halves == {}, "a reader saw half a write"

    def graphs(self, client: httpx.Client) -> dict[str, int]:
        """How many triples each written graph has."""
        query = "SELECT ?g (COUNT(*) AS ?n) { GRAPH ?g { <x:s> <x:p> ?o } } GROUP BY ?g"
        rows = client.get("/sparql", params={"query": query}).json()["results"]["bindings"]
        return {row["g"]["value"]: int(row["n"]["value"]) for row in rows}

    def halves(self, client: httpx.Client) -> dict[str, int]:
        return {graph: size for graph, size in self.graphs(client).items() if size != SIZE}

    def check(self, server: Server) -> None:
        """Everything that was acknowledged is there, and nothing is there by half."""
        with server.client() as client:
            wait_for(lambda: client.get("/ready").status_code == 200)
            graphs = self.graphs(client)
        assert self.acknowledged - graphs.keys() == set()
        assert {graph for graph, size in graphs.items() if size != SIZE} == set()


def child(server: Server, module: str) -> int | None:
    """A child of the server that runs this module, if there is one."""
    for pid in server.workers():
        try:
            if module.encode() in Path(f"/proc/{pid}/cmdline").read_bytes():
                return pid
        except OSError:
            continue
    return None


def kill(server: Server, victim: str, chance: random.Random, life: Life) -> None:
    """End the victim at a moment of its own."""
    if victim == "other writer":
        command = [sys.executable, "-c", OTHER_WRITER, str(life.folder / "data"), f"other{chance.random()}-"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as other:
            time.sleep(chance.uniform(0.2, 0.5))
            other.kill()
            life.acknowledged |= {f"x:{name}" for name in other.communicate()[0].split()}
        return
    before = len(life.acknowledged)
    if chance.random() < 0.8:  # else before anything was done
        wait_for(lambda: len(life.acknowledged) > before, timeout_s=60)
    time.sleep(chance.uniform(0.0, 0.2))
    if victim == "server":
        server.process.kill()
        server.process.wait()
    elif (pid := child(server, "kg.workers.writer" if victim == "writer" else "kg.workers.worker")) is not None:
        os.kill(pid, signal.SIGKILL)
        time.sleep(chance.uniform(0.05, 0.2))


@pytest.mark.slow
def test_fifty_kills_lose_nothing_that_was_acknowledged(tmp_path: Path):
    chance = random.Random(20240227)  # noqa: S311  the same moments every time, as far as the machine allows
    life = Life(tmp_path)
    rounds = 0
    while rounds < ROUNDS:
        with ExitStack() as stack:
            server = stack.enter_context(serving(life.folder / "data", tmp_path / "log", lock_timeout_s=20))
            life.check(server)
            while rounds < ROUNDS and server.process.poll() is None:
                rounds += 1
                with life.load(server):
                    kill(server, chance.choice(VICTIMS), chance, life)
                if server.process.poll() is None:
                    life.check(server)
    with serving(life.folder / "data", tmp_path / "log") as server:
        life.check(server)
    assert len(life.acknowledged) > ROUNDS // 4, "the load got through"
