"""`aikg_mentions`: which spans of the text name something.

Gazetteer names stand unless a longer name holds them ("Dell" in "Dell Technologies Capital"); other names are runs of name-like tokens
for which the base model's entities, the tags, or another place in the article speak. Types and entities are given by `aikg_linking`.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from spacy.language import Language
from spacy.tokens import Doc, Span, SpanGroup

from ingest.components import GAZETTEER, MENTIONS
from ingest.components.runs import Run, is_code, name_tokens, runs
from ingest.lexicon import first_names, words
from ingest.model import BlockKind, EntityType, MentionKind
from ingest.names import clean

_ENTITY_LABELS = frozenset({"ORG", "PERSON", "GPE", "LOC", "PRODUCT", "FAC", "LAW", "NORP", "WORK_OF_ART", "EVENT"})
_LOOSE = frozenset(
    {EntityType.PLACE, EntityType.CONCEPT, EntityType.GROUP, EntityType.PUBLIC_BODY, EntityType.GOVERNMENT, EntityType.PERSON}
)
_LEGAL = words("legal_forms")
_HEAD_TABLES = ("company_heads", "public_body_heads", "research_heads", "organization_heads")
_CUTTING = frozenset({"PERSON", "ORG", "GPE"})
_VERSION = re.compile(r"[A-Za-z][-–]\d")
_TRIMMED = frozenset({"of", "for", "and", "the", "on", "&", "-", "–", "‑", ",", "in", "to", ".", "'s", "’s"})


@dataclass(frozen=True, slots=True)
class Piece:
    """Tokens `start` to `end` (half-open) of a run; `known` is the gazetteer's name that they are."""

    start: int
    end: int
    known: Span | None = None


@Language.factory("aikg_mentions", requires=["doc.ents", "doc.spans", "token.tag"], assigns=["doc.spans"])
def create(nlp: Language, name: str) -> "Mentions":
    """Runs after `aikg_gazetteer` and the base pipeline."""
    return Mentions()


class Mentions:
    """Fills `doc.spans["mentions"]`; known names carry their entity's id, the others wait for `aikg_linking`."""

    def __call__(self, doc: Doc) -> Doc:
        headline, starts = _headline_tokens(doc), _starts(doc)
        known = [span for span in doc.spans[GAZETTEER] if _stands(span, starts, headline)]
        sure: list[Piece] = []
        unsure: list[Piece] = []
        for piece in _without_makers(doc, list(_pieces(doc, known, starts))):
            if piece.known is None:
                (sure if _is_sure(doc, piece, starts, headline) else unsure).append(piece)
        spans = [*_kept(known, sure), *(_span(doc, piece) for piece in sure)]
        spans += _again(doc, unsure, sure)
        spans.sort(key=lambda span: (span.start, span.end, span.kb_id_))
        doc.spans[MENTIONS] = SpanGroup(doc, name=MENTIONS, spans=spans)
        return doc


def _headline_tokens(doc: Doc) -> set[int]:
    """Tokens of headings in title case, where a capital says nothing."""
    found: set[int] = set()
    for block in doc._.blocks:
        if block.kind is BlockKind.HEADING:
            span = doc.char_span(block.start_char, block.end_char, alignment_mode="expand")
            long = [token for token in span or () if token.is_alpha and len(token) > 3]
            if span is not None and sum(token.text[0].isupper() for token in long) > 0.6 * max(1, len(long)):
                found.update(range(span.start, span.end))
    return found


def _starts(doc: Doc) -> frozenset[int]:
    """Tokens that are capitalised for their place: the first word of a sentence, and a word after an opening quote or colon."""
    found = set()
    opening = True
    for token in doc:
        if token.is_sent_start:
            opening = True
        if opening and not (token.is_punct or token.is_space or token.is_quote):
            found.add(token.i)
            opening = False
        elif token.text in (":", "“", "‘", "•", "—") or (token.text in "\"'" and token.i + 1 < len(doc) and not token.whitespace_):
            opening = True
    return frozenset(found)


