"""From files to a published graph: the same articles give the same bytes, and one bad article costs itself alone."""

import io
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pyoxigraph import NamedNode, Quad

from ingest.errors import ArticleError
from ingest.model import Article
from kg import build, datadir, dump
from kg.articles import articles
from kg.build import Ingest
from kg.errors import DataError
from kg.iris import AIKG, NIF, RDF, RDFS, Iris
from kg.settings import DEFAULT_BASE_IRI, Settings
from kg.snapshots import current, current_number
from kg.store import open_writer
from kg.summary import Event, Outcome, Summary
from kg.validate import validate

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
STAKE, POLICY = EXAMPLES / "microsoft-mistral-partnership.md", EXAMPLES / "ai-act-negotiations.md"
IRIS = Iris(DEFAULT_BASE_IRI)

type Run = Callable[..., Summary]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


def export(data: Path) -> bytes:
    """What `kg export` writes."""
    with current(data) as snapshot:
        output = io.BytesIO()
        dump.write(snapshot.open(), output, "nquads", snapshot.base_iri)
    return output.getvalue()


def rows(data: Path, query: str) -> list[tuple[str, ...]]:
    with current(data) as snapshot:
        found = snapshot.open().query(query, use_default_graph_as_union=True)
        return [tuple(term.value for term in row) for row in found]  # type: ignore[union-attr]


def graphs(data: Path) -> set[str]:
    return {graph for (graph,) in rows(data, "SELECT DISTINCT ?g { GRAPH ?g { ?s ?p ?o } }")}


def test_ingesting_twice_changes_no_byte_and_publishes_nothing(ingest: Run, data: Path):
    first = ingest(STAKE, POLICY)
    before = export(data)
    again = ingest(STAKE, POLICY)
    assert (first.stored, again.stored, again.unchanged, again.snapshot) == (2, 0, 2, None)
    assert export(data) == before


def test_a_changed_version_and_then_the_first_again_give_the_first_bytes(ingest: Run, data: Path, tmp_path: Path):
    article = Path(shutil.copy(STAKE, tmp_path))
    ingest(article, POLICY)
    before = export(data)
    article.write_text(STAKE.read_text().replace("Mistral", "Lumigraph") + "\nApple acquired Nvidia.\n")
    assert ingest(article, POLICY).stored == 1
    assert export(data) != before
    shutil.copy(STAKE, article)
    assert ingest(article, POLICY).stored == 1
    assert export(data) == before


def test_the_order_of_articles_and_batches_leaves_no_trace(ingest: Run, data: Path, tmp_path: Path):
    ingest(STAKE, POLICY)
    ingest(POLICY, data=tmp_path / "other")
    ingest(STAKE, data=tmp_path / "other")
    assert export(data) == export(tmp_path / "other")


def test_removing_every_article_leaves_only_ontology_and_meta_as_before_the_first(ingest: Run, data: Path):
    build.prepare(Settings.load(data=data))
    before = export(data)
    ingest(STAKE, POLICY)
    assert len(build.remove(Settings.load(data=data), [], everything=True)) == 2
    assert graphs(data) == {IRIS.ontology.value, IRIS.meta.value}
    assert export(data) == before


def test_every_row_of_the_union_is_a_distinct_triple(ingest: Run, data: Path):
    ingest(STAKE, POLICY)
    ((count,),) = rows(data, "SELECT (COUNT(*) AS ?n) { ?s ?p ?o }")
    distinct = rows(data, "SELECT DISTINCT ?s ?p ?o { ?s ?p ?o }")
    assert int(count) == len(distinct) == export(data).count(b"\n")


def test_the_published_examples_conform_to_the_shapes(ingest: Run, data: Path):
    ingest(EXAMPLES)
    with current(data) as snapshot:
        report = validate(snapshot.open())
    assert [v for v in report.violations if v.severity == "Violation"] == []
    assert report.checked["article"] == len(list(EXAMPLES.iterdir()))


