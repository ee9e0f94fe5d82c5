"""The trained scorer: its weights as a file, and what it may and may not look at."""

from pathlib import Path

import numpy as np
import pytest

from ingest import pipeline
from ingest.components.claims import scanner
from ingest.components.kinds import shipped_kinds
from ingest.components.spelling import shipped_spelling
from ingest.errors import PipelineError
from ingest.model import Article
from ingest.scorer import Scorer, Weights, shipped
from kg.ontology import schema

SCHEMA = schema("http://localhost:8000/")


def test_weights_come_back_from_their_file_as_they_were(tmp_path: Path):
    weights = shipped()
    weights.save(tmp_path / "scorer.npz")
    again = Weights.load(tmp_path / "scorer.npz")
    assert again.relations == weights.relations == tuple(SCHEMA.relations)
    assert np.allclose(again.linear.weights, weights.linear.weights, atol=np.abs(weights.linear.weights).max() / 250)
    assert np.array_equal(again.trees.value, weights.trees.value)
    assert np.array_equal(again.threshold, weights.threshold)


def test_weights_are_plain_arrays_of_a_few_megabytes():
    folder = Path(pipeline.__file__).parent / "weights"
    assert (folder / "scorer.npz").stat().st_size < 5_000_000
    with np.load(folder / "scorer.npz", allow_pickle=False) as stored:
        assert all(array.dtype != object for array in stored.values())


def test_a_file_that_holds_no_weights_is_named(tmp_path: Path):
    (tmp_path / "scorer.npz").write_bytes(b"nothing of the kind")
    with pytest.raises(PipelineError, match=r"scorer\.npz holds no weights"):
        Weights.load(tmp_path / "scorer.npz")


def test_a_directory_of_weights_takes_the_place_of_the_packages_own(tmp_path: Path):
    shipped().save(tmp_path / "scorer.npz")
    shipped_kinds().save(tmp_path / "kinds.json")
    shipped_spelling().save(tmp_path / "spelling.npz")
    own, other = pipeline.load(SCHEMA), pipeline.load(SCHEMA, weights=tmp_path)
    article = Article("a", "Microsoft invested in Mistral AI. Apple denied that it would buy Mistral AI.")
    assert own(article).claims == other(article).claims != ()


def test_the_scorer_does_not_look_at_the_arguments_names(extractor):
    scan = scanner(SCHEMA)
    found = []
    for text in ("Microsoft bought Samsung last week.", "Google bought Microsoft last week.", "Amazon bought Google last week."):
        doc = extractor.doc(Article("a", text))
        found.append(Scorer(shipped())(scan(doc, list(doc.spans["mentions"])), scan.relations).probability)
    assert len(found[0]) > 0
    assert np.allclose(found[0], found[1])
    assert np.allclose(found[0], found[2])
