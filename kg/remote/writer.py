"""Writing to a remote service, with the methods of kg.store's Writer.

One writer at a time: those of one machine and user wait for each other, by a lock file named after the service; those of several machines
are for whoever runs them to keep apart. Each write is one update request, done as a whole or not at all where the service is
transactional, and changes nothing when it is sent twice, so it is repeated when the connection breaks.
"""

import tempfile
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from getpass import getuser
from hashlib import sha256
from pathlib import Path

from filelock import FileLock, Timeout
from pyoxigraph import Literal, NamedNode, Quad

from kg.changes import as_update
from kg.errors import LockedError
from kg.iris import check_base
from kg.remote import texts
from kg.remote.client import Client
from kg.remote.store import RemoteStore, base_iri
from kg.settings import DEFAULT_BASE_IRI, Settings


@dataclass(frozen=True, slots=True)
class RemoteData:
    """What is fixed for the data in a service. The ontology's hash is kept nowhere, so the ontology is compared itself."""

    base_iri: str
    ontology: str = ""
    gazetteer: str = ""  # that of every run that is stored, empty when they differ or there is none


class RemoteWriter:
    """A service that is open for writing. `store` may be read freely; writing goes through the methods."""

    unpublished = False  # a write is visible when it is done

    def __init__(self, client: Client, data: RemoteData) -> None:
        self.data = data
        self.place = client.place
        self.store = RemoteStore(client)
        self._client = client

    def lookup(
        self, subject: NamedNode | None, predicate: NamedNode | None, value: NamedNode | Literal | None, graph: NamedNode | None
    ) -> Iterator[Quad]:
        """The stored quads that match; None matches anything."""
        return self.store.quads_for_pattern(subject, predicate, value, graph)

    def stored(self, quads: Collection[Quad]) -> set[Quad]:
        """Those of the quads that are stored."""
        return self.store.stored(quads)

    def apply(self, removed: Iterable[Quad], added: Iterable[Quad]) -> None:
        """Takes quads out and puts quads in, in one update. Graphs that end up empty are dropped."""
        removed, added = frozenset(removed), frozenset(added)
        if text := as_update(removed, added, self.lookup):
            self._client.update(text, repeatable=True)

    def update(self, update: str, *, base_iri: str | None = None) -> None:
        """Runs an update, whose relative IRIs are below `base_iri`, once. Raises RemoteError."""
        self._client.update(texts.complete(update, base_iri, {}, {}), repeatable=False)

    def publish(self) -> None:
        """Nothing: what is written is visible."""

    def record(self, *, ontology: str, gazetteer: str) -> None:
        """Notes which ontology and gazetteer the stored graphs are now computed with, for this writer; the runs say so to the next."""
        self.data = replace(self.data, ontology=ontology, gazetteer=gazetteer)


@contextmanager
def writing(settings: Settings) -> Iterator[RemoteWriter]:
    """The service that the settings name, for writing until the block ends.

    Raises LockedError when another writer of this machine does not let go within `lock_timeout_s`, RemoteError when the service does not
    answer, DataError when it holds data with another base IRI, SettingError for settings that cannot be used.
    """
    wanted = check_base(settings.base_iri or DEFAULT_BASE_IRI)
    client = Client(settings)
    try:
        with locked(client, settings.lock_timeout_s):
            yield RemoteWriter(client, RemoteData(base_iri(client, settings) or wanted, gazetteer=_gazetteer(client)))
    finally:
        client.close()


def _gazetteer(client: Client) -> str:
    hashes: set[str] = {row["hash"].value for row in client.select(texts.GAZETTEERS)}
    return hashes.pop() if len(hashes) == 1 else ""


@contextmanager
def locked(client: Client, timeout_s: float) -> Iterator[None]:
    """No other process of this machine and user writes to the service until the block ends. Raises LockedError."""
    name = sha256(f"{getuser()} {client.endpoints.update}".encode()).hexdigest()[:16]
    lock = FileLock(Path(tempfile.gettempdir()) / f"kg-{name}.lock", timeout=timeout_s)
    try:
        lock.acquire()
    except Timeout as error:
        raise LockedError(
            f"another process of this machine is writing to {client.place} and did not finish within {timeout_s:g} s; "
            "try again when it is done, or wait longer with --lock-timeout-s (KG_LOCK_TIMEOUT_S)"
        ) from error
    try:
        yield
    finally:
        lock.release()
