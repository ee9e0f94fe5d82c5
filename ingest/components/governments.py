"""Nations and governments in the tokens: "French", "the French and German governments", "the government of Japan"."""

from collections.abc import Iterator
from dataclasses import dataclass

from spacy.tokens import Doc

from ingest.nations import ABBREVIATIONS, by_adjective

_HEADS = frozenset({"government", "governments"})
_JOINTS = frozenset({",", "and", "or", "&"})
_BETWEEN = frozenset({"federal", "national", "central"})


@dataclass(frozen=True, slots=True)
class Nationality:
    """Tokens `start` to `end` (half-open) name the nation `place` by an adjective or a short name."""

    start: int
    end: int
    place: str
    adjective: bool


@dataclass(frozen=True, slots=True)
class NamedGovernment:
    """Tokens `start` to `end` (half-open) name the governments of `places`."""

    start: int
    end: int
    places: tuple[str, ...]


def nationalities(words: list[str], places: dict[tuple[str, ...], str]) -> list[Nationality]:
    """Adjectives of nations, abbreviations ("US") and the `places` given by their tokens, left to right, longest first."""
    found, position = [], 0
    while position < len(words):
        hit = _nationality(words, position, places)
        if hit is not None:
            found.append(hit)
        position = hit.end if hit else position + 1
    return found


def _nationality(words: list[str], start: int, places: dict[tuple[str, ...], str]) -> Nationality | None:
    if not words[start][:1].isupper():
        return None
    for length in (4, 3, 2, 1):
        chunk = tuple(words[start : start + length])
        if len(chunk) < length:
            continue
        name = " ".join(chunk)
        if name in by_adjective():
            return Nationality(start, start + length, by_adjective()[name].place, adjective=True)
        place = ABBREVIATIONS.get(name) or places.get(chunk)
        if place:
            return Nationality(start, start + length, place, adjective=False)
    return None


def governments(doc: Doc, found: list[Nationality]) -> Iterator[NamedGovernment]:
    """Governments with their nation before the noun ("Israel's government") or after it ("government of Japan")."""
    ending, starting = {nation.end: nation for nation in found}, {nation.start: nation for nation in found}
    for token in doc:
        if token.lower_ in _HEADS:
            before = _run_before(doc, token.i, ending)
            if before:
                yield NamedGovernment(before[-1].start, token.i + 1, tuple(nation.place for nation in reversed(before)))
                continue
            after = _after(doc, token.i, starting)
            if after:
                yield NamedGovernment(token.i, after.end, (after.place,))


def _run_before(doc: Doc, head: int, ending: dict[int, Nationality]) -> list[Nationality]:
    position = head
    while position > 0 and doc[position - 1].lower_ in _BETWEEN | {"'s", "’s", "'", "’"}:
        position -= 1
    run = []
    while nation := ending.get(position):
        run.append(nation)
        position = nation.start
        plural = doc[head].lower_ == "governments"
        while plural and position > 0 and doc[position - 1].lower_ in _JOINTS:
            position -= 1
    return run


def _after(doc: Doc, head: int, starting: dict[int, Nationality]) -> Nationality | None:
    position = head + 1
    if position >= len(doc) or doc[position].lower_ != "of":
        return None
    position += 1
    if position < len(doc) and doc[position].lower_ == "the":
        position += 1
    nation = starting.get(position)
    return nation if nation and not nation.adjective else None
