"""The pool: which query runs when, until when, and on which snapshot.

A query starts at once when a worker is free and may run for its time slice. One that takes longer, or whose answer does not fit into
one piece, becomes *long* and needs one of the long places; one worker is always kept for short queries, and no caller holds more than
a share of the long places. A long query that finds no place is stopped before it has sent anything and waits in the long line, so
short queries never wait behind long ones. What ran long once (the same text) goes to the long line at once. Of those that began just now
only so many run side by side, as more would be slower; the workers beyond are in reserve for when many turn out to be slower than most,
and the last that is idle is for callers who asked nothing long lately, however much others ask. The deadline counts from arrival. Dumps
of the whole dataset hold one long place in all, however slowly they are read.
"""

import asyncio
from collections import Counter
from collections.abc import Mapping

from kg.workers.answer import Answer
from kg.workers.crew import Crew
from kg.workers.job import Job, Limits, OverloadedError, is_whole
from kg.workers.known import Known
from kg.workers.process import NOTHING, Death, Exchange, QueryFailedError, WorkerProcess
from kg.workers.queue import FairQueue
from kg.workers.snapshot import Lease
from kg.workers.wire import ReadRequest

LOOK_S = 0.02  # between two looks at what runs and waits: a timer for each job would take more of the time than many a query
FRESH_S = 0.06  # how long a query counts as one that began just now: most have ended by then, however many run side by side
SLICE_S = 0.15  # a query that runs longer is long, if it had half of that time on a processor: else the machine is slow, not the query
WAITING_S = 1.0  # one that runs longer than that is long, whatever it waits for
SPARED_S = 0.05  # a query whose client hung up may end by itself within that: to replace its worker takes longer
STEP_BACK_S = 0.35  # a long one that runs for longer yet gets the processor behind everybody else


