"""`aikg_mentions`: which spans of the text name something, and what kind of thing.

Gazetteer names stand as they are; the base model's entities fill the rest, with their boundaries mended.
"""

from collections.abc import Iterator

from spacy.language import Language
from spacy.tokens import Doc, Span, SpanGroup

from ingest.components import GAZETTEER, MENTIONS
from ingest.model import EntityType, MentionKind

_TYPES = {
    "ORG": EntityType.COMPANY,
    "PERSON": EntityType.PERSON,
    "GPE": EntityType.PLACE,
    "LOC": EntityType.PLACE,
    "PRODUCT": EntityType.PRODUCT,
    "LAW": EntityType.REGULATION,
}


@Language.factory("aikg_mentions", requires=["doc.ents", "doc.spans"], assigns=["doc.spans"])
def create(nlp: Language, name: str) -> "Mentions":
    """Runs after `aikg_gazetteer` and the base pipeline."""
    return Mentions()


class Mentions:
    """Fills `doc.spans["mentions"]`; known names carry their entity's id, the others wait for `aikg_linking`."""

    def __call__(self, doc: Doc) -> Doc:
        found = list(doc.spans[GAZETTEER])
        found += [span for span in _recognised(doc) if not _overlaps(span, found)]
        found.sort(key=lambda span: (span.start, span.end, span.kb_id_))
        doc.spans[MENTIONS] = SpanGroup(doc, name=MENTIONS, spans=found)
        return doc


def _recognised(doc: Doc) -> Iterator[Span]:
    for ent in doc.ents:
        kind = _TYPES.get(ent.label_)
        start, end = _bounds(ent)
        if kind is not None and start < end:
            yield Span(doc, start, end, label=kind.value, span_id=MentionKind.NAME.value)


def _bounds(span: Span) -> tuple[int, int]:
    start, end = span.start, span.end
    doc = span.doc
    while start < end and (doc[start].lower_ == "the" or doc[start].is_punct or doc[start].is_space):
        start += 1
    while start < end and (doc[end - 1].tag_ == "POS" or doc[end - 1].is_punct or doc[end - 1].is_space):
        end -= 1
    return start, end


def _overlaps(span: Span, others: list[Span]) -> bool:
    return any(span.start < other.end and other.start < span.end for other in others)
