"""The writer process: `python -m kg.workers.writer FD MEMORY_MB PARENT` runs updates and graph writes, one at a time.

For each request it takes the writer's lock, opens the store, writes in one transaction that is on disk, says so (a DATA frame),
publishes, and answers END. Killed before the DATA frame, it has written all or nothing. It cannot open network connections, but to
the service that keeps the graph, where one does.
"""

import json
import os
import socket
from collections.abc import Iterable
from pathlib import Path

import pyoxigraph as ox

from kg import engines
from kg.engines import Reader, Writer
from kg.errors import KgError, LockedError, QueryError, RemoteError
from kg.settings import Settings
from kg.syntax import MAX_DEPTH, TooDeepError
from kg.workers.confine import confine
from kg.workers.snapshot import current_identity
from kg.workers.updates import prepared
from kg.workers.wellformed import refused_where_misplaced
from kg.workers.wire import NEVER, Condition, GraphWrite, Kind, Publish, Request, Requests, Update, arguments, pack_frame
from kg.workers.worker import reason_of

FORMATS = {
    "turtle": ox.RdfFormat.TURTLE,
    "trig": ox.RdfFormat.TRIG,
    "ntriples": ox.RdfFormat.N_TRIPLES,
    "nquads": ox.RdfFormat.N_QUADS,
    "rdfxml": ox.RdfFormat.RDF_XML,
    "jsonld": ox.RdfFormat.JSON_LD,
}


class PreconditionError(Exception):
    """What the request says must hold for the write does not."""


NOT_NOW: dict[type[Exception], str] = {LockedError: "locked", PreconditionError: "precondition"}


def serve(connection: socket.socket) -> None:
    """Answer requests until the gateway closes its end."""
    requests = Requests(connection)
    while (request := requests.next()) is not None:
        try:
            connection.sendall(_answer(connection, request))
        except SyntaxError as error:
            connection.sendall(_failed("syntax", str(error)))
        except LookupError as error:
            connection.sendall(_failed("absent", str(error.args[0])))
        except (ValueError, RuntimeError) as error:  # RuntimeError: a graph that is not there, or is there already
            connection.sendall(_failed("value", str(error)))
        except RemoteError as error:
            connection.sendall(_failed("value" if error.status == 400 else "remote", str(error)))
        except MemoryError:
            connection.sendall(_failed("memory", "the write needs more memory than it may have"))
        except QueryError as error:
            connection.sendall(_failed(reason_of(error), str(error)))
        except (LockedError, PreconditionError) as error:
            connection.sendall(_failed(NOT_NOW[type(error)], str(error)))
        except (KgError, OSError) as error:
            connection.sendall(_failed("engine", str(error)))


def _failed(reason: str, message: str) -> bytes:
    return pack_frame(Kind.FAILED, json.dumps({"reason": reason, "message": message}).encode())


def _answer(connection: socket.socket, request: Request) -> bytes:
    assert isinstance(request, Update | GraphWrite | Publish)  # noqa: S101  the gateway sends the writer nothing else
    settings = Settings.load(data=request.path, lock_timeout_s=request.lock_timeout_s)
    if isinstance(request, Publish):
        return _publish_left(settings)
    text, documents = "", []
    if isinstance(request, Update):
        text = prepared(request.text, default_graphs=request.default_graphs, named_graphs=request.named_graphs)
    else:
        documents = _read(request)
    with engines.writing(settings) as writer:
        outcome = b"updated"
        if isinstance(request, Update):
            _update(writer, request, text)
        else:
            outcome = _write_graph(writer, request, documents)
        connection.sendall(pack_frame(Kind.DATA, outcome))
        writer.publish()
    return pack_frame(Kind.END)


def _publish_left(settings: Settings) -> bytes:
    """Publish what is stored and not published. Who waits for the lock may find that another writer has done so."""
    with engines.writing(settings) as writer:
        if writer.unpublished:
            writer.publish()
    return pack_frame(Kind.END)


def _update(writer: Writer, request: Update, text: str) -> None:
    """Run the update, which was prepared to be this text. A SyntaxError has its place in the text that the client sent."""
    try:
        writer.update(text, base_iri=request.base_iri)
    except SyntaxError:
        ox.Store().update(request.text, base_iri=request.base_iri)  # fails too, before anything is run
        raise


def _read(request: GraphWrite) -> list[ox.Quad]:
    """The quads of all documents; blank nodes of different documents stay apart. Raises SyntaxError, ValueError, TooDeepError."""
    quads: list[ox.Quad] = []
    for file, name in request.documents:
        with Path(file).open("rb") as stream:
            read = ox.parse(stream, FORMATS[name], base_iri=request.base_iri, rename_blank_nodes=True, without_named_graphs=True)
            quads += refused_where_misplaced(read) if name == "rdfxml" else read
    for quad in quads:
        if isinstance(quad.object, ox.Triple):
            _refuse_depth(quad.object)
    return quads


