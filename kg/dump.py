"""The whole store as a stream of bytes: the same content gives the same bytes, in memory that only the largest graph bounds."""

import gzip
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import IO, cast

from pyoxigraph import DefaultGraph, Quad, Store

from kg import datadir, serialize
from kg.errors import SettingError
from kg.formats import GRAPHS, named

_COMPRESSION_LEVEL = 6


def sorted_quads(store: Store) -> Iterator[Quad]:
    """Every quad: graphs in the order of their names (the default graph, where clients may have written, first), sorted within each."""
    for graph in [DefaultGraph(), *sorted(store.named_graphs(), key=str)]:
        yield from sorted(store.quads_for_pattern(None, None, None, graph), key=str)


def format_of(path: Path) -> str | None:
    """The name of the format in which a file of this name is, before `.gz`; None where its end names none of graphs."""
    suffix = Path(path.stem if path.suffix == ".gz" else path.name).suffix.removeprefix(".").lower()
    return next((known.name for known in GRAPHS.values() if known.extension == suffix), None)


def write(store: Store, output: IO[bytes], format_name: str, base_iri: str) -> None:
    """Writes every quad. Raises SettingError for a format that graphs do not have, or that cannot say what is there."""
    chosen = named(format_name, GRAPHS)
    if chosen is None:
        raise SettingError(f"--format {format_name!r} is no format for graphs; choose one of {', '.join(GRAPHS)}")
    quads = sorted_quads(store)
    serialize.write(quads if chosen.quads else (quad.triple for quad in quads), output, chosen, base_iri)


def write_file(store: Store, path: Path, format_name: str, base_iri: str) -> None:
    """Writes every quad to a file, compressed when it ends in `.gz`; the file is there when it is complete.

    Raises OSError, and SettingError as `write` does.
    """
    new = path.with_name(f".{path.name}.new")
    try:
        with ExitStack() as stack:
            output: IO[bytes] = stack.enter_context(new.open("wb"))
            if path.suffix == ".gz":
                # no file name and no time in the header: the same content, the same bytes (RFC 1952, 2.3.1)
                output = cast(IO[bytes], stack.enter_context(gzip.GzipFile("", "wb", _COMPRESSION_LEVEL, output, mtime=0)))
            write(store, output, format_name, base_iri)
        datadir.put(new, path)
    finally:
        new.unlink(missing_ok=True)
