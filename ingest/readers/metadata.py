"""Front matter and JSON fields into an article's metadata."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import yaml
from frontmatter.default_handlers import YAMLHandler
from yaml.constructor import ConstructorError

from ingest.errors import ArticleError
from ingest.readers.source import encodable, sha256, url_id, without_controls

_FIELDS = ("title", "author", "publisher", "url", "language")
_SHOWN_CHARS = 40
_LANGUAGE = re.compile("[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*")  # as ontology/shapes.ttl has it
_NOT_IN_IRI = re.compile(r"[\x00-\x20<>\"{}|\\^`]")  # RFC 3987, 2.2


@dataclass(frozen=True, slots=True)
class Page:
    """A text without its front matter, and the front matter's fields."""

    fields: Mapping[str, Any]
    body: str


def split(source: str, text: str) -> Page:
    """Separates YAML front matter from the body; a text without any comes back verbatim. Raises ArticleError for bad YAML."""
    handler = YAMLHandler()
    if not handler.detect(text):
        return Page({}, text)
    try:
        head, body = handler.split(text)
    except ValueError:
        return Page({}, text)  # a rule (`---`) with no second one: no front matter
    fields = _loaded(source, head)
    if fields is None:  # nothing, or comments alone
        fields = {}
    if not isinstance(fields, dict):
        raise ArticleError(source, "front matter, line 2: not `key: value` lines; remove the `---` lines or write fields between them")
    return Page(fields, body.strip())


class _Loader(yaml.SafeLoader):
    """Says where a value is that is not of the kind that it looks like (`2024-02-30`), for which the constructors raise what they like.

    It is the one in Python: the one in C crashes the process on deep nesting.
    """

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        try:
            return super().construct_object(node, deep=deep)
        except (ArithmeticError, AttributeError, LookupError, ValueError) as error:
            problem = f"{str(node.value)[:_SHOWN_CHARS]!r} cannot be read as {node.tag.rpartition(':')[2]}"
            raise ConstructorError(problem=problem, problem_mark=node.start_mark) from error


def _loaded(source: str, head: str) -> Any:
    try:
        return YAMLHandler().load(head, Loader=_Loader)
    except ConstructorError as error:
        raise ArticleError(source, f"front matter, line {_line(error)}: {error.problem}; correct it, or write it in quotes") from error
    except yaml.MarkedYAMLError as error:
        reason = f"{error.problem or 'not YAML'}; write one `key: value` a line"
        raise ArticleError(source, f"front matter, line {_line(error)}: {reason}") from error
    except yaml.YAMLError as error:
        raise ArticleError(source, f"front matter: {' '.join(str(error).split())}") from error
    except RecursionError as error:
        raise ArticleError(source, "front matter: nested too deeply; write one `key: value` a line") from error


def _line(error: yaml.MarkedYAMLError) -> int:
    return (error.problem_mark.line if error.problem_mark else 0) + 1


def metadata(source: str, fields: Mapping[str, Any], *, fallback: str) -> dict[str, str]:
    """The keyword arguments of an Article besides its text: strings, dates in ISO 8601, and an id that does not change with the text.

    The id is the field `id`, else made from `url`, else `fallback`. Raises ArticleError for a date, an address or a language that is none,
    and for a field that is no text, cannot be written as UTF-8 or holds control characters.
    """
    found = {name: _text(source, name, fields.get(name)) for name in _FIELDS}
    found["language"] = _language(source, found["language"] or _text(source, "lang", fields.get("lang")))
    from_url = _url_id(source, found["url"])
    found["id"] = _text(source, "id", fields.get("id")) or from_url or fallback
    found["date"] = _date(source, fields.get("date"))
    return found


def text_id(text: str) -> str:
    """The id of an article that has neither an id nor an address nor a file name."""
    return f"text-{sha256(text)[:12]}"


def _text(source: str, name: str, value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, list) and all(isinstance(part, str) for part in value):
        value = ", ".join(value)
    if isinstance(value, date):
        value = value.isoformat()
    if isinstance(value, bool):  # as `no` is in YAML
        raise ArticleError(source, f"{name}: expected text, got {str(value).lower()}; write it in quotes")
    if not isinstance(value, str | int | float):
        raise ArticleError(source, f"{name}: expected text, got {type(value).__name__}")
    try:
        text = str(value)
    except ValueError as error:
        raise ArticleError(source, f"{name}: a number of too many digits; write it in quotes") from error
    return without_controls(source, name, " ".join(encodable(source, name, text).split()))


def _language(source: str, tag: str) -> str:
    if tag and not _LANGUAGE.fullmatch(tag):
        raise ArticleError(source, f"language: {tag!r} is no BCP 47 tag; write it as en or de-AT, or leave it out")
    return tag


def _url_id(source: str, url: str) -> str:
    if found := _NOT_IN_IRI.search(url):
        code = f"%{ord(found.group()):02X}"
        raise ArticleError(source, f"url: {url!r} is no address: write {found.group()!r} as {code}, correct it, or leave it out")
    try:
        return url_id(url) if url else ""
    except ValueError as error:
        raise ArticleError(source, f"url: {url!r} is no address ({error}); correct it, or leave it out") from error


def _date(source: str, value: Any) -> str:
    if isinstance(value, datetime):
        return value.date().isoformat()
    text = _text(source, "date", value)
    if not text:
        return ""
    try:
        return datetime.fromisoformat(text.replace("Z", "+00:00")).date().isoformat()
    except ValueError as error:
        raise ArticleError(source, f"date: {text!r} is no ISO 8601 date; write it as 2024-02-28") from error
