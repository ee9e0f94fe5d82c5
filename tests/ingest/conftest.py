"""The real pipeline, loaded once."""

import pytest

from ingest import pipeline
from ingest.model import Schema
from kg.ontology import schema as read_schema
from kg.settings import DEFAULT_BASE_IRI


@pytest.fixture(scope="session")
def schema() -> Schema:
    """The project's own relations and known entities."""
    return read_schema(DEFAULT_BASE_IRI)


@pytest.fixture(scope="session")
def extractor(schema: Schema) -> pipeline.Extractor:
    """The pipeline on its default model."""
    return pipeline.load(schema, model=pipeline.DEFAULT_MODEL)
