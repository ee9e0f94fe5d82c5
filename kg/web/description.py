"""The service description (https://www.w3.org/TR/sparql11-service-description/): what a bare GET of the endpoint answers."""

from urllib.parse import quote

from pyoxigraph import NamedNode, RdfFormat, Triple, serialize

from kg import formats
from kg.formats import GRAPHS, RESULTS
from kg.iris import PREFIXES, RDF, RDFS, SD, VOID, Iris
from kg.web.answers import Answers
from kg.web.call import Call
from kg.web.problems import not_acceptable

IRI_CHARACTERS = ":/?@!$&'()*+,;=~-._%"
GRAPH_NAMES = "SELECT ?g WHERE { GRAPH ?g {} }"

ENGINE = {
    "turtle": RdfFormat.TURTLE,
    "ntriples": RdfFormat.N_TRIPLES,
    "rdfxml": RdfFormat.RDF_XML,
    "jsonld": RdfFormat.JSON_LD,
    "trig": RdfFormat.TRIG,
    "nquads": RdfFormat.N_QUADS,
}


def triples(base_iri: str, graphs: list[str]) -> list[Triple]:
    """The description of the endpoint at `{base_iri}sparql` whose named graphs are these; without blank nodes.

    The default dataset is the one that the VoID document describes.
    """
    service, dataset = NamedNode(f"{base_iri}sparql"), Iris(base_iri).dataset
    default = NamedNode(f"{base_iri}sparql#default-graph")
    facts = [
        (service, RDF("type"), SD("Service")),
        (service, SD("endpoint"), service),
        (service, SD("supportedLanguage"), SD("SPARQL11Query")),
        (service, SD("supportedLanguage"), SD("SPARQL11Update")),
        (service, SD("feature"), SD("UnionDefaultGraph")),
        (service, SD("defaultDataset"), dataset),
        (service, RDFS("seeAlso"), NamedNode(f"{base_iri}.well-known/void")),
        (dataset, RDF("type"), SD("Dataset")),
        (dataset, RDF("type"), VOID("Dataset")),
        (dataset, VOID("sparqlEndpoint"), service),
        (dataset, SD("defaultGraph"), default),
        (default, RDF("type"), SD("Graph")),
    ]
    facts += [(service, SD("resultFormat"), NamedNode(f.iri)) for f in (*RESULTS.values(), *GRAPHS.values())]
    facts += [(service, SD("inputFormat"), NamedNode(f.iri)) for f in GRAPHS.values()]
    for iri in sorted(graphs):
        entry = NamedNode(f"{base_iri}sparql#graph={quote(iri, safe=IRI_CHARACTERS)}")
        facts += [(dataset, SD("namedGraph"), entry), (entry, RDF("type"), SD("NamedGraph")), (entry, SD("name"), NamedNode(iri))]
    return [Triple(*fact) for fact in facts]


async def send(call: Call, answers: Answers) -> None:
    """Describe the service in the format that the call prefers. Raises ProblemError 406."""
    wanted = dict(call.parameters()).get("format", "")
    offered = tuple(GRAPHS.values())
    chosen = formats.named(wanted, GRAPHS) if wanted else formats.choose(call.header(b"accept"), offered)
    if chosen is None:
        raise not_acceptable([f"{f.name} ({f.media_type})" for f in offered])
    graphs = [row["g"] for row in await answers.rows(call, GRAPH_NAMES)]
    body = serialize(triples(answers.pool.lease.base_iri, graphs), format=ENGINE[chosen.name], prefixes=PREFIXES)
    await call.respond(
        200, [(b"content-type", chosen.content_type.encode()), (b"vary", b"Accept"), (b"cache-control", b"no-cache")], body or b""
    )
