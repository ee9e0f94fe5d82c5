"""`aikg_attributes`: the base pipeline's attribute ruler, which matches its patterns once for each kind of token that it meets."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from spacy.attrs import DEP, IS_SPACE, LEMMA, LOWER, MORPH, POS, TAG  # type: ignore[import-not-found]
from spacy.language import Language
from spacy.matcher import Matcher
from spacy.pipeline import AttributeRuler
from spacy.strings import get_string_id
from spacy.tokens import Doc, Span, Token
from spacy.vocab import Vocab

_LOOKS = {"LOWER", "TAG", "DEP", "IS_SPACE"}  # at most at these does a plain pattern look
_TESTS = {"IN", "NOT_IN", "REGEX"}  # of a word
_SETS = [TAG, POS, MORPH, LEMMA, DEP]  # at most these does it set
_MOST = 1 << 17  # words and kinds remembered at once: some 30 MB

type Condition = dict[Any, Any]
type Rules = tuple[int, ...]
type Key = tuple[int, ...]


@Language.factory("aikg_attributes", requires=["token.tag", "token.dep"], assigns=["token.tag", "token.pos", "token.morph", "token.lemma"])
def create(nlp: Language, name: str) -> "Attributes":
    """Takes the place of an `attribute_ruler`, and its patterns."""
    return Attributes(nlp.vocab, name)


class Attributes(AttributeRuler):
    """The same annotations: of the rules that change one token the last one wins, and none sees what another has changed.

    When one pattern is not plain, all are left to the base class.
    """

    def __init__(self, vocab: Vocab, name: str) -> None:
        super().__init__(vocab, name)
        self._kinds: Kinds | None = None
        self._is_read = False

    def add(self, patterns: Iterable[list[Condition]], attrs: dict[Any, Any], index: int = 0) -> None:
        super().add(patterns, attrs, index)
        self._is_read = False

    def clear(self) -> None:
        super().clear()
        self._is_read = False

    def __call__(self, doc: Doc) -> Doc:
        """Sets the attributes of the tokens that the patterns match."""
        if not self._is_read:
            patterns = list(_patterns(self))
            self._kinds = Kinds(self, patterns) if all(pattern.is_plain for pattern in patterns) else None
            self._is_read = True
        if self._kinds is None:
            return super().__call__(doc)
        table = doc.to_array(_SETS)
        for token, rules in enumerate(self._kinds.rules(doc)):
            for column, value in self._kinds.changes(rules):
                table[token, column] = value
        return doc.from_array(_SETS, table)  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class Pattern:
    """Conditions on tokens in a row, and what the rule of that number sets at one of these (`index`; below zero from the last)."""

    rule: int
    conditions: list[Condition]
    index: int
    attributes: frozenset[int | str]

    @property
    def is_plain(self) -> bool:
        tests = [word for condition in self.conditions if isinstance(word := condition.get("LOWER"), dict)]
        return (
            -len(self.conditions) <= self.index < len(self.conditions)
            and self.attributes.issubset(_SETS)
            and all(_LOOKS.issuperset(condition) for condition in self.conditions)
            and all(_TESTS.issuperset(test) and isinstance(test.get("REGEX", ""), str) for test in tests)
        )


def _patterns(ruler: AttributeRuler) -> Iterator[Pattern]:
    for number, (rule, attributes) in enumerate(zip(ruler.patterns, ruler.attrs, strict=True)):
        for conditions in rule["patterns"]:  # type: ignore[union-attr]
            yield Pattern(number, conditions, ruler.indices[number], frozenset(attributes))  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class Kind:
    """What holds for a token by itself: the rules of one-token patterns that match it, sorted; the links of longer ones that it can be."""

    rules: Rules
    links: frozenset[int]


class Kinds:
    """The kinds of token met so far: of words that no pattern mentions, all with one tag, dependency and white space are a kind."""

    def __init__(self, ruler: AttributeRuler, patterns: Sequence[Pattern]) -> None:
        self._ruler = ruler
        self._links = Matcher(ruler.vocab)
        self._chains = {links[0]: (links, pattern) for links, pattern in self._linked(patterns)}
        tests = [condition["LOWER"] for one in patterns for condition in one.conditions if "LOWER" in condition]
        self._mentioned = {get_string_id(word) for test in tests for word in _words_in(test)}
        self._forms = [re.compile(test["REGEX"]) for test in tests if isinstance(test, dict) and "REGEX" in test]
        self._words: dict[int, int] = {}
        self._known: dict[Key, Kind] = {}
        self._changes: dict[Rules, list[tuple[int, int]]] = {}

    def _linked(self, patterns: Iterable[Pattern]) -> Iterator[tuple[range, Pattern]]:
        for pattern in patterns:
            if len(pattern.conditions) > 1:
                links = range(len(self._links), len(self._links) + len(pattern.conditions))
                for link, condition in zip(links, pattern.conditions, strict=True):
                    self._links.add(str(link), [[condition]])
                yield links, pattern

    def rules(self, doc: Doc) -> list[Rules]:
        """For every token the rules that change it, in their order."""
        table = doc.to_array([LOWER, TAG, DEP, IS_SPACE]).tolist()
        kinds = [
            self._known.get((self._words.get(word, word), tag, dep, space)) or self._meet(doc[i : i + 1], (word, tag, dep, space))
            for i, (word, tag, dep, space) in enumerate(table)
        ]
        found = [kind.rules for kind in kinds]
        for token, rule in self._chained(kinds):
            found[token] = tuple(sorted({*found[token], rule}))
        return found

    def _meet(self, token: Span, key: Key) -> Kind:
        if len(self._words) + len(self._known) >= _MOST:
            self._words.clear()
            self._known.clear()
        self._words[key[0]] = key[0] if self._is_mentioned(token[0]) else 0
        key = (self._words[key[0]], *key[1:])
        if key not in self._known:
            rules, links = (_numbers(matcher, token) for matcher in (self._ruler.matcher, self._links))
            self._known[key] = Kind(tuple(sorted(rules)), links)
        return self._known[key]

    def _is_mentioned(self, token: Token) -> bool:
        return token.lower in self._mentioned or any(form.search(token.lower_) for form in self._forms)

    def _chained(self, kinds: Sequence[Kind]) -> Iterator[tuple[int, int]]:
        """The tokens that patterns of several tokens match, each with its rule."""
        for start, kind in enumerate(kinds):
            for links, pattern in (self._chains[link] for link in kind.links if link in self._chains):
                row = kinds[start : start + len(links)]
                if len(row) == len(links) and all(link in one.links for link, one in zip(links, row, strict=True)):
                    yield start + pattern.index % len(links), pattern.rule

    def changes(self, rules: Rules) -> list[tuple[int, int]]:
        """What these rules make of a token: columns of `_SETS` with their values."""
        if rules not in self._changes:
            merged = {attribute: value for rule in rules for attribute, value in self._ruler.attrs[rule].items()}
            self._changes[rules] = [(_SETS.index(attribute), value) for attribute, value in merged.items()]
        return self._changes[rules]


def _words_in(test: str | dict[str, Any]) -> list[str]:
    return [test] if not isinstance(test, dict) else [word for name in ("IN", "NOT_IN") for word in test.get(name, ())]


def _numbers(matcher: Matcher, token: Span) -> frozenset[int]:
    """The patterns that match the one token; they are numbered from 0, as strings."""
    found = matcher(token, allow_missing=True) if len(matcher) else ()
    return frozenset(int(token.vocab.strings[match]) for match, _, _ in found)
