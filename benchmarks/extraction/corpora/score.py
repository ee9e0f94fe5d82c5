"""Right, wrong and missed, by relation."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ingest.evidence import Floats
from ingest.scoring import Counts
from ingest.train.corpora import KnownPair, Offsets, Passage

GRID = np.arange(0.1, 0.8, 0.01)

type Tally = dict[str, Counts]


@dataclass(frozen=True, slots=True)
class Fact:
    """A relation that was found between two spans, by their offsets (half-open)."""

    subject: Offsets
    relation: str
    object: Offsets


def text_facts(passage: Passage, facts: Iterable[Fact]) -> Tally:
    """KnowledgeNet's facts of the passage's judged relations: one is right when a gold fact has its relation and both spans overlap.

    Every pair of mentions counts, on both sides. Precision is the share of found facts that are right, recall the share of gold facts
    that a found one overlaps.
    """
    counted = {}
    for relation in sorted(passage.judged):
        made = [fact for fact in facts if fact.relation == relation]
        gold = [pair for pair in passage.pairs if pair.relation == relation]
        right = sum(any(_same(fact, pair) for pair in gold) for fact in made)
        found = sum(any(_same(fact, pair) for fact in made) for pair in gold)
        counted[relation] = Counts(right, len(made) - right, found, len(gold) - found)
    return counted


def official(passage: Passage, facts: Iterable[Fact]) -> Counts:
    """The same by KnowledgeNet's own `evaluator.py` (span_overlap): a right fact counts as often as gold facts overlap it, and a wrong one
    that overlaps a right one not at all."""
    total = Counts()
    for relation in sorted(passage.judged):
        made = [fact for fact in facts if fact.relation == relation]
        gold = [pair for pair in passage.pairs if pair.relation == relation]
        right = [fact for fact in made if any(_same(fact, pair) for pair in gold)]
        found = sum(any(_same(fact, pair) for fact in made) for pair in gold)
        wrong = sum(not any(_same(fact, one) for one in right) for fact in made)
        total += Counts(found, wrong, found, len(gold) - found)
    return total


def given_pair(pair: KnownPair, answer: Fact | None, symmetric: frozenset[str]) -> Tally:
    """CORE's one pair: the answer is right when relation and direction are; None says that none of the mapped relations holds."""
    right = answer is not None and answer.relation == pair.relation and (answer.relation in symmetric or _same(answer, pair))
    counted: Tally = {}
    if answer is not None:
        counted[answer.relation] = Counts(right, not right, right, 0)
    if pair.relation and not right:
        counted[pair.relation] = counted.get(pair.relation, Counts()) + Counts(missed=1)
    return counted


def summed(tallies: Iterable[Tally]) -> Tally:
    """All passages together, relations sorted."""
    total: Tally = {}
    for tally in tallies:
        for relation, counts in tally.items():
            total[relation] = total.get(relation, Counts()) + counts
    return dict(sorted(total.items()))


def micro(tally: Mapping[str, Counts]) -> Counts:
    """All relations together."""
    return sum(tally.values(), Counts())


def best_threshold(probability: Floats, right: NDArray[np.bool_], gold: int) -> float:
    """The least probability that gives the best F1, of answers with their probabilities and whether they are right, to `gold` pairs."""
    f1 = [2 * int((made & right).sum()) / max(int(made.sum()) + gold, 1) for made in (probability >= threshold for threshold in GRID)]
    return float(GRID[int(np.argmax(f1))])


def _same(fact: Fact, other: KnownPair | Fact) -> bool:
    return fact.relation == other.relation and _meet(fact.subject, other.subject) and _meet(fact.object, other.object)


def _meet(one: Offsets, other: Offsets) -> bool:
    return one[0] < other[1] and other[0] < one[1]
