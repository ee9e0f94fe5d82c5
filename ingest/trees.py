"""Boosted decision trees as plain arrays, scored without branches.

Every tree has at most eight leaves, so its leaves are the bits of a byte: each split that a row fails strikes out the leaves to its left,
and the row falls into the lowest leaf that is left (QuickScorer; Lucchese et al., SIGIR 2015).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

LEAVES = 8

_LOWEST = np.array([next((bit for bit in range(LEAVES) if number >> bit & 1), 0) for number in range(1 << LEAVES)], dtype=np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class Trees:
    """Trees × splits: `feature` and `threshold` (a row with more fails the split), `struck`, the bits of the leaves that then remain.

    Trees × leaves: `value`, what a leaf adds to the logit, on top of `start`. Splits that a tree lacks have the threshold infinity.
    """

    feature: NDArray[np.int16]
    threshold: NDArray[np.float64]
    struck: NDArray[np.uint8]
    value: NDArray[np.float64]
    start: NDArray[np.float64]

    def probabilities(self, rows: NDArray[np.float64]) -> NDArray[np.float64]:
        """The probability of each row (rows × features)."""
        trees, splits = self.feature.shape
        fails = np.ascontiguousarray(rows.T)[self.feature.reshape(-1)] > self.threshold.reshape(-1, 1)
        left = self.struck.reshape(-1, 1) | (fails.view(np.uint8) - np.uint8(1))  # all bits where the row passes
        leaf = _LOWEST[np.bitwise_and.reduce(left.reshape(trees, splits, len(rows)), axis=1)]
        logit = self.value[np.arange(trees)[:, None], leaf].sum(axis=0) + self.start
        probability: NDArray[np.float64] = 1 / (1 + np.exp(-logit))
        return probability
