"""The writer's store: one writer, transactions that are whole, and a base IRI that stays."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from pyoxigraph import BlankNode, Literal, NamedNode, Quad

from kg import datadir
from kg.errors import DataError, LockedError, SettingError
from kg.settings import Settings
from kg.snapshots import current
from kg.store import open_writer

S, P, G, H = (NamedNode(f"https://example.org/{name}") for name in "spgh")


def quad(value: object, graph: NamedNode = G) -> Quad:
    return Quad(S, P, Literal(value) if isinstance(value, str) else value, graph)  # type: ignore[arg-type]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings.load(data=tmp_path / "data", lock_timeout_s=0.2)


def stored(settings: Settings) -> set[Quad]:
    with open_writer(settings) as writer:
        return set(writer.lookup(None, None, None, None))


def test_what_was_written_is_there_when_it_is_opened_again(settings: Settings):
    with open_writer(settings) as writer:
        writer.apply([], [quad("a"), quad("b", H)])
        writer.apply([quad("a")], [quad("c")])
    assert stored(settings) == {quad("b", H), quad("c")}


def test_a_graph_that_ends_up_empty_is_dropped(settings: Settings):
    with open_writer(settings) as writer:
        writer.apply([], [quad("a"), quad("b", H)])
        writer.apply([quad("a")], [])
        assert list(writer.store.named_graphs()) == [H]
        writer.apply([quad("b", H)], [quad("c", H)])
        assert set(writer.lookup(None, None, None, None)) == {quad("c", H)}


def test_a_quad_with_a_blank_node_is_taken_out_and_its_neighbours_stay(settings: Settings):
    with open_writer(settings) as writer:
        writer.store.add(quad(BlankNode("x")))
        writer.apply([], [quad("a")])
        (blank,) = (found for found in writer.lookup(None, None, None, None) if isinstance(found.object, BlankNode))
        writer.apply([blank], [quad("b")])
        assert set(writer.lookup(None, None, None, None)) == {quad("a"), quad("b")}


@pytest.mark.parametrize("text", ['"', "\\", "\n\r\t", "}} ; DROP ALL", "\u2028é🇫🇷", "'''"])
def test_any_text_is_written_and_taken_out_as_it_is(settings: Settings, text: str):
    with open_writer(settings) as writer:
        writer.apply([], [quad(text), quad("stays")])
        writer.apply([quad("stays")], [quad("other")])
        assert quad(text) in set(writer.lookup(None, None, None, None))
        writer.apply([quad(text)], [])
        assert set(writer.lookup(None, None, None, None)) == {quad("other")}


def test_an_update_that_fails_changes_nothing(settings: Settings):
    with open_writer(settings) as writer:
        writer.apply([], [quad("a")])
        with pytest.raises(DataError):
            writer.update(f"DELETE WHERE {{ GRAPH {G} {{ ?s ?p ?o }} }}; LOAD <file:///nowhere>")
        with pytest.raises(SyntaxError):
            writer.update("no SPARQL")
        assert set(writer.lookup(None, None, None, None)) == {quad("a")}


def test_a_change_of_nothing_leaves_nothing_to_publish(settings: Settings):
    with open_writer(settings) as writer:
        writer.publish()
        writer.apply([], [])
        assert not writer.unpublished


def test_the_store_is_ahead_of_the_snapshot_until_it_is_published(settings: Settings):
    with open_writer(settings) as writer:
        assert writer.unpublished  # there is no snapshot yet
        writer.apply([], [quad("a")])
    with open_writer(settings) as writer:
        assert writer.unpublished
        writer.publish()
        assert not writer.unpublished
    with current(settings.data) as snapshot:
        assert set(snapshot.open()) == {quad("a")}


def test_a_second_writer_waits_and_then_says_so(settings: Settings):
    with open_writer(settings), pytest.raises(LockedError, match=r"another process is writing to .* within 0.2 s; try again"):
        stored(settings)
    assert stored(settings) == set()


def test_another_program_in_the_store_is_reported(settings: Settings):
    with open_writer(settings):
        pass
    code = f"import pyoxigraph, sys; s = pyoxigraph.Store({str(settings.data / 'store')!r}); print('open', flush=True); sys.stdin.read()"
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None and other.stdout.readline()
        with pytest.raises(LockedError, match=r"another program has .*store open"):
            stored(settings)
        other.kill()


def test_a_writer_that_is_killed_lets_go_and_loses_nothing_that_was_written(settings: Settings):
    code = f"""
