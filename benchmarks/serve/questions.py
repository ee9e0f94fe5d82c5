"""The mix: each kind of query with what varies in it."""

from collections.abc import Callable, Mapping
from random import Random

from benchmarks.serve.generate import BASE, RELATIONS, WORDS, entities, some_entity

PREFIXES = """PREFIX aikg: <https://w3id.org/aikg/ontology#> PREFIX rdf: <http://www.w3.org/1999/02/22-rdf-syntax-ns#>
PREFIX rdfs: <http://www.w3.org/2000/01/rdf-schema#> PREFIX prov: <http://www.w3.org/ns/prov#>
PREFIX nif: <http://persistence.uni-leipzig.org/nlp2rdf/ontologies/nif-core#> PREFIX dcterms: <http://purl.org/dc/terms/>
"""
VARIANTS = 500  # of each kind; whether a text is asked again is decided where it is sent


def point(entity: str, _relation: str, _word: str) -> str:
    """What one entity is called."""
    return f"SELECT ?type ?label {{ <{entity}> a ?type ; rdfs:label ?label }}"


def neighbourhood(entity: str, _relation: str, _word: str) -> str:
    """What is claimed of one entity, with the sentences."""
    return f"""SELECT ?relation ?other ?modality ?sentence {{
        ?statement rdf:subject <{entity}> ; rdf:predicate ?relation ; rdf:object ?other .
        ?claim aikg:states ?statement ; aikg:modality ?modality ; aikg:evidence/nif:anchorOf ?sentence }} LIMIT 50"""


def join(_entity: str, relation: str, _word: str) -> str:
    """Pairs two steps apart, with their names."""
    return f"""SELECT ?aName ?cName {{ ?a aikg:{relation} ?b . ?b aikg:partnersWith ?c . ?c a aikg:Regulation .
        ?a rdfs:label ?aName . ?c rdfs:label ?cName }} LIMIT 200"""


def aggregate(_entity: str, relation: str, _word: str) -> str:
    """The claims of one relation by modality."""
    return f"""SELECT ?modality (COUNT(?claim) AS ?n) {{
        ?statement rdf:predicate aikg:{relation} . ?claim aikg:states ?statement ; aikg:modality ?modality }} GROUP BY ?modality"""


def construct(entity: str, _relation: str, _word: str) -> str:
    """Everything about the claims of one entity, as a graph."""
    return f"CONSTRUCT {{ ?claim ?p ?o }} {{ ?statement rdf:subject <{entity}> . ?claim aikg:states ?statement ; ?p ?o }} LIMIT 200"


def text(_entity: str, _relation: str, word: str) -> str:
    """Titles that contain a word."""
    return f'SELECT ?article ?title {{ ?article dcterms:title ?title FILTER(CONTAINS(LCASE(?title), "{word}")) }} LIMIT 100'


KINDS: Mapping[str, Callable[[str, str, str], str]] = {
    made.__name__: made for made in (point, neighbourhood, join, aggregate, construct, text)
}


def variants(kind: str, number: int) -> list[str]:
    """Queries of a kind for so many quads, the same every time."""
    random, many = Random(kind), entities(number)  # noqa: S311  not a secret
    return [
        PREFIXES + KINDS[kind](f"{BASE}entity/E{some_entity(many, random)}", random.choice(RELATIONS), " ".join(random.choices(WORDS, k=2)))
        for _ in range(VARIANTS)
    ]
