"""One client's connection: uvicorn's, with bounds on what is read before a request is known and on what a client leaves lying, and a
short way for answers.

Uvicorn collects a request's head without limit of size or time, so that one client could fill the memory or hold connections for nothing.
And it takes an answer in two messages and looks at every header twice; ours come whole (`http.response.whole`) and are one packet.
"""

import asyncio
import re
import sys
import urllib.parse
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, cast

from uvicorn.protocols.http import httptools_impl
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from kg.web.app import ALWAYS
from kg.web.call import STALL_S, ClientGoneError, caller_of
from kg.web.idle import IdleConnections
from kg.web.problems import ProblemError

URL_BYTES = 60_000  # httptools cannot split longer ones into path and query
HEAD_BYTES = 80_000
LINGER_S = 2.0
CLOSE = b"connection: close\r\n"
PIPELINED = 128  # requests that may wait while another of the connection is answered
PIPELINED_S = 0.05  # how long a request that came while another is answered keeps us from hearing that the client hangs up
HEAD_S = 10.0  # from the connection, or from a request's first byte, to the end of its head

_URL = ProblemError(414, "too-large", f"the address is longer than {URL_BYTES} bytes; POST the query instead (SPARQL 1.1 Protocol, 2.1.3)")
_HEAD = ProblemError(431, "too-large", f"the request's head is larger than {HEAD_BYTES} bytes; send fewer or shorter headers")
_SLOW = ProblemError(408, "slow", f"the request's head did not arrive within {HEAD_S:g} s; send it in one go")
_AHEAD = ProblemError(
    429,
    "busy",
    f"more than {PIPELINED} requests were sent ahead on one connection; wait for some of the answers",
    headers={"Retry-After": "2"},
)
_HOST = ProblemError(400, "http", "a request has one Host header with the name of a server, as `Host: example.org:8000` (RFC 9112, 3.2)")
_UNREADABLE = ProblemError(400, "http", "this is no HTTP/1.1 request")
_UNKNOWN_METHOD = ProblemError(501, "method", "this method is not known here; GET, HEAD, POST, QUERY, PUT, DELETE and OPTIONS are")
_InvalidMethodError: type[Exception] = httptools_impl.httptools.HttpParserInvalidMethodError  # type: ignore[attr-defined]  # uvicorn's own
# RFC 9112, 3: a request line whose method is a token; the parser stops at a method that it does not know.
_REQUEST_LINE = re.compile(rb"(?:\r?\n)*[!#$%&'*+.^_`|~0-9A-Za-z-]+ [^ \r\n]+ HTTP/1\.[01]\r?\n")
# RFC 9110, 7.2: uri-host [ ":" port ] as in RFC 3986, 3.2; it may be empty.
_AUTHORITY = re.compile(rb"(?:\[[0-9A-Za-z:.]+\]|(?:[A-Za-z0-9\-._~!$&'()*+,;=]|%[0-9A-Fa-f]{2})*)(?::[0-9]*)?[ \t]*")


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

    def write_whole(self, response: bytes) -> None:
        """All of a response: it goes at once, unless something is to go before it."""
        if self._pieces:
            self.write(response)
        elif not self._transport.is_closing():
            self._transport.write(response)

    def _flush(self) -> None:
        pieces, self._pieces = self._pieces, []
        if pieces and not self._transport.is_closing():
            self._transport.write(b"".join(pieces))

    def write_eof(self) -> None:
        """asyncio.WriteTransport."""
        self._flush()
        self._transport.write_eof()

    def close(self) -> None:
        """asyncio.BaseTransport: what was written is sent, to a client that takes it in time."""
        self._flush()
        self._transport.close()
        if self._transport.get_write_buffer_size():
            self._loop.call_later(STALL_S, self._transport.abort)


