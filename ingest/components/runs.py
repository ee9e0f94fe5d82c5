"""Runs of name-like tokens: where a name may begin and end, before anything is known about it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from spacy.tokens import Doc, Token

from ingest.lexicon import words

_HYPHENS = frozenset({"-", "–", "‑"})
_PARTICLES = words("particles")
_JOINTS = _PARTICLES | {"of", "for", "and", "the", "on", "&", "in", "to"}
_SERIES = frozenset({"series", "class"})
_TITLES = frozenset({"ORG", "PRODUCT", "LAW", "FAC"})
_QUANTITY = re.compile(
    r"\W*\d[\d.,]*(?:st|nd|rd|th|s|x|k|m|b|bn|tn|gb|tb|mb|kb|nm|mm|cm|km|g|d|p|kg|w|kw|mw|gw|gwh|mwh|kwh|am|pm|gbps|mbps|ghz|mhz|hz|fps|%)?$",
    re.I,
)
_PARTY = re.compile(r"[DRI]-[A-Z]")  # "Sen. Ron Wyden, D-Ore."
_NO_NAME_TYPES = frozenset({"DATE", "TIME", "MONEY", "PERCENT", "QUANTITY", "ORDINAL", "LANGUAGE"})


@dataclass(frozen=True, slots=True)
class Run:
    """Tokens `start` to `end` (half-open) that may be a name. `initial`: its capital may be due to its place at the start of a sentence."""

    start: int
    end: int
    initial: bool


def is_code(text: str) -> bool:
    """Whether a token looks like a model number: letters and digits ("H100", "3NE", "i3"), at least one letter in upper case or first."""
    return (
        text.isalnum()
        and not text.isalpha()
        and any(c.isdigit() for c in text)
        and any(c.isalpha() for c in text)
        and not _QUANTITY.match(text)
    )


def is_capital(text: str) -> bool:
    """Whether a token is written like a name: "Mistral", "iPhone", "oneAPI", "H100"."""
    return any(c.isupper() for c in text)


def name_tokens(doc: Doc) -> list[bool]:
    """For every token whether it can be part of a name by itself."""
    generic, roles = words("generic"), words("roles")
    flags = []
    for token in doc:
        text, lower = token.text, token.lower_
        good = _may_name(text)
        if good and token.ent_type_ in _NO_NAME_TYPES and not is_code(text):
            good = False
        if not good and text[:1].isupper() and token.ent_iob_ == "I" and token.ent_type_ in _TITLES and text not in generic:
            good = True  # "Digital Content Next"
        if lower in ("general", "assistant") and token.i > 0 and doc[token.i - 1].lower_ in roles:
            good = False  # "Attorney General"
        if lower == "prime" and token.i + 1 < len(doc) and doc[token.i + 1].lower_ == "minister":
            good = False
        flags.append(good)
    return flags


@lru_cache(maxsize=1 << 15)
def _may_name(text: str) -> bool:
    """Whether the form of a token allows it in a name."""
    generic = words("generic")
    written = (is_capital(text) or is_code(text)) and text.lower() not in words("not_names")
    return written and not (text in generic or text[:-1] in generic or _QUANTITY.match(text) or _PARTY.match(text))


def runs(doc: Doc, flags: list[bool], starts: frozenset[int]) -> Iterator[Run]:
    """Maximal runs of name tokens with what may join them, in text order. `starts`: tokens capitalised for their place."""
    roles = words("roles")
    position, count = 0, len(doc)
    while position < count:
        if not (flags[position] or _generic_start(doc, flags, position)) or doc[position].lower_ in roles:
            position += 1
            continue
        end = position + 1
        while end < count and not doc[end].is_sent_start:
            step = _step(doc, flags, position, end)
            if not step:
                break
            end += step
        while end - 1 > position and doc[end - 1].lower_ in roles:
            end -= 1
        yield Run(position, end, position in starts)
        position = end


def _step(doc: Doc, flags: list[bool], start: int, at: int) -> int:
    """How many tokens the run may take from `at`: 0 ends it."""
    token = doc[at]
    if flags[at]:
        return 0 if token.lower_ in words("roles") and not _within_entity(doc, at) else 1
    if token.text in words("generic"):
        return int(_is_inside(doc, flags, at))
    if token.text in _HYPHENS:
        return _hyphen(doc, flags, at)
    if token.lower_ in ("al", "el") and at + 2 < len(doc) and doc[at + 1].text in _HYPHENS and flags[at + 2]:
        return 3  # "Zayed al-Nahyan"
    if token.tag_ == "CD" or token.is_digit:
        return int(_is_version(token, start, doc))
    if token.lower_ in _JOINTS and at + 1 < len(doc) and not doc[at + 1].is_sent_start:
        return _joint(doc, flags, start, at)
    return int(token.text == "," and _within_entity(doc, at) and _comma(doc, start, at))


def _generic_start(doc: Doc, flags: list[bool], at: int) -> bool:
    """ "AGI House": an abbreviation of the trade opens a name when the base model takes both words for one."""
    return (
        at + 1 < len(doc) and flags[at + 1] and doc[at].text in words("generic") and doc[at + 1].ent_iob_ == "I" and doc[at].ent_iob_ == "B"
    )


def _is_inside(doc: Doc, flags: list[bool], at: int) -> bool:
    """Whether an abbreviation of the trade is part of the name around it: "Centre for AI Innovation", not "the H100 AI chip"."""
    if at + 1 < len(doc) and flags[at + 1] and doc[at + 1].lower_ not in words("roles") and not doc[at + 1].is_sent_start:
        return doc[at + 1].ent_iob_ != "B" or doc[at + 1].ent_type_ != "PERSON"
    return doc[at].ent_iob_ == "I" and not (at + 1 < len(doc) and doc[at + 1].tag_ in ("NN", "NNS"))


def _hyphen(doc: Doc, flags: list[bool], at: int) -> int:
    """A hyphen without blank space joins two name tokens or a name and a number ("X-Mode", "GPT-4", "M-series"), not "Paris-based"."""
    if at + 1 >= len(doc) or doc[at - 1].whitespace_ or doc[at].whitespace_:
        return 0
    following = doc[at + 1]
    joined = flags[at + 1] or following.is_digit or (following.like_num and following.text[:1].isdigit())
    return 2 if joined or (following.lower_ in _SERIES and len(doc[at - 1]) <= 3) else 0


def _is_version(token: Token, start: int, doc: Doc) -> bool:
    """A number after a name belongs to it unless it counts something ("Windows 11", "Llama 2 models"; not "Nvidia 12 chips")."""
    if not token.text[:1].isdigit() or token.ent_type_ in ("MONEY", "PERCENT", "DATE", "TIME", "QUANTITY"):
        return False
    following = doc[token.i + 1] if token.i + 1 < len(doc) else None
    if following is not None and (following.like_num or following.lower_ in words("units")):
        return False
    if start <= token.head.i < token.i:
        return True
    if following is not None and token.head.i == following.i and following.tag_ == "NNS" and not following.text[:1].isupper():
        return False
    return len(token.text) <= 5 and token.text not in ("100", "1000") and doc[token.i - 1].tag_ in ("NNP", "NNPS", "NN", "CD", "HYPH")


def _joint(doc: Doc, flags: list[bool], start: int, at: int) -> int:
    """ "of", "for", "and" inside an institution's name, or inside what the base model takes for one name."""
    after = at + 1
    if doc[at].lower_ in ("of", "for", "on") and doc[after].lower_ in ("the", "its") and after + 1 < len(doc):
        after += 1
    if not flags[after] and not (doc[after].text in words("generic") and after + 1 < len(doc) and flags[after + 1]):
        return 0
    opening = doc[start].lower_
    institution = opening in words("institution_words") or doc[at - 1].lower_ in words("institution_words")
    inside = _within_entity(doc, at) and doc[at].ent_type_ in ("ORG", "LAW", "WORK_OF_ART", "PRODUCT", "FAC", "GPE", "LOC")
    if doc[at].text == "&" or (doc[at].lower_ in _PARTICLES and doc[start].ent_type_):
        return after - at
    if doc[at].lower_ == "and":
        return after - at if inside and institution else 0
    return (
        after - at
        if institution and doc[at].lower_ in ("of", "for", "on")
        else (after - at if inside and doc[at].lower_ in ("of", "on", "for", "the") else 0)
    )


def _comma(doc: Doc, start: int, at: int) -> bool:
    return doc[start].lower_ in ("department", "ministry", "committee", "directorate") and doc[at].ent_type_ == "ORG"


def _within_entity(doc: Doc, at: int) -> bool:
    """Whether the token continues an entity of the base model that goes on after it."""
    return doc[at].ent_iob_ == "I" and at + 1 < len(doc) and doc[at + 1].ent_iob_ == "I"
