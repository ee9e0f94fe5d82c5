"""`kg entity`: what is known about one entity."""

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Annotated

import typer
from pyoxigraph import Literal, NamedNode
from rich.console import Console
from rich.text import Text

from kg import engines, queries
from kg.cli import options, streams
from kg.engines import Reader
from kg.iris import AIKG, DCTERMS, NIF, OWL, PROV, RDF, RDFS, SKOS, Iris
from kg.settings import Settings
from kg.wording import counted

EXAMPLES = (
    ("kg entity 'Mistral AI'", "by name; case and a leading “the” do not matter"),
    ("kg entity Government_of_France --format json", "by id, for a program"),
)


class Layout(StrEnum):
    """How to print."""

    TEXT = "text"
    JSON = "json"


@dataclass(frozen=True, slots=True)
class Said:
    """A claim about the entity, in words, with the sentence that makes it."""

    claim: str
    sentence: str
    article: str
    title: str


@dataclass(frozen=True, slots=True)
class Entity:
    """What the graph knows of an entity; claims sorted by their words, then by article."""

    id: str
    label: str
    types: list[str]
    names: list[str]
    same_as: list[str]
    claims: list[Said]


def command(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A name, id or IRI.")],
    layout: Annotated[Layout, typer.Option("--format", "-f", help="How to print.")] = Layout.TEXT,
    data: options.Data = None,
    store: options.Store = None,
) -> None:
    """Show what is known about an entity: its kinds and names, and every claim about it with its sentence."""
    settings = Settings.load(data=data, store=store)
    with engines.reading(settings) as graph:
        reader, iris = graph.open(), Iris(graph.base_iri)
        entity = describe(reader, iris, queries.find_entity(reader, iris, name))
    if layout is Layout.JSON:
        streams.write_json(asdict(entity))
    else:
        _show(entity, Console(highlight=False))


def describe(store: Reader, iris: Iris, node: NamedNode) -> Entity:
    """Everything that the knowledge graph and the claims say of an entity."""
    about = list(store.quads_for_pattern(node, None, None, iris.knowledge))

    def values(predicate: NamedNode) -> list[str]:
        return sorted(quad.object.value for quad in about if quad.predicate == predicate and isinstance(quad.object, NamedNode | Literal))

    return Entity(
        id=iris.id_of("entity", node.value) or node.value,
        label=next(iter(values(RDFS("label"))), node.value),
        types=[kind.removeprefix(AIKG.iri) for kind in values(RDF("type")) if kind.startswith(AIKG.iri)],
        names=values(SKOS("altLabel")),
        same_as=values(OWL("sameAs")),
        claims=sorted((_said(store, claim) for claim in _claims(store, iris, node)), key=lambda said: (said.claim, said.article)),
    )


def _claims(store: Reader, iris: Iris, node: NamedNode) -> set[NamedNode]:
    statements = {
        quad.subject
        for side in (RDF("subject"), RDF("object"))
        for quad in store.quads_for_pattern(None, side, node, iris.knowledge)
        if isinstance(quad.subject, NamedNode)
    }
    claims = (quad.subject for statement in statements for quad in store.quads_for_pattern(None, AIKG("states"), statement, None))
    return {claim for claim in claims if isinstance(claim, NamedNode)}


def _said(store: Reader, claim: NamedNode) -> Said:
    article = _one(store, claim, PROV("wasDerivedFrom"))
    sentence = _one(store, claim, AIKG("evidence"))
    title = _value(_one(store, article, DCTERMS("title"))) if isinstance(article, NamedNode) else ""
    words = _value(_one(store, sentence, NIF("anchorOf"))) if isinstance(sentence, NamedNode) else ""
    return Said(_value(_one(store, claim, RDFS("label"))), words, _value(article), title)


def _one(store: Reader, subject: NamedNode, predicate: NamedNode) -> object:
    return next((quad.object for quad in store.quads_for_pattern(subject, predicate, None, None)), None)


def _value(term: object) -> str:
    return term.value if isinstance(term, NamedNode | Literal) else ""


def _show(entity: Entity, console: Console) -> None:
    console.print(Text(entity.label, style="bold"), Text(f"({', '.join(entity.types)})"), Text(entity.id, style="dim"))
    if entity.names:
        console.print(Text(f"also: {', '.join(entity.names)}"))
    for same in entity.same_as:
        console.print(Text(f"same as: {same}", style="dim"))
    console.print()
    for said in entity.claims:
        console.print(Text(said.claim, style="cyan"))
        console.print(Text(f"  “{' '.join(said.sentence.split())}”"))
        console.print(Text(f"  {said.title or said.article}", style="dim"))
    console.print(Text(counted(len(entity.claims), "claim"), style="dim"))
