"""The engines: what can keep the graph. One row an engine; the settings choose.

data directory   kg.snapshots and kg.store: RocksDB, one writer, published snapshots
SPARQL service   kg.remote: any SPARQL 1.1 service, `--store http://…` (KG_STORE)
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

from pyoxigraph import BlankNode, DefaultGraph, Literal, NamedNode, Quad, QueryBoolean, QuerySolutions, Store, Triple, Variable

from kg import snapshots
from kg import store as local
from kg.settings import Settings

type Result = QuerySolutions | QueryBoolean | Iterator[Triple]


class Reader(Protocol):
    """A graph to read from: what readers use of pyoxigraph's Store."""

    def query(
        self,
        query: str,
        *,
        base_iri: str | None = None,
        prefixes: dict[str, str] | None = None,
        use_default_graph_as_union: bool = False,
        substitutions: dict[Variable, Any] | None = None,
    ) -> Result: ...

    def quads_for_pattern(
        self,
        subject: NamedNode | None,
        predicate: NamedNode | None,
        object: NamedNode | Literal | None,  # noqa: A002  as pyoxigraph calls it
        graph_name: NamedNode | DefaultGraph | None = None,
        /,
    ) -> Iterator[Quad]: ...

    def contains_named_graph(self, graph_name: NamedNode) -> bool: ...

    def named_graphs(self) -> Iterator[NamedNode | BlankNode]: ...

    def __iter__(self) -> Iterator[Quad]: ...

    def __len__(self) -> int: ...


class Graph(Protocol):
    """The graph as it is when a reader comes: a published snapshot, or what a service answers. `number` is the snapshot's."""

    @property
    def number(self) -> int | None: ...

    @property
    def base_iri(self) -> str: ...

    def open(self) -> Reader: ...

    def copy(self) -> AbstractContextManager[Store]:
        """One state of everything, on this machine, until the block ends."""


class Fixed(Protocol):
    """What is fixed for the data, and the hashes of the ontology and gazetteer that its graphs were computed with ("": not known)."""

    @property
    def base_iri(self) -> str: ...

    @property
    def ontology(self) -> str: ...

    @property
    def gazetteer(self) -> str: ...


class Writer(Protocol):
    """A graph that is open for writing; see kg.store.Writer."""

    @property
    def data(self) -> Fixed: ...

    @property
    def place(self) -> str: ...

    @property
    def store(self) -> Reader: ...

    @property
    def unpublished(self) -> bool: ...

    def lookup(
        self, subject: NamedNode | None, predicate: NamedNode | None, value: NamedNode | Literal | None, graph: NamedNode | None
    ) -> Iterator[Quad]: ...

    def stored(self, quads: Collection[Quad]) -> set[Quad]: ...

    def apply(self, removed: Iterable[Quad], added: Iterable[Quad]) -> None: ...

    def update(self, update: str, *, base_iri: str | None = None) -> None: ...

    def publish(self) -> snapshots.Snapshot | None: ...

    def record(self, *, ontology: str, gazetteer: str) -> None: ...


@dataclass(frozen=True, slots=True)
class Engine:
    """How a graph is opened, to read and to write, and under which base IRI its data is or would be."""

    reading: Callable[[Settings], AbstractContextManager[Graph]]
    writing: Callable[[Settings], AbstractContextManager[Writer]]
    base_iri: Callable[[Settings], str]


class EngineName(StrEnum):
    """What keeps the graph."""

    LOCAL = "data directory"
    REMOTE = "SPARQL service"


def _read_remotely(settings: Settings) -> AbstractContextManager[Graph]:
    from kg.remote.store import reading  # its HTTP client takes a tenth of a second to load

    return reading(settings)


def _write_remotely(settings: Settings) -> AbstractContextManager[Writer]:
    from kg.remote.writer import writing

    return writing(settings)


def _base_of_service(settings: Settings) -> str:
    from kg.remote.store import opened

    with opened(settings) as (_, base):
        return base


ENGINES: Mapping[EngineName, Engine] = {
    EngineName.LOCAL: Engine(lambda settings: snapshots.current(settings.data), local.open_writer, local.base_iri),
    EngineName.REMOTE: Engine(_read_remotely, _write_remotely, _base_of_service),
}


def reading(settings: Settings) -> AbstractContextManager[Graph]:
    """The graph that the settings name, to read until the block ends; see kg.snapshots.current and kg.remote.store.reading."""
    return _chosen(settings).reading(settings)


def writing(settings: Settings) -> AbstractContextManager[Writer]:
    """The graph that the settings name, for writing until the block ends; see kg.store.open_writer and kg.remote.writer.writing."""
    return _chosen(settings).writing(settings)


def base_iri(settings: Settings) -> str:
    """The base IRI of the data that the settings name, or the one that it would get.

    Raises DataError when there is data with another base IRI than the one that is set, and what `reading` raises.
    """
    return _chosen(settings).base_iri(settings)


def _chosen(settings: Settings) -> Engine:
    return ENGINES[EngineName.REMOTE if settings.store else EngineName.LOCAL]
