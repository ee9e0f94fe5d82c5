"""What ran long lately: texts, and who asked them."""

from collections import OrderedDict

from kg.workers.job import Job

REMEMBERED = 4096  # texts, and callers
LATELY_S = 60.0  # how long a caller is remembered


class Known:
    """The texts that are known to run long, and the callers who asked one. Times are on the loop's clock."""

    def __init__(self) -> None:
        self._texts: OrderedDict[int, None] = OrderedDict()
        self._callers: OrderedDict[str, float] = OrderedDict()  # when each did last

    def remember(self, job: Job, now: float) -> None:
        """The job ran long."""
        _put(self._texts, job.key, None)
        _put(self._callers, job.caller, now)

    def is_long(self, job: Job) -> bool:
        """Whether the job's text ran long before."""
        return bool(self._texts) and job.key in self._texts

    def has_asked_long(self, caller: str, now: float) -> bool:
        """Whether the caller asked something long lately."""
        return caller in self._callers and now - self._callers[caller] <= LATELY_S


def _put[K, V](known: OrderedDict[K, V], key: K, value: V) -> None:
    known[key] = value
    known.move_to_end(key)
    if len(known) > REMEMBERED:
        known.popitem(last=False)
