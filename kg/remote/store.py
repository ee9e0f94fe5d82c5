"""A remote service's graph, read like pyoxigraph's Store, of which these are the methods that readers use.

What is in the service's own default graph is no part of it, and whoever asks for everything is told when there is something. Each call is a
query of its own: what must agree is read from `copy`.
"""

import tempfile
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import batched
from typing import IO, Any

from pyoxigraph import (
    BlankNode,
    DefaultGraph,
    Literal,
    NamedNode,
    Quad,
    QueryBoolean,
    QuerySolution,
    QuerySolutions,
    RdfFormat,
    Store,
    Triple,
    Variable,
    serialize,
)

from kg import syntax
from kg.changes import has_blank_node
from kg.errors import DataError, RemoteError
from kg.iris import Iris, check_base
from kg.remote import texts
from kg.remote.client import Client, Parameters, not_results
from kg.settings import DEFAULT_BASE_IRI, Settings

QUADS_A_QUERY = 500  # some 100 KB of text
QUADS_A_LOAD = 100_000


class RemoteStore:
    """The quads of all named graphs of a service.

    `parses`: a query is parsed here too, so that a mistake is found before the service is asked. The engine can only evaluate it for that,
    on nothing, so this is not for the queries of strangers: a SERVICE would be asked.
    """

    def __init__(self, client: Client, *, parses: bool = True) -> None:
        self._client = client
        self._parses = parses

    def query(
        self,
        query: str,
        *,
        base_iri: str | None = None,
        prefixes: Mapping[str, str] | None = None,
        use_default_graph_as_union: bool = False,
        default_graph: Sequence[NamedNode] | None = None,
        named_graphs: Sequence[NamedNode] | None = None,
        substitutions: Mapping[Variable, Any] | None = None,
    ) -> QuerySolutions | QueryBoolean | Iterator[Triple]:
        """Evaluates a query there; the result comes as it is read. Raises SyntaxError, RemoteError."""
        values = {variable.value: term for variable, term in (substitutions or {}).items()}
        if self._parses:
            Store().query(query, base_iri=base_iri, prefixes=dict(prefixes or {}))
        text = texts.complete(query, base_iri, prefixes or {}, values)
        dataset = _protocol_dataset(default_graph, named_graphs) or (self._client.union() if use_default_graph_as_union else {})
        return self._client.answer(syntax.read(query).form, text, dataset)

    def quads_for_pattern(
        self,
        subject: NamedNode | None,
        predicate: NamedNode | None,
        object: NamedNode | Literal | None,  # noqa: A002  as pyoxigraph calls it
        graph_name: NamedNode | DefaultGraph | None = None,
    ) -> Iterator[Quad]:
        """The quads that match; None matches anything."""
        if isinstance(graph_name, DefaultGraph):
            return
        if subject is predicate is object is graph_name is None:
            yield from self
            return
        known = {"s": subject, "p": predicate, "o": object, "g": graph_name}
        found = self._client.results(texts.pattern(known))
        if isinstance(found, QueryBoolean):
            quads = [Quad(subject, predicate, object, graph_name)] if found else []  # type: ignore[arg-type]  # all four are known
            yield from quads
        else:
            yield from (_quad({**known, **_row(found, row)}) for row in found)

    def stored(self, quads: Collection[Quad]) -> set[Quad]:
        """Those of the quads that are stored, asked for in bulk."""
        found: set[Quad] = set()
        for some in batched((quad for quad in quads if not has_blank_node(quad)), QUADS_A_QUERY):
            rows = self._client.select(texts.among(some))
            found.update(_quad(_row(rows, row)) for row in rows)
        return found

    def named_graphs(self) -> Iterator[NamedNode | BlankNode]:
        """The names of the graphs that hold something."""
        return (row["g"] for row in self._client.select(texts.GRAPH_NAMES))

    def contains_named_graph(self, graph_name: NamedNode) -> bool:
        """Whether the graph holds something."""
        return any(True for _ in self.quads_for_pattern(None, None, None, graph_name))

    def dump(
        self,
        output: IO[bytes],
        format: RdfFormat,  # noqa: A002  as pyoxigraph calls it
        *,
        from_graph: NamedNode | DefaultGraph | None = None,
        prefixes: dict[str, str] | None = None,
    ) -> None:
        """Writes the quads, or the triples of one graph."""
        quads = iter(self) if from_graph is None else self.quads_for_pattern(None, None, None, from_graph)
        serialize(quads if from_graph is None else (quad.triple for quad in quads), output, format, prefixes=prefixes)

    def __iter__(self) -> Iterator[Quad]:
        """Every quad, in one query. Raises RemoteError when the service has triples that are in no named graph."""
        if self._client.ask(texts.UNNAMED):
            raise RemoteError(
                f"{self._client.place} has triples outside named graphs, in its own default graph, and these would be left out; "
                "put them into a named graph there, and empty the other with the update CLEAR DEFAULT",
                status=200,
            )
        rows = self._client.select(texts.ALL_QUADS)
        return (_quad(_row(rows, row)) for row in rows)

    def count(self, graphs: Iterable[NamedNode]) -> int:
        """How many quads these graphs hold."""
        return sum(_number(self._client, texts.count_of(some)) for some in batched(graphs, QUADS_A_QUERY))

    def __len__(self) -> int:
        return _number(self._client, texts.COUNT_QUADS)


