"""JSON lines: one article an object, `{"id": …, "text": …, "title": …}`; only `text` must be there."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from select import select
from typing import BinaryIO

from ingest.errors import ArticleError
from ingest.model import Article
from ingest.readers.metadata import metadata, text_id
from ingest.readers.source import checked, decode, encodable
from ingest.segment import blocks

_STANDARD_INPUT = "standard input"
_PATIENCE_S = 0.1
_PIECE_BYTES = 1 << 16


def read_lines(lines: Iterable[str | bytes], *, source: str = _STANDARD_INPUT) -> Iterator[Article | ArticleError]:
    """One article a line, in order; a line that cannot be read comes as an ArticleError naming it, as does a source without any.

    Blank lines are skipped.
    """
    return (found for found in _read_lines(lines, source) if found)


def read_stream(stream: BinaryIO, *, source: str = _STANDARD_INPUT) -> Iterator[Article | ArticleError | None]:
    """The same of a stream that may pause, of which nothing has been read: None whenever no line has come for a tenth of a second."""
    return _read_lines(_lines(stream), source)


def _read_lines(lines: Iterable[str | bytes | None], source: str) -> Iterator[Article | ArticleError | None]:
    number, empty = 0, True
    for line in lines:
        number += line is not None
        if line is None:
            yield None
        elif line.strip():
            empty = False
            yield _read(f"{source}, line {number}", line)
    if empty:
        yield ArticleError(source, 'is empty; write one article a line, {"id": …, "text": …}')


def _lines(stream: BinaryIO) -> Iterator[bytes | None]:
    begun: list[bytes] = []
    while True:
        if not select([stream], [], [], _PATIENCE_S)[0]:
            yield None
        elif piece := stream.read1(_PIECE_BYTES):  # type: ignore[attr-defined]
            *ended, rest = piece.split(b"\n")
            for end in ended:
                yield b"".join([*begun, end])
                begun.clear()
            begun.append(rest)
        else:
            break
    yield b"".join(begun)


def read_file(path: Path) -> Iterator[Article | ArticleError]:
    """The articles of a file of JSON lines. Raises ArticleError when it cannot be opened."""
    try:
        with path.open("rb") as stream:
            yield from read_lines(stream, source=str(path))
    except OSError as error:
        raise ArticleError(str(path), f"cannot be read: {error.strerror}") from error


def _read(source: str, line: str | bytes) -> Article | ArticleError:
    try:
        return _article(source, line)
    except ArticleError as error:
        return error


def _article(source: str, line: str | bytes) -> Article:
    try:
        fields = json.loads(decode(source, line) if isinstance(line, bytes) else line)
    except json.JSONDecodeError as error:
        raise ArticleError(source, f"is not JSON: {error.msg} at column {error.colno}; write one object a line") from error
    except ValueError as error:
        raise ArticleError(source, "has a number of too many digits; write it in quotes") from error
    except RecursionError as error:
        raise ArticleError(source, "is nested too deeply; write one flat object a line") from error
    if not isinstance(fields, dict) or not isinstance(fields.get("text"), str):
        raise ArticleError(source, 'has no "text"; write one object a line, {"id": …, "text": …}')
    text = encodable(source, "text", fields["text"])
    return checked(source, Article(text=text, blocks=blocks(text), **metadata(source, fields, fallback=text_id(text))))
