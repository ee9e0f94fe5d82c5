"""Checks a published graph against the SHACL shapes (`ontology/shapes.ttl`).

SHACL Core runs in pySHACL, on one batch of nodes after the other so that memory does not grow with the graph: every node of a batch is
there with all that any graph says of it, and what it refers to with its types. SHACL-SPARQL constraints run in the store, over all graphs
at once: `$this` is left open and joined with the shape's targets, which gives the same rows as one evaluation a focus node (SHACL, 5.3.1).
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

import pyshacl
from pyoxigraph import BlankNode, DefaultGraph, Literal, NamedNode, Quad, QuerySolutions, Store, Triple
from rdflib import Graph, Namespace, URIRef
from rdflib import Literal as RdfLiteral
from rdflib.term import Node

from kg.errors import DataError
from kg.iris import RDF, RDFS
from kg.ontology import ontology_triples, shape_triples

_BATCH_QUADS = 20_000
_SH = Namespace("http://www.w3.org/ns/shacl#")
_TYPE = RDF("type")

type Subject = NamedNode | BlankNode | Triple
type Progress = Callable[[int, int], None]
"""Called with the number of quads that were checked and of all quads."""


class Severity(StrEnum):
    """How bad it is: the local names of SHACL's severities."""

    VIOLATION = "Violation"
    WARNING = "Warning"
    INFO = "Info"


@dataclass(frozen=True, slots=True, order=True)
class Violation:
    """One result of validation. `what` says what is wrong and what to do, `where` is the focus node, `value` what was found there."""

    where: str
    what: str
    path: str = ""
    value: str = ""
    shape: str = ""
    severity: Severity = Severity.VIOLATION


@dataclass(frozen=True, slots=True)
class Report:
    """`violations` are sorted by severity, place and text; `checked` counts the nodes that each shape applies to, by the shape's label."""

    violations: tuple[Violation, ...]
    checked: Mapping[str, int]

    @property
    def conforms(self) -> bool:
        """Whether there is nothing worse than a warning."""
        return all(violation.severity is not Severity.VIOLATION for violation in self.violations)


def validate(store: Store, *, progress: Progress | None = None) -> Report:
    """Checks every graph of the store. Writes nothing.

    Raises DataError when `shapes.ttl` itself cannot be used.
    """
    shapes = _Shapes(shape_triples())
    found: set[Violation] = set()
    total, done = len(store), 0
    for batch in _batches(store):
        described = {quad.subject for quad in batch}
        nodes = set(map(_text, described))
        found.update(violation for violation in shapes.core(_batch_graph(described, store)) if violation.where in nodes)
        found.update(_blank_nodes(batch))
        done += len(batch)
        if progress:
            progress(done, total)
    found.update(shapes.sparql(store))
    found.update(_triples_in_two_graphs(store))
    severities = list(Severity)
    return Report(tuple(sorted(found, key=lambda v: (severities.index(v.severity), v))), shapes.checked(store))


@dataclass(frozen=True, slots=True)
class _Constraint:
    """A SHACL-SPARQL constraint and the classes whose members it is about."""

    iri: str
    select: str
    message: str
    severity: Severity
    targets: tuple[NamedNode, ...]


class _Shapes:
    def __init__(self, triples: Iterable[Triple]) -> None:
        self.graph = Graph()
        for triple in triples:
            self.graph.add(_rdflib_triple(triple))
        self.constraints = [self._constraint(shape, constraint) for shape, constraint in self.graph.subject_objects(_SH.sparql)]
        self.core_graph = Graph()
        self.core_graph += (triple for triple in self.graph if triple[1] != _SH.sparql)

    def core(self, data: Graph) -> Iterator[Violation]:
        """The results of SHACL Core on a graph that also holds the ontology."""
        try:
            _, results, _ = pyshacl.validate(data, shacl_graph=self.core_graph, inplace=True, allow_warnings=True, do_owl_imports=False)
        except (pyshacl.errors.ReportableRuntimeError, pyshacl.errors.ShapeLoadError, pyshacl.errors.ConstraintLoadError) as error:
            raise DataError(f"shapes.ttl cannot be used: {error}; mend the file, or install aikg again") from error
        for result in results.subjects(_SH.focusNode):
            yield Violation(
                where=str(results.value(result, _SH.focusNode)),
                what=str(results.value(result, _SH.resultMessage)),
                path=str(results.value(result, _SH.resultPath) or ""),
                value=str(results.value(result, _SH.value) or ""),
                shape=str(results.value(result, _SH.sourceShape)),
                severity=_severity(results.value(result, _SH.resultSeverity)),
            )

    def sparql(self, store: Store) -> Iterator[Violation]:
        """The results of SHACL-SPARQL on the union of all graphs."""
        for constraint in self.constraints:
            solutions = store.query(constraint.select, use_default_graph_as_union=True)
            assert isinstance(solutions, QuerySolutions)  # noqa: S101  SHACL, 5.2.1: sh:select is a SELECT query
            columns = {variable.value for variable in solutions.variables}
            members = {member for target in constraint.targets for member in _members(store, target)}
            for solution in solutions:
                if solution["this"] in members:
                    extra = {name: _text(solution[name]) for name in ("path", "value") if name in columns}
                    yield Violation(
                        _text(solution["this"]), constraint.message, shape=constraint.iri, severity=constraint.severity, **extra
                    )

    def checked(self, store: Store) -> dict[str, int]:
        """How many members the target classes of each shape have, by the shape's label."""
        counts: Counter[str] = Counter()
        for shape, target in self.graph.subject_objects(_SH.targetClass):
            label = self.graph.value(shape, URIRef(RDFS("label").value))
            counts[str(label)] += sum(1 for _ in _members(store, NamedNode(str(target))))
        return dict(sorted(counts.items()))

    def _constraint(self, shape: Node, constraint: Node) -> _Constraint:
        return _Constraint(
            iri=str(constraint),
            select=self._prologue(constraint) + str(self.graph.value(constraint, _SH.select)),
            message=str(self.graph.value(constraint, _SH.message)),
            severity=_severity(self.graph.value(constraint, _SH.severity)),
            targets=tuple(NamedNode(str(target)) for target in self.graph.objects(shape, _SH.targetClass)),
        )

    def _prologue(self, constraint: Node) -> str:
        declared = self.graph.objects(constraint, _SH.prefixes / _SH.declare)
        pairs = sorted((str(self.graph.value(node, _SH.prefix)), str(self.graph.value(node, _SH.namespace))) for node in declared)
        return "".join(f"PREFIX {prefix}: <{namespace}>\n" for prefix, namespace in pairs)


