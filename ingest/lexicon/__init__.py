"""Word lists of English that the pipeline reads: `words.toml`, `first_names.txt`."""

import tomllib
from functools import cache
from importlib.resources import files


@cache
def _lists() -> dict[str, frozenset[str]]:
    table = tomllib.loads((files("ingest.lexicon") / "words.toml").read_text(encoding="utf-8"))
    return {name: frozenset(text.split()) for name, text in table.items()}


def words(name: str) -> frozenset[str]:
    """One list of `words.toml`; KeyError for a list that is not there."""
    return _lists()[name]


@cache
def first_names() -> frozenset[str]:
    """Common given names of many countries (`first_names.txt`)."""
    return frozenset((files("ingest.lexicon") / "first_names.txt").read_text(encoding="utf-8").split())
