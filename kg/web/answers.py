"""From a request for workers to a response: entity tags, the cache of small answers, streaming, and what a failure is called."""

import hashlib
import json
from collections import OrderedDict
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from werkzeug.datastructures import Accept
from werkzeug.http import parse_accept_header

from kg.formats import Format
from kg.syntax import Form, Reading
from kg.web.call import Call, ClientGoneError, matches
from kg.web.problems import ProblemError
from kg.workers.job import OverloadedError
from kg.workers.pool import Answer, Pool
from kg.workers.process import Death, QueryFailedError
from kg.workers.snapshot import Lease
from kg.workers.wire import Dump, Query, ReadRequest, Scan, packed

CACHE_BYTES = 64 * 1024 * 1024
CACHED_ANSWER_BYTES = 256 * 1024
REMEMBERED, REMEMBERED_BYTES = 4096, 4096  # requests that were answered from memory, and how long a query string is remembered
ENTRY_BYTES = 600  # what an entry takes beside its body: the tag, its place in the table, the object headers
OLD_HTTP_BYTES = 16 * 1024 * 1024  # HTTP/1.0 cannot tell a cut answer from a whole one, so it is only given whole ones

# Why a query failed before its first byte: status, problem type, what to do.
FAILURES: dict[str, tuple[int, str, str]] = {
    "syntax": (400, "syntax", ""),
    "value": (400, "value", ""),
    "absent": (404, "not-found", ""),
    "remote": (502, "store", ""),
    "forbidden": (403, "forbidden", ""),
    "complexity": (400, "complexity", ""),
    "evaluation": (400, "evaluation", "see what the engine supports: SPARQL 1.1 without extension functions"),
    "engine": (500, "engine", "the query engine failed; the query may work when written differently"),
    "memory": (413, "memory", "narrow the query, or add LIMIT"),
    Death.MEMORY: (413, "memory", "narrow the query, or add LIMIT"),
    Death.STACK: (413, "complexity", "write a flatter query"),
    Death.CRASH: (500, "crash", "no other query was affected"),
    Death.DEADLINE: (504, "deadline", "narrow the query, or add LIMIT; see `timeout`"),
    Death.RETIRED: (503, "closing", "the server is shutting down: try again in a moment"),
}


class AnswerCache:
    """Small answers by entity tag, which names the snapshot, so nothing ever goes stale; the least recently used go first."""

    def __init__(self, limit_bytes: int = CACHE_BYTES) -> None:
        self._limit = limit_bytes
        self._bytes = 0
        self._answers: OrderedDict[str, tuple[bytes, bool]] = OrderedDict()
        self.hits = 0
        self.misses = 0

    def get(self, tag: str) -> tuple[bytes, bool] | None:
        """The answer's bytes and whether they are uncompressed."""
        found = self._answers.get(tag)
        if found is None:
            self.misses += 1
            return None
        self.hits += 1
        self._answers.move_to_end(tag)
        return found

    def put(self, tag: str, body: bytes, *, plain: bool) -> None:
        """Keep the answer when it is small."""
        if len(body) > CACHED_ANSWER_BYTES or tag in self._answers:
            return
        self._answers[tag] = (body, plain)
        self._bytes += len(body) + ENTRY_BYTES
        while self._bytes > self._limit:
            _, (dropped, _) = self._answers.popitem(last=False)
            self._bytes -= len(dropped) + ENTRY_BYTES


@dataclass(frozen=True, slots=True)
class Representation:
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


