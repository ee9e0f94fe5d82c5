"""The trained scorer: how probable each relation is for each pair of mentions.

Two stages, both plain arrays. First one logistic regression a relation over hashed binary features (`ingest.features`); then boosted trees
for all relations together over (pair, relation) rows with dense evidence (`ingest.evidence`), the first stage's logit among it.
Rare relations gain most from the second (pooling over relations). Weights: `weights/scorer.npz`, written by `kg train`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cache, cached_property
from importlib.resources import as_file, files
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from ingest import arrays
from ingest.evidence import Floats, Rows, gather, select
from ingest.features import BITS, Encoded
from ingest.layout import TYPES, Ints
from ingest.scan import Scan
from ingest.trees import Trees

WEIGHTS_FILE = "scorer.npz"
ABSENT = -20.0  # logit of a pair whose types do not fit the relation

TEMPLATES = (  # first number of each family of feature templates in `ingest.features`
    (1, "types and distance"),
    (6, "role of an argument"),
    (9, "word above an argument"),
    (13, "mentions between"),
    (15, "description"),
    (20, "words between"),
    (30, "words beside the subject"),
    (40, "words beside the object"),
    (50, "path"),
    (58, "words on the path"),
    (70, "verb"),
    (73, "words of the sentence"),
    (80, "pattern"),
    (85, "recognised kind"),
)
_FIRST = np.array([first for first, _ in TEMPLATES])


@dataclass(frozen=True, eq=False)
class Linear:
    """The first stage: `weights[i]` (buckets × relations) belongs to the feature `bucket[i]` (sorted); `intercept` (relations)."""

    bucket: NDArray[np.int32]
    weights: NDArray[np.float32]
    intercept: NDArray[np.float32]

    def columns(self, buckets: Ints) -> NDArray[np.int32]:
        """The row of `weights` for each bucket; one past the last for a feature that was not trained."""
        return self._row_of[buckets]

    @cached_property
    def _row_of(self) -> NDArray[np.int32]:
        rows = np.full(1 << BITS, len(self.bucket), dtype=np.int32)
        rows[self.bucket] = np.arange(len(self.bucket))
        return rows

    def logits(self, encoded: Encoded) -> Floats:
        """Pairs × relations; a feature that a pair has twice counts once."""
        column = self.columns(encoded.bucket)
        known = column < len(self.bucket)
        code = encoded.row[known] << BITS | column[known]
        code.sort()
        code = code[np.diff(code, prepend=-1) > 0]  # np.unique, which sorts for longer
        row, column = code >> BITS, code & ((1 << BITS) - 1)
        summed = np.tile(self.intercept.astype(np.float64), (len(encoded.pairs), 1))
        if len(row):
            starts = np.flatnonzero(np.r_[True, row[1:] != row[:-1]])
            summed[row[starts]] += np.add.reduceat(self.weights[column], starts, axis=0, dtype=np.float64)
        return summed


@dataclass(frozen=True, slots=True, eq=False)
class Weights:
    """All that was trained. By relation: `base`, its base rate as a logarithm, and `threshold`, the least probability of a claim."""

    relations: tuple[str, ...]
    linear: Linear
    trees: Trees
    base: Floats
    threshold: Floats

    def save(self, path: Path) -> None:
        """Writes the arrays as one compressed `.npz`; the first stage's weights as 8-bit steps of each relation's largest weight."""
        step = np.maximum(np.abs(self.linear.weights).max(axis=0), 1e-9) / 127
        stored = {f"linear_{field.name}": getattr(self.linear, field.name) for field in fields(Linear)}
        stored |= {f"trees_{field.name}": getattr(self.trees, field.name) for field in fields(Trees)}
        stored |= {"linear_weights": np.round(self.linear.weights / step).astype(np.int8), "linear_step": step.astype(np.float32)}
        np.savez_compressed(
            path, allow_pickle=False, relations=np.array(self.relations), base=self.base, threshold=self.threshold, **stored
        )

    @classmethod
    def load(cls, path: Path) -> Self:
        """Reads what `save` wrote. Raises PipelineError for a file that is not that."""
        with arrays.read(path, "weights of the scorer") as stored:
            linear = {field.name: stored[f"linear_{field.name}"] for field in fields(Linear)}
            linear["weights"] = linear["weights"].astype(np.float32) * stored["linear_step"]
            trees = Trees(**{field.name: stored[f"trees_{field.name}"] for field in fields(Trees)})
            relations = tuple(str(name) for name in stored["relations"])
            return cls(relations, Linear(**linear), trees, stored["base"], stored["threshold"])


@cache
def shipped() -> Weights:
    """The weights in the package. Raises PipelineError when they are missing or damaged."""
    with as_file(files("ingest") / "weights" / WEIGHTS_FILE) as path:
        return Weights.load(path)


@dataclass(frozen=True, slots=True)
class Scores:
    """Probability `probability[i]` that relation number `relation[i]` holds for pair number `pair[i]`."""

    pair: Ints
    relation: Ints
    probability: Floats


class Scorer:
    """Scores the pairs of a scan; `relations` are those of the weights, in their order."""

    def __init__(self, weights: Weights) -> None:
        self.relations = weights.relations
        self.threshold = weights.threshold
        self._weights = weights

    def __call__(self, scan: Scan, numbers: Mapping[str, int]) -> Scores:
        """Scores a scan whose relations have these numbers; what only the scan or only the weights know is left out."""
        nowhere = np.zeros(len(scan.allowed), dtype=bool)
        allowed = np.stack([scan.allowed[:, numbers[name]] if name in numbers else nowhere for name in self.relations], axis=1)
        logits = np.where(allowed, self._weights.linear.logits(scan.encoded), ABSENT)
        rows = evidence_rows(scan, logits, allowed, self.relations, self._weights.base)
        return Scores(rows.pair, rows.relation, self._weights.trees.probabilities(inputs(rows, len(self.relations))))

    def reasons(self, scan: Scan, pair: int, relation: int, count: int = 3) -> list[str]:
        """The families of features that speak loudest for a relation of a pair: "words between +1.2"."""
        linear = self._weights.linear
        mine = np.flatnonzero(scan.encoded.row == pair)
        column, template = linear.columns(scan.encoded.bucket[mine]), scan.encoded.template[mine]
        known = column < len(linear.bucket)
        family = np.searchsorted(_FIRST, template[known], side="right") - 1
        total = np.bincount(family, weights=linear.weights[column[known], relation], minlength=len(TEMPLATES)).tolist()
        loudest = sorted(range(len(TEMPLATES)), key=lambda number: (-total[number], number))[:count]
        return [f"{TEMPLATES[number][1]} {total[number]:+.1f}" for number in loudest if total[number] > 0]


def evidence_rows(scan: Scan, logits: Floats, allowed: NDArray[np.bool_], relations: Sequence[str], base: Floats) -> Rows:
    """The rows of the second stage for a scan, given the first stage's logits (pairs × relations)."""
    numbers = {name: number for number, name in enumerate(relations)}
    pairs = scan.encoded.pairs
    rows_of = {(int(s), int(o)): row for row, (s, o) in enumerate(zip(pairs.subject, pairs.object, strict=True))}
    hits = [hit for hit in scan.hits if hit.frame.relation in numbers]
    chosen = select(logits, allowed, hits, rows_of, numbers)
    return gather(scan.encoded, scan.scene, logits, chosen, hits, scan.triggers, numbers, base)


def inputs(rows: Rows, relations: int) -> Floats:
    """The second stage's inputs: the dense evidence, and relation and types as indicators."""
    subject, object_ = (np.eye(len(TYPES))[column.astype(np.int64)] for column in (rows.subject_type, rows.object_type))
    return np.hstack([rows.features, np.eye(relations)[rows.relation], subject, object_])