def _stands(span: Span, starts: frozenset[int], headline: set[int]) -> bool:
    """A known name of one ordinary word at a sentence's start or in a headline needs the tagger's word that it is a name."""
    if span.label_ == EntityType.CONCEPT.value:
        return span.root.pos_ in ("NOUN", "PROPN", "ADJ") and not (
            span.root.dep_ in ("compound", "amod", "nmod") and span.root.head.i >= span.end
        )
    if len(span) > 1 or not span.text.istitle():
        return True
    return not (span.start in starts or span.start in headline) or span[0].tag_ in ("NNP", "NNPS", "JJ") or bool(span[0].ent_type_)


def _pieces(doc: Doc, known: list[Span], starts: frozenset[int]) -> Iterator[Piece]:
    flags = name_tokens(doc)
    for span in known:
        for i in range(span.start, span.end):
            flags[i] = flags[i] or span.label_ != EntityType.CONCEPT.value or span.text not in words("generic")
    position = 0
    for run in runs(doc, flags, starts):
        while position < len(known) and known[position].end <= run.start:
            position += 1
        last = position
        inside: list[Span] = []
        while last < len(known) and known[last].start < run.end:
            if known[last].start >= run.start and (not inside or known[last].start >= inside[-1].end):
                inside.append(known[last])
            last += 1
        for piece in _joined(doc, _split(run, inside)):
            yield from [piece] if piece.known is not None else _trimmed(doc, piece)


def _split(run: Run, known: list[Span]) -> list[Piece]:
    pieces, at = [], run.start
    for span in known:
        if span.start > at:
            pieces.append(Piece(at, span.start))
        pieces.append(Piece(span.start, min(span.end, run.end), span))
        at = span.end
    if at < run.end:
        pieces.append(Piece(at, run.end))
    return pieces


def _joined(doc: Doc, pieces: list[Piece]) -> list[Piece]:
    """Pieces that make one longer name, joined."""
    done: list[Piece] = []
    for piece in pieces:
        if done and _is_one_name(doc, done[-1], piece):
            done[-1] = Piece(done[-1].start, piece.end)
        else:
            done.append(piece)
    return done


def _is_one_name(doc: Doc, left: Piece, right: Piece) -> bool:
    inside_entity = doc[right.start].ent_iob_ == "I" and doc[right.start].ent_type_ in _ENTITY_LABELS
    if doc[right.start].text in ("-", "–") and right.known is None:
        return True
    if right.known is not None and right.known.label_ == "Concept" and _counts_noun(doc, right):
        return False
    if doc[right.start - 1].lower_ in ("of", "for", "&", "-", "–") and left.known is None and left.end - left.start > 1:
        return True
    if left.known is None and right.known is None:
        return True
    if left.known is None or right.known is not None:
        return inside_entity and (right.known is None or right.known.label_ in ("Place", "Concept") or left.known is None)
    if all(doc[i].lower_ in _LEGAL or doc[i].is_punct for i in range(right.start, right.end)):
        return False
    if left.known.label_ in _LOOSE or left.known.id_ == MentionKind.ADJECTIVE.value:
        return inside_entity
    starts_person = doc[right.start].ent_type_ == "PERSON" and doc[right.start].ent_iob_ == "B"
    return not starts_person and all(_can_follow(doc, i) for i in range(right.start, right.end))


def _counts_noun(doc: Doc, piece: Piece) -> bool:
    """Whether a common noun follows that the piece describes: "AI" in "the H100 AI chip"."""
    return piece.end < len(doc) and doc[piece.end].tag_ in ("NN", "NNS") and doc[piece.end].is_lower


def _without_makers(doc: Doc, pieces: list[Piece]) -> list[Piece]:
    """Pieces that begin with a known firm's name, divided where the rest is a name by itself: "Nvidia | H100", not "Intel Capital"."""
    known = {span.start: span for span in doc.spans[GAZETTEER] if span.label_ == EntityType.COMPANY.value}
    alone = {doc[piece.start : piece.end].text for piece in pieces}
    done = []
    for piece in pieces:
        maker = known.get(piece.start) if piece.known is None else None
        rest = doc[maker.end : piece.end] if maker is not None and maker.end < piece.end else None
        if maker is not None and rest is not None and _is_apart(rest, alone):
            done += [Piece(maker.start, maker.end, maker), Piece(rest.start, rest.end)]
        elif piece.known is None and (halves := _halves(doc, piece, alone)):
            done += halves
        else:
            done.append(piece)
    return done


