"""The ontology and the gazetteer: as the schema that extraction needs, and as quads.

The files are data (`ontology/*.ttl`); everything here is read from them, in the order in which they list it.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from functools import cache
from hashlib import sha256
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from pyoxigraph import Literal, NamedNode, Quad, RdfFormat, Triple, parse

from ingest.model import EntityType, KnownEntity, Relation, Schema
from kg.errors import DataError
from kg.iris import AIKG, OWL, RDF, RDFS, SCHEMA, SKOS, Iris

type Term = NamedNode | Literal
type Descriptions = dict[NamedNode, dict[NamedNode, list[Term]]]

_ONTOLOGY_FILES = ("aikg.ttl", "relations.ttl")
_GAZETTEER_FILE = "entities.ttl"
_SHAPES_FILE = "shapes.ttl"

_TYPE, _LABEL, _ALT_LABEL = RDF("type"), RDFS("label"), SKOS("altLabel")
_COUNTRY, _DEMONYM, _METONYM = AIKG("country"), AIKG("demonym"), AIKG("metonym")
_DOMAIN, _RANGE = SCHEMA("domainIncludes"), SCHEMA("rangeIncludes")
_ENTITY_TYPES: dict[Term, EntityType] = {AIKG(kind): kind for kind in EntityType}


def data_dir(name: str) -> Traversable:
    """The folder of data files `name` ("ontology", "queries"): in the installed package, or in the checkout it was installed from."""
    packaged = files("kg") / "_data" / name
    if packaged.is_dir():
        return packaged
    checkout = Path(__file__).resolve().parents[1] / name
    if checkout.is_dir():
        return checkout
    raise DataError(f"no folder {name} in {packaged} or {checkout}: the installation is damaged; install aikg again")


def schema(base_iri: str) -> Schema:
    """What extraction must know: the relations in the order of `relations.ttl`, and the known entities sorted by id.

    Raises DataError when a file is damaged or a description is incomplete, with the file and what is wrong in it.
    """
    iris = Iris(base_iri)
    known = [_known_entity(iris, subject, about) for subject, about in _described(known_entity_triples(base_iri)).items()]
    relations = {relation.name: relation for relation in _relations()}
    return Schema(relations, tuple(sorted(known, key=lambda entity: entity.id)))


@cache
def relation_names() -> tuple[str, ...]:
    """The names of all relations, in the order of `relations.ttl`."""
    return tuple(relation.name for relation in _relations())


def ontology_quads(base_iri: str) -> list[Quad]:
    """The triples of classes, qualifiers, properties and relations, in the ontology's graph; each once, in the files' order."""
    graph = Iris(base_iri).ontology
    return [Quad(t.subject, t.predicate, t.object, graph) for t in dict.fromkeys(ontology_triples())]


def known_entity_quads(base_iri: str) -> dict[str, list[Triple]]:
    """What the gazetteer says of each known entity, by its id."""
    iris = Iris(base_iri)
    triples: dict[str, list[Triple]] = defaultdict(list)
    for triple in known_entity_triples(base_iri):
        triples[_entity_id(iris, triple.subject)].append(triple)
    return dict(triples)


def fingerprint() -> dict[str, str]:
    """SHA-256 of what a run depends on: `ontology` (classes and relations) and `gazetteer`."""
    groups = {"ontology": _ONTOLOGY_FILES, "gazetteer": (_GAZETTEER_FILE,)}
    return {group: sha256(b"".join(_content(name) for name in names)).hexdigest() for group, names in groups.items()}


@cache
def ontology_triples() -> tuple[Triple, ...]:
    """Classes, qualifiers, properties and relations, in the files' order. Raises DataError for a damaged file."""
    return tuple(triple for name in _ONTOLOGY_FILES for triple in _parsed(name))


@cache
def known_entity_triples(base_iri: str) -> tuple[Triple, ...]:
    """The gazetteer with its entities under the base IRI, in the file's order. Raises DataError for a damaged file."""
    return tuple(_parsed(_GAZETTEER_FILE, base_iri))


def shape_triples() -> tuple[Triple, ...]:
    """The SHACL shapes that published data keep to. Raises DataError for a damaged file."""
    return tuple(_parsed(_SHAPES_FILE))


