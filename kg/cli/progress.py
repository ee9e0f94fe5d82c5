"""Progress of a batch on standard error: a bar on a terminal, a line an article elsewhere."""

from pathlib import Path
from types import TracebackType

import rich.progress
from rich.console import Console

from ingest import readers
from kg.articles import STANDARD_INPUT, sources
from kg.summary import Event, Outcome


class Progress:
    """Shows what becomes of each article; failures are shown even when quiet."""

    def __init__(self, paths: list[str], *, quiet: bool) -> None:
        self.console = Console(stderr=True, highlight=False, soft_wrap=True)
        self.quiet = quiet
        self.bar = rich.progress.Progress(
            rich.progress.TextColumn("{task.description}"),
            rich.progress.BarColumn(),
            rich.progress.MofNCompleteColumn(),
            rich.progress.TimeElapsedColumn(),
            console=self.console,
            disable=quiet or not self.console.is_terminal,
            transient=True,
        )
        self.task = self.bar.add_task("loading the pipeline", total=_how_many(paths))

    def __enter__(self) -> "Progress":
        self.bar.start()
        if not self.quiet and self.bar.disable:
            self.console.print("loading the pipeline")
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.bar.stop()

    def report(self, event: Event) -> None:
        """One article is done."""
        self.bar.update(self.task, advance=1, description=_short(event.name))
        if event.outcome is Outcome.FAILED:
            self.console.print(f"failed: {event.name}: {event.detail}", markup=False, style="red")
        elif not self.quiet and self.bar.disable:
            self.console.print(": ".join(filter(None, (event.outcome, event.name, event.detail))), markup=False)


def _short(name: str, width: int = 40) -> str:
    return name if len(name) <= width else f"…{name[1 - width :]}"


def _how_many(paths: list[str]) -> int | None:
    """How many articles the paths hold, with those that cannot be read, as far as that can be told without reading them."""
    found = sources(paths)
    many = any(source == STANDARD_INPUT or (isinstance(source, Path) and source.suffix == readers.JSON_LINES) for source in found)
    return None if many else len(found)
