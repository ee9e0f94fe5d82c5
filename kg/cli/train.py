"""`kg train`: fit the extraction pipeline's weights to annotated articles."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from kg.cli import options
from kg.cli.evaluate import headline, table
from kg.settings import Settings

EXAMPLES = (
    ("kg train annotated/ --output mine", "annotated/articles/NAME.txt with annotated/gold/NAME.jsonl; prints cross-validated scores"),
    ("kg train annotated/ corpora/ --output mine --processes 2", "with KnowledgeNet (train.jsonl) and CORE (train.json) under corpora/"),
    ("kg train annotated/ --dry-run --scores held-out.json", "cross-validate only; what was right and wrong of each article"),
)


def command(
    directories: Annotated[
        list[Path], typer.Argument(metavar="DIR…", help="Hold articles/ and gold/, KnowledgeNet's train.jsonl, or CORE's train.json.")
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="Directory for the weights and their model card.")] = Path("weights"),
    scores: Annotated[
        Path | None,
        typer.Option("--scores", metavar="FILE", help="Write the held-out scores by relation and article, and every error, as JSON."),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Cross-validate and print the scores, write nothing.")] = False,
    base_iri: options.BaseIri = None,
    spacy_model: options.Model = None,
    processes: options.Processes = None,
    quiet: options.Quiet = False,
) -> None:
    """Train on annotated articles, and print cross-validated scores.

    Needs scikit-learn (`pip install aikg[train]`). The project's own training passages always take part. The same directories give the same
    weights. Use them with `KG_WEIGHTS=DIR` or `--weights DIR`.
    """
    settings = Settings.load(base_iri=base_iri, spacy_model=spacy_model, processes=processes)
    from kg import train  # needs scikit-learn, which extraction does not

    sources = train.find(directories)
    console = Console(stderr=True, highlight=False, quiet=quiet)
    trained = train.run(settings, sources, report=lambda text: console.print(text, markup=False))
    shown = Console(highlight=False)
    shown.print(table(trained.score))
    shown.print(headline(trained.score), markup=False, soft_wrap=True)
    shown.print(str(trained.checks), markup=False, soft_wrap=True)
    if scores is not None:
        train.write_scores(trained, scores)
        console.print(f"wrote {scores}", markup=False)
    if not dry_run:
        train.write(trained, output, train.card_of(trained, sources))
        console.print(f"wrote {output}/", markup=False)
