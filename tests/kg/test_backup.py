"""Backups: written whole or not at all, refused when damaged, restored exactly."""

import hashlib
import json
import zipfile
from pathlib import Path
from types import SimpleNamespace

import pytest
from claims_graph import BASE, Said, extraction, known, store
from pyoxigraph import NamedNode, Quad

from kg import backup, datadir, replacing, snapshots, tokens
from kg.errors import DataError, LockedError
from kg.settings import Settings
from kg.store import locked, open_writer

QUADS = frozenset(
    store(
        extraction(
            "a",
            Said("Microsoft took a stake in Mistral AI.", known("Microsoft", "Microsoft"), "investsIn", known("Mistral AI", "Mistral_AI")),
        )
    )
)

OTHER = {Quad(*map(NamedNode, ("https://example.org/s", "https://example.org/p", "https://example.org/o", "https://example.org/g")))}


def settings(data: Path) -> Settings:
    return Settings.load(data=data, lock_timeout_s=0.2)


def fill(data: Path, quads: frozenset[Quad] = QUADS) -> Path:
    with open_writer(settings(data).model_copy(update={"base_iri": BASE})) as writer:
        writer.apply([], quads)
        writer.record(ontology="o", gazetteer="g")
        writer.publish()
    return data


def published(data: Path) -> set[Quad]:
    with snapshots.current(data) as snapshot:
        return set(snapshot.open())


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return fill(tmp_path / "data")


@pytest.fixture
def saved(data: Path, tmp_path: Path) -> Path:
    backup.back_up(settings(data), tmp_path / "graph.zip")
    return tmp_path / "graph.zip"


def test_a_backup_brings_everything_back(data: Path, saved: Path, tmp_path: Path):
    manifest = backup.restore(settings(tmp_path / "restored"), saved, replace=False)
    assert manifest.quads == len(QUADS)
    assert published(tmp_path / "restored") == QUADS
    assert datadir.open_existing(tmp_path / "restored") == datadir.DataDir(tmp_path / "restored", BASE, "o", "g")
    with open_writer(settings(tmp_path / "restored")) as writer:
        assert set(writer.lookup(None, None, None, None)) == QUADS
        assert not writer.unpublished


def test_a_backup_brings_back_graphs_that_hold_nothing(data: Path, saved: Path, tmp_path: Path):
    assert backup.verify(saved).format == 1, "as before, where there are none"
    with open_writer(settings(data)) as writer:
        writer.update("CREATE GRAPH <https://example.org/b> ; CREATE GRAPH <https://example.org/a>")
        writer.publish()
    manifest = backup.back_up(settings(data), saved)
    assert (manifest.format, manifest.empty_graphs) == (2, ["https://example.org/a", "https://example.org/b"])
    assert backup.restore(settings(tmp_path / "restored"), saved, replace=False) == manifest
    assert published(tmp_path / "restored") == QUADS
    for folder in (data, tmp_path / "restored"):
        with snapshots.current(folder) as snapshot:
            graphs = {graph.value for graph in snapshot.open().named_graphs()}
        assert graphs == {quad.graph_name.value for quad in QUADS} | set(manifest.empty_graphs)


@pytest.mark.parametrize("named", ["https://example.org/a", [1], ["no IRI"]])
def test_a_backup_whose_empty_graphs_have_no_names_is_damaged(saved: Path, named: object):
    rewritten(saved, format=2, empty_graphs=named)
    with pytest.raises(DataError, match="is damaged"):
        backup.verify(saved)


def test_any_tool_can_read_a_backup(saved: Path):
    with zipfile.ZipFile(saved) as archive:
        assert sorted(archive.namelist()) == ["graph.nq", "manifest.json"]
        assert archive.read("graph.nq").count(b"\n") == len(QUADS) == json.loads(archive.read("manifest.json"))["quads"]


def test_a_backup_holds_no_tokens(data: Path, saved: Path):
    (data / "tokens.json").write_text("[]")
    backup.back_up(settings(data), saved)
    with zipfile.ZipFile(saved) as archive:
        assert "tokens.json" not in archive.namelist()