class Pool:
    """Runs requests on worker processes. Start it and close it in the event loop that uses it."""

    def __init__(
        self, limits: Limits, lease: Lease, *, module: str = "kg.workers.worker", environment: Mapping[str, str] = NOTHING
    ) -> None:
        self.limits = limits
        self.refused = 0
        self.preempted = 0
        self._module = module
        self._environment = environment
        self._crew = Crew(limits.workers, limits.memory_mb, lease, on_release=self._release, on_idle=self._dispatch)
        self._running: dict[WorkerProcess, Job] = {}
        self._short: FairQueue[Job] = FairQueue()
        self._long: FairQueue[Job] = FairQueue()
        self._long_running: Counter[str] = Counter()
        self._known = Known()
        self._looking = False
        self._fresh = 0  # how many of the running ones are fresh

    @property
    def lease(self) -> Lease:
        """The snapshot that new requests run on."""
        return self._crew.lease

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
        return self._crew.pids

    @property
    def deaths(self) -> Mapping[str, int]:
        """How many workers ended, by reason."""
        return self._crew.deaths

    @property
    def problems(self) -> list[str]:
        """What a worker could not give up."""
        return self._crew.problems

    @property
    def is_up(self) -> bool:
        """Whether some worker can take or is running a request."""
        return bool(self._crew.idle or self._running)

    async def start(self, *, timeout_s: float = 30.0) -> None:
        """Start the workers; returns when the first is ready. Raises TimeoutError when none gets ready."""
        await self._crew.start(timeout_s=timeout_s, module=self._module, environment=self._environment)

    async def close(self) -> None:
        """End every worker, whatever it does."""
        await self._crew.close()

    def move_to(self, lease: Lease) -> None:
        """Run new requests on this snapshot; requests that run finish on theirs. The pool closes the lease when it is left."""
        self._crew.move_to(lease)

    async def run(
        self, request: ReadRequest, *, caller: str, timeout_s: float | None = None, lease: Lease | None = None, body: bytes = b""
    ) -> Answer:
        """The answer to the request, as soon as its first bytes or its end are there, on the current snapshot unless `lease` names one.

        `body` is what `wire.packed` made of the request, where that was called already. Raises QueryFailedError, OverloadedError.
        Cancelling ends the query.
        """
        loop = asyncio.get_running_loop()
        now, most_s = loop.time(), self.limits.of(request)
        allowed_s = min(timeout_s or most_s, most_s)
        deadline, patience = now + allowed_s, now + min(allowed_s, self.limits.timeout_s)
        job = Job(request, caller, (lease or self.lease).share(), deadline, patience, loop.create_future(), body=body)
        try:
            self._enqueue(job, loop)
            return await self._first(job)
        except BaseException:
            self._leave(job)
            raise

    def _enqueue(self, job: Job, loop: asyncio.AbstractEventLoop) -> None:
        job.long = self._known.is_long(job)
        line = self._long if job.long else self._short
        by_caller = self._short.of(job.caller) + self._long.of(job.caller) >= self.limits.queue_of_a_caller
        if by_caller or self.waiting >= self.limits.queue:
            self.refused += 1
            whose = "of your queries" if by_caller else "queries"
            raise OverloadedError(f"too many {whose} are waiting: try again in a moment", 2, by_caller=by_caller)
        if not self._looking:
            self._looking = True
            loop.call_later(LOOK_S, self._look)
        if self._crew.idle and not job.long and not self.waiting and self._may_begin(job):  # as most: there is no line to stand in
            self._place(job, self._crew.idle.pop())
            return
        line.push(job)
        self._dispatch()

    async def _first(self, job: Job) -> Answer:
        """Wait until the job may answer: it is complete, or it has its first piece and a long place."""
        while True:
            await job.news
            exchange = job.exchange
            if exchange is None or not job.news.done():
                continue  # it was stopped just then, and will have other news
            if exchange.failure:
                raise exchange.failure
            if exchange.complete or job.long or self._take_long_place(job):
                return Answer(job, exchange, self._leave)
            self._preempt(job)

    def _dispatch(self) -> None:
        idle = self._crew.idle
        while idle and (self._short or self._long):
            job = self._long.pop(self._may_run_long) if self._long and self._leaves_one_for_short() else None
            job = job or self._short.pop(self._may_begin)
            if job is None:
                return
            self._place(job, idle.pop())

    def _may_begin(self, job: Job) -> bool:
        """Whether the short query may run beside those that began just now, on a worker that is idle."""
        if self._fresh >= self.limits.side_by_side:
            return False
        if len(self._crew.idle) > 1 or not self._has_reserve:
            return True
        return not self._known.has_asked_long(job.caller, asyncio.get_running_loop().time())

    def _leaves_one_for_short(self) -> bool:
        """Whether one worker more can be long: others may be dead and not replaced yet."""
        if self._has_reserve:
            return len(self._crew.idle) > 1
        ready = len(self._crew.idle) + len(self._running) - self._long_running.total()
        return ready > 1 or self.limits.workers == 1

    @property
    def _has_reserve(self) -> bool:
        """Whether there is a worker beyond those that long queries and the ones beginning beside them can take."""
        return self.limits.workers > self.limits.side_by_side + self.limits.long_places

    def _may_run_long(self, job: Job) -> bool:
        if is_whole(job.request) and any(other.long and is_whole(other.request) for other in self._running.values()):
            return False
        places_left = self.limits.long_places - self._long_running.total()
        return places_left > 0 and self._long_running[job.caller] < self.limits.long_places_of_a_caller

    def _place(self, job: Job, worker: WorkerProcess) -> None:
        job.worker, job.exchange = worker, Exchange(job.news)
        job.began = asyncio.get_running_loop().time()
        self._running[worker] = job
        if job.long:
            self._count_long(job)
        else:
            job.fresh = True
            self._fresh += 1
        if worker.path != job.lease.location:
            self._crew.hold(worker, job.lease)
        worker.send(job.request, job.exchange, path=job.lease.location, body=job.body)

    def _age(self, job: Job) -> None:
        """The job is not fresh any more."""
        self._fresh -= job.fresh
        job.fresh = False

    def _count_long(self, job: Job) -> None:
        self._age(job)
        job.long = True
        job.long_since = asyncio.get_running_loop().time()
        self._long_running[job.caller] += 1

    def _take_long_place(self, job: Job) -> bool:
        self._known.remember(job, asyncio.get_running_loop().time())
        if not self._may_run_long(job):
            return False
        self._count_long(job)
        return True

    def _look(self) -> None:
        """See to deadlines and time slices, again and again while there are jobs."""
        loop = asyncio.get_running_loop()
        now = loop.time()
        for job in [*self._running.values()]:
            self._check(job, now)
        for line, least_s in ((self._short, 0.0), (self._long, SLICE_S)):  # what is known to run for a slice cannot end in less
            for job in [*line]:
                if now >= job.patience - least_s:
                    self._give_up(job, line)
        self._dispatch()  # there may be room now
        self._looking = bool(self._running or self.waiting)
        if self._looking:
            loop.call_later(LOOK_S, self._look)

    def _check(self, job: Job, now: float) -> None:
        """Whether the running job's time is over: its own, its slice, or that with the processor as soon as others."""
        worker = job.worker
        if worker is None:
            return
        if now - job.began >= FRESH_S:
            self._age(job)
        if now >= job.deadline:
            worker.kill(Death.DEADLINE)
            if job.exchange:  # for much memory to be given back takes a while, which nobody need wait for
                job.exchange.finish(QueryFailedError(Death.DEADLINE, f"stopped: {Death.DEADLINE}"))
        elif job.left:
            self._end_left(job, worker, now)
        elif job.long:
            if now - job.long_since >= STEP_BACK_S:
                worker.step_back()
        elif self._is_slice_over(job, worker, now) and not self._take_long_place(job):
            self._preempt(job)

    def _is_slice_over(self, job: Job, worker: WorkerProcess, now: float) -> bool:
        if not job.processor_s:
            job.processor_s = worker.processor_s()
        ran_s = now - job.began
        return ran_s >= WAITING_S or (ran_s >= SLICE_S and worker.processor_s() - job.processor_s >= SLICE_S / 2)

    def _end_left(self, job: Job, worker: WorkerProcess, now: float) -> None:
        if now - job.began >= SPARED_S:
            worker.kill(Death.CANCELLED)

    def _preempt(self, job: Job) -> None:
        """Stop the job, which has sent nothing yet, and put it into the long line."""
        self.preempted += 1
        if job.news.done():
            job.news = asyncio.get_running_loop().create_future()
        self._age(job)
        worker, job.worker, job.exchange = job.worker, None, None
        job.long = True
        self._long.push(job)
        if worker:
            self._running.pop(worker, None)
            worker.exchange = None
            worker.kill(Death.PREEMPTED)

    def _give_up(self, job: Job, line: FairQueue[Job]) -> None:
        """The job waited until it cannot end before its deadline."""
        line.remove(job)
        self.refused += 1
        if not job.news.done():
            dump = is_whole(job.request)
            why, after_s = ("another dump or long queries are under way", 60) if dump else ("no worker was free before the deadline", 5)
            job.news.set_exception(OverloadedError(f"{why}: try again in a moment", after_s))

    def _leave(self, job: Job) -> None:
        """The job is over for its caller: take it out of line, or see that its worker ends if that works on it any longer."""
        if job.worker:
            job.left = True
            self._end_left(job, job.worker, asyncio.get_running_loop().time())
        elif job.exchange is None:
            _ = self._short.remove(job) or self._long.remove(job)
        job.lease.close()

    def _release(self, worker: WorkerProcess) -> bool:
        """The worker's job is off it; returns whether that was a long one."""
        job = self._running.pop(worker, None)
        if job is None:
            return False
        job.worker = None
        self._age(job)
        if job.long:
            self._long_running[job.caller] -= 1
            if not self._long_running[job.caller]:
                del self._long_running[job.caller]
        return job.long
