"""Worker processes that extract side by side: results in input order, and a worker that dies costs one article."""

import multiprocessing
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess

from ingest.errors import ArticleError
from ingest.model import Article, Extraction

type Extract = Callable[[Article], Extraction | ArticleError]

_AHEAD = 4  # articles in flight or waiting for an earlier one, a worker


def _serve(make: Callable[[], Extract], pipe: Connection) -> None:
    extract = make()
    with suppress(EOFError, KeyboardInterrupt):
        while True:
            pipe.send(extract(pipe.recv()))


class _Worker:
    def __init__(self, make: Callable[[], Extract]) -> None:
        context = multiprocessing.get_context("spawn")
        self.pipe, theirs = context.Pipe()
        self.process: BaseProcess = context.Process(target=_serve, args=(make, theirs), daemon=True)
        self.process.start()
        theirs.close()
        self.slot: list[Extraction | ArticleError | None] | None = None
        self.article: Article | None = None

    def give(self, article: Article, slot: list[Extraction | ArticleError | None]) -> None:
        self.article, self.slot = article, slot
        with suppress(ConnectionError):  # a dead worker is noticed by `take`
            self.pipe.send(article)

    def take(self) -> bool:
        """Puts the result into its slot; false when the worker died over it."""
        assert self.slot is not None and self.article is not None  # noqa: S101 - only busy workers are asked
        try:
            self.slot[0], alive = self.pipe.recv(), True
        except (EOFError, ConnectionError):
            self.process.join()
            reason = f"its extraction ended with exit code {self.process.exitcode}; the article is left out"
            self.slot[0], alive = ArticleError(self.article.id, reason), False
        self.slot = self.article = None
        return alive

    def close(self) -> None:
        self.pipe.close()
        self.process.terminate()
        self.process.join()


def extract_all(
    articles: Iterable[Article | ArticleError], make: Callable[[], Extract], *, processes: int
) -> Iterator[Extraction | ArticleError]:
    """Extracts in `processes` workers, each with its own `make()`; an ArticleError among the articles keeps its place."""
    workers: list[_Worker] = []
    results: deque[list[Extraction | ArticleError | None]] = deque()
    source = iter(articles)
    exhausted = False
    try:
        while results or not exhausted:
            while not exhausted and len(results) < processes * _AHEAD and (worker := _idle(workers, make, processes)):
                article = next(source, None)
                exhausted = article is None
                if article is not None:
                    results.append(_start(worker, article))
            while results and results[0][0] is not None:
                yield results.popleft()[0]  # type: ignore[misc]
            _collect(workers)
    finally:
        for worker in workers:
            worker.close()


def _idle(workers: list[_Worker], make: Callable[[], Extract], processes: int) -> _Worker | None:
    for worker in workers:
        if worker.slot is None:
            return worker
    if len(workers) < processes:
        workers.append(_Worker(make))
        return workers[-1]
    return None


def _start(worker: _Worker, article: Article | ArticleError) -> list[Extraction | ArticleError | None]:
    if isinstance(article, ArticleError):
        return [article]
    slot: list[Extraction | ArticleError | None] = [None]
    worker.give(article, slot)
    return slot


def _collect(workers: list[_Worker]) -> None:
    busy = {worker.pipe: worker for worker in workers if worker.slot is not None}
    for pipe in wait(list(busy)) if busy else ():
        worker = busy[pipe]  # type: ignore[index]
        if not worker.take():
            workers.remove(worker)
