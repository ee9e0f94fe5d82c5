"""`kg serve`: the graph over HTTP. Loads no extraction pipeline."""

from typing import Annotated

import typer

from kg.cli import options
from kg.settings import Settings
from kg.web.server import serve

EXAMPLES = (
    ("kg serve", "what is in ./data, on http://127.0.0.1:8000/"),
    ("kg serve --data mine --port 0", "another directory, on any free port"),
    ("kg serve --store http://localhost:7878/", "in front of another SPARQL service"),
    ("kg serve --host 0.0.0.0 --query-timeout-s 10", "for others, with a shorter deadline"),
)


def command(
    data: options.Data = None,
    store: options.Store = None,
    host: Annotated[str | None, typer.Option("--host", help="Address to listen on (KG_HOST).", rich_help_panel=options.SETTINGS)] = None,
    port: Annotated[
        int | None, typer.Option("--port", help="Port to listen on, 0 for any free one (KG_PORT).", rich_help_panel=options.SETTINGS)
    ] = None,
    base_iri: options.BaseIri = None,
    query_timeout_s: Annotated[
        float | None,
        typer.Option("--query-timeout-s", help="Deadline of a query in seconds (KG_QUERY_TIMEOUT_S).", rich_help_panel=options.SETTINGS),
    ] = None,
    query_workers: Annotated[
        int | None, typer.Option("--query-workers", help="Worker processes (KG_QUERY_WORKERS).", rich_help_panel=options.SETTINGS)
    ] = None,
    query_memory_mb: Annotated[
        int | None,
        typer.Option("--query-memory-mb", help="Memory cap of a worker in MiB (KG_QUERY_MEMORY_MB).", rich_help_panel=options.SETTINGS),
    ] = None,
    query_share: options.QueryShare = None,
    query_queue: options.QueryQueue = None,
    idle_connections: options.IdleConnections = None,
    request_limit_kb: options.RequestLimit = None,
    write_limit_mb: options.WriteLimit = None,
    lock_timeout_s: options.LockTimeout = None,
) -> None:
    """Serve SPARQL, graphs and web pages over HTTP until stopped.

    With --store it stands before another SPARQL service: our protocol, deadline and limits, its data; tokens are those of --data.
    `kg ingest` may run beside it: what it publishes is served within a second. The links to open and one JSON line a request go to
    standard error.
    """
    flags = {"query_timeout_s": query_timeout_s, "query_workers": query_workers, "query_memory_mb": query_memory_mb}
    flags |= {"query_share": query_share, "query_queue": query_queue, "idle_connections": idle_connections}
    flags |= {"request_limit_kb": request_limit_kb, "write_limit_mb": write_limit_mb}
    settings = Settings.load(data=data, store=store, host=host, port=port, base_iri=base_iri, lock_timeout_s=lock_timeout_s, **flags)
    serve(settings, announce=lambda text: typer.echo(text, err=True))
