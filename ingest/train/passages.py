"""The project's own training passages (`passages/*.txt`): invented sentences, every name marked, every relation between them listed.

One passage a line: `text with [Name/T] and [the company=1/C] | 1 investsIn 2; 3 leads 1`. Mentions are numbered from 1 in text order; T is
the letter of a type in `TYPES`; `=N` says that the mention refers to the entity of mention N. A pair that is not listed states nothing;
a line with ` | -` states nothing at all. Lines that begin with `#` are comments. Nothing in them is a statement about anybody.
"""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from importlib.resources import files

from ingest.errors import ArticleError
from ingest.model import EntityType
from ingest.train.corpora import Offsets

TYPES = {
    "C": EntityType.COMPANY,
    "G": EntityType.GOVERNMENT,
    "B": EntityType.PUBLIC_BODY,
    "O": EntityType.ORGANIZATION,
    "I": EntityType.RESEARCH_ORGANIZATION,
    "P": EntityType.PERSON,
    "M": EntityType.AI_MODEL,
    "D": EntityType.PRODUCT,
    "R": EntityType.REGULATION,
    "L": EntityType.PLACE,
    "U": EntityType.GROUP,
    "K": EntityType.CONCEPT,
}
_MARK = re.compile(r"\[([^\[\]/=|]+)(?:=(\d+))?/([A-Z])\]")


@dataclass(frozen=True, slots=True)
class Marked:
    """A marked mention: its offsets (half-open) and type, and the number (from 0) of the first mention of its entity."""

    offsets: Offsets
    type: EntityType
    entity: int


@dataclass(frozen=True, slots=True)
class OwnPassage:
    """A text with its marked mentions; `stated` are (subject, relation, object) with numbers of mentions from 0."""

    text: str
    marks: tuple[Marked, ...]
    stated: tuple[tuple[int, str, int], ...]


def own_passages(relations: Collection[str]) -> Iterator[OwnPassage]:
    """All passages, files by name, in their order. Raises ArticleError naming file and line that cannot be read."""
    folder = files(__package__) / "passages"
    for file in sorted((entry for entry in folder.iterdir() if entry.name.endswith(".txt")), key=lambda entry: entry.name):
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
            if line.strip() and not line.startswith("#"):
                yield parse(line, source=f"{file.name}:{number}", relations=relations)


def parse(line: str, *, source: str, relations: Collection[str]) -> OwnPassage:
    """One line as a passage. Raises ArticleError that names `source` and what is wrong."""
    marked, bar, listed = line.partition(" | ")
    marks: list[Marked] = []
    text, end = "", 0
    for mark in _MARK.finditer(marked):
        text += marked[end : mark.start()]
        if mark[3] not in TYPES:
            raise ArticleError(source, f"unknown type {mark[3]!r}; one of {', '.join(TYPES)}")
        referent = int(mark[2]) - 1 if mark[2] else len(marks)
        marks.append(Marked((len(text), len(text) + len(mark[1])), TYPES[mark[3]], referent))
        text, end = text + mark[1], mark.end()
    stated = tuple(_stated(claim, source, relations) for claim in listed.split(";") if claim.strip() not in ("", "-"))
    numbers = [mark.entity for mark in marks] + [number for claim in stated for number in (claim[0], claim[2])]
    if not bar or any(not 0 <= number < len(marks) for number in numbers):
        raise ArticleError(source, "needs ` | ` and, behind it, relations between the mentions' numbers, or `-`")
    return OwnPassage(text + marked[end:], _resolved(marks), stated)


def _stated(claim: str, source: str, relations: Collection[str]) -> tuple[int, str, int]:
    parts = claim.split()
    if len(parts) != 3 or not (parts[0].isdigit() and parts[2].isdigit()) or parts[1] not in relations:
        raise ArticleError(source, f"{claim.strip()!r} is no `NUMBER relation NUMBER` with a relation of the ontology")
    return int(parts[0]) - 1, parts[1], int(parts[2]) - 1


def _resolved(marks: list[Marked]) -> tuple[Marked, ...]:
    """Every mention with the mention that its chain of references ends at."""
    found = []
    for mark in marks:
        entity, seen = mark.entity, {mark.entity}
        while marks[entity].entity not in seen:
            entity = marks[entity].entity
            seen.add(entity)
        found.append(Marked(mark.offsets, mark.type, entity))
    return tuple(found)
