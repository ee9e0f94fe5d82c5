"""The service description (https://www.w3.org/TR/sparql11-service-description/): what a bare GET of the endpoint answers.

It is a query like any other, so that it is streamed, tagged and kept like any other, however many graphs there are.
"""

from pyoxigraph import Literal, NamedNode

from kg import formats
from kg.formats import GRAPHS, RESULTS
from kg.iris import PREFIXES, RDF, RDFS, SD, VOID, Iris
from kg.web.answers import Answers, Representation, content_encoding
from kg.web.call import Call
from kg.web.problems import not_acceptable
from kg.workers.wire import Query

type Fact = tuple[NamedNode, NamedNode, NamedNode]


def facts(base_iri: str, address: NamedNode | None = None, *, federates: bool = False) -> list[Fact]:
    """What holds whatever the data: of the endpoint at `{base_iri}sparql`, which the client reached at `address`. No blank nodes.

    The default dataset is the one that the VoID document describes. `federates`: SERVICE may be used.
    """
    service, dataset = NamedNode(f"{base_iri}sparql"), Iris(base_iri).dataset
    default = NamedNode(f"{base_iri}sparql#default-graph")
    known: list[Fact] = [
        (service, RDF("type"), SD("Service")),
        (service, SD("endpoint"), service),
        (service, SD("supportedLanguage"), SD("SPARQL11Query")),
        (service, SD("supportedLanguage"), SD("SPARQL11Update")),
        (service, SD("feature"), SD("UnionDefaultGraph")),
        (service, SD("feature"), SD("EmptyGraphs")),
        (service, SD("defaultDataset"), dataset),
        (service, RDFS("seeAlso"), NamedNode(f"{base_iri}.well-known/void")),
        (dataset, RDF("type"), SD("Dataset")),
        (dataset, RDF("type"), VOID("Dataset")),
        (dataset, VOID("sparqlEndpoint"), service),
        (dataset, SD("defaultGraph"), default),
        (default, RDF("type"), SD("Graph")),
    ]
    known += [(service, SD("resultFormat"), NamedNode(f.iri)) for f in (*RESULTS.values(), *GRAPHS.values())]
    known += [(service, SD("inputFormat"), NamedNode(f.iri)) for f in GRAPHS.values() if not f.quads or f.name == "jsonld"]
    known += [(service, SD("feature"), SD("BasicFederatedQuery"))] if federates else []
    return [*known, (service, SD("endpoint"), address)] if address and address != service else known


def rows(base_iri: str, address: NamedNode | None, *, federates: bool) -> str:
    """The facts as a VALUES block that binds ?s ?p ?o."""
    return f"VALUES (?s ?p ?o) {{ {' '.join(f'({s} {p} {o})' for s, p, o in facts(base_iri, address, federates=federates))} }}"


def query(base_iri: str, address: NamedNode | None, *, federates: bool) -> str:
    """The query whose answer is the description: the facts, and an entry for each named graph."""
    dataset, entries = Iris(base_iri).dataset, Literal(f"{base_iri}sparql#graph=")
    return f"""
        CONSTRUCT {{ ?s ?p ?o . {dataset} {SD("namedGraph")} ?entry . ?entry {RDF("type")} {SD("NamedGraph")} ; {SD("name")} ?graph }}
        WHERE {{
          {{ {rows(base_iri, address, federates=federates)} }}
          UNION {{ GRAPH ?graph {{}} BIND(IRI(CONCAT({entries}, ENCODE_FOR_URI(STR(?graph)))) AS ?entry) }}
        }}"""


async def send(call: Call, answers: Answers, *, federates: bool) -> None:
    """Describe the service in the format that the call prefers. Raises ProblemError 406."""
    await construct(call, answers, query(answers.pool.lease.base_iri, address(call), federates=federates))


async def construct(call: Call, answers: Answers, text: str) -> None:
    """Answer with what the CONSTRUCT query makes, in the format that the call prefers. Raises ProblemError 406."""
    wanted = dict(call.parameters()).get("format", "")
    offered = tuple(GRAPHS.values())
    chosen = formats.named(wanted, GRAPHS) if wanted else formats.choose(call.header(b"accept"), offered)
    if chosen is None:
        raise not_acceptable([f"{f.name} ({f.media_type})" for f in offered])
    prefixes = PREFIXES if chosen.name in ("turtle", "trig", "rdfxml", "jsonld") else {}
    await answers.send(call, Query("", text, chosen.name, prefixes=prefixes, encoding=content_encoding(call)), Representation(chosen))


def address(call: Call) -> NamedNode | None:
    """The endpoint as this client reached it, None when it does not say."""
    host = call.header(b"host")
    if not host or any(character in host for character in "/?#@\\,"):
        return None
    try:
        return NamedNode(f"{call.scope['scheme']}://{host}/sparql")
    except ValueError:
        return None
