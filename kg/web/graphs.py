"""/graphs: the SPARQL 1.1 Graph Store HTTP Protocol (https://www.w3.org/TR/sparql11-http-rdf-update/).

Indirect  /graphs?graph=IRI and /graphs?default (the store's own default graph); a bare GET is the whole dataset, a bare POST makes a graph
Direct    /graphs/… and /graph/…: the address, under the base IRI, is the graph's name
"""

import asyncio
import hashlib
import itertools
import re
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from pyoxigraph import NamedNode
from starlette.datastructures import Headers, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from kg import formats
from kg.formats import GRAPHS, Format
from kg.iris import PREFIXES, iri_of
from kg.settings import Settings
from kg.web import access, preconditions
from kg.web.answers import ENCODINGS, Answers, Representation, content_encoding, tag_of
from kg.web.call import Call
from kg.web.problems import ProblemError, not_acceptable, not_allowed
from kg.web.writes import Writes
from kg.workers.wire import Condition, Dump

URI_CHARACTERS = "!#$%&'()*+,/:;=?@[]~"  # RFC 3986: left as they are when an IRI becomes a URI (RFC 3987, 3.1)
# Addresses of graphs that clients send as they are: without a dot segment, be it encoded (https://url.spec.whatwg.org/#double-dot-path-segment).
_DIRECT = re.compile(r"graphs?(?:/(?!\.|%2[Ee])[^/?#]+)+")
PIECE_BYTES = 64 * 1024
METHODS = ("GET", "HEAD", "PUT", "POST", "DELETE", "OPTIONS")
# Graph Store Protocol, 5.3 to 5.5: what a write did, by what was asked.
STATUS = {("PUT", "created"): 201, ("PUT", "replaced"): 204, ("POST", "created"): 201, ("POST", "replaced"): 200}


@dataclass(frozen=True, slots=True)
class GraphStore:
    """The graph store. `answers` reads, `writes` writes."""

    settings: Settings
    answers: Answers
    writes: Writes

    async def __call__(self, call: Call) -> None:
        """Answer one request to /graphs."""
        if call.method == "OPTIONS":
            await call.respond(204, [(b"allow", ", ".join(METHODS).encode())])
        elif call.method in ("GET", "HEAD"):
            await self._read(call)
        elif call.method in ("PUT", "POST", "DELETE"):
            access.require(call, self.settings.data, "update")
            await self._write(call)
        else:
            raise not_allowed(call.method, METHODS)

    async def _read(self, call: Call) -> None:
        graph = self._graph(call)
        table = _formats(graph)
        wanted = dict(call.parameters()).get("format", "")
        chosen = formats.named(wanted, table) if wanted else formats.choose(call.header(b"accept"), tuple(table.values()))
        if chosen is None:
            raise not_acceptable([f"{f.name} ({f.media_type})" for f in table.values()])
        await self.answers.send(call, _dump(graph, chosen, content_encoding(call)), Representation(chosen))

    def _condition(self, call: Call, graph: str | None) -> Condition:
        """What the request says must hold, of the dataset where the graph has no name yet. Raises ProblemError."""
        if not (call.has(b"if-match") or call.has(b"if-none-match")):
            return Condition()
        self.writes.published()
        lease = self.answers.pool.lease
        representations = itertools.product(_formats(graph).values(), ENCODINGS) if lease.lasting else ()
        found = preconditions.condition(call, {tag_of(_dump(graph, *how), lease) for how in representations}, lease.identity)
        if graph is None and found.exists is False:
            raise ProblemError(412, "precondition", "the dataset is there already, and If-None-Match says to write only what is new")
        return found if graph is not None else found._replace(exists=None)

    async def _write(self, call: Call) -> None:
        graph = self._graph(call)
        if call.method == "DELETE":
            if graph is None:
                raise ProblemError(400, "graph", "name the graph to delete with `graph=` or `default`")
            await self.writes.graph(graph, (), base_iri=graph, replace=True, condition=self._condition(call, graph))
            await call.respond(200, [])
            return
        if call.has(b"content-range"):
            raise ProblemError(400, "range", "send the whole graph, without Content-Range: a part would take its place")  # RFC 9110, 14.5
        if graph is None and call.method == "PUT":
            raise ProblemError(400, "graph", "name the graph to replace with `graph=` or `default`")
        async with documents(call, self.settings.write_limit_mb * 1024 * 1024) as files:
            condition = self._condition(call, graph)
            made = graph if graph is not None else await asyncio.to_thread(self._new_graph, files)
            replace = call.method == "PUT" or graph is None  # content that is sent again is the same graph
            base_iri = made or f"{self.answers.pool.lease.base_iri}graphs?default"  # RFC 3986, 5.1.3; a graph's name is its address
            outcome = await self.writes.graph(made, files, base_iri=base_iri, replace=replace, condition=condition)
        status = STATUS[call.method, outcome]
        names = made and (status == 201 or graph is None)
        await call.respond(status, [(b"location", self._address(made).encode())] if names else [])

    def _address(self, graph: str) -> str:
        """Where the server that was asked has the graph (RFC 9110, 10.2.2): at its own name if that leads here, else at `graph=`."""
        path = graph.removeprefix(self.answers.pool.lease.base_iri)
        return f"/{quote(path, safe=URI_CHARACTERS)}" if _DIRECT.fullmatch(path) else f"/graphs?graph={quote(graph, safe='')}"

    def _new_graph(self, files: tuple[tuple[str, str], ...]) -> str:
        """A name for a graph that has none (Graph Store Protocol, 5.5): its content's hash."""
        digest = hashlib.sha256()
        for file, _ in files:
            with Path(file).open("rb") as stream:
                while piece := stream.read(PIECE_BYTES):
                    digest.update(piece)
        return f"{self.answers.pool.lease.base_iri}graphs/{digest.hexdigest()[:16]}"

    def _graph(self, call: Call) -> str | None:
        """The graph that the request names: an IRI, "" for the default graph, None for none. Raises ProblemError 400, 403."""
        fields = call.parameters()
        named = [value for name, value in fields if name == "graph"]
        default = any(name == "default" for name, _ in fields)
        address = call.scope["raw_path"].decode("ascii").removeprefix("/")  # an encoded slash is none (RFC 3986, 2.2)
        direct = address.strip("/") not in ("graphs", "graph")
        if len(named) + default + direct > 1:
            raise ProblemError(400, "graph", "name one graph: by `graph=`, by `default`, or by the address")
        if direct:
            return _checked(self.answers.pool.lease.base_iri + iri_of(address))
        if default and self.settings.store:
            raise ProblemError(403, "forbidden", "of the store behind this gateway only named graphs are kept: name one with `graph=`")
        return _checked(named[0]) if named else "" if default else None


