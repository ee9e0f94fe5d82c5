"""Fixtures: `kg` in a directory of the test's own, on data that was made once."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from commands import STAKE, Done, call


@pytest.fixture
def kg(tmp_path: Path) -> Callable[..., Done]:
    """`kg` in a directory of the test's own."""
    return lambda *arguments, **options: call(*arguments, **{"cwd": tmp_path, **options})


@pytest.fixture(scope="session")
def _made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made")
    done = call("ingest", "--quiet", "--data", "data", STAKE, cwd=folder)
    assert done.returncode == 0, done.stderr
    return folder / "data"


@pytest.fixture
def data(_made: Path, tmp_path: Path) -> Path:
    """`./data` of the test's directory, with one article."""
    return Path(shutil.copytree(_made, tmp_path / "data", symlinks=True))
