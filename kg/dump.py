"""The whole store as a stream of bytes: the same content gives the same bytes, in memory that only the largest graph bounds."""

import gzip
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import IO, cast

from pyoxigraph import DefaultGraph, Quad, RdfFormat, Store, serialize

from kg import datadir
from kg.errors import SettingError
from kg.formats import GRAPHS, named
from kg.iris import PREFIXES

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
    """Writes every quad. Raises SettingError for a format that graphs do not have."""
    chosen = named(format_name, GRAPHS)
    engine_format = RdfFormat.from_media_type(chosen.media_type) if chosen else None
    if chosen is None or engine_format is None:
        raise SettingError(f"--format {format_name!r} is no format for graphs; choose one of {', '.join(GRAPHS)}")
    quads = sorted_quads(store)
    prefixes = {**PREFIXES, "entity": f"{base_iri}entity/"} if chosen.name in {"turtle", "trig", "rdfxml"} else None
    serialize(quads if chosen.quads else (quad.triple for quad in quads), output, engine_format, prefixes=prefixes)


def write_file(store: Store, path: Path, format_name: str, base_iri: str) -> None:
    """Writes every quad to a file, compressed when it ends in `.gz`; the file is there when it is complete. Raises OSError."""
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
