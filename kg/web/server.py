"""`kg serve`: binds, starts the workers, follows the published snapshots, drains when told to stop."""

import asyncio
import contextlib
import errno
import gc
import logging
import math
import os
import resource
import signal
import socket
from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from types import FrameType
from typing import Any, cast

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from kg import building, datadir, snapshots
from kg.datadir import DataDir
from kg.errors import DataError, LockedError, SettingError
from kg.iris import check_base
from kg.settings import Settings
from kg.store import open_writer
from kg.web import log
from kg.web.connection import Connection
from kg.web.idle import IdleConnections
from kg.web.routes import Service, create_app
from kg.workers import allocator, service
from kg.workers.job import Limits
from kg.workers.pool import Pool
from kg.workers.snapshot import lease_current, lease_of_service

LOG = logging.getLogger("kg.web.server")
STALLED_MS = 60_000
LEAST_SIDE_BY_SIDE = 4  # one caller may have two long queries under way then
FOLLOW_S = 0.2  # between two looks at which snapshot is published
NEW_OBJECTS = 20_000  # between two looks for cycles among them: requests leave hardly any
TRY_QUERY = "SELECT ?entity ?label WHERE { ?entity <http://www.w3.org/2000/01/rdf-schema#label> ?label } LIMIT 5"


def serve(settings: Settings, *, announce: Callable[[str], None]) -> None:
    """Serve until SIGTERM or SIGINT. Raises SettingError when the address cannot be had, DataError when there is nothing to serve,
    RemoteError when the store does not answer."""
    log.to_stderr()
    _raise_file_limit()
    if not settings.store:
        recover(settings)
    with _bound(settings.host, settings.port) as listener:
        stop = _Stop()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, stop)
        asyncio.run(_serve(settings, listener, announce, stop), loop_factory=_loop_factory())


class _BehindProxy:
    """Uvicorn's, which takes the client's address from the proxies of FORWARDED_ALLOW_IPS, where a request has their headers at all."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._told = ProxyHeadersMiddleware(cast(Any, app), uvicorn.Config(cast(Any, app), log_config=None).forwarded_allow_ips)

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        for name, _ in scope["headers"] if scope["type"] == "http" else ():
            if name.startswith(b"x-forwarded-"):
                return self._told(cast(Any, scope), cast(Any, receive), cast(Any, send))
        return self._app(scope, receive, send)


class _Stop:
    """What a signal does before uvicorn takes it, and when uvicorn raises it again after its drain: the server is to stop."""

    def __init__(self) -> None:
        self._server: uvicorn.Server | None = None
        self._asked = False

    def __call__(self, _number: int, _frame: FrameType | None) -> None:
        self._asked = True
        if self._server:
            self._server.should_exit = True

    def watch(self, server: uvicorn.Server) -> None:
        """The server that is to stop, at once when it was asked before."""
        self._server = server
        server.should_exit = self._asked


def recover(settings: Settings) -> None:
    """See that there is a snapshot and that it has all that was stored: what a killed writer stored without publishing it is published.

    What a killed restore has left is removed. A directory with nothing or only tokens in it is served as an empty graph. Raises DataError
    when there is no such directory, or it has another base IRI.
    """
    building.remove_left(settings.data)
    data = datadir.read(settings.data)
    if data is not None and settings.base_iri is not None:
        data.check(check_base(settings.base_iri))
    if data is None and not (settings.data.is_dir() and {entry.name for entry in settings.data.iterdir()} <= datadir.NO_DATA):
        datadir.open_existing(settings.data)  # says that there is none, and what to do
    published = snapshots.current_number(settings.data)
    if published is not None and not DataDir(settings.data, "").unpublished.exists():
        return
    try:
        with open_writer(settings if published is None else settings.model_copy(update={"lock_timeout_s": 0.0})) as writer:
            if writer.unpublished:
                LOG.info("publishing what was stored before")
                writer.publish()
    except LockedError:
        if published is None:
            raise
        LOG.info("another process is writing and will publish; serving snapshot %d until then", published)
    except DataError as error:
        if published is None:
            raise
        LOG.error("what was stored before cannot be published (%s); serving snapshot %d until the next write", error, published)


def _raise_file_limit() -> None:
    """A connection takes a file descriptor; the soft limit is often 1024."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 65536 if hard == resource.RLIM_INFINITY else min(hard, 65536)
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