class Cycle(RequestResponseCycle):
    """One request and its response; the application may send it whole, as one message."""

    async def send(self, message: Any) -> None:
        """ASGI, and {"type": "http.response.whole", "status", "headers", "body"}, which is all of a response.

        Waits while the client does not take what was sent before. Raises ClientGoneError when it takes nothing for too long.
        """
        if self.flow.write_paused and not self.disconnected:
            await self._taken()
        if message["type"] != "http.response.whole":
            await super().send(message)
        elif not self.disconnected:
            self._send_whole(message)

    async def _taken(self) -> None:
        try:
            async with asyncio.timeout(STALL_S):
                await self.flow.drain()
        except TimeoutError as error:
            self.transport.abort()
            raise ClientGoneError from error

    def _send_whole(self, message: Any) -> None:
        headers: list[tuple[bytes, bytes]] = message["headers"]
        lines = [STATUS_LINE[message["status"]], *[b"%b: %b\r\n" % header for header in (*self.default_headers, *headers)]]
        closes = CLOSE in lines
        if not closes and not self.keep_alive:
            closes = True
            lines.append(CLOSE)
        head = b"".join(lines)
        if head.count(b"\n") != len(lines):
            raise RuntimeError(f"a header would be read as two: {headers}")
        self.transport.write_whole(b"%b\r\n%b" % (head, message["body"]))  # type: ignore[attr-defined]  # _Gathered's
        self.response_started = self.response_complete = True
        self.waiting_for_100_continue = False
        self.message_event.set()
        if closes:
            self.transport.close()
        self.on_response()


