"""The writer's store: one process at a time, each write a transaction that is on disk when it returns.

Two locks guard it: `writer.lock`, which is waited for, and RocksDB's own. Both end with the process that holds them, so a killed writer
blocks nobody; what it was writing is in the store as a whole or not at all.
"""

import gc
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from time import monotonic, sleep
from typing import IO, Any

from filelock import FileLock, Timeout
from pyoxigraph import Literal, NamedNode, Quad, RdfFormat, Store

from kg import datadir, snapshots
from kg.changes import as_update
from kg.datadir import DataDir
from kg.errors import DataError, LockedError
from kg.iris import check_base
from kg.settings import DEFAULT_BASE_IRI, Settings

_RETRY_S = 0.05


class Writer:
    """A data directory that is open for writing. `store` may be read freely; writing goes through the methods.

    Nothing that reads from the store (an iterator of `lookup`, a query's rows) may outlive the block of `open_writer`.
    """

    def __init__(self, data: DataDir, store: Store) -> None:
        self.data = data
        self.store = store

    @property
    def place(self) -> str:
        """Where the data is, for people."""
        return str(self.data.path)

    def lookup(
        self, subject: NamedNode | None, predicate: NamedNode | None, value: NamedNode | Literal | None, graph: NamedNode | None
    ) -> Iterator[Quad]:
        """The stored quads that match; None matches anything."""
        return self.store.quads_for_pattern(subject, predicate, value, graph)

    def stored(self, quads: Collection[Quad]) -> set[Quad]:
        """Those of the quads that are stored."""
        return {quad for quad in quads if quad in self.store}

    def apply(self, removed: Iterable[Quad], added: Iterable[Quad]) -> None:
        """Takes quads out and puts quads in, in one transaction. Graphs that end up empty are dropped."""
        removed, added = frozenset(removed), frozenset(added)
        if not removed:
            if added:
                self._write(lambda: self.store.extend(added))
            return
        self.update(as_update(removed, added, self.lookup))

    def update(self, update: str, *, base_iri: str | None = None) -> None:
        """Runs a SPARQL update, whose relative IRIs are below `base_iri`, in one transaction. Raises SyntaxError when it is none."""
        self._write(lambda: self.store.update(update, base_iri=base_iri))

    def bulk_load(self, quads: IO[bytes] | Path) -> None:
        """Puts N-Quads into a store that nobody has published yet, by the shortest way, which is no transaction.

        It ends when the store is compact: else RocksDB would see to that as soon as somebody writes, who would wait for it.
        """
        where: dict[str, Any] = {"path": str(quads)} if isinstance(quads, Path) else {"input": quads}
        self.store.bulk_load(format=RdfFormat.N_QUADS, **where)
        self.store.optimize()
        self.store.flush()

    def _write(self, transaction: Callable[[], None]) -> None:
        with datadir.writing(self.data.path):
            if not self.data.unpublished.exists():
                self.data.unpublished.touch()
                datadir.sync(self.data.path)  # the mark is there before what it marks, also after a power cut
            transaction()
            self.sync()

    def sync(self) -> None:
        """Puts on disk what was written: the write-ahead log, which RocksDB itself leaves to the operating system."""
        for log in self.data.store.glob("*.log"):
            datadir.sync(log)
        datadir.sync(self.data.store)

    @property
    def unpublished(self) -> bool:
        """Whether the store holds what the current snapshot does not, be it from a writer that was killed before it published."""
        return self.data.unpublished.exists() or snapshots.current_number(self.data.path) is None

    def publish(self, *, above: int = 0) -> snapshots.Snapshot:
        """Makes the present state the one that readers see, as a snapshot whose number is above `above`."""
        with datadir.writing(self.data.path):
            return snapshots.publish(self.store, self.data, above=above)

    def record(self, *, ontology: str, gazetteer: str) -> None:
        """Notes which ontology and gazetteer the stored graphs are now computed with."""
        self.data = replace(self.data, ontology=ontology, gazetteer=gazetteer)
        with datadir.writing(self.data.path):
            datadir.write(self.data)


@contextmanager
def open_writer(settings: Settings) -> Iterator[Writer]:
    """The data directory of the settings, made when it is not there, for writing until the block ends.

    Raises LockedError when another writer does not let go within `lock_timeout_s`, DataError when the directory cannot be written, is
    damaged or was made for another base IRI, SettingError for a base IRI that is none.
    """
    base_iri = None if settings.base_iri is None else check_base(settings.base_iri)
    with datadir.writing(settings.data):
        datadir.make(settings.data)
    with locked(settings.data, settings.lock_timeout_s):
        data = _data(settings.data, base_iri)
        writer = Writer(data, _open_store(data, settings.lock_timeout_s))
        try:
            yield writer
        finally:
            del writer.store  # RocksDB's lock ends with the last reference


@contextmanager
def locked(path: Path, timeout_s: float) -> Iterator[None]:
    """Alone among writers of the data directory until the block ends. Raises LockedError, DataError."""
    lock = FileLock(path / "writer.lock", timeout=timeout_s)
    with datadir.writing(path):
        try:
            lock.acquire()
        except Timeout as error:  # an OSError too, which `writing` would take for one of the system's
            raise LockedError(
                f"another process is writing to {path} and did not finish within {timeout_s:g} s; "
                "try again when it is done, or wait longer with --lock-timeout-s (KG_LOCK_TIMEOUT_S)"
            ) from error
    try:
        yield
    finally:
        lock.release()


def base_iri(settings: Settings) -> str:
    """The base IRI of the data directory, or the one it would be made with. Raises DataError when it is not the one that is set."""
    wanted = None if settings.base_iri is None else check_base(settings.base_iri)
    data = datadir.read(settings.data)
    if data is None:
        return wanted or DEFAULT_BASE_IRI
    if wanted is not None:
        data.check(wanted)
    return data.base_iri


def _data(path: Path, base_iri: str | None) -> DataDir:
    data = datadir.read(path)
    if data is None:
        if (path / "store").exists():
            raise DataError(
                f"{path} has a store but no kg.json, which names its base IRI; restore it from a backup, or choose another --data"
            )
        data = DataDir(path, base_iri or DEFAULT_BASE_IRI)
        with datadir.writing(path):
            datadir.write(data)
    elif snapshots.current_number(path) is not None and not data.store.exists():
        raise DataError(f"{path} has a snapshot but no store; `kg restore` a backup with --replace")
    elif base_iri is not None:
        data.check(base_iri)
    return data


def _open_store(data: DataDir, timeout_s: float) -> Store:
    deadline = monotonic() + timeout_s
    while True:
        try:
            return Store(str(data.store))
        except (OSError, RuntimeError) as error:
            if "lock" not in str(error).lower():
                raise DataError(
                    f"cannot open the store in {data.store}: {error}; check its permissions, or `kg restore` a backup"
                ) from error
            if monotonic() >= deadline:
                raise LockedError(f"another program has {data.store} open ({error}); stop it and try again") from error
        gc.collect()  # a query's rows that nobody reads any more keep a store of this process open
        sleep(_RETRY_S)
