"""Putting the graph of one data directory in the place of another's, whose directory stays where it is: it may be a mount point.

Whenever it breaks off, readers see the old graph or the new one, and a writer goes on with the one or the other, or says that there is no
store. The new snapshot has a number above all others, so that it fits in beside them and servers see that it is another.
"""

import os
import shutil
from pathlib import Path

from kg import building, datadir, snapshots
from kg.errors import DataError

_INSIDE = "replaced"


def check(target: Path) -> None:
    """Raises DataError for a directory that holds something else than data."""
    found = {entry.name for entry in target.iterdir() if not entry.name.startswith(building.PREFIX)}
    if datadir.read(target) is None and found - datadir.NO_DATA - {_INSIDE}:
        raise DataError(
            f"cannot write to the data directory {target}: it is not empty and holds no data; choose another with --data (KG_DATA)"
        )


def replace(target: Path, made: Path) -> Path | None:
    """Moves the published graph of `made`, which is in a folder of its own below `target`, to `target`. The caller holds its writer's lock.

    What was there goes to `DIR.replaced`, or to `DIR/replaced` where nothing can be moved out; returns which, None when there was nothing.
    The last that was moved there is removed. Raises DataError, OSError.
    """
    aside = _aside(target, made) if (target / "store").exists() else None
    (target / "snapshots").mkdir(exist_ok=True)
    for snapshot in (made / "snapshots").iterdir():
        snapshot.rename(target / "snapshots" / snapshot.name)
    datadir.sync(target / "snapshots")
    (target / "unpublished").touch()  # the store is ahead of what is current until the end
    datadir.sync(target)
    if aside:
        _move(target, aside, "tokens.json", "store")
    _move(made, target, "kg.json", "store", "current")
    (target / "unpublished").unlink()
    snapshots.clean(target)
    return aside


def _aside(target: Path, made: Path) -> Path:
    """An empty data directory of the same kind, on the same file system, for what is replaced."""
    new = made.with_name(_INSIDE)
    new.mkdir()
    shutil.copy(target / "kg.json", new)
    try:
        return _renamed(new, target.with_name(f"{target.name}.{_INSIDE}"))
    except OSError:  # a mount point, or a parent that may not be written
        return _renamed(new, target / _INSIDE)


def _renamed(new: Path, place: Path) -> Path:
    """Removes what has the name only when it is certain that the new one can have it. Raises OSError."""
    beside = place.with_name(f".{place.name}.new")
    shutil.rmtree(beside, ignore_errors=True)  # one that was left behind
    new.rename(beside)
    if place.exists():
        shutil.rmtree(place)
    return beside.rename(place)


def _move(source: Path, target: Path, *names: str) -> None:
    """One after the other, each on disk before the next; what is not there is left out."""
    for name in names:
        if os.path.lexists(source / name):
            (source / name).replace(target / name)
            datadir.sync(target)
