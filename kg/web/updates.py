"""What an update becomes before it runs.

`using-graph-uri` and `using-named-graph-uri` become USING clauses (SPARQL 1.1 Protocol, 2.2.3). CLEAR of a graph that is not there
succeeds, as in a store that does not record empty graphs (SPARQL 1.1 Update, 3.1.3).
"""

from pyoxigraph import NamedNode

from kg import syntax
from kg.syntax import Reading
from kg.web.problems import ProblemError
from kg.web.protocol import Ask


def prepared(ask: Ask, reading: Reading) -> str:
    """The update that is run. Raises ProblemError 400 when its dataset cannot be as asked."""
    return _clear_silently(_with_dataset(ask, reading))


def _with_dataset(ask: Ask, reading: Reading) -> str:
    """The update's text with the request's dataset in it. Raises ProblemError 400 when the text names one itself, or cannot take one."""
    if not ask.names_dataset:
        return ask.text
    if reading.names_dataset:
        raise ProblemError(400, "dataset", "the update has USING or WITH itself, so the request may not name a dataset too")
    clauses = [f"USING {_node(iri)}" for iri in ask.default_graphs or ()]
    clauses += [f"USING NAMED {_node(iri)}" for iri in ask.named_graphs or ()]
    return _insert_before_where(ask.text, f"{' '.join(clauses)} ")


def _insert_before_where(text: str, clauses: str) -> str:
    """The text with the clauses in front of each operation's WHERE, the only one outside brackets (SPARQL 1.1 Update, grammar rule 41)."""
    depth, previous, done = 0, "", 0
    parts: list[str] = []
    for kind, word, start in syntax.tokens(text):
        depth += (kind == "open") - (kind == "close")
        if kind == "word" and depth == 0 and word.upper() == "WHERE":
            if previous.upper() == "DELETE":
                raise ProblemError(400, "dataset", "DELETE WHERE takes no dataset: write DELETE { … } WHERE { … }")
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


def _node(iri: str) -> NamedNode:
    try:
        return NamedNode(iri)
    except ValueError as error:
        raise ProblemError(400, "graph", f"{iri!r} is no absolute IRI: {error}") from error
