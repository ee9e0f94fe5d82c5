"""`aikg_linking`: the names of one entity get one id and one kind in an article; names outside the gazetteer get an id of their own."""

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from spacy.language import Language
from spacy.tokens import Doc, Span, SpanGroup

from ingest.components import MENTIONS
from ingest.components.aliases import PRODUCTS, Names, NameTable, product_names
from ingest.components.governments import acts, of_places
from ingest.components.kinds import Features, KindModel, Spelled, features, shipped_kinds
from ingest.components.spelling import Spelling, shipped_spelling
from ingest.model import Entity, EntityType, KnownEntity, MentionKind, Schema
from ingest.names import clean, new_id, new_label

_BODIES = frozenset({EntityType.PUBLIC_BODY.value, EntityType.ORGANIZATION.value})
_VERSION = re.compile(r"[ -]v?\d+(?:\.\d+)*$")


@Language.factory(
    "aikg_linking",
    default_config={"kinds": "", "spelling": ""},
    requires=["doc.spans", "token.dep"],
    assigns=["doc.spans", "doc._.entities", "doc._.certainty"],
)
def create(nlp: Language, name: str, kinds: str, spelling: str) -> "Linking":
    """Runs after `aikg_mentions`. `kinds`, `spelling`: files of `kg train`, empty for the package's own."""
    return Linking(
        KindModel.load(Path(kinds)) if kinds else shipped_kinds(), Spelling.load(Path(spelling)) if spelling else shipped_spelling()
    )


class Linking:
    """Gives every mention in `doc.spans["mentions"]` its entity, and sets `doc._.entities`."""

    def __init__(self, kinds: KindModel, spelled: Spelled) -> None:
        self._known: dict[str, KnownEntity] = {}
        self._types: dict[str, EntityType] = {}
        self._table = NameTable(())
        self._governments: dict[str, str] = {}
        self._kinds = kinds
        self._spelled = spelled

    def use_kinds(self, model: KindModel, spelled: Spelled) -> None:
        """Judges the kinds of new names by other models than the package's own."""
        self._kinds, self._spelled = model, spelled

    def use_schema(self, schema: Schema) -> None:
        """The gazetteer's entities by id and by name."""
        self._known = {entity.id: entity for entity in schema.known_entities}
        self._types = {entity.id: entity.type for entity in schema.known_entities}
        self._table = NameTable(schema.known_entities)
        self._governments = of_places(schema)

    def __call__(self, doc: Doc) -> Doc:
        spans = list(doc.spans[MENTIONS])
        places = _places(span for span in spans if not span.kb_id_)
        known = {span.root.i: span.label_ for span in spans if span.kb_id_}
        kinds = {name: self._kind(name, features(doc, found, known, self._spelled))[0] for name, found in places.items()}
        names = Names(self._table, {span.kb_id_ for span in spans if span.kb_id_}, _order(places), kinds)
        entities = self._entities(doc, names, places, known)
        linked = [self._executive(span) if span.kb_id_ else _linked(span, *entities[clean(span.text)]) for span in spans]
        doc.spans[MENTIONS] = SpanGroup(doc, name=MENTIONS, spans=linked)
        doc._.entities = described(linked, self._known, dict(_longer_and_shorter(linked)))
        return doc

    def _executive(self, span: Span) -> Span:
        """A place that acts is its government."""
        government = self._governments.get(span.kb_id_) if span.id_ == MentionKind.NAME.value else None
        return span if government is None or not acts(span.root) else _linked(span, government, self._types[government])

    def _entities(self, doc: Doc, names: Names, places: dict[str, list[Span]], known: dict[int, str]) -> dict[str, tuple[str, EntityType]]:
        """The entity and its kind for every name; the kind of a new entity is judged by all places of all its names."""
        found: dict[str, tuple[str, EntityType]] = {}
        doc._.certainty = {}
        for main, group in names.groups(doc).items():
            if main in self._known:
                found.update(dict.fromkeys(group, (main, self._types[main])))
                continue
            spans = sorted((span for name in group for span in places.get(name, ())), key=lambda span: (span.text != main, span.start))
            kind, certainty = self._kind(main, features(doc, spans, known, self._spelled))
            entity = new_id(main, kind, self._types)
            doc._.certainty[entity] = certainty
            found.update(dict.fromkeys(group, (entity, kind)))
        return found

    def _kind(self, name: str, found: Features) -> tuple[EntityType, float]:
        """The kind of a new name and its probability; a numbered version of a known product is what that is: "iOS 17.4"."""
        product = self._table.exact(_VERSION.sub("", name))
        kind = self._types[product] if product is not None and _VERSION.search(name) else None
        return (kind, 1.0) if kind in PRODUCTS else self._kinds.kind_of(name, found)


def _places(spans: Iterable[Span]) -> dict[str, list[Span]]:
    places: dict[str, list[Span]] = {}
    for span in spans:
        places.setdefault(clean(span.text), []).append(span)
    return places


def _order(places: dict[str, list[Span]]) -> list[str]:
    """Names by their first place."""
    return sorted(places, key=lambda name: places[name][0].start)


def _linked(span: Span, entity: str, kind: EntityType) -> Span:
    return Span(span.doc, span.start, span.end, label=kind.value, kb_id=entity, span_id=span.id_)


def _longer_and_shorter(mentions: list[Span]) -> Iterator[tuple[str, set[str]]]:
    """By entity, names that are plain from a mention and its place, though no mention has just these words."""
    found: dict[str, set[str]] = {}
    makers = {clean(span.text) for span in mentions if span.label_ == EntityType.COMPANY.value and span.id_ == MentionKind.NAME.value}
    last = None
    for span in mentions:
        if span.id_ == MentionKind.NAME.value:
            more = found.setdefault(span.kb_id_, set())
            if span.label_ in PRODUCTS:
                more.update(product_names(clean(span.text), makers))
            elif span.label_ in _BODIES and last is not None and last.end == span.start and last.label_ == EntityType.PLACE.value:
                more.add(f"{last.text} {clean(span.text)}")  # "US | National Security Council"
        last = span
    yield from found.items()


def described(mentions: list[Span], known: dict[str, KnownEntity], more: Mapping[str, set[str]]) -> dict[str, Entity]:
    """The entities of the mentions by id, sorted; alternative labels are the gazetteer's, the names the text uses, and `more`."""
    names: dict[str, set[str]] = {entity: set(others) for entity, others in more.items()}
    types: dict[str, EntityType] = {}
    for span in mentions:
        names.setdefault(span.kb_id_, set()).update({clean(span.text)} if span.id_ == MentionKind.NAME.value else ())
        types.setdefault(span.kb_id_, EntityType(span.label_))
    return {entity: _entity(entity, names[entity], types[entity], known.get(entity)) for entity in sorted(names)}


def _entity(entity: str, names: set[str], kind: EntityType, entry: KnownEntity | None) -> Entity:
    label = entry.label if entry else new_label(entity)
    labels = names | set(entry.alt_labels if entry else ())
    return Entity(entity, label, entry.type if entry else kind, tuple(sorted(labels - {label})), known=entry is not None)
