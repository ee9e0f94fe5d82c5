"""Training on annotated articles and on the corpora beside them: which directory holds what, and where the results go."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from ingest import pipeline
from ingest.components.kinds import KINDS_FILE
from ingest.components.spelling import SPELLING_FILE
from ingest.errors import PipelineError
from ingest.scorer import WEIGHTS_FILE
from ingest.train.card import card
from ingest.train.corpora import Passage, core, knowledgenet
from ingest.train.passages import own_passages
from ingest.train.training import FOLDS, Report, Trained, train
from kg.errors import DataError
from kg.evaluate import annotated_articles, as_json, mistakes
from kg.ontology import schema
from kg.settings import DEFAULT_BASE_IRI, Settings


@dataclass(frozen=True, slots=True)
class Sources:
    """Where training data was found: directories with articles/ and gold/, and corpora by name."""

    annotated: tuple[Path, ...]
    corpora: tuple[tuple[str, Path], ...]


def find(directories: Sequence[Path]) -> Sources:
    """Sorts directories by what they hold: annotated articles (gold/), KnowledgeNet (train.jsonl), CORE (train.json), or these in folders
    of their own. Raises DataError for a directory with none of them, or that cannot be searched."""
    annotated: list[Path] = []
    corpora: list[tuple[str, Path]] = []
    for directory in directories:
        try:
            found = _held_by(directory)
        except OSError as error:
            raise DataError(f"cannot look into {directory}: {error.strerror}") from error
        if not found:
            raise DataError(
                f"nothing to train on in {directory}; expected gold/ beside articles/, KnowledgeNet's train.jsonl or CORE's train.json"
            )
        annotated += [place for name, place in found if name == "gold"]
        corpora += [(name, place) for name, place in found if name != "gold"]
    if not annotated:
        raise DataError("no annotated articles among the directories; give one that holds articles/ and gold/")
    return Sources(tuple(annotated), tuple(corpora))


def _held_by(directory: Path) -> list[tuple[str, Path]]:
    places = [directory, *(directory / name for name in ("knowledgenet", "core"))]
    found = [("gold", directory)] if (directory / "gold").is_dir() else []
    found += [("KnowledgeNet", place) for place in places if (place / "train.jsonl").is_file()]
    return found + [("CORE", place) for place in places if (place / "train.json").is_file()]


def run(settings: Settings, sources: Sources, *, report: Report) -> Trained:
    """Trains on all sources and the project's own passages. Raises DataError, ArticleError or PipelineError."""
    known = schema(settings.base_iri or DEFAULT_BASE_IRI)
    extractor = pipeline.load(known, model=settings.spacy_model)
    annotated = [(one.article, one.gold) for directory in sources.annotated for one in annotated_articles(directory, known)]
    passages = [passage for name, place in sources.corpora for passage in _READERS[name](place)]
    return train(extractor, known, annotated, list(own_passages(known.relations)), passages, report=report, processes=settings.processes)


def card_of(trained: Trained, sources: Sources) -> str:
    """The model card, with the licence of every source."""
    lines = [f"{len(trained.score.articles)} articles annotated by the guideline (the texts are their publishers')"]
    lines += [_CORPORA[name] for name, _ in sources.corpora]
    return card(trained, [*lines, "the project's own passages, `ingest/train/passages/` (Apache-2.0)"], folds=FOLDS)


def write(trained: Trained, directory: Path, card: str) -> None:
    """Writes the weights, the models of kinds and spelling and the model card."""
    try:
        directory.mkdir(parents=True, exist_ok=True)
        trained.weights.save(directory / WEIGHTS_FILE)
        trained.kinds.save(directory / KINDS_FILE)
        trained.spelling.save(directory / SPELLING_FILE)
        (directory / "README.md").write_text(card, encoding="utf-8")
    except OSError as error:
        raise PipelineError(f"cannot write the weights to {directory}: {error.strerror or error}; choose another with --output") from error


def write_scores(trained: Trained, path: Path) -> None:
    """Writes the cross-validated score as `kg evaluate --errors --format json` prints one. Raises DataError."""
    listed = {"errors": [asdict(mistake) for mistake in mistakes(trained.score.articles)]}
    try:
        path.write_text(json.dumps(as_json(trained.score) | listed, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        raise DataError(f"cannot write the scores to {path}: {error.strerror or error}; choose another with --scores") from error


def _knowledgenet(place: Path) -> list[Passage]:
    return list(knowledgenet(place))


def _core(place: Path) -> list[Passage]:
    return list(core(place))


_CORPORA = {
    "KnowledgeNet": "KnowledgeNet, folds 1 to 3 (Mesquita et al. 2019, CC BY-SA 4.0)",
    "CORE": "CORE, train split (Borchert et al. 2023, CC BY 4.0)",
}
_READERS = {"KnowledgeNet": _knowledgenet, "CORE": _core}
