"""Dense, relation-neutral evidence for one (pair, relation): the second stage of the scorer, shared by all relations.

Rare relations have too few examples to learn from, but "a trigger word of the relation lies on the path, its slots fit, no other pair fits
better" means the same for all of them.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ingest.features import Encoded
from ingest.layout import KINDS, Ints, Layout
from ingest.patterns import Hit

type Floats = NDArray[np.float64]
type Column = NDArray[np.float64] | NDArray[np.int64] | NDArray[np.bool_]

NAMES = (
    *("logit", "best other logit", "margin", "rank", "logit of the pair turned round"),
    *("below the best object", "below the best subject", "below the best in the article", "sum in the sentence"),
    *("strong hits", "loose strong hits", "weak hits", "loose weak hits", "strong hits of others", "weak hits of others"),
    *("subject pronoun", "subject nominal", "object pronoun", "object nominal", "adjective"),
    *("steps up to the subject", "steps up to the object", "token gap", "subject first", "mentions between"),
    *(
        "triggers",
        "strong triggers",
        "trigger between",
        "trigger on the path",
        "trigger gap to subject",
        "trigger gap to object",
        "other triggers",
    ),
    *("base rate", "subject mentions", "object mentions", "sentence length", "sentence mentions", "heading"),
    *("below the subject's best in the article", "below the object's best in the article", "sum in the article", "margin in the article"),
    *("subject known", "object known", "subject recognised", "object recognised", "subject's kind certain", "object's kind certain"),
)
FLOOR = -5.0
FAR = 30


@dataclass(frozen=True, slots=True)
class Trigger:
    """A token that can trigger frames of a relation."""

    token: int
    relation: str
    strong: bool


@dataclass(frozen=True, slots=True)
class Rows:
    """The (pair, relation) rows of a document, with their features (rows × NAMES) and the numbers of the arguments' types."""

    pair: Ints
    relation: Ints
    features: Floats
    subject_type: Ints
    object_type: Ints


@dataclass(frozen=True, slots=True)
class Scene:
    """What the second stage needs beyond the features.

    By mention: a code of its entity, whether that is the gazetteer's, how far the base model recognised an entity in the same place
    (1: the same tokens, 0.5: some of them, 0), and how probable its kind is. By pair: the bounds of its sentence, and whether that is in
    a heading.
    """

    layout: Layout
    entity: Ints
    known: NDArray[np.bool_]
    recognised: Floats
    certain: Floats
    first: Ints
    past: Ints
    heading: NDArray[np.bool_]


def select(
    logits: Floats, allowed: NDArray[np.bool_], hits: Iterable[Hit], rows_of: dict[tuple[int, int], int], relations: dict[str, int]
) -> NDArray[np.bool_]:
    """Which (pair, relation) rows are worth a second look: those with a hit, and those whose logit is above `FLOOR`."""
    chosen = logits > FLOOR
    for hit in hits:
        row = rows_of.get((hit.subject, hit.object))
        relation = relations.get(hit.frame.relation)
        if row is not None and relation is not None:
            chosen[row, relation] = True
    return chosen & allowed


def gather(
    encoded: Encoded,
    scene: Scene,
    logits: Floats,
    chosen: NDArray[np.bool_],
    hits: Sequence[Hit],
    triggers: Sequence[Trigger],
    relations: dict[str, int],
    base: Floats,
) -> Rows:
    """The features of the chosen rows; `base` is each relation's base rate as a logit."""
    pair, relation = np.nonzero(chosen)
    columns = [
        *_contest(encoded, scene, logits, pair, relation),
        *_hit_counts(encoded, hits, pair, relation, relations, logits.shape),
        *_shape(encoded, scene, pair),
        *_trigger_evidence(encoded, scene, triggers, pair, relation, relations),
        *_setting(encoded, scene, pair, relation, base),
        *_article(encoded, scene, logits, pair, relation),
        *_certainty(encoded, scene, pair),
    ]
    features = np.stack(columns, axis=1).astype(np.float64) if len(pair) else np.zeros((0, len(NAMES)))
    types = (scene.layout.type[mentions[pair]] for mentions in (encoded.pairs.subject, encoded.pairs.object))
    return Rows(pair, relation, features, *types)


