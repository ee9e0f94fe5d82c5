"""What kind of thing a name looks like by its letters alone: "Qentra Labs" a firm, "Lumo-7B" a model.

Learned from the names of the gazetteer, whose kinds are known; one of the things by which `ingest.components.kinds` judges a new name.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import as_file, files
from math import log
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from ingest import arrays
from ingest.model import EntityType

SPELLING_FILE = "spelling.npz"
LONGEST = 4  # letters of a piece
UNLIKELY = 0.001  # no kind is less likely than that


def pieces(name: str) -> Iterator[str]:
    """A name's pieces of one to four letters with its ends marked, its words, its last word, and how its words are written."""
    marked = f"^{name}$"
    for length in range(1, LONGEST + 1):
        yield from (marked[start : start + length] for start in range(len(marked) - length + 1))
    parts = name.split() or [name]
    yield from (f"word {part.lower()}" for part in parts)
    yield f"last {parts[-1].lower()}"
    yield f"shape {' '.join(map(_shape, parts))}"


def _shape(part: str) -> str:
    return "A" if part.isupper() else "Aa" if part[:1].isupper() else "9" if part[:1].isdigit() else "a"


def evidence(kinds: Sequence[EntityType], probabilities: Sequence[float]) -> dict[str, float]:
    """The probabilities of kinds as features of a name, around 0 to 1."""
    return {f"spelled={kind}": 1 + log(max(chance, UNLIKELY)) / -log(UNLIKELY) for kind, chance in zip(kinds, probabilities, strict=True)}


@dataclass(frozen=True, slots=True, eq=False)
class Spelling:
    """Multinomial logistic regression over `pieces`: a row of `weights` (one number a kind) for each known piece, and `bias`."""

    kinds: tuple[EntityType, ...]
    rows: Mapping[str, int]
    weights: NDArray[np.float32]
    bias: NDArray[np.float32]

    def __call__(self, name: str) -> dict[str, float]:
        """The features of a name."""
        rows = sorted({row for piece in pieces(name) if (row := self.rows.get(piece)) is not None})
        odds = np.exp(self.bias.astype(np.float64) + self.weights[rows].sum(axis=0, dtype=np.float64))
        return evidence(self.kinds, (odds / odds.sum()).tolist())

    def save(self, path: Path) -> None:
        """Writes one compressed `.npz`; the weights as 8-bit steps of the largest."""
        step = np.float32(max(float(np.abs(self.weights).max(initial=0)), 1e-9) / 127)
        steps = np.round(self.weights / step).astype(np.int8)
        kinds, ordered = [kind.value for kind in self.kinds], sorted(self.rows, key=lambda piece: self.rows[piece])
        np.savez_compressed(
            path, allow_pickle=False, kinds=np.array(kinds), pieces=np.array("\n".join(ordered)), weights=steps, step=step, bias=self.bias
        )

    @classmethod
    def load(cls, path: Path) -> Self:
        """Reads what `save` wrote. Raises PipelineError for a file that is not that."""
        with arrays.read(path, "model of spelling") as stored:
            rows = {piece: row for row, piece in enumerate(str(stored["pieces"]).split("\n"))}
            weights = stored["weights"].astype(np.float32) * stored["step"]
            return cls(tuple(EntityType(str(kind)) for kind in stored["kinds"]), rows, weights, stored["bias"])


@cache
def shipped_spelling() -> Spelling:
    """The package's own model."""
    with as_file(files("ingest") / "weights" / SPELLING_FILE) as path:
        return Spelling.load(path)