def _batches(store: Store) -> Iterator[list[Quad]]:
    """All quads of the store, graph by graph, in groups of about the batch size; the quads of one subject in one graph stay together."""
    batch: list[Quad] = []
    for graph in [DefaultGraph(), *sorted(store.named_graphs(), key=str)]:
        for quad in store.quads_for_pattern(None, None, None, graph):
            if len(batch) >= _BATCH_QUADS and quad.subject != batch[-1].subject:
                yield batch
                batch = []
            batch.append(quad)
    if batch:
        yield batch


def _batch_graph(described: Iterable[Subject], store: Store) -> Graph:
    """All triples of these nodes, the types of what they refer to, and the ontology."""
    triples = {quad.triple for node in described for quad in store.quads_for_pattern(node, None, None, None)}
    referred = {triple.object for triple in triples if isinstance(triple.object, NamedNode)}
    for node in referred.difference(described):
        triples.update(quad.triple for quad in store.quads_for_pattern(node, _TYPE, None, None))
    graph = Graph()
    for triple in (*triples, *ontology_triples()):
        graph.add(_rdflib_triple(triple))
    return graph


def _members(store: Store, target: NamedNode) -> Iterator[NamedNode | BlankNode]:
    """The members of a class and of its subclasses, as SHACL understands them (SHACL, 1.1)."""
    below, waiting = {target}, [target]
    while waiting:
        for quad in store.quads_for_pattern(None, RDFS("subClassOf"), waiting.pop(), None):
            if isinstance(quad.subject, NamedNode) and quad.subject not in below:
                below.add(quad.subject)
                waiting.append(quad.subject)
    members = {quad.subject for kind in below for quad in store.quads_for_pattern(None, _TYPE, kind, None)}
    return (member for member in members if isinstance(member, NamedNode | BlankNode))


def _blank_nodes(quads: Iterable[Quad]) -> Iterator[Violation]:
    message = "a blank node cannot be cited or compared; ingest the article of this graph again"
    for quad in quads:
        if isinstance(quad.subject, BlankNode) or isinstance(quad.object, BlankNode):
            yield Violation(_text(quad.graph_name), message, quad.predicate.value, f"{quad.subject} {quad.object}")


def _triples_in_two_graphs(store: Store) -> Iterator[Violation]:
    """Each triple lives in exactly one graph, or counting over the union of all graphs goes wrong."""
    repeated = "SELECT ?s ?p ?o { ?s ?p ?o } GROUP BY ?s ?p ?o HAVING(COUNT(*) > 1)"
    message = "the same triple is in more than one graph; export the data and ingest the articles into a new directory"
    for s, p, o in store.query(repeated, use_default_graph_as_union=True):  # type: ignore[union-attr]
        yield Violation(_text(s), message, _text(p), _text(o))


def _severity(iri: Node | None) -> Severity:
    """SHACL, 2.1.4: a shape without sh:severity reports violations."""
    return Severity(str(iri).removeprefix(str(_SH))) if iri else Severity.VIOLATION


def _text(term: object) -> str:
    return term.value if isinstance(term, NamedNode | Literal) else "" if term is None else str(term)


def _rdflib_triple(triple: Triple) -> tuple[Node, Node, Node]:
    return _node(triple.subject), URIRef(triple.predicate.value), _node(triple.object)


def _node(term: object) -> Node:
    if isinstance(term, NamedNode):
        return URIRef(term.value)
    if isinstance(term, Literal):
        if term.language:
            return RdfLiteral(term.value, lang=term.language)
        return RdfLiteral(term.value, datatype=URIRef(term.datatype.value))
    from rdflib import BNode

    return BNode(str(term))
