"""`kg query`: SPARQL on the published snapshot."""

import os
import re
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from select import select
from socket import socket, socketpair
from threading import Thread
from typing import Annotated

import typer

from kg import engines, queries, syntax
from kg.cli import options, results
from kg.engines import Reader, Result
from kg.errors import QueryError, StreamError
from kg.iris import Iris
from kg.queries import Bindings
from kg.serialize import prefixes_of
from kg.settings import Settings

EXAMPLES = (
    ("kg query --list", "the saved queries and their parameters"),
    ("kg query --name who-invests-in-whom", "a saved query"),
    ("kg query --name claims-about-an-entity --param entity='Mistral AI'", "with a parameter"),
    ("kg query 'SELECT ?s ?o { ?s aikg:investsIn ?o }' --format csv", "SPARQL as it is; the usual prefixes are declared"),
    ("kg query question.rq --format json", "SPARQL in a file; - reads standard input"),
)

_EXIT_INTERRUPTED = 130
_EXPECTED_SHOWN = 12
_POSITION = re.compile(r"error at (\d+):(\d+): (.*)", re.DOTALL)


def command(
    query: Annotated[str | None, typer.Argument(metavar="FILE.rq|SPARQL", help="A file, a query, or - for standard input.")] = None,
    name: Annotated[str | None, typer.Option("--name", "-n", metavar="SAVED", help="Run the saved query of this name.")] = None,
    param: Annotated[list[str] | None, typer.Option("--param", "-p", metavar="NAME=VALUE", help="A parameter of the saved query.")] = None,
    show_list: Annotated[bool, typer.Option("--list", "-l", help="List the saved queries.")] = False,
    output_format: Annotated[
        str | None,
        typer.Option("--format", "-f", help="table, csv, tsv, json, xml; for graphs turtle, ntriples, jsonld, rdfxml."),
    ] = None,
    data: options.Data = None,
    store: options.Store = None,
    timeout_s: options.QueryTimeout = None,
) -> None:
    """Run a SPARQL query or a saved query.

    Rows are shown as a table on a terminal and written as CSV to a pipe or file; CONSTRUCT and DESCRIBE give Turtle. The default graph is
    everything that is stored, unless the query says FROM. A query past its deadline is stopped.
    """
    if show_list:
        _list_saved()
        return
    settings = Settings.load(data=data, store=store, query_timeout_s=timeout_s)
    with engines.reading(settings) as graph, _stoppable(settings.query_timeout_s):
        reader = graph.open()
        text, source, bindings = _asked(query, name, param or [], reader, Iris(graph.base_iri))
        result = run(reader, text, source, graph.base_iri, bindings)
        results.write(result, output_format, sys.stdout.buffer, graph.base_iri)
        sys.stdout.flush()


def run(store: Reader, text: str, source: str, base_iri: str, bindings: Bindings | None = None) -> Result:
    """Evaluates a query on the union of all graphs, or on the dataset that it names. Raises QueryError with the place of a mistake."""
    reading = syntax.read(text)
    if reading.form is syntax.Form.UPDATE:
        raise QueryError(f"{source} is an update; `kg query` only reads")
    try:
        return store.query(
            text,
            base_iri=base_iri,
            prefixes=prefixes_of(base_iri),
            use_default_graph_as_union=not reading.names_dataset,
            substitutions=bindings or None,
        )
    except SyntaxError as error:
        raise QueryError(_explained(str(error), text, source)) from error


def _asked(query: str | None, name: str | None, params: list[str], store: Reader, iris: Iris) -> tuple[str, str, Bindings | None]:
    """The text to run, what to call it in a complaint, and the values of its parameters."""
    if (query is None) == (name is None):
        raise QueryError("give either a query (a file or SPARQL) or --name SAVED; `kg query --list` shows the saved ones")
    if name is not None:
        saved = queries.find(name)
        return saved.text, f"saved query {name}", queries.bind(saved, _arguments(params), partial(queries.find_entity, store, iris))
    if params:
        raise QueryError("--param belongs to a saved query (--name)")
    assert query is not None  # noqa: S101  one of the two is given
    if query == "-":
        return _read("standard input", sys.stdin.read).removeprefix("\ufeff"), "the query on standard input", None
    if _names_file(query):
        return _read(query, partial(Path(query).read_text, encoding="utf-8-sig")), query, None
    if not any(sign in query for sign in " \t\r\n{<"):
        raise QueryError(f"{query!r} is no SPARQL, and there is no such file; check the path, or run a saved query with --name")
    return query, "the query", None