def test_one_article_that_cannot_be_read_costs_itself_alone(ingest: Run, data: Path, tmp_path: Path):
    bad = tmp_path / "picture.txt"
    bad.write_bytes(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR")
    events: list[Event] = []
    summary = ingest(STAKE, bad, tmp_path / "missing.txt", POLICY, report=events.append)
    assert (summary.stored, len(summary.failed), summary.articles) == (2, 2, 4)
    assert [event.outcome for event in events] == [Outcome.STORED, Outcome.FAILED, Outcome.FAILED, Outcome.STORED]
    assert len(graphs(data)) == 5


def test_a_subfolder_that_cannot_be_read_costs_itself_alone(ingest: Run, tmp_path: Path):
    """Permissions do not keep root out; a path that is longer than the system takes (PATH_MAX, 4096) does."""
    (tmp_path / "news").mkdir()
    shutil.copy(STAKE, tmp_path / "news")
    folder = os.open(tmp_path / "news", os.O_RDONLY)
    for _ in range(20):
        os.mkdir("x" * 250, dir_fd=folder)
        inner = os.open("x" * 250, os.O_RDONLY, dir_fd=folder)
        os.close(folder)
        folder = inner
    os.close(folder)
    summary = ingest(tmp_path / "news")
    (failed,) = summary.failed
    assert summary.stored == 1
    assert failed.source.startswith(f"{tmp_path}/news/xxx")
    assert failed.reason == "cannot be read: File name too long; make the directory readable, or leave it out"


def test_a_line_that_cannot_be_read_costs_itself_alone(ingest: Run, data: Path, tmp_path: Path):
    lines = tmp_path / "articles.jsonl"
    lines.write_text('{"id": "bad", "text": "Microsoft acquired \\ud800 Nvidia."}\n{"id": "good", "text": "Microsoft acquired Nvidia."}\n')
    summary = ingest(lines)
    assert [error.source for error in summary.failed] == [f"{lines}, line 1"]
    assert summary.stored == 1
    assert IRIS.graph("good").value in graphs(data)


def test_two_articles_of_one_id_are_not_stored_over_each_other(ingest: Run, tmp_path: Path):
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "news.txt").write_text(f"Microsoft acquired Nvidia in {folder}.")
    summary = ingest(tmp_path / "a", tmp_path / "b")
    assert summary.stored == 1
    (failed,) = summary.failed
    assert failed.source == str(tmp_path / "b" / "news.txt")
    first = tmp_path / "a" / "news.txt"
    assert failed.reason == f"another article of this batch has the same id 'news': {first}; give one of them its own `id`"


def test_a_file_that_is_named_twice_is_read_once(ingest: Run):
    summary = ingest(STAKE, STAKE, EXAMPLES / ".." / "examples" / STAKE.name)
    assert (summary.stored, summary.failed) == (1, [])


@pytest.mark.parametrize(
    "names", [("link.txt", "news.txt"), ("news.txt", "link.txt"), ("other.txt", "link.txt"), ("link.txt", "other.txt")]
)
def test_the_order_of_a_file_and_its_links_leaves_no_trace(tmp_path: Path, names: tuple[str, str]):
    (tmp_path / "news.txt").write_text("Microsoft acquired Nvidia.")
    for link in ("link.txt", "other.txt"):
        (tmp_path / link).symlink_to("news.txt")
    (article,) = articles([str(tmp_path / name) for name in names])
    assert isinstance(article, Article)
    assert article.id == ("news" if "news.txt" in names else "link")


def test_a_link_that_leads_nowhere_is_reported(ingest: Run, tmp_path: Path):
    (tmp_path / "news").mkdir()
    shutil.copy(STAKE, tmp_path / "news")
    for name, target in (("gone.txt", "nowhere"), ("circle.txt", "circle.txt")):
        (tmp_path / "news" / name).symlink_to(target)
    summary = ingest(tmp_path / "news")
    assert summary.stored == 1
    assert [Path(error.source).name for error in summary.failed] == ["circle.txt", "gone.txt"]
    assert summary.failed[1].reason == "cannot be read: No such file or directory"


