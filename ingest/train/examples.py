"""Texts with known relations as labelled mention pairs: annotated articles, the project's own passages, other people's corpora."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from spacy.language import Language
from spacy.tokens import Doc, Span

from ingest.components import MENTIONS
from ingest.layout import TYPES
from ingest.model import EntityType, MentionKind
from ingest.scan import Scan, Scanner
from ingest.scoring import GoldClaim, normal
from ingest.segment import blocks
from ingest.train.corpora import Offsets, Passage
from ingest.train.passages import OwnPassage
from ingest.vocabulary import words

STATED, NOT_STATED, IGNORED = 1, 0, -1
PRONOUNS = words("it its itself he she his her him they their them themselves we our us i who my you himself herself")

type Labels = NDArray[np.int8]


@dataclass(frozen=True, slots=True, eq=False)
class Example:
    """A scanned text with `labels[pair, relation]`: STATED, NOT_STATED, or IGNORED where nobody judged or it stands in another sentence."""

    scan: Scan
    labels: Labels


class Labeller:
    """Makes examples with one pipeline and scanner; `symmetric` names the relations that hold both ways."""

    def __init__(self, nlp: Language, scanner: Scanner, symmetric: frozenset[str]) -> None:
        self._nlp = nlp
        self._scanner = scanner
        self._symmetric = symmetric

    def article(self, doc: Doc, names: Mapping[str, frozenset[str]], gold: Sequence[GoldClaim], *, complete: bool) -> Example:
        """An annotated article; `names` are its entities' names. `complete` adds the gold's mentions that the pipeline did not find."""
        sites = _Sites(doc, names, gold, complete=complete)
        labelling = _Labelling(self._scanner, self._symmetric, self._scanner(doc, sites.mentions))
        for row, subjects, objects in sites.found:
            labelling.ignore(row.relation, sites.ids(row.subject), sites.ids(row.object))
            labelling.state(row.relation, subjects, objects)
        return labelling.example()

    def own(self, passage: OwnPassage) -> Example:
        """One of the project's own passages: everything that it does not list is not stated."""
        doc = self._parsed(passage.text)
        spans = []
        for mark in passage.marks:
            span = doc.char_span(*mark.offsets, alignment_mode="expand")
            assert span is not None  # noqa: S101  expanded to whole tokens
            spans.append(_mention(span, mark.type, f"entity {mark.entity}", _kind(span, mark.type)))
        labelling = _Labelling(self._scanner, self._symmetric, self._scanner(doc, sorted(spans, key=_order)))
        for subject, relation, object_ in passage.stated:
            labelling.ignore(relation, {spans[subject].kb_id_}, {spans[object_].kb_id_})
            labelling.state(relation, [spans[subject]], [spans[object_]])
        return labelling.example()

    def corpus(self, passage: Passage) -> Example:
        """A passage of KnowledgeNet (judged by relation) or CORE (one judged pair), with the pipeline's mentions beside the corpus's."""
        doc = self._parsed(passage.text)
        mentions = list(doc.spans[MENTIONS])
        ends = [
            (_at(doc, mentions, p.subject, p.subject_type), p.relation, _at(doc, mentions, p.object, p.object_type)) for p in passage.pairs
        ]
        labelling = _Labelling(self._scanner, self._symmetric, self._scanner(doc, sorted(mentions, key=_order)))
        labelling.judge_only(passage.judged)
        for subject, relation, object_ in ends:
            if not passage.judged:
                labelling.judge(subject, object_)
            if relation:
                labelling.ignore(relation, {subject.kb_id_}, {object_.kb_id_}, unless_unjudged=True)
                labelling.state(relation, [subject], [object_])
        return labelling.example()

    def _parsed(self, text: str) -> Doc:
        doc = self._nlp.make_doc(text)
        doc._.blocks = blocks(text)
        return self._nlp(doc)


