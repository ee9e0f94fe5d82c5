"""Query results on standard output: streamed in a standard format, or as a table for the eye."""

import sys
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import IO

from pyoxigraph import (
    Literal,
    NamedNode,
    Quad,
    QueryBoolean,
    QueryResultsFormat,
    QuerySolutions,
    Triple,
)
from rich.console import Console
from rich.table import Table
from rich.text import Text

from kg import serialize
from kg.engines import Result
from kg.errors import SettingError
from kg.formats import GRAPHS, RESULTS, Format, named
from kg.iris import NAMESPACES
from kg.workers import jsonld
from kg.workers.wellformed import Characters

TABLE = "table"
MAX_TABLE_ROWS = 1000
_ONE_LINE = frozenset({"json", "xml"})
_WORD_CHARS, _SHORT_CHARS = 12, 24


def default_format() -> str:
    """A table where somebody looks at it, CSV where a program reads it."""
    return TABLE if sys.stdout.isatty() else "csv"


def write(result: Result, name: str | None, output: IO[bytes], base_iri: str) -> None:
    """Writes a result in the format of this name; without one, graphs as Turtle and the rest by `default_format`.

    Rows are written as they are found. Raises SettingError when results of this kind have no such format, or it cannot say one of them.
    """
    if not isinstance(result, QuerySolutions | QueryBoolean):
        write_graph(result, name or "turtle", output, base_iri)
    elif (name or default_format()) != TABLE:
        chosen = _format(name or "csv", RESULTS, "rows", (TABLE,))
        sink = Characters(output) if chosen.name == "xml" else output
        with serialize.sayable(chosen):
            result.serialize(sink, QueryResultsFormat.from_media_type(chosen.media_type))  # type: ignore[arg-type]
        if isinstance(result, QueryBoolean) or chosen.name in _ONE_LINE:
            output.write(b"\n")
    elif isinstance(result, QueryBoolean):
        output.write(b"yes\n" if result else b"no\n")
    else:
        show(result, base_iri)


def write_graph(triples: Iterable[Triple], name: str, output: IO[bytes], base_iri: str) -> None:
    """Writes a graph in the format of this name. Raises SettingError when there is no such format for graphs."""
    _serialize(triples, graph_format(name), output, base_iri)


def write_quads(quads: Iterable[Quad], name: str, output: IO[bytes], base_iri: str) -> None:
    """Writes quads in the format of this name, their triples where it has no graphs. Raises SettingError when there is no such format."""
    chosen = graph_format(name)
    _serialize(quads if chosen.quads else (quad.triple for quad in quads), chosen, output, base_iri)


def graph_format(name: str, *, others: Sequence[str] = ()) -> Format:
    """The format of graphs of this name. Raises SettingError when there is none, which names `others` too: what else the command writes."""
    return _format(name, GRAPHS, "graphs", others)


def _serialize(quads: Iterable[Triple] | Iterable[Quad], chosen: Format, output: IO[bytes], base_iri: str) -> None:
    if chosen.name != "jsonld":
        serialize.write(quads, output, chosen, base_iri)
        return
    with serialize.sayable(chosen):
        jsonld.write(quads, output, serialize.prefixes_of(base_iri))


def show(rows: QuerySolutions, base_iri: str, *, console: Console | None = None) -> None:
    """Prints rows as a table, long texts wrapped; the first thousand of them.

    A variable is left out when another gives its label (`investor` beside `investorLabel`) or when no row has a value for it.
    """
    console = console or Console(highlight=False)
    variables = [variable.value for variable in rows.variables]
    found = [[_cell(row[name], base_iri) for name in variables] for row in islice(rows, MAX_TABLE_ROWS)]
    columns = {
        name: [row[column] for row in found]
        for column, name in enumerate(variables)
        if f"{name}Label" not in variables and any(row[column] for row in found)
    }
    console.print(_table(columns or {name: [] for name in variables}, console.width))
    if next(rows, None) is not None:
        Console(stderr=True).print(f"the first {MAX_TABLE_ROWS} rows; --format csv writes all of them")


def _table(columns: dict[str, list[Text]], width: int) -> Table:
    """Short columns keep their lines; the longest gets most of what is left."""
    widths = {name: max([len(name), *map(len, cells)]) for name, cells in columns.items()}
    wraps = sum(widths.values()) + 3 * len(widths) + 1 > width
    table = Table(header_style="bold", show_lines=wraps, expand=wraps)
    for name in columns:
        ratio = 3 if widths[name] == max(widths.values()) else 1
        heading = name.removesuffix("Label") or name
        if not wraps or widths[name] <= _WORD_CHARS or (widths[name] <= _SHORT_CHARS and len(columns) * _SHORT_CHARS < width):
            table.add_column(heading, no_wrap=True)
        else:
            table.add_column(heading, ratio=ratio, overflow="fold")
    for row in zip(*columns.values(), strict=True):
        table.add_row(*row)
    return table


def _cell(term: object, base_iri: str) -> Text:
    if isinstance(term, NamedNode):
        return Text(short(term.value, base_iri), style="cyan")
    return Text(term.value if isinstance(term, Literal) else "" if term is None else str(term))


def short(iri: str, base_iri: str) -> str:
    """An IRI for the eye: without our base, or as a prefixed name."""
    if iri.startswith(base_iri):
        return iri[len(base_iri) :]
    for namespace in NAMESPACES:
        if iri.startswith(namespace.iri):
            return f"{namespace.prefix}:{iri[len(namespace.iri) :]}"
    return iri


def _format(name: str, table: dict[str, Format], what: str, others: Sequence[str]) -> Format:
    found = named(name, table)
    if found is None:
        raise SettingError(f"--format {name!r} is no format for {what}; choose one of {', '.join([*others, *table])}")
    return found
