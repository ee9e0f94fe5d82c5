"""A small graph from hand-written claims: what extraction would hand over, through the code that turns it into quads."""

from dataclasses import dataclass

from pyoxigraph import NamedNode, Store

from ingest.model import Article, Claim, Entity, EntityType, Extraction, Mention, MentionKind, Modality, Polarity, Span
from ingest.names import new_id, new_label
from kg import ontology
from kg.iris import Iris
from kg.knowledge import KnowledgeGraph, KnownEntities
from kg.quads import Run, article_graph, dataset_quads

BASE = "http://localhost:8000/"
IRIS = Iris(BASE)
RUN = Run({"pipeline": "1", "model": "test 1", "weights": "none", **ontology.fingerprint()})


@dataclass(frozen=True)
class Name:
    """A name in a text, of an entity outside the gazetteer when its `type` is given."""

    text: str
    id: str
    type: EntityType


def known(text: str, entity_id: str) -> Name:
    """A name of a known entity."""
    return Name(text, entity_id, _KNOWN[entity_id].type)


def new(text: str, kind: EntityType) -> Name:
    """A name that the gazetteer does not know."""
    return Name(text, new_id(text, kind, {}), kind)


@dataclass(frozen=True)
class Said:
    """A sentence and the claim that it makes."""

    sentence: str
    subject: Name
    relation: str
    object: Name
    polarity: Polarity = Polarity.AFFIRMED
    modality: Modality = Modality.ACTUAL
    attribution: Name | None = None
    confidence: float = 0.8


def extraction(article_id: str, *said: Said, title: str = "", date: str = "", publisher: str = "", url: str = "") -> Extraction:
    """What extraction would find in an article of these sentences."""
    sentences = list(dict.fromkeys(s.sentence for s in said))
    text = " ".join(sentences)
    article = Article(article_id, text, title=title, date=date, publisher=publisher, url=url, language="en")
    names = {name for s in said for name in (s.subject, s.object, s.attribution) if name}
    entities = {name.id: _entity(name) for name in names}
    claims = tuple(_claim(s, text) for s in said)
    mentions = {
        Mention(_span(text, s.sentence, name.text), name.id, name.type, MentionKind.NAME)
        for s in said
        for name in (s.subject, s.object, s.attribution)
        if name
    }
    in_order = tuple(sorted(mentions, key=lambda m: (m.span.start_char, m.span.end_char)))
    return Extraction(article, tuple(entities[name] for name in sorted(entities)), in_order, claims)


def store(*extractions: Extraction) -> Store:
    """A store that holds these articles, what follows from them, the ontology and the description of the dataset."""
    filled = Store()
    filled.extend(ontology.ontology_quads(BASE))
    filled.extend(dataset_quads(IRIS))
    triples = {IRIS.entity(name).value: about for name, about in ontology.known_entity_quads(BASE).items()}
    symmetric = frozenset(name for name, relation in _SCHEMA.relations.items() if relation.symmetric)
    graphs = [article_graph(found, IRIS, RUN, symmetric=symmetric) for found in extractions]
    filled.extend(KnowledgeGraph(filled.quads_for_pattern, IRIS, KnownEntities(triples)).replace(graphs, RUN).added)
    return filled


def entity(entity_id: str) -> NamedNode:
    """The IRI of an entity."""
    return IRIS.entity(entity_id)


_SCHEMA = ontology.schema(BASE)
_KNOWN = {entity.id: entity for entity in _SCHEMA.known_entities}


def _entity(name: Name) -> Entity:
    if name.id in _KNOWN:
        return Entity(name.id, _KNOWN[name.id].label, name.type, _KNOWN[name.id].alt_labels, known=True)
    return Entity(name.id, new_label(name.id), name.type)


def _span(text: str, sentence: str, part: str) -> Span:
    start = text.index(sentence) + sentence.index(part)
    return Span(part, start, start + len(part))


def _claim(said: Said, text: str) -> Claim:
    return Claim(
        subject=said.subject.id,
        relation=said.relation,
        object=said.object.id,
        polarity=said.polarity,
        modality=said.modality,
        attribution=said.attribution.id if said.attribution else "",
        confidence=said.confidence,
        evidence=_span(text, said.sentence, said.sentence),
        subject_mention=_span(text, said.sentence, said.subject.text),
        object_mention=_span(text, said.sentence, said.object.text),
    )
