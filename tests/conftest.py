"""Fixtures shared by all tests."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

SHARED = Path(__file__).resolve().parents[2] / "shared"


@pytest.fixture
def open_path() -> Iterator[Path]:
    """A directory that other users may read; pytest closes its own to them, whenever another session starts."""
    with TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.fixture(scope="session")
def shared_dir() -> Path:
    """The annotated articles beside the project; tests that need them are skipped where they are not."""
    if not (SHARED / "gold").is_dir():
        pytest.skip("the annotated articles (../shared) are not beside this checkout")
    return SHARED