class RemoteGraph:
    """What a reader opens: like kg.snapshots.Snapshot, but for the numbers that snapshots have."""

    number = None

    def __init__(self, client: Client, base_iri: str) -> None:
        self.base_iri = base_iri
        self.place = client.place
        self._store = RemoteStore(client)

    def open(self) -> RemoteStore:
        """The graph as a store to read from."""
        return self._store

    @contextmanager
    def copy(self) -> Iterator[Store]:
        """Everything as it is now, in a store on this machine that is gone when the block ends.

        It is one query, so it is one state where the service isolates its queries from its updates.
        """
        with tempfile.TemporaryDirectory(prefix="kg-copy-") as folder:
            store = Store(folder)
            for some in batched(self._store, QUADS_A_LOAD):
                store.bulk_extend(some)
            yield store
            del store


@contextmanager
def opened(settings: Settings) -> Iterator[tuple[Client, str]]:
    """The service that the settings name, and the base IRI of what is or would be in it, until the block ends. Raises as `reading`."""
    client = Client(settings)
    try:
        yield client, base_iri(client, settings) or check_base(settings.base_iri or DEFAULT_BASE_IRI)
    finally:
        client.close()


@contextmanager
def reading(settings: Settings) -> Iterator[RemoteGraph]:
    """The graph of the service that the settings name, until the block ends.

    Raises RemoteError, also in the block when an answer ends too soon; DataError when nothing of ours is there.
    """
    client = Client(settings)
    try:
        yield RemoteGraph(client, _base_to_read(client, settings))
    except SyntaxError as error:
        raise not_results(client.place, error) from error
    finally:
        client.close()


def base_iri(client: Client, settings: Settings) -> str | None:
    """The base IRI of the data in the service, None when there is none. Raises DataError where it is not the one that is set."""
    wanted = None if settings.base_iri is None else check_base(settings.base_iri)
    rows = client.select(texts.BASES)
    found: set[str] = {row["base"].value for row in rows if row["g"] == Iris(row["base"].value).meta}
    if wanted in found or not found:
        return wanted if found else None
    if wanted is not None:
        raise DataError(
            f"{client.place} holds data with the base IRI {', '.join(sorted(found))}, not {wanted}; "
            "leave KG_BASE_IRI (--base-iri) out, or choose another --store"
        )
    if len(found) > 1:
        raise DataError(
            f"{client.place} holds data with the base IRIs {', '.join(sorted(found))}; choose one with --base-iri (KG_BASE_IRI)"
        )
    return found.pop()


def _base_to_read(client: Client, settings: Settings) -> str:
    found = base_iri(client, settings)
    if found is None:
        raise DataError(f"no data of ours in {client.place}; make some with `kg ingest --store`, or name another service (KG_STORE)")
    return found


def _protocol_dataset(default_graph: Sequence[NamedNode] | None, named_graphs: Sequence[NamedNode] | None) -> Parameters:
    """SPARQL 1.1 Protocol, 2.1.4; {} when the request names no dataset."""
    graphs = {"default-graph-uri": default_graph, "named-graph-uri": named_graphs}
    return {name: [graph.value for graph in named] for name, named in graphs.items() if named}


def _number(client: Client, text: str) -> int:
    return int(next(client.select(text))["n"].value)


def _row(rows: QuerySolutions, row: QuerySolution) -> dict[str, Any]:
    return {variable.value: row[variable] for variable in rows.variables}


def _quad(terms: Mapping[str, Any]) -> Quad:
    if None in (terms["s"], terms["p"], terms["o"], terms["g"]):
        raise RemoteError(f"a row without a term came back where a quad was asked for: {dict(terms)}; see the service's log", status=200)
    return Quad(terms["s"], terms["p"], terms["o"], terms["g"])
