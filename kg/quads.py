"""Extractions into quads: what one article's graph says, and the descriptions of runs and of the dataset.

Pure functions of their arguments: no clock, no uuid, no order of sets, so the same article in the same run gives the same quads. Literals
are in the form in which Oxigraph gives them back (`0.87`, not `0.870`; `xsd:integer`, into which it turns every derived integer type),
so that what is stored can be compared with what is computed.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from hashlib import sha256

from pyoxigraph import Literal, NamedNode, Quad

from ingest.model import Article, Claim, Entity, Extraction, Mention, MentionKind, Modality, Polarity, Span
from kg.iris import AIKG, DCAT, DCTERMS, ITSRDF, NIF, ONTOLOGY_IRI, PROV, RDF, RDFS, SCHEMA, VOID, XSD, Iris

_ID_DIGITS = 16
_WORD = re.compile(r"(?<=[a-z])(?=[A-Z])")

type Term = NamedNode | Literal


@dataclass(frozen=True, slots=True)
class Run:
    """One version of pipeline, model, ontology and gazetteer. The same versions are the same run, whenever and wherever it ran."""

    description: Mapping[str, str]

    @property
    def id(self) -> str:
        """A hash of the description."""
        return _hash(*(part for name in sorted(self.description) for part in (name, self.description[name])))


@dataclass(frozen=True, slots=True)
class ArticleGraph:
    """Everything that is stored about one article, and what the knowledge graph needs of it beyond that."""

    article_id: str
    run_id: str
    quads: frozenset[Quad]
    statements: Mapping[str, tuple[str, str, str]]
    """Statement id to subject id, relation, object id."""


def article_graph(extraction: Extraction, iris: Iris, run: Run, *, symmetric: frozenset[str], keep_text: bool = False) -> ArticleGraph:
    """The graph of an article. `symmetric` names the relations whose two directions are one statement.

    Raises ValueError when a value cannot be written as RDF (an unpaired surrogate in the text, say).
    """
    article = extraction.article
    writer = _Writer(iris, article.id)
    statements = {statement_id(c, symmetric): _sides(c, symmetric) for c in extraction.claims}
    labels = {entity.id: entity.label for entity in extraction.entities}
    writer.graph_itself(run, fingerprint(article, keep_text=keep_text))
    writer.article(article, keep_text=keep_text)
    for mention in [*extraction.mentions, *_unlisted_mentions(extraction)]:
        writer.mention(mention)
    for claim in _distinct(extraction.claims):
        writer.claim(claim, statement_id(claim, symmetric), labels, run)
    return ArticleGraph(article.id, run.id, frozenset(writer.quads), statements)


def fingerprint(article: Article, *, keep_text: bool) -> str:
    """A hash of everything that an article's graph depends on, besides the run."""
    blocks = "".join(f"{block.start_char}-{block.end_char}{block.kind}," for block in article.blocks)
    metadata = (article.title, article.date, article.author, article.publisher, article.url, article.language)
    return _sha256(article.id, article.text, blocks, *metadata, "text kept" if keep_text else "")


def content_hash(text: str) -> str:
    """The hash of an article's text in UTF-8, by which a holder of the text can tell that our offsets count in it."""
    return f"sha256:{sha256(text.encode()).hexdigest()}"


def statement_id(claim: Claim, symmetric: frozenset[str]) -> str:
    """A hash of subject, relation and object; the smaller id comes first in a symmetric relation."""
    return _hash(*_sides(claim, symmetric))


def claim_id(article_id: str, claim: Claim) -> str:
    """A hash of what is said, of whom, in which sentence of which article."""
    place = (article_id, str(claim.evidence.start_char), str(claim.evidence.end_char))
    return _hash(*place, claim.subject, claim.relation, claim.object, claim.polarity, claim.modality, claim.attribution)


def claim_label(claim: Claim, labels: Mapping[str, str]) -> str:
    """A claim in words: `Microsoft invests in Mistral AI (planned)`."""
    words = _WORD.sub(" ", claim.relation).lower()
    sentence = f"{labels.get(claim.subject, claim.subject)} {words} {labels.get(claim.object, claim.object)}"
    qualifiers = [
        "negated" if claim.polarity is Polarity.NEGATED else "",
        claim.modality if claim.modality is not Modality.ACTUAL else "",
        f"according to {labels.get(claim.attribution, claim.attribution)}" if claim.attribution else "",
    ]
    said = ", ".join(filter(None, qualifiers))
    return f"{sentence} ({said})" if said else sentence


