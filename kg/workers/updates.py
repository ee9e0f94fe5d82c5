"""What an update becomes before it runs.

`using-graph-uri` and `using-named-graph-uri` become USING clauses (SPARQL 1.1 Protocol, 2.2.3). CLEAR of a graph that is not there
succeeds, as in a store that does not record empty graphs (SPARQL 1.1 Update, 3.1.3).
"""

from collections.abc import Iterable

from pyoxigraph import NamedNode

from kg import syntax
from kg.errors import QueryError
from kg.syntax import Form, QuerySyntaxError


class DatasetError(QueryError):
    """The request names a dataset that the update cannot take, or is no update."""


def prepared(text: str, *, default_graphs: Iterable[str] | None, named_graphs: Iterable[str] | None) -> str:
    """The update that is run, on the dataset that the request names (None, None: none). Raises DatasetError and those of `syntax.read`."""
    try:
        reading = syntax.read(text)
    except QuerySyntaxError:
        if syntax.is_prologue(text):
            return text
        raise
    if reading.form is not Form.UPDATE:
        raise DatasetError(f"this is a query ({reading.form}), not an update: send it as `query` or application/sparql-query")
    if default_graphs is not None or named_graphs is not None:
        if reading.names_dataset:
            raise DatasetError("the update has USING or WITH itself, so the request may not name a dataset too")
        text = _with_dataset(text, default_graphs or (), named_graphs or ())
    return _clear_silently(text)


def _with_dataset(text: str, default_graphs: Iterable[str], named_graphs: Iterable[str]) -> str:
    clauses = [f"USING {NamedNode(iri)}" for iri in default_graphs] + [f"USING NAMED {NamedNode(iri)}" for iri in named_graphs]
    return _insert_before_where(text, f"{' '.join(clauses)} ")


def _insert_before_where(text: str, clauses: str) -> str:
    """The text with the clauses in front of each operation's WHERE, the only one outside brackets (SPARQL 1.1 Update, grammar rule 41)."""
    depth, previous, done = 0, "", 0
    parts: list[str] = []
    for kind, word, start in syntax.tokens(text):
        depth += (kind == "open") - (kind == "close")
        if kind == "word" and depth == 0 and word.upper().endswith("WHERE"):
            if "DELETE" in (previous.upper(), word.upper().removesuffix("WHERE")):  # the engine reads DELETEWHERE, too
                raise DatasetError("DELETE WHERE takes no dataset: write DELETE { … } WHERE { … }")
            parts += [text[done:start], clauses]
            done = start
        previous = word
    return "".join([*parts, text[done:]])


def _clear_silently(text: str) -> str:
    """The text with SILENT in every CLEAR GRAPH."""
    previous, done = "", 0
    parts: list[str] = []
    for kind, word, start in syntax.tokens(text):
        if kind == "word" and word.upper() == "GRAPH" and previous.upper() == "CLEAR":
            parts += [text[done:start], "SILENT "]
            done = start
        previous = word if kind == "word" else ""
    return "".join([*parts, text[done:]])
