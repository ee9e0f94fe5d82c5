"""`kg extract`: what is found in an article."""

import sys
from collections.abc import Callable, Sequence
from functools import partial
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from ingest.errors import ArticleError
from ingest.model import EntityType, Extraction, Polarity
from kg import build, engines
from kg.articles import articles, distinct
from kg.cli import options, results, streams
from kg.errors import SettingError
from kg.extractions import as_json, as_json_line
from kg.iris import Iris
from kg.knowledge import KnowledgeGraph
from kg.quads import Run, article_graph, claim_label
from kg.settings import DEFAULT_BASE_IRI, Settings
from kg.wording import counted

EXAMPLES = (
    ("kg extract article.txt", "the article with its entities and claims highlighted"),
    ("kg extract article.txt --explain", "and why each claim was found"),
    ("kg extract article.txt --format json", "entities, mentions and claims with offsets"),
    ("kg extract --format jsonl articles.jsonl > claims.jsonl", "many articles, one a line, in one process"),
    ("kg extract article.md --format turtle", "the RDF that kg ingest would store"),
)

_EXIT_NOTHING, _EXIT_SOME_FAILED = 2, 3
_FORMATS = ("text", "json", "jsonl")
_ONE_DOCUMENT = ("json", "jsonld", "rdfxml")  # of which several one after another are none any more
_STYLES = {
    EntityType.COMPANY: "bold cyan",
    EntityType.PERSON: "bold magenta",
    EntityType.GOVERNMENT: "bold yellow",
    EntityType.PUBLIC_BODY: "bold yellow",
    EntityType.REGULATION: "bold red",
    EntityType.PLACE: "green",
    EntityType.AI_MODEL: "bold blue",
    EntityType.PRODUCT: "blue",
}
_OTHER_STYLE = "bold"


def command(
    paths: Annotated[list[str], typer.Argument(metavar="PATH…", help="Files (.txt, .md, .jsonl), directories, or - for JSON lines.")],
    output_format: Annotated[
        str, typer.Option("--format", "-f", help="text, json, jsonl; as RDF turtle, nquads, trig, ntriples, jsonld, rdfxml.")
    ] = "text",
    explain: Annotated[bool, typer.Option("--explain", help="Say which patterns and features are behind each claim.")] = False,
    keep_text: Annotated[bool, typer.Option("--keep-text", help="In RDF, include the full text.")] = False,
    data: options.Data = None,
    store: options.Store = None,
    base_iri: options.BaseIri = None,
    spacy_model: options.Model = None,
    weights: options.Weights = None,
    processes: options.Processes = None,
) -> None:
    """Show what is found in an article; store nothing.

    JSON has the entities with their mentions, and the claims with evidence, qualifiers and confidence; offsets count Unicode characters of
    the article's text. An article that cannot be read is reported, and the rest goes on.
    """
    settings = Settings.load(data=data, store=store, base_iri=base_iri, spacy_model=spacy_model, weights=weights, processes=processes)
    output_format = output_format.strip().lower()
    iris = Iris(settings.base_iri or DEFAULT_BASE_IRI)
    if output_format not in _FORMATS:
        output_format = results.graph_format(output_format, others=_FORMATS).name
        iris = Iris(engines.base_iri(settings))  # only RDF has IRIs, so nothing else needs the store
    extractor, run, schema = build.load_extractor(settings, iris.base)
    writers: dict[str, Callable[[Extraction], None]] = {
        "text": lambda found: _show(found, explain=explain),
        "json": lambda found: _write_json(as_json(found, explain=explain), indent=1),
        "jsonl": lambda found: _write_json(as_json_line(found, explain=explain), indent=None),
    }
    rdf = partial(_write_rdf, name=output_format, iris=iris, run=run, symmetric=schema.symmetric, keep_text=keep_text)
    write = writers.get(output_format) or (lambda found: rdf([found]))
    kept: list[Extraction] = []
    shown = failed = 0
    found = articles(paths) if output_format in _FORMATS else distinct(articles(paths))
    for extraction in build.extracting(extractor, settings.processes)(found):
        if isinstance(extraction, ArticleError):
            failed += 1
            typer.echo(f"failed: {extraction}", err=True)
        elif extraction is not None:
            shown += 1
            (kept.append if output_format in _ONE_DOCUMENT else write)(extraction)
            _refuse_several_in_json(output_format, shown)
    if kept:
        write(kept[0]) if output_format == "json" else rdf(kept)
    if failed:
        raise typer.Exit(_EXIT_SOME_FAILED if shown else _EXIT_NOTHING)


def _refuse_several_in_json(name: str, articles: int) -> None:
    if name == "json" and articles > 1:
        raise SettingError("--format json holds one article, and there are several; --format jsonl writes one a line")


def _write_json(found: dict[str, object], *, indent: int | None) -> None:
    streams.write_json(found, indent=indent)
    sys.stdout.flush()


def _write_rdf(found: Sequence[Extraction], *, name: str, iris: Iris, run: Run, symmetric: frozenset[str], keep_text: bool) -> None:
    """The articles' graphs and their part of the knowledge graph, as an empty store would get them."""
    graphs = [article_graph(one, iris, run, symmetric=symmetric, keep_text=keep_text) for one in found]
    change = KnowledgeGraph(lambda *_: iter(()), iris, build.known_entities(iris)).replace(graphs, run)
    results.write_quads(sorted(change.added, key=str), name, sys.stdout.buffer, iris.base)


def _show(found: Extraction, *, explain: bool) -> None:
    console = Console(highlight=False)
    if found.article.title:
        console.print(Text(found.article.title, style="bold underline"))
    text = Text(found.article.text)
    for mention in found.mentions:
        text.stylize(_STYLES.get(mention.type, _OTHER_STYLE), mention.span.start_char, mention.span.end_char)
    for claim in found.claims:
        text.stylize("underline", claim.subject_mention.start_char, claim.subject_mention.end_char)
        text.stylize("underline", claim.object_mention.start_char, claim.object_mention.end_char)
    console.print(text)
    labels = {entity.id: entity.label for entity in found.entities}
    kinds = sorted({mention.type for mention in found.mentions})
    console.print()
    for kind in kinds:
        names = sorted({labels.get(m.entity, m.entity) for m in found.mentions if m.type is kind})
        console.print(Text(f"{kind.value}: ", style=_STYLES.get(kind, _OTHER_STYLE)) + Text(", ".join(names), style="not bold"))
    console.print()
    for claim in found.claims:
        style = "red" if claim.polarity is Polarity.NEGATED else "cyan"
        console.print(Text(claim_label(claim, labels), style=style) + Text(f"  {claim.confidence:.2f}", style="dim"))
        console.print(Text(f"  “{' '.join(claim.evidence.text.split())}”"))
        if explain:
            console.print(Text(f"  because of {', '.join(claim.why) or 'nothing it told'}", style="dim"))
    counts = {"claim": found.claims, "entity": found.entities, "mention": found.mentions}
    console.print(Text(", ".join(counted(len(values), noun) for noun, values in counts.items()), style="dim"))