_RUN_TERMS = {
    "pipeline": AIKG("pipelineVersion"),
    "model": AIKG("languageModel"),
    "weights": AIKG("weightsHash"),
    "ontology": AIKG("ontologyHash"),
    "gazetteer": AIKG("gazetteerHash"),
}


def run_quads(run: Run, iris: Iris) -> list[Quad]:
    """What the meta graph says of a run."""
    node = iris.run(run.id)
    about: list[tuple[NamedNode, Term]] = [
        (RDF("type"), AIKG("Run")),
        (RDF("type"), PROV("Activity")),
        (RDFS("label"), Literal(f"Extraction run {run.id}", language="en")),
    ]
    about += [(_RUN_TERMS[name], Literal(value)) for name, value in sorted(run.description.items()) if name in _RUN_TERMS]
    return [Quad(node, predicate, value, iris.meta) for predicate, value in about]


def dataset_quads(iris: Iris) -> list[Quad]:
    """What the meta graph says of the dataset (VoID, DCAT 3). Figures are left to whoever serves it: they change with every article."""
    dataset, dump = iris.dataset, NamedNode(f"{iris.base}.well-known/void#dump")
    title = Literal("AIKG: claims about the AI industry and its politics", language="en")
    vocabularies = [AIKG, DCTERMS, ITSRDF, NIF, PROV, SCHEMA]
    about: list[tuple[NamedNode, NamedNode, Term]] = [
        (dataset, RDF("type"), VOID("Dataset")),
        (dataset, RDF("type"), DCAT("Dataset")),
        (dataset, DCTERMS("title"), title),
        (dataset, RDFS("label"), title),
        (dataset, DCTERMS("description"), Literal("What news articles claim, each claim with the sentence that makes it.", language="en")),
        (dataset, DCTERMS("conformsTo"), NamedNode(ONTOLOGY_IRI)),
        (dataset, VOID("sparqlEndpoint"), NamedNode(f"{iris.base}sparql")),
        (dataset, VOID("dataDump"), NamedNode(f"{iris.base}dump.nq.gz")),
        (dataset, VOID("uriSpace"), Literal(iris.base)),
        (dataset, DCAT("distribution"), dump),
        (dump, RDF("type"), DCAT("Distribution")),
        (dump, RDFS("label"), Literal("The whole dataset as N-Quads", language="en")),
        (dump, DCAT("downloadURL"), NamedNode(f"{iris.base}dump.nq.gz")),
        (dump, DCAT("mediaType"), NamedNode("https://www.iana.org/assignments/media-types/application/n-quads")),
    ]
    about += [(dataset, VOID("vocabulary"), NamedNode(vocabulary.iri)) for vocabulary in vocabularies]
    return [Quad(*triple, iris.meta) for triple in about]


class _Writer:
    """Collects the quads of one article."""

    def __init__(self, iris: Iris, article_id: str) -> None:
        self.iris = iris
        self.id = article_id
        self.node = iris.article(article_id)
        self.graph = iris.graph(article_id)
        self.quads: set[Quad] = set()

    def add(self, subject: NamedNode, about: Iterable[tuple[NamedNode, Term]]) -> None:
        self.quads.update(Quad(subject, predicate, value, self.graph) for predicate, value in about)

    def graph_itself(self, run: Run, digest: str) -> None:
        derived = (PROV("wasDerivedFrom"), self.node)
        generated = (PROV("wasGeneratedBy"), self.iris.run(run.id))
        self.add(self.graph, [(RDF("type"), PROV("Bundle")), derived, generated, (DCTERMS("identifier"), Literal(digest))])

    def article(self, article: Article, *, keep_text: bool) -> None:
        metadata = {
            "title": Literal(article.title),
            "date": _date(article.date),
            "source": _iri_or_text(article.url),
            "creator": Literal(article.author),
            "publisher": Literal(article.publisher),
            "language": Literal(article.language),
        }
        self.add(self.node, [(RDF("type"), kind) for kind in (SCHEMA("NewsArticle"), NIF("Context"), PROV("Entity"))])
        self.add(self.node, [(DCTERMS(name), value) for name, value in metadata.items() if value.value])
        self.add(self.node, [(AIKG("contentHash"), Literal(content_hash(article.text)))])
        if keep_text:
            self.add(self.node, [(NIF("isString"), Literal(article.text))])

    def string(self, node: NamedNode, span: Span) -> None:
        """NIF 2.0: a string is identified by its offsets in its context."""
        self.add(
            node,
            [
                (RDF("type"), NIF("OffsetBasedString")),
                (NIF("anchorOf"), Literal(span.text)),
                (NIF("beginIndex"), _integer(span.start_char)),
                (NIF("endIndex"), _integer(span.end_char)),
                (NIF("referenceContext"), self.node),
            ],
        )

    def mention(self, mention: Mention) -> None:
        node = self._mention_node(mention.span)
        self.string(node, mention.span)
        self.add(
            node,
            [
                (RDF("type"), AIKG("Mention")),
                (ITSRDF("taIdentRef"), self.iris.entity(mention.entity)),
                (ITSRDF("taClassRef"), AIKG(mention.type)),
                (AIKG("mentionKind"), AIKG(mention.kind)),
            ],
        )

    def claim(self, claim: Claim, statement: str, labels: Mapping[str, str], run: Run) -> None:
        sentence = self.iris.sentence(self.id, claim.evidence.start_char, claim.evidence.end_char)
        self.string(sentence, claim.evidence)
        self.add(sentence, [(RDF("type"), NIF("Sentence"))])
        about: list[tuple[NamedNode, Term]] = [
            (RDF("type"), AIKG("Claim")),
            (RDFS("label"), Literal(claim_label(claim, labels), language="en")),
            (AIKG("states"), self.iris.statement(statement)),
            (AIKG("polarity"), AIKG(claim.polarity)),
            (AIKG("modality"), AIKG(claim.modality)),
            (AIKG("confidence"), _decimal(claim.confidence)),
            (AIKG("evidence"), sentence),
            (AIKG("subjectMention"), self._mention_node(claim.subject_mention)),
            (AIKG("objectMention"), self._mention_node(claim.object_mention)),
            (PROV("wasDerivedFrom"), self.node),
            (PROV("wasGeneratedBy"), self.iris.run(run.id)),
        ]
        if claim.attribution:
            about.append((AIKG("attributedTo"), self.iris.entity(claim.attribution)))
        self.add(self.iris.claim(claim_id(self.id, claim)), about)

    def _mention_node(self, span: Span) -> NamedNode:
        return self.iris.mention(self.id, span.start_char, span.end_char)


