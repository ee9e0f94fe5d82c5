"""Fixtures shared by all tests."""

from pathlib import Path

import pytest

SHARED = Path(__file__).resolve().parents[2] / "shared"


@pytest.fixture(scope="session")
def shared_dir() -> Path:
    """The annotated articles beside the project; tests that need them are skipped where they are not."""
    if not (SHARED / "gold").is_dir():
        pytest.skip("the annotated articles (../shared) are not beside this checkout")
    return SHARED