def _names_file(query: str) -> bool:
    try:
        return Path(query).suffix in {".rq", ".sparql"} or Path(query).is_file()
    except OSError:  # longer than a file's name can be
        return False


def _arguments(params: list[str]) -> dict[str, str]:
    arguments: dict[str, str] = {}
    for text in params:
        name, sign, value = text.partition("=")
        if not sign:
            raise QueryError(f"--param {text!r} is not NAME=VALUE")
        if name in arguments:
            raise QueryError(f"--param {name} is given twice; a parameter has one value")
        arguments[name] = value
    return arguments


def _read(place: str, read: Callable[[], str]) -> str:
    try:
        return read()
    except StreamError:
        raise
    except (OSError, UnicodeDecodeError) as error:
        raise QueryError(f"cannot read {place}: {getattr(error, 'strerror', None) or error}") from error


def _explained(complaint: str, text: str, source: str) -> str:
    """The engine's complaint with the place in words, the words there, and the first few of what it expected."""
    match = _POSITION.match(complaint)
    if match is None:
        return f"{source} is not SPARQL: {complaint}"
    line, column, expected = int(match[1]), int(match[2]), match[3]
    lines = text.splitlines() or [""]
    there = lines[line - 1][column - 1 :].strip()[:30] if line <= len(lines) else ""
    found = f"at {there!r}" if there else "at its end"
    return f"{source} is not SPARQL: line {line}, column {column}, {found}: {_expected(expected)}"


def _expected(text: str) -> str:
    """The keywords and signs among what the parser would have taken, or its reason where it gives one.

    It also lists every kind of letter and quotation mark, which helps nobody.
    """
    if not text.startswith("expected one of "):
        return text
    words = text.removeprefix("expected one of ").replace("\n", " ").split(", ")
    if reasons := [word for word in words if " " in word and word[:1].isupper()]:
        return "; ".join(reasons)
    signs = [word.strip('"') for word in words if not (".." in word or "'" in word or "\\" in word)]
    return "expected " + " ".join(sorted(signs, key=str.isalpha)[:_EXPECTED_SHOWN]) + (" …" if len(signs) > _EXPECTED_SHOWN else "")


@contextmanager
def _stoppable(timeout_s: float) -> Iterator[None]:
    """Ends the process when the block takes longer, or at Ctrl-C: the engine holds the main thread, where Python would raise something.

    What is on standard output then is not complete.
    """
    ours, signals = socketpair()
    signals.setblocking(False)
    before = signal.set_wakeup_fd(signals.fileno(), warn_on_full_buffer=False)
    Thread(target=_stop, args=(ours, timeout_s), daemon=True).start()
    try:
        yield
    finally:
        signal.set_wakeup_fd(before)
        signals.close()  # which ends the thread


def _stop(signals: socket, timeout_s: float) -> None:
    """Ends the process when a signal comes or when none comes in time; returns when the other side is closed."""
    arrived, _, _ = select([signals], [], [], timeout_s)
    if not arrived:
        typer.echo(f"kg: the query took longer than {timeout_s:g} s; ask for less, or give it longer with --timeout-s", err=True)
        os._exit(QueryError.exit_code)
    if signals.recv(1):
        os._exit(_EXIT_INTERRUPTED)


def _list_saved() -> None:
    for saved in queries.load().values():
        typer.echo(f"{saved.name}\n    {saved.summary}")
        for parameter in saved.parameters:
            need = "required" if parameter.required else f"default {parameter.default}" if parameter.default else "optional"
            typer.echo(f"    --param {parameter.name}=…  {parameter.type}, {need}: {parameter.description}")
