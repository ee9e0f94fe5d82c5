"""From a request for workers to a response: entity tags, what is answered from memory, streaming, and what a failure is called."""

import hashlib
import json
from collections import OrderedDict
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import version
from typing import Any, NamedTuple

import pyoxigraph
from werkzeug.datastructures import Accept
from werkzeug.http import parse_accept_header

from kg.errors import QueryError
from kg.formats import Format
from kg.syntax import Form, Reading
from kg.web.cache import AnswerCache
from kg.web.call import Call, ClientGoneError, agrees, matches, require_agreement
from kg.web.problems import ProblemError
from kg.workers.answer import Answer
from kg.workers.job import Limits, OverloadedError, is_whole
from kg.workers.pool import Pool
from kg.workers.process import Death, QueryFailedError
from kg.workers.snapshot import Lease
from kg.workers.wire import Clauses, Dump, Query, ReadRequest, Rows, Scan, packed
from kg.workers.worker import reason_of

SHORT_CHARACTERS = 4096  # a longer text is read by a worker: the tokenizer takes most of a second for a full one of operators
ENCODINGS = ("zstd", "gzip", "")  # content codings, the best first, "" for none
REMEMBERED, REMEMBERED_BYTES = 4096, 4096  # requests that were answered from memory, and how much of a request is remembered
OLD_HTTP_BYTES = 16 * 1024 * 1024  # HTTP/1.0 cannot tell a cut answer from a whole one, so it is only given whole ones

# Another version may write the same in other bytes.
WRITTEN_BY = hashlib.blake2b(f"{version('aikg')} {pyoxigraph.__version__}".encode(), digest_size=16).digest()

# Why a query failed before its first byte: status, problem type, what to do.
FAILURES: dict[str, tuple[int, str, str]] = {
    "syntax": (400, "syntax", ""),
    "value": (400, "value", ""),
    "absent": (404, "not-found", ""),
    "remote": (502, "store", ""),
    "answer": (502, "service", ""),
    "rows": (413, "service", ""),
    "term": (400, "service", ""),
    "forbidden": (403, "forbidden", ""),
    "complexity": (400, "complexity", ""),
    "unsupported": (400, "unsupported", ""),
    "evaluation": (400, "evaluation", "see what the engine supports: SPARQL 1.1 without extension functions"),
    "engine": (500, "engine", "the query engine failed; the query may work when written differently"),
    "memory": (413, "memory", "narrow the query, or add LIMIT"),
    Death.MEMORY: (413, "memory", "narrow the query, or add LIMIT"),
    Death.STACK: (413, "complexity", "write a flatter query"),
    Death.CRASH: (500, "crash", "no other query was affected"),
    Death.DEADLINE: (504, "deadline", "narrow the query, or add LIMIT; see `timeout`"),
    Death.RETIRED: (503, "closing", "the server is shutting down: try again in a moment"),
}


class Representation(NamedTuple):
    """How an answer is to be sent. `cacheable`: asked again on the same snapshot it is the same."""

    format: Format
    cacheable: bool = True
    timeout_s: float | None = None
    status: int = 200
    headers: tuple[tuple[bytes, bytes], ...] = ()


@dataclass(frozen=True, slots=True)
class Again:
    """How a request was answered from memory: the tag of its answer, its headers, and what the log was told."""

    tag: str
    headers: list[tuple[bytes, bytes]]
    note: dict[str, Any]


def _words(call: Call, lease: Lease) -> tuple[Any, ...]:
    """All that the answer to a GET depends on."""
    asked = (call.path, call.scope["query_string"], call.header(b"accept"), call.header(b"accept-encoding"))
    return *asked, call.header(b"host"), call.scope["scheme"], lease.identity  # the service description names the address