async def _serve(settings: Settings, listener: socket.socket, announce: Callable[[str], None], stop: _Stop) -> None:
    pool = pool_of(settings)
    await pool.start()
    for problem in pool.problems:
        LOG.warning("workers are not fully confined, and SERVICE is only refused by reading the query: %s", problem)
    service = Service(settings, pool)
    server = uvicorn.Server(
        uvicorn.Config(
            _BehindProxy(create_app(service)),
            interface="asgi3",
            proxy_headers=False,
            log_config=None,
            access_log=False,
            server_header=False,
            lifespan="off",
            http=cast(Any, partial(Connection, idle=IdleConnections(settings.idle_connections))),
            ws="none",
            timeout_graceful_shutdown=math.ceil(settings.query_timeout_s) + 1,
        )
    )
    stop.watch(server)
    follower = asyncio.create_task(_follow(service))
    draining = asyncio.create_task(_watch_drain(server, service))
    gc.collect()
    gc.freeze()  # what is there now stays, so that nobody need look through it again
    gc.set_threshold(NEW_OBJECTS)
    announce(links(listener))
    try:
        await server.serve(sockets=[listener])
    finally:
        follower.cancel()
        draining.cancel()
        await service.writes.close()
        await pool.close()


def pool_of(settings: Settings) -> Pool:
    """Workers on the published snapshots, or on the remote service that the settings name."""
    if not settings.store:
        return Pool(limits(settings), lease_current(settings.data), environment=allocator.environment(settings.query_allocator))
    from kg.remote.store import opened  # its HTTP client takes a tenth of a second to load

    with opened(settings) as (_, base_iri):
        lease = lease_of_service(base_iri)
    return Pool(limits(settings), lease, module=service.MODULE, environment=service.environment(settings))


def limits(settings: Settings) -> Limits:
    """The pool's limits as set."""
    side_by_side = max(LEAST_SIDE_BY_SIDE, (os.cpu_count() or 1) + 1)
    workers = settings.query_workers or 2 * side_by_side
    return Limits(
        workers=workers,
        side_by_side=max(side_by_side, workers // 2),
        timeout_s=settings.query_timeout_s,
        dump_timeout_s=settings.dump_timeout_s,
        memory_mb=settings.query_memory_mb,
        queue=settings.query_queue,
        share=settings.query_share,
    )


async def _follow(service: Service) -> None:
    """Move the pool to each snapshot within a second of its publishing."""
    while True:
        try:
            service.refresh()
        except (DataError, OSError) as error:
            LOG.warning("cannot follow the published snapshots: %s", error)
            await asyncio.sleep(1)
        await asyncio.sleep(FOLLOW_S)


async def _watch_drain(server: uvicorn.Server, service: Service) -> None:
    while not server.should_exit:
        await asyncio.sleep(FOLLOW_S)
    service.draining = True


@contextlib.contextmanager
def _bound(host: str, port: int) -> Iterator[socket.socket]:
    """A listening socket. Raises SettingError when the address cannot be had."""
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        listener = socket.create_server(address[:2], family=family, backlog=2048)
    except socket.gaierror as error:
        raise SettingError(f"there is no address {host!r} ({error.strerror}); set --host (KG_HOST) to one of this machine's") from error
    except OSError as error:
        raise SettingError(f"cannot listen on {host} port {port}: {_why(error)}") from error
    if hasattr(socket, "TCP_USER_TIMEOUT"):  # a client that takes nothing of what was sent is let go; connections inherit it
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, STALLED_MS)
    with listener:
        yield listener


def _why(error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return "another program does already; stop it, or choose another port with --port (KG_PORT), 0 for any free one"
    return f"{error.strerror}; choose another address or port with --host and --port"


def links(listener: socket.socket) -> str:
    """What to open, and a query to try."""
    host, port = listener.getsockname()[:2]
    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)  # noqa: S104
    address = f"http://{host}:{port}"
    return "\n".join(
        (
            f"Serving {address}/  (a page to start from)",
            f"        {address}/sparql  (queries: an editor in a browser, SPARQL 1.1 Protocol for programs)",
            "Try:    curl -G -H 'Accept: text/csv' --data-urlencode \\",
            f"          'query={TRY_QUERY}' {address}/sparql",
            "Stop with Ctrl-C.",
        )
    )


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop]:
    try:
        import uvloop
    except ImportError:  # not made for this platform
        return asyncio.new_event_loop
    return uvloop.new_event_loop
