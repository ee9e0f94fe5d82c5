"""The tokens of SPARQL: what a request says before it runs.

One pass over the text tells its form, whether it names a dataset, how deep it nests, and refuses what may not run here: SERVICE and
LOAD would let a stranger make this machine open connections, and what `kg.graph_groups` finds would be answered wrongly. The terminals
are those of SPARQL 1.1 Query, 19.8; where the engine's scannerless parser reads more than they allow (`SERVICESILENT<x>`,
`trueSERVICE<x>`), the stricter reading of both counts, and what is no token is refused: a doubt never runs. Words in comments, strings,
IRIs, variables and prefixed names are not keywords.
"""

import re
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import cache, lru_cache

from kg import graph_groups
from kg.errors import QueryError

MAX_DEPTH = 100  # of brackets, and of `!` and sign chains; the engine's parser recurses and would overflow its stack in the thousands


class Form(StrEnum):
    """What kind of request a SPARQL text is."""

    SELECT = "SELECT"
    ASK = "ASK"
    CONSTRUCT = "CONSTRUCT"
    DESCRIBE = "DESCRIBE"
    UPDATE = "UPDATE"


class QuerySyntaxError(QueryError):
    """The text cannot be read as SPARQL."""


class ForbiddenError(QueryError):
    """The text asks for something that is not allowed here (SERVICE, LOAD)."""


class TooDeepError(QueryError):
    """The text nests deeper than MAX_DEPTH."""


class UnsupportedError(QueryError):
    """The text asks for something that the engine gives a wrong answer to."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What one pass over a SPARQL text found.

    `names_dataset`: it has FROM, or for an update USING or WITH. `volatile`: two runs on the same snapshot may differ (NOW, RAND, UUID,
    fresh blank nodes).
    """

    form: Form
    names_dataset: bool
    volatile: bool


# PN_CHARS_BASE, PN_CHARS_U and what variables and words are of (SPARQL 1.1 Query, 19.8, rules 164 to 167); the engine reads no others
_LETTER = (
    r"A-Za-z\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u02ff\u0370-\u037d\u037f-\u1fff\u200c\u200d\u2070-\u218f\u2c00-\u2fef"
    r"\u3001-\ud7ff\uf900-\ufdcf\ufdf0-\ufffd\U00010000-\U000effff"
)
_START = rf"{_LETTER}_"
_WORD_CHAR = rf"{_START}0-9\u00b7\u0300-\u036f\u203f\u2040"
_IRI_CHAR = r'[^\x00-\x20<>"{}|^`\\]'  # IRIREF, rule 139
_PERCENT_OR_ESCAPE = r"%[0-9A-Fa-f]{2}|\\[_~.\-!$&'()*+,;=/?\#@%]"
_TOKEN = rf"""
    (?P<skip>[ \t\r\n]++|\#[^\r\n]*+)
  | (?P<iri><(?:{_IRI_CHAR}|\\u[0-9A-Fa-f]{{4}}|\\U[0-9A-Fa-f]{{8}})*+>)
  | (?P<string>\"\"\"(?:[^"\\]|\\.|"{{1,2}}(?!"))*+\"\"\"|'''(?:[^'\\]|\\.|'{{1,2}}(?!'))*+'''
      |"(?:[^"\\\r\n]|\\.)*+"|'(?:[^'\\\r\n]|\\.)*+')
  | (?P<variable>[?$][{_START}0-9][{_WORD_CHAR}]*+)
  | (?P<tag>@[A-Za-z]++(?:-[A-Za-z0-9]++)*+)
  | (?P<name>(?:[{_LETTER}](?:[{_WORD_CHAR}-]|\.+(?=[{_WORD_CHAR}-]))*+|_)?:
      (?:(?:[{_START}0-9:]|{_PERCENT_OR_ESCAPE})(?:[{_WORD_CHAR}:-]|{_PERCENT_OR_ESCAPE}|\.+(?=[{_WORD_CHAR}:%\\-]))*+)?)
  | (?P<word>[{_START}][{_WORD_CHAR}]*+(?![.-])|_[{_WORD_CHAR}]*+)
  | (?P<run>[{_LETTER}](?:[{_WORD_CHAR}-]|\.+(?=[{_WORD_CHAR}-]))*+)
  | (?P<number>[0-9]++)
  | (?P<open>[{{(\[])
  | (?P<close>[}})\]])
  | (?P<mark>[-+*/=!<>|&^,;.?~])
    """

