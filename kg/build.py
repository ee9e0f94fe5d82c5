"""From files to published quads: read, extract, write in batches, publish.

The writer's lock is held only while a batch is written. One article that cannot be read, extracted or written costs that article alone.
What is reported as stored is on disk.
"""

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from itertools import batched
from time import monotonic
from typing import TYPE_CHECKING

from pyoxigraph import NamedNode, Quad, Store

from ingest.errors import ArticleError
from ingest.model import Article, Extraction, Schema
from kg import building, engines, ontology
from kg.articles import Articles, articles, distinct, read, sources
from kg.engines import Reader, Writer
from kg.errors import DataError
from kg.iris import DCTERMS, PROV, RDF, Iris
from kg.knowledge import Change, KnowledgeGraph, KnownEntities
from kg.quads import ArticleGraph, Run, article_graph, dataset_quads, fingerprint
from kg.settings import DEFAULT_BASE_IRI, Settings
from kg.summary import Event, Outcome, Summary, note

if TYPE_CHECKING:
    from ingest.pipeline import Extractor

_BATCH_ARTICLES = 64
_BATCH_S = 2.0


class Interrupted(BaseException):
    """SIGTERM, raised where Ctrl-C raises KeyboardInterrupt."""


type Report = Callable[[Event], None]
type Extract = Callable[[Articles], Iterator[Extraction | ArticleError | None]]


def ingest(settings: Settings, paths: Sequence[str], *, keep_text: bool, report: Report) -> Summary:
    """Extracts from every article of the paths and stores and publishes what was found; articles that did not change are left alone.

    Where nothing of the paths could be found, no data directory is made. Raises what opening for writing raises before anything slow has
    been done, and PipelineError when there is no pipeline to extract with.
    """
    found = sources(paths)
    if all(isinstance(source, ArticleError) for source in found):
        return _none_of(read(found), report)
    iris = prepare(settings)
    extractor, run, schema = load_extractor(settings, iris.base)
    batch = Ingest(settings, iris, run, schema, keep_text=keep_text, report=report)
    return batch(read(found), extracting(extractor, settings.processes))


def _none_of(failed: Articles, report: Report) -> Summary:
    summary = Summary()
    for error in failed:
        if isinstance(error, ArticleError):
            report(note(error, summary))
    return summary


def rehearse(settings: Settings, paths: Sequence[str], *, report: Report) -> Summary:
    """Extracts like `ingest` but stores nothing and needs no data directory."""
    extractor, _, _ = load_extractor(settings, settings.base_iri or DEFAULT_BASE_IRI)  # what is found does not depend on it
    summary = Summary()
    with suppress(KeyboardInterrupt, Interrupted):
        for extraction in extracting(extractor, settings.processes)(distinct(articles(paths))):
            if extraction is not None:
                report(note(extraction, summary))
        return summary
    summary.interrupted = True
    return summary


def extracting(extractor: "Extractor", processes: int) -> Extract:
    """Extraction in this process, or in several; where no article has come for a while (None), it says so, after what is ready by then."""
    if processes > 1:
        return partial(extractor.extract, processes=processes)
    return lambda articles: (None if article is None else extractor(article) for article in articles)


def load_extractor(settings: Settings, base_iri: str) -> "tuple[Extractor, Run, Schema]":
    """The extraction pipeline of the settings, the run that it is, and the schema it was built with. Raises PipelineError."""
    from ingest import pipeline  # spaCy takes a second to load, and removing an article needs none

    schema = ontology.schema(base_iri)
    extractor = pipeline.load(schema, model=settings.spacy_model, weights=settings.weights)
    return extractor, Run({**extractor.description, **ontology.fingerprint()}), schema


def prepare(settings: Settings) -> Iris:
    """Makes the data directory usable: its base IRI, ontology, dataset description, and knowledge for a changed gazetteer.

    Publishes what a killed writer left unpublished, and removes what a killed restore has left. Raises what opening for writing raises,
    before anything slow has been done.
    """
    if not settings.store:
        building.remove_left(settings.data)
    with engines.writing(settings) as writer:
        iris = Iris(writer.data.base_iri)
        changed = _refresh(writer, iris)
        if changed or writer.unpublished:
            writer.publish()
    return iris


