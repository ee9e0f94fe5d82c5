"""`kg ingest`: from files to published quads."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Annotated

import typer

from kg import build
from kg.build import Interrupted
from kg.cli import options
from kg.cli.progress import Progress
from kg.settings import Settings
from kg.summary import Summary
from kg.wording import counted

EXAMPLES = (
    ("kg ingest examples/", "every .txt and .md below a directory"),
    ("kg ingest article.txt news.jsonl --data mine", "files, and JSON lines with one article each"),
    ("curl -s https://example.org/feed.jsonl | kg ingest -", "JSON lines on standard input"),
    ("kg ingest --dry-run article.md", "extract and count, store nothing"),
)

_EXIT_NOTHING, _EXIT_SOME_FAILED, _EXIT_INTERRUPTED = 2, 3, 130


def command(
    paths: Annotated[list[str], typer.Argument(metavar="PATH…", help="Files (.txt, .md, .jsonl), directories, or - for JSON lines.")],
    data: options.Data = None,
    store: options.Store = None,
    base_iri: options.BaseIri = None,
    spacy_model: options.Model = None,
    weights: options.Weights = None,
    processes: options.Processes = None,
    lock_timeout_s: options.LockTimeout = None,
    publish_every_s: options.PublishEvery = None,
    keep_text: Annotated[bool, typer.Option("--keep-text", help="Store the full text too; by default only evidence sentences.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Extract and count, but store nothing.")] = False,
    quiet: options.Quiet = False,
) -> None:
    """Extract the claims of articles, store and publish them.

    An article that was stored before is replaced, one that did not change is left alone. What cannot be read or extracted is reported, and
    the rest goes on: exit code 3, or 2 when nothing at all could be stored.
    """
    flags = {"processes": processes, "lock_timeout_s": lock_timeout_s, "publish_every_s": publish_every_s}
    settings = Settings.load(data=data, store=store, base_iri=base_iri, spacy_model=spacy_model, weights=weights, **flags)
    try:
        with _terminable(), Progress(paths, quiet=quiet) as progress:
            if dry_run:
                summary = build.rehearse(settings, paths, report=progress.report)
            else:
                summary = build.ingest(settings, paths, keep_text=keep_text, report=progress.report)
    except (KeyboardInterrupt, Interrupted):
        typer.echo("interrupted; what was not stored before is left out", err=True)
        raise typer.Exit(_EXIT_INTERRUPTED) from None
    if not quiet:
        typer.echo(_in_words(summary, dry_run=dry_run), err=True)
    raise typer.Exit(_exit_code(summary))


def _in_words(summary: Summary, *, dry_run: bool) -> str:
    stored = f"{counted(summary.stored, 'article')} {'extracted' if dry_run else 'stored'}"
    found = f"{counted(summary.claims, 'claim')}, {counted(summary.mentions, 'mention')}"
    parts = [f"{stored} ({found})", f"{summary.unchanged} unchanged" if summary.unchanged else ""]
    parts.append(f"{len(summary.failed)} failed" if summary.failed else "")
    parts.append(f"snapshot {summary.snapshot} published" if summary.snapshot else "")
    words = "; ".join(filter(None, parts))
    return f"interrupted; what was done until then is kept: {words}" if summary.interrupted else words


def _exit_code(summary: Summary) -> int:
    if summary.interrupted:
        return _EXIT_INTERRUPTED
    if not summary.failed:
        return 0
    return _EXIT_SOME_FAILED if summary.stored or summary.unchanged else _EXIT_NOTHING


@contextmanager
def _terminable() -> Iterator[None]:
    """SIGTERM ends a batch as Ctrl-C does: what is extracted is stored and published."""

    def interrupt(_signal: int, _frame: FrameType | None) -> None:
        raise Interrupted

    previous = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, previous)