class Connection(HttpToolsProtocol):
    """What uvicorn makes of each connection. Each scope has it as `connection`, to be told when it is lost."""

    def __init__(self, *uvicorn_s: Any, idle: IdleConnections, **also_uvicorn_s: Any) -> None:
        super().__init__(*uvicorn_s, **also_uvicorn_s)
        self._idle = idle

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """asyncio.Protocol."""
        super().connection_made(cast(asyncio.Transport, _Gathered(transport, self.loop)))
        self._peer = caller_of(self.client)
        self._idle.add(self._peer, self)
        self.on_lost: Callable[[], None] | None = None
        self.is_lost = False
        self._in_head = self._began_here = self._refused = False
        self._received = b""
        self._head_bytes = self._trailer_bytes = 0
        self._too_slow: asyncio.TimerHandle | None = self.loop.call_later(HEAD_S, self._refuse, _SLOW)
        self._answered_at = 0.0

    def connection_lost(self, exc: Exception | None) -> None:
        """asyncio.Protocol."""
        self._idle.remove(self._peer, self)
        self._stop_timer()
        if self.timeout_keep_alive_task is not None:
            self.timeout_keep_alive_task.cancel()
        super().connection_lost(exc)
        self.is_lost = True
        if self.on_lost:
            self.on_lost()

    def data_received(self, data: bytes) -> None:
        """asyncio.Protocol."""
        if self._refused:
            return
        self._began_here = False
        self._received = data
        super().data_received(data)
        self._received = b""
        if self._in_head:
            self._head_bytes += 0 if self._began_here else len(data)  # the piece that a head begins in has other things in front
            if self._too_slow is None:
                self._too_slow = self.loop.call_later(HEAD_S, self._refuse, _SLOW)
            if self._head_bytes > HEAD_BYTES:
                self._refuse(_HEAD)

    def on_message_begin(self) -> None:
        """httptools: the first byte of a request."""
        self._in_head = self._began_here = True
        self._head_bytes = self._trailer_bytes = 0
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        """httptools: the next part of the address."""
        super().on_url(url)
        if len(self.url) > URL_BYTES:
            self._refuse(_URL)
            raise ValueError("stop reading")  # httptools hands it to uvicorn, which asks for a 400 when this one is sent already

    def on_header(self, name: bytes, value: bytes) -> None:
        """httptools: a field of the head, or of the trailer behind a chunked body, of which nothing is asked (RFC 9110, 6.5.1)."""
        if self._in_head:
            super().on_header(name, value)
            return
        self._trailer_bytes += len(name) + len(value) + 4  # with what stands between and behind them
        if self._trailer_bytes > HEAD_BYTES:
            self._refuse(_HEAD)
            raise ValueError("stop reading")

    def on_headers_complete(self) -> None:
        """httptools: the head is there. As uvicorn's, but with our kind of cycle, and the address is only parsed where it must be."""
        self._in_head = False
        self._stop_timer()
        self._idle.remove(self._peer, self)
        version = self.parser.get_http_version()
        hosts = [value for name, value in self.headers if name == b"host"]
        if len(hosts) > 1 or (version != "1.0" and not hosts) or not all(map(_AUTHORITY.fullmatch, hosts)):
            self._refuse(_HOST)
            raise ValueError("stop reading")
        scope = self.scope
        scope["method"] = self.parser.get_method().decode("ascii")
        scope["http_version"] = version
        if self.url.startswith(b"/") and b"#" not in self.url:
            raw_path, _, query = self.url.partition(b"?")
        elif self.url == b"*" and scope["method"] == "OPTIONS":
            raw_path, query = self.url, b""  # RFC 9112, 3.2.4: the server, no resource
        else:  # RFC 9112, 3.2: an absolute address, or nothing that names a resource
            parsed = urllib.parse.urlsplit(self.url)
            raw_path, query = parsed.path or b"/", parsed.query
            if not raw_path.startswith(b"/"):
                raise ValueError("no path")  # httptools hands it to uvicorn, which asks for a 400
        path = raw_path.decode("ascii")
        scope["path"], scope["raw_path"], scope["query_string"] = urllib.parse.unquote(path) if "%" in path else path, raw_path, query
        scope["connection"] = self  # type: ignore[typeddict-unknown-key]
        before = self.cycle
        self.cycle = Cycle(
            scope=scope,
            transport=self.transport,
            flow=self.flow,
            logger=self.logger,
            access_logger=self.access_logger,
            access_log=self.access_log,
            default_headers=self.server_state.default_headers,
            message_event=asyncio.Event(),
            expect_100_continue=self.expect_100_continue,
            keep_alive=version != "1.0" and self.parser.should_keep_alive(),
            on_response=self.on_response_complete,
        )
        if before is None or before.response_complete:
            self._start_asgi_task(self.cycle, self.app)
        elif len(self.pipeline) >= PIPELINED:
            self.pipeline.clear()
            self._refuse(_AHEAD)
            raise ValueError("stop reading")
        else:
            self.flow.pause_reading()
            self.pipeline.appendleft((self.cycle, self.app))
            self.loop.call_later(PIPELINED_S, self.flow.resume_reading)

    def on_response_complete(self) -> None:
        """Uvicorn: the next request of the connection may be answered, or come. One timer watches over all the times between."""
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
            return
        self._answered_at = self.loop.time()
        self._idle.add(self._peer, self)
        if self.timeout_keep_alive_task is None:
            self.timeout_keep_alive_task = self.loop.call_later(self.timeout_keep_alive, self.timeout_keep_alive_handler)

    def close_idle(self) -> None:
        """Close the connection, on which no request is under way."""
        self.transport.close()

    def timeout_keep_alive_handler(self) -> None:
        """Uvicorn: close the connection when nothing came for so long."""
        self.timeout_keep_alive_task = None
        if self._in_head or self.cycle is None or not self.cycle.response_complete:
            return  # the end of the answer starts the timer again
        left_s = self._answered_at + self.timeout_keep_alive - self.loop.time()
        if left_s > 0:
            self.timeout_keep_alive_task = self.loop.call_later(left_s, self.timeout_keep_alive_handler)
        else:
            self.transport.close()

    def _unset_keepalive_if_required(self) -> None:
        """Uvicorn: something came. The timer looks itself."""

    def send_400_response(self, msg: str) -> None:
        """Uvicorn: what came cannot be read. RFC 9110, 15.6.2, where it is a request and for its method alone."""
        unknown = isinstance(sys.exception(), _InvalidMethodError) and _REQUEST_LINE.match(self._received)
        self._refuse(_UNKNOWN_METHOD if unknown else _UNREADABLE)

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
            head = f"HTTP/1.1 {problem.status} {HTTPStatus(problem.status).phrase}\r\n".encode()
            headers = [*self.server_state.default_headers, *problem.fields(), *ALWAYS]
            head += b"".join(b"%b: %b\r\n" % header for header in headers)
            self.transport.write(head + b"content-length: %d\r\nconnection: close\r\n\r\n" % len(body) + body)
            self.transport.write_eof()
            self.loop.call_later(LINGER_S, self.transport.close)
        else:
            self.transport.close()
