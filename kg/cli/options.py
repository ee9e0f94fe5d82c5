"""The options that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

SETTINGS = "Settings (each also a KG_* variable)"

Data = Annotated[
    Path | None, typer.Option("--data", metavar="DIR", help="Data directory (KG_DATA, else ./data).", rich_help_panel=SETTINGS)
]
Store = Annotated[
    str | None,
    typer.Option("--store", metavar="URL", help="A SPARQL service that keeps the graph instead (KG_STORE).", rich_help_panel=SETTINGS),
]
BaseIri = Annotated[
    str | None,
    typer.Option(
        "--base-iri", metavar="IRI", help="Base of all data IRIs, fixed for a data directory (KG_BASE_IRI).", rich_help_panel=SETTINGS
    ),
]
Model = Annotated[
    str | None,
    typer.Option(
        "--spacy-model", metavar="NAME", help="Base pipeline: a spaCy package or folder (KG_SPACY_MODEL).", rich_help_panel=SETTINGS
    ),
]
Weights = Annotated[
    Path | None, typer.Option("--weights", metavar="DIR", help="Weights that kg train wrote (KG_WEIGHTS).", rich_help_panel=SETTINGS)
]
Processes = Annotated[
    int | None, typer.Option("--processes", help="Processes that extract side by side (KG_PROCESSES).", rich_help_panel=SETTINGS)
]
LockTimeout = Annotated[
    float | None, typer.Option("--lock-timeout-s", help="Seconds to wait for another writer (KG_LOCK_TIMEOUT_S).", rich_help_panel=SETTINGS)
]
PublishEvery = Annotated[
    float | None,
    typer.Option("--publish-every-s", help="Seconds between two snapshots of a batch (KG_PUBLISH_EVERY_S).", rich_help_panel=SETTINGS),
]
QueryShare = Annotated[
    float | None,
    typer.Option("--query-share", help="Part of the places for long queries for one caller (KG_QUERY_SHARE).", rich_help_panel=SETTINGS),
]
QueryQueue = Annotated[
    int | None, typer.Option("--query-queue", help="Queries that may wait for a worker (KG_QUERY_QUEUE).", rich_help_panel=SETTINGS)
]
IdleConnections = Annotated[
    int | None,
    typer.Option(
        "--idle-connections", help="Idle connections that one caller may keep open (KG_IDLE_CONNECTIONS).", rich_help_panel=SETTINGS
    ),
]
RequestLimit = Annotated[
    int | None, typer.Option("--request-limit-kb", help="Largest query text in KiB (KG_REQUEST_LIMIT_KB).", rich_help_panel=SETTINGS)
]
WriteLimit = Annotated[
    int | None, typer.Option("--write-limit-mb", help="Largest update or graph in MiB (KG_WRITE_LIMIT_MB).", rich_help_panel=SETTINGS)
]
QueryTimeout = Annotated[
    float | None,
    typer.Option("--timeout-s", "--query-timeout-s", help="Deadline in seconds (KG_QUERY_TIMEOUT_S).", rich_help_panel=SETTINGS),
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing but errors.")]
