"""What kind of thing a new name names, from its form and from all its places in the article."""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import as_file, files
from math import exp
from pathlib import Path
from typing import Self

from spacy.tokens import Doc, Span, Token

from ingest.components.nouns import noun
from ingest.components.runs import is_code
from ingest.errors import PipelineError
from ingest.lexicon import first_names, words
from ingest.model import EntityType
from ingest.names import clean, is_regulation

_HEADS = (
    ("company_heads", "company"),
    ("public_body_heads", "public"),
    ("research_heads", "research"),
    ("organization_heads", "organization"),
    ("regulation_heads", "regulation"),
)
_NOUNS = ("company_nouns", "product_nouns", "model_nouns", "person_nouns", "place_nouns", "regulation_nouns")
_ANY = frozenset(EntityType)
_NUMBERED = frozenset({EntityType.PRODUCT, EntityType.AI_MODEL, EntityType.COMPANY, EntityType.ORGANIZATION})
_NUMBER = re.compile(r"v?\d+(?:\.\d+)*$")
_CLAUSE = frozenset({"nsubj", "nsubjpass", "dobj", "pobj", "poss", "appos", "conj", "compound", "attr", "agent", "ROOT", "nmod"})

KINDS_FILE = "kinds.json"

type Features = dict[str, float]
type Spelled = Callable[[str], Mapping[str, float]]


def features(doc: Doc, spans: list[Span], known: dict[int, str], spelled: Spelled) -> Features:
    """Features of one name, by the places `spans` where the article uses it; `known` gives the type of the known name at a token,
    `spelled` what the name looks like."""
    found: Features = dict.fromkeys(_form(spans[0].text), 1.0)
    found.update(spelled(max((clean(span.text) for span in spans), key=len)))
    share = 1.0 / len(spans)
    for span in spans:
        found[f"ner={span.root.ent_type_}"] = found.get(f"ner={span.root.ent_type_}", 0.0) + share
        for name in _context(doc, span, known):
            found[name] = 1.0
    return found


def _form(name: str) -> Iterator[str]:
    parts = name.split()
    first, last = parts[0].lower(), parts[-1].lower()
    yield f"words={min(len(parts), 4)}"
    if len(parts) > 1:
        yield from (f"head={kind}" for table, kind in _HEADS if last in words(table))
        yield from (f"last={table}" for table in _NOUNS if last in words(table))
    if "of" in parts:
        yield from (f"head={kind}" for table, kind in _HEADS if first in words(table))
    if parts[0] in first_names():
        yield f"first name, {min(len(parts), 3)} words"
    if last in words("name_tails"):
        yield f"tail={last}"
    yield from _letters(name)


def _letters(name: str) -> Iterator[str]:
    if any(c.isdigit() for c in name):
        yield "digit"
        yield f"code={is_code(name.split()[-1])}"
    if any(c.isupper() for c in name[1:]) and " " not in name:
        yield "capitals" if name.isupper() else "camel"
    if name[:1].islower():
        yield "small"


def _context(doc: Doc, span: Span, known: dict[int, str]) -> Iterator[str]:
    root = span.root
    yield from _neighbours(doc, span, known)
    if root.dep_ in _CLAUSE:
        yield f"dep={root.dep_}"
    if root.dep_ in ("nsubj", "nsubjpass", "dobj", "agent"):
        yield f"{root.dep_}={root.head.lemma_}"
    elif root.dep_ == "pobj":
        yield f"pobj={root.head.lower_}"
        yield f"pobj={root.head.head.lemma_} {root.head.lower_}"
    elif root.dep_ == "poss":
        yield from _noun("owner of", root.head)
    elif root.dep_ in ("compound", "nmod") and root.head.i >= span.end:
        yield from _noun("before", root.head)
    elif root.dep_ == "conj":
        yield from (f"with={known[head.i]}" for head in (root.head,) if head.i in known)
    elif root.dep_ == "appos":
        yield from _noun("apposed to", root.head)
    yield from _children(root, span, known)


