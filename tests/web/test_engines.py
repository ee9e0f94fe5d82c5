"""Every engine keeps the same graph: the same commands on a data directory and on remote services give the same bytes."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
import remotes
from pyoxigraph import Literal, NamedNode, Quad

from ingest.model import Article
from kg import backup, build, dump, engines, queries
from kg.articles import articles
from kg.cli import stats
from kg.cli.query import run as run_query
from kg.engines import ENGINES, EngineName
from kg.errors import DataError, LockedError, QueryError
from kg.iris import AIKG, Iris
from kg.settings import DEFAULT_BASE_IRI, Settings
from kg.summary import Summary
from kg.validate import validate

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
SOME = ("mistral-series-a.md", "microsoft-mistral-partnership.md", "ai-act-negotiations.md")
S, P, G, H = (NamedNode(f"https://example.org/{name}") for name in "spgh")
IRIS = Iris(DEFAULT_BASE_IRI)

# What each engine is tested on: a name, and what makes an empty store of the kind and gives the settings that name it.
KINDS: dict[str, tuple[EngineName, Callable[[Path], Any]]] = {
    "data directory": (EngineName.LOCAL, lambda folder: _no_service(folder)),
    "oxigraph serve": (EngineName.REMOTE, lambda folder: remotes.oxigraph(folder / "ox")),
    "kg serve": (EngineName.REMOTE, remotes.own),
}


@remotes.contextmanager
def _no_service(folder: Path) -> Iterator[dict[str, Any]]:
    yield {"data": folder / "data"}


@dataclass(frozen=True)
class Newsroom:
    """The pipeline and what it found in some examples, so that each engine stores the same without reading it again."""

    run: build.Run
    schema: Any
    extract: Callable[..., Any]

    def ingest(self, settings: Settings, names: tuple[str, ...] = SOME, *, change: Callable[[Article], Article] = lambda a: a) -> Summary:
        """What `kg ingest` does."""
        found = [change(article) for article in articles([str(EXAMPLES / name) for name in names])]
        batch = build.Ingest(settings, build.prepare(settings), self.run, self.schema, keep_text=False, report=lambda _: None)
        return batch(found, self.extract)


@pytest.fixture(scope="module")
def newsroom() -> Newsroom:
    extractor, run, schema = build.load_extractor(Settings.load(), DEFAULT_BASE_IRI)
    found: dict[Any, Any] = {}

    def extract(articles: Any) -> Iterator[Any]:
        for article in articles:
            key = (article.id, article.text)
            if key not in found:
                (found[key],) = extractor.extract([article])
            yield found[key]

    return Newsroom(run, schema, extract)


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture(params=KINDS)
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Settings]:
    """Settings that name an empty store of the kind."""
    folder = tmp_path / "kept"
    folder.mkdir()
    with KINDS[request.param][1](folder) as named:
        yield Settings.load(**{"data": tmp_path / "unused", "lock_timeout_s": 0.2, **named})


@pytest.fixture
def local(tmp_path: Path) -> Settings:
    """A data directory to compare with."""
    return Settings.load(data=tmp_path / "local")


def exported(settings: Settings) -> bytes:
    output = BytesIO()
    with engines.reading(settings) as graph, graph.copy() as copy:
        dump.write(copy, output, "nquads", graph.base_iri)
    return output.getvalue()


def test_every_engine_is_tested():
    assert {name for name, _ in KINDS.values()} == set(ENGINES)


def test_articles_are_stored_replaced_and_removed_alike(settings: Settings, local: Settings, newsroom: Newsroom):
    for kept in (settings, local):
        assert newsroom.ingest(kept).stored == len(SOME)
    assert exported(settings) == exported(local)

    assert newsroom.ingest(settings).unchanged == len(SOME)
    assert exported(settings) == exported(local)

    def shorten(article: Article) -> Article:
        return Article(article.id, article.text.partition("\n\n")[0], title=article.title)

    for kept in (settings, local):
        newsroom.ingest(kept, SOME[:1], change=shorten)
    assert exported(settings) == exported(local)

    for kept in (settings, local):
        build.remove(kept, [], everything=True)
    assert exported(settings) == exported(local)


def test_questions_are_answered_alike(settings: Settings, local: Settings, newsroom: Newsroom):
    for kept in (settings, local):
        newsroom.ingest(kept)
    assert asked(settings) == asked(local)


def asked(settings: Settings) -> dict[str, Any]:
    """Every saved query without and with a parameter, the counts, the list of articles."""
    with engines.reading(settings) as graph:
        reader = graph.open()
        find = partial(queries.find_entity, reader, IRIS)
        answers: dict[str, Any] = {"articles": stats.list_articles(reader, IRIS), "counts": {**stats.count(graph), "snapshot": None}}
        for name, saved in queries.load().items():
            values = {p.name: "Mistral AI" for p in saved.parameters if p.type is queries.ParameterType.ENTITY}
            for arguments in ({}, dict([*values.items()][:1]), {"relation": "investsIn"}):
                answers[f"{name} {arguments}"] = rows(reader, saved, arguments, find)
    return answers


def rows(reader: engines.Reader, saved: queries.SavedQuery, arguments: dict[str, str], find: queries.FindEntity) -> Any:
    try:
        bindings = queries.bind(saved, arguments, find)
    except QueryError as error:
        return str(error)
    result: Any = run_query(reader, saved.text, saved.name, DEFAULT_BASE_IRI, bindings)
    names = sorted(variable.value for variable in result.variables)
    return sorted(tuple(str(row[name]) for name in names) for row in result)


def test_the_whole_graph_keeps_to_its_shapes(settings: Settings, newsroom: Newsroom):
    newsroom.ingest(settings)
    with engines.reading(settings) as graph, graph.copy() as copy:
        report = validate(copy)
    assert report.conforms
    assert report.checked["article"] == len(SOME)


def test_a_backup_comes_back_and_can_be_added_to(settings: Settings, local: Settings, newsroom: Newsroom, tmp_path: Path):
    newsroom.ingest(local)
    manifest = backup.back_up(local, tmp_path / "local.zip")
    assert backup.restore(settings, tmp_path / "local.zip", replace=False) == manifest
    assert exported(settings) == exported(local)
    again = backup.back_up(settings, tmp_path / "again.zip")
    assert (again.quads, again.sha256) == (manifest.quads, manifest.sha256)
    assert newsroom.ingest(settings).unchanged == len(SOME)
    with pytest.raises(DataError, match="--replace"):
        backup.restore(settings, tmp_path / "local.zip", replace=False)
    newsroom.ingest(settings, ("deepseek-r1.txt",))
    backup.restore(settings, tmp_path / "local.zip", replace=True)
    assert exported(settings) == exported(local)


@pytest.mark.parametrize("text", ['"', "\\", "\n\r\t", "}} ; DROP ALL", "\u2028é🇫🇷", "'''", "SERVICE <http://x/> {"])
def test_any_text_is_written_and_taken_out_as_it_is(settings: Settings, text: str):
    def said(value: str) -> Quad:
        return Quad(S, P, Literal(value), G)

    with engines.writing(settings) as writer:
        writer.apply([], [said(text), said("stays")])
        writer.apply([said("stays")], [said("other")])
        assert set(writer.lookup(S, None, None, G)) == {said(text), said("other")}
        assert writer.stored([said(text), said("stays")]) == {said(text)}
        writer.apply([said(text)], [])
        assert set(writer.lookup(None, None, None, G)) == {said("other")}


def test_a_graph_that_ends_up_empty_is_dropped(settings: Settings):
    a, b = Quad(S, P, Literal("a"), G), Quad(S, P, Literal("b"), H)
    with engines.writing(settings) as writer:
        writer.apply([], [a, b])
        writer.apply([a], [])
        assert [graph for graph in writer.store.named_graphs() if graph in (G, H)] == [H]
        assert [row["g"] for row in writer.store.query("SELECT ?g { GRAPH ?g {} }") if row["g"] in (G, H)] == [H]  # type: ignore[union-attr]


def test_a_second_writer_waits_and_then_says_who_is_in_its_way(settings: Settings):
    with engines.writing(settings), pytest.raises(LockedError, match="process"), engines.writing(settings):
        pass


def test_a_store_of_another_base_iri_is_refused(settings: Settings, newsroom: Newsroom):
    newsroom.ingest(settings, SOME[:1])
    other = settings.model_copy(update={"base_iri": "https://example.org/other/"})
    with pytest.raises(DataError, match="http://localhost:8000/"), engines.writing(other):
        pass


def test_the_base_iri_is_that_of_the_data_or_the_one_that_it_would_get(settings: Settings, newsroom: Newsroom):
    other = settings.model_copy(update={"base_iri": "https://example.org/other/"})
    assert [engines.base_iri(settings), engines.base_iri(other)] == [DEFAULT_BASE_IRI, "https://example.org/other/"]
    newsroom.ingest(other, SOME[:1])
    assert engines.base_iri(settings) == "https://example.org/other/"
    with pytest.raises(DataError, match="base IRI https:"):
        engines.base_iri(settings.model_copy(update={"base_iri": DEFAULT_BASE_IRI}))


def test_a_store_without_data_of_ours_is_not_read(settings: Settings):
    with pytest.raises(DataError, match="kg ingest"), engines.reading(settings):
        pass


def test_a_query_names_its_dataset_or_sees_the_union_of_all_graphs(settings: Settings, newsroom: Newsroom):
    newsroom.ingest(settings, SOME[:1])
    with engines.reading(settings) as graph:
        reader = graph.open()
        everywhere = run_query(reader, "ASK { ?claim a aikg:Claim . ?entity rdfs:label ?label ; a aikg:Company }", "it", graph.base_iri)
        assert bool(everywhere)
        there = f"ASK FROM {IRIS.ontology} {{ ?claim a aikg:Claim }}"
        assert not bool(run_query(reader, there, "it", graph.base_iri))
        triples: Any = run_query(reader, "CONSTRUCT WHERE { ?s aikg:investsIn ?o }", "it", graph.base_iri)
        assert {triple.predicate for triple in triples} == {AIKG("investsIn")}
