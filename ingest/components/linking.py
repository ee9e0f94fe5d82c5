"""`aikg_linking`: mentions of one entity get one id; names outside the gazetteer get an id of their own."""

from spacy.language import Language
from spacy.tokens import Doc, Span, SpanGroup

from ingest.components import MENTIONS
from ingest.model import Entity, EntityType, KnownEntity, MentionKind, Schema
from ingest.names import clean, new_id, new_label


@Language.factory("aikg_linking", requires=["doc.spans"], assigns=["doc.spans", "doc._.entities"])
def create(nlp: Language, name: str) -> "Linking":
    """Runs after `aikg_mentions`."""
    return Linking()


class Linking:
    """Gives every mention in `doc.spans["mentions"]` its entity, and sets `doc._.entities`."""

    def __init__(self) -> None:
        self._known: dict[str, KnownEntity] = {}
        self._types: dict[str, EntityType] = {}

    def use_schema(self, schema: Schema) -> None:
        """The gazetteer's entities by id."""
        self._known = {entity.id: entity for entity in schema.known_entities}
        self._types = {entity.id: entity.type for entity in schema.known_entities}

    def __call__(self, doc: Doc) -> Doc:
        linked = [self._linked(span) for span in doc.spans[MENTIONS]]
        doc.spans[MENTIONS] = SpanGroup(doc, name=MENTIONS, spans=linked)
        doc._.entities = entities(linked, self._known)
        return doc

    def _linked(self, span: Span) -> Span:
        if span.kb_id_:
            return span
        entity = new_id(clean(span.text), EntityType(span.label_), self._types)
        return Span(span.doc, span.start, span.end, label=span.label_, kb_id=entity, span_id=span.id_)


def entities(mentions: list[Span], known: dict[str, KnownEntity]) -> dict[str, Entity]:
    """The entities of the mentions by id, sorted; alternative labels are the gazetteer's and the names the text uses."""
    names: dict[str, set[str]] = {}
    types: dict[str, EntityType] = {}
    for span in mentions:
        names.setdefault(span.kb_id_, set()).update({clean(span.text)} if span.id_ == MentionKind.NAME.value else ())
        types.setdefault(span.kb_id_, EntityType(span.label_))
    return {entity: _entity(entity, names[entity], types[entity], known.get(entity)) for entity in sorted(names)}


def _entity(entity: str, names: set[str], kind: EntityType, entry: KnownEntity | None) -> Entity:
    label = entry.label if entry else new_label(entity)
    labels = names | set(entry.alt_labels if entry else ())
    return Entity(entity, label, entry.type if entry else kind, tuple(sorted(labels - {label})), known=entry is not None)
