"""Worker processes that extract side by side: results in input order, and a worker that dies costs one article."""

import multiprocessing
import signal
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import overload

from ingest.errors import ArticleError
from ingest.model import Article, Extraction

type Extract = Callable[[Article], Extraction | ArticleError]
type Slot = list[Extraction | ArticleError]  # of one article's result, which is not there yet while it is empty

_AHEAD = 4  # articles in flight or waiting for an earlier one, a worker
_END, _MORE = object(), object()


def _serve(pipe: Connection) -> None:
    """The worker's side: first comes what makes its `Extract`, then articles. Ends without a word when the other side has gone."""
    with suppress(EOFError, OSError):
        extract: Extract = pipe.recv()()
        while True:
            pipe.send(extract(pipe.recv()))


class _Worker:
    def __init__(self, make: Callable[[], Extract]) -> None:
        context = multiprocessing.get_context("spawn")
        self.pipe, theirs = context.Pipe()
        self.process: BaseProcess = context.Process(target=_serve, args=(theirs,), daemon=True)
        with _deaf_to_sigint():
            self.process.start()
        theirs.close()
        self.slot: Slot | None = None
        self.article: Article | None = None
        self._send(make)

    def give(self, article: Article, slot: Slot) -> None:
        self.article, self.slot = article, slot
        self._send(article)

    def _send(self, value: Callable[[], Extract] | Article) -> None:
        with suppress(ConnectionError):  # a dead worker is noticed by `take`
            self.pipe.send(value)

    def take(self) -> bool:
        """Puts the result into its slot; false when the worker died over it."""
        assert self.slot is not None and self.article is not None  # noqa: S101 - only busy workers are asked
        try:
            result, alive = self.pipe.recv(), True
        except (EOFError, ConnectionError):
            self.process.join()
            reason = f"its extraction ended with exit code {self.process.exitcode}; the article is left out"
            result, alive = ArticleError(self.article.id, reason), False
        self.slot.append(result)
        self.slot = self.article = None
        return alive

    def take_at_last(self) -> None:
        """Puts the result into its slot if it is there; a worker that has been ended with us says nothing about its article."""
        with suppress(EOFError, OSError):
            if self.slot is not None and self.pipe.poll():
                self.slot.append(self.pipe.recv())

    def close(self) -> None:
        self.pipe.close()
        self.process.terminate()
        self.process.join()


@contextmanager
def _deaf_to_sigint() -> Iterator[None]:
    """What is started in the block never hears Ctrl-C, which a terminal sends to every process: what it means is ours to decide."""
    resource_tracker.ensure_running()  # starting a process starts it too, the first time, and lets SIGINT through again
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@overload
def extract_all(
    articles: Iterable[Article | ArticleError], make: Callable[[], Extract], *, processes: int
) -> Iterator[Extraction | ArticleError]: ...
@overload
def extract_all(
    articles: Iterable[Article | ArticleError | None], make: Callable[[], Extract], *, processes: int
) -> Iterator[Extraction | ArticleError | None]: ...
def extract_all(
    articles: Iterable[Article | ArticleError | None], make: Callable[[], Extract], *, processes: int
) -> Iterator[Extraction | ArticleError | None]:
    """Extracts in `processes` workers, each with its own `make()`; an ArticleError among the articles keeps its place.

    None among them says that none has come for a while: it comes out at once, after what is ready by then. At an exception, one that is
    thrown into the generator too, what is finished comes out first, in order.
    """
    workers: list[_Worker] = []
    results: deque[Slot] = deque()
    source = iter(articles)
    last: object = _MORE
    try:
        while results or last is not _END:
            if last is not _END:
                last = _hand_out(source, results, workers, make, processes)
            _collect(workers, wait_for_one=not (last is None or (results and results[0])))
            while results and results[0]:
                yield results.popleft()[0]
            if last is None:
                yield None
    except GeneratorExit:
        raise
    except BaseException:
        for worker in workers:
            worker.take_at_last()
        yield from [slot[0] for slot in results if slot]
        raise
    finally:
        for worker in workers:
            worker.close()


def _hand_out(
    source: Iterator[Article | ArticleError | None],
    results: deque[Slot],
    workers: list[_Worker],
    make: Callable[[], Extract],
    processes: int,
) -> object:
    """Gives articles to workers as long as there are both. Returns what came instead of an article, `_MORE` when no worker was left."""
    while len(results) < processes * _AHEAD and (worker := _idle(workers, make, processes)):
        article = next(source, _END)
        if not isinstance(article, Article | ArticleError):
            return article
        results.append(_start(worker, article))
    return _MORE


def _idle(workers: list[_Worker], make: Callable[[], Extract], processes: int) -> _Worker | None:
    for worker in workers:
        if worker.slot is None:
            return worker
    if len(workers) < processes:
        workers.append(_Worker(make))
        return workers[-1]
    return None


def _start(worker: _Worker, article: Article | ArticleError) -> Slot:
    if isinstance(article, ArticleError):
        return [article]
    slot: Slot = []
    worker.give(article, slot)
    return slot


def _collect(workers: list[_Worker], *, wait_for_one: bool) -> None:
    """Takes what workers have finished, when none has and one is waited for as soon as it does."""
    busy = {worker.pipe: worker for worker in workers if worker.slot is not None}
    for pipe in wait(list(busy), None if wait_for_one else 0) if busy else ():
        worker = busy[pipe]  # type: ignore[index]
        if not worker.take():
            workers.remove(worker)
