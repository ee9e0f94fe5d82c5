"""Query workers use the allocator that was set, and keep their cap on memory with each."""

from pathlib import Path

import pytest
from abusive import ABUSIVE
from serving import fill, serving

from kg.errors import SettingError
from kg.settings import Settings
from kg.workers.allocator import AUTO, SYSTEM, environment, mimalloc

LIBRARY = mimalloc()
needs_mimalloc = pytest.mark.skipif(LIBRARY is None, reason="mimalloc is not installed (Debian: libmimalloc2.0)")


def test_the_systems_own_needs_nothing():
    assert environment(SYSTEM) == {}


@pytest.mark.parametrize("setting", ["", "libmimalloc.so.2", "/nowhere/libmimalloc.so.2", "/"])
def test_what_is_no_path_of_a_library_is_refused(setting: str):
    with pytest.raises(SettingError, match="KG_QUERY_ALLOCATOR"):
        environment(setting)


def test_a_path_with_two_names_is_refused(tmp_path: Path):
    (tmp_path / "a:b.so").touch()
    with pytest.raises(SettingError, match="absolute path"):
        environment(str(tmp_path / "a:b.so"))


@pytest.mark.parametrize(
    "setting", [SYSTEM, pytest.param(AUTO, marks=needs_mimalloc), pytest.param(str(LIBRARY), marks=needs_mimalloc, id="path")]
)
def test_a_worker_uses_it_and_keeps_its_cap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, setting: str):
    monkeypatch.setenv("KG_QUERY_ALLOCATOR", setting)
    (least_mb,) = (part.ge for part in Settings.model_fields["query_memory_mb"].metadata)
    fill(tmp_path / "data")
    with serving(tmp_path / "data", tmp_path / "log", query_workers=2, query_memory_mb=least_mb) as server, server.client() as client:
        mapped = [Path(f"/proc/{pid}/maps").read_text() for pid in server.workers()]
        assert mapped
        assert all(("libmimalloc" in maps) == (setting != SYSTEM) for maps in mapped)
        assert client.post("/sparql", data={"query": ABUSIVE["doubling"]}).status_code == 413
        answer = client.get("/sparql", params={"query": "SELECT * { ?s ?p ?o }"}, headers={"Accept": "text/csv"})
        assert (answer.status_code, len(answer.text.splitlines())) == (200, 6)
