"""What a name looks like, learned from known names."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ingest.components.spelling import Spelling, pieces, shipped_spelling
from ingest.errors import PipelineError
from ingest.model import EntityType, KnownEntity
from ingest.train.spelling import fit

FIRMS = [f"{first} {last}" for first in ("Qentra", "Norvex", "Tallow", "Ardent", "Bellis") for last in ("Labs", "Systems", "Robotics")]
MODELS = [f"{first}-{size}" for first in ("Lumo", "Vireo", "Kestrel", "Onyx", "Sable") for size in ("7B", "70B", "405B")]
GAZETTEER = [KnownEntity(name.replace(" ", "_"), name, EntityType.COMPANY) for name in FIRMS] + [
    KnownEntity(name, name, EntityType.AI_MODEL) for name in MODELS
]


def likeliest(found: dict[str, float]) -> str:
    return max(found, key=lambda name: found[name])


def test_the_pieces_of_a_name():
    assert list(pieces("A1")) == ["^", "A", "1", "$", "^A", "A1", "1$", "^A1", "A1$", "^A1$", "word a1", "last a1", "shape A"]


@pytest.mark.parametrize(("name", "kind"), [("Halden Robotics", "Company"), ("Petrel-13B", "AIModel")])
def test_a_new_name_looks_like_those_of_its_kind(name: str, kind: str):
    spelling, spelled = fit(GAZETTEER)
    assert likeliest(spelling(name)) == likeliest(dict(spelled(name))) == f"spelled={kind}"
    assert all(0 <= value <= 1.001 for value in spelling(name).values())


def test_a_known_name_is_judged_for_training_by_a_model_that_does_not_know_it():
    changed = [replace(GAZETTEER[0], type=EntityType.AI_MODEL), *GAZETTEER[1:]]
    (spelling, spelled), (spelling_changed, spelled_changed) = fit(GAZETTEER), fit(changed)
    name = GAZETTEER[0].label
    assert spelling(name) != spelling_changed(name)
    assert spelled(name) == spelled_changed(name)


def test_it_is_the_same_again_and_nearly_the_same_from_a_file(tmp_path: Path):
    spelling, again = fit(GAZETTEER)[0], fit(GAZETTEER, processes=2)[0]
    assert spelling("Halden Labs") == again("Halden Labs")
    spelling.save(tmp_path / "one.npz")
    again.save(tmp_path / "two.npz")
    assert (tmp_path / "one.npz").read_bytes() == (tmp_path / "two.npz").read_bytes()
    loaded = Spelling.load(tmp_path / "one.npz")("Halden Labs")
    assert np.allclose([loaded[name] for name in sorted(loaded)], [spelling("Halden Labs")[name] for name in sorted(loaded)], atol=0.02)


def test_a_file_that_holds_something_else_is_named(tmp_path: Path):
    (tmp_path / "spelling.npz").write_bytes(b"nothing of the kind")
    with pytest.raises(PipelineError, match=r"spelling\.npz holds no model of spelling"):
        Spelling.load(tmp_path / "spelling.npz")


@pytest.mark.parametrize("name", ["?", "  ", "株式会社", "x" * 500])
def test_any_name_is_judged(name: str):
    assert set(shipped_spelling()(name)) == {f"spelled={kind}" for kind in EntityType}