def _words(call: Call, lease: Lease) -> object:
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
        cached = self.cache.get(known.tag) if known and not call.header(b"if-none-match") else None
        if known is None or cached is None:
            return False
        call.note = known.note
        await call.respond(200, known.headers, cached[0])
        return True

    def _remember(self, call: Call, lease: Lease, again: "Again") -> None:
        if call.method == "GET" and len(call.scope["query_string"]) <= REMEMBERED_BYTES:
            self._again[_words(call, lease)] = again
            if len(self._again) > REMEMBERED:
                self._again.popitem(last=False)

    async def _send(self, call: Call, request: Query | Dump, how: Representation, lease: Lease) -> None:
        encoding = request.encoding
        tag = _tag(request, lease) if how.cacheable and lease.lasting else ""
        headers = [*_headers(how, tag), *how.headers]
        if tag and call.method != "POST" and matches(call.header(b"if-none-match"), tag):
            await call.respond(304, headers)
            return
        if tag and (cached := self.cache.get(tag)) is not None:
            body, plain = cached
            call.note["cache"] = "hit"
            headers = _encoded(headers, "" if plain else encoding)
            self._remember(call, lease, Again(tag, headers, dict(call.note)))
            await call.respond(how.status, headers, body)
            return
        answer = await call.unless_gone(self._run(call, request, how.timeout_s, lease))
        try:
            await self._deliver(call, answer, how, headers, encoding, tag)
        finally:
            answer.close()

    async def reading(self, call: Call, text: str) -> Reading:
        """What a worker reads in a long query text, so that nobody else waits for that. Raises ProblemError with the reason."""
        answer = await call.unless_gone(self._run(call, Scan("", text)))
        try:
            found = json.loads(answer.whole or b"")
        finally:
            answer.close()
        return Reading(**{**found, "form": Form(found["form"])})

    async def _run(self, call: Call, request: ReadRequest, timeout_s: float | None = None, lease: Lease | None = None) -> Answer:
        try:
            return await self.pool.run(request, caller=call.caller, timeout_s=timeout_s, lease=lease)
        except OverloadedError as error:
            status = 429 if error.by_caller else 503  # RFC 6585, 4
            raise ProblemError(status, "busy", str(error), headers={"Retry-After": str(error.retry_after_s)}) from error
        except QueryFailedError as failure:
            raise problem_of(failure, self.pool) from failure

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
            raise problem_of(failure, self.pool) from failure
        return b"".join(parts)


def _tag(request: Query | Dump, lease: Lease) -> str:
    """A strong entity tag (RFC 9110, 8.8.3): the snapshot and all that the answer depends on."""
    return f'"{hashlib.blake2b(packed(request), digest_size=12, key=lease.key).hexdigest()}"'


async def _relay(call: Call, answer: Answer) -> None:
    async for piece in answer.pieces():
        await call.piece(piece)
    await call.finish()


def problem_of(failure: QueryFailedError, pool: Pool) -> ProblemError:
    """The problem that a failed query is reported as."""
    if failure.reason == Death.CANCELLED:
        raise ClientGoneError from failure
    status, kind, advice = FAILURES[failure.reason]
    message = str(failure)
    if failure.reason == Death.DEADLINE:
        message = f"the query did not end before its deadline (at most {pool.limits.timeout_s:g} s)"
    headers = {"Retry-After": "2"} if status == 503 else {}
    return ProblemError(status, kind, f"{message}: {advice}" if advice else message, headers=headers)


def content_encoding(call: Call) -> str:
    """The content coding that the call's answer is sent in, "" for none."""
    accepted = call.header(b"accept-encoding")
    return _coding(accepted) if accepted else ""


@lru_cache(maxsize=256)
def _coding(accept_encoding: str) -> str:
    """The content coding to use: zstd or gzip as the client likes, "" for none (RFC 9110, 12.5.3)."""
    wanted = parse_accept_header(accept_encoding, Accept)
    best = max(("zstd", "gzip"), key=lambda coding: wanted.quality(coding))
    return best if wanted.quality(best) > 0 else ""


def _headers(how: Representation, tag: str) -> list[tuple[bytes, bytes]]:
    headers = [(b"content-type", how.format.content_type.encode()), (b"vary", b"Accept, Accept-Encoding")]
    if tag:
        return [*headers, (b"etag", tag.encode()), (b"cache-control", b"public, no-cache")]
    return [*headers, (b"cache-control", b"no-store")]


def _encoded(headers: list[tuple[bytes, bytes]], encoding: str) -> list[tuple[bytes, bytes]]:
    return [*headers, (b"content-encoding", encoding.encode())] if encoding else headers
