"""N-Quads of our shape (docs/rdf.md) in any number, the same bytes for the same number."""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from random import Random

BASE = "http://localhost:8000/"
AIKG, NIF, ITSRDF = (
    "https://w3id.org/aikg/ontology#",
    "http://persistence.uni-leipzig.org/nlp2rdf/ontologies/nif-core#",
    "http://www.w3.org/2005/11/its/rdf#",
)
RDF, RDFS, DCTERMS, PROV = (
    "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "http://www.w3.org/2000/01/rdf-schema#",
    "http://purl.org/dc/terms/",
    "http://www.w3.org/ns/prov#",
)
RELATIONS = (
    "investsIn",
    "partnersWith",
    "acquires",
    "competesWith",
    "supplies",
    "regulates",
    "investigates",
    "opposes",
    "supports",
    "basedIn",
)
TYPES = ("Company", "Person", "Government", "PublicBody", "Regulation", "AIModel", "Place")
MODALITIES = ("actual", "actual", "actual", "planned", "possible", "past")
_VOCABULARY = (
    "model chip cloud stake board fund lawsuit court minister startup open source licence training data safety market rival "
    "talks deal round growth research agency commission report compute grid privacy copyright export control billion lobby draft vote "
    "summit partner"
)
WORDS = tuple(_VOCABULARY.split())
QUADS_AN_ENTITY = 200  # one entity for so many quads
ARTICLE_MENTIONS, ARTICLE_CLAIMS = 8, 3


def write(path: Path, number: int) -> None:
    """Exactly `number` distinct quads, as N-Quads."""
    with path.open("w", encoding="utf-8") as file:
        file.writelines(islice(quads(number), number))