# What could have been a prefix but for the colon is cut up in one go: to look for a name at each part again took the square of its length.
_PART = re.compile(rf"(?P<word>[{_START}][{_WORD_CHAR}]*+)|(?P<number>[0-9]++)|(?P<mark>[.-])")

_UPDATES = ("INSERT", "DELETE", "LOAD", "CLEAR", "DROP", "CREATE", "ADD", "MOVE", "COPY", "WITH")
_FORMS = {form.value: form for form in Form if form is not Form.UPDATE} | dict.fromkeys(_UPDATES, Form.UPDATE)
# Parts of words: the engine reads `ASKFROM<x>` as two, and no other keyword or function name contains one of these.
_DATASET_WORDS = ("FROM", "USING", "WITH")
_VOLATILE_WORDS = ("NOW", "RAND", "UUID", "BNODE")
_SIGNS = frozenset("!+-")  # each nests what follows
_FRESH_MARKS = frozenset("<|~")  # in a template these begin a reifier, which is a fresh blank node unless it is named

# Most queries are plain: no token of theirs can say anything but the form, so they need not be taken apart one by one.
# An ASCII text without these letters, wherever they stand, hides none of the words that matter; a backslash could be an escaped letter.
_TELLING = ("service", "load", "from", "now", "rand", "uuid", "bnode", "_:", "[", "\\")
# Of the rest: characters that are a token, or part of one, wherever they stand, and the few that begin what must end.
_TOKENS = re.compile(
    rf"""(?:[\w \t\r\n{{}}()\]?.:,;*/=!>|&^+~-]++
    | <(?:{_IRI_CHAR}*+>)?
    | \#[^\r\n]*+
    | "[^"\\\r\n]++" | ""(?!") | '[^'\\\r\n]++' | ''(?!')
    | \$\w++ | @[A-Za-z]++
    )*+""",
    re.VERBOSE | re.ASCII,
)
_IRI = rf"<{_IRI_CHAR}*+>"
_DECLARATIONS = rf"(?:[ \t\r\n]|#[^\r\n]*+[\r\n]|prefix[ \t\r\n]+[\w.-]*:[ \t\r\n]*{_IRI}|base[ \t\r\n]*{_IRI})*+"
_PLAIN = re.compile(rf"{_DECLARATIONS}(select|ask|construct|describe)\b(?![\w.-]*:)", re.IGNORECASE | re.ASCII)
_PLAIN_PROLOGUE = re.compile(_DECLARATIONS, re.IGNORECASE | re.ASCII)
_PLAIN_READINGS = {form.value: Reading(form, names_dataset=False, volatile=False) for form in Form if form is not Form.UPDATE}
_PROLOGUES, _PROLOGUE_CHARACTERS = 256, 4096  # how many prologues are remembered, and of what length at most

_NO_SERVICE = (
    "SERVICE is not allowed here: this endpoint opens no connections for its callers. Ask the other endpoint yourself and join the results"
)
_NO_LOAD = "LOAD is not allowed here: this endpoint opens no connections for its callers. Fetch the document and send it to /graphs instead"


@cache
def _token() -> re.Pattern[str]:
    """It takes a twentieth of a second to compile, in every worker too, and plain queries do without."""
    return re.compile(_TOKEN, re.VERBOSE | re.DOTALL)


def tokens(text: str) -> Iterator[tuple[str, str, int]]:
    """The tokens as (kind, text, start offset), without white space and comments. Raises QuerySyntaxError at the first non-token."""
    end = 0
    for match in _token().finditer(text):
        if match.start() != end:
            break
        end = match.end()
        kind = match.lastgroup or ""
        if kind == "run":
            end = yield from _parts(match)
        elif kind != "skip":
            yield kind, match.group(), match.start()
    if end != len(text):
        raise QuerySyntaxError(f"not SPARQL at {position(text, end)}: {_complaint(text, end)}")


def _parts(run: re.Match[str]) -> Generator[tuple[str, str, int], None, int]:
    """The tokens of a run; returns the offset behind the last one."""
    end = run.start()
    while end < run.end() and (match := _PART.match(run.string, end, run.end())):
        end = match.end()
        yield match.lastgroup or "", match.group(), match.start()
    return end


