"""The model card: what the weights were trained on, under which licences, and how good they are on articles they have not seen."""

from collections.abc import Mapping, Sequence

from ingest.scoring import Counts, Score
from ingest.train.training import Trained

_HEAD = """# Weights of the extraction pipeline

Written by `kg train`; do not edit. `scorer.npz` decides which relations a sentence states between two mentions (one logistic regression a
relation over hashed features, then boosted trees for all relations together), `kinds.json` what kind of thing a new name
names, among other things by its spelling (`spelling.npz`, learned from the names of the gazetteer).

- **Intended use:** English news about technology firms, AI and their politics. Elsewhere expect less, and train again.
- **No names in the scorer:** its features see types, words and syntax around the arguments, never the arguments' own names (only the last
  word of a name of several words). `spelling.npz` holds pieces and words of the gazetteer's names, of no article's.
- **Not in here:** no text of the annotated articles or of a corpus; weights and figures only.

## Trained on

{sources}

## Score

Cross-validated over whole articles ({folds} folds, {articles} articles): every article was judged by kinds, scorer and thresholds fitted
without it. Micro precision **{precision:.3f}**, recall **{recall:.3f}**, F1 **{f1:.3f}** (95 % interval {low:.3f} to {high:.3f},
bootstrap over articles); modality right in {modality:.3f} and attribution in {attribution:.3f} of the right claims.
Of the same claims: {checks}.

| relation | precision | recall | F1 | right | wrong | missed |
| --- | --- | --- | --- | --- | --- | --- |
{relations}

## Calibration

Claims of the held-out articles by confidence.

| mean confidence | share right | claims |
| --- | --- | --- |
{calibration}
"""


def card(trained: Trained, sources: Sequence[str], *, folds: int) -> str:
    """The card in Markdown; `sources` are lines that name data and licence."""
    score = trained.score
    low, high = score.interval
    return _HEAD.format(
        sources="\n".join(f"- {source}" for source in sources),
        folds=folds,
        articles=len(score.articles),
        precision=score.counts.precision,
        recall=score.counts.recall,
        f1=score.counts.f1,
        low=low,
        high=high,
        modality=score.modality_accuracy,
        attribution=score.attribution_accuracy,
        checks=trained.checks,
        relations=_relations(score),
        calibration="\n".join(f"| {mean:.2f} | {right:.2f} | {count} |" for mean, right, count in trained.calibration),
    )


def _relations(score: Score) -> str:
    named: Mapping[str, Counts] = score.relations
    rows = [(name, c.precision, c.recall, c.f1, c.right, c.wrong, c.missed) for name, c in named.items()]
    return "\n".join(f"| {n} | {p:.2f} | {r:.2f} | {f:.2f} | {right} | {wrong} | {missed} |" for n, p, r, f, right, wrong, missed in rows)