def _refuse_depth(term: ox.Triple) -> None:
    """As deep as a query could name it: RDF/XML takes the square of the depth, and others recurse. Raises TooDeepError."""
    inner: object = term
    depth = 0
    while isinstance(inner, ox.Triple):
        depth += 1
        if depth > MAX_DEPTH:
            raise TooDeepError(f"a triple term is nested more than {MAX_DEPTH} levels deep: give names to the inner ones")
        inner = inner.object  # the subject of a triple is none (RDF 1.2 Concepts, 3.1)


def _write_graph(writer: Writer, request: GraphWrite, quads: list[ox.Quad]) -> bytes:
    iri = request.graph
    graph = ox.NamedNode(iri) if iri else None
    existed = writer.store.contains_named_graph(graph) if graph else _has_default_graph(writer.store)
    drops = request.replace and not request.documents
    if drops and graph and not existed:
        raise LookupError(f"there is no graph <{iri}>")
    _check(Condition(*request.condition), writer, Path(request.path), there=existed or graph is None)
    if drops:
        writer.update(f"DROP GRAPH {graph}" if graph else "CLEAR DEFAULT")
        return b"dropped"
    triples = [quad.triple for quad in quads]
    operations = _replacing(writer.store, graph, triples) if request.replace else [_data("INSERT", graph, triples)]
    operations += [f"CREATE SILENT GRAPH {graph}"] if graph else []
    writer.update(";\n".join(operations))
    return b"replaced" if existed else b"created"


def _replacing(store: Reader, graph: ox.NamedNode | None, triples: list[ox.Triple]) -> list[str]:
    """What makes the graph hold these triples and no others: the difference, where that can be told.

    A blank node cannot be named in DELETE DATA (SPARQL 1.1 Update, 3.1.2), and a service may change while it is read: then the graph is
    emptied and filled. By DELETE, as the engine inserts ever more slowly in a transaction that dropped a graph.
    """
    anew = [_inside("DELETE WHERE", graph, "?s ?p ?o"), _data("INSERT", graph, triples)]
    if not isinstance(store, ox.Store):
        return anew
    missing, surplus = set(triples), []
    for quad in store.quads_for_pattern(None, None, None, graph or ox.DefaultGraph()):
        if quad.triple in missing:
            missing.remove(quad.triple)
        elif isinstance(quad.subject, ox.BlankNode) or isinstance(quad.object, ox.BlankNode | ox.Triple):
            return anew
        else:
            surplus.append(quad.triple)
    return [_data("DELETE", graph, surplus), _data("INSERT", graph, missing)]


def _data(operation: str, graph: ox.NamedNode | None, triples: Iterable[ox.Triple]) -> str:
    """INSERT DATA or DELETE DATA; N-Triples, as pyoxigraph escapes them, are SPARQL (SPARQL 1.1 Update, 3.1.1)."""
    return _inside(f"{operation} DATA", graph, (ox.serialize(triples, format=ox.RdfFormat.N_TRIPLES) or b"").decode())


def _inside(operation: str, graph: ox.NamedNode | None, body: str) -> str:
    return f"{operation} {{ GRAPH {graph} {{ {body} }} }}" if graph else f"{operation} {{ {body} }}"


def _check(condition: Condition, writer: Writer, data: Path, *, there: bool) -> None:
    """Raises PreconditionError. The caller holds the writer's lock, so what is checked is what will be written to."""
    if condition == Condition():
        return
    if writer.unpublished:
        writer.publish()  # what no snapshot shows the client cannot have seen; now it can
    if condition.exists is not None and condition.exists is not there:
        was = (
            "is not there, and If-Match says to write only where it is"
            if condition.exists
            else "is there, and If-None-Match says otherwise"
        )
        raise PreconditionError(f"the graph {was}")
    if condition.on is not None and not _is_current(condition.on, data):
        raise PreconditionError("If-Match names nothing that is current: read the graph again and send your change with its new ETag")
    if condition.not_on is not None and _is_current(condition.not_on, data):
        raise PreconditionError("the graph is still what If-None-Match names")


def _is_current(identity: tuple[int, int], data: Path) -> bool:
    return tuple(identity) != NEVER and tuple(identity) == current_identity(data)


def _has_default_graph(store: Reader) -> bool:
    return any(True for _ in store.quads_for_pattern(None, None, None, ox.DefaultGraph()))


def main() -> None:
    """Confine this process, say that it is ready, and serve."""
    connection, memory_mb, parent = arguments()
    problems = confine(memory_mb, may_write=True, may_connect=bool(Settings.load().store))
    if os.getppid() != parent:
        return
    connection.sendall(pack_frame(Kind.READY, json.dumps(problems).encode()))
    serve(connection)


if __name__ == "__main__":
    main()
