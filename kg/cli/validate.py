"""`kg validate`: the published graph against its SHACL shapes."""

from dataclasses import asdict
from enum import StrEnum
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress
from rich.text import Text

from kg import engines, validate
from kg.cli import options, streams
from kg.cli.results import short
from kg.settings import Settings
from kg.validate import Report
from kg.wording import counted

EXAMPLES = (
    ("kg validate", "every violation with its node; exit code 1 when there is one"),
    ("kg validate --format json > violations.json", "for a program"),
)

_EXIT_NO = 1


class Layout(StrEnum):
    """How to print."""

    TEXT = "text"
    JSON = "json"


def command(
    layout: Annotated[Layout, typer.Option("--format", "-f", help="How to print.")] = Layout.TEXT,
    data: options.Data = None,
    store: options.Store = None,
    quiet: options.Quiet = False,
) -> None:
    """Check the published graph against its SHACL shapes.

    Each violation says what is wrong where, and what to do. Exit code 1 when there is a violation; warnings alone are no violation.
    """
    settings = Settings.load(data=data, store=store)
    console = Console(stderr=True)
    bar = Progress(console=console, transient=True, disable=quiet or not console.is_terminal)
    with engines.reading(settings) as graph, graph.copy() as copy, bar:
        task = bar.add_task("checking", total=None)
        report = validate.validate(copy, progress=lambda done, total: bar.update(task, completed=done, total=total))
        base_iri = graph.base_iri
    if layout is Layout.JSON:
        found = {"conforms": report.conforms, "checked": dict(report.checked), "violations": [asdict(v) for v in report.violations]}
        streams.write_json(found)
    else:
        _show(report, base_iri, quiet=quiet)
    if not report.conforms:
        raise typer.Exit(_EXIT_NO)


def _show(report: Report, base_iri: str, *, quiet: bool) -> None:
    console = Console(highlight=False, soft_wrap=True)
    for violation in report.violations:
        place = " ".join(short(part, base_iri) for part in (violation.where, violation.path, violation.value) if part)
        console.print(Text(f"{violation.severity.value}: {place}: {violation.what}"))
    if not quiet:
        nodes = ", ".join(counted(number, label) for label, number in report.checked.items() if number)
        verdict = counted(len(report.violations), "result") if report.violations else "no violation"
        Console(stderr=True, highlight=False, soft_wrap=True).print(f"{verdict}; checked {nodes or 'nothing'}")
