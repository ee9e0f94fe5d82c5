"""Fixtures: the real pipeline, loaded once, into data directories of the test's own."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kg import build
from kg.articles import articles
from kg.build import Ingest
from kg.settings import DEFAULT_BASE_IRI, Settings
from kg.summary import Event, Summary

type Loaded = tuple[Any, build.Run, build.Schema]


@pytest.fixture(scope="session")
def loaded() -> Loaded:
    """The pipeline, its run and its schema."""
    return build.load_extractor(Settings.load(), DEFAULT_BASE_IRI)


@pytest.fixture
def ingest(loaded: Loaded, tmp_path: Path) -> Callable[..., Summary]:
    """What `kg ingest` does, into `tmp_path / "data"` unless `data` says otherwise, with the pipeline that is loaded already."""

    def run(
        *paths: Path, data: Path = tmp_path / "data", keep_text: bool = False, report: Callable[[Event], None] = lambda _: None
    ) -> Summary:
        settings = Settings.load(data=data)
        extractor, run, schema = loaded
        batch = Ingest(settings, build.prepare(settings), run, schema, keep_text=keep_text, report=report)
        return batch(articles([str(path) for path in paths]), extractor.extract)

    return run
