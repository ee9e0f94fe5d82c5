"""The articles of the paths that a command is given."""

import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from ingest import readers
from ingest.errors import ArticleError
from ingest.model import Article

type Articles = Iterable[Article | ArticleError | None]  # None: none has come for a while


def articles(paths: Sequence[str]) -> Iterator[Article | ArticleError | None]:
    """Every article of the paths, `-` being JSON lines on standard input; what cannot be read comes as an ArticleError in its place.

    None comes whenever standard input has paused for a while. A file that two of the paths name is read once.
    """
    read: set[Path] = set()
    for path in paths:
        if path == "-":
            yield from readers.read_stream(sys.stdin.buffer)
            continue
        for file in readers.find_all([Path(path)]):
            if isinstance(file, ArticleError):
                yield file
            elif (resolved := file.resolve()) not in read:
                read.add(resolved)
                yield from readers.read_all(file)


def distinct(found: Articles) -> Iterator[Article | ArticleError | None]:
    """An ArticleError in the place of each article whose id another has had before."""
    seen: set[str] = set()
    for article in found:
        if isinstance(article, Article) and article.id in seen:
            reason = "another article of this batch has the same id; give one of them its own `id:` in the front matter"
            yield ArticleError(article.id, f"{reason} (this one is titled {article.title!r})" if article.title else reason)
            continue
        if isinstance(article, Article):
            seen.add(article.id)
        yield article