class Ingest:
    """One batch of articles on its way into a data directory."""

    def __init__(self, settings: Settings, iris: Iris, run: Run, schema: Schema, *, keep_text: bool, report: Report) -> None:
        self.settings = settings
        self.iris = iris
        self.run = run
        self.symmetric = schema.symmetric
        self.keep_text = keep_text
        self.report = report
        self.known = known_entities(iris)
        self.summary = Summary()
        self._pending: list[tuple[ArticleGraph, Extraction]] = []
        self._written = float("-inf")  # the first article does not wait for a second, which may be long in coming
        self._published = monotonic()
        self._unpublished = False
        self._events: deque[Event] = deque()  # counted, and still to be reported

    def __call__(self, found: Articles, extract: Extract) -> Summary:
        """Stores and publishes every article. Interrupted, it stores and publishes what has been extracted and says so in the summary.

        Whatever is raised on the way is raised after that.
        """
        try:
            with engines.reading(self.settings) as graph:
                self._take_all(extract(self._new(distinct(found), graph.open())))
        except (KeyboardInterrupt, Interrupted):
            self.summary.interrupted = True
        finally:
            self._write(last=True)
        return self.summary

    def _new(self, found: Articles, published: Reader) -> Iterator[Article | ArticleError | None]:
        """Leaves out what is stored already, by the same run."""
        run = self.iris.run(self.run.id)
        for article in found:
            if isinstance(article, Article):
                graph = self.iris.graph(article.id)
                about = {quad.object for quad in published.quads_for_pattern(graph, None, None, graph)}
                digest = fingerprint(article, keep_text=self.keep_text)
                if run in about and any(getattr(value, "value", "") == digest for value in about):
                    self.summary.unchanged += 1
                    self.report(Event(article.id, Outcome.UNCHANGED))
                    self._keep_up()
                    continue
            yield article

    def _take_all(self, extractions: Iterator[Extraction | ArticleError | None]) -> None:
        """Takes what comes; after an interruption that came in between, what is finished by then, too."""
        try:
            for extraction in extractions:
                self._take(extraction)
        except (KeyboardInterrupt, Interrupted) as interruption:
            if isinstance(extractions, Generator):
                self._take(extractions.throw(interruption))
                self._take_all(extractions)
            raise

    def _take(self, extraction: Extraction | ArticleError | None) -> None:
        if isinstance(extraction, ArticleError):
            self.report(note(extraction, self.summary))
        elif extraction is not None:
            self._prepare(extraction)
        self._keep_up()

    def _prepare(self, extraction: Extraction) -> None:
        try:
            graph = article_graph(extraction, self.iris, self.run, symmetric=self.symmetric, keep_text=self.keep_text)
        except (ValueError, KeyError) as error:
            reason = f"cannot be written as RDF: {error}; the article is left out"
            self.report(note(ArticleError(extraction.article.id, reason), self.summary))
        else:
            self._pending.append((graph, extraction))

    def _keep_up(self) -> None:
        """Writes and publishes what has waited for long enough."""
        batch_s = min(_BATCH_S, self.settings.publish_every_s)
        full = len(self._pending) >= _BATCH_ARTICLES or (self._pending and monotonic() - self._written >= batch_s)
        if full or (self._unpublished and self._is_due()):
            self._write()

    def _is_due(self) -> bool:
        return monotonic() - self._published >= self.settings.publish_every_s

    def _write(self, *, last: bool = False) -> None:
        with engines.writing(self.settings) as writer:
            knowledge = KnowledgeGraph(writer.lookup, self.iris, self.known, writer.stored)
            change = knowledge.replace([graph for graph, _ in self._pending], self.run)
            if change:
                writer.apply(change.removed, change.added)
            if writer.unpublished and (last or self._is_due()):
                snapshot = writer.publish()
                self.summary.snapshot = snapshot.number if snapshot else None
                self._published = monotonic()
            self._unpublished = writer.unpublished
        self._events.extend(note(extraction, self.summary) for _, extraction in self._pending)
        self._pending.clear()
        self._written = monotonic()
        while self._events:
            self.report(self._events.popleft())


