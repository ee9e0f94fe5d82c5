"""One HTTP request and its response, on bare ASGI: the path of every query, so nothing is done that is not asked for."""

import asyncio
import hashlib
import json
import re
import time
from binascii import a2b_qp
from collections.abc import AsyncGenerator, Awaitable, Callable
from functools import lru_cache
from ipaddress import ip_address, ip_network
from typing import Any

from starlette.types import Message, Receive, Scope, Send
from werkzeug.http import parse_etags

from kg.web.problems import ProblemError

HEADER_BYTES = 4096  # of one that is read: taking a longer one apart would hold up everybody
STALL_S = 30.0  # a client that neither sends nor takes anything for so long is given up
LEAST_BYTES_A_S = 4096  # that a body comes with, after its first STALL_S: else a byte now and then would hold a place for ever
MAX_FIELDS = 1000
WHOLE_BYTES = 256 * 1024  # of a response that is sent in one go; more waits until the client takes it
_STRAY_PERCENT = re.compile(rb"%(?![0-9A-Fa-f]{2})")


class Call:
    """A request that is being answered. `answered` is the status sent, 0 before; `note` goes into the log line."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.method: str = scope["method"]
        self.path: str = scope["path"]
        self.scope = scope
        self.received = receive
        self.started = time.perf_counter()
        self.answered = 0
        self.sent_bytes = 0
        self.complete = False
        self.note: dict[str, Any] = {}
        self.extra_headers: list[tuple[bytes, bytes]] = []
        self._send = send
        self._headers: dict[bytes, bytes] | None = None

    def header(self, name: bytes) -> str:
        """The header's value, "" when absent; several are joined by commas (RFC 9110, 5.3). Raises ProblemError 431 when it is too long."""
        value = self._by_name().get(name, b"")
        if len(value) > HEADER_BYTES:
            raise ProblemError(431, "too-large", f"the header {name.decode()} is longer than {HEADER_BYTES} bytes; send a shorter one")
        return value.decode("latin-1")

    def has(self, name: bytes) -> bool:
        """Whether the header is there, be it empty."""
        return name in self._by_name()

    def _by_name(self) -> dict[bytes, bytes]:
        if self._headers is None:
            self._headers = {}
            for key, value in self.scope["headers"]:
                known = self._headers.get(key)
                self._headers[key] = value if known is None else known + b", " + value
        return self._headers

    @property
    def caller(self) -> str:
        """The address of the peer; that of the client where uvicorn trusts the proxy. Who has an IPv6 network is one caller."""
        return caller_of(self.scope.get("client"))

    def parameters(self) -> list[tuple[str, str]]:
        """The decoded query string. Raises ProblemError when it is not UTF-8."""
        return form_fields(self.scope["query_string"])

    async def body(self, limit_bytes: int) -> bytes:
        """The whole request body. Raises ProblemError 408, 413 past the limit, 415."""
        return b"".join([piece async for piece in self.pieces(limit_bytes)])

    async def pieces(self, limit_bytes: int) -> AsyncGenerator[bytes]:
        """The request body as it comes. Raises ProblemError 408 when it comes too slowly, 413 past the limit, 415 when it is compressed."""
        length, coding = self.header(b"content-length"), self.header(b"content-encoding")
        if length.isdecimal() and int(length) > limit_bytes:
            raise _too_large(limit_bytes)
        if coding.lower() not in ("", "identity"):
            raise ProblemError(415, "encoding", f"send the body as it is, not as {coding}", headers={"Accept-Encoding": "identity"})
        size, began = 0, asyncio.get_running_loop().time()
        while True:
            message = await self._next_message(began + STALL_S + size / LEAST_BYTES_A_S)
            piece = message.get("body", b"")
            size += len(piece)
            if size > limit_bytes:
                raise _too_large(limit_bytes)
            yield piece
            if not message.get("more_body"):
                return

    async def _next_message(self, latest: float) -> Message:
        """What the client sends next, within STALL_S and until `latest` on the loop's clock."""
        try:
            async with asyncio.timeout_at(min(latest, asyncio.get_running_loop().time() + STALL_S)):
                message = await self.received()
        except TimeoutError as error:
            detail = f"nothing came for {STALL_S:g} s, or less than {LEAST_BYTES_A_S} bytes a second; send the request without pauses"
            raise ProblemError(408, "slow", detail, headers={"Connection": "close"}) from error
        if message["type"] == "http.disconnect":
            raise ClientGoneError
        return message

    async def respond(self, status: int, headers: list[tuple[bytes, bytes]], body: bytes = b"") -> None:
        """Send a whole response; a large one as the client takes it. Raises ClientGoneError when it takes nothing for too long."""
        headers = list(headers)
        if status not in (204, 304):
            headers.append((b"content-length", b"%d" % len(body)))
        if self.method == "HEAD":
            body = b""
        if len(body) > WHOLE_BYTES:
            await self.start(status, headers)
            for at in range(0, len(body), WHOLE_BYTES):
                await self.piece(body[at : at + WHOLE_BYTES])
            await self.finish()
            return
        self.answered = status
        self.sent_bytes += len(body)
        headers += self.extra_headers
        await self._send({"type": "http.response.whole", "status": status, "headers": headers, "body": body})
        self.complete = True

    async def respond_tagged(self, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
        """Send a whole response with its content's hash as entity tag, or 304 to a client that has it (RFC 9110, 13.1.2).

        Raises ProblemError 412 when it is not what the client asks for.
        """
        tag = f'"{hashlib.blake2b(body, digest_size=12).hexdigest()}"'
        require_agreement(self, tag)
        headers = [*headers, (b"etag", tag.encode())]
        if matches(self.header(b"if-none-match"), tag):
            await self.respond(304, headers)
        else:
            await self.respond(200, headers, body)

    async def start(self, status: int, headers: list[tuple[bytes, bytes]]) -> None:
        """Send the status and the headers."""
        self.answered = status
        await self._send({"type": "http.response.start", "status": status, "headers": [*headers, *self.extra_headers]})

    async def piece(self, body: bytes) -> None:
        """Send a piece of the body; waits while the client does not take it. Raises ClientGoneError when it takes nothing for too long."""
        self.sent_bytes += len(body)
        await self._send({"type": "http.response.body", "body": body, "more_body": True})

    async def finish(self, body: bytes = b"") -> None:
        """Send the end of the body."""
        self.sent_bytes += len(body)
        await self._send({"type": "http.response.body", "body": body, "more_body": False})
        self.complete = True

    async def send_raw(self, message: Message) -> None:
        """Pass on an ASGI message of another application."""
        self.sent_bytes += len(message.get("body", b""))
        await self._send(message)

    async def problem(self, problem: ProblemError) -> None:
        """Send an error."""
        await self.respond(problem.status, problem.fields(), problem.body())

    async def json(self, value: Any, status: int = 200) -> None:
        """Send a JSON document that may change at any time."""
        await self.respond(status, [(b"content-type", b"application/json"), (b"cache-control", b"no-store")], json.dumps(value).encode())

    async def unless_gone[T](self, work: Awaitable[T]) -> T:
        """The work's result; it is cancelled when the client hangs up. Raises ClientGoneError then."""
        task = asyncio.current_task()
        assert task is not None  # noqa: S101  every request has its own
        connection = self.scope["connection"]
        gone = False

        def leave() -> None:
            nonlocal gone
            if connection.on_lost is leave:
                gone = True
                task.cancel()

        connection.on_lost = leave
        if connection.is_lost:
            asyncio.get_running_loop().call_soon(leave)
        try:
            return await work
        except asyncio.CancelledError:
            if gone:
                task.uncancel()
                raise ClientGoneError from None
            raise
        finally:
            connection.on_lost = None


def caller_of(client: tuple[str, int] | None) -> str:
    """Whom an address and port belong to; None: a socket of this machine."""
    return _caller(client[0]) if client else "local"


@lru_cache(maxsize=4096)
def _caller(host: str) -> str:
    """Whom an address belongs to; a proxy may say that it asks for anything."""
    try:
        address = ip_address(host)
    except ValueError:
        return "unknown"
    return str(ip_network((address, 64), strict=False)) if address.version == 6 else str(address)


class ClientGoneError(Exception):
    """The client hung up: there is nobody to answer."""


Handler = Callable[[Call], Awaitable[None]]


def matches(if_none_match: str, tag: str) -> bool:
    """Whether the client has this representation: RFC 9110, 13.1.2, by weak comparison, as a proxy that compresses weakens tags.

    `*` matches whatever there is: ask for it only where that is known to be there.
    """
    return bool(if_none_match) and parse_etags(if_none_match).contains_weak(tag.strip('"'))


def agrees(call: Call, tag: str) -> bool:
    """Whether this is a representation that the call asks for: RFC 9110, 13.1.1, by strong comparison. "" is the tag of what has none.

    Any is without If-Match; a list of nothing asks for none.
    """
    if not call.has(b"if-match"):
        return True
    listed = parse_etags(call.header(b"if-match").strip())
    return listed.star_tag or (bool(tag) and listed.is_strong(tag.strip('"')))


def require_agreement(call: Call, tag: str) -> None:
    """Raises ProblemError 412 unless this is a representation that the call asks for."""
    if not agrees(call, tag):
        raise ProblemError(412, "precondition", "what there is has another ETag than If-Match names; ask again without it")


def form_fields(encoded: bytes) -> list[tuple[str, str]]:
    """`application/x-www-form-urlencoded` as pairs in order. Raises ProblemError when it is not UTF-8 (SPARQL 1.1 Protocol, 2.1.2)."""
    if encoded.count(b"&") >= MAX_FIELDS:
        raise ProblemError(400, "parameter", f"there are more than {MAX_FIELDS} parameters")
    pairs = (field.partition(b"=") for field in encoded.split(b"&") if field)
    return [(form_value(name), form_value(value)) for name, _, value in pairs]


def form_value(encoded: bytes) -> str:
    """A name or a value of `application/x-www-form-urlencoded`. Raises ProblemError when it is not UTF-8."""
    try:
        encoded.decode("utf-8")
        return _percent_decoded(encoded.replace(b"+", b" "))
    except UnicodeDecodeError as error:
        raise ProblemError(400, "encoding", f"the parameters are not percent-encoded UTF-8: {error}") from error


def _percent_decoded(encoded: bytes) -> str:
    """The text; a percent sign that encodes nothing stays (https://url.spec.whatwg.org/#percent-decode). Raises UnicodeDecodeError."""
    if b"%" not in encoded:
        return encoded.decode("utf-8")
    encoded = _STRAY_PERCENT.sub(b"%25", encoded)
    # Quoted-printable is the same with another sign (RFC 2045, 6.7), and read in C: a query's text in 1 µs instead of 15.
    return a2b_qp(encoded.replace(b"=", b"%3D").replace(b"%", b"=")).decode("utf-8")


def _too_large(limit_bytes: int) -> ProblemError:
    return ProblemError(413, "too-large", f"the request is larger than {limit_bytes} bytes; send less, or in several requests")