def read(text: str) -> Reading:
    """What the text is. Raises QuerySyntaxError, ForbiddenError, TooDeepError or UnsupportedError, each naming line and column."""
    if plain := _plain(text):
        return plain
    reading = _Reader(text).read()
    if graph_groups.is_suspect(text.lower()) and (fault := graph_groups.fault(tokens(text))):
        raise UnsupportedError(f"{fault.advice} (at {position(text, fault.start)})")
    return reading


class _Reader:
    """One pass over a text: a method a kind of token that says something; `before` and `previous` are the two tokens in front of it."""

    __slots__ = ("before", "brackets", "form", "grouped", "in_template", "names_dataset", "previous", "signs", "text", "volatile")

    def __init__(self, text: str) -> None:
        self.text = text
        self.form: Form | None = None
        self.names_dataset = self.volatile = False
        self.in_template = self.grouped = False  # in the template of a CONSTRUCT; behind the first `{`
        self.brackets: list[str] = []
        self.signs = 0  # in a row
        self.before = self.previous = ("", "", 0)

    def read(self) -> Reading:
        take = {"word": self._word, "open": self._open, "close": self._close, "iri": self._iri, "name": self._name, "mark": self._mark}
        for token in tokens(self.text):
            kind, word, start = token
            if kind in take:
                take[kind](word, start)
            self.before, self.previous = self.previous, token
        if self.form is None:
            raise QuerySyntaxError("there is no SELECT, ASK, CONSTRUCT, DESCRIBE or update operation in the text")
        return Reading(self.form, self.names_dataset, self.volatile)

    def _word(self, word: str, start: int) -> None:
        upper = word.upper()
        _refuse_connection(upper, self.text, start)
        if self.form is None and not self.brackets:
            self.form = _form(upper)
        self.names_dataset = self.names_dataset or _has(upper, _DATASET_WORDS)
        self.volatile = self.volatile or _has(upper, _VOLATILE_WORDS)

    def _open(self, word: str, start: int) -> None:
        if word == "{":
            _refuse_hidden_name(self.before, self.previous, self.text)
            self.in_template = self.in_template or (not self.brackets and self.previous[1].upper() == "CONSTRUCT")
            self.grouped = True
        self.brackets.append(word)
        self.volatile = self.volatile or word == "[" or (word == "(" and self.in_template)
        _refuse_depth(len(self.brackets), self.text, start)

    def _close(self, _word: str, _start: int) -> None:
        del self.brackets[-1:]
        self.in_template = self.in_template and bool(self.brackets)

    def _iri(self, word: str, start: int) -> None:
        if ")" in word and self.brackets[-1:] == ["("] and _may_end_operand(self.previous):
            _refuse_hidden_iri(word, self.text, start)
            self.volatile = self.volatile or _has(word.upper(), _VOLATILE_WORDS)

    def _name(self, word: str, start: int) -> None:
        self.volatile = self.volatile or word.startswith("_:")
        if self.brackets:
            return
        if self.form in (None, Form.UPDATE) and self.previous[0] in ("", "mark", "iri", "close"):
            _refuse_connection(word.partition(":")[0].upper(), self.text, start)  # `LOADx:y` is LOAD `x:y` where an operation begins
        self.names_dataset = self.names_dataset or _hides_dataset(word, self.previous, self.form, grouped=self.grouped)

    def _mark(self, word: str, start: int) -> None:
        if word in _SIGNS:
            self.signs = self.signs + 1 if self.previous[1] in _SIGNS else 1
            _refuse_depth(self.signs, self.text, start)
        elif self.in_template and word in _FRESH_MARKS:
            self.volatile = True


def is_prologue(text: str) -> bool:
    """Whether the text holds nothing but BASE and PREFIX declarations, and not even these: as an update that is one which does nothing
    (SPARQL 1.1 Query, 19.8, rules 4 and 29). Raises QuerySyntaxError at a non-token."""
    found = " ".join(word.upper() if kind == "word" else kind for kind, word, _ in tokens(text))
    return bool(re.fullmatch(r"(?:(?:BASE iri|PREFIX name iri)(?: |$))*", found))


