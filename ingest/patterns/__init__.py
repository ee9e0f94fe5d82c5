"""Trigger frames: the words that state each relation, and where their arguments stand.

The table is `frames.toml`, data that a reader can extend without touching code; its header explains the notation.
"""

import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from ingest.errors import PipelineError
from ingest.syntax import Tree, expand, is_title
from ingest.vocabulary import words

CLASSES = {
    "V": words("VERB AUX"),
    "N": words("NOUN PROPN"),
    "A": words("ADJ ADV ADP NOUN VERB"),
    "M": frozenset[str](),
}
PREPOSITIONS = words("""
    about against around as at behind between by for from in into like of off on onto out over through to toward under up upon with within
""")
_ARTICLES = frozenset({"a", "an", "the"})


@dataclass(frozen=True, slots=True)
class Frame:
    """One trigger word with its argument slots.

    `needs` are words that must stand beside the trigger (`take+on`); in a `loose` slot a rule also takes what merely belongs to the filler
    ("the exemption in the AI Act"). Class M has no word of its own: any mention triggers it.
    """

    relation: str
    word_class: str
    lemma: str
    needs: tuple[str, ...]
    subject: tuple[str, ...]
    object: tuple[str, ...]
    strong: bool
    loose: frozenset[str] = frozenset()

    @property
    def name(self) -> str:
        trigger = "+".join((self.lemma, *self.needs))
        return f"{self.relation}: {trigger} ({'/'.join(self.subject)} -> {'/'.join(self.object)})"


@dataclass(frozen=True, slots=True)
class Hit:
    """A frame found in a sentence: the trigger token, and the mentions (by number) in its slots, each with its distance (see `expand`)."""

    frame: Frame
    trigger: int
    subject: int
    object: int
    subject_slot: str
    object_slot: str
    subject_distance: int
    object_distance: int

    @property
    def is_rule(self) -> bool:
        """Whether the hit is precise enough to state the claim alone."""
        loose = self.frame.loose
        return (
            self.frame.strong
            and (not self.subject_distance or self.subject_slot in loose)
            and (not self.object_distance or self.object_slot in loose)
        )


class Frames:
    """The frames by trigger lemma."""

    def __init__(self, frames: Iterable[Frame]) -> None:
        self._by_lemma: dict[str, list[Frame]] = {}
        for frame in frames:
            self._by_lemma.setdefault(frame.lemma, []).append(frame)
        self._anywhere = self._by_lemma.pop("*", [])
        self.topical = frozenset(frame.lemma for frames in self._by_lemma.values() for frame in frames if "topic" in frame.object)

    def triggers(self, tree: Tree) -> Iterator[tuple[int, list[Frame]]]:
        """Every token of the sentence that can trigger a frame, with those frames, in text order."""
        for offset, lemma in enumerate(tree.lemma):
            frames = self._by_lemma.get(lemma) or self._by_lemma.get(tree.lower[offset])
            if frames:
                found = [frame for frame in frames if _applies(frame, tree, tree.start + offset)]
                if found:
                    yield tree.start + offset, found

    def hits(
        self, tree: Tree, triggers: Iterable[tuple[int, list[Frame]]], mentions_at: Mapping[int, list[int]], *, topic: int = -1
    ) -> list[Hit]:
        """All hits of a sentence with these `triggers`.

        `mentions_at` gives the mentions (by number) that cover a token, `topic` the one in that slot or -1.
        """
        fillers = _Fillers(tree, mentions_at, topic)
        found = [hit for trigger, frames in triggers for frame in frames for hit in _hits(frame, trigger, fillers)]
        inside = [token for token in mentions_at if tree.start <= token < tree.end]  # a mention may run over the sentence's end
        return found + [hit for token in inside for frame in self._anywhere for hit in _hits(frame, token, fillers)]


