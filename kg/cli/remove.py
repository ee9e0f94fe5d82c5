"""`kg remove`: articles out of the graph."""

from typing import Annotated

import typer

from kg import build
from kg.cli import options
from kg.datadir import open_existing
from kg.errors import SettingError
from kg.settings import Settings

EXAMPLES = (
    ("kg remove mistral-series-a-836b6a2b", "by id"),
    ("kg remove https://example.org/news/mistral.html", "by the URL that the article was published at"),
    ("kg remove --all", "everything but the ontology and the description of the dataset"),
)


def command(
    articles: Annotated[list[str] | None, typer.Argument(metavar="ARTICLE…", help="Ids, IRIs or URLs of articles.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Remove every article.")] = False,
    data: options.Data = None,
    store: options.Store = None,
    lock_timeout_s: options.LockTimeout = None,
    quiet: options.Quiet = False,
) -> None:
    """Take articles out, with all that only they support.

    Entities, statements and direct triples that another article supports stay. When one of the articles is not stored, nothing is removed.
    """
    if bool(articles) == everything:
        raise SettingError("name the articles to remove, or give --all")
    settings = Settings.load(data=data, store=store, lock_timeout_s=lock_timeout_s)
    if not settings.store:
        open_existing(settings.data)
    removed = build.remove(settings, articles or [], everything=everything)
    if not quiet:
        for article_id in removed:
            typer.echo(f"removed: {article_id}", err=True)
        typer.echo(f"{len(removed):,} removed", err=True)
