"""Fixtures: `kg` as its own process, on data that was made once."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

KG = str(Path(sys.executable).with_name("kg"))
ROOT = Path(__file__).resolve().parents[2]
STAKE = ROOT / "examples" / "microsoft-mistral-partnership.md"

type Done = subprocess.CompletedProcess[str]


def call(*arguments: object, cwd: Path, stdin: str = "", **variables: str) -> Done:
    """Runs `kg` with these arguments and KG_* variables, in `cwd`."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("KG_")}
    environment = {**clean, "COLUMNS": "200", **variables}
    command = [KG, *map(str, arguments)]
    return subprocess.run(command, cwd=cwd, env=environment, input=stdin, capture_output=True, text=True, timeout=120)


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
