"""The worker process: `python -m kg.workers.worker FD MEMORY_MB` answers requests on the socket FD until it closes.

Imports only the engine. It is killed, not asked, when a query must end; it keeps no state but the snapshot that it has open.
"""

import contextlib
import gzip
import json
import os
import re
import socket
import zlib
from collections.abc import Callable, Iterable
from dataclasses import asdict
from typing import IO, Any, Protocol, cast

import pyoxigraph as ox

from kg import federated, syntax
from kg.errors import QueryError
from kg.workers import jsonld, wellformed
from kg.workers.confine import confine
from kg.workers.wire import Clauses, Count, Dump, Kind, Query, Request, Requests, Rows, Scan, arguments, pack_frame

PIECE_BYTES = 64 * 1024
GZIP_LEVEL = 5
WORTH_COMPRESSING_BYTES = 1400  # less fits into one packet anyway
RESULTS = {
    "json": ox.QueryResultsFormat.JSON,
    "xml": ox.QueryResultsFormat.XML,
    "csv": ox.QueryResultsFormat.CSV,
    "tsv": ox.QueryResultsFormat.TSV,
}
GRAPHS = {
    "turtle": ox.RdfFormat.TURTLE,
    "trig": ox.RdfFormat.TRIG,
    "ntriples": ox.RdfFormat.N_TRIPLES,
    "nquads": ox.RdfFormat.N_QUADS,
    "rdfxml": ox.RdfFormat.RDF_XML,
}
REASONS: dict[type[QueryError], str] = {
    syntax.QuerySyntaxError: "syntax",
    syntax.ForbiddenError: "forbidden",
    syntax.TooDeepError: "complexity",
    syntax.UnsupportedError: "unsupported",
    federated.TooManyClausesError: "complexity",
    federated.AnswerError: "answer",
    federated.TooManyRowsError: "rows",
    federated.TermError: "term",
}
HEAD_BYTES = 4096  # more than all our prefix declarations take
DECLARATION = rb'@prefix [^\n]*\n|\s+xmlns:[\w.-]+="[^"]*"'
DECLARATIONS = re.compile(b"(?:" + DECLARATION + b")+")
READABLE = {"turtle", "trig"}  # of the formats that take prefixes


class Compressor(Protocol):
    """What zlib and zstandard both offer."""

    def compress(self, data: bytes) -> bytes: ...
    def flush(self) -> bytes: ...


class Identity:
    """No compression."""

    def compress(self, data: bytes) -> bytes:
        return data

    def flush(self) -> bytes:
        return b""


def _gzip() -> Compressor:
    return zlib.compressobj(GZIP_LEVEL, zlib.DEFLATED, 31)


def _zstd() -> Compressor:
    import zstandard

    return zstandard.ZstdCompressor(level=3).compressobj()


ENCODINGS: dict[str, Callable[[], Compressor]] = {"": Identity, "gzip": _gzip, "zstd": _zstd}


class Output:
    """A file that sends what is written to it in DATA frames; sending blocks while the gateway does not read (back pressure)."""

    def __init__(self, connection: socket.socket, encoding: str) -> None:
        self._connection = connection
        self._encoding = encoding
        self._compressor: Compressor | None = None
        self._pieces: list[bytes] = []
        self._size = 0

    def write(self, piece: bytes) -> int:
        self._pieces.append(piece)
        self._size += len(piece)
        if self._size >= PIECE_BYTES:
            packed = self._take()  # b"" when a compressor keeps it all
            for start in range(0, len(packed), PIECE_BYTES):  # one value may be as large as the memory: the gateway never gets it whole
                self._connection.sendall(pack_frame(Kind.DATA, packed[start : start + PIECE_BYTES]))
        return len(piece)

    def flush(self) -> None:
        """Nothing: pieces go out when they are full."""

    def end(self) -> None:
        """Send what is left and that it is complete, in one go."""
        if self._compressor is None and (not self._encoding or self._size < WORTH_COMPRESSING_BYTES):
            self._connection.sendall(pack_frame(Kind.WHOLE, b"".join(self._pieces)))
        else:
            rest = self._take() + (self._compressor.flush() if self._compressor else b"")
            self._connection.sendall((pack_frame(Kind.DATA, rest) if rest else b"") + pack_frame(Kind.END))

    def _take(self) -> bytes:
        if self._compressor is None:
            self._compressor = ENCODINGS[self._encoding]()
        packed = self._compressor.compress(b"".join(self._pieces))
        self._pieces.clear()
        self._size = 0
        return packed