def test_the_text_is_kept_on_request_and_taken_back(ingest: Run, data: Path):
    texts = f"SELECT ?text {{ ?article {NIF('isString')} ?text }}"
    ingest(STAKE)
    assert rows(data, texts) == []
    before = export(data)
    assert ingest(STAKE, keep_text=True).stored == 1
    assert len(rows(data, texts)) == 1
    assert ingest(STAKE).stored == 1
    assert export(data) == before


class Stopped:
    """Extraction that is interrupted at its second article."""

    def __init__(self, loaded: tuple, error: type[BaseException]) -> None:
        self.extractor, self.error = loaded[0], error

    def __call__(self, articles: Iterator[Article | ArticleError]) -> Iterator:
        yield self.extractor(next(articles))
        raise self.error


@pytest.mark.parametrize("error", [KeyboardInterrupt, build.Interrupted])
def test_what_was_extracted_before_an_interruption_is_stored_and_published(data: Path, loaded: tuple, error: type[BaseException]):
    settings = Settings.load(data=data)
    batch = Ingest(settings, build.prepare(settings), loaded[1], loaded[2], keep_text=False, report=lambda _: None)
    summary = batch(articles([str(STAKE), str(POLICY)]), Stopped(loaded, error))
    assert (summary.interrupted, summary.stored) == (True, 1)
    assert len(graphs(data)) == 4


def test_an_interruption_while_articles_are_reported_leaves_none_out_of_the_summary(data: Path, loaded: tuple):
    def extract(given: Iterator) -> Iterator:
        batch._written = float("inf")
        yield from map(loaded[0], given)
        batch._written = float("-inf")  # both are written together, at what follows
        yield None

    def report(event: Event) -> None:
        events.append(event)
        if len(events) == 1:
            raise KeyboardInterrupt

    settings, events = Settings.load(data=data), []
    batch = Ingest(settings, build.prepare(settings), loaded[1], loaded[2], keep_text=False, report=report)
    summary = batch(articles([str(STAKE), str(POLICY)]), extract)
    assert (summary.interrupted, summary.stored, len(events)) == (True, 2, 2)
    assert len(graphs(data)) == 5


def test_what_workers_have_finished_is_kept_when_the_interruption_comes_in_between(data: Path, loaded: tuple):
    def extract(given: Iterator) -> Iterator:
        finished = [loaded[0](article) for article in given]
        try:
            yield finished[0]
        except KeyboardInterrupt:
            yield from finished[1:]
            raise

    def report(event: Event) -> None:
        if not events:
            events.append(event)
            raise KeyboardInterrupt

    settings, events = Settings.load(data=data), []
    batch = Ingest(settings, build.prepare(settings), loaded[1], loaded[2], keep_text=False, report=report)
    summary = batch(articles([str(STAKE), str(POLICY)]), extract)
    assert (summary.interrupted, summary.stored) == (True, 2)
    assert len(graphs(data)) == 5


def test_what_was_extracted_before_an_unforeseen_error_is_stored_and_published(data: Path, loaded: tuple):
    def extract(articles: Iterator[Article | ArticleError]) -> Iterator:
        yield from map(loaded[0], articles)
        raise RuntimeError("unforeseen")

    settings, events = Settings.load(data=data), []
    batch = Ingest(settings, build.prepare(settings), loaded[1], loaded[2], keep_text=False, report=events.append)
    with pytest.raises(RuntimeError, match="unforeseen"):
        batch(articles([str(STAKE), str(POLICY)]), extract)
    assert [event.outcome for event in events] == [Outcome.STORED, Outcome.STORED]
    assert {IRIS.graph(event.name).value for event in events} < graphs(data)


def test_an_article_is_in_the_store_when_it_is_reported_as_stored(ingest: Run, data: Path):
    def look(event: Event) -> None:
        with open_writer(Settings.load(data=data)) as writer:
            found.append(writer.store.contains_named_graph(IRIS.graph(event.name)))

    found: list[bool] = []
    ingest(STAKE, POLICY, report=look)
    assert found == [True, True]


