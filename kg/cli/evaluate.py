"""`kg evaluate`: score extraction against annotated articles."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from ingest.scoring import Counts, Score
from kg import evaluate
from kg.cli import options, streams
from kg.evaluate import Mistake
from kg.settings import Settings
from kg.wording import counted

EXAMPLES = (
    ("kg evaluate annotated/", "a table by relation; annotated/articles/NAME.txt with annotated/gold/NAME.jsonl"),
    ("kg evaluate annotated/ --errors", "every wrong and missed claim with its sentence"),
    ("kg evaluate annotated/ --format json", "the figures alone"),
)


class Format(StrEnum):
    """How the score is printed."""

    TABLE = "table"
    JSON = "json"


def command(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="Holds articles/ and gold/.")],
    errors: Annotated[bool, typer.Option("--errors", help="List every error with its sentence.")] = False,
    format: Annotated[Format, typer.Option("--format", help="table or json.")] = Format.TABLE,  # noqa: A002
    base_iri: options.BaseIri = None,
    spacy_model: options.Model = None,
    weights: options.Weights = None,
    processes: options.Processes = None,
) -> None:
    """Score extraction against annotated articles, by the annotation guideline.

    Precision, recall and F1 over distinct claims, with a 95 % bootstrap interval over articles; optional gold rows count neither way.
    """
    settings = Settings.load(base_iri=base_iri, spacy_model=spacy_model, weights=weights, processes=processes)
    score = evaluate.evaluate(settings, directory)
    found = list(evaluate.mistakes(score.articles)) if errors else []
    if format is Format.JSON:
        listed = {"errors": [_as_json(mistake) for mistake in found]} if errors else {}
        streams.write_json(evaluate.as_json(score) | listed, indent=2)
        return
    console = Console(highlight=False)
    for mistake in found:
        console.print(_in_words(mistake), markup=False, soft_wrap=True)
    console.print(table(score))
    console.print(headline(score), markup=False, soft_wrap=True)


def headline(score: Score) -> str:
    """The micro scores of all articles in one line."""
    low, high = score.interval
    counts = score.counts
    return (
        f"precision {counts.precision:.3f}, recall {counts.recall:.3f}, F1 {counts.f1:.3f} (95 % interval {low:.3f} to {high:.3f}); "
        f"modality {score.modality_accuracy:.3f}, attribution {score.attribution_accuracy:.3f} of the right claims; "
        f"{counted(len(score.articles), 'article')}"
    )


def table(score: Score) -> Table:
    """Precision, recall, F1 and counts by relation."""
    table = Table("relation", *(("precision", "recall", "F1", "right", "wrong", "missed")), box=None, pad_edge=False)
    for column in table.columns[1:]:
        column.justify = "right"
    for name, counts in (*score.relations.items(), ("all", score.counts)):
        table.add_row(name, *_cells(counts), style="bold" if name == "all" else None)
    return table


def _cells(counts: Counts) -> list[str]:
    shares = [f"{share:.2f}" for share in (counts.precision, counts.recall, counts.f1)]
    return [*shares, str(counts.right), str(counts.wrong), str(counts.missed)]


def _in_words(mistake: Mistake) -> str:
    detail = f"  [{mistake.detail}]" if mistake.detail else ""
    return f"{mistake.kind} in {mistake.article}: {mistake.claim}{detail}\n    {mistake.sentence}"


def _as_json(mistake: Mistake) -> dict[str, str]:
    return {name: getattr(mistake, name) for name in ("article", "kind", "claim", "sentence", "detail")}
