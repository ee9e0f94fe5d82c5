"""A document as arrays of numbers: what its tokens are, how they hang together, and where its mentions stand."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from spacy.strings import get_string_id
from spacy.tokens import Doc, Span

from ingest.model import EntityType, MentionKind

type Ints = NDArray[np.int64]
type Codes = NDArray[np.uint64]

MAX_DEPTH = 24
TYPES = {kind.value: number for number, kind in enumerate(EntityType)}
KINDS = {kind.value: number for number, kind in enumerate(MentionKind)}
_HIDDEN_POS = tuple(get_string_id(name) for name in ("PROPN", "NUM"))
_CONJ = get_string_id("conj")


class Layout:
    """A document as arrays: token codes, collapsed dependency heads (conjuncts take their first conjunct's place), mention positions."""

    def __init__(self, doc: Doc, mentions: Sequence[Span]) -> None:
        table = doc.to_array(["LEMMA", "POS", "DEP", "TAG", "HEAD"])
        tokens = np.arange(len(doc))
        self.lemma, self.pos, self.dep, self.tag = (table[:, column].astype(np.uint64) for column in range(4))
        self.head = tokens + table[:, 4].astype(np.int64)
        self.start = np.array([span.start for span in mentions], dtype=np.int64)
        self.end = np.array([span.end for span in mentions], dtype=np.int64)
        self.root = np.array([span.root.i for span in mentions], dtype=np.int64)
        self.type = np.array([TYPES.get(span.label_, 0) for span in mentions], dtype=np.int64)
        self.kind = np.array([KINDS.get(span.id_, 0) for span in mentions], dtype=np.int64)
        self.entity = np.array([span.kb_id for span in mentions], dtype=np.uint64)
        self.found = np.array([_found(span) for span in mentions], dtype=np.uint64)
        self.tail = np.array([_tail(span) for span in mentions], dtype=np.uint64)
        self.shape = np.array([_shape(span) for span in mentions], dtype=np.uint64)
        self.mention_at = np.full(len(doc) + 1, -1)
        for number in range(len(mentions) - 1, -1, -1):
            self.mention_at[self.start[number] : self.end[number]] = number
        self._hide_names()
        self._collapse()
        self._climb()

    def _hide_names(self) -> None:
        hidden = np.isin(self.pos, _HIDDEN_POS)
        self.word = np.where(hidden, self.pos, self.lemma)
        inside = self.mention_at[:-1] >= 0
        nominal = inside & (self.kind[self.mention_at[:-1]] == KINDS["nominal"]) if len(self.kind) else inside
        shown = (self.type[self.mention_at[:-1]] + 1000).astype(np.uint64) if len(self.type) else self.word
        self.word = np.where(inside & ~nominal, shown, self.word)

    def _collapse(self) -> None:
        self.up, self.label = self.head.copy(), self.dep.copy()
        for _ in range(5):
            joined = self.label == _CONJ
            if not joined.any():
                break
            first = self.up[joined]
            self.label[joined] = self.dep[first]
            self.up[joined] = np.where(self.head[first] == first, first, self.head[first])

    def _climb(self) -> None:
        tokens = np.arange(len(self.up))
        self.above = np.empty((len(tokens), MAX_DEPTH), dtype=np.int64)
        self.depth = np.zeros(len(tokens), dtype=np.int64)
        self.above[:, 0] = tokens
        for level in range(1, MAX_DEPTH):
            self.above[:, level] = self.up[self.above[:, level - 1]]
            self.depth += self.above[:, level] != self.above[:, level - 1]


def _tail(span: Span) -> int:
    """The last word of a name of several words: "Conference", "Program"."""
    return span[-1].lower if len(span) > 1 and span.id_ == MentionKind.NAME.value else 0


def _found(span: Span) -> int:
    """What the base pipeline recognised there ("PERSON"), whatever kind the name was given."""
    return int(span.root.ent_type) or max(int(token.ent_type) for token in span)


def _shape(span: Span) -> int:
    """How a name is written: number of words, digits, an abbreviation, a small first letter."""
    text = span.text
    return min(len(span), 3) + 4 * any(c.isdigit() for c in text) + 8 * (text.isupper() and len(text) <= 5) + 16 * text[:1].islower()
