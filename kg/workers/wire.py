"""Frames between the gateway and a worker, over a Unix stream socket.

A request is two four-byte big-endian lengths, that much of what `marshal` makes of its fields, and that much of the path that it runs on:
both ends are the same Python, which has nothing quicker, and only a worker reads it, which trusts the gateway anyhow. An answer is any
number of DATA frames and then one END or FAILED frame, or one WHOLE frame; a frame is a one-byte kind, a four-byte length and the payload.
READY is sent once, when a worker is confined and can take requests.
"""

import marshal
import os
import socket
import struct
import sys
from enum import IntEnum
from typing import NamedTuple

FRAME = struct.Struct(">BI")
LENGTHS = struct.Struct(">II")


class Kind(IntEnum):
    """What a frame carries."""

    READY = 1  # JSON: what the worker could not give up
    DATA = 2  # bytes of the result
    END = 3  # nothing: the result is complete
    FAILED = 4  # JSON {"reason", "message"}
    WHOLE = 5  # bytes of a small result that is complete with this frame and was not worth compressing


class Query(NamedTuple):
    """A request to evaluate `text` on the snapshot at `path`.

    `union`: the default graph is the union of all graphs (only when neither the query nor the request names a dataset).
    `default_graphs`, `named_graphs`: the dataset that the request names, or None. `bindings`: variable name to N-Triples term.
    `format` is a name from kg.formats, `encoding` one of "", "gzip", "zstd".
    """

    path: str
    text: str
    format: str
    base_iri: str | None = None
    union: bool = True
    default_graphs: tuple[str, ...] | None = None
    named_graphs: tuple[str, ...] | None = None
    bindings: dict[str, str] = {}  # noqa: RUF012  nobody writes to a request's
    prefixes: dict[str, str] = {}  # noqa: RUF012
    encoding: str = ""


class Dump(NamedTuple):
    """A request to write one graph (`graph`: its IRI, or "" for the store's own default graph), or, with None, the whole dataset."""

    path: str
    graph: str | None
    format: str
    prefixes: dict[str, str] = {}  # noqa: RUF012
    encoding: str = ""


class Scan(NamedTuple):
    """A request to read a query too long to be read between two others: JSON of its `kg.syntax.Reading`."""

    path: str
    text: str


class Clauses(NamedTuple):
    """A request to find the SERVICE clauses of a long query, at most `most`: JSON of its `kg.federated.Federated`."""

    path: str
    text: str
    base_iri: str
    most: int


class Rows(NamedTuple):
    """A request to read what an endpoint answered, SPARQL results in JSON: the VALUES block of it; see `kg.federated.values`."""

    path: str
    text: str
    variables: tuple[str, ...]
    max_rows: int
    max_characters: int


class Count(NamedTuple):
    """A request for the number of quads in the snapshot, in digits."""

    path: str


class Open(NamedTuple):
    """A request to open the snapshot at `path` ahead of the first query on it."""

    path: str


class Update(NamedTuple):
    """A request to the writer: run a SPARQL update on the data directory at `path`.

    `default_graphs`, `named_graphs`: the dataset that the request names (`using-graph-uri`, `using-named-graph-uri`), or None.
    """

    path: str
    text: str
    base_iri: str
    lock_timeout_s: float
    default_graphs: tuple[str, ...] | None = None
    named_graphs: tuple[str, ...] | None = None


NEVER = (-1, -1)  # no snapshot's identity


class Condition(NamedTuple):
    """What must hold when the writer has its lock, None: anything.

    `exists`: whether the graph is there, as the default graph always is. `on`, `not_on`: the identity of the snapshot that shows, or does
    not show, the present state; see `kg.workers.snapshot.Lease`.
    """

    exists: bool | None = None
    on: tuple[int, int] | None = None
    not_on: tuple[int, int] | None = None


class GraphWrite(NamedTuple):
    """A request to the writer: put the documents (file, format name) into the graph `graph` ("" the store's own default graph).

    `base_iri`: what relative IRIs in the documents are below. `replace`: instead of what is there, else beside it. No documents and
    `replace`: drop the graph.
    """

    path: str
    graph: str
    base_iri: str
    documents: tuple[tuple[str, str], ...]
    replace: bool
    lock_timeout_s: float
    condition: tuple[bool | None, tuple[int, int] | None, tuple[int, int] | None] = Condition()[:]  # marshal takes no subclass of tuple


class Publish(NamedTuple):
    """A request to the writer: publish what a writer that was killed has stored in the data directory at `path`, if anything."""

    path: str
    lock_timeout_s: float


type ReadRequest = Query | Dump | Scan | Clauses | Rows | Count
type WriteRequest = Update | GraphWrite | Publish
type Request = ReadRequest | Open | WriteRequest


_KINDS: tuple[type[Request], ...] = (Query, Dump, Scan, Clauses, Rows, Count, Open, Update, GraphWrite, Publish)
_NUMBERS = {kind: number for number, kind in enumerate(_KINDS)}
_AS_EQUAL = 2  # the last version of marshal's format in which equal values are the same bytes, shared or not


def packed(request: Request) -> bytes:
    """All that the request says but the path, as bytes that are the same for equal ones."""
    return marshal.dumps((_NUMBERS[type(request)], *request[1:]), _AS_EQUAL)


def pack_request(request: Request, path: str = "", body: bytes = b"") -> bytes:
    """The bytes of one request; `path` is the snapshot that it runs on, where that is not in the request, and `body` what `packed` made."""
    body, place = body or packed(request), os.fsencode(path or request.path)
    return LENGTHS.pack(len(body), len(place)) + body + place


def pack_frame(kind: Kind, payload: bytes = b"") -> bytes:
    """The bytes of one frame."""
    return FRAME.pack(kind, len(payload)) + payload


class Requests:
    """The requests that come over a blocking socket."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._buffer = memoryview(bytearray(1 << 16))  # for most requests, again and again: recv would make as large a one each time

    def next(self) -> Request | None:
        """The next request, or None when the gateway closed the connection. It sends one only when the last is answered."""
        received = self._connection.recv_into(self._buffer)
        if not received:
            return None
        while received < LENGTHS.size:
            received += self._connection.recv_into(self._buffer[received:]) or LENGTHS.size
        size, path_size = LENGTHS.unpack_from(self._buffer)
        end = LENGTHS.size + size + path_size
        said: bytes | memoryview = self._buffer[LENGTHS.size : min(received, end)]
        if received < end:
            rest = _receive(self._connection, end - received)
            if rest is None:
                return None
            said = bytes(said) + rest
        number, *fields = marshal.loads(said[:size])  # noqa: S302  from the gateway
        request: Request = _KINDS[number](os.fsdecode(bytes(said[size:])), *fields)
        return request


def _receive(connection: socket.socket, size: int) -> bytes | None:
    parts: list[bytes] = []
    while size:
        part = connection.recv(min(size, 1 << 20))
        if not part:
            return None
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def arguments() -> tuple[socket.socket, int, int]:
    """What a worker is started with: its end of the socket, its memory cap in MiB (0: none), and its parent's process id."""
    descriptor, memory_mb, parent = map(int, sys.argv[1:4])
    return socket.socket(fileno=descriptor), memory_mb, parent