def remove(settings: Settings, names: Sequence[str], *, everything: bool = False) -> list[str]:
    """Takes articles out (by id, IRI, graph IRI or URL) with all that only they support, and publishes. Returns their ids.

    Raises DataError when one of them is not stored; then nothing is removed.
    """
    with engines.writing(settings) as writer:
        iris = Iris(writer.data.base_iri)
        ids = sorted(_stored_ids(writer, iris)) if everything else [_article_id(name, writer, iris) for name in names]
        graph = KnowledgeGraph(writer.lookup, iris, known_entities(iris), writer.stored)
        for some in batched(dict.fromkeys(ids), _BATCH_ARTICLES):
            change = graph.remove(some)
            writer.apply(change.removed, change.added)
        if writer.unpublished:
            writer.publish()
    return ids


def known_entities(iris: Iris) -> KnownEntities:
    """The gazetteer as the knowledge graph needs it."""
    triples = ontology.known_entity_quads(iris.base)
    return KnownEntities({iris.entity(name).value: about for name, about in triples.items()})


def _refresh(writer: Writer, iris: Iris) -> bool:
    hashes = ontology.fingerprint()
    change = _description(writer, iris, ontology_changed=writer.data.ontology != hashes["ontology"])
    if writer.data.gazetteer != hashes["gazetteer"]:
        knowledge = KnowledgeGraph(writer.lookup, iris, known_entities(iris), writer.stored).rebuild()
        change = Change(change.removed | knowledge.removed, change.added | knowledge.added)
    if change:
        writer.apply(change.removed, change.added)
    if (writer.data.ontology, writer.data.gazetteer) != (hashes["ontology"], hashes["gazetteer"]):
        writer.record(ontology=hashes["ontology"], gazetteer=hashes["gazetteer"])
    return bool(change)


def _description(writer: Writer, iris: Iris, *, ontology_changed: bool) -> Change:
    wanted = _as_stored(dataset_quads(iris))
    described = {quad.subject for quad in wanted}
    stored = {quad for quad in writer.lookup(None, None, None, iris.meta) if quad.subject in described}
    if ontology_changed:
        wanted |= _as_stored(ontology.ontology_quads(iris.base))
        stored |= set(writer.lookup(None, None, None, iris.ontology))
    return Change(frozenset(stored - wanted), frozenset(wanted - stored))


def _as_stored(quads: Iterable[Quad]) -> set[Quad]:
    """Quads as Oxigraph gives them back, with its canonical literals."""
    store = Store()
    store.extend(quads)
    return set(store)


def _stored_ids(writer: Writer, iris: Iris) -> set[str]:
    bundles = (quad.graph_name for quad in writer.lookup(None, RDF("type"), PROV("Bundle"), None))
    names = (iris.article_of_graph(bundle.value) for bundle in bundles if isinstance(bundle, NamedNode))
    return {name for name in names if name is not None}


def _article_id(name: str, writer: Writer, iris: Iris) -> str:
    for candidate in (name, iris.id_of("article", name), iris.article_of_graph(name), *_ids_from(name, writer, iris)):
        if candidate is not None and _is_stored(candidate, writer, iris):
            return candidate
    raise DataError(f"no article {name!r} in {writer.place}; `kg stats --articles` lists what is there")


def _is_stored(article_id: str, writer: Writer, iris: Iris) -> bool:
    graph = iris.graph(article_id)
    return any(True for _ in writer.lookup(graph, RDF("type"), PROV("Bundle"), graph))


def _ids_from(source: str, writer: Writer, iris: Iris) -> list[str | None]:
    """The ids of articles with this URL."""
    with suppress(ValueError):
        found = writer.lookup(None, DCTERMS("source"), NamedNode(source), None)
        return [iris.article_of_graph(quad.graph_name.value) for quad in found if isinstance(quad.graph_name, NamedNode)]
    return []
