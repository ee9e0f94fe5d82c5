"""The pool: which query runs when, until when, and on which snapshot.

A query starts at once when a worker is free and may run for its time slice. One that takes longer, or whose answer does not fit into
one piece, becomes *long* and needs one of the long places; one worker is always kept for short queries, and no caller holds more than
a share of the long places. A long query that finds no place is stopped before it has sent anything and waits in the long line, so
short queries never wait behind long ones. What ran long once (the same text) goes to the long line at once. The deadline counts from
arrival.
"""

import asyncio
import logging
import math
from collections import Counter, OrderedDict
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field

from kg.workers.process import NOTHING, Death, Exchange, QueryFailedError, WorkerProcess
from kg.workers.queue import FairQueue
from kg.workers.snapshot import Lease
from kg.workers.wire import Open, ReadRequest

LOG = logging.getLogger("kg.workers.pool")
SLICE_S = 0.15  # a query that runs longer is long
STEP_BACK_S = 0.35  # a long one that runs for longer yet gets the processor behind everybody else
REMEMBERED_LONG = 4096  # texts known to run long


class OverloadedError(Exception):
    """The queue is full, or a query waited for a worker until its deadline. `retry_after_s` is when to try again.

    `by_caller`: it is this caller's own requests that fill the queue.
    """

    def __init__(self, message: str, retry_after_s: int, *, by_caller: bool = False) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s
        self.by_caller = by_caller


