"""The tokens of a document as plain lists of strings, read at once: asking spaCy token by token takes ten times as long."""

from dataclasses import dataclass

import numpy as np
from spacy.tokens import Doc


@dataclass(frozen=True, slots=True)
class Forms:
    """By token: the lower-case form, the lemma (lower-case), labels, and the index of the head."""

    lower: list[str]
    lemma: list[str]
    pos: list[str]
    tag: list[str]
    dep: list[str]
    head: list[int]


def forms(doc: Doc) -> Forms:
    """The forms of a parsed document."""
    columns = [doc.to_array([name]).tolist() for name in ("LOWER", "LEMMA", "POS", "TAG", "DEP")]
    string = {code: doc.vocab.strings[code] for code in set().union(*columns)}
    lower, lemma, pos, tag, dep = (list(map(string.__getitem__, column)) for column in columns)
    small = {word: word.lower() for word in set(lemma)}
    lemma = [small[word] for word in lemma]
    head = np.arange(len(doc)) + doc.to_array(["HEAD"]).astype(np.int64)
    return Forms(lower, lemma, pos, tag, dep, head.tolist())
