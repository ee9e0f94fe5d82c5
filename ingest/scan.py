"""What the scorer looks at in a parsed article: its mention pairs with their features, the frame hits, and the triggers."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from spacy.tokens import Doc, Span

from ingest.evidence import Floats, Scene, Trigger
from ingest.features import MAX_TOKENS, Encoded, encode, pairs_of
from ingest.forms import forms
from ingest.layout import TYPES, Ints, Layout
from ingest.model import BlockKind, EntityType, MentionKind, Relation
from ingest.patterns import Frame, Frames, Hit
from ingest.syntax import Tree

TOPIC_TOKENS = 90

type Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Scan:
    """An article's pairs (numbers into `mentions`); `allowed[pair, relation]` says whether the types fit, by the order of the relations."""

    mentions: list[Span]
    encoded: Encoded
    scene: Scene
    hits: list[Hit]
    triggers: list[Trigger]
    allowed: Bools


MAX_SENTENCE = 600  # tokens; what is longer is a table or a list without full stops, whose names say nothing of each other


class Scanner:
    """Scans articles for the relations of a schema; a pair is at most `max_tokens` apart."""

    def __init__(self, relations: Sequence[Relation], frames: Frames, *, max_tokens: int = MAX_TOKENS) -> None:
        self.relations = {relation.name: number for number, relation in enumerate(relations)}
        self.frames = frames
        self._max_tokens = max_tokens
        self._allowed = np.stack([_type_pairs(relation) for relation in relations], axis=2) if relations else np.zeros((12, 12, 0), bool)
        self._compatible: Bools = self._allowed.any(axis=2)

    def __call__(self, doc: Doc, mentions: list[Span]) -> Scan:
        """The pairs of `mentions`, which are in text order."""
        hits: list[Hit] = []
        triggers: list[Trigger] = []
        ends = {sentence.start: sentence.end for sentence in doc.sents}
        groups = {start: inside for start, inside in _by_sentence(ends, mentions).items() if ends[start] - start <= MAX_SENTENCE}
        for tree, inside in sentences(doc, ends, groups, mentions, self.frames.topical):
            found = list(self.frames.triggers(tree))
            hits += self.frames.hits(tree, found, coverage(mentions, inside), topic=topic(mentions, inside, tree))
            triggers += _triggers(found)
        layout = Layout(doc, mentions)
        pairs = pairs_of(layout, groups.values(), self._compatible, max_tokens=self._max_tokens, partner=_partners(mentions))
        first, past = (bound[pairs.subject] for bound in _bounds(ends, groups, len(mentions)))
        codes = np.unique(layout.entity, return_inverse=True)[1]
        scene = Scene(layout, codes, *_certainty(doc, mentions), first, past, _in_heading(doc)[first])
        allowed = self._allowed[layout.type[pairs.subject], layout.type[pairs.object]]
        return Scan(mentions, encode(layout, pairs, hits, (first, past)), scene, hits, triggers, allowed)


def _triggers(found: Iterable[tuple[int, list[Frame]]]) -> Iterator[Trigger]:
    for token, frames in found:
        kinds = {(frame.relation, frame.strong) for frame in frames}
        yield from (Trigger(token, relation, strong) for relation, strong in sorted(kinds))


def _type_pairs(relation: Relation) -> Bools:
    """Which types of subject and object the relation joins; a symmetric one either way round."""
    fits = np.zeros((len(TYPES), len(TYPES)), dtype=bool)
    for subject in EntityType:
        for object_ in EntityType:
            straight = subject in relation.domain and object_ in relation.range
            turned = relation.symmetric and object_ in relation.domain and subject in relation.range
            fits[TYPES[subject.value], TYPES[object_.value]] = straight or turned
    return fits


def _partners(mentions: Sequence[Span]) -> Ints:
    """For a mention that is a mere title before a person's name ("Sen. Ron Wyden"), the number of that person's mention, else -1."""
    partner = np.full(len(mentions), -1, dtype=np.int64)
    for number, (title, person) in enumerate(pairwise(mentions)):
        beside = title.id_ == MentionKind.NOMINAL.value and len(title) == 1 and person.start == title.end
        if beside and person.label_ == EntityType.PERSON.value:
            partner[number] = number + 1
    return partner


def _certainty(doc: Doc, mentions: Sequence[Span]) -> tuple[Bools, Floats, Floats]:
    """`known`, `recognised` and `certain` of a Scene."""
    entities = doc._.entities
    known = np.array([span.kb_id_ in entities and entities[span.kb_id_].known for span in mentions], dtype=bool)
    exact = {(entity.start, entity.end) for entity in doc.ents}
    inside = {token for start, end in exact for token in range(start, end)}
    recognised = [1.0 if (m.start, m.end) in exact else 0.5 if any(i in inside for i in range(m.start, m.end)) else 0.0 for m in mentions]
    certain = [doc._.certainty.get(mention.kb_id_, 1.0) for mention in mentions]
    return known, np.array(recognised, dtype=np.float64), np.array(certain, dtype=np.float64)


def _in_heading(doc: Doc) -> Bools:
    inside = np.zeros(len(doc) + 1, dtype=bool)
    for block in doc._.blocks:
        if block.kind is BlockKind.HEADING:
            span = doc.char_span(block.start_char, block.end_char, alignment_mode="expand")
            if span is not None:
                inside[span.start : span.end] = True
    return inside


def _by_sentence(ends: Iterable[int], mentions: Sequence[Span]) -> dict[int, list[int]]:
    """The numbers of the mentions by the first token of their sentence, in text order."""
    starts = list(ends)
    groups: dict[int, list[int]] = {}
    for number, mention in enumerate(mentions):
        groups.setdefault(starts[bisect_right(starts, mention.start) - 1], []).append(number)
    return dict(sorted(groups.items()))


def _bounds(ends: Mapping[int, int], groups: Mapping[int, list[int]], count: int) -> tuple[Ints, Ints]:
    """The first token of each mention's sentence, and the one past its last."""
    first, past = np.zeros(count, dtype=np.int64), np.zeros(count, dtype=np.int64)
    for start, inside in groups.items():
        first[inside], past[inside] = start, ends[start]
    return first, past


def sentences(
    doc: Doc, ends: Mapping[int, int], groups: Mapping[int, list[int]], mentions: list[Span], topical: frozenset[str]
) -> Iterator[tuple[Tree, list[int]]]:
    """Each sentence that names two entities, or one beside a word of `topical` (lemmas), with the numbers of its mentions."""
    tokens = forms(doc)
    for start, inside in groups.items():
        named = len({mentions[number].kb_id for number in inside})
        if named > 1 or any(token.lemma_ in topical for token in doc[start : ends[start]]):
            yield Tree(tokens, start, ends[start]), inside


def coverage(mentions: list[Span], inside: Iterable[int]) -> dict[int, list[int]]:
    """The numbers of the mentions that cover each token; of nested mentions, the shortest."""
    at: dict[int, list[int]] = {}
    for number in sorted(inside, key=lambda n: len(mentions[n])):
        for token in range(mentions[number].start, mentions[number].end):
            held = at.setdefault(token, [])
            if not held or len(mentions[held[0]]) == len(mentions[number]):
                held.append(number)
    return at


def topic(mentions: list[Span], inside: list[int], tree: Tree) -> int:
    """The last regulation named in the three sentences before this one, or -1: what "objections from Paris" are about."""
    earlier = [n for n in range(inside[0]) if mentions[n].label_ == EntityType.REGULATION and mentions[n].end <= tree.start]
    return earlier[-1] if earlier and tree.start - mentions[earlier[-1]].end <= TOPIC_TOKENS else -1
