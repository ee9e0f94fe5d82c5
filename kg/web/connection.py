"""One client's connection: uvicorn's, with a bound on what is read before a request is known, and a way to cut it.

Uvicorn collects a request's head without limit of size or time, so that one client could fill the memory or hold connections for nothing.
"""

import asyncio
from http import HTTPStatus
from typing import Any, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from kg.web.problems import ProblemError

URL_BYTES = 60_000  # httptools cannot split longer ones into path and query
HEAD_BYTES = 80_000
LINGER_S = 2.0
HEAD_S = 10.0  # from the connection, or from a request's first byte, to the end of its head

_URL = ProblemError(414, "too-large", f"the address is longer than {URL_BYTES} bytes; POST the query instead (SPARQL 1.1 Protocol, 2.1.3)")
_HEAD = ProblemError(431, "too-large", f"the request's head is larger than {HEAD_BYTES} bytes; send fewer or shorter headers")
_SLOW = ProblemError(408, "slow", f"the request's head did not arrive within {HEAD_S:g} s; send it in one go")
_UNREADABLE = ProblemError(400, "http", "this is no HTTP/1.1 request")


class _Gathered:
    """A transport that writes what one turn of the event loop brings in one go: the head of a response and its body are one packet."""

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._pieces: list[bytes] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, piece: bytes) -> None:
        """asyncio.Transport."""
        self._pieces.append(piece)
        if len(self._pieces) == 1:
            self._loop.call_soon(self._flush)

    def _flush(self) -> None:
        pieces, self._pieces = self._pieces, []
        if pieces and not self._transport.is_closing():
            self._transport.write(b"".join(pieces))

    def write_eof(self) -> None:
        """asyncio.WriteTransport."""
        self._flush()
        self._transport.write_eof()

    def close(self) -> None:
        """asyncio.BaseTransport: what was written is sent."""
        self._flush()
        self._transport.close()


class Connection(HttpToolsProtocol):
    """The protocol class that uvicorn is given. Puts `abort` into each scope: it ends the connection without sending what waits."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """asyncio.Protocol."""
        super().connection_made(cast(asyncio.Transport, _Gathered(transport, self.loop)))
        self._in_head = self._began_here = self._refused = False
        self._head_bytes = 0
        self._too_slow: asyncio.TimerHandle | None = self.loop.call_later(HEAD_S, self._refuse, _SLOW)

    def connection_lost(self, exc: Exception | None) -> None:
        """asyncio.Protocol."""
        self._stop_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """asyncio.Protocol."""
        if self._refused:
            return
        self._began_here = False
        super().data_received(data)
        if self._in_head:
            self._head_bytes += 0 if self._began_here else len(data)  # the piece that a head begins in has other things in front
            if self._too_slow is None:
                self._too_slow = self.loop.call_later(HEAD_S, self._refuse, _SLOW)
            if self._head_bytes > HEAD_BYTES:
                self._refuse(_HEAD)

    def on_message_begin(self) -> None:
        """httptools: the first byte of a request."""
        self._in_head = self._began_here = True
        self._head_bytes = 0
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        """httptools: the next part of the address."""
        super().on_url(url)
        if len(self.url) > URL_BYTES:
            self._refuse(_URL)
            raise ValueError("stop reading")  # httptools hands it to uvicorn, which asks for a 400 when this one is sent already

    def on_headers_complete(self) -> None:
        """httptools: the head is there."""
        self._in_head = False
        self._stop_timer()
        self.scope["abort"] = self.transport.abort  # type: ignore[typeddict-unknown-key]
        super().on_headers_complete()

    def send_400_response(self, msg: str) -> None:
        """Uvicorn: what came cannot be read."""
        self._refuse(_UNREADABLE)

    def _stop_timer(self) -> None:
        if self._too_slow is not None:
            self._too_slow.cancel()
            self._too_slow = None

    def _refuse(self, problem: ProblemError) -> None:
        """Send the problem, unless an answer has begun, and close.

        A while later: what is still on its way would reset the connection before the client has read why (RFC 9112, 9.6).
        """
        if self._refused or self.transport.is_closing():
            return
        self._refused = True
        if self.cycle is None or self.cycle.response_complete:
            body = problem.body()
            head = f"HTTP/1.1 {problem.status} {HTTPStatus(problem.status).phrase}\r\ncontent-type: application/problem+json\r\n"
            self.transport.write(f"{head}content-length: {len(body)}\r\nconnection: close\r\n\r\n".encode() + body)
            self.transport.write_eof()
            self.loop.call_later(LINGER_S, self.transport.close)
        else:
            self.transport.close()
