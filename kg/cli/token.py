"""`kg token`: who may write over HTTP."""

import sys
from typing import Annotated

import typer

from kg import tokens
from kg.cli import options
from kg.errors import SettingError
from kg.settings import Settings
from kg.tokens import Scope

EXAMPLES = (
    ("kg token create newsroom --scope update", "prints the token once; only its hash is kept"),
    ("kg token list", "names, scopes and dates"),
    ("kg token revoke newsroom", "servers refuse it from their next request on"),
)

app = typer.Typer(
    rich_markup_mode="rich", add_completion=False, no_args_is_help=True, help="Make, list and revoke the tokens that allow writing."
)

Name = Annotated[str, typer.Argument(metavar="NAME", help="What the token is called.")]


@app.command()
def create(
    name: Name,
    scope: Annotated[list[Scope], typer.Option("--scope", "-s", help="What it allows; may be given twice.")],
    data: options.Data = None,
) -> None:
    """Make a token and print it, once: only its hash is kept."""
    secret = tokens.create(Settings.load(data=data).data, name, scope)
    typer.echo("send it as “Authorization: Bearer …”; it is not shown again", err=True)
    sys.stdout.write(f"{secret}\n")


@app.command("list")
def show(data: options.Data = None) -> None:
    """List the tokens: name, scopes and when they were made, tab-separated."""
    directory = Settings.load(data=data).data
    if not directory.is_dir():
        raise SettingError(f"there is no directory {directory}; name the data directory with --data (KG_DATA)")
    for token in tokens.all_of(directory):
        sys.stdout.write(f"{token.name}\t{','.join(token.scopes)}\t{token.created}\n")


@app.command()
def revoke(name: Name, data: options.Data = None) -> None:
    """Take a token out; servers refuse it from their next request on."""
    directory = Settings.load(data=data).data
    if not tokens.revoke(directory, name):
        raise SettingError(f"no token {name!r} in {directory}; `kg token list` shows them")
    typer.echo(f"revoked: {name}", err=True)