class _Fillers:
    """Which mentions fill a slot of a trigger, each by its shortest way; computed once for all frames of a sentence."""

    def __init__(self, tree: Tree, mentions_at: Mapping[int, list[int]], topic: int) -> None:
        self.tree = tree
        self._topic = topic
        self._mentions_at = mentions_at
        self._known: dict[tuple[int, str], dict[int, int]] = {}
        self._reached: dict[tuple[int, bool], dict[int, int]] = {}

    def mentions(self, trigger: int, slot: str) -> dict[int, int]:
        """Mention number to distance."""
        key = (trigger, slot)
        if key not in self._known:
            self._known[key] = self._find(trigger, slot)
        return self._known[key]

    def _find(self, trigger: int, slot: str) -> dict[int, int]:
        if slot == "topic":
            given = any(self.tree.slot(trigger, name) for name in ("to", "of", "against", "over"))
            return {} if given or self._topic < 0 else {self._topic: 0}
        found: dict[int, int] = {}
        for filler in self.tree.slot(trigger, slot):
            way = (filler, slot == "is" and is_title(self.tree, trigger, filler))
            if way not in self._reached:
                self._reached[way] = self._reach(*way)
            for mention, distance in self._reached[way].items():
                found[mention] = min(distance, found.get(mention, distance))
        return found

    def _reach(self, filler: int, alone: bool) -> dict[int, int]:
        found: dict[int, int] = {}
        for token, distance in expand(self.tree, filler, alone=alone):
            for mention in self._mentions_at.get(token, ()):
                found[mention] = min(distance, found.get(mention, distance))
        return found


def _hits(frame: Frame, trigger: int, fillers: _Fillers) -> Iterator[Hit]:
    seen: set[tuple[int, int]] = set()
    for subject_slot in frame.subject:
        subjects = fillers.mentions(trigger, subject_slot)
        if not subjects:
            continue
        for object_slot in frame.object:
            for o, o_distance in fillers.mentions(trigger, object_slot).items():
                for s, s_distance in subjects.items():
                    if s != o and (s, o) not in seen:
                        seen.add((s, o))
                        yield Hit(frame, trigger, s, o, subject_slot, object_slot, s_distance, o_distance)


def _applies(frame: Frame, tree: Tree, i: int) -> bool:
    if tree.pos[i - tree.start] not in CLASSES[frame.word_class]:
        return False
    return not frame.needs or _around(tree, i).issuperset(frame.needs)


def _around(tree: Tree, i: int) -> set[str]:
    """Forms and lemmas beside the trigger: its dependents and those of its object, its neighbours, and the two words above it."""
    above = tree.governor(i)
    near = [*tree.children[i - tree.start], i - 1, i + 1, above, tree.governor(above) if above >= 0 else -1]
    near += [x for obj in tree.kids(i, "dobj") for x in tree.children[obj - tree.start]]
    inside = [j - tree.start for j in near if tree.start <= j < tree.end]
    return {form[j] for j in inside for form in (tree.lower, tree.lemma)}


@cache
def default_frames() -> tuple[Frame, ...]:
    """The frames of `frames.toml`. Raises PipelineError with the line that cannot be read."""
    table = tomllib.loads(files(__package__).joinpath("frames.toml").read_text(encoding="utf-8"))
    return tuple(
        frame
        for relation, groups in table.items()
        for strength in ("strong", "weak")
        for line in groups.get(strength, ())
        for frame in parse(line, relation=relation, strong=strength == "strong")
    )


def parse(line: str, *, relation: str, strong: bool) -> Iterator[Frame]:
    """The frames of one line, `CLASS lemmas: subject slots -> object slots`. Raises PipelineError."""
    head, colon, slots = line.partition(":")
    subject, arrow, object_ = slots.partition("->")
    word_class, *lemmas = head.split()
    if not (colon and arrow and lemmas and subject.split() and object_.split()) or word_class not in CLASSES:
        raise PipelineError(f"cannot read the frame {line!r} of {relation}; write 'V invest fund: subj -> in into'")
    for lemma in lemmas:
        first, *needs = lemma.split("+")
        loose = frozenset(slot[1:] for slot in slots.split() if slot.startswith("~"))
        roles = [tuple(slot.lstrip("~") for slot in side.split()) for side in (subject, object_)]
        yield Frame(relation, word_class, first, tuple(needs), roles[0], roles[1], strong, loose)


def cue_frames(relation: str, cues: Iterable[str]) -> Iterator[Frame]:
    """Frames for a relation that is known by its cue phrases alone, given in lemmas: "invest in", "take a stake in", "rival".

    The last word that is no preposition is the trigger; a preposition after it says where the object stands.
    """
    for cue in cues:
        phrase = [word for word in cue.lower().split() if word not in _ARTICLES]
        slot = phrase.pop() if len(phrase) > 1 and phrase[-1] in PREPOSITIONS else None
        trigger = "+".join([phrase[-1], *phrase[:-1]])
        yield from parse(f"V {trigger}: subj -> {slot or 'obj'}", relation=relation, strong=True)
        yield from parse(f"N {trigger}: is poss subj by -> {slot or 'of'} poss mod", relation=relation, strong=True)
        yield from parse(f"A {trigger}: is head -> {slot or 'mod'}", relation=relation, strong=True)
