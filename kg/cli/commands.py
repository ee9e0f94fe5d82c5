"""The commands of `kg`: a table, of which each is imported only when it is called.

A command is a module with a function `command`, whose docstring is its help, and `EXAMPLES`, pairs of a call and what it does; or, for
one with verbs of its own, a Typer `app` in the place of `command`. A new command is its module and one row here.
"""

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches
from importlib import import_module
from importlib.metadata import version
from inspect import cleandoc
from typing import Annotated, Any

import typer
from rich.markup import escape
from typer.core import TyperCommand, TyperGroup

from ingest.errors import IngestError
from kg.cli import streams
from kg.errors import KgError, PipeError, StreamError

EXIT_FAILED = 2


@dataclass(frozen=True, slots=True)
class Row:
    """Where a command is, under which heading `kg --help` shows it, and what it does in one line."""

    module: str
    heading: str
    summary: str


BUILD, ASK, CHECK, KEEP = "Build the graph", "Ask it", "Measure and check", "Keep it"

COMMANDS: dict[str, Row] = {
    "ingest": Row("kg.cli.ingest", BUILD, "Extract the claims of articles, store and publish them."),
    "extract": Row("kg.cli.extract", BUILD, "Show what is found in an article; store nothing."),
    "remove": Row("kg.cli.remove", BUILD, "Take articles out, with all that only they support."),
    "query": Row("kg.cli.query", ASK, "Run a SPARQL query or a saved query."),
    "entity": Row("kg.cli.entity", ASK, "Show what is known about an entity, with the sentences."),
    "stats": Row("kg.cli.stats", ASK, "Count what is in the graph."),
    "serve": Row("kg.cli.serve", ASK, "Serve SPARQL, graphs and web pages over HTTP."),
    "validate": Row("kg.cli.validate", CHECK, "Check the published graph against its SHACL shapes."),
    "evaluate": Row("kg.cli.evaluate", CHECK, "Score extraction against annotated articles."),
    "train": Row("kg.cli.train", CHECK, "Fit the extraction pipeline's weights to annotated articles."),
    "export": Row("kg.cli.export", KEEP, "Write the whole graph to a file."),
    "backup": Row("kg.cli.backup", KEEP, "Write a verified backup."),
    "restore": Row("kg.cli.restore", KEEP, "Bring back a backup into an empty data directory."),
    "publish": Row("kg.cli.publish", KEEP, "Publish the store's present state."),
    "token": Row("kg.cli.token", KEEP, "Make, list and revoke the tokens that allow writing over HTTP."),
    "config": Row("kg.cli.config", KEEP, "Show every setting, its value and where that comes from."),
}


class Commands(TyperGroup):
    """Imports a command when it is called; lists them from the table."""

    _listing = False

    def list_commands(self, ctx: typer.Context) -> list[str]:  # type: ignore[override]
        """The names in the table's order."""
        return list(COMMANDS)

    def get_command(self, ctx: typer.Context, cmd_name: str) -> Any:  # type: ignore[override]
        """The command itself, or only its summary while `kg --help` is written; None when there is no such command."""
        row = COMMANDS.get(cmd_name)
        if row is None:
            return None
        if self._listing:
            return TyperCommand(cmd_name, help=row.summary, rich_help_panel=row.heading)
        return load(cmd_name)

    def resolve_command(self, ctx: typer.Context, args: list[str]) -> Any:  # type: ignore[override]
        """The command that is called. An unknown one is refused with those that may be meant: Typer knows only what is loaded."""
        if args[0] not in COMMANDS and (meant := get_close_matches(args[0], COMMANDS)):
            ctx.fail(f"No such command {args[0]!r}. Did you mean {' or '.join(map(repr, meant))}?")
        return super().resolve_command(ctx, args)

    def format_help(self, ctx: typer.Context, formatter: Any) -> None:  # type: ignore[override]
        """Writes the help without importing a command."""
        self._listing = True
        super().format_help(ctx, formatter)
        self._listing = False


def load(name: str) -> Any:
    """The command of this name in the table, ready to be called."""
    module = import_module(COMMANDS[name].module)
    own: typer.Typer = getattr(module, "app", None) or typer.Typer(rich_markup_mode="rich", add_completion=False)
    if hasattr(module, "command"):
        own.command(name, help=_paragraphs(module.command.__doc__), epilog=_epilog(module.EXAMPLES))(module.command)
    command = typer.main.get_command(own)
    command.name, command.epilog = name, _epilog(module.EXAMPLES)
    return command


def _paragraphs(docstring: str) -> str:
    """A docstring without the line breaks inside its paragraphs."""
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in cleandoc(docstring).split("\n\n"))


def _epilog(examples: tuple[tuple[str, str], ...]) -> str:
    lines = (f"[bold]{escape(example)}[/bold]  [dim]{escape(what)}[/dim]" for example, what in examples)
    return "\n\n".join(["Examples:", *lines])


app = typer.Typer(cls=Commands, rich_markup_mode="rich", no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"aikg {version('aikg')}")
        raise typer.Exit


@app.callback()
def _root(
    shown: Annotated[bool, typer.Option("--version", help="Print the version and exit.", callback=_show_version, is_eager=True)] = False,
) -> None:
    """News about the AI industry and its politics as a knowledge graph in which every claim cites its sentence.

    Data goes to standard output, talk to standard error. Exit codes: 0 done, 1 a check answered no, 2 nothing could be done,
    3 a batch finished with some articles failed. `kg COMMAND --help` has examples.
    """
    from kg import settings  # takes a tenth of a second to load, and `kg --help` needs none

    for variable, meant in settings.unknown(os.environ).items():
        hint = f"did you mean {settings.PREFIX}{meant}?" if meant else "`kg config` shows those that are"
        typer.echo(f"kg: the variable {variable} is no setting; {hint}", err=True)


def run() -> int:
    """Runs the command that was called, and returns its exit code when all that it wrote has left the process.

    What is raised on purpose ends as one line on standard error.
    """
    streams.take_over()
    exit_code = _exit_code(app)
    return _exit_code(sys.stdout.flush) or exit_code


def _exit_code(step: Callable[[], object]) -> int:
    try:
        step()
    except StreamError as error:
        if not isinstance(error, PipeError):
            _complain(error)
        streams.let_go()
        return error.exit_code
    except KgError as error:
        _complain(error)
        return error.exit_code
    except IngestError as error:
        _complain(error)
        return EXIT_FAILED
    except SystemExit as done:
        return done.code if isinstance(done.code, int) else EXIT_FAILED
    return 0


def _complain(error: Exception) -> None:
    try:
        typer.echo(f"kg: {error}", err=True)
    except StreamError:
        streams.let_go()
