"""What a request to /sparql asks for, by the SPARQL 1.1 Protocol (https://www.w3.org/TR/sparql11-protocol/), plus HTTP QUERY.

query   GET ?query=, POST form, POST application/sparql-query, QUERY application/sparql-query or form
update  POST form, POST application/sparql-update
Beside the protocol's parameters: `format`, `timeout` (seconds).
"""

from typing import NamedTuple

from pyoxigraph import NamedNode

from kg.web.call import Call, form_fields, form_value
from kg.web.problems import ProblemError, not_allowed

LEAST_TIMEOUT_S = 0.1  # nothing could be answered in less on a busy machine
METHODS = ("GET", "HEAD", "POST", "QUERY", "OPTIONS")
FORM, QUERY, UPDATE = "application/x-www-form-urlencoded", "application/sparql-query", "application/sparql-update"
DATASET = {"query": ("default-graph-uri", "named-graph-uri"), "update": ("using-graph-uri", "using-named-graph-uri")}

type Given = dict[str, list[str]]  # the values of each parameter, in order


class Ask(NamedTuple):
    """A query or an update with its dataset (None: it names none), and what the request says about the answer."""

    operation: str  # "query" or "update"
    text: str
    default_graphs: tuple[str, ...] | None = None
    named_graphs: tuple[str, ...] | None = None
    format: str = ""
    timeout_s: float | None = None


async def ask(call: Call, *, limit_bytes: int) -> Ask | None:
    """What the request asks for; None for a bare GET. Raises ProblemError 400, 405, 413 or 415."""
    if call.method not in METHODS:
        raise not_allowed(call.method, METHODS)
    if call.method in ("GET", "HEAD"):
        encoded: bytes = call.scope["query_string"]
        if encoded.startswith(b"query=") and b"&" not in encoded:  # as most
            return Ask("query", form_value(encoded[len(b"query=") :]))
        return _from_get(_by_name(call.parameters()))
    fields = call.parameters()
    media_type, charset = _content_type(call)
    if media_type not in (FORM, QUERY, UPDATE):
        raise ProblemError(
            415,
            "media-type",
            f"send the request as {FORM}, {QUERY} or {UPDATE}, not as {media_type or 'nothing said'}",
            accepted=[FORM, QUERY, UPDATE],
        )
    if charset not in ("", "utf-8", "utf8"):
        raise ProblemError(415, "media-type", f"send the request in UTF-8, not in {charset}")  # SPARQL 1.1 Protocol, 2.1.3
    body = await call.body(limit_bytes)
    if media_type == FORM:
        return _from_form(call.method, fields, form_fields(body))
    operation = "query" if media_type == QUERY else "update"
    given = _by_name(fields)
    _refuse_parameter(given, "query", "update")
    return _checked(call.method, operation, _decoded(body), given)


def _by_name(fields: list[tuple[str, str]]) -> Given:
    given: Given = {}
    for name, value in fields:
        given.setdefault(name, []).append(value)
    return given


def _from_get(given: Given) -> Ask | None:
    if "update" in given:
        raise ProblemError(400, "method", "an update cannot be sent with GET: POST it with a token")
    if "query" not in given:
        if given.keys() & {"default-graph-uri", "named-graph-uri"}:
            raise ProblemError(400, "no-query", "there is no `query` parameter")
        return None
    return _checked("GET", "query", _single(given, "query"), given)


def _from_form(method: str, url_fields: list[tuple[str, str]], fields: list[tuple[str, str]]) -> Ask:
    given = _by_name([*url_fields, *fields])
    present = [name for name in ("query", "update") if name in given]
    if len(present) != 1:
        raise ProblemError(400, "no-query", "send exactly one of the parameters `query` and `update`")
    return _checked(method, present[0], _single(given, present[0]), given)


def _checked(method: str, operation: str, text: str, given: Given) -> Ask:
    if method == "QUERY" and operation == "update":
        raise ProblemError(400, "method", "QUERY is safe and cannot carry an update: POST it")
    if len(given) <= (operation in given):
        return Ask(operation, text)  # nothing but the text, as most
    default_name, named_name = DATASET[operation]
    _refuse_parameter(given, *DATASET["update" if operation == "query" else "query"])
    default, named = _graphs(given, default_name), _graphs(given, named_name)
    return Ask(
        operation,
        text,
        default if default or named else None,
        named if default or named else None,
        given.get("format", [""])[0],
        _timeout(given.get("timeout", [""])[0]),
    )


def _single(given: Given, name: str) -> str:
    values = given[name]
    if len(values) != 1:
        raise ProblemError(400, "several-queries", f"`{name}` is given {len(values)} times; send one request for each")
    return values[0]


def _refuse_parameter(given: Given, *names: str) -> None:
    found = sorted(given.keys() & set(names))
    if found:
        raise ProblemError(400, "parameter", f"the parameter {', '.join(found)} does not go with this operation")


def _graphs(given: Given, name: str) -> tuple[str, ...]:
    """The graphs that the parameter names. Nothing says what a relative IRI would be relative to (SPARQL 1.1 Protocol, 2.1.4)."""
    for iri in given.get(name, ()):
        try:
            NamedNode(iri)
        except ValueError as error:
            raise ProblemError(400, "parameter", f"`{name}` takes an absolute IRI, and {iri!r} is none: {error}") from error
    return tuple(given.get(name, ()))


def _timeout(value: str) -> float | None:
    if not value:
        return None
    try:
        seconds = float(value)
    except ValueError:
        seconds = 0.0
    if not LEAST_TIMEOUT_S <= seconds < float("inf"):
        raise ProblemError(400, "parameter", f"`timeout` is a number of seconds, at least {LEAST_TIMEOUT_S:g}, not {value!r}")
    return seconds


def _content_type(call: Call) -> tuple[str, str]:
    """The media type and the charset, in lower case, "" where not given."""
    media_type, _, parameters = call.header(b"content-type").partition(";")
    pairs = (part.partition("=") for part in parameters.split(";"))
    charset = next((value.strip().strip('"') for name, _, value in pairs if name.strip().lower() == "charset"), "")
    return media_type.strip().lower(), charset.lower()


def _decoded(body: bytes) -> str:
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ProblemError(400, "encoding", f"the request body is not UTF-8: byte {error.start} cannot be read") from error
