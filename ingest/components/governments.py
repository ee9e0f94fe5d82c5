"""Governments named by their nation: "the French and German governments", "the Tokyo government", "government of Japan"."""

from collections.abc import Iterator
from dataclasses import dataclass

from spacy.strings import get_string_id
from spacy.tokens import Doc, Span, Token

from ingest.lexicon import words
from ingest.model import EntityType, Schema

_HEADS = frozenset(map(get_string_id, ("government", "governments")))
_JOINTS = frozenset({",", "and", "or", "&"})
_LIGHT = frozenset({"announce", "begin", "file", "impose", "issue", "launch", "open", "start"})  # verbs that leave the deed to their object
_BETWEEN = frozenset({"federal", "national", "central", "'s", "’s", "'", "’"})


@dataclass(frozen=True, slots=True)
class NamedGovernment:
    """Tokens `start` to `end` (half-open) name the governments of the nations at `nations`, spans of places or their adjectives."""

    start: int
    end: int
    nations: tuple[Span, ...]


def governments(doc: Doc, places: list[Span]) -> Iterator[NamedGovernment]:
    """Governments with their nation before or after the noun; `places` are the known places in the text, adjectives included."""
    ending, starting = {span.end: span for span in places}, {span.start: span for span in places}
    for head in (token.i for token in doc if token.lower in _HEADS):
        before = _run_before(doc, head, ending)
        if before:
            yield NamedGovernment(before[-1].start, head + 1, tuple(reversed(before)))
        elif after := _after(doc, head, starting):
            yield NamedGovernment(head, after.end, (after,))


def _run_before(doc: Doc, head: int, ending: dict[int, Span]) -> list[Span]:
    position = head
    while position > 0 and doc[position - 1].lower_ in _BETWEEN:
        position -= 1
    run: list[Span] = []
    while position in ending:
        run.append(ending[position])
        position = ending[position].start
        while doc[head].lower_ == "governments" and position > 0 and doc[position - 1].lower_ in _JOINTS:
            position -= 1
    return run


def _after(doc: Doc, head: int, starting: dict[int, Span]) -> Span | None:
    position = head + 1
    if position >= len(doc) or doc[position].lower_ != "of":
        return None
    position += 2 if position + 1 < len(doc) and doc[position + 1].lower_ == "the" else 1
    return starting.get(position)


def of_places(schema: Schema) -> dict[str, str]:
    """Executives by the id of their place: of a nation the government, else whoever a city stands for (a metonym)."""
    places = {entity.label: entity.id for entity in schema.known_entities if entity.type is EntityType.PLACE}
    found: dict[str, str] = {}
    for entity in schema.known_entities:
        nation = entity.label.removeprefix("Government of ").removeprefix("the ") if entity.type is EntityType.GOVERNMENT else ""
        for name in (nation, *entity.metonyms):
            if name in places:
                found.setdefault(places[name], entity.id)
    return found


def acts(root: Token) -> bool:
    """Whether a place is said to do what only its government can ("Paris rejected the draft", "sanctions imposed by China"), or is
    asked to ("urged Brussels to wait")."""
    if root.dep_ == "nsubj":
        return _governs(root.head)
    if root.dep_ == "pobj" and root.head.lower_ == "by" and root.head.dep_ == "agent":
        return _governs(root.head.head)
    if root.dep_ == "dobj":
        asked = root.head.lemma_.lower() in words("asks_of_government")
        return asked and any(child.dep_ in ("xcomp", "ccomp") and child.i > root.i for child in root.head.children)
    return root.dep_ == "conj" and root.head.dep_ == "nsubj" and _governs(root.head.head)


def _governs(verb: Token) -> bool:
    if verb.lemma_.lower() in words("acts_of_government"):
        return True
    deeds = words("deeds_of_government")
    return verb.lemma_ in _LIGHT and any(child.dep_ == "dobj" and child.lemma_.lower() in deeds for child in verb.children)
