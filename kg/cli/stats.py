"""`kg stats`: counts."""

from collections import Counter
from enum import StrEnum
from typing import Annotated, NamedTuple

import typer
from pyoxigraph import Literal, NamedNode
from rich.console import Console
from rich.table import Table

from kg import engines
from kg.cli import options, streams
from kg.engines import Graph, Reader
from kg.iris import AIKG, DCTERMS, PREFIXES, PROV, RDF, RDFS, Iris
from kg.settings import Settings

EXAMPLES = (
    ("kg stats", "articles, claims, entities, quads"),
    ("kg stats --articles", "one line an article: id, date, claims, title"),
    ("kg stats --format json", "for a program"),
)

_CLAIMS_BY = {
    "relation": """
        SELECT ?key (COUNT(*) AS ?n) { GRAPH ?g { ?claim aikg:states ?statement } GRAPH ?knowledge { ?statement rdf:predicate ?key } }
        GROUP BY ?key""",
    "modality": "SELECT ?key (COUNT(*) AS ?n) { GRAPH ?g { ?claim aikg:modality ?key } } GROUP BY ?key",
    "polarity": "SELECT ?key (COUNT(*) AS ?n) { GRAPH ?g { ?claim aikg:polarity ?key } } GROUP BY ?key",
}

type Counts = dict[str, int | dict[str, int]]


class Row(NamedTuple):
    """An article: `date` and `title` are empty where it has none."""

    id: str
    date: str
    claims: int
    title: str


class Layout(StrEnum):
    """How to print."""

    TABLE = "table"
    JSON = "json"


def command(
    articles: Annotated[bool, typer.Option("--articles", "-a", help="List the articles instead: id, date, claims, title.")] = False,
    layout: Annotated[Layout, typer.Option("--format", "-f", help="How to print.")] = Layout.TABLE,
    data: options.Data = None,
    store: options.Store = None,
) -> None:
    """Count what is in the graph: articles, claims by relation and qualifier, entities by type, statements, quads."""
    settings = Settings.load(data=data, store=store)
    with engines.reading(settings) as graph:
        if articles:
            _write_articles(list_articles(graph.open(), Iris(graph.base_iri)), layout)
            return
        counts = count(graph)
    if layout is Layout.JSON:
        streams.write_json(counts)
    else:
        Console(highlight=False).print(_table(counts))


def _write_articles(rows: list[Row], layout: Layout) -> None:
    """As JSON, or tab-separated, a line an article."""
    if layout is Layout.JSON:
        streams.write_json([row._asdict() for row in rows])
        return
    for row in rows:
        typer.echo("\t".join(map(str, row)))


def count(graph: Graph) -> Counts:
    """What is in the graph. A remote service does the counting itself."""
    store, iris = graph.open(), Iris(graph.base_iri)
    members = _grouped(store, "SELECT ?key (COUNT(*) AS ?n) { GRAPH ?g { ?member a ?key } } GROUP BY ?key")
    counts: Counts = {
        "articles": members[PROV("Bundle").value],
        "mentions": members[AIKG("Mention").value],
        "claims": members[AIKG("Claim").value],
        **{f"claims by {what}": _sorted(_local_names(_grouped(store, query))) for what, query in _CLAIMS_BY.items()},
        "statements": members[RDF("Statement").value],
        "entities": len({quad.subject for quad in store.quads_for_pattern(None, RDFS("label"), None, iris.knowledge)}),
        "entities by type": _entities_by_type(store, iris),
        "quads": len(store),
    }
    return counts if graph.number is None else {"snapshot": graph.number, **counts}


def list_articles(store: Reader, iris: Iris) -> list[Row]:
    """A row an article, sorted by id."""
    rows = []
    for bundle in store.quads_for_pattern(None, RDF("type"), PROV("Bundle"), None):
        graph = bundle.graph_name
        name = iris.article_of_graph(graph.value) if isinstance(graph, NamedNode) else None
        if name is not None and isinstance(graph, NamedNode):
            article = iris.article(name)
            about = {quad.predicate: quad.object for quad in store.quads_for_pattern(article, None, None, graph)}
            claims = sum(1 for _ in store.quads_for_pattern(None, RDF("type"), AIKG("Claim"), graph))
            date, title = (_text(about.get(DCTERMS(term))) for term in ("date", "title"))
            rows.append(Row(name, date, claims, title))
    return sorted(rows)


def _grouped(store: Reader, query: str) -> Counter[str]:
    """The rows `?key ?n` of a query, by the IRI of the key."""
    counted: Counter[str] = Counter()
    for row in store.query(query, prefixes=PREFIXES):  # type: ignore[union-attr]  # a SELECT
        counted[row["key"].value] = int(row["n"].value)
    return counted


def _local_names(counted: Counter[str]) -> Counter[str]:
    return Counter({iri.rpartition("#")[2]: number for iri, number in counted.items()})


def _entities_by_type(store: Reader, iris: Iris) -> dict[str, int]:
    quads = store.quads_for_pattern(None, RDF("type"), None, iris.knowledge)
    types = (quad.object.value for quad in quads if isinstance(quad.object, NamedNode))
    return _sorted(Counter(name.removeprefix(AIKG.iri) for name in types if name.startswith(AIKG.iri)))


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