class SortedPrefixes:
    """A file in front of another that sorts the prefix declarations at its start, so that the same graph is the same bytes every time."""

    def __init__(self, output: jsonld.Sink) -> None:
        self._output = output
        self._head = b""
        self._in_head = True

    def write(self, piece: bytes) -> int:
        if self._in_head:
            self._head += piece
            if len(self._head) > HEAD_BYTES:
                self.flush()
        else:
            self._output.write(piece)
        return len(piece)

    def flush(self) -> None:
        """The head is complete."""
        if self._in_head:
            self._in_head = False
            self._output.write(DECLARATIONS.sub(_sorted_declarations, self._head, count=1))


def _sorted_declarations(match: re.Match[bytes]) -> bytes:
    return b"".join(sorted(re.findall(DECLARATION, match.group())))


class Worker:
    """Answers requests one after the other on the snapshot that each names."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._path: str | None = None
        self._store: ox.Store | None = None

    def serve(self) -> None:
        """Answer until the gateway closes its end."""
        requests = Requests(self._connection)
        while (request := requests.next()) is not None:
            try:
                self._answer(request)
            except SyntaxError as error:
                self._fail("syntax", str(error))
            except QueryError as error:
                self._fail(reason_of(error), str(error))
            except MemoryError:
                self._fail("memory", "the query needs more memory than it may have")
            except LookupError as error:
                self._fail("absent", str(error.args[0]))
            except ValueError as error:
                self._fail("value", str(error))
            except RuntimeError as error:  # what storage cannot do is an OSError: this is what the engine cannot evaluate
                self._fail("evaluation", str(error))
            except (OSError, TypeError) as error:
                self._fail("engine", str(error))

    def _fail(self, reason: str, message: str) -> None:
        self._connection.sendall(pack_frame(Kind.FAILED, json.dumps({"reason": reason, "message": message}).encode()))

    def _open(self, path: str) -> ox.Store:
        if self._store is None or path != self._path:
            self._store = None
            self._store = ox.Store.read_only(path)
            self._path = path
        return self._store

    def _answer(self, request: Request) -> None:
        store = self._open(request.path)
        output = Output(self._connection, request.encoding if isinstance(request, Query | Dump) else "")
        match request:
            case Query():
                _write_result(_evaluate(store, request), output, request.format, request.prefixes)
            case Dump():
                _write_dump(store, output, request)
            case Scan():
                output.write(json.dumps(asdict(syntax.read(request.text))).encode())
            case Clauses():
                output.write(json.dumps(asdict(federated.read(request.text, request.base_iri, most=request.most))).encode())
            case Rows():
                output.write(_rows(request).encode())
            case Count():
                output.write(str(len(store)).encode())
        output.end()


def _rows(request: Rows) -> str:
    return federated.values(request.text, request.variables, max_rows=request.max_rows, max_characters=request.max_characters)


def reason_of(error: QueryError) -> str:
    """What the gateway is told of a text that was refused."""
    return REASONS.get(type(error), "value")


def _evaluate(store: ox.Store, query: Query) -> ox.QuerySolutions | ox.QueryBoolean | ox.QueryTriples:
    dataset: dict[str, Any] = {}
    if query.default_graphs is not None or query.named_graphs is not None:
        # SPARQL 1.1 Protocol, 2.1.4: the dataset of the request is exactly what it names.
        dataset["default_graph"] = [ox.NamedNode(iri) for iri in query.default_graphs or ()]
        dataset["named_graphs"] = [ox.NamedNode(iri) for iri in query.named_graphs or ()]
    elif query.union:
        dataset["use_default_graph_as_union"] = True
    if query.bindings:
        dataset["substitutions"] = {ox.Variable(name): _term(value) for name, value in query.bindings.items()}
    return store.query(query.text, base_iri=query.base_iri, **dataset)


def _term(text: str) -> Any:
    (quad,) = ox.parse(f"<x:s> <x:p> {text} .", ox.RdfFormat.N_TRIPLES)
    return quad.object


def _write_result(result: Any, output: Any, name: str, prefixes: dict[str, str]) -> None:
    if isinstance(result, ox.QuerySolutions | ox.QueryBoolean):
        sink: Any = wellformed.Characters(output) if name == "xml" else output
        result.serialize(sink, RESULTS[name])
    elif name == "jsonld":
        jsonld.write(result, output, prefixes)
    elif name == "rdfxml":
        _write_rdfxml(result, output, prefixes)
    elif name in READABLE:
        head: Any = SortedPrefixes(output)
        ox.serialize(result, head, GRAPHS[name], prefixes=prefixes)
        head.flush()
    else:
        ox.serialize(result, output, GRAPHS[name])


def _write_rdfxml(triples: Iterable[ox.Triple], output: Any, prefixes: dict[str, str]) -> None:
    head: Any = SortedPrefixes(wellformed.Characters(output))
    ox.serialize(wellformed.sayable(triples), head, GRAPHS["rdfxml"], prefixes=prefixes)
    head.flush()


def _write_dump(store: ox.Store, output: Any, request: Dump) -> None:
    name, prefixes, iri = request.format, request.prefixes, request.graph
    graph: Any = None if iri is None else ox.NamedNode(iri) if iri else ox.DefaultGraph()
    if iri and not store.contains_named_graph(graph):
        raise LookupError(f"there is no graph <{iri}>")
    if name == "nquads.gz":
        # no file name and no time in the header: the same content, the same bytes (RFC 1952, 2.3.1)
        with gzip.GzipFile("", "wb", GZIP_LEVEL, output, mtime=0) as packed:
            store.dump(cast(IO[bytes], packed), ox.RdfFormat.N_QUADS)
        return
    if name == "jsonld":
        quads = store.quads_for_pattern(None, None, None, graph)
        jsonld.write(quads if graph is None else (quad.triple for quad in quads), output, prefixes)
        return
    if name == "rdfxml":
        _write_rdfxml((quad.triple for quad in store.quads_for_pattern(None, None, None, graph)), output, prefixes)
        return
    head: Any = SortedPrefixes(output) if name in READABLE else None
    declared = prefixes if head else None
    if graph is not None and name in ("trig", "nquads"):
        ox.serialize(store.quads_for_pattern(None, None, None, graph), head or output, GRAPHS[name], prefixes=declared)
    else:
        store.dump(head or output, GRAPHS[name], from_graph=graph, prefixes=declared)
    if head:
        head.flush()


def _be_patient() -> None:
    """Never take the processor from who runs, as woken processes may: the gateway, which woke it, would be put aside for each query."""
    with contextlib.suppress(AttributeError, OSError):  # Linux has it; a container may not allow it
        os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))


def main() -> None:
    """Confine this process, say that it is ready, and serve."""
    connection, memory_mb, parent = arguments()
    _be_patient()
    problems = confine(memory_mb)
    if os.getppid() != parent:
        return  # the server died before PR_SET_PDEATHSIG was set
    connection.sendall(pack_frame(Kind.READY, json.dumps(problems).encode()))
    Worker(connection).serve()


if __name__ == "__main__":
    main()
