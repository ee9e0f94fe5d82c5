"""KnowledgeNet (Mesquita et al. 2019): facts between mentions in short passages, learned from folds 1 and 2 and tested on 3."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from spacy.language import Language
from spacy.tokens import Doc, Span

from benchmarks.extraction.corpora.course import Fitted, fit, fold_of, scanner
from benchmarks.extraction.corpora.features import widened
from benchmarks.extraction.corpora.mentions import found, overlap, parsed
from benchmarks.extraction.corpora.score import Fact, Tally, best_threshold, summed, text_facts
from ingest.components import MENTIONS
from ingest.components.claims import decode, fits, rules
from ingest.components.claims import scanner as shipped_scanner
from ingest.evidence import Floats
from ingest.features import MAX_TOKENS
from ingest.model import EntityType, Schema
from ingest.scan import Scanner
from ingest.scorer import Scorer, shipped
from ingest.train.corpora import KNOWLEDGENET, Passage, knowledgenet
from ingest.train.examples import IGNORED, NOT_STATED, STATED, Example, Labeller
from ingest.train.fit import Weighted
from ingest.train.passages import OwnPassage

RELATIONS = tuple(mapping.relation for mapping in KNOWLEDGENET.values())
TRAINED, TESTED = frozenset({1, 2}), frozenset({3})
OWN_WEIGHT = 0.1
_NO_ARGUMENTS = frozenset({EntityType.CONCEPT, EntityType.REGULATION, EntityType.GROUP})


class KnowledgeNet:
    """Both parts of the corpus, or two corpora of its layout, read by one pipeline (without its claims)."""

    def __init__(
        self, nlp: Language, schema: Schema, directory: Path, own: Sequence[OwnPassage], *, tested: Path | None = None, processes: int
    ) -> None:
        self._schema = schema
        self._shipped_scan = shipped_scanner(schema)
        self._scan = scanner(RELATIONS, frozenset(), but=_NO_ARGUMENTS, max_tokens=MAX_TOKENS)
        self._trained = list(knowledgenet(directory, folds=None if tested else TRAINED))
        self.tested = list(knowledgenet(tested or directory, folds=None if tested else TESTED))
        self._docs = {passage.id: parsed(nlp, passage.text) for passage in self.tested}
        self._examples = [labelled(passage, parsed(nlp, passage.text), self._scan) for passage in self._trained]
        beside = [Weighted(example, OWN_WEIGHT) for example in _own(nlp, self._scan, own)]
        fold = [fold_of(passage.id.split("-")[1]) for passage in self._trained]  # by document
        self._fitted: Fitted = fit(self._examples, fold, RELATIONS, beside, processes=processes)
        self._threshold = thresholds(self._examples, self._fitted.held_out)

    def cross_validated(self) -> Tally:
        """The training part, each passage by a model that did not see its document; only the thresholds did."""
        held = zip(self._trained, self._examples, self._fitted.held_out, strict=True)
        return summed(text_facts(one, _facts(example, probability, self._threshold)) for one, example, probability in held)

    def facts(self, passage: Passage) -> list[Fact]:
        """What the trained model finds in a passage of the test part."""
        example = _unlabelled(self._docs[passage.id], self._scan)
        return _facts(example, self._fitted.model.probabilities(example), self._threshold)

    def shipped_facts(self, passage: Passage, *, pronouns: bool) -> list[Fact]:
        """What the package's weights find there, before the best of a sentence is chosen; `pronouns`: with the mentions of `found`."""
        doc = self._docs[passage.id]
        mentions = found(doc) if pronouns else list(doc.spans[MENTIONS])
        scan = self._shipped_scan(doc, mentions)
        made = [rule for rule in rules(scan.hits) if fits(rule, mentions, self._schema.relations)]
        if len(scan.encoded.pairs):
            scorer = Scorer(shipped())
            made += decode(scan, scorer(scan, self._shipped_scan.relations), scorer.relations, scorer.threshold)
        spans = {(_offsets(mentions[one.subject]), one.relation, _offsets(mentions[one.object])) for one in made}
        return [Fact(*span) for span in sorted(spans) if span[1] in RELATIONS]


def labelled(passage: Passage, doc: Doc, scan: Scanner) -> Example:
    """A passage to learn from: a pair that overlaps a fact states it, no other pair states a judged relation. No mention is added."""
    example = _unlabelled(doc, scan)
    labels, pairs, mentions = example.labels, example.scan.encoded.pairs, example.scan.mentions
    for relation in passage.judged:
        labels[:, scan.relations[relation]] = NOT_STATED
    for fact in passage.pairs:
        subject, object_ = (np.array([overlap(m, place) for m in mentions], dtype=bool) for place in (fact.subject, fact.object))
        labels[subject[pairs.subject] & object_[pairs.object], scan.relations[fact.relation]] = STATED
    return example


def _unlabelled(doc: Doc, scan: Scanner) -> Example:
    scanned = widened(scan(doc, found(doc)))
    return Example(scanned, np.full((len(scanned.encoded.pairs), len(scan.relations)), IGNORED, dtype=np.int8))


def _own(nlp: Language, scan: Scanner, passages: Iterable[OwnPassage]) -> Iterator[Example]:
    """The project's own passages where they mean the same: not for memberships (KnowledgeNet's are political), nor for whether a leader or
    founder is an employee too."""
    labeller = Labeller(nlp, scan, frozenset())
    for passage in passages:
        stated = tuple(claim for claim in passage.stated if claim[1] in scan.relations)
        example = labeller.own(replace(passage, stated=stated))
        labels = example.labels
        leading = (labels[:, [scan.relations["leads"], scan.relations["founded"]]] == STATED).any(axis=1)
        labels[leading, scan.relations["worksFor"]] = IGNORED
        labels[:, scan.relations["memberOf"]] = IGNORED
        yield Example(widened(example.scan), labels)


def _facts(example: Example, probability: Floats, threshold: Floats) -> list[Fact]:
    pairs, mentions = example.scan.encoded.pairs, example.scan.mentions
    ends = [(_offsets(mentions[s]), _offsets(mentions[o])) for s, o in zip(pairs.subject.tolist(), pairs.object.tolist(), strict=True)]
    rows, columns = np.nonzero(probability >= threshold)
    return [Fact(ends[row][0], RELATIONS[column], ends[row][1]) for row, column in zip(rows.tolist(), columns.tolist(), strict=True)]


def thresholds(examples: Sequence[Example], held_out: Sequence[Floats]) -> Floats:
    """By relation the probability with the best F1 over pairs, drawn halfway to the best one for all relations together."""
    labels, probability = np.vstack([example.labels for example in examples]), np.vstack(held_out)
    judged, stated = labels != IGNORED, labels == STATED
    overall = best_threshold(probability[judged], stated[judged], int(stated.sum()))
    own = [
        best_threshold(probability[judged[:, c], c], stated[judged[:, c], c], int(stated[:, c].sum())) for c in range(probability.shape[1])
    ]
    return (overall + np.array(own)) / 2


def _offsets(mention: Span) -> tuple[int, int]:
    return (mention.start_char, mention.end_char)