def _plain(text: str) -> Reading | None:
    """What a plain query is; None when its tokens must be looked at, be it for the complaint."""
    text = _behind_prologue(text)
    if not text.isascii() or sum(map(text.count, "{([!+-")) > MAX_DEPTH:
        return None
    lower = text.lower()
    for letters in _TELLING:  # any() takes twice as long
        if letters in lower:
            return None
    if not _TOKENS.fullmatch(text) or graph_groups.is_suspect(lower):
        return None
    found = _PLAIN.match(text)
    reading = _PLAIN_READINGS[found[1].upper()] if found else None
    if reading is None or (reading.form is Form.CONSTRUCT and any(sign in text for sign in ("(", "<<", "{|", "~"))):
        return None
    return reading


def _behind_prologue(text: str) -> str:
    """The query without its declarations, where these are plain; most queries share theirs with others, so they are read once."""
    end = text.rfind(">", 0, text.find("{")) + 1
    return text[end:] if 0 < end <= _PROLOGUE_CHARACTERS and _is_plain_prologue(text[:end]) else text


@lru_cache(maxsize=_PROLOGUES)
def _is_plain_prologue(text: str) -> bool:
    """Whether the text, which ends in `>`, is declarations alone: what follows it begins anew."""
    return text.isascii() and "\\" not in text and _PLAIN_PROLOGUE.fullmatch(text) is not None and _TOKENS.fullmatch(text) is not None


def _form(upper: str) -> Form | None:
    return next((form for start, form in _FORMS.items() if upper.startswith(start)), None)


def _may_end_operand(token: tuple[str, str, int]) -> bool:
    """Whether `<` behind the token could be an operator: an operand must follow a sign or an opening bracket, and UNDEF is none."""
    return token[0] not in ("open", "mark") and token[1].upper() != "UNDEF"


def _has(upper: str, words: tuple[str, ...]) -> bool:
    return any(word in upper for word in words)


def _hides_dataset(word: str, previous: tuple[str, str, int], form: Form | None, *, grouped: bool) -> bool:
    """Whether `FROMx:g` outside of brackets is FROM `x:g`, as the engine reads it where no other name can stand."""
    names_only = form is Form.DESCRIBE or (grouped and form in (Form.SELECT, Form.ASK)) or previous[1].upper() == "PREFIX"
    return not names_only and _has(word.partition(":")[0].upper(), _DATASET_WORDS)


def _refuse_depth(depth: int, text: str, start: int) -> None:
    if depth > MAX_DEPTH:
        raise TooDeepError(f"nested more than {MAX_DEPTH} levels deep at {position(text, start)}: write a flatter query")


def _refuse_connection(upper: str, text: str, start: int) -> None:
    """Refuse a word that is or hides SERVICE or LOAD; no other keyword or function name of SPARQL contains either."""
    if "SERVICE" in upper:
        raise ForbiddenError(f"{_NO_SERVICE} (at {position(text, start)})")
    if "LOAD" in upper:
        raise ForbiddenError(f"{_NO_LOAD} (at {position(text, start)})")


def _refuse_hidden_name(before: tuple[str, str, int], previous: tuple[str, str, int], text: str) -> None:
    """Refuse `service:x {`, which the engine reads as SERVICE `:x` {; a graph of that name follows GRAPH."""
    kind, word, start = previous
    if kind == "name" and "service" in word.partition(":")[0].lower() and before[1].upper() != "GRAPH":
        raise ForbiddenError(f"{_NO_SERVICE} (at {position(text, start)})")


def _refuse_hidden_iri(word: str, text: str, start: int) -> None:
    """Refuse `?a<?b)SERVICE?x#>`: an IRI by the grammar's longest match, but the engine reads an operator and what follows.

    Only an IRI with a closing bracket can hide something.
    """
    if "service" in word[word.index(")") :].lower():
        raise ForbiddenError(f"`<` at {position(text, start)} could be an operator or start an IRI: put a space after it")


def position(text: str, offset: int) -> str:
    """LINE:COLUMN of the offset, from 1."""
    line = text.count("\n", 0, offset) + 1
    return f"{line}:{offset - text.rfind(chr(10), 0, offset)}"


def _complaint(text: str, offset: int) -> str:
    character = text[offset]
    if character in "\"'":
        return "a string that is not closed"
    if character.isprintable():
        return f"unexpected {character!r}"
    return f"the control character U+{ord(character):04X}"
