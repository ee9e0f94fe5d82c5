"""`kg config`: the settings."""

import os
from contextlib import suppress
from enum import StrEnum
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from kg import datadir
from kg.cli import options, streams
from kg.errors import DataError
from kg.settings import PREFIX, Settings

EXAMPLES = (
    ("kg config", "every setting with its value"),
    ("KG_PORT=9000 kg config --format json", "as JSON, for a program"),
)


class Layout(StrEnum):
    """How to print."""

    TABLE = "table"
    JSON = "json"


def command(
    data: options.Data = None,
    layout: Annotated[Layout, typer.Option("--format", "-f", help="How to print.")] = Layout.TABLE,
) -> None:
    """Show every setting, its value and where that comes from.

    A flag comes before its KG_* variable, and that before the default; every command complains of a KG_* variable that is none. Flags
    are named like the settings: `query_timeout_s` is KG_QUERY_TIMEOUT_S.
    """
    settings = Settings.load(data=data)
    flags = {"data"} if data else set()
    rows = [(name, value, _origin(name, flags), Settings.model_fields[name].description or "") for name, value in settings]
    if fixed := _fixed_base_iri(settings):
        rows = [(name, fixed, "data directory", about) if name == "base_iri" else (name, *row, about) for name, *row, about in rows]
    if layout is Layout.JSON:
        streams.write_json({name: {"value": _plain(value), "from": origin} for name, value, origin, _ in rows})
        return
    table = Table("setting", "value", "from", "what it is", header_style="bold")
    for name, value, origin, description in rows:
        table.add_row(name, "" if value is None else str(value), origin, description.replace("[", r"\["))
    Console(highlight=False).print(table)


def _fixed_base_iri(settings: Settings) -> str | None:
    """The base IRI of the data directory, where no setting names one; None where there is no data that can be read."""
    with suppress(DataError):
        if not settings.store and not settings.base_iri and (data := datadir.read(settings.data)):
            return data.base_iri
    return None


def _origin(name: str, flags: set[str]) -> str:
    variable = f"{PREFIX}{name.upper()}"
    read = any(value for key, value in os.environ.items() if key.upper() == variable)  # an empty one counts for nothing
    return "flag" if name in flags else variable if read else "default"


def _plain(value: object) -> object:
    return value if isinstance(value, int | float | str | None) else str(value)
