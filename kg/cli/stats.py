"""`kg stats`: counts."""

import json
import sys
from collections import Counter
from enum import StrEnum
from typing import Annotated

import typer
from pyoxigraph import Literal, NamedNode, Store
from rich.console import Console
from rich.table import Table

from kg.cli import options
from kg.iris import AIKG, DCTERMS, PROV, RDF, RDFS, Iris
from kg.settings import Settings
from kg.snapshots import Snapshot, current

EXAMPLES = (
    ("kg stats", "articles, claims, entities, quads"),
    ("kg stats --articles", "one line an article: id, date, claims, title"),
    ("kg stats --format json", "for a program"),
)

type Counts = dict[str, int | dict[str, int]]


class Layout(StrEnum):
    """How to print."""

    TABLE = "table"
    JSON = "json"


def command(
    articles: Annotated[bool, typer.Option("--articles", "-a", help="List the articles instead, tab-separated.")] = False,
    layout: Annotated[Layout, typer.Option("--format", "-f", help="How to print the counts.")] = Layout.TABLE,
    data: options.Data = None,
) -> None:
    """Count what is in the graph: articles, claims by relation and qualifier, entities by type, statements, quads."""
    settings = Settings.load(data=data)
    with current(settings.data) as snapshot:
        if articles:
            for line in list_articles(snapshot.open(), Iris(snapshot.base_iri)):
                typer.echo(line)
            return
        counts = count(snapshot)
    if layout is Layout.JSON:
        json.dump(counts, sys.stdout, indent=1)
        typer.echo()
    else:
        Console(highlight=False).print(_table(counts))


def count(snapshot: Snapshot) -> Counts:
    """Reads the whole snapshot once."""
    store, iris = snapshot.open(), Iris(snapshot.base_iri)
    return {
        "snapshot": snapshot.number,
        "articles": _number(store, None, RDF("type"), PROV("Bundle")),
        "mentions": _number(store, None, RDF("type"), AIKG("Mention")),
        "claims": _number(store, None, RDF("type"), AIKG("Claim")),
        "claims by relation": _by_relation(store, iris),
        "claims by modality": _by_object(store, AIKG("modality")),
        "claims by polarity": _by_object(store, AIKG("polarity")),
        "statements": _number(store, None, RDF("type"), RDF("Statement")),
        "entities": len({quad.subject for quad in store.quads_for_pattern(None, RDFS("label"), None, iris.knowledge)}),
        "entities by type": _entities_by_type(store, iris),
        "quads": len(store),
    }


def list_articles(store: Store, iris: Iris) -> list[str]:
    """A line an article, sorted by id: id, date, number of claims, title."""
    lines = []
    for bundle in store.quads_for_pattern(None, RDF("type"), PROV("Bundle"), None):
        graph = bundle.graph_name
        name = iris.article_of_graph(graph.value) if isinstance(graph, NamedNode) else None
        if name is not None and isinstance(graph, NamedNode):
            article = iris.article(name)
            about = {quad.predicate: quad.object for quad in store.quads_for_pattern(article, None, None, graph)}
            claims = sum(1 for _ in store.quads_for_pattern(None, RDF("type"), AIKG("Claim"), graph))
            date, title = (_text(about.get(DCTERMS(term))) for term in ("date", "title"))
            lines.append("\t".join((name, date, str(claims), title)))
    return sorted(lines)


def _by_relation(store: Store, iris: Iris) -> dict[str, int]:
    relations = {
        quad.subject: quad.object.value.rpartition("#")[2]
        for quad in store.quads_for_pattern(None, RDF("predicate"), None, iris.knowledge)
        if isinstance(quad.object, NamedNode)
    }
    return _sorted(Counter(relations[quad.object] for quad in store.quads_for_pattern(None, AIKG("states"), None, None)))  # type: ignore[index]


def _by_object(store: Store, predicate: NamedNode) -> dict[str, int]:
    quads = store.quads_for_pattern(None, predicate, None, None)
    return _sorted(Counter(quad.object.value.rpartition("#")[2] for quad in quads if isinstance(quad.object, NamedNode)))


def _entities_by_type(store: Store, iris: Iris) -> dict[str, int]:
    quads = store.quads_for_pattern(None, RDF("type"), None, iris.knowledge)
    types = (quad.object.value for quad in quads if isinstance(quad.object, NamedNode))
    return _sorted(Counter(name.removeprefix(AIKG.iri) for name in types if name.startswith(AIKG.iri)))


def _number(store: Store, subject: NamedNode | None, predicate: NamedNode, value: NamedNode) -> int:
    return sum(1 for _ in store.quads_for_pattern(subject, predicate, value, None))


def _sorted(counter: Counter[str]) -> dict[str, int]:
    return dict(sorted(counter.items(), key=lambda pair: (-pair[1], pair[0])))


def _text(term: object) -> str:
    return term.value if isinstance(term, Literal) else ""


def _table(counts: Counts) -> Table:
    table = Table(show_header=False)
    table.add_column("what", no_wrap=True)
    table.add_column("how many")
    for what, number in counts.items():
        many = "  ".join(f"{name} {n:,}" for name, n in number.items()) if isinstance(number, dict) else f"{number:,}"
        table.add_row(what, many)
    return table
