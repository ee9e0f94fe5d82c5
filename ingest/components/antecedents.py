"""What a description or pronoun refers back to: candidates by kind, ranked by recency, role and weight; unclear cases stay open."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from math import log

from spacy.tokens import Doc, Span, Token

_SUBJECTS = frozenset({"nsubj", "nsubjpass", "csubj", "agent"})
_OBJECTS = frozenset({"dobj", "dative", "attr", "oprd"})
_WINDOW = 3  # sentences back
_MARGIN = 0.45  # how far the best candidate must lead
_FLOOR = 0.0


@dataclass(slots=True)
class History:
    """The mentions of a Doc so far, by sentence, with what ranks them."""

    doc: Doc
    sentence_of: list[int]
    title: frozenset[str]  # entities of the first sentences
    mentions: list[Span] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)

    def add(self, span: Span) -> None:
        """Takes one more mention, in text order."""
        self.mentions.append(span)
        self.counts[span.kb_id_] += 1


def best(
    history: History, anaphor: Token, start: int, allowed: Iterable[str], kinds: frozenset[str], *, margin: float = _MARGIN
) -> Span | None:
    """The mention whose entity the anaphor stands for; None when there is none of the kinds, or two are about as likely.

    `allowed` restricts the entities when it is not empty.
    """
    scores = _scores(history, anaphor, start, frozenset(allowed), kinds)
    ranked = sorted(scores.items(), key=lambda pair: (-pair[1][0], pair[0]))
    if not ranked or ranked[0][1][0] < _FLOOR:
        return None
    if len(ranked) > 1 and ranked[0][1][0] - ranked[1][1][0] < margin:
        return None
    return ranked[0][1][1]


def _scores(history: History, anaphor: Token, start: int, allowed: frozenset[str], kinds: frozenset[str]) -> dict[str, tuple[float, Span]]:
    here = history.sentence_of[anaphor.i]
    found: dict[str, tuple[float, Span]] = {}
    for span in reversed(history.mentions):
        distance = here - history.sentence_of[span.start]
        if distance > _WINDOW:
            break
        if span.end > start or span.label_ not in kinds or (allowed and span.kb_id_ not in allowed) or _is_barred(span, anaphor, distance):
            continue
        score = _score(history, span, anaphor, distance)
        if span.kb_id_ not in found or found[span.kb_id_][0] < score:
            found[span.kb_id_] = (score, span)
    return found


def _score(history: History, span: Span, anaphor: Token, distance: int) -> float:
    root = _first_conjunct(span.root)
    score = 1.0 - 0.6 * distance + 0.35 * log(history.counts[span.kb_id_])
    if root.dep_ in _SUBJECTS:
        score += 0.9 if distance <= 1 else 0.5
        if distance == 0 and root.head in anaphor.ancestors:
            score += 0.6
        if anaphor.dep_ in _SUBJECTS:
            score += 0.3
    elif root.dep_ in _OBJECTS:
        score += 0.2
    elif root.dep_ in ("compound", "nmod", "amod"):
        score -= 0.5
    if span.kb_id_ in history.title:
        score += 0.4
    if span.id_ == "adjective":
        score -= 1.0
    return score


def _first_conjunct(token: Token) -> Token:
    """In a list, the member whose role is that of all."""
    while token.dep_ == "conj" and token.head.pos_ in ("PROPN", "NOUN"):
        token = token.head
    return token


def _is_barred(span: Span, anaphor: Token, distance: int) -> bool:
    """Whether grammar forbids it: two arguments of one verb are two things, unless one of them is a possessive."""
    if distance or anaphor.dep_ == "poss":
        return False
    root = span.root
    verb = anaphor.head if anaphor.dep_ != "pobj" else anaphor.head.head
    other = root.head if root.dep_ != "pobj" else root.head.head
    return (verb.i == other.i and root.dep_ != "poss") or root.i == anaphor.head.i or anaphor.i == root.head.i
