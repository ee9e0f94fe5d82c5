"""Leases on snapshots: a snapshot stays on disk while anybody in this process holds a share of its lease."""

import hashlib
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from kg import snapshots
from kg.snapshots import Snapshot


@dataclass(slots=True)
class _Pin:
    stack: ExitStack
    made_ns: int
    location: str
    key: bytes
    holders: int = 1


@dataclass(slots=True, eq=False)
class Lease:
    """One holder's share of a pinned snapshot. Close each share once; the last one lets the snapshot go."""

    number: int
    path: Path
    base_iri: str
    _pin: _Pin = field(repr=False)
    _open: bool = True
    lasting: bool = True  # False: what it names can change at any time, so nothing that it answers may be kept

    @property
    def identity(self) -> tuple[int, int]:
        """Tells this snapshot from every other that was ever published in this place, also from one of a restored directory."""
        return self.number, self._pin.made_ns

    @property
    def location(self) -> str:
        """The path as a worker is told it."""
        return self._pin.location

    @property
    def key(self) -> bytes:
        """The identity and the base IRI as 32 bytes."""
        return self._pin.key

    def share(self) -> "Lease":
        """Another holder's share."""
        self._pin.holders += 1
        return Lease(self.number, self.path, self.base_iri, self._pin, lasting=self.lasting)

    def close(self) -> None:
        """Give this share back; a second call does nothing."""
        if self._open:
            self._open = False
            self._pin.holders -= 1
            if self._pin.holders == 0:
                self._pin.stack.close()


def lease_current(data: Path) -> Lease:
    """A first share of the current snapshot. Raises DataError when there is none or it is damaged."""
    with ExitStack() as stack:
        snapshot = stack.enter_context(snapshots.current(data))
        made_ns = _made_ns(snapshot)
        pin = _Pin(stack.pop_all(), made_ns, str(snapshot.path), _key(snapshot.base_iri, snapshot.number, made_ns))
        return Lease(snapshot.number, snapshot.path, snapshot.base_iri, pin)


def current_identity(data: Path) -> tuple[int, int]:
    """The identity that a lease on the current snapshot has. Raises DataError when there is none or it is damaged."""
    with snapshots.current(data) as snapshot:
        return snapshot.number, _made_ns(snapshot)


def _made_ns(snapshot: Snapshot) -> int:
    return (snapshot.path / "CURRENT").stat().st_mtime_ns


def lease_of_service(base_iri: str) -> Lease:
    """A first share of what is no snapshot: whatever a remote service answers at the moment. Its number is 0."""
    return Lease(0, Path("service"), base_iri, _Pin(ExitStack(), 0, "service", _key(base_iri, 0, 0)), lasting=False)


def _key(*named: object) -> bytes:
    return hashlib.blake2b(repr(named).encode(), digest_size=32).digest()
