"""The benchmarks run, and what they load is what they say."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from pyoxigraph import RdfFormat, Store, parse

from benchmarks.serve import generate
from benchmarks.serve.questions import KINDS, variants

ROOT = Path(__file__).resolve().parents[1]
QUADS = 20_000


def test_generated_quads_are_as_many_as_asked_for_and_the_same_every_time(tmp_path: Path):
    for name in ("a.nq", "b.nq"):
        generate.write(tmp_path / name, QUADS)
    assert (tmp_path / "a.nq").read_bytes() == (tmp_path / "b.nq").read_bytes()
    assert len(set(parse(path=tmp_path / "a.nq", format=RdfFormat.N_QUADS))) == QUADS


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_query_finds_something(kind: str, tmp_path: Path):
    generate.write(tmp_path / "a.nq", QUADS)
    store = Store()
    store.bulk_load(path=tmp_path / "a.nq", format=RdfFormat.N_QUADS)
    assert any(list(store.query(query, use_default_graph_as_union=True)) for query in variants(kind, QUADS)[:20])


@pytest.mark.slow
def test_serving_is_measured_beside_the_native_server(tmp_path: Path):
    flags = ["--quads", str(QUADS), "--servers", "ours", "native", "--kinds", "point", "construct", "--clients", "2", "--seconds", "1"]
    command = [sys.executable, "-m", "benchmarks.serve", *flags, "--rounds", "1", "--json", str(tmp_path / "out.json")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "ours ÷ native" in done.stdout
    found = json.loads((tmp_path / "out.json").read_text())
    assert {server: m["failed"] for run in found["rounds"] for server, m in run["servers"].items()} == {"ours": 0, "native": 0}
