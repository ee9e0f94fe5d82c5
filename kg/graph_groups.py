"""Groups behind GRAPH and a variable that the engine answers wrongly.

`GRAPH ?g { … }` is what the group gives in each graph, joined with ?g (SPARQL 1.1 Query, 18.6). The engine puts ?g into the triple patterns
of the group instead: it is lost where there are none, as in `GRAPH ?g { VALUES ?x { 1 } }`, and in a subquery, which does not hand it on.
And MINUS, which takes away only what shares a variable with it (18.5), always shares ?g.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

type Token = tuple[str, str, int]

_LOST = (
    "the engine loses the variable of GRAPH where its group has a subquery, or VALUES or GRAPH without a triple pattern beside them: put "
    "GRAPH into the subquery, which selects the variable too, and VALUES and the other GRAPH in front of it"
)
_SHARES_GRAPH = (
    "the engine takes the variable of GRAPH for one that MINUS shares: let every solution on both sides bind another that they share "
    "in a triple pattern, or say FILTER NOT EXISTS"
)
_VARIABLE_GRAPH = re.compile(r"graph(?:[ \t\r\n]++|#[^\r\n]*+)*+[?$]")
_NOTHING: Token = ("", "", 0)
_NAMES = frozenset({"variable", "iri", "name"})
_TERMS = _NAMES | {"string", "number", "tag"}


class Fault(NamedTuple):
    """The offset of what is answered wrongly, and what to do."""

    start: int
    advice: str


@dataclass(slots=True)
class _Bracket:
    """One that is open; `graph` is where the GRAPH ?g before it begins, -1: there is none. `minus` likewise.

    `role`: what a group is to that around it. `triple`: it has a triple pattern of its own. `bound`: of the groups in it that are joined,
    each with those it is united with, whether they bind ?g. `other`: it has VALUES, GRAPH or a group that loses ?g. `values`: their data
    follows. `variables`: those that each of its solutions binds, but for those of `joined`, which are of the same groups as `bound`.
    """

    role: str = ""
    graph: int = -1
    minus: int = -1
    triple: bool = False
    other: bool = False
    values: bool = False
    bound: list[bool] = field(default_factory=list)
    variables: set[str] = field(default_factory=set)
    joined: list[set[str]] = field(default_factory=list)

    @property
    def binds(self) -> bool:
        """Whether the engine binds ?g in this group."""
        return self.triple or any(self.bound)

    @property
    def keeps(self) -> bool:
        """Whether it is known in the end: also where there is nothing, or nothing but FILTER, BIND and OPTIONAL."""
        return self.binds or not self.other

    @property
    def sure(self) -> set[str]:
        """The variables that each solution of this group binds."""
        return self.variables.union(*self.joined)


def is_suspect(lower: str) -> bool:
    """Whether a text in lower case could have what `fault` finds; hardly any can, and this is quick."""
    graph = _VARIABLE_GRAPH.search(lower)
    return graph is not None and any(word in lower[graph.end() :] for word in ("values", "select", "graph", "minus"))


def fault(tokens: Iterable[Token]) -> Fault | None:
    """The first GRAPH whose variable is lost, or MINUS that shares nothing else; None when there is none."""
    around = [_Bracket()]
    before, previous = _NOTHING, _NOTHING
    for token in tokens:
        kind, word, _ = token
        here, upper = around[-1], word.upper() if kind == "word" else ""
        here.triple = here.triple or _begins_verb(token, previous, before)
        if kind == "open":
            around.append(_opened(word, here, previous, before))
        elif kind == "close" and len(around) > 1:
            closed = around.pop()
            if closed.graph >= 0 and not closed.keeps:
                return Fault(closed.graph, _LOST)
            if closed.minus >= 0 and _is_behind_variable(around) and not closed.sure & around[-1].sure:
                return Fault(closed.minus, _SHARES_GRAPH)
            _close(closed, around[-1])
        elif upper.startswith("SELECT") and any(bracket.graph >= 0 for bracket in around):
            return Fault(next(bracket.graph for bracket in around if bracket.graph >= 0), _LOST)
        elif upper == "VALUES":
            here.values = here.other = True
        elif kind == "variable":
            here.variables.add(word[1:])
        before, previous = previous, token
    return None


def _begins_verb(token: Token, previous: Token, before: Token) -> bool:
    """Whether a predicate begins here: a term, then what can begin a path. In a group that is in a triple pattern only."""
    kind, word, _ = token
    if word == "(":  # FILTER ex:f(?x) has no subject
        return previous[0] == "variable" or (previous[0] in _NAMES and not before[1].upper().endswith("FILTER"))
    return (previous[0] in _TERMS or previous[1] in (")", "]")) and (kind in _NAMES or word in ("a", "^", "!"))


def _is_behind_variable(around: list[_Bracket]) -> bool:
    """Whether the innermost GRAPH has a variable."""
    return next((bracket.graph >= 0 for bracket in reversed(around) if bracket.role == "GRAPH"), False)


def _opened(word: str, here: _Bracket, previous: Token, before: Token) -> _Bracket:
    if word != "{":
        here.triple = here.triple or word == "["
        return _Bracket(word)
    if here.values:
        here.values = False
        return _Bracket()
    if previous[0] in _NAMES and before[0] == "word" and before[1].upper().endswith("GRAPH"):
        start = before[2] + len(before[1]) - len("GRAPH")
        return _Bracket("GRAPH", start if previous[0] == "variable" else -1)
    if previous[0] == "word":
        upper = previous[1].upper()
        minus = previous[2] + len(upper) - len("MINUS") if upper.endswith("MINUS") else -1
        return _Bracket("UNION" if upper == "UNION" else "", minus=minus)
    return _Bracket("joined")


def _close(closed: _Bracket, here: _Bracket) -> None:
    if closed.role in ("(", "["):
        if closed.role == "[":
            here.variables |= closed.variables
        return
    if closed.role == "UNION" and here.bound:
        here.bound[-1] = here.bound[-1] and closed.binds
        here.joined[-1] &= closed.sure
    elif closed.role == "joined":
        here.bound.append(closed.binds)
        here.joined.append(closed.sure)
    here.other = here.other or closed.role == "GRAPH" or (bool(closed.role) and not closed.keeps)
