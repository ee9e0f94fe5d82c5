"""docs/service.md names what there is."""

from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

DOCUMENT = (Path(__file__).parents[2] / "docs" / "service.md").read_text()


@pytest.mark.parametrize("kind", ["counter", "gauge", "histogram"])
def test_every_metric_is_documented(client: httpx.Client, kind: str):
    families = [family for family in text_string_to_metric_families(client.get("/metrics").text) if family.type == kind]
    names = {f"{family.name}_total" if kind == "counter" else family.name for family in families if not family.name.endswith("_created")}
    assert names
    assert {name for name in names if f"`{name}`" not in DOCUMENT} == set()
