"""Name-like runs cut into pieces: known names, names that hold a known one, and new names with clean ends."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from spacy.tokens import Doc, Span

from ingest.components import GAZETTEER
from ingest.components.regulations import regulations
from ingest.components.runs import Run, is_code, name_tokens, runs
from ingest.lexicon import words
from ingest.model import EntityType, MentionKind

ENTITY_LABELS = frozenset({"ORG", "PERSON", "GPE", "LOC", "PRODUCT", "FAC", "LAW", "NORP", "WORK_OF_ART", "EVENT"})
_LOOSE = frozenset(
    {EntityType.PLACE, EntityType.CONCEPT, EntityType.GROUP, EntityType.PUBLIC_BODY, EntityType.GOVERNMENT, EntityType.PERSON}
)
_LEGAL = words("legal_forms")
_HEAD_TABLES = ("company_heads", "public_body_heads", "research_heads", "organization_heads")
_CUTTING = frozenset({"PERSON", "ORG", "GPE"})
_PARTY = re.compile(r"[DRI]-[A-Z]")  # "Sen. Ron Wyden, D-Ore."
_TRIMMED = frozenset({"of", "for", "and", "the", "on", "&", "-", "–", "‑", ",", "in", "to", ".", "'s", "’s"})


@dataclass(frozen=True, slots=True)
class Piece:
    """Tokens `start` to `end` (half-open) of a run; `known` is the gazetteer's name that they are."""

    start: int
    end: int
    known: Span | None = None


def pieces(doc: Doc, known: list[Span], starts: frozenset[int], peoples: set[int]) -> list[Piece]:
    """The pieces of a Doc in text order, disjoint; `known` are the names that stand there, `peoples` words like "Americans"."""
    laws = [Piece(start, end) for start, end in regulations(doc)]
    taken = {i for law in laws for i in range(law.start, law.end)}
    cut = [
        piece
        for piece in _without_makers(doc, list(_pieces(doc, known, starts, peoples)))
        if taken.isdisjoint(range(piece.start, piece.end))
    ]
    same = {(span.start, span.end) for span in known}
    return sorted([*(law for law in laws if (law.start, law.end) not in same), *cut], key=lambda piece: piece.start)


def _pieces(doc: Doc, known: list[Span], starts: frozenset[int], peoples: set[int]) -> Iterator[Piece]:
    flags = [flag and i not in peoples for i, flag in enumerate(name_tokens(doc))]
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
    inside_entity = doc[right.start].ent_iob_ == "I" and doc[right.start].ent_type_ in ENTITY_LABELS
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
    """Whether what follows a maker's name is a name by itself: a model number, or a name that also stands alone and is no mere noun."""
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
            and (doc[i - 1].ent_type_ in ENTITY_LABELS or doc[i].ent_type_ == "PERSON")
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
        if doc[end - 1 : end + 2].text in ("A/S", "P/S", "I/S"):
            end -= 1  # legal forms of Danish firms
        if (
            start < end
            and not _PARTY.match(doc[start:end].text)
            and any(len(doc[i].text) > 1 and any(c.isalpha() for c in doc[i].text) for i in range(start, end))
        ):
            yield Piece(start, end)
