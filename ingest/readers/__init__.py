"""Files into articles: one reader a format, found by suffix in `READERS`.

A new format is one module with a function `(path, text) -> Article` and one row here.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path

from ingest.errors import ArticleError
from ingest.model import Article
from ingest.readers import json_lines, markdown, plain
from ingest.readers.json_lines import read_lines, read_stream
from ingest.readers.source import MAX_CHARS, Reader, checked, decode, load_bytes

__all__ = ["JSON_LINES", "MAX_CHARS", "READERS", "find", "find_all", "read", "read_all", "read_lines", "read_stream"]

READERS: dict[str, Reader] = {
    ".txt": plain.article,
    ".md": markdown.article,
}
JSON_LINES = ".jsonl"  # many articles a file: see `read_lines`


def find(paths: Iterable[Path]) -> list[Path]:
    """The files that `find_all` finds. Raises ArticleError for the first path or directory that cannot be looked at or read."""
    files: list[Path] = []
    for found in find_all(paths):
        if isinstance(found, ArticleError):
            raise found
        files.append(found)
    return files


def find_all(paths: Iterable[Path]) -> list[Path | ArticleError]:
    """The files to read, sorted, each once: a file as given, a directory's files of known suffix at any depth (JSON lines only when named).

    What comes as an ArticleError in its place: a path that does not exist or cannot be looked at, a given file of unknown suffix, and a
    directory that holds no file to read or, at any depth, cannot be read.
    """
    found: dict[Path, Path | ArticleError] = {}
    for path in paths:
        try:
            if not path.exists():
                found[path] = ArticleError(str(path), "no such file or directory; check the path")
            else:
                found |= _inside(path) if path.is_dir() else {path: _of_known_format(path)}
        except OSError as error:
            found[path] = ArticleError(str(path), f"cannot be read: {error.strerror}; check the path")
    return [found[path] for path in sorted(found)]


def _inside(directory: Path) -> dict[Path, Path | ArticleError]:
    """What is in a directory, by its path."""
    closed: list[OSError] = []
    files = [folder / name for folder, _, names in directory.walk(on_error=closed.append) for name in names]
    found: dict[Path, Path | ArticleError] = {file: file for file in files if file.suffix.lower() in READERS and _is_file(file)}
    for error in closed:
        folder = Path(error.filename or directory)
        found[folder] = ArticleError(str(folder), f"cannot be read: {error.strerror}; make the directory readable, or leave it out")
    if not found:
        reason = f"holds no file ending in {', '.join(sorted(READERS))}; name a directory with articles"
        found[directory] = ArticleError(str(directory), reason)
    return found


def _is_file(path: Path) -> bool:
    """Whether it is a file, or something that may not be looked at or a link that leads nowhere, so that reading it says why."""
    try:
        return path.is_file() or (path.is_symlink() and not path.exists())
    except PermissionError:
        return True


def _of_known_format(path: Path) -> Path | ArticleError:
    return path if path.suffix.lower() in {*READERS, JSON_LINES} else _unknown(path)


def _unknown(path: Path) -> ArticleError:
    known = ", ".join([*sorted(READERS), JSON_LINES])
    return ArticleError(str(path), f"unknown format {path.suffix or '(no suffix)'}; known are {known}")


def read(path: Path) -> Article:
    """The article in a file. Raises ArticleError when it cannot be read: missing, empty, binary, not UTF-8, too long, bad front matter."""
    reader = READERS.get(path.suffix.lower())
    if reader is None:
        raise _unknown(path)
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
