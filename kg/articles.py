"""The articles of the paths that a command is given."""

import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Literal

from ingest import readers
from ingest.errors import ArticleError
from ingest.model import Article

STANDARD_INPUT: Literal["-"] = "-"

type Source = Path | ArticleError | Literal["-"]
type Articles = Iterable[Article | ArticleError | None]  # None: none has come for a while


def articles(paths: Sequence[str]) -> Iterator[Article | ArticleError | None]:
    """Every article of the paths, `-` being JSON lines on standard input; what cannot be read comes as an ArticleError in its place.

    None comes whenever standard input has paused for a while.
    """
    return read(sources(paths))


def sources(paths: Sequence[str]) -> list[Source]:
    """What the paths name, in their order; what cannot be found comes as an ArticleError in its place.

    A file that several of them lead to comes once, by its own name before that of a symbolic link, whichever is named first.
    """
    found = [source for path in paths for source in _found(path)]
    names: dict[Path, Path] = {}
    for file in sorted(source for source in found if isinstance(source, Path)):
        own = _own(file)
        names[own] = file if file.name == own.name else names.get(own, file)
    return [source for place in found if (source := names.pop(_own(place), None) if isinstance(place, Path) else place)]


def _own(file: Path) -> Path:
    """The file without symbolic links; never raises, as `Path.resolve` does for links in a circle."""
    return Path(os.path.realpath(file))


def read(found: Iterable[Source]) -> Iterator[Article | ArticleError | None]:
    """The articles of these sources."""
    for source in found:
        if isinstance(source, ArticleError):
            yield source
        elif isinstance(source, Path):
            yield from readers.read_all(source)
        else:
            yield from readers.read_stream(sys.stdin.buffer)


def _found(path: str) -> Sequence[Source]:
    if path == STANDARD_INPUT:
        return [STANDARD_INPUT]
    return readers.find_all([Path(path)]) if path else [ArticleError("''", "is no path; name a file or a directory")]


def distinct(found: Articles) -> Iterator[Article | ArticleError | None]:
    """An ArticleError in the place of each article whose id another has had before."""
    first: dict[str, str] = {}
    for article in found:
        if isinstance(article, Article) and article.id in first:
            reason = f"another article of this batch has the same id {article.id!r}: {first[article.id]}"
            yield ArticleError(article.source or article.id, f"{reason}; give one of them its own `id`")
            continue
        if isinstance(article, Article):
            first[article.id] = article.source
        yield article
