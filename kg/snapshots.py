"""Published snapshots: whole, immutable copies of the store that readers open while a writer goes on.

A snapshot is made of hard links (a RocksDB checkpoint) beside the others and becomes `current` by renaming a symbolic link, so a reader
sees the old one or the new one. A reader holds a shared lock on `snapshots/N.lock`; the publisher removes a snapshot only when it gets that
lock for itself. Locks end with their process, so a killed reader holds nothing.
"""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from pyoxigraph import Store

from kg.datadir import DataDir, open_existing, sync
from kg.errors import DataError

_TRIES = 100


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A published state of the data. Numbers only grow."""

    number: int
    path: Path
    base_iri: str

    def open(self) -> Store:
        """The snapshot as a read-only store; any number of processes can. Raises DataError when its files are damaged."""
        try:
            return Store.read_only(str(self.path))
        except (OSError, RuntimeError, ValueError) as error:
            raise DataError(f"snapshot {self.path} is damaged: {error}; {_REMEDY}") from error

    @contextmanager
    def copy(self) -> Iterator[Store]:
        """One state of everything, until the block ends: the snapshot itself."""
        yield self.open()


_REMEDY = "`kg publish` makes a new one from the store, `kg restore` brings back a backup"


def current_number(data: Path) -> int | None:
    """The number of the published snapshot, or None before the first; costs one system call. Raises DataError for a damaged `current`."""
    link = data / "current"
    try:
        return int(link.readlink().name)
    except FileNotFoundError:
        return None
    except (ValueError, OSError) as error:
        raise DataError(f"{link} is no link to a snapshot ({error}); remove it, then {_REMEDY}") from error


@contextmanager
def current(data: Path) -> Iterator[Snapshot]:
    """The published snapshot, which stays on disk until the block ends. Raises DataError when there is none or it is damaged."""
    base_iri = open_existing(data).base_iri
    number, lock = _hold_current(data)
    try:
        yield Snapshot(number, _folder(data) / str(number), base_iri)
    finally:
        os.close(lock)


def _hold_current(data: Path) -> tuple[int, int]:
    for _ in range(_TRIES):
        number = current_number(data)
        if number is None:
            raise DataError(f"no snapshot published in {data} yet; `kg ingest` publishes one")
        if (lock := _hold(data, number)) is not None:
            return number, lock
        if current_number(data) == number:
            raise DataError(f"{data / 'current'} names snapshot {number}, which is not there; {_REMEDY}")
    raise DataError(f"snapshots in {data} change faster than they can be opened; try again")


def _hold(data: Path, number: int) -> int | None:
    """A descriptor with a shared lock, or None when the snapshot was removed meanwhile."""
    lock = _folder(data) / f"{number}.lock"
    try:
        descriptor = os.open(lock, os.O_RDONLY)
    except FileNotFoundError:
        return None
    fcntl.flock(descriptor, fcntl.LOCK_SH)
    with suppress(FileNotFoundError):
        if os.path.samestat(os.fstat(descriptor), lock.stat()) and (_folder(data) / str(number)).is_dir():
            return descriptor
    os.close(descriptor)
    return None


def publish(store: Store, data: DataDir, *, above: int = 0) -> Snapshot:
    """Makes the store's present state the current snapshot and removes those that nobody reads. The caller holds the writer's lock.

    Its number is above those of all others here, and above `above`.
    """
    folder = _folder(data.path)
    folder.mkdir(exist_ok=True)
    number = max(highest(data.path), above) + 1
    snapshot = Snapshot(number, folder / str(number), data.base_iri)
    (folder / f"{number}.lock").touch()
    store.backup(str(snapshot.path))
    _sync_snapshot(snapshot.path)
    _switch(data.path, number)
    data.unpublished.unlink(missing_ok=True)
    clean(data.path)
    return snapshot


def highest(data: Path) -> int:
    """The highest number of a snapshot that is or was being made, 0 before the first."""
    folder = _folder(data)
    return max(_numbers(folder), default=0) if folder.is_dir() else 0


def clean(data: Path) -> None:
    """Removes old snapshots that nobody reads, and what a killed publisher left. The caller holds the writer's lock."""
    folder = _folder(data)
    if not folder.is_dir():
        return
    keep = current_number(data)
    for number in _numbers(folder) - {keep}:
        _remove_unused(folder, number)
    for half_made in folder.glob("*.tmp"):
        shutil.rmtree(half_made)


def _remove_unused(folder: Path, number: int) -> None:
    lock = folder / f"{number}.lock"
    descriptor = os.open(lock, os.O_RDONLY | os.O_CREAT, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return
    else:
        shutil.rmtree(folder / str(number), ignore_errors=True)
        lock.unlink(missing_ok=True)
    finally:
        os.close(descriptor)


def _switch(data: Path, number: int) -> None:
    new = data / ".current.new"
    new.unlink(missing_ok=True)
    new.symlink_to(Path("snapshots") / str(number))
    new.replace(data / "current")
    sync(data)


def _sync_snapshot(path: Path) -> None:
    """RocksDB has synced its tables; the few small files that a checkpoint copies follow here."""
    for file in path.iterdir():
        if file.suffix != ".sst":
            sync(file)
    sync(path)
    sync(path.parent)


def _numbers(folder: Path) -> set[int]:
    """Of every snapshot that is or was being made."""
    return {int(entry.name.removesuffix(".lock")) for entry in folder.iterdir() if entry.name.removesuffix(".lock").isdecimal()}


def _folder(data: Path) -> Path:
    return data / "snapshots"
