"""Writes over HTTP: one at a time in the writer process, acknowledged when they are on disk and the next query sees them."""

import asyncio
import logging
import math
from collections.abc import Callable

from kg.datadir import DataDir
from kg.settings import Settings
from kg.web.problems import ProblemError
from kg.web.protocol import Ask
from kg.workers import service
from kg.workers.process import Death, Exchange, QueryFailedError, WorkerProcess
from kg.workers.wire import Condition, GraphWrite, Publish, Update, WriteRequest

LOG = logging.getLogger("kg.web.writes")
WRITER = "kg.workers.writer"
WAITING_WRITES = 64
LOCK_PART = 3  # of a write's deadline is for the writer's lock; as much for RocksDB's own
PUBLISH_S = 60.0  # to open a store that a killed writer has left, and to publish it

# A process that ended may have committed just before; what it committed is whole, and published before this is said.
UNKNOWN = "it was written as a whole or not at all: look before you send it again"
UNSEEN = "it was written as a whole or not at all, and cannot be seen before the next write: look then, before you send it again"

# What a failed write is called, and what to do: status, type, advice.
FAILURES: dict[str, tuple[int, str, str]] = {
    "syntax": (400, "syntax", ""),
    "forbidden": (403, "forbidden", ""),
    "complexity": (400, "complexity", ""),
    "unsupported": (400, "unsupported", ""),
    "value": (400, "value", ""),
    "absent": (404, "not-found", ""),
    "precondition": (412, "precondition", "nothing was written"),
    "locked": (503, "busy", "nothing was written"),
    "remote": (502, "store", ""),
    "engine": (500, "engine", UNKNOWN),
    "memory": (413, "memory", "nothing was written; send less at a time"),
    Death.DEADLINE: (504, "deadline", f"{UNKNOWN}, or send less at a time"),
    Death.MEMORY: (413, "memory", f"{UNKNOWN}, or send less at a time"),
    Death.STACK: (413, "complexity", UNKNOWN),
    Death.RETIRED: (503, "closing", f"the server is shutting down; {UNKNOWN}"),
}


