"""The ASGI application: what is where, and what happens around every request (limits, errors, CORS, metrics, one log line).

/sparql and all other addresses that there are now are bare ASGI; FastAPI has the rest.
"""

import logging
import time
from collections import Counter
from dataclasses import dataclass

from starlette.types import ASGIApp, Receive, Scope, Send

from kg.web.call import Call, ClientGoneError, Handler
from kg.web.log import Ended
from kg.web.metrics import Metrics
from kg.web.problems import ProblemError, not_allowed

LOG = logging.getLogger("kg.web.requests")
MAX_REQUESTS = 1024  # that are being received, answered or sent
MAX_REQUESTS_OF_A_CALLER = MAX_REQUESTS // 2
EXPOSED = b"ETag, Retry-After, Location, Content-Encoding, Allow"
PREFLIGHT = [
    (b"access-control-allow-methods", b"GET, HEAD, POST, QUERY"),
    (b"access-control-allow-headers", b"Accept, Content-Type, If-None-Match, Cache-Control"),
    (b"access-control-max-age", b"86400"),
]
WATCHED = frozenset({"/health", "/ready", "/metrics"})  # answered however much there is to do
ALWAYS = [
    (b"access-control-allow-origin", b"*"),
    (b"access-control-expose-headers", EXPOSED),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
]


@dataclass(frozen=True, slots=True)
class Routes:
    """Handlers by exact path, then by prefix; `rest` has everything else. `open_prefixes` may be read by pages of any origin."""

    exact: dict[str, Handler]
    prefixes: dict[str, Handler]
    rest: ASGIApp

    def find(self, path: str) -> tuple[str, Handler | None]:
        """The route's name for metrics, and its handler (None: the rest)."""
        handler = self.exact.get(path)
        if handler:
            return path, handler
        for prefix, handler in self.prefixes.items():
            if path.startswith(prefix):
                return f"{prefix}…", handler
        return "other", None


class App:
    """The application that uvicorn runs."""

    def __init__(self, routes: Routes, metrics: Metrics) -> None:
        self.routes = routes
        self.metrics = metrics
        self._under_way = 0
        self._under_way_of: Counter[str] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI 3."""
        if scope["type"] != "http":
            await self.routes.rest(scope, receive, send)
            return
        call = Call(scope, receive, send)
        call.extra_headers = ALWAYS
        route, handler = self.routes.find(call.path)
        self._under_way += 1
        self._under_way_of[call.caller] += 1
        try:
            await self._answer(call, route, handler or self._rest)
        except ClientGoneError:
            call.note["gone"] = True
        finally:
            self._under_way -= 1
            self._under_way_of[call.caller] -= 1
            if not self._under_way_of[call.caller]:
                del self._under_way_of[call.caller]
            self._record(call, route)

    async def _answer(self, call: Call, route: str, handler: Handler) -> None:
        """Answer the call, be it with a problem. Raises ClientGoneError when there is nobody to answer."""
        try:
            if route not in WATCHED:
                self._check_load(call.caller)
            if call.method == "OPTIONS" and call.header(b"access-control-request-method"):
                call.extra_headers = [*ALWAYS, *PREFLIGHT]
            await handler(call)
        except ProblemError as problem:
            call.note["problem"] = problem.kind
            if not call.answered:
                await call.problem(problem)
        except ClientGoneError:
            raise
        except Exception:
            LOG.exception("request failed")
            if not call.answered:
                await call.problem(ProblemError(500, "internal", "the server failed to answer; the log says why"))

    def _check_load(self, caller: str) -> None:
        """Raises ProblemError when too many requests are under way."""
        if self._under_way_of[caller] > MAX_REQUESTS_OF_A_CALLER:
            raise ProblemError(429, "busy", "too many of your requests are under way: wait for some answers", headers={"Retry-After": "2"})
        if self._under_way > MAX_REQUESTS:
            raise ProblemError(503, "busy", "too many requests are under way: try again in a moment", headers={"Retry-After": "2"})

    async def _rest(self, call: Call) -> None:
        async def send(message: dict[str, object]) -> None:
            if message["type"] == "http.response.start":
                call.answered = int(str(message["status"]))
                message = {**message, "headers": [*message["headers"], *call.extra_headers]}  # type: ignore[misc]
            await call.send_raw(message)

        await self.routes.rest(call.scope, call.received, send)  # type: ignore[arg-type]
        call.complete = True

    def _record(self, call: Call, route: str) -> None:
        seconds = time.perf_counter() - call.started
        status = call.answered or 499  # nobody was answered
        self.metrics.observe(route, call.method if call.method in _METHODS else "OTHER", status, seconds)
        if LOG.isEnabledFor(logging.INFO):
            line = {"method": call.method, "path": call.path, "status": status, "ms": round(seconds * 1000, 2), "bytes": call.sent_bytes}
            line["caller"] = call.caller
            if not call.complete:
                line["cut"] = True
            line.update(call.note)
            LOG.handle(Ended(LOG.name, line))


_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "QUERY"})


def reading(handler: Handler, *methods: str) -> Handler:
    """The handler for a resource that can only be read: other methods get 405, OPTIONS the list."""
    allowed = ("GET", "HEAD", *methods, "OPTIONS")

    async def checked(call: Call) -> None:
        if call.method == "OPTIONS":
            await call.respond(204, [(b"allow", ", ".join(allowed).encode())])
        elif call.method not in allowed:
            raise not_allowed(call.method, allowed)
        else:
            await handler(call)

    return checked
