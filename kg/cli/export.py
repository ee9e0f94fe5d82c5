"""`kg export`: the whole graph in a file."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from kg import dump, engines
from kg.cli import options
from kg.errors import SettingError
from kg.settings import Settings

EXAMPLES = (
    ("kg export > graph.nq", "N-Quads, sorted: the same content gives the same bytes"),
    ("kg export --output graph.nq.gz", "compressed, by the name's end"),
    ("kg export --output graph.trig", "as TriG, for reading, by the name's end too"),
    ("kg export --format turtle > graph.ttl", "without graph names"),
)


def command(
    output_format: Annotated[
        str | None,
        typer.Option(
            "--format", "-f", help="nquads, trig, jsonld; without graph names turtle, ntriples, rdfxml. [by FILE's name, else nquads]"
        ),
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Where to write; .gz compresses. [standard output]")
    ] = None,
    data: options.Data = None,
    store: options.Store = None,
) -> None:
    """Write the whole graph to a file.

    Quads come graph by graph in the order of the graphs' names, sorted within each, so that the same content gives the same bytes. The file
    appears under its name only when it is complete.
    """
    settings = Settings.load(data=data, store=store)
    chosen = output_format or (output and dump.format_of(output)) or "nquads"
    with engines.reading(settings) as graph, graph.copy() as copy:
        if output is None:
            dump.write(copy, sys.stdout.buffer, chosen, graph.base_iri)
            sys.stdout.flush()
            return
        try:
            dump.write_file(copy, output, chosen, graph.base_iri)
        except OSError as error:
            raise SettingError(f"cannot write {output}: {error.strerror or error}; choose another --output") from error