def _relations() -> list[Relation]:
    described = _described(ontology_triples())
    subclasses = _subclasses(described)
    return [
        Relation(
            name=subject.value.removeprefix(AIKG.iri),
            domain=_entity_types(subject, about, _DOMAIN, subclasses),
            range=_entity_types(subject, about, _RANGE, subclasses),
            symmetric=OWL("SymmetricProperty") in about[_TYPE],
            cues=_texts(about, AIKG("cue")),
        )
        for subject, about in described.items()
        if _DOMAIN in about or _RANGE in about
    ]


def _entity_types(
    relation: NamedNode, about: Mapping[NamedNode, list[Term]], side: NamedNode, subclasses: Mapping[NamedNode, set[NamedNode]]
) -> frozenset[EntityType]:
    """The entity types among the listed classes and everything below them."""
    types = {leaf for listed in about.get(side, ()) if isinstance(listed, NamedNode) for leaf in _below(listed, subclasses)}
    known = frozenset(_ENTITY_TYPES[kind] for kind in types if kind in _ENTITY_TYPES)
    if not known:
        raise DataError(f"relations.ttl: {relation.value} has no entity type in {side.value}; list at least one class of aikg.ttl there")
    return known


def _below(top: NamedNode, subclasses: Mapping[NamedNode, set[NamedNode]]) -> set[NamedNode]:
    found = {top}
    waiting = [top]
    while waiting:
        new = subclasses.get(waiting.pop(), set()) - found
        found |= new
        waiting += new
    return found


def _subclasses(described: Descriptions) -> dict[NamedNode, set[NamedNode]]:
    below: dict[NamedNode, set[NamedNode]] = defaultdict(set)
    for subject, about in described.items():
        for above in about.get(RDFS("subClassOf"), ()):
            if isinstance(above, NamedNode):
                below[above].add(subject)
    return below


def _known_entity(iris: Iris, subject: NamedNode, about: Mapping[NamedNode, list[Term]]) -> KnownEntity:
    entity_id = _entity_id(iris, subject)
    types = [_ENTITY_TYPES[kind] for kind in about.get(_TYPE, ()) if kind in _ENTITY_TYPES]
    labels = _texts(about, _LABEL)
    if len(types) != 1 or len(labels) != 1:
        raise DataError(f"{_GAZETTEER_FILE}: <entity/{entity_id}> needs exactly one entity type and one rdfs:label")
    return KnownEntity(
        id=entity_id,
        label=labels[0],
        type=types[0],
        alt_labels=tuple(sorted(_texts(about, _ALT_LABEL))),
        country=next(iter(_texts(about, _COUNTRY)), ""),
        demonyms=tuple(sorted(_texts(about, _DEMONYM))),
        metonyms=tuple(sorted(_texts(about, _METONYM))),
    )


def _entity_id(iris: Iris, subject: object) -> str:
    entity_id = iris.id_of("entity", subject.value) if isinstance(subject, NamedNode) else None
    if entity_id is None:
        raise DataError(f"{_GAZETTEER_FILE}: {subject} is no entity; its IRI must be <entity/NAME>")
    return entity_id


def _texts(about: Mapping[NamedNode, list[Term]], predicate: NamedNode) -> tuple[str, ...]:
    return tuple(value.value for value in about.get(predicate, ()) if isinstance(value, Literal))


def _described(triples: Iterable[Triple]) -> Descriptions:
    described: Descriptions = {}
    for triple in triples:
        if isinstance(triple.subject, NamedNode) and isinstance(triple.object, NamedNode | Literal):
            described.setdefault(triple.subject, {}).setdefault(triple.predicate, []).append(triple.object)
    return described


def _parsed(name: str, base_iri: str | None = None) -> list[Triple]:
    try:
        return [quad.triple for quad in parse(input=_content(name), format=RdfFormat.TURTLE, base_iri=base_iri)]
    except SyntaxError as error:
        raise DataError(f"{name}, line {error.lineno}: {error.msg}; mend the file, or install aikg again") from error


def _content(name: str) -> bytes:
    file = data_dir("ontology") / name
    try:
        return file.read_bytes()
    except OSError as error:
        raise DataError(f"cannot read {file}: {error.strerror}; install aikg again") from error
