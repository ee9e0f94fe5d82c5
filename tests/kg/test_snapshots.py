"""Snapshots: whole, immutable, switched atomically, and gone when nobody reads them."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from threading import Event, Thread

import pytest
from pyoxigraph import Literal, NamedNode, Quad

from kg import snapshots
from kg.errors import DataError
from kg.settings import Settings
from kg.store import Writer, open_writer

S, P, G = (NamedNode(f"https://example.org/{name}") for name in "spg")


def quad(value: str) -> Quad:
    return Quad(S, P, Literal(value), G)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def writer(data: Path) -> Iterator[Writer]:
    with open_writer(Settings.load(data=data)) as opened:
        yield opened


def publish(writer: Writer, value: str) -> int:
    """One more quad, in the number of a new snapshot."""
    writer.apply([], [quad(value)])
    return writer.publish().number


def there(data: Path) -> set[str]:
    return {entry.name for entry in (data / "snapshots").iterdir()}


def test_a_snapshot_never_changes(writer: Writer, data: Path):
    publish(writer, "a")
    with snapshots.current(data) as snapshot:
        store = snapshot.open()
        publish(writer, "b")
        assert set(store) == set(snapshot.open()) == {quad("a")}
    with snapshots.current(data) as snapshot:
        assert set(snapshot.open()) == {quad("a"), quad("b")}


def test_a_snapshot_is_made_of_hard_links(writer: Writer, data: Path):
    publish(writer, "a")
    tables = list((data / "current").resolve().glob("*.sst"))
    assert tables
    assert all(table.stat().st_nlink > 1 for table in tables)


def test_current_is_a_link_inside_the_directory_so_that_it_can_be_moved(writer: Writer, data: Path):
    number = publish(writer, "a")
    assert (data / "current").readlink() == Path("snapshots") / str(number)
    moved = data.rename(data.with_name("moved"))
    with snapshots.current(moved) as snapshot:
        assert set(snapshot.open()) == {quad("a")}


def test_an_old_snapshot_goes_when_the_next_is_published(writer: Writer, data: Path):
    publish(writer, "a")
    second = publish(writer, "b")
    assert there(data) == {str(second), f"{second}.lock"}


def test_an_old_snapshot_stays_while_it_is_read_and_goes_after(writer: Writer, data: Path):
    first = publish(writer, "a")
    with snapshots.current(data) as snapshot:
        publish(writer, "b")
        third = publish(writer, "c")
        assert there(data) == {str(first), f"{first}.lock", str(third), f"{third}.lock"}
        assert set(snapshot.open()) == {quad("a")}
    last = publish(writer, "d")
    assert there(data) == {str(last), f"{last}.lock"}


def test_a_reader_that_was_killed_holds_nothing(writer: Writer, data: Path):
    publish(writer, "a")
    code = f"""
import sys
from pathlib import Path
from kg.snapshots import current
with current(Path({str(data)!r})) as snapshot:
    snapshot.open()
    print("open", flush=True)
    sys.stdin.read()
"""
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as reader:
        assert reader.stdout is not None
        assert reader.stdout.readline() == b"open\n"
        second = publish(writer, "b")
        assert len(there(data)) == 4
        reader.kill()
    snapshots.clean(data)
    assert there(data) == {str(second), f"{second}.lock"}


def test_numbers_only_grow(writer: Writer):
    assert [publish(writer, value) for value in "abc"] == [1, 2, 3]


@pytest.mark.parametrize("left", ["snapshots/7.lock", "snapshots/7/CURRENT", "snapshots/7.tmp/CURRENT", ".current.new"])
def test_what_a_killed_publisher_left_is_no_obstacle_and_is_cleared_away(writer: Writer, data: Path, left: str):
    publish(writer, "a")
    (data / left).parent.mkdir(parents=True, exist_ok=True)
    (data / left).touch()
    number = publish(writer, "b")
    assert there(data) == {str(number), f"{number}.lock"}
    with snapshots.current(data) as snapshot:
        assert set(snapshot.open()) == {quad("a"), quad("b")}


def test_a_publisher_killed_before_the_switch_leaves_the_old_snapshot_current(writer: Writer, data: Path, monkeypatch: pytest.MonkeyPatch):
    first = publish(writer, "a")

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(snapshots, "_switch", killed)
        with pytest.raises(KeyboardInterrupt):
            publish(writer, "b")
    assert snapshots.current_number(data) == first
    assert writer.unpublished
    with snapshots.current(data) as snapshot:
        assert set(snapshot.open()) == {quad("a")}
    writer.publish()
    with snapshots.current(data) as snapshot:
        assert set(snapshot.open()) == {quad("a"), quad("b")}


def test_readers_only_ever_see_whole_snapshots_while_a_writer_publishes(writer: Writer, data: Path):
    publish(writer, "0")
    done, seen = Event(), []

    def read() -> None:
        while not done.is_set():
            with snapshots.current(data) as snapshot:
                seen.append(sorted(int(found.object.value) for found in snapshot.open()))  # type: ignore[union-attr]

    reader = Thread(target=read)
    reader.start()
    for value in range(1, 20):
        publish(writer, str(value))
    done.set()
    reader.join()
    assert seen
    assert all(values == list(range(len(values))) for values in seen)


def test_without_a_snapshot_the_remedy_is_named(data: Path):
    with pytest.raises(DataError, match=r"no data in"), snapshots.current(data):
        pass
    with open_writer(Settings.load(data=data)):
        pass
    with pytest.raises(DataError, match=r"no snapshot published in .* yet; `kg ingest` publishes one"), snapshots.current(data):
        pass


def test_a_current_that_is_no_link_is_reported(writer: Writer, data: Path):
    publish(writer, "a")
    (data / "current").unlink()
    (data / "current").write_text("1")
    with pytest.raises(DataError, match=r"current is no link to a snapshot .*; remove it, then `kg publish`"):
        snapshots.current_number(data)


def test_a_snapshot_that_is_gone_is_reported_and_publishing_brings_one_back(writer: Writer, data: Path):
    publish(writer, "a")
    (data / "snapshots" / "1.lock").unlink()
    with pytest.raises(DataError, match=r"names snapshot 1, which is not there; `kg publish` makes a new one"), snapshots.current(data):
        pass
    writer.publish()
    with snapshots.current(data) as snapshot:
        assert set(snapshot.open()) == {quad("a")}


def test_a_damaged_snapshot_is_reported(writer: Writer, data: Path):
    publish(writer, "a")
    current = (data / "current").resolve()
    (current / "CURRENT").unlink()
    with snapshots.current(data) as snapshot, pytest.raises(DataError, match=r"snapshot .* is damaged: .*; `kg publish` makes a new one"):
        snapshot.open()
