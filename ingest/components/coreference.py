"""`aikg_coreference`: descriptions and pronouns get the entity they stand for, where that is clear; otherwise they stay out."""

from spacy.language import Language
from spacy.tokens import Doc, Span, SpanGroup, Token

from ingest.components import MENTIONS
from ingest.model import EntityType, MentionKind

_HEADS = {
    **dict.fromkeys(("company", "firm", "startup", "start-up", "chipmaker", "publisher"), frozenset({EntityType.COMPANY})),
    **dict.fromkeys(("watchdog", "regulator", "agency", "commission"), frozenset({EntityType.PUBLIC_BODY})),
}
_POSSESSIVES = frozenset({"its"})


@Language.factory("aikg_coreference", requires=["doc.spans", "token.dep"], assigns=["doc.spans"])
def create(nlp: Language, name: str) -> "Coreference":
    """Runs after `aikg_linking` and the parser."""
    return Coreference()


class Coreference:
    """Adds mentions of kind `nominal` and `pronoun` to `doc.spans["mentions"]`."""

    def __call__(self, doc: Doc) -> Doc:
        mentions = list(doc.spans[MENTIONS])
        taken = {i for span in mentions if span.id_ != MentionKind.ADJECTIVE.value for i in range(span.start, span.end)}
        found = [span for token in doc if token.i not in taken and (span := _resolved(token, mentions)) is not None]
        both = sorted(mentions + found, key=lambda span: (span.start, span.end, span.kb_id_))
        doc.spans[MENTIONS] = SpanGroup(doc, name=MENTIONS, spans=both)
        return doc


def _resolved(token: Token, mentions: list[Span]) -> Span | None:
    types = _HEADS.get(token.lower_)
    definite = any(child.lower_ in ("the", "this", "that") for child in token.lefts)
    if types and definite:
        first = min(child.i for child in token.lefts)
        return _antecedent(token.doc, first, token.i + 1, types, MentionKind.NOMINAL, mentions)
    if token.lower_ in _POSSESSIVES:
        return _antecedent(token.doc, token.i, token.i + 1, frozenset({EntityType.COMPANY}), MentionKind.PRONOUN, mentions)
    return None


def _antecedent(doc: Doc, start: int, end: int, types: frozenset[EntityType], kind: MentionKind, mentions: list[Span]) -> Span | None:
    before = [span for span in mentions if span.end <= start and span.label_ in types]
    if not before or doc[start].sent.start - before[-1].end > 60:
        return None
    last = before[-1]
    return Span(doc, start, end, label=last.label_, kb_id=last.kb_id_, span_id=kind.value)
