"""The IRIs of the data: one method a kind of thing, each a pure function of the base IRI and an id.

Ids become one path segment: characters that an IRI segment cannot hold are percent-encoded as UTF-8, letters of any script stay
(RFC 3987, 2.2). Reading an id back from an IRI is the exact inverse.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import quote, unquote, unquote_to_bytes, urlsplit

from pyoxigraph import NamedNode

from kg.errors import SettingError


class Namespace:
    """The terms of one vocabulary: `SCHEMA("NewsArticle")`; prefix and IRI for serializers and queries."""

    def __init__(self, prefix: str, iri: str) -> None:
        self.prefix = prefix
        self.iri = iri

    def __call__(self, name: str) -> NamedNode:
        return NamedNode(self.iri + name)


AIKG = Namespace("aikg", "https://w3id.org/aikg/ontology#")
DCAT = Namespace("dcat", "http://www.w3.org/ns/dcat#")
DCTERMS = Namespace("dcterms", "http://purl.org/dc/terms/")
ITSRDF = Namespace("itsrdf", "http://www.w3.org/2005/11/its/rdf#")
NIF = Namespace("nif", "http://persistence.uni-leipzig.org/nlp2rdf/ontologies/nif-core#")
OWL = Namespace("owl", "http://www.w3.org/2002/07/owl#")
PROV = Namespace("prov", "http://www.w3.org/ns/prov#")
RDF = Namespace("rdf", "http://www.w3.org/1999/02/22-rdf-syntax-ns#")
RDFS = Namespace("rdfs", "http://www.w3.org/2000/01/rdf-schema#")
SCHEMA = Namespace("schema", "https://schema.org/")
SD = Namespace("sd", "http://www.w3.org/ns/sparql-service-description#")
SKOS = Namespace("skos", "http://www.w3.org/2004/02/skos/core#")
VOID = Namespace("void", "http://rdfs.org/ns/void#")
WD = Namespace("wd", "http://www.wikidata.org/entity/")
XSD = Namespace("xsd", "http://www.w3.org/2001/XMLSchema#")

NAMESPACES = (AIKG, DCAT, DCTERMS, ITSRDF, NIF, OWL, PROV, RDF, RDFS, SCHEMA, SD, SKOS, VOID, WD, XSD)
PREFIXES: dict[str, str] = {namespace.prefix: namespace.iri for namespace in NAMESPACES}
"""Prefix to namespace IRI, as queries and serializers take it."""

ONTOLOGY_IRI = "https://w3id.org/aikg/ontology"

_NOT_IN_SEGMENT = re.compile(
    # everything but iunreserved, sub-delims, ":" and "@" (RFC 3987, 2.2: ipchar)
    "[^A-Za-z0-9\\-._~!$&'()*+,;=:@\u00a0-\ud7ff\uf900-\ufdcf\ufdf0-\uffef\U00010000-\U0001fffd\U00020000-\U0002fffd\U00030000-\U0003fffd]"
)
_NON_ASCII = re.compile(r"(?:%[89A-Fa-f][0-9A-Fa-f])+")
_USER = re.compile(r"(\w+://)?.*@", re.DOTALL)
_RESERVED_GRAPH = re.compile(r"(?:knowledge|ontology|meta)~*")


@dataclass(frozen=True, slots=True)
class Iris:
    """Names everything under one base IRI, which is an absolute http(s) IRI that ends with `/` (see `check_base`)."""

    base: str

    def entity(self, entity_id: str) -> NamedNode:
        """`{base}entity/Mistral_AI`."""
        return self._node("entity", entity_id)

    def article(self, article_id: str) -> NamedNode:
        """`{base}article/ID`; also the NIF context that offsets count in."""
        return self._node("article", article_id)

    def claim(self, claim_id: str) -> NamedNode:
        """`{base}claim/ID`."""
        return self._node("claim", claim_id)

    def statement(self, statement_id: str) -> NamedNode:
        """`{base}statement/ID`."""
        return self._node("statement", statement_id)

    def run(self, run_id: str) -> NamedNode:
        """`{base}run/ID`."""
        return self._node("run", run_id)

    def mention(self, article_id: str, start_char: int, end_char: int) -> NamedNode:
        """`{base}mention/ARTICLE/START-END`, offsets half-open in code points."""
        return NamedNode(f"{self.base}mention/{segment(article_id)}/{start_char}-{end_char}")

    def sentence(self, article_id: str, start_char: int, end_char: int) -> NamedNode:
        """`{base}article/ID#char=START,END` (NIF 2.0 with RFC 5147 fragments), offsets half-open in code points."""
        return NamedNode(f"{self.base}article/{segment(article_id)}#char={start_char},{end_char}")

    def graph(self, article_id: str) -> NamedNode:
        """The graph of an article, `{base}graph/ID`; an article called like one of our own graphs gets a `~` behind its name."""
        return self._node("graph", f"{article_id}~" if _RESERVED_GRAPH.fullmatch(article_id) else article_id)

    @property
    def knowledge(self) -> NamedNode:
        """The graph of entities, statements and direct triples."""
        return NamedNode(f"{self.base}graph/knowledge")

    @property
    def ontology(self) -> NamedNode:
        """The graph that holds the ontology."""
        return NamedNode(f"{self.base}graph/ontology")

    @property
    def meta(self) -> NamedNode:
        """The graph that describes the dataset and its runs."""
        return NamedNode(f"{self.base}graph/meta")

    @property
    def dataset(self) -> NamedNode:
        """The dataset itself, named inside the document that describes it (VoID, 7.2)."""
        return NamedNode(f"{self.base}.well-known/void#dataset")

    def id_of(self, kind: str, iri: str) -> str | None:
        """The id in an IRI of a kind (`"entity"`, `"article"`, …), or None when it is no IRI of that kind."""
        prefix = f"{self.base}{kind}/"
        return unquote(iri[len(prefix) :]) if iri.startswith(prefix) and len(iri) > len(prefix) else None

    def article_of_graph(self, graph: str) -> str | None:
        """The id of the article whose graph this is; None for our own graphs and everything else."""
        name = self.id_of("graph", graph)
        if name is None or not _RESERVED_GRAPH.fullmatch(name):
            return name
        return name[:-1] if name.endswith("~") else None

    def _node(self, kind: str, name: str) -> NamedNode:
        return NamedNode(f"{self.base}{kind}/{segment(name)}")


def segment(text: str) -> str:
    """Text as one segment of an IRI's path; `.` and `..` are encoded, as resolving would drop them (RFC 3986, 5.2.4)."""
    if text in {".", ".."}:
        return text.replace(".", "%2E")
    return _NOT_IN_SEGMENT.sub(_encoded, text)