class Writes:
    """Sends writes to the writer process. `published` moves to what was published last: after each write, before it is acknowledged."""

    def __init__(self, settings: Settings, published: Callable[[], None]) -> None:
        self._settings = settings
        self.published = published
        self._turn = asyncio.Lock()
        self._waiting = 0
        self._process: WorkerProcess | None = None

    async def update(self, ask: Ask, *, base_iri: str) -> None:
        """Run a SPARQL update. Raises ProblemError when it was not done."""
        dataset = (ask.default_graphs, ask.named_graphs)
        timeout_s = min(ask.timeout_s or math.inf, self._settings.query_timeout_s)
        await self._write(Update(str(self._settings.data), ask.text, base_iri, self._lock_timeout_s(timeout_s), *dataset), timeout_s)

    async def graph(self, graph: str, documents: tuple[tuple[str, str], ...], *, base_iri: str, replace: bool, condition: Condition) -> str:
        """Write a graph; returns "created", "replaced" or "dropped". Raises ProblemError when it was not done, 412 for the condition."""
        timeout_s = self._settings.write_timeout_s
        limits = self._lock_timeout_s(timeout_s), condition[:]
        return await self._write(GraphWrite(str(self._settings.data), graph, base_iri, documents, replace, *limits), timeout_s)

    def _lock_timeout_s(self, timeout_s: float) -> float:
        """How long a write with this deadline waits for another process, which may be twice; then there is something left to do."""
        return min(self._settings.lock_timeout_s, timeout_s / LOCK_PART)

    async def _write(self, request: WriteRequest, timeout_s: float) -> str:
        if self._waiting >= WAITING_WRITES:
            raise ProblemError(503, "busy", "too many writes are waiting: try again in a moment", headers={"Retry-After": "2"})
        self._waiting += 1
        try:
            async with asyncio.timeout(timeout_s):
                await self._turn.acquire()
        except TimeoutError as error:
            detail = f"other writes did not end within {timeout_s:g} s: nothing was written, try again later"
            raise ProblemError(503, "busy", detail, headers={"Retry-After": "5"}) from error
        finally:
            self._waiting -= 1
        # A write that was begun is seen through, also when its client hangs up meanwhile.
        begun = asyncio.ensure_future(self._perform(request, timeout_s))
        begun.add_done_callback(lambda _: self._turn.release())
        return await asyncio.shield(begun)

    async def _perform(self, request: WriteRequest, timeout_s: float) -> str:
        said = bytearray()
        try:
            await self._ask(request, said, timeout_s)
        except QueryFailedError as failure:
            await self._settle(failure, stored=bool(said))
        self.published()
        return said.decode()

    async def _ask(self, request: WriteRequest, said: bytearray, timeout_s: float) -> None:
        """Have the writer process do it; `said` grows by what it answers. Raises QueryFailedError, also when it says nothing in time."""
        process = await self._started()
        exchange = Exchange(asyncio.get_running_loop().create_future())
        process.send(request, exchange)
        await asyncio.wait({exchange.first}, timeout=timeout_s)
        if not exchange.first.done():
            process.kill(Death.DEADLINE)
        while piece := await exchange.take():
            said += piece

    async def _settle(self, failure: QueryFailedError, *, stored: bool) -> None:
        """See that a client who looks finds what a write that failed has stored. Raises ProblemError unless the write is done after all."""
        seen = await self._publish_left() if stored or UNKNOWN in _meaning(failure)[2] else True
        self.published()  # also for a condition that did not hold: the client finds what else was written when it reads again
        if not (stored and seen):
            raise _problem_of(failure, stored=stored, seen=seen) from failure

    async def _publish_left(self) -> bool:
        """Publish what is stored and not published; False when that fails."""
        if self._settings.store or not DataDir(self._settings.data, "").unpublished.exists():
            return True
        try:
            await self._ask(Publish(str(self._settings.data), self._settings.lock_timeout_s), bytearray(), PUBLISH_S)
        except QueryFailedError as failure:
            LOG.warning("what was stored is not published: %s", failure)
            return False
        return True

    async def _started(self) -> WorkerProcess:
        """The writer process, started when there is none. Raises QueryFailedError when it dies before it is ready."""
        if self._process is None or self._process.gone:
            ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()

            def on_ready(_process: WorkerProcess) -> None:
                if not ready.done():
                    ready.set_result(None)

            def on_death(process: WorkerProcess) -> None:
                if not ready.done():
                    ready.set_exception(QueryFailedError(process.death, "the writer ended before it began"))

            process = WorkerProcess(on_ready, on_death)
            # Its parse tree and transaction take a multiple of what it is sent.
            memory_mb = self._settings.query_memory_mb + 16 * self._settings.write_limit_mb
            await process.start(memory_mb=memory_mb, module=WRITER, environment=service.environment(self._settings))
            await ready
            self._process = process
        return self._process

    async def close(self) -> None:
        """Let a write that was begun finish, then end the process."""
        async with self._turn:
            if self._process:
                self._process.kill(Death.RETIRED)


def _meaning(failure: QueryFailedError) -> tuple[int, str, str]:
    return FAILURES.get(failure.reason, (500, "crash", UNKNOWN))


def _problem_of(failure: QueryFailedError, *, stored: bool, seen: bool) -> ProblemError:
    if stored:
        return ProblemError(500, "publish", f"it is stored, but not visible yet: {failure}; the next write publishes it")
    status, kind, advice = _meaning(failure)
    advice = advice if seen else advice.replace(UNKNOWN, UNSEEN)
    headers = {"Retry-After": "5"} if status == 503 else {}
    return ProblemError(status, kind, f"{failure}: {advice}" if advice else str(failure), headers=headers)
