"""One request on its way through the pool, and the pool's limits."""

import asyncio
import math
from dataclasses import dataclass

from kg.workers.process import Exchange, WorkerProcess
from kg.workers.snapshot import Lease
from kg.workers.wire import Dump, ReadRequest


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
    """The pool's limits: `share` is the part of the long places that one caller may hold, `queue` how many jobs may wait in all.

    `side_by_side`: how many short queries begin at once; workers beyond that are for when many of these turn out to be slower than most.

    A dump of the whole dataset has a deadline of its own, as it takes the longer the more there is, and one is sent at a time.
    """

    workers: int = 8
    side_by_side: int = 4
    timeout_s: float = 30.0
    dump_timeout_s: float = 3600.0
    memory_mb: int = 1024
    queue: int = 256
    share: float = 0.5

    @property
    def long_places(self) -> int:
        """How many long queries run side by side."""
        return max(1, min(self.workers, self.side_by_side) - 1)

    @property
    def long_places_of_a_caller(self) -> int:
        """How many of the long places one caller may hold."""
        return max(1, math.ceil(self.long_places * self.share))

    @property
    def queue_of_a_caller(self) -> int:
        """How many jobs of one caller may wait."""
        return max(1, self.queue // 2)

    def of(self, request: ReadRequest) -> float:
        """The deadline of a request, in seconds; it may ask for less."""
        return self.dump_timeout_s if is_whole(request) else self.timeout_s


@dataclass(eq=False, slots=True)
class Job:
    """One request on its way: waiting, running, or sending. Times are on the loop's clock.

    `news` resolves when its first bytes, its end or a failure is there, or with an OverloadedError when it waited too long.
    """

    request: ReadRequest
    caller: str
    lease: Lease
    deadline: float
    patience: float  # until when it waits for a worker
    news: asyncio.Future[None]
    began: float = 0.0  # on its worker
    processor_s: float = 0.0  # that its worker had had when the job was first looked at
    long_since: float = 0.0
    fresh: bool = False  # it runs, not for long yet
    long: bool = False
    left: bool = False  # nobody waits for it
    body: bytes = b""  # the request as packed, where it is already
    worker: WorkerProcess | None = None
    exchange: Exchange | None = None

    @property
    def key(self) -> int:
        """What it is remembered by: a hash, as texts can be long, and two of the same hash are only both taken to be long."""
        request = self.request
        bindings = tuple(getattr(request, "bindings", {}).items())
        return hash((type(request), getattr(request, "text", None), getattr(request, "graph", None), bindings))


def is_whole(request: ReadRequest) -> bool:
    """Whether the whole dataset is asked for."""
    return isinstance(request, Dump) and request.graph is None
