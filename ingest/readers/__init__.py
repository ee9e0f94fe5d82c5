"""Files into articles: one reader a format, found by suffix in `READERS`.

A new format is one module with a function `(path, text) -> Article` and one row here.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path

from ingest.errors import ArticleError
from ingest.model import Article
from ingest.readers import json_lines, markdown, plain
from ingest.readers.json_lines import read_lines
from ingest.readers.source import MAX_CHARS, Reader, checked, decode, load_bytes

__all__ = ["JSON_LINES", "MAX_CHARS", "READERS", "find", "read", "read_all", "read_lines"]

READERS: dict[str, Reader] = {
    ".txt": plain.article,
    ".md": markdown.article,
}
JSON_LINES = ".jsonl"  # many articles a file: see `read_lines`


def find(paths: Iterable[Path]) -> list[Path]:
    """The files to read, sorted, each once: a file as given, a directory's files of known suffix at any depth (JSON lines only when named).

    Raises ArticleError for a path that does not exist or cannot be looked at, and for a directory without a file to read.
    """
    found: set[Path] = set()
    for path in paths:
        try:
            if not path.exists():
                raise ArticleError(str(path), "no such file or directory; check the path")
            found.update(_inside(path) if path.is_dir() else [path])
        except OSError as error:
            raise ArticleError(str(path), f"cannot be read: {error.strerror}; check the path") from error
    return sorted(found)


def _inside(directory: Path) -> list[Path]:
    next(directory.iterdir(), None)  # raises where the directory cannot be read, which rglob takes for empty
    files = [path for path in directory.rglob("*") if path.suffix.lower() in READERS and path.is_file()]
    if not files:
        raise ArticleError(str(directory), f"holds no file ending in {', '.join(sorted(READERS))}; name a directory with articles")
    return files


def read(path: Path) -> Article:
    """The article in a file. Raises ArticleError when it cannot be read: missing, empty, binary, not UTF-8, too long, bad front matter."""
    reader = READERS.get(path.suffix.lower())
    if reader is None:
        known = ", ".join([*sorted(READERS), JSON_LINES])
        raise ArticleError(str(path), f"unknown format {path.suffix or '(no suffix)'}; known are {known}")
    return checked(str(path), reader(path, decode(str(path), load_bytes(path))))


def read_all(path: Path) -> Iterator[Article | ArticleError]:
    """Every article of a file, JSON lines included; what cannot be read comes as an ArticleError in its place instead of being raised."""
    try:
        if path.suffix.lower() == JSON_LINES:
            yield from json_lines.read_file(path)
        else:
            yield read(path)
    except ArticleError as error:
        yield error
