"""Media types: what results and graphs can be written and read as, and the choice among them by `Accept`.

Two tables, one row a format; `name` is what `format=` and `--format` take, the first media type is the one that is sent.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from werkzeug.datastructures import MIMEAccept
from werkzeug.http import parse_accept_header

W3C_FORMATS = "http://www.w3.org/ns/formats/"  # https://www.w3.org/ns/formats/: unique IRIs of serializations, for sd:resultFormat


@dataclass(frozen=True, slots=True)
class Format:
    """One way to write a result or a graph. `content_type` is sent; every one of `media_types` is understood in `Accept` and on input."""

    name: str
    media_types: tuple[str, ...]
    extension: str
    iri: str
    source: str
    charset: bool = False
    quads: bool = False

    @property
    def media_type(self) -> str:
        """The registered media type, without parameters."""
        return self.media_types[0]

    @property
    def content_type(self) -> str:
        """The value of `Content-Type` that is sent."""
        return f"{self.media_type}; charset=utf-8" if self.charset else self.media_type


# Results of SELECT and ASK.
RESULTS: dict[str, Format] = {
    f.name: f
    for f in (
        Format(
            "json",
            ("application/sparql-results+json", "application/json"),
            "srj",
            f"{W3C_FORMATS}SPARQL_Results_JSON",
            "https://www.w3.org/TR/sparql11-results-json/",
        ),
        Format(
            "xml",
            ("application/sparql-results+xml", "application/xml", "text/xml"),
            "srx",
            f"{W3C_FORMATS}SPARQL_Results_XML",
            "https://www.w3.org/TR/rdf-sparql-XMLres/",
        ),
        Format(
            "csv", ("text/csv",), "csv", f"{W3C_FORMATS}SPARQL_Results_CSV", "https://www.w3.org/TR/sparql11-results-csv-tsv/", charset=True
        ),
        Format(
            "tsv",
            ("text/tab-separated-values",),
            "tsv",
            f"{W3C_FORMATS}SPARQL_Results_TSV",
            "https://www.w3.org/TR/sparql11-results-csv-tsv/",
            charset=True,
        ),
    )
}

# Results of CONSTRUCT and DESCRIBE, and graphs of the Graph Store Protocol.
GRAPHS: dict[str, Format] = {
    f.name: f
    for f in (
        Format(
            "turtle", ("text/turtle", "application/x-turtle"), "ttl", f"{W3C_FORMATS}Turtle", "https://www.w3.org/TR/turtle/", charset=True
        ),
        Format(
            "jsonld",
            ("application/ld+json", "application/json"),
            "jsonld",
            f"{W3C_FORMATS}JSON-LD",
            "https://www.w3.org/TR/json-ld11/",
            quads=True,
        ),
        Format("ntriples", ("application/n-triples", "text/plain"), "nt", f"{W3C_FORMATS}N-Triples", "https://www.w3.org/TR/n-triples/"),
        Format(
            "rdfxml",
            ("application/rdf+xml", "application/xml", "text/xml"),
            "rdf",
            f"{W3C_FORMATS}RDF_XML",
            "https://www.w3.org/TR/rdf-syntax-grammar/",
        ),
        Format("trig", ("application/trig",), "trig", f"{W3C_FORMATS}TriG", "https://www.w3.org/TR/trig/", quads=True),
        Format("nquads", ("application/n-quads",), "nq", f"{W3C_FORMATS}N-Quads", "https://www.w3.org/TR/n-quads/", quads=True),
    )
}

XML = frozenset({"application/xml", "text/xml"})
HTML = Format("html", ("text/html", "application/xhtml+xml"), "html", "", "https://html.spec.whatwg.org/", charset=True)

# Other names that clients use for a format in `format=`, and file suffixes.
ALIASES = {
    "ttl": "turtle",
    "nt": "ntriples",
    "nq": "nquads",
    "n3": "turtle",
    "rdf": "rdfxml",
    "rdf+xml": "rdfxml",
    "rdf/xml": "rdfxml",
    "json-ld": "jsonld",
    "n-triples": "ntriples",
    "n-quads": "nquads",
}


def named(name: str, table: dict[str, Format]) -> Format | None:
    """The format of `table` that `format=` names: by name, alias or media type; None when there is none."""
    key = name.strip().lower()
    key = ALIASES.get(key, key)
    if key == "xml" and "rdfxml" in table:
        key = "rdfxml"
    if key == "json" and "jsonld" in table:
        key = "jsonld"
    return table.get(key) or of_media_type(key, table.values())


def of_media_type(media_type: str, formats: Iterable[Format]) -> Format | None:
    """The format that has this media type (parameters are ignored), or None."""
    bare = media_type.partition(";")[0].strip().lower()
    return next((f for f in formats if bare in f.media_types), None)


@lru_cache(maxsize=1024)
def choose(accept: str, offered: tuple[Format, ...]) -> Format | None:
    """The format that `Accept` prefers (RFC 9110, 12.5.1), the first offered on a tie, None when it takes none of them.

    An absent or empty header accepts anything. A browser takes XML for the sake of XHTML, and anything: no XML is chosen for it.
    """
    if not accept.strip():
        return offered[0]
    ranges = _ranges(accept)
    if "*/*" in ranges and prefers_html(accept):
        ranges = {name: quality for name, quality in ranges.items() if name not in XML}
    best: tuple[float, int, Format] | None = None
    for position, candidate in enumerate(offered):
        quality = _quality(ranges, candidate)
        if quality > 0 and (best is None or (quality, -position) > best[:2]):
            best = (quality, -position, candidate)
    return best[2] if best else None


def _ranges(accept: str) -> dict[str, float]:
    """Media range to quality; parameters other than q are ignored, and the first of two equal ranges counts."""
    wanted = parse_accept_header(accept, MIMEAccept)
    return {value.partition(";")[0].strip().lower(): float(quality) for value, quality in reversed(list(wanted))}


def _quality(ranges: dict[str, float], candidate: Format) -> float:
    """The quality of the most specific range that matches: one of its media types, else the kind of its registered one, else anything."""
    named = [ranges[media_type] for media_type in candidate.media_types if media_type in ranges]
    if candidate.media_type in ranges or not named:
        kind = candidate.media_type.partition("/")[0]
        return next((ranges[r] for r in (candidate.media_type, f"{kind}/*", "*/*") if r in ranges), 0.0)
    return max(named)


@lru_cache(maxsize=1024)
def prefers_html(accept: str) -> bool:
    """Whether this is a browser: it names HTML itself and likes nothing better."""
    if "html" not in accept:
        return False
    ranges = _ranges(accept)
    if not any(media_type in ranges for media_type in HTML.media_types):
        return False
    others = (f for table in (RESULTS, GRAPHS) for f in table.values())
    return all(0 < _quality(ranges, HTML) >= _quality(ranges, other) for other in others)
