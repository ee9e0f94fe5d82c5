"""No way out: tokenizer and confinement each keep a query from connecting, also with the other switched off."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pyoxigraph
import pytest
from remotes import Fake, Reply, fake
from serving import BASE, fill, serving
from test_syntax import REFUSED, X

from kg import tokens
from kg.settings import Settings
from kg.workers import service as of_service
from kg.workers.job import Limits
from kg.workers.pool import Pool
from kg.workers.process import Death, Exchange, QueryFailedError, WorkerProcess
from kg.workers.snapshot import lease_current, lease_of_service
from kg.workers.wire import Query, Update

UNCONFINED = Path(__file__).with_name("unconfined.py")


class Listener:
    """Counts who connects; answers everybody with nothing."""

    def __init__(self) -> None:
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.seen = 0
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def iri(self) -> str:
        return f"<http://127.0.0.1:{self.socket.getsockname()[1]}/>"

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            self.seen += 1
            connection.close()


@pytest.fixture
def listener() -> Iterator[Listener]:
    made = Listener()
    yield made
    made.socket.close()


def texts(listener: Listener) -> list[str]:
    """Every way of asking for a connection, for this listener."""
    return [text.replace(X, listener.iri).replace("http://[::1]:1/", listener.iri.strip("<>")) for text in REFUSED.values()]


async def run_past_the_tokenizer(data: Path, queries: list[str]) -> list[str]:
    """What a worker makes of queries that nobody has read before."""
    return await _outcomes(Pool(Limits(workers=1, timeout_s=20), lease_current(data)), queries)


async def _outcomes(pool: Pool, queries: list[str], *, union: bool = True) -> list[str]:
    await pool.start()
    assert pool.problems == []
    outcomes = []
    try:
        for text in queries:
            try:
                answer = await pool.run(Query("", text, "json", base_iri=BASE, union=union), caller="test")
                outcomes.append((answer.whole or b"").decode())
                answer.close()
            except QueryFailedError as failure:
                outcomes.append(failure.reason)
    finally:
        await pool.close()
    return outcomes


def test_a_worker_cannot_connect_even_when_nobody_has_read_the_query(tmp_path: Path, listener: Listener):
    fill(tmp_path / "data")
    queries = [text for text in texts(listener) if "LOAD" not in text.upper() and "INSERT" not in text]
    outcomes = asyncio.run(run_past_the_tokenizer(tmp_path / "data", queries))
    assert listener.seen == 0
    assert "evaluation" in outcomes, "some were valid, and failed when they tried; SILENT ones hide that"


def test_a_worker_of_a_gateway_connects_to_the_service_alone_even_when_nobody_has_read_the_query(tmp_path: Path, listener: Listener):
    module = tmp_path / "trusting_remote.py"
    reading = "syntax.Reading(syntax.Form.ASK, names_dataset=False, volatile=False)"
    module.write_text(f"from kg import syntax\nfrom kg.workers import remote\nsyntax.read = lambda _: {reading}\nremote.main()\n")
    queries = [text for text in texts(listener) if "LOAD" not in text.upper() and "INSERT" not in text]

    async def run(service: Fake) -> None:
        environment = {**of_service.environment(Settings.load(**service.settings)), "PYTHONPATH": str(tmp_path)}
        pool = Pool(Limits(workers=1, timeout_s=20), lease_of_service(BASE), module=module.stem, environment=environment)
        await _outcomes(pool, queries, union=False)  # else it would first be asked whether it unites its graphs

    with fake(Reply()) as service:
        asyncio.run(run(service))
    assert sum(b"SERVICE" in body.upper() for _, body in service.seen) == len(queries), "the service was given each of them"
    assert listener.seen == 0


def test_a_writer_cannot_connect_even_when_nobody_has_read_the_update(tmp_path: Path, listener: Listener, monkeypatch):
    fill(tmp_path / "data")
    module = tmp_path / "trusting_writer.py"
    module.write_text("from kg.workers import writer\nwriter.prepared = lambda text, **_: text\nwriter.main()\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    reasons = asyncio.run(
        _update(tmp_path / "data", [f"LOAD {listener.iri}", f"INSERT {{ ?s ?p ?o }} WHERE {{ SERVICE {listener.iri} {{ ?s ?p ?o }} }}"])
    )
    assert listener.seen == 0
    assert len(reasons) == 2
    assert set(reasons) <= {"engine", "value"}


async def _update(data: Path, updates: list[str]) -> list[str]:
    ready, gone = asyncio.Event(), asyncio.Event()
    process = WorkerProcess(lambda _: ready.set(), lambda _: gone.set())
    await process.start(memory_mb=0, module="trusting_writer")
    await ready.wait()
    reasons = []
    for text in updates:
        exchange = Exchange(asyncio.get_running_loop().create_future())
        process.send(Update(str(data), text, BASE, 5.0), exchange)
        try:
            while await exchange.take():
                pass
            reasons.append("done")
        except QueryFailedError as failure:
            reasons.append(failure.reason)
    process.kill(Death.RETIRED)
    await gone.wait()
    return reasons


@pytest.fixture(params=["", "http://127.0.0.1:9/listed"])
def unconfined(tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[httpx.Client]:
    """A client, with a token, of a server whose workers could connect, and whose queries may ask nobody, or somebody else."""
    monkeypatch.setenv("KG_SERVICE_ALLOW", request.param)
    fill(tmp_path / "data")
    secret = tokens.create(tmp_path / "data", "test", [tokens.Scope.UPDATE])
    headers = {"Authorization": f"Bearer {secret}"}
    with serving(tmp_path / "data", tmp_path / "log", program=[str(UNCONFINED)]) as server, server.client(headers=headers) as client:
        assert "kg_workers_open_to_network 1.0" in client.get("/metrics").text
        yield client


def test_the_tokenizer_lets_no_connection_through_even_when_workers_are_not_confined(unconfined: httpx.Client, listener: Listener):
    padding = "\n#" + "x" * 5000  # read by a worker, not by the gateway
    for text in texts(listener):
        for sent in (text, text + padding):
            for parameter in ("query", "update"):
                response = unconfined.post("/sparql", data={parameter: sent})
                assert response.status_code in (400, 403), (sent, response.text)
    assert listener.seen == 0


def test_the_listener_would_have_noticed(listener: Listener):
    with pytest.raises((OSError, RuntimeError)):
        list(pyoxigraph.Store().query(f"SELECT * {{ SERVICE {listener.iri} {{ ?s ?p ?o }} }}"))
    assert listener.seen == 1
