"""Hashed binary features of mention pairs, computed for a whole document at once with numpy.

A pair is an ordered pair of mentions of two entities in one sentence. Every feature is the hash of a template number and of token, label or
type codes, cut to `BITS` bits; names take no part (a mention shows only its type), so nothing about single entities can be learned.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from spacy.strings import get_string_id

from ingest.layout import KINDS, MAX_DEPTH, Codes, Ints, Layout
from ingest.patterns import Hit

BITS = 22
MAX_TOKENS = 45
REACH = 60  # tokens beside a pair whose words count as those of its sentence: a list on a page may be one of thousands
MAX_PATH = 7
_VERB_POS = tuple(get_string_id(name) for name in ("VERB", "AUX"))
_SKIPPED_POS = tuple(get_string_id(name) for name in ("PUNCT", "SPACE", "DET"))
_PRIME = np.uint64(0x9E3779B97F4A7C15)
_SHIFT = np.uint64(29)
_BUCKET = np.uint64(64 - BITS)
_DISTANCES = np.array([1, 2, 3, 4, 6, 8, 12, 18, 27])


@dataclass(frozen=True, slots=True)
class Pairs:
    """Ordered pairs of mentions (numbers into the list they were made from), all arrays of one length."""

    subject: Ints
    object: Ints

    def __len__(self) -> int:
        return len(self.subject)


@dataclass(frozen=True, slots=True)
class Encoded:
    """Feature `bucket[i]`, made by template number `template[i]`, holds for pair `row[i]`; by pair: the arguments' lowest common ancestor
    token, and the number of steps from one argument to the other."""

    pairs: Pairs
    row: Ints
    bucket: Ints
    template: Ints
    ancestor: Ints
    path_length: Ints


def pairs_of(
    layout: Layout, groups: Iterable[Sequence[int]], compatible: NDArray[np.bool_], *, partner: Ints, max_tokens: int = MAX_TOKENS
) -> Pairs:
    """All ordered pairs of two entities within a group (a sentence's mentions, by number), at most `max_tokens` apart.

    `compatible[subject type, object type]` says which types any relation joins, `partner[mention]` the one mention it pairs with or -1.
    """
    groups = list(groups)
    inside = np.array([number for group in groups for number in group], dtype=np.int64)
    size = np.array([len(group) for group in groups], dtype=np.int64)
    past = np.repeat(np.cumsum(size), size)  # by member: where its group ends in `inside`
    row, other = spread(past - np.repeat(size, size), past)
    subject, object_ = inside[row], inside[other]
    gap = np.maximum(layout.start[subject], layout.start[object_]) - np.minimum(layout.end[subject], layout.end[object_])
    kept = (layout.entity[subject] != layout.entity[object_]) & (gap <= max_tokens)
    kept &= compatible[layout.type[subject], layout.type[object_]]
    kept &= ((partner[subject] < 0) | (partner[subject] == object_)) & ((partner[object_] < 0) | (partner[object_] == subject))
    return Pairs(subject[kept], object_[kept])


def encode(layout: Layout, pairs: Pairs, hits: Iterable[Hit], bounds: tuple[Ints, Ints]) -> Encoded:
    """The features of every pair; `hits` are the document's frame hits, `bounds` the first and past-last token of each pair's sentence."""
    sheet = _Sheet(layout, pairs, bounds)
    for group in (_argument_features, _recognised_features, _between_features, _window_features, _path_features, _verb_features):
        group(sheet)
    _hit_features(sheet, hits)
    return Encoded(pairs, *sheet.rows(), sheet.ancestor, sheet.s_steps + sheet.o_steps)


class _Sheet:
    """The features found so far, and what several templates need."""

    def __init__(self, layout: Layout, pairs: Pairs, bounds: tuple[Ints, Ints]) -> None:
        self.at, self.pairs = layout, pairs
        self.first, self.past = bounds
        s, o = pairs.subject, pairs.object
        self.all = np.arange(len(pairs))
        self.s_root, self.o_root = layout.root[s], layout.root[o]
        self.forward = (layout.start[s] <= layout.start[o]).astype(np.uint64)
        self.left_end = np.minimum(layout.end[s], layout.end[o])
        self.right_start = np.maximum(layout.start[s], layout.start[o])
        self.types = (layout.type[s] * 16 + layout.type[o]).astype(np.uint64)
        self.kinds = (layout.kind[s] * 4 + layout.kind[o]).astype(np.uint64)
        self._rows: list[Ints] = []
        self._codes: list[Codes] = []
        self._templates: list[int] = []
        self._find_paths()

    def _find_paths(self) -> None:
        above, depth = self.at.above, self.at.depth
        levels = np.arange(MAX_DEPTH)
        s, o = self.s_root, self.o_root
        from_top = [np.take_along_axis(above[x], np.clip(depth[x][:, None] - levels, 0, MAX_DEPTH - 1), axis=1) for x in (s, o)]
        shared = (from_top[0] == from_top[1]) & (levels <= np.minimum(depth[s], depth[o])[:, None])
        common = np.cumprod(shared, axis=1).sum(axis=1)
        top = np.clip(common - 1, 0, MAX_DEPTH - 1)
        self.ancestor = from_top[0][self.all, top] if len(s) else np.zeros(0, dtype=np.int64)
        self.s_steps, self.o_steps = depth[s] - top, depth[o] - top

    def add(self, template: int, rows: Ints, *values: Codes | Ints) -> None:
        """One feature of template number `template` for each of `rows`."""
        self._rows.append(rows)
        self._codes.append(mix(template, *values))
        self._templates.append(template)

    def rows(self) -> tuple[Ints, Ints, Ints]:
        """Pair numbers, buckets and template numbers of all features."""
        codes = np.concatenate(self._codes)
        templates = np.repeat(self._templates, [len(rows) for rows in self._rows])
        return np.concatenate(self._rows), (codes >> _BUCKET).astype(np.int64), templates


def mix(template: int, *values: Codes | Ints) -> Codes:
    """A 64-bit hash of the values, element by element."""
    code = np.full(len(values[0]), template * 0x51ED270B + 1, dtype=np.uint64) if values else np.zeros(0, dtype=np.uint64)
    for value in values:
        code ^= value.astype(np.uint64, copy=False)
        code *= _PRIME
        code ^= code >> _SHIFT
    code *= _PRIME
    return code


def spread(start: Ints, end: Ints) -> tuple[Ints, Ints]:
    """For ranges `start[i]:end[i]`: the range number of every element, and the element."""
    length = np.maximum(end - start, 0)
    row = np.repeat(np.arange(len(start)), length)
    offset = np.arange(len(row)) - np.repeat(np.cumsum(length) - length, length)
    return row, start[row] + offset


def _argument_features(sheet: _Sheet) -> None:
    at, everyone = sheet.at, sheet.all
    gap = np.digitize(sheet.right_start - sheet.left_end, _DISTANCES)
    sheet.add(1, everyone, sheet.types)
    sheet.add(2, everyone, sheet.types, sheet.forward)
    sheet.add(3, everyone, sheet.types, sheet.kinds)
    sheet.add(4, everyone, gap, sheet.forward)
    sheet.add(5, everyone, sheet.types, gap)
    s_dep, o_dep = at.label[sheet.s_root], at.label[sheet.o_root]
    sheet.add(6, everyone, s_dep, sheet.types)
    sheet.add(7, everyone, o_dep, sheet.types)
    sheet.add(8, everyone, s_dep, o_dep)
    for template, root, dep in ((9, sheet.s_root, s_dep), (10, sheet.o_root, o_dep)):
        above = at.word[at.up[root]]
        sheet.add(template, everyone, above, dep)
        sheet.add(template + 2, everyone, above, sheet.types)
    between = np.digitize(_mentions_between(sheet), np.array([1, 2, 3, 5]))
    sheet.add(13, everyone, between, sheet.forward)
    sheet.add(14, everyone, between, sheet.types)
    for side, span in enumerate((sheet.pairs.subject, sheet.pairs.object)):
        tailed = everyone[at.tail[span] > 0]
        sheet.add(17 + side, tailed, at.tail[span[tailed]])
        sheet.add(19, everyone, at.shape[span], sheet.types, np.full(len(everyone), side))
    for template, span in ((15, sheet.pairs.subject), (16, sheet.pairs.object)):
        described = at.kind[span] == KINDS["nominal"]
        rows = everyone[described]
        sheet.add(template, rows, at.lemma[at.root[span[described]]])


def _mentions_between(sheet: _Sheet) -> Ints:
    starts = np.sort(sheet.at.start)
    count = np.searchsorted(starts, sheet.right_start) - np.searchsorted(starts, sheet.left_end)
    between: Ints = np.maximum(count, 0)
    return between


def _recognised_features(sheet: _Sheet) -> None:
    at, everyone = sheet.at, sheet.all
    subject, object_ = at.found[sheet.pairs.subject], at.found[sheet.pairs.object]
    sheet.add(85, everyone, subject, np.zeros_like(everyone))
    sheet.add(85, everyone, object_, np.ones_like(everyone))
    sheet.add(86, everyone, subject, object_)
    sheet.add(87, everyone, subject, at.type[sheet.pairs.subject])
    sheet.add(88, everyone, object_, at.type[sheet.pairs.object])


def _between_features(sheet: _Sheet) -> None:
    at = sheet.at
    row, token = spread(sheet.left_end, sheet.right_start)
    word, forward = at.word[token], sheet.forward[row]
    telling = ~np.isin(at.pos[token], _SKIPPED_POS)
    row_t, word_t = row[telling], word[telling]
    sheet.add(20, row_t, word_t, forward[telling])
    sheet.add(21, row_t, word_t, sheet.types[row_t])
    if len(row_t) > 1:
        pair = row_t[1:] == row_t[:-1]
        sheet.add(22, row_t[1:][pair], word_t[:-1][pair], word_t[1:][pair], sheet.forward[row_t[1:][pair]])
    near = sheet.right_start - sheet.left_end <= 5
    sequence = np.zeros(len(sheet.all), dtype=np.uint64)
    for step in range(5):
        inside = near & (sheet.left_end + step < sheet.right_start)
        token_here = np.minimum(sheet.left_end + step, len(at.word) - 1)
        sequence = np.where(inside, (sequence + at.word[token_here]) * _PRIME, sequence)
    rows = sheet.all[near]
    sheet.add(23, rows, sequence[near], sheet.types[near], sheet.forward[near])
    sheet.add(24, rows, sequence[near], sheet.forward[near])


def _window_features(sheet: _Sheet) -> None:
    at, size = sheet.at, len(sheet.at.word)
    for template, span in ((30, sheet.pairs.subject), (40, sheet.pairs.object)):
        for step in (1, 2, 3):
            for side, token in ((0, at.start[span] - step), (1, at.end[span] + step - 1)):
                inside = (token >= sheet.first) & (token < sheet.past)
                word = at.word[np.clip(token, 0, size - 1)][inside]
                rows = sheet.all[inside]
                sheet.add(template + side, rows, word, sheet.types[inside], np.full(len(rows), min(step, 2)))
                if step == 1:
                    sheet.add(template + 2 + side, rows, word)


def _path_features(sheet: _Sheet) -> None:
    at = sheet.at
    s_labels, s_words = _side(sheet, sheet.s_root, sheet.s_steps)
    o_labels, o_words = _side(sheet, sheet.o_root, sheet.o_steps)
    top = at.word[sheet.ancestor]
    steps = np.minimum(sheet.s_steps, 9) * 10 + np.minimum(sheet.o_steps, 9)
    fits = (sheet.s_steps <= MAX_PATH) & (sheet.o_steps <= MAX_PATH)
    rows = sheet.all[fits]
    sheet.add(50, rows, s_labels[fits], o_labels[fits])
    sheet.add(51, rows, s_labels[fits], o_labels[fits], sheet.types[fits])
    sheet.add(52, rows, s_words[fits], o_words[fits], top[fits])
    sheet.add(53, rows, s_labels[fits], o_labels[fits], top[fits])
    sheet.add(54, sheet.all, steps)
    sheet.add(55, sheet.all, top, sheet.types)
    sheet.add(56, sheet.all, top, at.label[sheet.s_root], at.label[sheet.o_root])
    inner = np.where(sheet.s_steps > 0, _last_label(sheet, sheet.s_root, sheet.s_steps), 0)
    outer = np.where(sheet.o_steps > 0, _last_label(sheet, sheet.o_root, sheet.o_steps), 0)
    sheet.add(57, sheet.all, top, inner, outer)
    for template, root, count in ((58, sheet.s_root, sheet.s_steps), (60, sheet.o_root, sheet.o_steps)):
        for step in range(1, MAX_PATH):
            on = count > step
            token = at.above[root[on], step]
            sheet.add(template, sheet.all[on], at.word[token])
            sheet.add(template + 1, sheet.all[on], at.word[token], sheet.types[on])


def _last_label(sheet: _Sheet, root: Ints, steps: Ints) -> Codes:
    return sheet.at.label[sheet.at.above[root, np.clip(steps - 1, 0, MAX_DEPTH - 1)]]


def _side(sheet: _Sheet, root: Ints, steps: Ints) -> tuple[Codes, Codes]:
    """Hashes of the labels, and of labels with words, from an argument up to the common ancestor (without it)."""
    at = sheet.at
    labels = np.zeros(len(root), dtype=np.uint64)
    words = np.zeros(len(root), dtype=np.uint64)
    for step in range(MAX_PATH):
        on = step < steps
        token = at.above[root, step]
        labels = np.where(on, (labels + at.label[token]) * _PRIME, labels)
        words = np.where(on, (words + at.label[token] + (at.word[token] if step else np.uint64(0))) * _PRIME, words)
    return labels, words


def _verb_features(sheet: _Sheet) -> None:
    at = sheet.at
    verbs = np.isin(at.pos, _VERB_POS)
    governing = []
    for root in (sheet.s_root, sheet.o_root):
        chain = at.above[root, 1:9]
        found = verbs[chain]
        first = np.where(found.any(axis=1), np.argmax(found, axis=1), 0)
        verb = chain[np.arange(len(root)), first] if len(root) else np.zeros(0, dtype=np.int64)
        governing.append(np.where(found.any(axis=1), at.lemma[verb], 0))
    sheet.add(70, sheet.all, governing[0], sheet.types)
    sheet.add(71, sheet.all, governing[1], sheet.types)
    sheet.add(72, sheet.all, governing[0], governing[1])
    row, token = spread(np.maximum(sheet.first, sheet.left_end - REACH), np.minimum(sheet.past, sheet.right_start + REACH))
    telling = verbs[token] | (at.pos[token] == get_string_id("NOUN"))
    row, token = row[telling], token[telling]
    sheet.add(73, row, at.word[token], sheet.types[row])


def _hit_features(sheet: _Sheet, hits: Iterable[Hit]) -> None:
    where = {(int(s), int(o)): row for row, (s, o) in enumerate(zip(sheet.pairs.subject, sheet.pairs.object, strict=True))}
    found = [(where[hit.subject, hit.object], code) for hit in hits if (hit.subject, hit.object) in where for code in _hit_codes(hit)]
    if found:
        rows, codes = zip(*found, strict=True)
        sheet.add(80, np.array(rows, dtype=np.int64), np.array(codes, dtype=np.uint64))


def _hit_codes(hit: Hit) -> Iterator[int]:
    relation, direct = hit.frame.relation, f"{hit.subject_distance}{hit.object_distance}"
    yield get_string_id(f"{relation}")
    yield get_string_id(f"{relation} {direct} {hit.frame.strong}")
    yield get_string_id(f"{relation} {hit.frame.lemma}")
    yield get_string_id(f"{relation} {hit.subject_slot} {hit.object_slot} {direct}")
    yield get_string_id(f"{relation} {hit.frame.lemma} {hit.subject_slot} {hit.object_slot}")