def test_a_backup_can_be_written_while_somebody_writes(data: Path, tmp_path: Path):
    with open_writer(settings(data)):
        assert backup.back_up(settings(data), tmp_path / "graph.zip").quads == len(QUADS)


def rewritten(path: Path, *, graph: bytes | None = None, **manifest: object) -> None:
    """The same backup with another content."""
    with zipfile.ZipFile(path) as archive:
        lines, fields = archive.read("graph.nq"), json.loads(archive.read("manifest.json"))
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("graph.nq", lines if graph is None else graph)
        archive.writestr("manifest.json", json.dumps(fields | manifest))


def vouched(path: Path, graph: bytes) -> None:
    """The same backup with another graph, with which the manifest agrees."""
    rewritten(path, graph=graph, quads=graph.count(b"\n"), sha256=hashlib.sha256(graph).hexdigest())


def marked(path: Path, offset: int, value: int) -> None:
    """The same archive with a value in the header of every member, at an offset in the central directory's form."""
    content = bytearray(path.read_bytes())
    for signature, shift in ((b"PK\x03\x04", -2), (b"PK\x01\x02", 0)):
        start = -1
        while (start := content.find(signature, start + 1)) >= 0:
            content[start + offset + shift] = value
    path.write_bytes(content)


def flip_a_bit(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 3] ^= 1
    path.write_bytes(content)