def _children(root: Token, span: Span, known: dict[int, str]) -> Iterator[str]:
    for child in root.children:
        if span.start <= child.i < span.end:
            continue
        if child.dep_ == "conj" and child.i in known:
            yield f"with={known[child.i]}"
        elif child.dep_ == "appos":
            yield from _noun("appos", child)
        elif child.dep_ == "poss" and child.i in known:
            yield f"owned by={known[child.i]}"
        elif child.dep_ in ("amod", "relcl", "det"):
            yield f"{child.dep_}={child.lower_ if child.dep_ == 'det' else ''}"
    if root.dep_ == "nsubj" and root.head.lemma_ == "be":
        yield from (feature for child in root.head.children if child.dep_ == "attr" for feature in _noun("is", child))


def _neighbours(doc: Doc, span: Span, known: dict[int, str]) -> Iterator[str]:
    roles, titles = words("roles"), words("titles")
    if span.start > 0:
        before = doc[span.start - 1]
        if before.lower_ in titles:
            yield "after title"
        if before.lower_ in roles:
            yield "after role"
        if before.i in known:
            yield f"after={known[before.i]}"
        if before.tag_ == "POS" and before.i - 1 in known:
            yield f"owned by={known[before.i - 1]}"
        yield from _noun("after", before)
        yield f"after word={before.lower_}"
    if span.end < len(doc):
        after = doc[span.end]
        if after.lower_ in roles or (after.lower_ in ("'s", "’s") and span.end + 1 < len(doc) and doc[span.end + 1].lower_ in roles):
            yield "before role"
        if after.tag_ == "POS":
            yield "possessive"
        yield from _noun("next", after)
        yield f"before word={after.lower_}"


def _noun(place: str, token: Token) -> Iterator[str]:
    lemma = noun(token)
    for table in _NOUNS:
        if lemma in words(table):
            yield f"{place} {table}"
    if lemma in words("roles"):
        yield f"{place} role"


def possible_kinds(name: str) -> frozenset[EntityType]:
    """What a name can name by its form alone: a law by its head, an event nothing but a topic, a model number something made."""
    if is_regulation(name):
        return frozenset({EntityType.REGULATION})
    parts = name.split()
    if len(parts) > 1 and parts[-1].lower() in words("event_heads"):
        return frozenset({EntityType.CONCEPT})
    if any(is_code(part) or _NUMBER.match(part) for part in parts[1:]) or (len(parts) == 1 and is_code(name) and name[-1].isdigit()):
        is_law = any(part.lower() in words("regulation_heads") | words("regulation_numbers") for part in parts)
        return _NUMBERED | {EntityType.REGULATION} if is_law else _NUMBERED
    return _ANY


@dataclass(frozen=True, slots=True)
class KindModel:
    """Multinomial logistic regression over `features`; `weights` by feature, one number a kind, with the key "bias"."""

    kinds: tuple[EntityType, ...]
    weights: Mapping[str, Sequence[float]]

    def kind_of(self, name: str, found: Features) -> tuple[EntityType, float]:
        """The most probable kind that a name of this form can have, and how probable it is among these."""
        probabilities = self.probabilities(found)
        possible = {kind: chance for kind, chance in probabilities.items() if kind in possible_kinds(name)} or probabilities
        kind = min(possible, key=lambda kind: (-possible[kind], kind))
        return kind, possible[kind] / sum(possible.values())

    def probabilities(self, found: Features) -> dict[EntityType, float]:
        """The probability of each kind."""
        scores = list(self.weights["bias"])
        for name, value in found.items():
            for i, weight in enumerate(self.weights.get(name, ())):
                scores[i] += weight * value
        top = max(scores)
        odds = [exp(score - top) for score in scores]
        return {kind: odd / sum(odds) for kind, odd in zip(self.kinds, odds, strict=True)}

    @classmethod
    def load(cls, path: Path) -> Self:
        """Reads what `save` wrote. Raises PipelineError for a file that is not that."""
        try:
            table = json.loads(path.read_text(encoding="utf-8"))
            return cls(tuple(EntityType(kind) for kind in table["kinds"]), table["weights"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise PipelineError(f"{path} holds no model of kinds ({error}); train again, or install aikg again") from error

    def save(self, path: Path) -> None:
        """Writes the model as JSON, features sorted."""
        table = {"kinds": list(self.kinds), "weights": {name: list(self.weights[name]) for name in sorted(self.weights)}}
        path.write_text(json.dumps(table, ensure_ascii=False, indent=0) + "\n", encoding="utf-8")


@cache
def shipped_kinds() -> KindModel:
    """The package's own model."""
    with as_file(files("ingest") / "weights" / KINDS_FILE) as path:
        return KindModel.load(path)
