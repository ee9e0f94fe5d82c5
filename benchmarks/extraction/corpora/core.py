"""CORE (Borchert et al. 2023): which relation holds between two given names of a text, in which direction, or none of the mapped ones."""

from pathlib import Path

import numpy as np
from spacy.language import Language
from spacy.tokens import Doc

from benchmarks.extraction.corpora.course import Fitted, fit, fold_of, scanner
from benchmarks.extraction.corpora.features import widened
from benchmarks.extraction.corpora.mentions import GIVEN, given, parsed
from benchmarks.extraction.corpora.score import Fact, Tally, best_threshold, given_pair, micro, summed
from ingest.components.claims import decode, fits, rules
from ingest.components.claims import scanner as scanner_of
from ingest.evidence import Floats
from ingest.model import Schema
from ingest.scan import Scan, Scanner
from ingest.scorer import Scorer, shipped
from ingest.train.corpora import CORE, Passage, core
from ingest.train.examples import IGNORED, NOT_STATED, STATED, Example

RELATIONS = tuple(dict.fromkeys(mapping.relation for mapping in CORE.values()))
ANY_DISTANCE = 100_000


class Core:
    """Both parts of the corpus, or two corpora of its layout, read by one pipeline (without its claims)."""

    def __init__(self, nlp: Language, schema: Schema, directory: Path, *, tested: Path | None = None, processes: int) -> None:
        self._schema = schema
        self.symmetric = schema.symmetric & set(RELATIONS)
        self._scan = scanner(RELATIONS, self.symmetric, but=frozenset(), max_tokens=ANY_DISTANCE)
        self._shipped_scan = Scanner(tuple(schema.relations.values()), scanner_of(schema).frames, max_tokens=ANY_DISTANCE)
        passages = list(core(directory))
        self._trained = [passage for passage in passages if tested or not is_tested(passage)]
        self.tested = list(core(tested)) if tested else [passage for passage in passages if is_tested(passage)]
        self._docs = {passage.id: parsed(nlp, passage.text, one_sentence=True) for passage in self.tested}
        docs = (parsed(nlp, passage.text, one_sentence=True) for passage in self._trained)
        self._examples = [labelled(one, doc, self._scan, self.symmetric) for one, doc in zip(self._trained, docs, strict=True)]
        fold = [fold_of(f"inner {passage.text}") for passage in self._trained]
        self._fitted: Fitted = fit(self._examples, fold, RELATIONS, (), processes=processes)
        self._threshold = self._best()

    def cross_validated(self) -> Tally:
        """The training part, each passage by a model that did not see its text; only the threshold did."""
        held = zip(self._trained, self._examples, self._fitted.held_out, strict=True)
        return summed(given_pair(one.pairs[0], self._answer(example, probability), self.symmetric) for one, example, probability in held)

    def answer(self, passage: Passage) -> Fact | None:
        """What the trained model says of the pair of a passage of the test part."""
        example = _judged(self._docs[passage.id], passage, self._scan)
        return self._answer(example, self._fitted.model.probabilities(example))

    def shipped_answer(self, passage: Passage) -> Fact | None:
        """What the package's weights say: the most probable of the mapped relations at or above its threshold."""
        doc, pair = self._docs[passage.id], passage.pairs[0]
        scan = self._shipped_scan(doc, given(doc, (pair.subject, pair.object)))
        made = [rule for rule in rules(scan.hits) if fits(rule, scan.mentions, self._schema.relations)]
        if len(scan.encoded.pairs):
            scorer = Scorer(shipped())
            made += decode(scan, scorer(scan, self._shipped_scan.relations), scorer.relations, scorer.threshold)
        of_pair = [one for one in made if one.relation in RELATIONS and _is_given(scan, one.subject) and _is_given(scan, one.object)]
        best = max(of_pair, key=lambda one: one.confidence, default=None)
        return _fact(scan, best.subject, best.relation, best.object) if best is not None else None

    def _answer(self, example: Example, probability: Floats) -> Fact | None:
        confidence, fact = best_answer(example, probability)
        return fact if confidence >= self._threshold else None

    def _best(self) -> float:
        """The least probability of an answer, by what the training part's passages get from models that did not see them."""
        answers = [best_answer(example, probability) for example, probability in zip(self._examples, self._fitted.held_out, strict=True)]
        pairs = [passage.pairs[0] for passage in self._trained]
        right = [micro(given_pair(pair, fact, self.symmetric)).right > 0 for pair, (_, fact) in zip(pairs, answers, strict=True)]
        return best_threshold(
            np.array([confidence for confidence, _ in answers]), np.array(right), sum(bool(one.relation) for one in pairs)
        )


def is_tested(passage: Passage) -> bool:
    """A fifth of the texts, by a hash: what is said of two pairs of one text is on one side."""
    return fold_of(passage.text) == 0


def labelled(passage: Passage, doc: Doc, scan: Scanner, symmetric: frozenset[str]) -> Example:
    """A passage to learn from: only its pair is judged, both ways round."""
    example, pair = _judged(doc, passage, scan), passage.pairs[0]
    if pair.relation:
        first = GIVEN[int(pair.subject > pair.object)]  # the relation's subject
        mentions, pairs = example.scan.mentions, example.scan.encoded.pairs
        for row in np.flatnonzero((example.labels != IGNORED).any(axis=1)).tolist():
            if mentions[pairs.subject[row]].kb_id_ == first or pair.relation in symmetric:
                example.labels[row, scan.relations[pair.relation]] = STATED
    return example


def _judged(doc: Doc, passage: Passage, scan: Scanner) -> Example:
    pair = passage.pairs[0]
    scanned = widened(scan(doc, given(doc, (pair.subject, pair.object))))
    labels = np.full((len(scanned.encoded.pairs), len(scan.relations)), IGNORED, dtype=np.int8)
    ends = zip(scanned.encoded.pairs.subject.tolist(), scanned.encoded.pairs.object.tolist(), strict=True)
    labels[[_is_given(scanned, subject) and _is_given(scanned, object_) for subject, object_ in ends]] = NOT_STATED
    return Example(scanned, labels)


def best_answer(example: Example, probability: Floats) -> tuple[float, Fact | None]:
    """The most probable relation of the given pair, either way round, with its probability; None for a pair that is no candidate."""
    rows = np.flatnonzero((example.labels != IGNORED).any(axis=1))
    if not len(rows):
        return 0.0, None
    place, column = np.unravel_index(int(np.argmax(probability[rows])), (len(rows), probability.shape[1]))
    row, pairs = rows[place], example.scan.encoded.pairs
    fact = _fact(example.scan, int(pairs.subject[row]), RELATIONS[int(column)], int(pairs.object[row]))
    return float(probability[row, column]), fact


def _is_given(scan: Scan, mention: int) -> bool:
    return scan.mentions[mention].kb_id_ in GIVEN


def _fact(scan: Scan, subject: int, relation: str, object_: int) -> Fact:
    ends = [(scan.mentions[number].start_char, scan.mentions[number].end_char) for number in (subject, object_)]
    return Fact(ends[0], relation, ends[1])