def entities(number: int) -> int:
    """How many entities there are among so many quads."""
    return max(50, number // QUADS_AN_ENTITY)


def quads(number: int) -> Iterator[str]:
    """At least `number` lines; entities first, then article by article with the statements that they make."""
    random = Random(number)  # noqa: S311  not a secret
    many = entities(number)
    for entity in range(many):
        yield from _entity(entity, random)
    known: set[tuple[int, str, int]] = set()
    article = 0
    while True:
        yield from _article(article, many, known, random)
        article += 1


def some_entity(many: int, random: Random) -> int:
    """One of so many entities: few are in many articles, most in few."""
    return min(many - 1, int(random.paretovariate(0.7)) - 1)


def _line(subject: str, predicate: str, value: str, graph: str) -> str:
    return f"<{subject}> <{predicate}> {value} <{graph}> .\n"


def _text(random: Random, words: int) -> str:
    return " ".join(random.choices(WORDS, k=words))


def _entity(entity: int, random: Random) -> Iterator[str]:
    iri, graph = f"{BASE}entity/E{entity}", f"{BASE}graph/knowledge"
    yield _line(iri, f"{RDF}type", f"<{AIKG}{random.choice(TYPES)}>", graph)
    yield _line(iri, f"{RDFS}label", f'"{_text(random, 2).title()} {entity}"@en', graph)
    yield _line(iri, "http://www.w3.org/2004/02/skos/core#altLabel", f'"{_text(random, 1)} {entity}"@en', graph)
    yield _line(iri, "http://www.w3.org/2002/07/owl#sameAs", f"<http://www.wikidata.org/entity/Q{entity}>", graph)


def _article(article: int, many: int, known: set[tuple[int, str, int]], random: Random) -> Iterator[str]:
    iri, graph = f"{BASE}article/a{article}", f"{BASE}graph/a{article}"
    yield _line(graph, f"{RDF}type", f"<{PROV}Bundle>", graph)
    yield _line(graph, f"{PROV}wasDerivedFrom", f"<{iri}>", graph)
    yield _line(iri, f"{RDF}type", "<https://schema.org/NewsArticle>", graph)
    yield _line(iri, f"{DCTERMS}title", f'"{_text(random, 6)}"', graph)
    date = f"20{random.randint(19, 26)}-{random.randint(1, 12):02}-{random.randint(1, 28):02}"
    yield _line(iri, f"{DCTERMS}date", f'"{date}"^^<http://www.w3.org/2001/XMLSchema#date>', graph)
    yield _line(iri, f"{DCTERMS}publisher", f'"Paper {random.randrange(50)}"', graph)
    named = [some_entity(many, random) for _ in range(ARTICLE_MENTIONS)]
    for start, entity in enumerate(named):
        yield from _mention(article, 40 * start, entity, iri, graph, random)
    for claim in range(ARTICLE_CLAIMS):
        yield from _claim(f"{article}-{claim}", random.choice(named), random.randrange(many), iri, graph, known, random)


def _string(iri: str, text: str, start: int, context: str, graph: str) -> Iterator[str]:
    integer = "http://www.w3.org/2001/XMLSchema#integer"
    yield _line(iri, f"{RDF}type", f"<{NIF}OffsetBasedString>", graph)
    yield _line(iri, f"{NIF}anchorOf", f'"{text}"', graph)
    yield _line(iri, f"{NIF}beginIndex", f'"{start}"^^<{integer}>', graph)
    yield _line(iri, f"{NIF}endIndex", f'"{start + len(text)}"^^<{integer}>', graph)
    yield _line(iri, f"{NIF}referenceContext", f"<{context}>", graph)


def _mention(article: int, start: int, entity: int, context: str, graph: str, random: Random) -> Iterator[str]:
    iri = f"{BASE}mention/a{article}/{start}-{start + 20}"
    yield from _string(iri, _text(random, 2), start, context, graph)
    yield _line(iri, f"{RDF}type", f"<{AIKG}Mention>", graph)
    yield _line(iri, f"{ITSRDF}taIdentRef", f"<{BASE}entity/E{entity}>", graph)
    yield _line(iri, f"{AIKG}mentionKind", f"<{AIKG}name>", graph)


def _claim(
    name: str, subject: int, value: int, context: str, graph: str, known: set[tuple[int, str, int]], random: Random
) -> Iterator[str]:
    iri, sentence = f"{BASE}claim/c{name}", f"{context}#char={name}"
    relation, modality = random.choice(RELATIONS), random.choice(MODALITIES)
    statement = f"{BASE}statement/s{subject}-{relation}-{value}"
    yield from _string(sentence, _text(random, 20), 0, context, graph)
    yield _line(iri, f"{RDF}type", f"<{AIKG}Claim>", graph)
    yield _line(iri, f"{AIKG}states", f"<{statement}>", graph)
    yield _line(iri, f"{AIKG}modality", f"<{AIKG}{modality}>", graph)
    yield _line(iri, f"{AIKG}polarity", f"<{AIKG}{'negated' if random.random() < 0.1 else 'affirmed'}>", graph)
    yield _line(iri, f"{AIKG}confidence", f'"0.{random.randint(50, 98)}1"^^<http://www.w3.org/2001/XMLSchema#decimal>', graph)
    yield _line(iri, f"{AIKG}evidence", f"<{sentence}>", graph)
    yield _line(iri, f"{PROV}wasDerivedFrom", f"<{context}>", graph)
    if (subject, relation, value) not in known:
        known.add((subject, relation, value))
        knowledge = f"{BASE}graph/knowledge"
        yield _line(statement, f"{RDF}type", f"<{RDF}Statement>", knowledge)
        yield _line(statement, f"{RDF}subject", f"<{BASE}entity/E{subject}>", knowledge)
        yield _line(statement, f"{RDF}predicate", f"<{AIKG}{relation}>", knowledge)
        yield _line(statement, f"{RDF}object", f"<{BASE}entity/E{value}>", knowledge)
        yield _line(f"{BASE}entity/E{subject}", f"{AIKG}{relation}", f"<{BASE}entity/E{value}>", knowledge)
