"""The knowledge graph as a pure function of the gazetteer and of what the article graphs say.

Every triple of the knowledge graph is there because some article graph supports it: an entity, because something refers to it; one of its
names or types, because a mention has it; a statement, because a claim states it; a direct triple, because a claim affirms it as actual.
So a change of article graphs changes only triples that the old or the new version of those articles support, and each is decided by
looking for one other supporter. No counts are kept, and the order in which articles came leaves no trace.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from itertools import chain

from pyoxigraph import Literal, NamedNode, Quad, Triple

from ingest.names import new_label
from kg.iris import AIKG, ITSRDF, NIF, PROV, RDF, RDFS, SKOS, Iris
from kg.quads import ArticleGraph, Run, run_quads

type Lookup = Callable[[NamedNode | None, NamedNode | None, NamedNode | Literal | None, NamedNode | None], Iterator[Quad]]
"""Quads by pattern (subject, predicate, object, graph); None matches anything. `Store.quads_for_pattern` is one."""

type Stored = Callable[[Collection[Quad]], set[Quad]]
"""Those of many quads that are stored, found at once where asking has its price."""

_TYPE, _LABEL, _ALT_LABEL = RDF("type"), RDFS("label"), SKOS("altLabel")
_NAMING = frozenset({_LABEL, _ALT_LABEL, AIKG("demonym"), AIKG("metonym")})
_IDENT, _CLASS, _KIND, _ANCHOR = ITSRDF("taIdentRef"), ITSRDF("taClassRef"), AIKG("mentionKind"), NIF("anchorOf")
_STATES, _POLARITY, _MODALITY, _ATTRIBUTED = AIKG("states"), AIKG("polarity"), AIKG("modality"), AIKG("attributedTo")
_RUN = PROV("wasGeneratedBy")
_SUBJECT, _PREDICATE, _OBJECT, _STATEMENT = RDF("subject"), RDF("predicate"), RDF("object"), RDF("Statement")
_NAME, _AFFIRMED, _ACTUAL = AIKG("name"), AIKG("affirmed"), AIKG("actual")
_READ = frozenset({_IDENT, _CLASS, _KIND, _ANCHOR, _STATES, _POLARITY, _MODALITY, _ATTRIBUTED, _RUN})


@dataclass(frozen=True, slots=True)
class Change:
    """Quads to take out of a store and quads to put in; no quad is in both."""

    removed: frozenset[Quad] = frozenset()
    added: frozenset[Quad] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.removed or self.added)


@dataclass(frozen=True, slots=True)
class KnownEntities:
    """The gazetteer as RDF: the triples of each known entity, by its IRI."""

    triples: Mapping[str, Sequence[Triple]]

    def names(self, entity: NamedNode) -> set[str]:
        """Every name that the gazetteer gives an entity, or the label of an entity outside it."""
        named = (triple.object for triple in self.triples[entity.value] if triple.predicate in _NAMING)
        return {name.value for name in named if isinstance(name, Literal)}

    def __contains__(self, entity: NamedNode) -> bool:
        return entity.value in self.triples


@dataclass(frozen=True, slots=True)
class Support:
    """What a set of article graphs supports."""

    entities: set[NamedNode] = field(default_factory=set)
    types: set[tuple[NamedNode, NamedNode]] = field(default_factory=set)
    names: set[tuple[NamedNode, str]] = field(default_factory=set)
    statements: set[NamedNode] = field(default_factory=set)
    actual: set[NamedNode] = field(default_factory=set)
    runs: set[NamedNode] = field(default_factory=set)

    def update(self, other: "Support") -> None:
        """Adds what other graphs support."""
        for kind in fields(self):
            getattr(self, kind.name).update(getattr(other, kind.name))


def support(quads: Iterable[Quad]) -> Support:
    """Reads off article graphs what they support; the quads may come in any order."""
    nodes: dict[object, dict[object, set[NamedNode | Literal]]] = defaultdict(lambda: defaultdict(set))
    for quad in quads:
        if quad.predicate in _READ and isinstance(quad.object, NamedNode | Literal):
            nodes[quad.subject][quad.predicate].add(quad.object)
    found = Support()
    for about in nodes.values():
        _add_mention(found, about)
        _add_claim(found, about)
        found.runs.update(_iris(about[_RUN]))
    return found


def _add_mention(found: Support, about: Mapping[object, set[NamedNode | Literal]]) -> None:
    named = {anchor.value for anchor in about[_ANCHOR] if _is_name(anchor.value)} if _NAME in about[_KIND] else set()
    for entity in _iris(about[_IDENT]):
        found.entities.add(entity)
        found.types.update((entity, kind) for kind in _iris(about[_CLASS]))
        found.names.update((entity, name) for name in named)


def _add_claim(found: Support, about: Mapping[object, set[NamedNode | Literal]]) -> None:
    found.entities.update(_iris(about[_ATTRIBUTED]))
    found.statements.update(_iris(about[_STATES]))
    if _AFFIRMED in about[_POLARITY] and _ACTUAL in about[_MODALITY]:
        found.actual.update(_iris(about[_STATES]))


def _iris(terms: Iterable[NamedNode | Literal]) -> list[NamedNode]:
    return [term for term in terms if isinstance(term, NamedNode)]


def _is_name(anchor: str) -> bool:
    """A name broken over two lines is no new name."""
    return anchor == " ".join(anchor.split())


class KnowledgeGraph:
    """Computes how the stored graphs must change; reads through `lookup`, writes nothing."""

    def __init__(self, lookup: Lookup, iris: Iris, known: KnownEntities, stored: Stored | None = None) -> None:
        self.lookup = lookup
        self.iris = iris
        self.known = known
        self.stored = stored or self._looked_up

    def replace(self, articles: Iterable[ArticleGraph], run: Run) -> Change:
        """The change that puts these articles (of one run, each id once) in the place of what is stored of them."""
        new = {self.iris.graph(article.article_id): article for article in articles}
        statements = {s: sides for article in new.values() for s, sides in article.statements.items()}
        return self._change({graph: article.quads for graph, article in new.items()}, self._sides(statements), run_quads(run, self.iris))

    def remove(self, article_ids: Iterable[str]) -> Change:
        """The change that takes these articles out, and everything that only they support."""
        return self._change({self.iris.graph(article_id): frozenset() for article_id in article_ids}, {}, [])

    def rebuild(self) -> Change:
        """The change that makes the knowledge graph what the article graphs and the gazetteer say; reads the whole store."""
        said = Support()
        for bundle in self.lookup(None, _TYPE, PROV("Bundle"), None):
            if isinstance(bundle.subject, NamedNode):
                said.update(support(self.lookup(None, None, None, bundle.subject)))
        sides = {statement: known for statement in said.statements if (known := self._stored_sides(statement))}
        wanted = frozenset(self._wanted(said, sides))
        stored = frozenset(self.lookup(None, None, None, self.iris.knowledge))
        return Change(stored - wanted, wanted - stored)

    def _change(self, graphs: Mapping[NamedNode, frozenset[Quad]], sides: Mapping[NamedNode, Triple], runs: Iterable[Quad]) -> Change:
        old = frozenset(chain.from_iterable(self.lookup(None, None, None, graph) for graph in graphs))
        new = frozenset(chain.from_iterable(graphs.values()))
        before, after = support(old), support(new)
        wanted = {*self._wanted(after, sides), *(quad for quad in runs if quad.subject in after.runs)}
        gone = set(self._gone(before, after, _Elsewhere(self.lookup, frozenset(graphs)))) - wanted
        stored = self.stored(wanted | gone)
        return Change((old - new) | (gone & stored), (new - old) | (wanted - stored))

    def _wanted(self, said: Support, sides: Mapping[NamedNode, Triple]) -> Iterator[Quad]:
        for entity in said.entities:
            yield from self._about(entity)
        for entity, kind in said.types:
            if entity not in self.known:
                yield self._quad(entity, _TYPE, kind)
        for entity, name in said.names:
            if name not in self._names(entity):
                yield self._quad(entity, _ALT_LABEL, _text(name))
        for statement in said.statements & sides.keys():
            yield from self._statement(statement, sides[statement])
        for statement in said.actual & sides.keys():
            yield self._in_knowledge(sides[statement])

    def _gone(self, before: Support, after: Support, elsewhere: "_Elsewhere") -> Iterator[Quad]:
        yield from self._gone_entities(before, after, elsewhere)
        yield from self._gone_names_and_types(before, after, elsewhere)
        yield from self._gone_statements(before, after, elsewhere)
        for run in before.runs - after.runs:
            if not elsewhere.ran(run):
                yield from self.lookup(run, None, None, self.iris.meta)

    def _gone_entities(self, before: Support, after: Support, elsewhere: "_Elsewhere") -> Iterator[Quad]:
        for entity in before.entities - after.entities:
            if not elsewhere.mentions(entity):
                yield from self.lookup(entity, None, None, self.iris.knowledge)

    def _gone_names_and_types(self, before: Support, after: Support, elsewhere: "_Elsewhere") -> Iterator[Quad]:
        for entity, kind in before.types - after.types:
            if entity not in self.known and not elsewhere.types(entity, kind):
                yield self._quad(entity, _TYPE, kind)
        for entity, name in before.names - after.names:
            if name not in self._names(entity) and not elsewhere.names(entity, name):
                yield self._quad(entity, _ALT_LABEL, _text(name))

    def _gone_statements(self, before: Support, after: Support, elsewhere: "_Elsewhere") -> Iterator[Quad]:
        for statement in before.statements - after.statements:
            if not elsewhere.states(statement):
                yield from self.lookup(statement, None, None, self.iris.knowledge)
        for statement in before.actual - after.actual:
            sides = self._stored_sides(statement)
            if sides and not elsewhere.affirms(statement):
                yield self._in_knowledge(sides)

    def _about(self, entity: NamedNode) -> list[Quad]:
        if entity in self.known:
            return [self._in_knowledge(triple) for triple in self.known.triples[entity.value]]
        return [self._quad(entity, _LABEL, _text(name)) for name in self._names(entity)]

    def _names(self, entity: NamedNode) -> set[str]:
        if entity in self.known:
            return self.known.names(entity)
        entity_id = self.iris.id_of("entity", entity.value)
        return {new_label(entity_id)} if entity_id else set()

    def _statement(self, statement: NamedNode, sides: Triple) -> list[Quad]:
        about = [(_TYPE, _STATEMENT), (_SUBJECT, sides.subject), (_PREDICATE, sides.predicate), (_OBJECT, sides.object)]
        return [Quad(statement, predicate, value, self.iris.knowledge) for predicate, value in about]

    def _sides(self, statements: Mapping[str, tuple[str, str, str]]) -> dict[NamedNode, Triple]:
        return {
            self.iris.statement(name): Triple(self.iris.entity(subject), AIKG(relation), self.iris.entity(value))
            for name, (subject, relation, value) in statements.items()
        }

    def _stored_sides(self, statement: NamedNode) -> Triple | None:
        """What the statement is about; None when somebody took that out by hand."""
        about = {quad.predicate: quad.object for quad in self.lookup(statement, None, None, self.iris.knowledge)}
        sides = about.get(_SUBJECT), about.get(_PREDICATE), about.get(_OBJECT)
        return Triple(*sides) if all(isinstance(side, NamedNode) for side in sides) else None  # type: ignore[arg-type]

    def _quad(self, subject: NamedNode, predicate: NamedNode, value: NamedNode | Literal) -> Quad:
        return Quad(subject, predicate, value, self.iris.knowledge)

    def _in_knowledge(self, triple: Triple) -> Quad:
        return Quad(triple.subject, triple.predicate, triple.object, self.iris.knowledge)

    def _looked_up(self, quads: Collection[Quad]) -> set[Quad]:
        return {quad for quad in quads if any(True for _ in self.lookup(*quad))}


class _Elsewhere:
    """Looks for a supporter outside the graphs that change; stops at the first."""

    def __init__(self, lookup: Lookup, changing: frozenset[NamedNode]) -> None:
        self.lookup = lookup
        self.changing = changing

    def mentions(self, entity: NamedNode) -> bool:
        return any(self._subjects(_IDENT, entity)) or any(self._subjects(_ATTRIBUTED, entity))

    def types(self, entity: NamedNode, kind: NamedNode) -> bool:
        return any(self._has(mention, _CLASS, kind) for mention in self._subjects(_IDENT, entity))

    def names(self, entity: NamedNode, name: str) -> bool:
        mentions = self._subjects(_ANCHOR, Literal(name))
        return any(self._has(mention, _IDENT, entity) and self._has(mention, _KIND, _NAME) for mention in mentions)

    def states(self, statement: NamedNode) -> bool:
        return any(self._subjects(_STATES, statement))

    def affirms(self, statement: NamedNode) -> bool:
        claims = self._subjects(_STATES, statement)
        return any(self._has(claim, _POLARITY, _AFFIRMED) and self._has(claim, _MODALITY, _ACTUAL) for claim in claims)

    def ran(self, run: NamedNode) -> bool:
        return any(self._subjects(_RUN, run))

    def _subjects(self, predicate: NamedNode, value: NamedNode | Literal) -> Iterator[NamedNode]:
        for quad in self.lookup(None, predicate, value, None):
            if quad.graph_name not in self.changing and isinstance(quad.subject, NamedNode):
                yield quad.subject

    def _has(self, subject: NamedNode, predicate: NamedNode, value: NamedNode) -> bool:
        return any(True for _ in self.lookup(subject, predicate, value, None))


def _text(name: str) -> Literal:
    return Literal(name, language="en")
