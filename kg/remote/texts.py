"""Queries made complete for a service that takes nothing but their text.

Terms are written as N-Triples, which, as pyoxigraph escapes them, are SPARQL (SPARQL 1.1 Query, 19.8); where text is put in is found by
the tokenizer, never by searching.
"""

import re
from collections.abc import Iterable, Mapping

from pyoxigraph import NamedNode, Quad

from kg import syntax

_ABSOLUTE = re.compile(r"<[A-Za-z][A-Za-z0-9+.-]*:")  # RFC 3986, 3.1: with a scheme; other parts may have colons too
_POSITIONS = ("s", "p", "o", "g")


def complete(text: str, base_iri: str | None, prefixes: Mapping[str, str], values: Mapping[str, object]) -> str:
    """The query or update with its base, the prefixes that it uses, and values of variables.

    The base is only named where an IRI needs it, so that the service's complaints have their place in `text`. Raises QuerySyntaxError when
    it cannot be read at all.
    """
    prologue = [f"BASE {NamedNode(base_iri)}"] if base_iri and _has_relative_iri(text) else []
    prologue += [f"PREFIX {prefix}: {NamedNode(iri)}" for prefix, iri in prefixes.items() if f"{prefix}:" in text]
    return " ".join([*prologue, bound(text, values)])


def _has_relative_iri(text: str) -> bool:
    return any(kind == "iri" and not _ABSOLUTE.match(word) for kind, word, _ in syntax.tokens(text))


def bound(text: str, values: Mapping[str, object]) -> str:
    """The query with the variables bound where its pattern begins (SPARQL 1.1 Query, 10.2: VALUES).

    As with the engine's own substitutions, the pattern starts with them; other than there, a filter of an inner group does not see them.
    """
    if not values:
        return text
    start = _pattern_start(text)
    names, terms = " ".join(f"?{name}" for name in values), " ".join(map(str, values.values()))
    return f"{text[:start]} VALUES ({names}) {{ ({terms}) }} {text[start:]}"


def _pattern_start(text: str) -> int:
    """The offset behind the `{` of the query's pattern: the last outside brackets and before VALUES (SPARQL 1.1 Query, 19.8, rule 2)."""
    depth, found = 0, 0
    for kind, word, start in syntax.tokens(text):
        if kind == "word" and not depth and word.upper() == "VALUES":
            break
        if kind == "open":
            found = start + 1 if word == "{" and not depth else found
            depth += 1
        depth -= kind == "close"
    return found


def pattern(terms: Mapping[str, object]) -> str:
    """A SELECT of the quads that match; `terms` has the known ones of s, p, o, g. With all four known it is an ASK."""
    s, p, o, g = (str(terms[name]) if terms.get(name) is not None else f"?{name}" for name in _POSITIONS)
    wanted = [f"?{name}" for name in _POSITIONS if terms.get(name) is None]
    return f"{'SELECT ' + ' '.join(wanted) if wanted else 'ASK'} {{ GRAPH {g} {{ {s} {p} {o} }} }}"


def among(quads: Iterable[Quad]) -> str:
    """A SELECT of those of the quads that are stored; they have no blank nodes."""
    rows = " ".join(f"({quad.subject} {quad.predicate} {quad.object} {quad.graph_name})" for quad in quads)
    return f"SELECT ?s ?p ?o ?g {{ VALUES (?s ?p ?o ?g) {{ {rows} }} GRAPH ?g {{ ?s ?p ?o }} }}"


def count_of(graphs: Iterable[NamedNode]) -> str:
    """A SELECT of the number of quads in the graphs, as ?n."""
    return f"SELECT (COUNT(*) AS ?n) {{ VALUES ?g {{ {' '.join(map(str, graphs))} }} GRAPH ?g {{ ?s ?p ?o }} }}"


ALL_QUADS = "SELECT ?s ?p ?o ?g { GRAPH ?g { ?s ?p ?o } }"
COUNT_QUADS = "SELECT (COUNT(*) AS ?n) { GRAPH ?g { ?s ?p ?o } }"
# Whether there is anything in the default graph, be that the union of all graphs too.
UNNAMED = "ASK { ?s ?p ?o FILTER NOT EXISTS { GRAPH ?g { ?s ?p ?o } } }"
GRAPH_NAMES = "SELECT DISTINCT ?g { GRAPH ?g { ?s ?p ?o } }"
SOME_QUAD = "SELECT ?s ?p ?o { GRAPH ?g { ?s ?p ?o FILTER(!isBlank(?s) && !isBlank(?o)) } } LIMIT 1"
# The base of each dataset that is kept in the service (VoID, 7.2); written by kg.quads.dataset_quads.
BASES = """
PREFIX void: <http://rdfs.org/ns/void#>
SELECT DISTINCT ?base ?g { GRAPH ?g { ?dataset a void:Dataset ; void:uriSpace ?base ; void:sparqlEndpoint ?service } }
"""
GAZETTEERS = "SELECT DISTINCT ?hash { GRAPH ?meta { ?run <https://w3id.org/aikg/ontology#gazetteerHash> ?hash } }"