import os, signal
from kg.settings import Settings
from kg.store import open_writer
from pyoxigraph import *
with open_writer(Settings.load(data={str(settings.data)!r})) as writer:
    writer.apply([], [Quad({S!r}, {P!r}, Literal("a"), {G!r})])
    os.kill(os.getpid(), signal.SIGKILL)
""".replace("<NamedNode value=", "NamedNode('").replace(">", "')")
    assert subprocess.run([sys.executable, "-c", code]).returncode == -signal.SIGKILL
    with open_writer(settings) as writer:
        assert set(writer.lookup(None, None, None, None)) == {quad("a")}
        assert writer.unpublished


def test_an_error_in_the_block_lets_go_of_the_store(settings: Settings):
    with pytest.raises(ZeroDivisionError), open_writer(settings) as writer:
        writer.apply([], [quad("a")])
        _ = 1 / 0
    assert stored(settings) == {quad("a")}


def test_the_base_iri_is_fixed_when_the_directory_is_made(settings: Settings):
    first = settings.model_copy(update={"base_iri": "https://example.org/kg"})
    with open_writer(first) as writer:
        assert writer.data.base_iri == "https://example.org/kg/"
    with open_writer(settings) as writer:
        assert writer.data.base_iri == "https://example.org/kg/"
    other = settings.model_copy(update={"base_iri": "https://example.com/"})
    with pytest.raises(
        DataError, match=r"was made with the base IRI https://example\.org/kg/, not https://example\.com/; leave KG_BASE_IRI"
    ):
        stored(other)


def test_a_base_iri_that_is_none_makes_no_directory(settings: Settings):
    with pytest.raises(SettingError, match="is no IRI"):
        stored(settings.model_copy(update={"base_iri": "no iri"}))
    assert not settings.data.exists()


def test_a_store_without_its_description_is_not_taken_for_new(settings: Settings):
    stored(settings)
    (settings.data / "kg.json").unlink()
    with pytest.raises(DataError, match=r"has a store but no kg\.json"):
        stored(settings)


def test_a_snapshot_without_its_store_is_not_taken_for_an_empty_graph(settings: Settings):
    with open_writer(settings) as writer:
        writer.publish()
    shutil.rmtree(settings.data / "store")
    with pytest.raises(DataError, match=r"has a snapshot but no store; `kg restore` a backup with --replace"), open_writer(settings):
        pass
    assert not (settings.data / "store").exists()


def test_a_damaged_store_is_reported(settings: Settings):
    stored(settings)
    (settings.data / "store" / "CURRENT").write_text("damage")
    with pytest.raises(DataError, match=r"cannot open the store in .*; check its permissions, or `kg restore` a backup"):
        stored(settings)


def test_a_file_in_the_place_of_the_directory_is_reported(settings: Settings):
    settings.data.write_text("a file")
    with pytest.raises(DataError, match=r"cannot write to the data directory .*; choose another with --data"):
        stored(settings)
    assert settings.data.read_text() == "a file"


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become somebody else")
def test_a_directory_that_may_not_be_written_is_reported_and_still_read(open_path: Path):
    """Root may write anywhere, so another user tries."""
    settings = Settings.load(data=open_path / "data")
    with open_writer(settings) as writer:
        writer.apply([], [quad("a")])
        writer.publish()
    code = f"""
import os
from pathlib import Path
from kg.errors import DataError
from kg.settings import Settings
from kg.store import open_writer
from kg.snapshots import current
os.setgid(65534); os.setuid(65534)
with current(Path({str(settings.data)!r})) as snapshot:
    assert len(list(snapshot.open())) == 1
try:
    with open_writer(Settings.load(data={str(settings.data)!r})):
        pass
except DataError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "cannot write to the data directory" in done.stdout, done.stderr
    assert "Permission denied" in done.stdout


def test_the_description_keeps_what_the_graphs_were_computed_with(settings: Settings):
    with open_writer(settings) as writer:
        writer.record(ontology="o", gazetteer="g")
    found = datadir.open_existing(settings.data)
    assert (found.ontology, found.gazetteer) == ("o", "g")