def _contest(encoded: Encoded, scene: Scene, logits: Floats, pair: Ints, relation: Ints) -> list[Column]:
    subject, object_ = encoded.pairs.subject, encoded.pairs.object
    own = logits[pair, relation]
    order = np.sort(logits, axis=1)
    best, second = order[:, -1][pair], order[:, -2][pair]
    other = np.where(own >= best, second, best)
    rank = (logits[pair] > own[:, None]).sum(axis=1)
    width = int(scene.entity.max(initial=0)) + 1
    turned = _turned(subject, object_, len(scene.layout.start))
    reverse = np.where(turned[pair] >= 0, logits[turned[pair], relation], -12.0)
    by_subject = _best_of(logits, scene.first * width + scene.entity[subject])[pair, relation]
    by_object = _best_of(logits, scene.first * width + scene.entity[object_])[pair, relation]
    in_article = _best_of(logits, scene.entity[subject] * width + scene.entity[object_])[pair, relation]
    _, sentence = np.unique(scene.first, return_inverse=True)
    total = np.zeros((int(sentence.max(initial=-1)) + 1, logits.shape[1]))
    np.add.at(total, sentence, 1 / (1 + np.exp(-logits)))
    return [own, other, own - other, rank, reverse, own - by_subject, own - by_object, own - in_article, total[sentence[pair], relation]]


def _best_of(logits: Floats, group: Ints) -> Floats:
    _, code = np.unique(group, return_inverse=True)
    best = np.full((int(code.max(initial=-1)) + 1, logits.shape[1]), -50.0)
    np.maximum.at(best, code, logits)
    return best[code]


def _turned(subject: Ints, object_: Ints, mentions: int) -> Ints:
    """The number of each pair's reverse, or -1."""
    key = subject * mentions + object_
    order = np.argsort(key)
    wanted = object_ * mentions + subject
    place = np.clip(np.searchsorted(key[order], wanted), 0, max(len(key) - 1, 0))
    found = order[place] if len(key) else place
    return np.where(key[found] == wanted, found, -1) if len(key) else found


def _hit_counts(
    encoded: Encoded, hits: Sequence[Hit], pair: Ints, relation: Ints, relations: dict[str, int], shape: tuple[int, ...]
) -> list[Column]:
    rows = {(int(s), int(o)): row for row, (s, o) in enumerate(zip(encoded.pairs.subject, encoded.pairs.object, strict=True))}
    counts = np.zeros((4, *shape))
    for hit in hits:
        row, number = rows.get((hit.subject, hit.object)), relations.get(hit.frame.relation)
        if row is not None and number is not None:
            direct = hit.is_rule if hit.frame.strong else not hit.subject_distance + hit.object_distance
            counts[(0 if hit.frame.strong else 2) + (not direct), row, number] += 1
    own = [counts[kind][pair, relation] for kind in range(4)]
    strong, weak = counts[:2].sum(axis=0), counts[2:].sum(axis=0)
    return [*own, strong.sum(axis=1)[pair] - own[0] - own[1], weak.sum(axis=1)[pair] - own[2] - own[3]]


def _shape(encoded: Encoded, scene: Scene, pair: Ints) -> list[Column]:
    at = scene.layout
    subject, object_ = encoded.pairs.subject[pair], encoded.pairs.object[pair]
    s_kind, o_kind = at.kind[subject], at.kind[object_]
    kinds = [s_kind == KINDS["pronoun"], s_kind == KINDS["nominal"], o_kind == KINDS["pronoun"], o_kind == KINDS["nominal"]]
    adjective = (s_kind == KINDS["adjective"]) | (o_kind == KINDS["adjective"])
    top = at.depth[encoded.ancestor[pair]]
    gap = np.maximum(at.start[subject], at.start[object_]) - np.minimum(at.end[subject], at.end[object_])
    starts = np.sort(at.start)
    between = np.searchsorted(starts, np.maximum(at.start[subject], at.start[object_])) - np.searchsorted(
        starts, np.minimum(at.end[subject], at.end[object_])
    )
    steps = [at.depth[at.root[subject]] - top, at.depth[at.root[object_]] - top]
    return [*kinds, adjective, *steps, gap, at.start[subject] < at.start[object_], np.maximum(between, 0)]