@dataclass(frozen=True, slots=True)
class Limits:
    """The pool's limits: `share` is the part of the long places that one caller may hold, `queue` how many jobs may wait in all."""

    workers: int = 4
    timeout_s: float = 30.0
    memory_mb: int = 1024
    queue: int = 256
    share: float = 0.5

    @property
    def long_places(self) -> int:
        """How many long queries run side by side."""
        return max(1, self.workers - 1)

    @property
    def long_places_of_a_caller(self) -> int:
        """How many of the long places one caller may hold."""
        return max(1, math.ceil(self.long_places * self.share))

    @property
    def queue_of_a_caller(self) -> int:
        """How many jobs of one caller may wait."""
        return max(1, self.queue // 2)


@dataclass(eq=False, slots=True)
class Job:
    """One request on its way: waiting, running, or sending."""

    request: ReadRequest
    caller: str
    lease: Lease
    deadline: float  # on the loop's clock
    placed: asyncio.Future[None]
    long: bool = False
    worker: WorkerProcess | None = None
    exchange: Exchange | None = None
    timers: list[asyncio.TimerHandle] = field(default_factory=list)


@dataclass(slots=True)
class Counts:
    """What the pool has seen since it started."""

    deaths: Counter[str] = field(default_factory=Counter)
    refused: int = 0
    preempted: int = 0


class Pool:
    """Runs requests on worker processes. Start it and close it in the event loop that uses it."""

    def __init__(
        self, limits: Limits, lease: Lease, *, module: str = "kg.workers.worker", environment: Mapping[str, str] = NOTHING
    ) -> None:
        self.limits = limits
        self._module = module
        self._environment = environment
        self.counts = Counts()
        self.problems: list[str] = []
        self._lease = lease
        self._workers: set[WorkerProcess] = set()
        self._idle: list[WorkerProcess] = []
        self._held: dict[WorkerProcess, Lease] = {}
        self._running: dict[WorkerProcess, Job] = {}
        self._short: FairQueue[Job] = FairQueue()
        self._long: FairQueue[Job] = FairQueue()
        self._long_running: Counter[str] = Counter()
        self._known_long: OrderedDict[int, None] = OrderedDict()
        self._closing = False
        self._early_deaths = 0
        self._up = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def lease(self) -> Lease:
        """The snapshot that new requests run on."""
        return self._lease

    @property
    def waiting(self) -> int:
        """How many jobs wait for a worker."""
        return len(self._short) + len(self._long)

    @property
    def running(self) -> int:
        """How many jobs a worker has now."""
        return len(self._running)

    @property
    def pids(self) -> list[int]:
        """The worker processes that live."""
        return [worker.pid for worker in self._workers]

    @property
    def is_up(self) -> bool:
        """Whether some worker can take or is running a request."""
        return bool(self._idle or self._running)

    async def start(self, *, timeout_s: float = 30.0) -> None:
        """Start the workers; returns when the first is ready. Raises TimeoutError when none gets ready."""
        for _ in range(self.limits.workers):
            await self._spawn()
        async with asyncio.timeout(timeout_s):
            await self._up.wait()

    async def close(self) -> None:
        """End every worker, whatever it does."""
        self._closing = True
        for worker in list(self._workers):
            worker.kill(Death.RETIRED)
        while self._workers:
            await asyncio.sleep(0.005)

    def move_to(self, lease: Lease) -> None:
        """Run new requests on this snapshot; requests that run finish on theirs. The pool closes the lease when it is left."""
        self._lease.close()
        self._lease = lease
        idle, self._idle = self._idle, []
        for worker in idle:
            self._prepare(worker)

    async def run(self, request: ReadRequest, *, caller: str, timeout_s: float | None = None, lease: Lease | None = None) -> "Answer":
        """The answer to the request, as soon as its first bytes or its end are there, on the current snapshot unless `lease` names one.

        Raises QueryFailedError, OverloadedError. Cancelling ends the query.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + min(timeout_s or self.limits.timeout_s, self.limits.timeout_s)
        lease = (lease or self._lease).share()
        job = Job(request, caller, lease, deadline, loop.create_future())
        try:
            self._enqueue(job)
            return await self._first(job)
        except BaseException:
            self._leave(job, Death.CANCELLED)
            raise

    def _enqueue(self, job: Job) -> None:
        line = self._long if _key(job.request) in self._known_long else self._short
        job.long = line is self._long
        by_caller = line.of(job.caller) >= self.limits.queue_of_a_caller
        if by_caller or self.waiting >= self.limits.queue:
            self.counts.refused += 1
            whose = "of your queries" if by_caller else "queries"
            raise OverloadedError(f"too many {whose} are waiting: try again in a moment", 2, by_caller=by_caller)
        job.timers.append(asyncio.get_running_loop().call_at(job.deadline, self._expire, job))
        line.push(job)
        self._dispatch()

    async def _first(self, job: Job) -> "Answer":
        """Wait until the job may answer: it is complete, or it has its first piece and a long place."""
        while True:
            await job.placed
            exchange = job.exchange
            assert exchange is not None  # noqa: S101  placed with its exchange
            await exchange.first
            if isinstance(exchange.failure, QueryFailedError):
                if exchange.failure.reason != Death.PREEMPTED:
                    raise exchange.failure
            elif exchange.complete or job.long or self._take_long_place(job):
                return Answer(self, job, exchange)
            else:
                self._preempt(job)
            # Stopped to wait for a long place: it is in the long line again, or will be when its worker is gone.

    def _dispatch(self) -> None:
        while self._idle:
            job = (self._long.pop(self._may_run_long) if self._leaves_one_for_short() else None) or self._short.pop(lambda _: True)
            if job is None:
                return
            self._place(job, self._idle.pop())

    def _leaves_one_for_short(self) -> bool:
        """Whether one worker more can be long: others may be dead and not replaced yet."""
        ready = len(self._idle) + len(self._running) - self._long_running.total()
        return ready > 1 or self.limits.workers == 1

    def _may_run_long(self, caller: str) -> bool:
        places_left = self.limits.long_places - self._long_running.total()
        return places_left > 0 and self._long_running[caller] < self.limits.long_places_of_a_caller

    def _place(self, job: Job, worker: WorkerProcess) -> None:
        loop = asyncio.get_running_loop()
        job.worker, job.exchange = worker, Exchange(loop)
        self._running[worker] = job
        if job.long:
            self._long_running[job.caller] += 1
            job.timers.append(loop.call_later(STEP_BACK_S, worker.step_back))
        else:
            job.timers.append(loop.call_later(SLICE_S, self._slice_over, job))
        self._hold(worker, job.lease)
        worker.send(job.request, job.exchange, path=str(job.lease.path))
        job.placed.set_result(None)

    def _hold(self, worker: WorkerProcess, lease: Lease) -> None:
        """The worker has this snapshot open until it opens another or dies."""
        old = self._held.get(worker)
        if old is None or old.path != lease.path:
            self._held[worker] = lease.share()
            if old:
                old.close()

    def _slice_over(self, job: Job) -> None:
        """The job ran for its slice: it becomes long, or is stopped and waits for a place."""
        if job.worker is None or job.long or (job.exchange and job.exchange.complete):
            return
        if not self._take_long_place(job):
            self._preempt(job)

    def _take_long_place(self, job: Job) -> bool:
        self._remember(job)
        if not self._may_run_long(job.caller):
            return False
        job.long = True
        self._long_running[job.caller] += 1
        if job.worker:
            job.timers.append(asyncio.get_running_loop().call_later(STEP_BACK_S, job.worker.step_back))
        return True

    def _remember(self, job: Job) -> None:
        self._known_long[_key(job.request)] = None
        if len(self._known_long) > REMEMBERED_LONG:
            self._known_long.popitem(last=False)

    def _preempt(self, job: Job) -> None:
        """Stop the job, which has sent nothing yet, and put it into the long line."""
        worker = job.worker
        self.counts.preempted += 1
        job.placed = asyncio.get_running_loop().create_future()
        if worker:
            self._running.pop(worker, None)
            exchange, job.worker = job.exchange, None
            worker.exchange = None
            worker.kill(Death.PREEMPTED)
            job.long = True
            self._long.push(job)
            if exchange and not exchange.first.done():
                exchange.finish(QueryFailedError(Death.PREEMPTED, "waits for a place"))

    def _expire(self, job: Job) -> None:
        """The deadline: a running job is killed, a waiting one refused."""
        if job.worker:
            job.worker.kill(Death.DEADLINE)
        elif not job.placed.done():
            _ = self._short.remove(job) or self._long.remove(job)
            self.counts.refused += 1
            job.placed.set_exception(OverloadedError("no worker was free before the deadline: try again in a moment", 5))

    def _leave(self, job: Job, death: Death) -> None:
        """The job is over for its caller: take it out of line, or end its worker if that still works on it."""
        for timer in job.timers:
            timer.cancel()
        if not (self._short.remove(job) or self._long.remove(job)) and job.worker and self._running.get(job.worker) is job:
            job.worker.kill(death)
        job.lease.close()

    def _release(self, worker: WorkerProcess) -> bool:
        """The worker's job is off it; returns whether that was a long one."""
        job = self._running.pop(worker, None)
        if job is None:
            return False
        job.worker = None
        for timer in job.timers:
            timer.cancel()
        if job.long:
            self._long_running[job.caller] -= 1
            if not self._long_running[job.caller]:
                del self._long_running[job.caller]
        return job.long

    async def _spawn(self) -> None:
        worker = WorkerProcess(self._on_ready, self._on_death)
        self._workers.add(worker)
        try:
            await worker.start(memory_mb=self.limits.memory_mb, module=self._module, environment=self._environment)
        except OSError as error:  # no process or no descriptor is to be had just now
            LOG.error("cannot start a worker, trying again: %s", error)
            self._workers.discard(worker)
            self._early_deaths += 4 * self.limits.workers
            self._replace()

    def _on_ready(self, worker: WorkerProcess) -> None:
        """The worker came up, or finished a request (its answer may still be on its way to the client)."""
        if worker.problems and worker.problems != self.problems:
            self.problems = worker.problems
        self._early_deaths = 0
        was_long = self._release(worker)
        if self._closing or not worker.step_up() or (was_long and _resident_mb(worker.pid) > self.limits.memory_mb // 2):
            worker.kill(Death.RETIRED)
        else:
            self._prepare(worker)

    def _prepare(self, worker: WorkerProcess) -> None:
        """Give the worker the current snapshot to open before it is idle."""
        if worker.path != str(self._lease.path):
            self._hold(worker, self._lease)
            worker.send(Open(str(self._lease.path)), None)
            return
        self._idle.append(worker)
        self._up.set()
        self._dispatch()

    def _on_death(self, worker: WorkerProcess) -> None:
        self._workers.discard(worker)
        if worker in self._idle:
            self._idle.remove(worker)
        self._release(worker)
        self.counts.deaths[worker.death] += 1
        held = self._held.pop(worker, None)
        if held:
            held.close()
        if not self._closing:
            self._replace()

    def _replace(self) -> None:
        self._early_deaths += 1
        delay_s = 0.0 if self._early_deaths <= 4 * self.limits.workers else min(5.0, 0.1 * self._early_deaths)

        async def later() -> None:
            await asyncio.sleep(delay_s)
            if not self._closing:
                await self._spawn()

        task = asyncio.get_running_loop().create_task(later())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


class Answer:
    """An answer whose first bytes are there. Take it all, or close it; not closing it keeps the worker busy."""

    def __init__(self, pool: Pool, job: Job, exchange: Exchange) -> None:
        self._pool = pool
        self._job = job
        self._exchange = exchange

    @property
    def whole(self) -> bytes | None:
        """The answer's bytes when it is complete already, else None."""
        return b"".join(self._exchange.pieces) if self._exchange.complete else None

    @property
    def plain(self) -> bool:
        """Whether it came uncompressed, whatever encoding was asked for."""
        return self._exchange.plain

    async def pieces(self) -> AsyncIterator[bytes]:
        """The bytes as they come. Raises QueryFailedError when the answer cannot be completed: what was sent must then be thrown away."""
        while piece := await self._exchange.take():
            if self._job.worker:
                self._job.worker.resume()
            yield piece

    def close(self) -> None:
        """Give the worker back, or end it when it is still at work."""
        self._pool._leave(self._job, Death.CANCELLED)


def _key(request: ReadRequest) -> int:
    """What a request is remembered by: a hash, as texts can be long, and two of the same hash are only both taken to be long."""
    bindings = tuple(getattr(request, "bindings", {}).items())
    return hash((request.op, getattr(request, "text", None), getattr(request, "graph", None), bindings))


def _resident_mb(pid: int) -> int:
    """The process's resident memory in MiB; 0 where /proc does not tell."""
    try:
        with open(f"/proc/{pid}/statm", "rb") as file:  # noqa: PTH123  on the path of every query
            return int(file.read().split()[1]) // 256
    except (OSError, ValueError, IndexError):
        return 0
