"""How good extraction is on articles annotated by the guideline: `DIR/articles/NAME.txt` with `DIR/gold/NAME.jsonl`."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ingest import pipeline
from ingest.errors import ArticleError
from ingest.model import Article, Schema
from ingest.readers import read
from ingest.scoring import ArticleScore, Counts, GoldClaim, Score, counts, read_gold, score_article, total
from kg.errors import DataError
from kg.ontology import schema
from kg.settings import DEFAULT_BASE_IRI, Settings

SUFFIXES = (".txt", ".md")


@dataclass(frozen=True, slots=True)
class Annotated:
    """An article with its gold rows."""

    article: Article
    gold: tuple[GoldClaim, ...]


def evaluate(settings: Settings, directory: Path) -> Score:
    """Extracts from every annotated article of `directory` and scores the claims. Raises DataError, ArticleError or PipelineError."""
    known = schema(settings.base_iri or DEFAULT_BASE_IRI)
    annotated = annotated_articles(directory, known)
    extractor = pipeline.load(known, model=settings.spacy_model, weights=settings.weights)
    return total(list(_scores(extractor, annotated, known.symmetric, settings.processes)))


def _scores(extractor: pipeline.Extractor, annotated: list[Annotated], symmetric: frozenset[str], processes: int) -> Iterator[ArticleScore]:
    extracted = extractor.extract((one.article for one in annotated), processes=processes)
    for one, extraction in zip(annotated, extracted, strict=True):
        if isinstance(extraction, ArticleError):
            raise extraction
        yield score_article(extraction, one.gold, symmetric=symmetric)


def annotated_articles(directory: Path, known: Schema) -> list[Annotated]:
    """The articles that have a gold file, sorted by name.

    Raises DataError when there are none, a gold file has no article, or one of the two directories cannot be read.
    """
    gold_files = sorted(path for path in _entries(directory / "gold") if path.suffix == ".jsonl")
    if not gold_files:
        raise DataError(f"no annotated articles in {directory}; expected gold/NAME.jsonl beside articles/NAME.txt")
    articles = directory / "articles"
    there = _entries(articles)
    return [_annotated(path, articles, there, known) for path in gold_files]


def _entries(directory: Path) -> set[Path]:
    """What a directory holds; nothing when it is not there. Raises DataError when it cannot be read."""
    try:
        return set(directory.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return set()
    except OSError as error:
        raise DataError(f"cannot read {directory}: {error.strerror}; make the directory readable, or name another") from error


def _annotated(path: Path, articles: Path, there: set[Path], known: Schema) -> Annotated:
    found = next((file for suffix in SUFFIXES if (file := articles / f"{path.stem}{suffix}") in there), None)
    if found is None:
        raise DataError(f"{path} has no article {articles / path.stem}{SUFFIXES[0]}; add the article or remove the gold file")
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"cannot read {path}: {getattr(error, 'strerror', None) or error}; save it as UTF-8") from error
    return Annotated(read(found), tuple(read_gold(lines, source=str(path), relations=known.relations)))


def as_json(score: Score) -> dict[str, Any]:
    """The score as `kg evaluate --format json` prints it; every number is a share in [0, 1], counts are integers."""
    return {
        **_figures(score.counts),
        "f1_interval": [round(bound, 4) for bound in score.interval],
        "articles": len(score.articles),
        "claims": score.counts.right + score.counts.wrong,
        "relations": {name: _figures(found) | _numbers(found) for name, found in score.relations.items()},
        "modality_accuracy": round(score.modality_accuracy, 4),
        "attribution_accuracy": round(score.attribution_accuracy, 4),
        "by_article": {one.article: _figures(counts(one)) | _numbers(counts(one)) for one in score.articles},
    }


def _figures(counts: Counts) -> dict[str, float]:
    return {"precision": round(counts.precision, 4), "recall": round(counts.recall, 4), "f1": round(counts.f1, 4)}


def _numbers(counts: Counts) -> dict[str, int]:
    return {"right": counts.right, "wrong": counts.wrong, "missed": counts.missed}


@dataclass(frozen=True, slots=True)
class Mistake:
    """A wrong claim or a missed gold row with its sentence; `detail` names the patterns and features behind a wrong claim."""

    article: str
    kind: str
    claim: str
    sentence: str
    detail: str = ""


def mistakes(scores: Iterable[ArticleScore]) -> Iterator[Mistake]:
    """Every error by article: claims that are wrong, gold rows that were missed, right claims with a wrong qualifier."""
    for score in scores:
        for wrong in score.wrong:
            words = f"{wrong.subject} {wrong.relation} {wrong.object} ({wrong.polarity})"
            yield Mistake(score.article, "wrong", words, wrong.evidence.text, "; ".join(wrong.why))
        for row in score.missed:
            yield Mistake(score.article, "missed", f"{row.subject} {row.relation} {row.object} ({row.polarity})", row.evidence)
        yield from _qualifier_mistakes(score)


def _qualifier_mistakes(score: ArticleScore) -> Iterator[Mistake]:
    for match in score.right:
        claim, row = match.claim, match.gold[0]
        words = f"{claim.subject} {claim.relation} {claim.object}"
        if not match.modality_right:
            yield Mistake(score.article, "modality", words, claim.evidence.text, f"{claim.modality}, should be {row.modality}")
        if not match.attribution_right:
            said = claim.attribution or "the article"
            yield Mistake(score.article, "attribution", words, claim.evidence.text, f"{said}, should be {row.attribution or 'the article'}")
