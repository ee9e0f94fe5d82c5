"""Writes over HTTP: one at a time in the writer process, acknowledged when they are on disk and the next query sees them."""

import asyncio
from collections.abc import Callable

from kg.settings import Settings
from kg.web.problems import ProblemError
from kg.web.protocol import Ask
from kg.workers import service
from kg.workers.process import Death, Exchange, QueryFailedError, WorkerProcess
from kg.workers.wire import Condition, GraphWrite, Update

WAITING_WRITES = 64

# A process that ended may have committed just before; what it committed is whole, and published with the next write or start.
UNKNOWN = "it was written as a whole or not at all: look before you send it again"

# What a failed write is called, and what to do: status, type, advice.
FAILURES: dict[str, tuple[int, str, str]] = {
    "syntax": (400, "syntax", ""),
    "forbidden": (403, "forbidden", ""),
    "complexity": (400, "complexity", ""),
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
        await self._write(Update(str(self._settings.data), ask.text, base_iri, self._settings.lock_timeout_s, *dataset))

    async def graph(self, graph: str, documents: tuple[tuple[str, str], ...], *, replace: bool, condition: Condition) -> str:
        """Write a graph; returns "created", "replaced" or "dropped". Raises ProblemError when it was not done, 412 for the condition."""
        return await self._write(
            GraphWrite(str(self._settings.data), graph, documents, replace, self._settings.lock_timeout_s, condition[:])
        )

    async def _write(self, request: Update | GraphWrite) -> str:
        if self._waiting >= WAITING_WRITES:
            raise ProblemError(503, "busy", "too many writes are waiting: try again in a moment", headers={"Retry-After": "2"})
        self._waiting += 1
        try:
            async with self._turn:
                # A write that was begun is seen through, also when its client hangs up meanwhile.
                return await asyncio.shield(asyncio.ensure_future(self._perform(request)))
        finally:
            self._waiting -= 1

    async def _perform(self, request: Update | GraphWrite) -> str:
        outcome = b""
        try:
            process = await self._started()
            exchange = Exchange(asyncio.get_running_loop().create_future())
            process.send(request, exchange)
            await asyncio.wait({exchange.first}, timeout=self._settings.query_timeout_s)
            if not exchange.first.done():
                process.kill(Death.DEADLINE)
            while piece := await exchange.take():
                outcome += piece
        except QueryFailedError as failure:
            if failure.reason == "precondition":
                self.published()  # so that the client finds the other one when it reads again
            raise _problem_of(failure, stored=bool(outcome)) from failure
        self.published()
        return outcome.decode()

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
            await process.start(memory_mb=memory_mb, module="kg.workers.writer", environment=service.environment(self._settings))
            await ready
            self._process = process
        return self._process

    async def close(self) -> None:
        """Let a write that was begun finish, then end the process."""
        async with self._turn:
            if self._process:
                self._process.kill(Death.RETIRED)


def _problem_of(failure: QueryFailedError, *, stored: bool) -> ProblemError:
    if stored:
        return ProblemError(500, "publish", f"it is stored, but not visible yet: {failure}; the next write publishes it")
    status, kind, advice = FAILURES.get(failure.reason, (500, "crash", UNKNOWN))
    headers = {"Retry-After": "5"} if status == 503 else {}
    return ProblemError(status, kind, f"{failure}: {advice}" if advice else str(failure), headers=headers)
