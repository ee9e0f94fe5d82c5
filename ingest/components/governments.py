"""Governments named by their nation: "the French and German governments", "the Tokyo government", "government of Japan"."""

from collections.abc import Iterator
from dataclasses import dataclass

from spacy.tokens import Doc, Span

_HEADS = frozenset({"government", "governments"})
_JOINTS = frozenset({",", "and", "or", "&"})
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
    for token in doc:
        if token.lower_ in _HEADS:
            before = _run_before(doc, token.i, ending)
            if before:
                yield NamedGovernment(before[-1].start, token.i + 1, tuple(reversed(before)))
            elif after := _after(doc, token.i, starting):
                yield NamedGovernment(token.i, after.end, (after,))


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
