"""SERVICE clauses (https://www.w3.org/TR/sparql11-federated-query/): found in a query, and replaced by what their endpoints answered.

A clause means the solutions of its group at its endpoint, and so does a VALUES block with these solutions, which can stand wherever the
clause can. The block is written from terms that were read, never from the text that an endpoint sent, and what is left of the query is
read like any other: what hides a SERVICE from this module is refused there.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pyoxigraph as ox

from kg import syntax
from kg.errors import QueryError
from kg.syntax import ForbiddenError, Form, QuerySyntaxError, Reading

ASK_FOR_LESS = "narrow the group, or put a SELECT of less into it"
NO_SOLUTION, EMPTY_SOLUTION = "VALUES () {}", "VALUES () { () }"  # SPARQL 1.1 Query, 10.2

type Token = tuple[str, str, int]
END: Token = ("", "", 0)


class TooManyClausesError(QueryError):
    """The query has more SERVICE clauses than one may have."""


class AnswerError(QueryError):
    """What an endpoint answered are no results of what it was asked."""


class TooManyRowsError(QueryError):
    """An endpoint answered more than is taken."""


class TermError(QueryError):
    """An endpoint answered a term that a query cannot name."""


@dataclass(frozen=True, slots=True)
class Clause:
    """One SERVICE clause: it stands at the half-open offsets `start`, `end` of its query.

    `query` is what `endpoint`, an IRI, is asked; the answer may bind `variables`.
    """

    start: int
    end: int
    endpoint: str
    silent: bool
    query: str
    variables: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Federated:
    """A query with SERVICE clauses, in the order of the text. `reading` is that of the rest."""

    reading: Reading
    clauses: tuple[Clause, ...]


def read(text: str, base_iri: str, *, most: int) -> Federated:
    """The clauses of a query whose base is `base_iri`, none of them inside another.

    Raises QuerySyntaxError, TooDeepError, TooManyClausesError past `most`, and ForbiddenError where the endpoint is a variable, a clause
    stands in another or in an update.
    """
    found: list[Clause] = []
    for clause in _clauses(list(syntax.tokens(text)), text, f"BASE {ox.NamedNode(base_iri)} "):
        if len(found) == most:
            where = syntax.position(text, clause.start)
            raise TooManyClausesError(
                f"more than {most} SERVICE clauses (at {where}): ask in several queries, or join clauses that ask the same"
            )
        found.append(clause)
    reading = syntax.read(replaced(text, found, [NO_SOLUTION] * len(found)))
    if reading.form is Form.UPDATE:
        raise ForbiddenError("SERVICE is not allowed in an update: ask for what is to be written first, then write it")
    for clause in found:
        syntax.read(clause.query)
    return Federated(reading, tuple(found))


def replaced(text: str, clauses: Iterable[Clause], blocks: Iterable[str]) -> str:
    """The query with a block in the place of each clause."""
    parts, done = [], 0
    for clause, block in zip(clauses, blocks, strict=True):
        parts += [text[done : clause.start], f" {block} "]
        done = clause.end
    return "".join([*parts, text[done:]])


def values(answer: str, variables: Sequence[str], *, max_rows: int, max_characters: int) -> str:
    """The VALUES block of an answer in SPARQL 1.1 Query Results JSON Format; rows that are there twice stay so.

    Raises AnswerError when it cannot be read or binds other variables, TooManyRowsError, TermError.
    """
    try:
        results = ox.parse_query_results(answer.encode(), ox.QueryResultsFormat.JSON)
        if not isinstance(results, ox.QuerySolutions):
            raise AnswerError("it answered yes or no where rows were asked for")
        names = [variable.value for variable in results.variables]
        if strange := sorted(set(names) - set(variables)):
            raise AnswerError(f"it answered with ?{strange[0]}, which is not in what it was asked")
        rows = _rows(results, max_rows=max_rows, max_characters=max_characters)
        return f"VALUES ({' '.join(f'?{name}' for name in names)}) {{ {' '.join(rows)} }}"
    except SyntaxError as error:
        raise AnswerError(f"its results cannot be read ({error})") from error


def _rows(results: ox.QuerySolutions, *, max_rows: int, max_characters: int) -> list[str]:
    rows: list[str] = []
    size = 0
    for row in results:
        rows.append(f"({' '.join(_written(term) for term in row)})")
        size += len(rows[-1])
        if len(rows) > max_rows:
            raise TooManyRowsError(f"it answered more than {max_rows} rows; {ASK_FOR_LESS}")
        if size > max_characters:
            raise TooManyRowsError(f"its rows take more than {max_characters} characters; {ASK_FOR_LESS}")
    return rows


def _written(term: Any) -> str:
    """The term in SPARQL, which N-Triples is as it is escaped here (SPARQL 1.1 Query, 19.8). Raises TermError."""
    if term is None:
        return "UNDEF"
    if isinstance(term, ox.NamedNode):
        return str(term).replace(")", "\\u0029")  # `)` could end an operand: see kg.syntax on what hides in an IRI
    if isinstance(term, ox.Literal) and not term.direction:
        return str(term)
    kind = (
        "a blank node" if isinstance(term, ox.BlankNode) else "a literal with a direction" if isinstance(term, ox.Literal) else "a triple"
    )
    raise TermError(f"it answered {kind}, which no other query can name; leave it out of a SELECT in the group, or FILTER it there")


def _clauses(tokens: list[Token], text: str, base: str) -> Iterator[Clause]:
    prefixes, prologue = _prologue(tokens)
    head = f"{base}{text[:prologue]} SELECT * WHERE "
    tokens = [*tokens, END, END, END]
    at = 0
    while tokens[at] is not END:
        if not _is(tokens[at], "SERVICE"):
            at += 1
            continue
        silent = _is(tokens[at + 1], "SILENT")
        opening = at + 2 + silent
        where = syntax.position(text, tokens[at][2])
        endpoint = _endpoint(tokens[opening - 1], prefixes, where)
        closing = _closing(tokens, opening, where)
        start, end = tokens[opening][2], tokens[closing][2] + 1
        names = dict.fromkeys(tokens[n][1][1:] for n in range(opening, closing) if tokens[n][0] == "variable")
        yield Clause(tokens[at][2], end, endpoint, silent, head + text[start:end], tuple(names))
        at = closing + 1


def _is(token: Token, word: str) -> bool:
    return token[0] == "word" and token[1].upper() == word


def _prologue(tokens: list[Token]) -> tuple[dict[str, str], int]:
    """The prefixes that the query declares, and the offset behind the last declaration (SPARQL 1.1 Query, 19.8, rule 4)."""
    prefixes: dict[str, str] = {}
    at = end = 0
    while at < len(tokens):
        size = 2 if _is(tokens[at], "BASE") else 3 if _is(tokens[at], "PREFIX") else 0
        declared = tokens[at : at + size]
        if not declared or declared[-1][0] != "iri":
            break
        if size == 3:
            prefixes[declared[1][1].removesuffix(":")] = declared[2][1][1:-1]
        at += size
        end = declared[-1][2] + len(declared[-1][1])
    return prefixes, end


def _endpoint(token: Token, prefixes: dict[str, str], where: str) -> str:
    """The IRI that the token names as it is written: neither relative ones nor escapes are resolved, so such a one is in nobody's list."""
    kind, word, _ = token
    if kind == "variable":
        raise ForbiddenError(f"SERVICE {word} at {where} leaves open whom it asks: name the endpoint by its IRI")
    if kind == "iri":
        return word[1:-1]
    prefix, _, local = word.partition(":")
    if kind != "name" or prefix not in prefixes:
        raise QuerySyntaxError(f"SERVICE at {where} needs the IRI of an endpoint, or a name whose prefix is declared")
    return prefixes[prefix] + re.sub(r"\\(.)", r"\1", local)


def _closing(tokens: list[Token], opening: int, where: str) -> int:
    """The index of the brace that closes the one at `opening`. Raises QuerySyntaxError, ForbiddenError for a clause between them."""
    depth = 0
    for at in range(opening, len(tokens)):
        kind, word, _ = tokens[at]
        if kind == "word" and "SERVICE" in word.upper():
            raise ForbiddenError(f"there is a SERVICE clause inside that at {where}: write it beside that one")
        depth += (kind == "open") - (kind == "close")
        if depth == 0:
            if (tokens[opening][1], word) == ("{", "}"):
                return at
            break
    raise QuerySyntaxError(f"SERVICE at {where} needs a group between braces")