def _distinct(claims: Iterable[Claim]) -> list[Claim]:
    """One claim an identity: the most confident, then the one whose mentions come first."""

    def rank(claim: Claim) -> tuple[float, int, int]:
        return -claim.confidence, claim.subject_mention.start_char, claim.object_mention.start_char

    best: dict[str, Claim] = {}
    for claim in claims:
        best[claim_id("", claim)] = min(best.get(claim_id("", claim), claim), claim, key=rank)
    return list(best.values())


def _unlisted_mentions(extraction: Extraction) -> list[Mention]:
    """The spans that claims point at without being listed as mentions, so that each side of a claim always refers to its entity."""
    listed = {(m.span.start_char, m.span.end_char, m.entity) for m in extraction.mentions}
    entities = {entity.id: entity for entity in extraction.entities}
    sides = [side for c in extraction.claims for side in ((c.subject_mention, c.subject), (c.object_mention, c.object))]
    return [
        Mention(span, entity, entities[entity].type, _kind(span, entities[entity]))
        for span, entity in sides
        if (span.start_char, span.end_char, entity) not in listed
    ]


def _kind(span: Span, entity: Entity) -> MentionKind:
    return MentionKind.NAME if span.text in {entity.label, *entity.alt_labels} else MentionKind.NOMINAL


def _sides(claim: Claim, symmetric: frozenset[str]) -> tuple[str, str, str]:
    if claim.relation in symmetric and claim.object < claim.subject:
        return claim.object, claim.relation, claim.subject
    return claim.subject, claim.relation, claim.object


def _date(text: str) -> Literal:
    try:
        date.fromisoformat(text)
    except ValueError:
        return Literal(text)
    return Literal(text, datatype=XSD("date")) if len(text) == len("2024-02-27") and text[4] == "-" == text[7] else Literal(text)


def _iri_or_text(text: str) -> Term:
    try:
        return NamedNode(text) if text else Literal("")
    except ValueError:
        return Literal(text)


def _integer(number: int) -> Literal:
    return Literal(str(number), datatype=XSD("integer"))


def _decimal(number: float) -> Literal:
    """Three places, no trailing zeros: canonical in XSD 1.1 and in Oxigraph."""
    rounded = Decimal(f"{number:.3f}")
    return Literal(format(rounded.normalize(), "f") if rounded else "0", datatype=XSD("decimal"))


def _hash(*parts: str) -> str:
    return _sha256(*parts)[:_ID_DIGITS]


def _sha256(*parts: str) -> str:
    """Over the parts with their lengths, so that no two lists of parts run into each other."""
    encoded = [part.encode() for part in parts]
    return sha256(b"".join(b"%d:%b" % (len(part), part) for part in encoded)).hexdigest()
