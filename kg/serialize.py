"""Graphs in the formats of `kg.formats`, with our prefixes: what a format cannot say is an error, and nothing else is written for it."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import IO

from pyoxigraph import Quad, RdfFormat, Triple, serialize

from kg.errors import SettingError
from kg.formats import Format
from kg.iris import PREFIXES
from kg.workers import wellformed

_READABLE = frozenset({"turtle", "trig", "rdfxml"})


def write(statements: Iterable[Quad] | Iterable[Triple], output: IO[bytes], chosen: Format, base_iri: str) -> None:
    """Writes quads where the format has graphs, and triples where it has none. Raises SettingError for what the format cannot say."""
    prefixes = prefixes_of(base_iri) if chosen.name in _READABLE else None
    engine_format = RdfFormat.from_media_type(chosen.media_type)
    if engine_format is None:
        raise SettingError(f"the engine writes no {chosen.media_type}")
    with sayable(chosen):
        if chosen.name == "rdfxml":
            serialize(wellformed.sayable(statements), wellformed.Characters(output), engine_format, prefixes=prefixes)  # type: ignore[arg-type]
        else:
            serialize(statements, output, engine_format, prefixes=prefixes)


def prefixes_of(base_iri: str) -> dict[str, str]:
    """Our prefixes, with one for entities."""
    return {**PREFIXES, "entity": f"{base_iri}entity/"}


@contextmanager
def sayable(chosen: Format) -> Iterator[None]:
    """Raises SettingError where the block finds that the format cannot say something (ValueError)."""
    try:
        yield
    except ValueError as error:
        raise SettingError(f"--format {chosen.name}: {error}") from error
