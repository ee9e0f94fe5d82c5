"""The crew: as many worker processes as there should be, each with the current snapshot open before it is given a request.

What died is replaced, at once or, when workers die as soon as they are there, after a pause that grows.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Mapping

from kg.workers.process import NOTHING, Death, WorkerProcess
from kg.workers.snapshot import Lease
from kg.workers.wire import Open

LOG = logging.getLogger("kg.workers.crew")


class Crew:
    """Worker processes. Start it and close it in the event loop that uses it.

    `on_release` is called when a worker's request is off it, be it that the worker died, and returns whether the worker may have grown;
    `on_idle` when there is one more in `idle`.
    """

    def __init__(
        self, size: int, memory_mb: int, lease: Lease, *, on_release: Callable[[WorkerProcess], bool], on_idle: Callable[[], None]
    ) -> None:
        self.idle: list[WorkerProcess] = []  # the last one worked last: its caches are warm
        self.problems: list[str] = []  # what a worker could not give up
        self.deaths: Counter[str] = Counter()
        self.lease = lease
        self._size = size
        self._memory_mb = memory_mb
        self._on_release = on_release
        self._on_idle = on_idle
        self._module = "kg.workers.worker"
        self._environment = NOTHING
        self._workers: set[WorkerProcess] = set()
        self._held: dict[WorkerProcess, Lease] = {}
        self._closing = False
        self._early_deaths = 0
        self._up = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def pids(self) -> list[int]:
        """The worker processes that live."""
        return [worker.pid for worker in self._workers]

    async def start(self, *, timeout_s: float, module: str, environment: Mapping[str, str]) -> None:
        """Start the workers; returns when the first is ready. Raises TimeoutError when none gets ready."""
        self._module, self._environment = module, environment
        await self._spawn()  # alone, as those that start beside it would keep it from being ready
        async with asyncio.timeout(timeout_s):
            await self._up.wait()
        for _ in range(self._size - 1):
            await self._spawn()

    async def close(self) -> None:
        """End every worker, whatever it does."""
        self._closing = True
        for worker in list(self._workers):
            worker.kill(Death.RETIRED)
        while self._workers:
            await asyncio.sleep(0.005)

    def move_to(self, lease: Lease) -> None:
        """Have every worker open this snapshot when it is free. The lease is closed when the next one comes."""
        self.lease.close()
        self.lease = lease
        idle, self.idle = self.idle, []
        for worker in idle:
            self._prepare(worker)

    def hold(self, worker: WorkerProcess, lease: Lease) -> None:
        """The worker is about to open this snapshot, and has it open until it opens another or dies."""
        old = self._held.get(worker)
        self._held[worker] = lease.share()
        if old:
            old.close()

    async def _spawn(self) -> None:
        worker = WorkerProcess(self._on_ready, self._on_death)
        self._workers.add(worker)
        try:
            await worker.start(memory_mb=self._memory_mb, module=self._module, environment=self._environment)
        except OSError as error:  # no process or no descriptor is to be had just now
            LOG.error("cannot start a worker, trying again: %s", error)
            self._workers.discard(worker)
            self._early_deaths += 4 * self._size
            self._replace()

    def _on_ready(self, worker: WorkerProcess) -> None:
        """The worker came up, or finished a request (its answer may still be on its way to the client)."""
        if worker.problems and worker.problems != self.problems:
            self.problems = worker.problems
        self._early_deaths = 0
        may_have_grown = self._on_release(worker)
        if self._closing or not worker.step_up() or (may_have_grown and _resident_mb(worker.pid) > self._memory_mb // 2):
            worker.kill(Death.RETIRED)
        else:
            self._prepare(worker)

    def _prepare(self, worker: WorkerProcess) -> None:
        """Give the worker the current snapshot to open before it is idle."""
        if worker.path != self.lease.location:
            self.hold(worker, self.lease)
            worker.send(Open(self.lease.location), None)
            return
        self.idle.append(worker)
        self._up.set()
        self._on_idle()

    def _on_death(self, worker: WorkerProcess) -> None:
        self._workers.discard(worker)
        if worker in self.idle:
            self.idle.remove(worker)
        self._on_release(worker)
        self.deaths[worker.death] += 1
        held = self._held.pop(worker, None)
        if held:
            held.close()
        if not self._closing:
            self._replace()

    def _replace(self) -> None:
        self._early_deaths += 1
        delay_s = 0.0 if self._early_deaths <= 4 * self._size else min(5.0, 0.1 * self._early_deaths)

        async def later() -> None:
            await asyncio.sleep(delay_s)
            if not self._closing:
                await self._spawn()

        task = asyncio.get_running_loop().create_task(later())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _resident_mb(pid: int) -> int:
    """The process's resident memory in MiB; 0 where /proc does not tell."""
    try:
        with open(f"/proc/{pid}/statm", "rb") as file:  # noqa: PTH123  on the path of long queries
            return int(file.read().split()[1]) // 256
    except (OSError, ValueError, IndexError):
        return 0