def _formats(graph: str | None) -> dict[str, Format]:
    """What the graph, or with None the dataset, can be read as, first what can carry everything."""
    return GRAPHS if graph is not None else {name: GRAPHS[name] for name in ("nquads", "trig", "jsonld")}


def _dump(graph: str | None, chosen: Format, encoding: str) -> Dump:
    prefixes = PREFIXES if chosen.name in ("turtle", "trig", "rdfxml", "jsonld") else {}
    return Dump("", graph, chosen.name, prefixes, encoding)


def _checked(iri: str) -> str:
    try:
        NamedNode(iri)
    except ValueError as error:
        raise ProblemError(400, "graph", f"{iri!r} is no absolute IRI: {error}") from error
    return iri


@asynccontextmanager
async def documents(call: Call, limit_bytes: int) -> AsyncIterator[tuple[tuple[str, str], ...]]:
    """The request's documents as (file, format name), on disk until the block ends. Raises ProblemError 400, 413 or 415."""
    with tempfile.TemporaryDirectory(prefix="kg-write-") as folder:
        if call.header(b"content-type").lower().startswith("multipart/form-data"):
            yield await _parts(call, Path(folder), limit_bytes)
        else:
            form = _input_format(call.header(b"content-type"))
            file = Path(folder) / "document"
            with file.open("wb") as stream:
                async for piece in call.pieces(limit_bytes):
                    stream.write(piece)
            yield ((str(file), form.name),)


async def _parts(call: Call, folder: Path, limit_bytes: int) -> tuple[tuple[str, str], ...]:
    """The files of a multipart body (Graph Store Protocol, 5.5)."""
    parser = MultiPartParser(Headers(raw=call.scope["headers"]), call.pieces(limit_bytes), max_files=100, max_fields=100)
    try:
        form = await parser.parse()
    except MultiPartException as error:
        raise ProblemError(400, "multipart", f"the multipart body cannot be read: {error.message}") from error
    try:
        parts = [part for _, part in form.multi_items() if isinstance(part, UploadFile)]
        found = [(await _copy(part, folder / str(number)), _part_format(part).name) for number, part in enumerate(parts)]
    finally:
        await form.close()
    if not found:
        raise ProblemError(400, "multipart", "there is no file in the multipart body")
    return tuple(found)


async def _copy(part: UploadFile, file: Path) -> str:
    """The part as a file, a piece at a time: several large ones may come at once."""
    with file.open("wb") as stream:
        while piece := await part.read(PIECE_BYTES):
            stream.write(piece)
    return str(file)


def _part_format(part: UploadFile) -> Format:
    """What the part says that it is, or its file name where that says nothing. Raises ProblemError 415."""
    media_type = part.content_type or ""
    suffix = Path(part.filename or "").suffix.removeprefix(".")
    known = formats.named(suffix, GRAPHS) if media_type in ("", "application/octet-stream") and suffix else None
    return known or _input_format(media_type)


def _input_format(content_type: str) -> Format:
    table = {name: f for name, f in GRAPHS.items() if name not in ("trig", "nquads")}
    found = formats.of_media_type(content_type, table.values()) if content_type else None
    if found is None:
        accepted = [f.media_type for f in table.values()]
        said = content_type or "nothing said"
        raise ProblemError(415, "media-type", f"send the graph as one of {', '.join(accepted)}, not as {said}", accepted=accepted)
    return found
