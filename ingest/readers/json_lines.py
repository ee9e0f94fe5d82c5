"""JSON lines: one article an object, `{"id": …, "text": …, "title": …}`; only `text` must be there."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path

from ingest.errors import ArticleError
from ingest.model import Article
from ingest.readers.metadata import metadata, text_id
from ingest.readers.source import checked, decode, encodable
from ingest.segment import blocks


def read_lines(lines: Iterable[str | bytes], *, source: str = "standard input") -> Iterator[Article | ArticleError]:
    """One article a line, in order; a line that cannot be read comes as an ArticleError naming it. Blank lines are skipped."""
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            yield _article(f"{source}, line {number}", line)
        except ArticleError as error:
            yield error


def read_file(path: Path) -> Iterator[Article | ArticleError]:
    """The articles of a file of JSON lines. Raises ArticleError when it cannot be opened."""
    try:
        with path.open("rb") as stream:
            yield from read_lines(stream, source=str(path))
    except OSError as error:
        raise ArticleError(str(path), f"cannot be read: {error.strerror}") from error


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
