"""`kg backup`: everything in one verified file."""

from pathlib import Path
from typing import Annotated

import typer

from kg import backup
from kg.cli import options
from kg.settings import Settings
from kg.wording import counted

EXAMPLES = (
    ("kg backup graph.zip", "the published graph, read back and compared before it gets its name"),
    ("kg backup --check graph.zip", "read a backup through without restoring it"),
)


def command(
    path: Annotated[Path, typer.Argument(metavar="FILE", help="Where to write; a backup of that name is replaced.")],
    check: Annotated[bool, typer.Option("--check", help="Verify this backup instead of writing one.")] = False,
    data: options.Data = None,
    store: options.Store = None,
    quiet: options.Quiet = False,
) -> None:
    """Write a verified backup.

    A zip file with every quad as N-Quads and a manifest with their number and SHA-256. It may be written while others write and serve.
    """
    manifest = backup.verify(path) if check else backup.back_up(Settings.load(data=data, store=store), path)
    if not quiet:
        typer.echo(f"{counted(manifest.quads, 'quad')}, SHA-256 {manifest.sha256}; {'whole' if check else f'written to {path}'}", err=True)
