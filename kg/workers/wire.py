"""Frames between the gateway and a worker, over a Unix stream socket.

A request is a four-byte big-endian length and that much JSON. An answer is any number of DATA frames and then one END or FAILED frame,
or one WHOLE frame; a frame is a one-byte kind, a four-byte length and the payload. READY is sent once, when a worker is confined and
can take requests.
"""

import json
import socket
import struct
import sys
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any, NamedTuple

FRAME = struct.Struct(">BI")
LENGTH = struct.Struct(">I")


class Kind(IntEnum):
    """What a frame carries."""

    READY = 1  # JSON: what the worker could not give up
    DATA = 2  # bytes of the result
    END = 3  # nothing: the result is complete
    FAILED = 4  # JSON {"reason", "message"}
    WHOLE = 5  # bytes of a small result that is complete with this frame and was not worth compressing


@dataclass(frozen=True, slots=True)
class Query:
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
    bindings: dict[str, str] = field(default_factory=dict)
    prefixes: dict[str, str] = field(default_factory=dict)
    encoding: str = ""
    op: str = "query"


@dataclass(frozen=True, slots=True)
class Dump:
    """A request to write one graph (`graph`: its IRI, or "" for the store's own default graph), or, with None, the whole dataset."""

    path: str
    graph: str | None
    format: str
    prefixes: dict[str, str] = field(default_factory=dict)
    encoding: str = ""
    op: str = "dump"


@dataclass(frozen=True, slots=True)
class Scan:
    """A request to read a query too long to be read between two others: JSON of its `kg.syntax.Reading`."""

    path: str
    text: str
    op: str = "scan"


@dataclass(frozen=True, slots=True)
class Clauses:
    """A request to find the SERVICE clauses of a long query, at most `most`: JSON of its `kg.federated.Federated`."""

    path: str
    text: str
    base_iri: str
    most: int
    op: str = "clauses"


@dataclass(frozen=True, slots=True)
class Rows:
    """A request to read what an endpoint answered, SPARQL results in JSON: the VALUES block of it; see `kg.federated.values`."""

    path: str
    text: str
    variables: tuple[str, ...]
    max_rows: int
    max_characters: int
    op: str = "rows"


@dataclass(frozen=True, slots=True)
class Count:
    """A request for the number of quads in the snapshot, in digits."""

    path: str
    op: str = "count"


@dataclass(frozen=True, slots=True)
class Open:
    """A request to open the snapshot at `path` ahead of the first query on it."""

    path: str
    op: str = "open"


@dataclass(frozen=True, slots=True)
class Update:
    """A request to the writer: run a SPARQL update on the data directory at `path`.

    `default_graphs`, `named_graphs`: the dataset that the request names (`using-graph-uri`, `using-named-graph-uri`), or None.
    """

    path: str
    text: str
    base_iri: str
    lock_timeout_s: float
    default_graphs: tuple[str, ...] | None = None
    named_graphs: tuple[str, ...] | None = None
    op: str = "update"


NEVER = (-1, -1)  # no snapshot's identity


class Condition(NamedTuple):
    """What must hold when the writer has its lock, None: anything.

    `exists`: whether the graph is there, as the default graph always is. `on`, `not_on`: the identity of the snapshot that shows, or does
    not show, the present state; see `kg.workers.snapshot.Lease`.
    """

    exists: bool | None = None
    on: tuple[int, int] | None = None
    not_on: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class GraphWrite:
    """A request to the writer: put the documents (file, format name) into the graph `graph` ("" the store's own default graph).

    `replace`: instead of what is there, else beside it. No documents and `replace`: drop the graph.
    """

    path: str
    graph: str
    documents: tuple[tuple[str, str], ...]
    replace: bool
    lock_timeout_s: float
    condition: Condition
    op: str = "graph"


type ReadRequest = Query | Dump | Scan | Clauses | Rows | Count
type Request = ReadRequest | Open | Update | GraphWrite


def pack_request(request: Request, path: str = "") -> bytes:
    """The bytes of one request; `path` is the snapshot that it runs on, where that is not in the request."""
    fields = {name: getattr(request, name) for name in request.__slots__}
    if path:
        fields["path"] = path
    body = json.dumps(fields, check_circular=False).encode()
    return LENGTH.pack(len(body)) + body


def pack_frame(kind: Kind, payload: bytes = b"") -> bytes:
    """The bytes of one frame."""
    return FRAME.pack(kind, len(payload)) + payload


def receive_request(connection: socket.socket) -> dict[str, Any] | None:
    """The next request on a blocking socket, or None when the gateway closed it."""
    first = connection.recv(1 << 16)  # most requests are here then; the next one is sent when this one is answered
    if not first:
        return None
    if len(first) < LENGTH.size:
        first += _receive(connection, LENGTH.size - len(first)) or b""
    body = first[LENGTH.size :]
    missing = LENGTH.unpack_from(first)[0] - len(body)
    rest = _receive(connection, missing) if missing else b""
    if rest is None:
        return None
    request: dict[str, Any] = json.loads(body + rest)
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
