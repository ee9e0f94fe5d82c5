"""Who is next: jobs wait in one line per caller, and callers take turns."""

from collections import OrderedDict, deque
from collections.abc import Callable, Iterator
from typing import Protocol


class Waiting(Protocol):
    """What can wait in line."""

    @property
    def caller(self) -> str: ...


class FairQueue[J: Waiting]:
    """First come first served within a caller, round robin between callers (fair queueing, Nagle 1985, RFC 970)."""

    def __init__(self) -> None:
        self._lines: OrderedDict[str, deque[J]] = OrderedDict()
        self._size = 0

    def __len__(self) -> int:
        return self._size

    def __iter__(self) -> Iterator[J]:
        return (job for line in self._lines.values() for job in line)

    def of(self, caller: str) -> int:
        """How many jobs of this caller wait."""
        line = self._lines.get(caller)
        return len(line) if line else 0

    def push(self, job: J) -> None:
        """Put the job at the end of its caller's line."""
        self._lines.setdefault(job.caller, deque()).append(job)
        self._size += 1

    def remove(self, job: J) -> bool:
        """Take the job out of its line; False when it does not wait."""
        line = self._lines.get(job.caller)
        if line is None or job not in line:
            return False
        line.remove(job)
        self._size -= 1
        if not line:
            del self._lines[job.caller]
        return True

    def pop(self, may_run: Callable[[J], bool] | None = None) -> J | None:
        """The next job, of those that may run; its caller goes to the end of the round."""
        for caller, line in self._lines.items():
            job = line[0] if may_run is None else next(filter(may_run, line), None)
            if job is not None:
                self.remove(job)
                if line:
                    self._lines.move_to_end(caller)
                return job
        return None
