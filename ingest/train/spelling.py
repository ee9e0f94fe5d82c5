"""Training the model of what a name looks like (`ingest.components.spelling`) on the names of the gazetteer."""

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
from joblib import Parallel, delayed
from numpy.typing import NDArray
from scipy import sparse
from sklearn.linear_model import LogisticRegression

from ingest.components.kinds import Spelled
from ingest.components.spelling import Spelling, evidence, pieces
from ingest.model import EntityType, KnownEntity

FOLDS = 5
LEAST = 3  # names that a piece must be in
STRENGTH = 0.1  # inverse of the penalty
TOLERANCE = 0.001  # a tenth of it takes three times as long and judges no better


def fit(entities: Sequence[KnownEntity], *, processes: int = 1) -> tuple[Spelling, Spelled]:
    """The model for these entities, and what to train with: it judges each of their names by a model that knows none of the entity's."""
    named = sorted({(name, entity.type.value, _fold(entity.id)) for entity in entities for name in (entity.label, *entity.alt_labels)})
    names = [name for name, _, _ in named]
    seen = Counter(piece for name in names for piece in set(pieces(name)) if "\n" not in piece)
    rows = {piece: row for row, piece in enumerate(sorted(piece for piece, count in seen.items() if count >= LEAST))}
    table, labels, folds = _table(names, rows), np.array([kind for _, kind, _ in named]), np.array([fold for _, _, fold in named])
    chosen = [folds != number for number in (*range(FOLDS), -1)]
    *parts, whole = Parallel(n_jobs=processes)(delayed(_fitted)(table[part], labels[part]) for part in chosen)
    held_out: dict[str, Mapping[str, float]] = {}
    for number, model in enumerate(parts):
        inside = np.flatnonzero(folds == number)
        if len(inside):
            found = model.predict_proba(table[inside]).tolist()
            kinds_of = [EntityType(kind) for kind in model.classes_]
            held_out |= {names[place]: evidence(kinds_of, row) for place, row in zip(inside.tolist(), found, strict=True)}
    spelling = Spelling(tuple(EntityType(kind) for kind in whole.classes_), rows, *_of_every_kind(whole))
    return spelling, lambda name: held_out.get(name) or spelling(name)


def _of_every_kind(model: LogisticRegression) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Weights (pieces × kinds) and bias; of two kinds scikit-learn gives those of the second, beside zeros for the first."""
    weights, bias = model.coef_, model.intercept_
    if len(bias) == 1:
        weights, bias = np.vstack([np.zeros_like(weights), weights]), np.append(np.zeros_like(bias), bias)
    return weights.T.astype(np.float32), bias.astype(np.float32)


def _fold(entity: str) -> int:
    return int(hashlib.sha256(entity.encode()).hexdigest(), 16) % FOLDS


def _table(names: Sequence[str], rows: Mapping[str, int]) -> sparse.csr_matrix:
    """Names × pieces, 1 where a name has the piece."""
    columns = [sorted({rows[piece] for piece in pieces(name) if piece in rows}) for name in names]
    starts = np.cumsum([0, *map(len, columns)])
    inside = np.array([column for found in columns for column in found], dtype=np.int32)
    return sparse.csr_matrix((np.ones(len(inside)), inside, starts), shape=(len(names), len(rows)))


def _fitted(table: sparse.csr_matrix, kinds: NDArray[np.str_]) -> LogisticRegression:
    return LogisticRegression(C=STRENGTH, tol=TOLERANCE, max_iter=300).fit(table, kinds)
