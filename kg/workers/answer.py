"""An answer of the pool, as its caller takes it."""

from collections.abc import AsyncIterator, Callable

from kg.workers.job import Job
from kg.workers.process import Exchange


class Answer:
    """An answer whose first bytes are there. Take it all, or close it; not closing it keeps the worker busy."""

    __slots__ = ("_exchange", "_job", "_leave", "request")

    def __init__(self, job: Job, exchange: Exchange, leave: Callable[[Job], None]) -> None:
        self._job = job
        self._exchange = exchange
        self._leave = leave
        self.request = job.request

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
        """Give the worker back, or see that it ends soon when it is still at work."""
        self._leave(self._job)