class _Labelling:
    """The labels of one scan while they are filled in."""

    def __init__(self, scanner: Scanner, symmetric: frozenset[str], scan: Scan) -> None:
        self._relations = scanner.relations
        self._symmetric = symmetric
        self._scan = scan
        self._labels = np.zeros((len(scan.encoded.pairs), len(scanner.relations)), dtype=np.int8)
        pairs = zip(scan.encoded.pairs.subject.tolist(), scan.encoded.pairs.object.tolist(), strict=True)
        self._row = {pair: row for row, pair in enumerate(pairs)}
        self._number: dict[tuple[int, int, str], int] = {}
        for number, mention in enumerate(scan.mentions):
            self._number.setdefault((mention.start, mention.end, mention.kb_id_), number)

    def judge_only(self, relations: frozenset[str]) -> None:
        judged = [self._relations[name] for name in relations if name in self._relations]
        unjudged = np.ones(self._labels.shape[1], dtype=bool)
        unjudged[judged] = False
        self._labels[:, unjudged] = IGNORED

    def judge(self, subject: Span, object_: Span) -> None:
        for pair in ((subject, object_), (object_, subject)):
            if (row := self._row_of(*pair)) is not None:
                self._labels[row] = np.maximum(self._labels[row], NOT_STATED)

    def ignore(self, relation: str, subjects: set[str], objects: set[str], *, unless_unjudged: bool = False) -> None:
        """What two entities' relation is said to be somewhere is no counterexample elsewhere."""
        column = self._relations[relation]
        for (s, o), row in self._row.items():
            ids = (self._scan.mentions[s].kb_id_, self._scan.mentions[o].kb_id_)
            turned = relation in self._symmetric and ids[1] in subjects and ids[0] in objects
            if (
                ((ids[0] in subjects and ids[1] in objects) or turned)
                and self._labels[row, column] == NOT_STATED
                and not (unless_unjudged and self._labels[row].max() == IGNORED)
            ):
                self._labels[row, column] = IGNORED

    def state(self, relation: str, subjects: Sequence[Span], objects: Sequence[Span]) -> None:
        column = self._relations[relation]
        for subject in subjects:
            for object_ in objects:
                ways = ((subject, object_), (object_, subject)) if relation in self._symmetric else ((subject, object_),)
                for way in ways:
                    if (row := self._row_of(*way)) is not None:
                        self._labels[row, column] = STATED

    def _row_of(self, subject: Span, object_: Span) -> int | None:
        ends = tuple(self._number[span.start, span.end, span.kb_id_] for span in (subject, object_))
        return self._row.get((ends[0], ends[1]))

    def example(self) -> Example:
        return Example(self._scan, self._labels)


class _Sites:
    """Where an article's gold rows stand: the mentions of both arguments in each row's evidence."""

    def __init__(self, doc: Doc, names: Mapping[str, frozenset[str]], gold: Sequence[GoldClaim], *, complete: bool) -> None:
        self._doc = doc
        self._names = names
        self._complete = complete
        self.mentions: list[Span] = list(doc.spans[MENTIONS])
        self.found = [
            (
                row,
                self._of(row, row.subject, row.subject_text, row.subject_type),
                self._of(row, row.object, row.object_text, row.object_type),
            )
            for row in gold
        ]
        self.mentions.sort(key=_order)

    def ids(self, name: str) -> set[str]:
        """The entities that bear a gold name."""
        wanted = normal(name)
        return {entity for entity, names in self._names.items() if wanted in names} | {f"gold: {wanted}"}

    def _of(self, row: GoldClaim, name: str, text: str, kind: str) -> list[Span]:
        start = self._doc.text.find(row.evidence)
        end = start + len(row.evidence)
        ids = self.ids(name)
        inside = [m for m in self.mentions if start <= m.start_char < end and m.kb_id_ in ids]
        place = self._doc.text.find(text, start, end) if text else -1
        if place < 0:
            return inside
        there = [m for m in inside if m.start_char < place + len(text) and m.end_char > place]
        if there or inside or not self._complete or kind not in TYPES:
            return there or inside
        return self._added(place, place + len(text), EntityType(kind), min(ids))

    def _added(self, start: int, end: int, kind: EntityType, entity: str) -> list[Span]:
        span = self._doc.char_span(start, end, alignment_mode="expand")
        if span is None or not len(span):
            return []
        how = _kind(span, kind)
        if how is MentionKind.NAME and len(span) > 1 and span[0].lower_ in ("the", "a", "an"):
            span = span[1:]
        self.mentions.append(_mention(span, kind, entity, how))
        return [self.mentions[-1]]


def _at(doc: Doc, mentions: list[Span], offsets: Offsets, kind: EntityType) -> Span:
    """The pipeline's mention that overlaps most with a corpus's, or a new one that joins `mentions`."""
    there = [m for m in mentions if m.start_char < offsets[1] and m.end_char > offsets[0]]
    if there:
        return max(there, key=lambda m: min(m.end_char, offsets[1]) - max(m.start_char, offsets[0]))
    span = doc.char_span(*offsets, alignment_mode="expand")
    assert span is not None  # noqa: S101  expanded to whole tokens
    mentions.append(_mention(span, kind, f"corpus {offsets[0]}", _kind(span, kind)))
    return mentions[-1]


def _mention(span: Span, kind: EntityType, entity: str, how: MentionKind) -> Span:
    return Span(span.doc, span.start, span.end, label=kind.value, kb_id=entity, span_id=how.value)


def _kind(span: Span, kind: EntityType) -> MentionKind:
    if span.text.lower() in PRONOUNS:
        return MentionKind.PRONOUN
    if kind is EntityType.PLACE and span.root.tag_ == "JJ":
        return MentionKind.ADJECTIVE
    named = any(
        token.text[:1].isupper() or token.shape_[1:].count("X") for token in span[1 if span[0].lower_ == "the" and len(span) > 1 else 0 :]
    )
    described = span[0].lower_ in ("its", "this", "his", "her", "their")
    return MentionKind.NAME if (named or kind is EntityType.CONCEPT) and not described else MentionKind.NOMINAL


def _order(mention: Span) -> tuple[int, int, str]:
    return (mention.start, mention.end, mention.kb_id_)
