"""XML that is read back as it was written: what the engine's serializers leave wrong is put right on the way out, or refused.

They write a literal's characters as they are. XML 1.0 has no way to say some of them (2.2), and a raw CR is read back as a line feed
(2.11). RDF/XML names a predicate by an element, so that only an IRI that ends like a name of XML's can be one (RDF 1.1 XML Syntax, 2.14).
"""

import re
from collections.abc import Iterable, Iterator
from typing import Any

import pyoxigraph as ox

from kg.workers.jsonld import RDF_TYPE, Sink

RDF = RDF_TYPE.removesuffix("type")
XMLNS = "http://www.w3.org/2000/xmlns/"  # bound to `xmlns`, which no element may have as its prefix (Namespaces in XML 1.0, 3)
KNOWN = 10_000  # predicates and classes that are remembered as sayable
# RDF 1.1 XML Syntax, 7.2.2 to 7.2.4.
CORE = frozenset({"RDF", "ID", "about", "parseType", "resource", "nodeID", "datatype"})
OLD = frozenset({"aboutEach", "aboutEachPrefix", "bagID"})
NO_PREDICATES = frozenset(RDF + name for name in CORE | OLD | {"Description", "li"})
NO_CLASSES = frozenset(RDF + name for name in OLD)  # those of CORE, Description and li the engine writes as an object like any other

_REMARKABLE = bytes(range(0x20)).translate(None, b"\t\n") + b"\xef"  # of which a piece must have one to be looked at
_IMPOSSIBLE = re.compile(b"[\x00-\x08\x0b\x0c\x0e-\x1f]|\xef\xbf[\xbe\xbf]")
_START = (
    "A-Z_a-z\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u02ff\u0370-\u037d\u037f-\u1fff\u200c\u200d\u2070-\u218f\u2c00-\u2fef\u3001-\ud7ff"
    "\uf900-\ufdcf\ufdf0-\ufffd\U00010000-\U000effff"
)
_NAME_AT_END = re.compile(f"[{_START}][{_START}\\-.0-9\u00b7\u0300-\u036f\u203f\u2040]*\\Z")  # Namespaces in XML 1.0, 3: NCName


class Characters:
    """A file in front of another that makes each CR a reference. Its `write` raises ValueError for a character that XML cannot carry."""

    def __init__(self, output: Sink) -> None:
        self._output = output
        self._tail = b""  # of what was written, as far as it can begin a character that is to be refused

    def write(self, piece: bytes) -> int:
        if self._tail or len(piece.translate(None, _REMARKABLE)) != len(piece):
            looked_at = self._tail + piece
            _refuse_impossible(looked_at)
            self._tail = looked_at[-2:] if b"\xef" in looked_at[-2:] else b""
            self._output.write(piece.replace(b"\r", b"&#13;"))
        else:
            self._output.write(piece)
        return len(piece)

    def flush(self) -> None:
        """Nothing is kept back."""


def _refuse_impossible(text: bytes) -> None:
    if found := _IMPOSSIBLE.search(text):
        raise ValueError(f"XML cannot carry the character U+{ord(found.group().decode()):04X}; ask for another format")


def sayable(triples: Iterable[ox.Triple]) -> Iterator[ox.Triple]:
    """The triples as they come. Raises ValueError for one that RDF/XML cannot say.

    A class names an element, too, where a subject's first triple says that it is of that class.
    """
    known: set[str] = set()
    subject: Any = None
    for triple in triples:
        predicate = triple.predicate.value
        if predicate not in known:
            _check(predicate, NO_PREDICATES, "predicate")
            if len(known) < KNOWN:
                known.add(predicate)
        if isinstance(triple.object, ox.Triple):
            _check_inner(triple.object)
        elif predicate == RDF_TYPE and triple.subject != subject and isinstance(triple.object, ox.NamedNode):
            _check(triple.object.value, NO_CLASSES, "class")
        subject = triple.subject
        yield triple


def refused_where_misplaced(quads: Iterable[ox.Quad]) -> Iterator[ox.Quad]:
    """The quads of an RDF/XML document as they come. Raises SyntaxError at a predicate that none can have, which the engine's parser lets
    pass where it is an attribute (RDF 1.1 XML Syntax, 7.2.7)."""
    for quad in quads:
        if quad.predicate.value in NO_PREDICATES:
            raise SyntaxError(f"<{quad.predicate.value}> is no property in RDF/XML, be it an element or an attribute")
        yield quad


def _check_inner(term: Any) -> None:
    """A triple term, whose predicates name elements like those of others (RDF 1.2 XML Syntax, 2.17)."""
    while isinstance(term, ox.Triple):
        _check(term.predicate.value, NO_PREDICATES, "predicate")
        term = term.object


def _check(iri: str, reserved: frozenset[str], what: str) -> None:
    name = _NAME_AT_END.search(iri)
    if name is None or iri in reserved or iri[: name.start()] == XMLNS:
        raise ValueError(f"RDF/XML cannot carry the {what} <{iri}>; ask for another format")