def _encoded(match: re.Match[str]) -> str:
    return quote(match.group(), safe="", errors="surrogatepass")


def iri_of(uri: str) -> str:
    """The IRI that a URI stands for: letters of other scripts are themselves, all else stays as it is encoded (RFC 3987, 3.2)."""
    return _NON_ASCII.sub(_decoded, uri)


def _decoded(encoded: re.Match[str]) -> str:
    try:
        text = unquote_to_bytes(encoded.group()).decode()
    except UnicodeDecodeError:
        return encoded.group()
    return "".join(quote(character) if _NOT_IN_SEGMENT.match(character) else character for character in text)


def check_base(base: str) -> str:
    """The base IRI with a final `/`. Raises SettingError unless it is one of an http(s) host: see `address_problem`."""
    checked = base if base.endswith("/") else f"{base}/"
    if problem := address_problem(checked):
        shown = without_password(base)
        raise SettingError(f"KG_BASE_IRI (--base-iri) {shown!r} {problem}; give an absolute IRI such as https://example.org/")
    return checked


def address_problem(address: str) -> str | None:
    """What keeps this from being an absolute http(s) IRI with a host, and with no user, query or fragment; None when it is one."""
    return next((problem for problem, wrong in _ADDRESS_PROBLEMS.items() if wrong(address)), None)


def without_password(address: str) -> str:
    """The address, fit to be shown: without all that may be a user and a password, also where it is none."""
    return _USER.sub(r"\1…@", address)


def _is_no_iri(address: str) -> bool:
    try:
        NamedNode(address)
        _ = urlsplit(address).port
    except ValueError:
        return True
    return False


_ADDRESS_PROBLEMS: dict[str, Callable[[str], bool]] = {
    "is no IRI": _is_no_iri,
    "is not an http or https IRI": lambda address: urlsplit(address).scheme not in {"http", "https"},
    "names no host": lambda address: not urlsplit(address).hostname,
    "holds a user or a password, which would be shown": lambda address: "@" in urlsplit(address).netloc,
    "has a query or a fragment": lambda address: "?" in address or "#" in address,
}
