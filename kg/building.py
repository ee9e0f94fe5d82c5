"""The folder in which a restore builds, beside the data directory or in it: gone when the restore ends.

A restore holds a lock on its folder, which ends with its process; so what a killed one has left can be told from what is being built.
"""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

PREFIX = ".restore-"
_BUILT = {"data", "replaced"}  # what a restore makes in its folder


@contextmanager
def folder(target: Path) -> Iterator[Path]:
    """An empty folder on the file system of the data directory `target`, in it where it is there, until the block ends. Raises OSError."""
    place, prefix = (target, PREFIX) if target.is_dir() else (target.parent, _beside(target))
    made, lock = _locked(place, prefix)
    try:
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)
        os.close(lock)


def remove_left(target: Path) -> None:
    """Removes the folders that killed restores of this data directory have left; those of restores that run stay."""
    for place, prefix in ((target, PREFIX), (target.parent, _beside(target))):
        with suppress(OSError):  # not there, or not ours to look into
            for left in place.iterdir():
                if left.name.startswith(prefix):
                    _remove_unused(left)


def _beside(target: Path) -> str:
    return f".{target.name}{PREFIX}"


def _locked(place: Path, prefix: str) -> tuple[Path, int]:
    """A new folder, and the descriptor that locks it."""
    while True:
        made = Path(tempfile.mkdtemp(prefix=prefix, dir=place))
        with suppress(FileNotFoundError, BlockingIOError):  # taken for left before it was locked
            return made, _lock(made)


def _remove_unused(left: Path) -> None:
    with suppress(OSError):  # a restore is at work in it, or it belongs to somebody else
        lock = _lock(left)
        if {entry.name for entry in left.iterdir()} <= _BUILT:
            shutil.rmtree(left, ignore_errors=True)
        os.close(lock)


def _lock(path: Path) -> int:
    """A descriptor that holds the folder's lock. Raises FileNotFoundError when it is gone, BlockingIOError when somebody else holds it."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        path.stat()  # what was removed before it was locked has no name any more
    except OSError:
        os.close(descriptor)
        raise
    return descriptor