class Answers:
    """Sends answers of the pool to clients."""

    def __init__(self, pool: Pool) -> None:
        self.pool = pool
        self.cache = AnswerCache()
        self._again: OrderedDict[object, Again] = OrderedDict()

    async def send(self, call: Call, request: Query | Dump, how: Representation) -> None:
        """Answer the call in the request's encoding, which `content_encoding(call)` tells.

        Raises ProblemError before the first byte, ClientGoneError when there is nobody to answer.
        """
        lease = self.pool.lease.share()  # what the tag names and what the query runs on must be the same snapshot
        try:
            await self._send(call, request, how, lease)
        finally:
            lease.close()

    async def send_again(self, call: Call) -> bool:
        """Answer a GET that was answered from memory before, word for word the same and on the same snapshot; False when it was not."""
        known = self._again.get(_words(call, self.pool.lease)) if call.method == "GET" else None
        conditional = call.header(b"if-none-match") or call.has(b"if-match")
        cached = self.cache.get(known.tag) if known and not conditional else None
        if known is None or cached is None:
            return False
        call.note = dict(known.note)
        await call.respond(200, known.headers, cached[0])
        return True

    def _remember(self, call: Call, lease: Lease, again: "Again") -> None:
        words = _words(call, lease)
        if call.method == "GET" and sum(len(word) for word in words) <= REMEMBERED_BYTES:
            self._again[words] = again
            if len(self._again) > REMEMBERED:
                self._again.popitem(last=False)

    async def _send(self, call: Call, request: Query | Dump, how: Representation, lease: Lease) -> None:
        encoding = request.encoding
        body = packed(request)
        tag = _tag(body, lease) if how.cacheable and lease.lasting else ""
        headers = [*_headers(how, tag), *how.headers]
        agreed = agrees(call, tag)
        known = tag and call.method != "POST" and matches(call.header(b"if-none-match"), tag)
        # What fails by itself fails so (RFC 9110, 13.2.1): these two conditions wait until there is an answer.
        waits = not agreed or call.header(b"if-none-match").strip() == "*"
        if known and not waits:
            await call.respond(304, headers)
            return
        if tag and not waits and (cached := self.cache.get(tag)) is not None:
            found, plain = cached
            call.note["cache"] = "hit"
            headers = _encoded(headers, "" if plain else encoding)
            self._remember(call, lease, Again(tag, headers, dict(call.note)))
            await call.respond(how.status, headers, found)
            return
        answer = await call.unless_gone(self._run(call, request, how.timeout_s, lease, body))
        try:
            require_agreement(call, tag)
            if known:
                await call.respond(304, headers)
            else:
                await self._deliver(call, answer, how, headers, encoding, tag)
        finally:
            answer.close()

    async def reading(self, call: Call, text: str, timeout_s: float) -> Reading:
        """What a worker reads in a long query text, so that nobody else waits for that. Raises ProblemError with the reason."""
        return reading_of(json.loads(await self.whole(call, Scan("", text), timeout_s)))

    async def whole(self, call: Call, request: Scan | Clauses | Rows | Query, timeout_s: float | None = None) -> bytes:
        """All that a worker answers to what is not for the client itself, and small. Raises ProblemError with the reason."""
        return await call.unless_gone(self._whole(call, request, timeout_s))

    async def _whole(self, call: Call, request: ReadRequest, timeout_s: float | None) -> bytes:
        answer = await self._run(call, request, timeout_s)
        try:
            return b"".join([piece async for piece in answer.pieces()])
        except QueryFailedError as failure:
            raise problem_of(failure, request, self.pool.limits) from failure
        finally:
            answer.close()

    async def _run(
        self, call: Call, request: ReadRequest, timeout_s: float | None = None, lease: Lease | None = None, body: bytes = b""
    ) -> Answer:
        try:
            return await self.pool.run(request, caller=call.caller, timeout_s=timeout_s, lease=lease, body=body)
        except OverloadedError as error:
            status = 429 if error.by_caller else 503  # RFC 6585, 4
            raise ProblemError(status, "busy", str(error), headers={"Retry-After": str(error.retry_after_s)}) from error
        except QueryFailedError as failure:
            raise problem_of(failure, request, self.pool.limits) from failure

    async def _deliver(
        self, call: Call, answer: Answer, how: Representation, headers: list[tuple[bytes, bytes]], encoding: str, tag: str
    ) -> None:
        body = answer.whole
        if body is None and call.scope["http_version"] == "1.0":
            body = await self._collect(answer)
        if body is not None:
            if tag:
                self.cache.put(tag, body, plain=answer.plain)
            await call.respond(how.status, _encoded(headers, "" if answer.plain else encoding), body)
        else:
            await self._stream(call, answer, _encoded(headers, encoding), how.status)

    async def _stream(self, call: Call, answer: Answer, headers: list[tuple[bytes, bytes]], status: int) -> None:
        """Send the answer as it comes; when it fails midway the call stays unfinished, and the connection is cut."""
        await call.start(status, headers)
        if call.method == "HEAD":
            await call.finish()
            return
        try:
            await call.unless_gone(_relay(call, answer))
        except QueryFailedError as failure:
            call.note["aborted"] = failure.reason

    async def _collect(self, answer: Answer) -> bytes:
        parts: list[bytes] = []
        size = 0
        try:
            async for piece in answer.pieces():
                parts.append(piece)
                size += len(piece)
                if size > OLD_HTTP_BYTES:
                    raise ProblemError(
                        413, "http-version", "ask for so large an answer with HTTP/1.1: HTTP/1.0 could not tell if it is complete"
                    )
        except QueryFailedError as failure:
            raise problem_of(failure, answer.request, self.pool.limits) from failure
        return b"".join(parts)


