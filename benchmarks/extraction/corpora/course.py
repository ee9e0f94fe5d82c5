"""Both stages of the scorer on passages, fitted as `kg train` fits them: the second on logits of a first that did not see the passage."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.extraction.corpora.features import contest
from ingest.evidence import Floats, Rows
from ingest.model import EntityType, Relation
from ingest.patterns import Frames, default_frames
from ingest.scan import Scanner
from ingest.scorer import ABSENT, Linear, evidence_rows, inputs
from ingest.train.examples import Example, Labels
from ingest.train.fit import Weighted, base_rates, fit_linear, fit_trees
from ingest.trees import Trees

FOLDS = 5


@dataclass(frozen=True, slots=True, eq=False)
class Model:
    """What was fitted on all training passages."""

    relations: tuple[str, ...]
    linear: Linear
    trees: Trees
    base: Floats

    def probabilities(self, example: Example) -> Floats:
        """Pairs × relations; 0 where the first stage leaves no doubt."""
        judged = _judge(example, self.linear, self.relations, self.base)
        return _spread(example, judged, self.trees)


@dataclass(frozen=True, slots=True, eq=False)
class Fitted:
    """The model, and for each training example the probabilities (pairs × relations) of a model that did not see its passage."""

    model: Model
    held_out: tuple[Floats, ...]


@dataclass(frozen=True, slots=True, eq=False)
class _Judged:
    rows: Rows
    inputs: Floats
    labels: Labels


def scanner(relations: Sequence[str], symmetric: frozenset[str], *, but: frozenset[EntityType], max_tokens: int) -> Scanner:
    """A scanner for which every type but these may be an argument: types are judged by features, not by a filter."""
    types = frozenset(EntityType) - but
    loose = [Relation(name, types, types, name in symmetric) for name in relations]
    return Scanner(loose, Frames(default_frames()), max_tokens=max_tokens)


def fold_of(key: str) -> int:
    """The fold of a passage, by a hash of what keeps passages together."""
    return int(hashlib.sha256(key.encode()).hexdigest(), 16) % FOLDS


def fit(
    examples: Sequence[Example], fold: Sequence[int], relations: tuple[str, ...], beside: Sequence[Weighted], *, processes: int
) -> Fitted:
    """Fits both stages; `fold` holds each example's fold of the inner cross-validation, `beside` joins the first stage's training."""
    base = base_rates(examples)
    judged: dict[int, _Judged] = {}
    for number in sorted(set(fold)):
        others = [Weighted(example) for example, own in zip(examples, fold, strict=True) if own != number]
        linear = fit_linear([*others, *beside], processes=processes)
        judged |= {i: _judge(examples[i], linear, relations, base) for i in np.flatnonzero(np.equal(fold, number)).tolist()}
    held_out: dict[int, Floats] = {}
    for number in sorted(set(fold)):
        trees = _trees([judged[i] for i, own in enumerate(fold) if own != number])
        held_out |= {i: _spread(examples[i], judged[i], trees) for i in np.flatnonzero(np.equal(fold, number)).tolist()}
    linear = fit_linear([*map(Weighted, examples), *beside], processes=processes)
    trees = _trees([judged[i] for i in range(len(examples))])
    return Fitted(Model(relations, linear, trees, base), tuple(held_out[i] for i in range(len(examples))))


def _judge(example: Example, linear: Linear, relations: Sequence[str], base: Floats) -> _Judged:
    scan = example.scan
    logits = np.where(scan.allowed, linear.logits(scan.encoded), ABSENT)
    rows = evidence_rows(scan, logits, scan.allowed, relations, base)
    dense = np.hstack([inputs(rows, len(relations)), contest(scan, logits, rows)])
    return _Judged(rows, dense, example.labels[rows.pair, rows.relation])


def _trees(judged: Sequence[_Judged]) -> Trees:
    return fit_trees(np.vstack([one.inputs for one in judged]), np.concatenate([one.labels for one in judged]))


def _spread(example: Example, judged: _Judged, trees: Trees) -> Floats:
    full = np.zeros(example.labels.shape)
    full[judged.rows.pair, judged.rows.relation] = trees.probabilities(judged.inputs)
    return full