def _trigger_evidence(
    encoded: Encoded, scene: Scene, triggers: Sequence[Trigger], pair: Ints, relation: Ints, relations: dict[str, int]
) -> list[Column]:
    at = scene.layout
    count = np.zeros((5, len(pair)))
    near = np.full((2, len(pair)), float(FAR))
    if triggers and len(pair):
        token = np.array([t.token for t in triggers])
        which = np.array([relations.get(t.relation, -1) for t in triggers])
        strong = np.array([t.strong for t in triggers])
        row, t = np.nonzero((token >= scene.first[pair][:, None]) & (token < scene.past[pair][:, None]))
        own = which[t] == relation[row]
        np.add.at(count[4], row[~own], 1)
        row, t = row[own], t[own]
        subject, object_ = encoded.pairs.subject[pair[row]], encoded.pairs.object[pair[row]]
        place = token[t]
        low, high = np.minimum(at.end[subject], at.end[object_]), np.maximum(at.start[subject], at.start[object_])
        np.add.at(count[0], row, 1)
        np.add.at(count[1], row, strong[t])
        np.maximum.at(count[2], row, (place >= low) & (place < high))
        np.maximum.at(count[3], row, _on_path(at, at.root[subject], at.root[object_], encoded.ancestor[pair[row]], place))
        for side, mention in enumerate((subject, object_)):
            gap = np.where(place < at.start[mention], at.start[mention] - place, np.maximum(place - at.end[mention] + 1, 0))
            np.minimum.at(near[side], row, gap)
    return [count[0], count[1], count[2], count[3], near[0], near[1], count[4]]


def _on_path(at: Layout, subject: Ints, object_: Ints, ancestor: Ints, token: Ints) -> NDArray[np.bool_]:
    below: NDArray[np.bool_] = at.depth[token] >= at.depth[ancestor]
    found: NDArray[np.bool_] = below & (
        (at.above[subject] == token[:, None]).any(axis=1) | (at.above[object_] == token[:, None]).any(axis=1)
    )
    return found


def _setting(encoded: Encoded, scene: Scene, pair: Ints, relation: Ints, base: Floats) -> list[Column]:
    at = scene.layout
    subject, object_ = encoded.pairs.subject[pair], encoded.pairs.object[pair]
    times = np.bincount(scene.entity, minlength=1)
    order = np.sort(at.start)
    inside = np.searchsorted(order, scene.past[pair]) - np.searchsorted(order, scene.first[pair])
    counts = [times[scene.entity[subject]], times[scene.entity[object_]]]
    return [base[relation], *counts, scene.past[pair] - scene.first[pair], inside, scene.heading[pair]]


def _article(encoded: Encoded, scene: Scene, logits: Floats, pair: Ints, relation: Ints) -> list[Column]:
    """How the pair's entities stand to each other and to others in the rest of the article: a product has one maker."""
    subject, object_ = scene.entity[encoded.pairs.subject], scene.entity[encoded.pairs.object]
    own = logits[pair, relation]
    _, both = np.unique(subject * (int(scene.entity.max(initial=0)) + 1) + object_, return_inverse=True)
    count = int(both.max(initial=-1)) + 1
    total, best = np.zeros((count, logits.shape[1])), np.full((count, logits.shape[1]), -50.0)
    np.add.at(total, both, 1 / (1 + np.exp(-logits)))
    np.maximum.at(best, both, logits)
    others = best[both[pair]]
    others[np.arange(len(pair)), relation] = -50.0
    return [
        own - _best_of(logits, subject)[pair, relation],
        own - _best_of(logits, object_)[pair, relation],
        np.log(total[both[pair], relation] + 1e-6),
        np.maximum(own - others.max(axis=1, initial=-50.0), -10.0),
    ]


def _certainty(encoded: Encoded, scene: Scene, pair: Ints) -> list[Column]:
    """How sure the arguments' names and kinds are."""
    subject, object_ = encoded.pairs.subject[pair], encoded.pairs.object[pair]
    return [side[mention] for side in (scene.known, scene.recognised, scene.certain) for mention in (subject, object_)]
