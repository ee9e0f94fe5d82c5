"""The service behind the application: its pool, its answers, and the table of what is where."""

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from starlette.types import ASGIApp, Receive, Scope, Send

from kg import snapshots
from kg.formats import GRAPHS, RESULTS
from kg.settings import Settings
from kg.web import access, dataset, description, graphs, openapi, pages, protocol
from kg.web.answers import Answers
from kg.web.app import App, Routes, reading
from kg.web.call import Call
from kg.web.metrics import CONTENT_TYPE, Metrics, TripleCount
from kg.web.problems import ProblemError
from kg.web.protocol import Ask
from kg.web.sparql import Sparql
from kg.web.writes import Writes
from kg.workers.pool import Pool
from kg.workers.snapshot import lease_current

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from kg.web.federation import Federation


@dataclass(eq=False)
class Service:
    """What handlers share: the settings, the pool and whether the server is going down."""

    settings: Settings
    pool: Pool
    draining: bool = False
    answers: Answers = field(init=False)
    writes: Writes = field(init=False)
    triples: TripleCount = field(init=False)
    federation: "Federation | None" = field(init=False)
    metrics: Metrics = field(init=False)

    def __post_init__(self) -> None:
        self.answers = Answers(self.pool)
        self.writes = Writes(self.settings, self.refresh)
        self.triples = TripleCount(self.pool)
        self.federation = _federation(self.answers, self.settings)
        self.metrics = Metrics(self.answers, self.triples, self.federation)

    def refresh(self) -> None:
        """Move to the published snapshot if it is another one. Raises DataError when it cannot be used; then the old one is served."""
        if self.settings.store:
            return  # a service has no snapshots
        if snapshots.current_number(self.settings.data) != self.pool.lease.number:
            self.pool.move_to(lease_current(self.settings.data))

    async def options(self, call: Call) -> None:
        """What the server as a whole can be asked for, by OPTIONS * (RFC 9110, 9.3.7); the connection lets no other method come here."""
        methods = dict.fromkeys((*protocol.METHODS, *graphs.METHODS))
        await call.respond(204, [(b"allow", ", ".join(methods).encode())])

    async def home(self, call: Call) -> None:
        """A page to start from."""
        await pages.page(call, "home.html", queries=[], snapshot=self.pool.lease.number)

    async def query_page(self, call: Call) -> None:
        """A text area for queries."""
        fields = dict(call.parameters())
        formats = [*RESULTS.values(), *GRAPHS.values()]
        await pages.page(call, "sparql.html", queries=[], chosen=fields.get("saved", ""), text=fields.get("query", ""), formats=formats)

    async def describe(self, call: Call) -> None:
        """The service description."""
        await description.send(call, self.answers, federates=self.federation is not None)

    async def describe_dataset(self, call: Call) -> None:
        """The VoID description."""
        await dataset.describe(call, self.answers, federates=self.federation is not None)

    async def dump(self, call: Call) -> None:
        """The whole dataset as a file."""
        await dataset.dump(call, self.answers)

    async def health(self, call: Call) -> None:
        """Whether the process lives; it does, as it answers."""
        await call.json({"status": "ok", "snapshot": self.pool.lease.number})

    async def ready(self, call: Call) -> None:
        """Whether requests should be sent here."""
        if self.draining or not self.pool.is_up:
            raise ProblemError(503, "closing", "not ready to answer queries", headers={"Retry-After": "2"})
        await call.json({"status": "ready", "snapshot": self.pool.lease.number})

    async def expose(self, call: Call) -> None:
        """Prometheus metrics."""
        await self.triples.refresh()
        await call.respond(200, [(b"content-type", CONTENT_TYPE), (b"cache-control", b"no-store")], self.metrics.text())

    def may_update(self, call: Call) -> bool:
        """Whether the call has a token for updates."""
        return access.allows(call, self.settings.data, "update")

    async def update(self, call: Call, ask: Ask) -> None:
        """An update, on disk and visible to every query that begins after the answer."""
        access.require(call, self.settings.data, "update")
        if call.has(b"if-match") or call.has(b"if-none-match"):
            raise ProblemError(412, "precondition", "an update has no ETag to compare with; conditions work on the graphs at /graphs")
        await self.writes.update(ask, base_iri=f"{self.pool.lease.base_iri}sparql")
        call.note["form"] = "UPDATE"
        await call.respond(204, [])


def create_app(service: Service) -> App:
    """The application for uvicorn."""
    settings = service.settings
    sparql = Sparql(
        service.answers,
        service.describe,
        service.query_page,
        service.update,
        service.may_update,
        query_bytes=settings.request_limit_kb * 1024,
        update_bytes=settings.write_limit_mb * 1024 * 1024,
        federation=service.federation,
    )
    graph_store = graphs.GraphStore(settings, service.answers, service.writes)
    routes = Routes(
        exact={
            "*": service.options,
            "/": reading(service.home),
            "/sparql": sparql,
            "/sparql/": sparql,
            "/graphs": graph_store,
            "/.well-known/void": reading(service.describe_dataset),
            "/dump.nq.gz": reading(service.dump),
            "/health": reading(service.health),
            "/ready": reading(service.ready),
            "/metrics": reading(service.expose),
            "/openapi.json": reading(openapi.send),
            "/docs": reading(openapi.page),
        },
        prefixes={"/static/": reading(pages.static), "/graphs/": graph_store, "/graph/": graph_store},
        rest=_Rest(),
    )
    return App(routes, service.metrics)


def _federation(answers: Answers, settings: Settings) -> "Federation | None":
    if not settings.service_endpoints:
        return None
    from kg.web.federation import Federation  # its HTTP client takes a tenth of a second to load

    return Federation(answers, settings)


class _Rest:
    """FastAPI's part. It takes a quarter of the whole start to load, so a thread does that when somebody first asks for it."""

    def __init__(self) -> None:
        self._loading: asyncio.Future[ASGIApp] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI 3."""
        if self._loading is None:
            self._loading = asyncio.ensure_future(asyncio.to_thread(_fastapi))
        rest = await asyncio.shield(self._loading)  # whoever asked first may hang up
        await rest(scope, receive, send)


def _fastapi() -> ASGIApp:
    """What is no hot path; its errors are problems too."""
    from fastapi import FastAPI
    from fastapi.exceptions import RequestValidationError
    from starlette.exceptions import HTTPException
    from starlette.responses import Response

    rest = FastAPI(openapi_url=None)

    async def problem(_request: "Request", error: Exception) -> "Response":
        status, headers = getattr(error, "status_code", 400), getattr(error, "headers", None) or {}
        kind, detail = ("not-found", "there is nothing at this address; see /docs") if status == 404 else ("request", str(error))
        body = ProblemError(status, kind, detail).body()
        return Response(body, status, {**headers, "cache-control": "no-store"}, "application/problem+json")

    rest.add_exception_handler(HTTPException, problem)
    rest.add_exception_handler(RequestValidationError, problem)
    return rest
