"""What a restore that is killed leaves behind, and who removes it."""

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from test_backup import QUADS, fill, published, settings

from kg import backup, build, building
from kg.errors import DataError
from kg.web import server

# a restore that has filled its folder and goes on when it is told to
RESTORING = """
import sys
from pathlib import Path
from kg import backup
from kg.settings import Settings
count = backup._count
def wait(*arguments):
    print("building", flush=True)
    assert sys.stdin.readline()
    count(*arguments)
backup._count = wait
backup.restore(Settings.load(data=sys.argv[1]), Path(sys.argv[2]), replace=True)
"""


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    backup.back_up(settings(fill(tmp_path / "source")), tmp_path / "graph.zip")
    return tmp_path / "graph.zip"


@pytest.fixture(params=["in it", "beside it"])
def target(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """A data directory in which a restore builds, or a name beside which it does."""
    (tmp_path / "place").mkdir()
    return fill(tmp_path / "place" / "data") if request.param == "in it" else tmp_path / "place" / "data"


@contextmanager
def restoring(target: Path, saved: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that is building, until the block ends."""
    command = [sys.executable, "-c", RESTORING, str(target), str(saved)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "building\n"
        try:
            yield process
        finally:
            process.kill()


def left(target: Path) -> list[Path]:
    """The folders of restores."""
    return [path for path in (target.parent).rglob(".*restore-*") if (path / "data" / "store").is_dir()]


def serve(target: Path, _saved: Path) -> None:
    """What `kg serve` does first."""
    with suppress(DataError):  # there may be nothing to serve
        server.recover(settings(target))


def ingest(target: Path, _saved: Path) -> None:
    """What `kg ingest` does first."""
    build.prepare(settings(target))


def restore(target: Path, saved: Path) -> None:
    backup.restore(settings(target), saved, replace=True)


@pytest.mark.parametrize("start", [serve, ingest, restore])
def test_what_a_killed_restore_leaves_is_removed_by_the_next_that_starts(target: Path, saved: Path, start: Callable[[Path, Path], None]):
    with restoring(target, saved):
        assert len(left(target)) == 1
    assert len(left(target)) == 1
    start(target, saved)
    assert left(target) == []


@pytest.mark.parametrize("start", [serve, ingest, restore])
def test_what_a_restore_is_building_stays(target: Path, saved: Path, start: Callable[[Path, Path], None]):
    with restoring(target, saved):
        before = left(target)
        start(target, saved)
        assert left(target) == before


def test_a_restore_goes_on_when_a_server_has_started_meanwhile(target: Path, saved: Path):
    with restoring(target, saved) as process:
        serve(target, saved)
        process.communicate("go on\n")
        assert process.returncode == 0
    assert published(target) == QUADS
    assert left(target) == []


def test_a_folder_with_something_else_in_it_stays(target: Path, saved: Path):
    (target.parent / ".data.restore-notes").mkdir()
    (target.parent / ".data.restore-notes" / "letter.txt").write_text("dear")
    restore(target, saved)
    assert (target.parent / ".data.restore-notes" / "letter.txt").read_text() == "dear"


def test_a_folder_that_is_taken_for_left_before_it_is_locked_is_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    made: list[str] = []

    def make(**where: object) -> str:
        made.append(tempfile.mkdtemp(**where))
        if len(made) == 1:
            shutil.rmtree(made[0])
        return made[-1]

    with monkeypatch.context() as patched:
        patched.setattr(building, "tempfile", type("Tempfile", (), {"mkdtemp": staticmethod(make)}))
        with building.folder(tmp_path) as folder:
            assert folder.is_dir()
            assert str(folder) == made[1]
    assert list(tmp_path.iterdir()) == []
