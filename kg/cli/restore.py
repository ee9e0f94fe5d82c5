"""`kg restore`: a backup back into a data directory."""

from pathlib import Path
from typing import Annotated

import typer

from kg import backup
from kg.cli import options
from kg.settings import Settings
from kg.wording import counted

EXAMPLES = (
    ("kg restore graph.zip --data restored", "into a new data directory"),
    ("kg restore graph.zip --replace", "in the place of what is there, which is moved aside"),
)


def command(
    path: Annotated[Path, typer.Argument(metavar="FILE", help="A backup that kg backup wrote.")],
    replace: Annotated[
        bool, typer.Option("--replace", help="Move data that is there aside, to DIR.replaced (DIR/replaced in a mount point).")
    ] = False,
    data: options.Data = None,
    store: options.Store = None,
    quiet: options.Quiet = False,
) -> None:
    """Bring back a backup.

    It is read through first: a damaged backup is refused and changes nothing. The graph appears when it is complete. Tokens are not in a
    backup; make them anew. With --store it goes to a SPARQL service, graph by graph, which is not one transaction.
    """
    settings = Settings.load(data=data, store=store)
    manifest = backup.restore(settings, path, replace=replace)
    if not quiet:
        typer.echo(f"{counted(manifest.quads, 'quad')} restored to {settings.store or settings.data}", err=True)