def test_nobody_else_waits_while_an_article_is_extracted(data: Path, loaded: tuple):
    settings = Settings.load(data=data, lock_timeout_s=0)
    wrote = []

    def extract(articles: Iterator[Article | ArticleError]) -> Iterator:
        for article in articles:
            with open_writer(settings):
                wrote.append(article)
            yield loaded[0](article)

    batch = Ingest(settings, build.prepare(settings), loaded[1], loaded[2], keep_text=False, report=lambda _: None)
    assert batch(articles([str(STAKE), str(POLICY)]), extract).stored == len(wrote) == 2


def test_what_a_killed_writer_left_unpublished_is_published_by_the_next(ingest: Run, data: Path):
    ingest(STAKE)
    settings = Settings.load(data=data)
    left = Quad(NamedNode("https://example.org/s"), RDFS("label"), NamedNode("https://example.org/o"), NamedNode("https://example.org/g"))
    with open_writer(settings) as writer:
        writer.apply([], [left])
    before = current_number(data)
    build.prepare(settings)
    assert current_number(data) == (before or 0) + 1
    assert "https://example.org/g" in graphs(data)


def test_a_changed_gazetteer_or_ontology_is_taken_up(ingest: Run, data: Path):
    ingest(STAKE, POLICY)
    before = export(data)
    settings = Settings.load(data=data)
    microsoft = IRIS.entity("Microsoft")
    with open_writer(settings) as writer:
        label = list(writer.lookup(microsoft, RDFS("label"), None, IRIS.knowledge))
        term = list(writer.lookup(AIKG("investsIn"), None, None, IRIS.ontology))
        writer.apply([*label, *term], [Quad(microsoft, RDFS("seeAlso"), AIKG("old"), IRIS.knowledge)])
        writer.record(ontology="another", gazetteer="another")
    build.prepare(settings)
    assert export(data) == before
    assert datadir.open_existing(data).gazetteer != "another"


@pytest.mark.parametrize("name", ["id", "iri", "graph", "url"])
def test_an_article_is_removed_by_any_of_its_names(ingest: Run, data: Path, name: str):
    ingest(POLICY)
    before = export(data)
    ingest(STAKE)
    ((graph, article, url),) = rows(
        data, "SELECT ?g ?a ?u { GRAPH ?g { ?a <http://purl.org/dc/terms/source> ?u FILTER(CONTAINS(STR(?u), 'microsoft-mistral')) } }"
    )
    names = {"id": IRIS.article_of_graph(graph), "iri": article, "graph": graph, "url": url}
    assert build.remove(Settings.load(data=data), [str(names[name])]) == [names["id"]]
    assert export(data) == before


def test_when_one_article_is_not_there_none_is_removed(ingest: Run, data: Path):
    ingest(STAKE)
    before = export(data)
    (stored,) = {IRIS.article_of_graph(graph) for graph in graphs(data)} - {None}
    for unknown in ("nobody", "knowledge", "not an iri", "https://example.org/nowhere"):
        with pytest.raises(DataError, match=rf"no article '{unknown}' in .*; `kg stats --articles` lists what is there"):
            build.remove(Settings.load(data=data), [str(stored), unknown])
    assert export(data) == before


def test_a_rehearsal_needs_and_makes_no_data_directory(data: Path):
    events: list[Event] = []
    summary = build.rehearse(Settings.load(data=data), [str(STAKE)], report=events.append)
    assert (summary.stored, summary.claims > 0, len(events)) == (1, True, 1)
    assert not data.exists()


def test_every_mention_and_claim_of_the_summary_is_in_the_graph(ingest: Run, data: Path):
    summary = ingest(STAKE)
    assert len(rows(data, f"SELECT ?m {{ ?m {RDF('type')} {AIKG('Mention')} }}")) >= summary.mentions
    assert len(rows(data, f"SELECT ?c {{ ?c {RDF('type')} {AIKG('Claim')} }}")) == summary.claims
