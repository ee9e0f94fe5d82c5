"""Counts in words."""

import pytest

from kg.wording import counted


@pytest.mark.parametrize(
    ("number", "noun", "words"),
    [
        (1, "claim", "1 claim"),
        (0, "claim", "0 claims"),
        (1234, "claim", "1,234 claims"),
        (1, "entity", "1 entity"),
        (2, "entity", "2 entities"),
        (2, "key", "2 keys"),
        (2, "article graph", "2 article graphs"),
    ],
)
def test_a_noun_agrees_with_its_number(number: int, noun: str, words: str):
    assert counted(number, noun) == words
