"""JSON-LD 1.1 compacted with a context of prefixes, written as it comes: no more of it is in memory than what is said of one subject.

https://www.w3.org/TR/json-ld11/: the document is a context and a list of node objects (and graph objects); a subject whose triples do not
come in one go has several node objects, which say together what one would (JSON-LD 1.1, 4.5.1 and 9.4).
"""

import json
from collections.abc import Iterable
from itertools import groupby
from typing import Any, Protocol

import pyoxigraph as ox

RDF_TYPE = "http://www.w3.org/1999/02/22-rdf-syntax-ns#type"
STRING = "http://www.w3.org/2001/XMLSchema#string"

type Statements = Iterable[ox.Triple | ox.Quad]


class Sink(Protocol):
    """Where the bytes go."""

    def write(self, piece: bytes, /) -> object: ...


def write(statements: Statements, output: Sink, prefixes: dict[str, str]) -> None:
    """Write the triples or quads. Raises ValueError for what JSON-LD with these prefixes cannot say."""
    shorten = _Shortener(prefixes)
    output.write(b'{\n"@context": ' + _json(dict(sorted(prefixes.items()))) + b',\n"@graph": [')
    separator = b"\n"
    for graph, members in groupby(statements, key=_graph_of):
        if graph is not None:
            output.write(separator + b'{"@id": ' + _json(shorten.node(graph)) + b', "@graph": [')
            separator = b"\n"
        for subject, said in groupby(members, key=lambda statement: statement.subject):
            output.write(separator + _json(_node(subject, said, shorten)))
            separator = b",\n"
        if graph is not None:
            output.write(b"\n]}")
    output.write(b"\n]\n}\n")


def _graph_of(statement: ox.Triple | ox.Quad) -> Any:
    """The name of its graph, None for the default graph."""
    graph = statement.graph_name if isinstance(statement, ox.Quad) else None
    return None if isinstance(graph, ox.DefaultGraph) else graph


def _node(subject: Any, said: Iterable[ox.Triple | ox.Quad], shorten: "_Shortener") -> dict[str, Any]:
    """A node object; a property with one value has no list (JSON-LD 1.1 API, 6.1: compactArrays)."""
    properties: dict[str, list[Any]] = {}
    for statement in said:
        if statement.predicate.value == RDF_TYPE and not isinstance(statement.object, ox.Literal):
            properties.setdefault("@type", []).append(shorten.node(statement.object))
        else:
            properties.setdefault(shorten.iri(statement.predicate.value), []).append(_value(statement.object, shorten))
    return {"@id": shorten.node(subject), **{name: values[0] if len(values) == 1 else values for name, values in properties.items()}}


def _value(term: Any, shorten: "_Shortener") -> Any:
    if not isinstance(term, ox.Literal):
        return {"@id": shorten.node(term)}
    if term.direction:
        return {"@direction": str(term.direction), "@language": term.language, "@value": term.value}
    if term.language:
        return {"@language": term.language, "@value": term.value}
    if term.datatype.value == STRING:
        return term.value
    return {"@type": shorten.iri(term.datatype.value), "@value": term.value}


class _Shortener:
    """Compact IRIs (JSON-LD 1.1, 4.1.5)."""

    def __init__(self, prefixes: dict[str, str]) -> None:
        self._names = {namespace: prefix for prefix, namespace in prefixes.items()}
        self._prefixes = frozenset(prefixes)
        self._known: dict[str, str] = {}

    def node(self, term: Any) -> str:
        """The `@id` of an IRI or a blank node. Raises ValueError for a triple term."""
        if isinstance(term, ox.NamedNode):
            return self.iri(term.value)
        if isinstance(term, ox.BlankNode):
            return f"_:{term.value}"
        raise ValueError("JSON-LD cannot carry triples as terms; ask for another format")

    def iri(self, iri: str) -> str:
        """The IRI with one of the prefixes, or as it is. Raises ValueError for one that would be read back as another."""
        short = self._known.get(iri)
        if short is None:
            if len(self._known) > 10_000:
                self._known.clear()
            short = self._known[iri] = self._shortened(iri)
        return short

    def _shortened(self, iri: str) -> str:
        end = max(iri.rfind("#"), iri.rfind("/")) + 1
        prefix = self._names.get(iri[:end])
        if prefix and iri[end:]:
            return f"{prefix}:{iri[end:]}"
        scheme, _, rest = iri.partition(":")
        if scheme in self._prefixes and not rest.startswith("//"):
            raise ValueError(f"JSON-LD with the prefix {scheme!r} cannot carry the IRI <{iri}>; ask for another format")
        return iri


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()