def _is_apart(rest: Span, alone: set[str]) -> bool:
    """Whether what follows a maker's name is a name by itself: a model number, or a name that stands alone elsewhere and is no mere noun."""
    if rest[0].text in ("-", "–"):
        return False
    noun = len(rest) == 1 and any(rest.text.lower() in words(table) for table in _HEAD_TABLES)
    return (rest.text in alone and not noun) or (any(c.isdigit() for c in rest.text) and any(c.isalpha() for c in rest.text))


def _halves(doc: Doc, piece: Piece, alone: set[str]) -> list[Piece]:
    """The two sides of a hyphen that are both names elsewhere: "the Kroger-Albertsons merger"."""
    if (
        piece.end - piece.start == 3
        and doc[piece.start + 1].text in ("-", "–")
        and {doc[piece.start].text, doc[piece.end - 1].text} <= alone
    ):
        return [Piece(piece.start, piece.start + 1), Piece(piece.end - 1, piece.end)]
    return []


def _can_follow(doc: Doc, i: int) -> bool:
    token = doc[i]
    return token.tag_ in ("NNP", "NNPS", "CD", "HYPH") or is_code(token.text) or token.text in ("-", "–") or token.is_digit


def _trimmed(doc: Doc, piece: Piece) -> Iterator[Piece]:
    """The piece without joints and roles at its ends, cut where the base model begins another entity."""
    cuts = [piece.start]
    for i in range(piece.start + 1, piece.end):
        if (
            doc[i].ent_iob_ == "B"
            and (doc[i - 1].ent_type_ in _ENTITY_LABELS or doc[i].ent_type_ == "PERSON")
            and doc[i].ent_type_ in _CUTTING
        ):
            cuts.append(i)
    for start, end in zip(cuts, [*cuts[1:], piece.end], strict=True):
        while start < end and (
            doc[start].lower_ in _TRIMMED or doc[start].lower_ in _LEGAL or doc[start].lower_ in words("roles") or doc[start].is_punct
        ):
            start += 1
        while start < end and (doc[end - 1].lower_ in _TRIMMED - {"."} or doc[end - 1].lower_ in words("roles") or doc[end - 1].is_quote):
            end -= 1
        if start < end and any(len(doc[i].text) > 1 and any(c.isalpha() for c in doc[i].text) for i in range(start, end)):
            yield Piece(start, end)


def _is_sure(doc: Doc, piece: Piece, starts: frozenset[int], headline: set[int]) -> bool:
    """Whether the place itself shows that the piece is a name."""
    tokens = doc[piece.start : piece.end]
    entity = any(token.ent_type_ in _ENTITY_LABELS for token in tokens)
    proper = all(token.tag_ in ("NNP", "NNPS", "CD", "HYPH", "IN", "CC", ".", ",", "DT", "POS") for token in tokens)
    coded = bool(_VERSION.search(tokens.text)) or any(
        is_code(token.text) or any(c.isupper() for c in token.text[1:]) for token in tokens if len(token) > 1
    )
    if piece.start in headline:
        return (len(tokens) == 1 and is_code(tokens.text)) or (
            tokens[0].text in first_names() and all(i.ent_type_ == "PERSON" for i in tokens)
        )
    if piece.start in starts:
        return entity or (proper and len(tokens) > 1) or (coded and len(tokens) > 1)
    return entity or proper or coded


def _kept(known: list[Span], longer: list[Piece]) -> Iterator[Span]:
    """Known names that no longer name holds."""
    taken = {i for piece in longer for i in range(piece.start, piece.end)}
    return (span for span in known if span.start not in taken and span.end - 1 not in taken)


def _span(doc: Doc, piece: Piece) -> Span:
    return Span(doc, piece.start, piece.end, span_id=MentionKind.NAME.value)


def _again(doc: Doc, unsure: Iterable[Piece], sure: Iterable[Piece]) -> Iterator[Span]:
    """Names in unsure places (headlines, starts of sentences) that the article also uses in a sure one; the longest wins."""
    names = {clean(doc[piece.start : piece.end].text) for piece in sure}
    longest = max((name.count(" ") + 1 for name in names), default=0) + 2
    for piece in unsure:
        at = piece.start
        while at < piece.end:
            end = next((e for e in range(min(piece.end, at + longest), at, -1) if clean(doc[at:e].text) in names), None)
            if end is not None:
                yield Span(doc, at, end, span_id=MentionKind.NAME.value)
            at = end or at + 1