def listed(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("graph.nq", b"")
        archive.writestr("manifest.json", "[]")


DAMAGE = {
    "cut off": lambda path: path.write_bytes(path.read_bytes()[:-100]),
    "one bit": flip_a_bit,
    "a line less": lambda path: rewritten(path, graph=b""),
    "another hash": lambda path: rewritten(path, sha256="0" * 64),
    "another number": lambda path: rewritten(path, quads=len(QUADS) + 1),
    "no manifest": lambda path: zipfile.ZipFile(path, "w").close(),
    "no archive": lambda path: path.write_text("text"),
    "empty": lambda path: path.write_bytes(b""),
    "unknown field": lambda path: rewritten(path, extra=1),
    "no N-Quads": lambda path: vouched(path, b"this is no quad\n"),
    "a comment for a quad": lambda path: vouched(path, b"# no quad\n"),
    "encrypted": lambda path: marked(path, 8, 1),
    "unknown compression": lambda path: marked(path, 10, 99),
    "a number for the base IRI": lambda path: rewritten(path, base_iri=7),
    "a base IRI that is none": lambda path: rewritten(path, base_iri="nonsense"),
    "a base IRI without its slash": lambda path: rewritten(path, base_iri=BASE.removesuffix("/")),
    "text for a number": lambda path: rewritten(path, quads=str(len(QUADS))),
    "a number for a hash": lambda path: rewritten(path, ontology=5),
    "a list for the manifest": listed,
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_backup_is_refused_and_changes_nothing(data: Path, saved: Path, tmp_path: Path, damage: str):
    DAMAGE[damage](saved)
    with pytest.raises(DataError, match=r"graph\.zip is damaged.*; use another backup"):
        backup.verify(saved)
    with pytest.raises(DataError, match=r"graph\.zip is damaged.*; use another backup"):
        backup.restore(settings(data), saved, replace=True)
    assert published(data) == QUADS
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["data", "graph.zip"]


def test_a_backup_of_another_version_is_refused(saved: Path):
    rewritten(saved, format=9)
    with pytest.raises(DataError, match="has format 9, and this version reads up to 2; update aikg"):
        backup.verify(saved)


def test_a_backup_that_is_not_there_is_reported(tmp_path: Path):
    with pytest.raises(DataError, match=r"cannot read the backup .*No such file"):
        backup.verify(tmp_path / "missing.zip")


def test_data_that_is_there_is_not_overwritten(data: Path, saved: Path):
    with pytest.raises(DataError, match="holds data already; give another --data, or --replace"):
        backup.restore(settings(data), saved, replace=False)


def test_what_is_replaced_is_moved_aside(data: Path, saved: Path, tmp_path: Path):
    with open_writer(settings(data)) as writer:
        writer.apply(QUADS, [])
        writer.publish()
    backup.restore(settings(data), saved, replace=True)
    assert published(data) == QUADS
    assert published(tmp_path / "data.replaced") == set()


def test_the_snapshot_is_numbered_above_those_of_the_directory_that_is_replaced(data: Path, saved: Path):
    with open_writer(settings(data)) as writer:
        before = [writer.publish().number for _ in range(3)][-1]
    backup.restore(settings(data), saved, replace=True)
    assert snapshots.current_number(data) == before + 1
    backup.restore(settings(data), saved, replace=True)
    assert snapshots.current_number(data) == before + 2


class Killed(BaseException):
    """In the place of a power cut."""


@pytest.mark.parametrize("step", range(1, 7))
def test_a_replacement_that_breaks_off_leaves_one_graph_or_the_other(
    data: Path, saved: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: int
):
    with open_writer(settings(data)) as writer:
        writer.apply(QUADS, OTHER)
        writer.publish()
    steps = iter(range(step - 1))

    def stop(_: Path) -> None:
        if next(steps, None) is None:
            raise Killed

    with monkeypatch.context() as patched, pytest.raises(Killed):
        patched.setattr(replacing, "datadir", SimpleNamespace(sync=stop, read=datadir.read))
        backup.restore(settings(data), saved, replace=True)
    assert published(data) in (QUADS, OTHER)
    try:
        with open_writer(settings(data)) as writer:
            assert set(writer.store) in (QUADS, OTHER)
            assert writer.unpublished or set(writer.store) == published(data)
    except DataError as error:
        assert "has a snapshot but no store; `kg restore` a backup with --replace" in str(error)
    backup.restore(settings(data), saved, replace=True)
    assert published(data) == QUADS
    with open_writer(settings(data)) as writer:
        assert set(writer.store) == QUADS
        assert not writer.unpublished
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["data", "data.replaced", "graph.zip"]


def test_readers_of_what_is_replaced_go_on(data: Path, saved: Path):
    with snapshots.current(data) as before:
        backup.restore(settings(data), saved, replace=True)
        assert set(before.open()) == QUADS
    assert published(data) == QUADS


def test_a_damaged_store_can_be_replaced(data: Path, saved: Path, tmp_path: Path):
    (data / "store" / "CURRENT").write_text("damage")
    backup.restore(settings(data), saved, replace=True)
    assert published(data) == QUADS
    assert (tmp_path / "data.replaced" / "store" / "CURRENT").read_text() == "damage"


def test_data_that_somebody_writes_to_is_not_moved(data: Path, saved: Path):
    with locked(data, 0), pytest.raises(LockedError):
        backup.restore(settings(data), saved, replace=True)
    assert published(data) == QUADS


def test_a_directory_with_other_files_is_left_alone(saved: Path, tmp_path: Path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("dear")
    with pytest.raises(DataError, match=r"cannot write to the data directory .*not empty"):
        backup.restore(settings(tmp_path / "mine"), saved, replace=True)
    assert [entry.name for entry in (tmp_path / "mine").iterdir()] == ["letter.txt"]


def test_an_empty_directory_is_filled(saved: Path, tmp_path: Path):
    (tmp_path / "new").mkdir()
    backup.restore(settings(tmp_path / "new"), saved, replace=False)
    assert published(tmp_path / "new") == QUADS


def test_a_directory_for_which_only_tokens_were_made_is_filled_and_keeps_them(saved: Path, tmp_path: Path):
    secret = tokens.create(tmp_path / "new", "ada", [tokens.Scope.INGEST])
    backup.restore(settings(tmp_path / "new"), saved, replace=False)
    assert published(tmp_path / "new") == QUADS
    assert tokens.verify(tmp_path / "new", secret)


def test_a_backup_that_cannot_be_written_leaves_the_old_one(data: Path, tmp_path: Path):
    (tmp_path / "folder.zip").mkdir()
    with pytest.raises(DataError, match=r"cannot write the backup .*: it is there and is no file; nothing was kept"):
        backup.back_up(settings(data), tmp_path / "folder.zip")
    with pytest.raises(DataError, match="cannot write the backup"):
        backup.back_up(settings(data), tmp_path / "missing" / "graph.zip")
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["data", "folder.zip"]
