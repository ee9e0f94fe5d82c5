"""A change of quads as the text of one SPARQL update."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator

from pyoxigraph import BlankNode, NamedNode, Quad, RdfFormat, Triple, serialize

from kg.errors import DataError


def as_update(removed: frozenset[Quad], added: frozenset[Quad], lookup: Callable[..., Iterator[Quad]]) -> str:
    """The update that takes quads out and puts quads in, "" when there is nothing to do. Graphs that end up empty are dropped.

    A blank node cannot be named in DELETE DATA (SPARQL 1.1 Update, 3.1.2): its graph is dropped, and what stays of it written again.
    Raises DataError for a quad in no named graph.
    """
    dropped = {quad.graph_name for quad in removed if has_blank_node(quad)}
    added |= {quad for graph in dropped for quad in lookup(None, None, None, graph) if quad not in removed}
    dropped |= {
        graph for graph in {quad.graph_name for quad in removed} if all(quad in removed for quad in lookup(None, None, None, graph))
    }
    operations = [f"DROP SILENT GRAPH {graph}" for graph in dropped]
    operations += _operations("DELETE DATA", (quad for quad in removed if quad.graph_name not in dropped))
    operations += _operations("INSERT DATA", added)
    return ";\n".join(operations)


def has_blank_node(quad: Quad) -> bool:
    """Whether the quad has a blank node at either end."""
    return isinstance(quad.subject, BlankNode) or isinstance(quad.object, BlankNode)


def _operations(operation: str, quads: Iterable[Quad]) -> list[str]:
    """`INSERT DATA { GRAPH <g> { … } … }`; N-Triples, as pyoxigraph escapes them, are SPARQL (SPARQL 1.1 Update, 3.1.1)."""
    graphs: dict[NamedNode, list[Triple]] = defaultdict(list)
    for quad in quads:
        if not isinstance(quad.graph_name, NamedNode):
            raise DataError(f"{quad} is in no named graph; every quad must be in one")
        graphs[quad.graph_name].append(quad.triple)
    bodies = [f"GRAPH {graph} {{\n{_n_triples(triples)}}}" for graph, triples in graphs.items()]
    return [f"{operation} {{ {' '.join(bodies)} }}"] if bodies else []


def _n_triples(triples: Iterable[Triple]) -> str:
    return (serialize(triples, format=RdfFormat.N_TRIPLES) or b"").decode()
