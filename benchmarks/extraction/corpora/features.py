"""Features for these runs beside those of `ingest.features`: words near an argument."""

from dataclasses import replace

import numpy as np

from ingest.evidence import Floats, Rows
from ingest.features import BITS, Encoded, mix
from ingest.layout import Codes, Ints
from ingest.scan import Scan

_SHIFT = np.uint64(64 - BITS)
_NEAR = 6
_CLIP = 8.0


def widened(scan: Scan) -> Scan:
    """The scan with the further features of every pair."""
    found = _near(scan) if len(scan.encoded.pairs) else []
    rows = [scan.encoded.row, *(row for _, row, _ in found)]
    buckets = [scan.encoded.bucket, *((code >> _SHIFT).astype(np.int64) for _, _, code in found)]
    templates = [scan.encoded.template, *(np.full(len(row), template) for template, row, _ in found)]
    encoded = Encoded(
        scan.encoded.pairs,
        np.concatenate(rows),
        np.concatenate(buckets),
        np.concatenate(templates),
        scan.encoded.ancestor,
        scan.encoded.path_length,
    )
    return replace(scan, encoded=encoded)


def _near(scan: Scan) -> list[tuple[int, Ints, Codes]]:
    """The words up to six before and behind each argument, wherever they stand there, and the nearest two as a pair."""
    at, pairs, found = scan.scene.layout, scan.encoded.pairs, []
    for number, argument in enumerate((pairs.subject, pairs.object)):
        for side, edge, step in ((0, at.start[argument] - 1, -1), (1, at.end[argument], 1)):
            for far in range(_NEAR):
                rows = _inside(scan, edge + step * far)
                word = at.word[edge[rows] + step * far]
                found.append((120 + number, rows, mix(120 + number, word, np.full(len(rows), side))))
            rows = _inside(scan, edge + step)
            words = (at.word[edge[rows]], at.word[edge[rows] + step])
            found.append((122 + number, rows, mix(122 + number, *words, np.full(len(rows), side))))
    return found


def _inside(scan: Scan, token: Ints) -> Ints:
    """The pairs for which the token is in the sentence."""
    return np.flatnonzero((token >= scan.scene.first) & (token < scan.scene.past))


def contest(scan: Scan, logits: Floats, rows: Rows) -> Floats:
    """Further inputs of the second stage: the logits of all relations for the pair and for the pair turned round (zeros where that is no
    candidate), and by how much the row's own leads the best other one of both."""
    pairs = scan.encoded.pairs
    number = {(s, o): row for row, (s, o) in enumerate(zip(pairs.subject.tolist(), pairs.object.tolist(), strict=True))}
    turned = np.array([number.get((o, s), -1) for s, o in number], dtype=np.int64)
    clipped = np.vstack([np.clip(logits, -_CLIP, _CLIP), np.zeros((1, logits.shape[1]))])
    both = np.hstack([clipped[rows.pair], clipped[turned[rows.pair]]])
    own = clipped[rows.pair, rows.relation]
    others = both.copy()
    others[np.arange(len(own)), rows.relation] = -_CLIP
    return np.hstack([both, (own - others.max(axis=1, initial=-_CLIP))[:, None]])