def tag_of(request: Query | Dump, lease: Lease) -> str:
    """A strong entity tag (RFC 9110, 8.8.3): the snapshot and all that the answer depends on, also who writes it."""
    return _tag(packed(request), lease)


def _tag(body: bytes, lease: Lease) -> str:
    said = _hash(lease.key).copy()
    said.update(body)
    return f'"{said.hexdigest()}"'


@lru_cache(maxsize=4)
def _hash(key: bytes) -> hashlib.blake2b:
    return hashlib.blake2b(digest_size=12, key=key, person=WRITTEN_BY)


async def _relay(call: Call, answer: Answer) -> None:
    async for piece in answer.pieces():
        await call.piece(piece)
    await call.finish()


def problem_of(failure: QueryFailedError, request: ReadRequest, limits: Limits) -> ProblemError:
    """The problem that a failed request is reported as."""
    if failure.reason == Death.CANCELLED:
        raise ClientGoneError from failure
    status, kind, advice = FAILURES[failure.reason]
    message = str(failure)
    if failure.reason == Death.DEADLINE:
        message, advice = _past_deadline(request, limits.of(request), advice)
    headers = {"Retry-After": "2"} if status == 503 else {}
    return ProblemError(status, kind, f"{message}: {advice}" if advice else message, headers=headers)


def _past_deadline(request: ReadRequest, most_s: float, advice: str) -> tuple[str, str]:
    """What passed its deadline, and what to do: a dump cannot be narrowed."""
    if is_whole(request):
        of_dumps = "ask for one graph at a time with `graph=`, or have KG_DUMP_TIMEOUT_S raised"
        return f"the dump of the whole dataset did not end before its deadline (KG_DUMP_TIMEOUT_S, {most_s:g} s)", of_dumps
    return f"the query did not end before its deadline (at most {most_s:g} s)", advice


def refused(error: QueryError) -> ProblemError:
    """The problem that a text is refused with."""
    status, kind, _ = FAILURES[reason_of(error)]
    return ProblemError(status, kind, str(error))


def reading_of(found: dict[str, Any]) -> Reading:
    """The reading that a worker wrote as JSON."""
    return Reading(**{**found, "form": Form(found["form"])})


def content_encoding(call: Call) -> str:
    """The content coding that the call's answer is sent in, "" for none."""
    accepted = call.header(b"accept-encoding")
    return _coding(accepted) if accepted else ""


@lru_cache(maxsize=256)
def _coding(accept_encoding: str) -> str:
    """The content coding to use: zstd or gzip as the client likes, "" for none (RFC 9110, 12.5.3)."""
    wanted = parse_accept_header(accept_encoding, Accept)
    best = max(ENCODINGS[:-1], key=lambda coding: wanted.quality(coding))
    return best if wanted.quality(best) > 0 and wanted.quality(best) >= wanted.quality("identity") else ""


def _headers(how: Representation, tag: str) -> list[tuple[bytes, bytes]]:
    headers = [(b"content-type", how.format.content_type.encode()), (b"vary", b"Accept, Accept-Encoding")]
    if tag:
        return [*headers, (b"etag", tag.encode()), (b"cache-control", b"public, no-cache")]
    return [*headers, (b"cache-control", b"no-store")]


def _encoded(headers: list[tuple[bytes, bytes]], encoding: str) -> list[tuple[bytes, bytes]]:
    return [*headers, (b"content-encoding", encoding.encode())] if encoding else headers
