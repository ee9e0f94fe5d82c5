"""Fitting the scorer's two stages (`ingest.scorer`); deterministic: the same examples in the same order give the same arrays."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from joblib import Parallel, delayed
from numpy.typing import NDArray
from scipy import sparse
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression

from ingest.evidence import Floats
from ingest.features import BITS, Encoded
from ingest.scorer import Linear
from ingest.train.examples import IGNORED, STATED, Example, Labels
from ingest.trees import LEAVES, Trees

SEEN = 2  # times a feature must be seen
STRENGTH = 0.1  # inverse of the first stage's penalty
TREES, RATE = 160, 0.06
FORESTS = 3  # boosted by other random choices of features, and averaged: one alone differs by .005 F1 from seed to seed
NEVER = -9.0  # intercept of a relation with fewer than three examples


@dataclass(frozen=True, slots=True, eq=False)
class Weighted:
    """An example and how much each of its pairs counts."""

    example: Example
    weight: float = 1.0


def matrix(encoded: Encoded, bucket: NDArray[np.int32]) -> sparse.csr_matrix:
    """The binary features as pairs × buckets; those not among `bucket` (sorted) are left out."""
    column = np.searchsorted(bucket, encoded.bucket)
    known = (column < len(bucket)) & (bucket[np.minimum(column, len(bucket) - 1)] == encoded.bucket)
    place = (encoded.row[known], column[known])
    found = sparse.csr_matrix((np.ones(known.sum(), dtype=np.float32), place), shape=(len(encoded.pairs), len(bucket)))
    found.data[:] = 1  # a feature that a pair has twice counts once
    return found


def fit_linear(examples: Sequence[Weighted], *, processes: int) -> Linear:
    """One logistic regression a relation, over the pairs that were judged for it and whose types fit, or for which it is stated."""
    counts = np.zeros(1 << BITS, dtype=np.int64)
    for one in examples:
        counts += np.bincount(one.example.scan.encoded.bucket, minlength=1 << BITS)
    bucket = np.flatnonzero(counts >= SEEN).astype(np.int32)
    pairs = sparse.vstack([matrix(one.example.scan.encoded, bucket) for one in examples]).tocsr()
    labels = np.vstack([_judged(one.example) for one in examples])
    weight = np.concatenate([np.full(len(one.example.labels), one.weight) for one in examples])
    kept = (labels != IGNORED).any(axis=1)
    pairs, labels, weight = pairs[kept], labels[kept], weight[kept]
    fitted = Parallel(n_jobs=processes)(delayed(_one_relation)(pairs, labels[:, column], weight) for column in range(labels.shape[1]))
    return Linear(bucket, np.stack([w for w, _ in fitted], axis=1), np.array([b for _, b in fitted], dtype=np.float32))


def _judged(example: Example) -> Labels:
    return np.where(example.scan.allowed | (example.labels == STATED), example.labels, IGNORED)


def _one_relation(pairs: sparse.csr_matrix, labels: Labels, weight: Floats) -> tuple[NDArray[np.float32], float]:
    judged = labels != IGNORED
    stated = labels[judged] == STATED
    if stated.sum() < 3:
        return np.zeros(pairs.shape[1], dtype=np.float32), NEVER
    model = LogisticRegression(solver="liblinear", C=STRENGTH, tol=0.01, random_state=0)
    model.fit(pairs[judged], stated, sample_weight=weight[judged])
    return model.coef_[0].astype(np.float32), float(model.intercept_[0])


def fit_trees(rows: Floats, labels: Labels, weight: Floats | None = None, *, processes: int = 1) -> Trees:
    """The second stage on rows of `ingest.scorer.inputs` with their labels and weights; IGNORED rows are left out."""
    models = Parallel(n_jobs=processes)(delayed(boosted)(rows, labels, seed, weight) for seed in range(FORESTS))
    grown = [_tree(predictor.nodes) for model in models for (predictor,) in model._predictors]  # scikit-learn gives them out no other way
    feature, threshold, struck, value = (np.stack(column) for column in zip(*grown, strict=True))
    start = np.mean([np.asarray(model._baseline_prediction, dtype=np.float64).reshape(1) for model in models], axis=0)
    return Trees(feature, threshold, struck, value / FORESTS, start)


def boosted(rows: Floats, labels: Labels, seed: int, weight: Floats | None = None) -> HistGradientBoostingClassifier:
    """One of scikit-learn's models that the second stage is the average of."""
    judged = labels != IGNORED
    model = HistGradientBoostingClassifier(
        max_iter=TREES,
        learning_rate=RATE,
        max_leaf_nodes=LEAVES,
        min_samples_leaf=20,
        l2_regularization=5.0,
        max_features=0.3,
        early_stopping=False,
        random_state=seed,
    )
    return model.fit(rows[judged], labels[judged] == STATED, sample_weight=None if weight is None else weight[judged])


def _tree(nodes: NDArray[np.void]) -> tuple[NDArray[np.int16], Floats, NDArray[np.uint8], Floats]:
    """One tree of scikit-learn as a row of `Trees`, its leaves numbered from the left."""
    feature, threshold = np.zeros(LEAVES - 1, dtype=np.int16), np.full(LEAVES - 1, np.inf)
    struck, value = np.full(LEAVES - 1, 0xFF, dtype=np.uint8), np.zeros(LEAVES)
    leaves = splits = 0

    def walk(number: int) -> None:
        nonlocal leaves, splits
        node = nodes[number]
        if node["is_leaf"]:
            value[leaves] = node["value"]
            leaves += 1
            return
        split, first = splits, leaves
        splits += 1
        walk(int(node["left"]))
        feature[split], threshold[split] = node["feature_idx"], node["num_threshold"]
        struck[split] = 0xFF & ~((1 << leaves) - (1 << first))
        walk(int(node["right"]))

    walk(0)
    return feature, threshold, struck, value


def base_rates(examples: Sequence[Example]) -> Floats:
    """Each relation's share of all pairs, as a logarithm."""
    stated = sum(((example.labels == STATED).sum(axis=0) for example in examples), start=np.zeros(1))
    pairs = sum(len(example.labels) for example in examples)
    return np.log(np.maximum(stated, 1) / max(pairs, 1)).astype(np.float64)
