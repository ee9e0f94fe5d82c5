"""Backups: one zip file with every quad as N-Quads and a manifest that says how many there are and what they hash to.

It does not depend on the store's own files, so any RDF store can read it, and any version of this one. Tokens are not in it.
"""

import io
import json
import lzma
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass, field, fields
from hashlib import sha256
from pathlib import Path
from typing import IO, Any, get_origin

from pyoxigraph import NamedNode, RdfFormat, Store, parse

from kg import building, datadir, engines, replacing, snapshots
from kg.errors import DataError, SettingError
from kg.iris import check_base
from kg.settings import Settings
from kg.store import locked, open_writer
from kg.wording import counted

_QUADS, _MANIFEST = "graph.nq", "manifest.json"
_CHUNK_BYTES = 1 << 20
_FORMAT, _WITH_EMPTY_GRAPHS = 1, 2  # the second says what versions that know only the first would lose


@dataclass(frozen=True, slots=True)
class Manifest:
    """What is in a backup; `sha256` is that of the N-Quads before compression, which cannot say that there are `empty_graphs`, IRIs."""

    format: int
    base_iri: str
    quads: int
    sha256: str
    ontology: str = ""
    gazetteer: str = ""
    empty_graphs: list[str] = field(default_factory=list)


class _Tally(io.RawIOBase):
    """Passes bytes on, hashes them and counts their lines."""

    def __init__(self, stream: IO[bytes]) -> None:
        self.stream = stream
        self.hash = sha256()
        self.lines = 0

    def writable(self) -> bool:
        return True

    def write(self, chunk: Any) -> int:
        self._note(bytes(chunk))
        return self.stream.write(chunk)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        chunk = self.stream.read(len(buffer))
        self._note(chunk)
        buffer[: len(chunk)] = chunk
        return len(chunk)

    def _note(self, chunk: bytes) -> None:
        self.hash.update(chunk)
        self.lines += chunk.count(b"\n")


def back_up(settings: Settings, path: Path) -> Manifest:
    """Writes the published snapshot, or all of a remote service, to a file, reads it back, and then gives it its name. Raises DataError."""
    new = path.with_name(f".{path.name}.new")
    try:
        with engines.reading(settings) as graph, graph.copy() as store:
            manifest = _write(store, graph.base_iri, _hashes(settings), new)
        verify(new)
        datadir.put(new, path)
    except OSError as error:
        raise DataError(f"cannot write the backup {path}: {error.strerror or error}; nothing was kept") from error
    finally:
        with suppress(OSError):
            new.unlink(missing_ok=True)
    return manifest


def verify(path: Path) -> Manifest:
    """Reads a backup through. Raises DataError unless it is whole: N-Quads, as many as its manifest says, with that hash."""
    with _opened(path) as (archive, manifest), _legible(path), archive.open(_QUADS) as stream:
        tally = _Tally(stream)
        quads = sum(1 for _ in parse(io.BufferedReader(tally, _CHUNK_BYTES), RdfFormat.N_QUADS))
    if (quads, tally.hash.hexdigest()) != (manifest.quads, manifest.sha256):
        raise DataError(f"the backup {path} is damaged: {counted(quads, 'quad')}, not the {manifest.quads:,} it was made with; {_ANOTHER}")
    return manifest


def restore(settings: Settings, path: Path, *, replace: bool) -> Manifest:
    """Brings a backup back as a data directory; `replace` moves what is there aside, as `kg.replacing` says.

    The graph appears when it is complete; a remote service is filled graph by graph, and told nothing of empty ones. Raises DataError when
    the backup is damaged, or there is data already, LockedError when somebody writes to the directory whose data is to be moved aside.
    """
    manifest = verify(path)
    if settings.store:
        return _restore_remotely(settings, path, manifest, replace=replace)
    if datadir.read(settings.data) is not None and not replace:
        raise DataError(f"{settings.data} holds data already; give another --data, or --replace to move it aside")
    building.remove_left(settings.data)
    with datadir.writing(settings.data):
        if settings.data.is_dir():
            _restore_inside(settings, path, manifest)
        else:
            _restore_anew(settings, path, manifest)
    return manifest


def _restore_anew(settings: Settings, path: Path, manifest: Manifest) -> None:
    target = settings.data
    target.parent.mkdir(parents=True, exist_ok=True)
    with building.folder(target) as folder:
        made = _fill(settings, folder / "data", path, manifest)
        _publish(made, above=0)
        made.data.rename(target)
    datadir.sync(target.parent)


def _restore_inside(settings: Settings, path: Path, manifest: Manifest) -> None:
    """The directory itself stays: it may be a mount point, or its parent may belong to somebody else."""
    target = settings.data.resolve()
    replacing.check(target)
    with building.folder(target) as folder:
        made = _fill(settings, folder / "data", path, manifest)
        with locked(target, settings.lock_timeout_s):
            _publish(made, above=snapshots.highest(target))
            aside = replacing.replace(target, made.data)
    if aside:
        with suppress(DataError):  # damaged, which may be why it was replaced
            _publish(settings.model_copy(update={"data": aside, "base_iri": None}), above=0)


def _restore_remotely(settings: Settings, path: Path, manifest: Manifest, *, replace: bool) -> Manifest:
    from kg.remote.restore import restore  # its HTTP client takes a tenth of a second to load

    with _opened(path) as (archive, _), _legible(path), archive.open(_QUADS) as stream:
        found = restore(settings, stream, manifest.base_iri, replace=replace)
    if found != manifest.quads:
        raise DataError(
            f"{settings.store} holds {counted(found, 'quad')} of the backup's {manifest.quads:,}; restore it again with --replace"
        )
    return manifest


_ANOTHER = "use another backup"


def _hashes(settings: Settings) -> tuple[str, str]:
    """Of the ontology and the gazetteer that the graphs were computed with, where that is known."""
    data = None if settings.store else datadir.read(settings.data)
    return (data.ontology, data.gazetteer) if data else ("", "")


def _write(store: Store, base_iri: str, hashes: tuple[str, str], path: Path) -> Manifest:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        with archive.open(_QUADS, "w", force_zip64=True) as stream:
            tally = _Tally(stream)
            with io.BufferedWriter(tally, _CHUNK_BYTES) as output:
                store.dump(output, RdfFormat.N_QUADS)
                output.flush()
        empty = _empty_graphs(store)
        manifest = Manifest(
            _WITH_EMPTY_GRAPHS if empty else _FORMAT, base_iri, tally.lines, tally.hash.hexdigest(), *hashes, empty_graphs=empty
        )
        said = {name: value for name, value in asdict(manifest).items() if value != []}
        archive.writestr(_MANIFEST, json.dumps(said, indent=1) + "\n")
    return manifest


def _empty_graphs(store: Store) -> list[str]:
    """The IRIs of named graphs that hold nothing, sorted."""
    names = (graph for graph in store.named_graphs() if isinstance(graph, NamedNode))
    return sorted(graph.value for graph in names if next(store.quads_for_pattern(None, None, None, graph), None) is None)


@contextmanager
def _opened(path: Path) -> Iterator[tuple[zipfile.ZipFile, Manifest]]:
    with ExitStack() as stack:
        with _legible(path):
            archive = stack.enter_context(zipfile.ZipFile(path))
            manifest = _manifest(path, archive.read(_MANIFEST))
        yield archive, manifest


@contextmanager
def _legible(path: Path) -> Iterator[None]:
    """Turns whatever reading a backup raises into a DataError."""
    try:
        yield
    except OSError as error:
        raise DataError(f"cannot read the backup {path}: {error.strerror or error}") from error
    except _DAMAGED as error:
        raise DataError(f"the backup {path} is damaged ({error}); {_ANOTHER}") from error


# RuntimeError: an encrypted member, or a compression that is not known
_DAMAGED = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, KeyError, TypeError, ValueError, RuntimeError, SyntaxError)


def _manifest(path: Path, content: bytes) -> Manifest:
    """Raises DataError for another format; TypeError or ValueError when a field is missing, or is not what it should be."""
    found = json.loads(content)
    if found["format"] not in (_FORMAT, _WITH_EMPTY_GRAPHS):
        raise DataError(f"the backup {path} has format {found['format']}, and this version reads up to {_WITH_EMPTY_GRAPHS}; update aikg")
    manifest = Manifest(**found)
    for known in fields(manifest):
        if type(value := getattr(manifest, known.name)) is not (get_origin(known.type) or known.type):
            raise TypeError(f"{known.name} in {_MANIFEST} is {value!r}")
    for iri in manifest.empty_graphs:
        NamedNode(iri)
    try:
        usable = check_base(manifest.base_iri) == manifest.base_iri
    except SettingError:
        usable = False
    if not usable:
        raise ValueError(f"base_iri in {_MANIFEST} is {manifest.base_iri!r}")
    return manifest


def _fill(settings: Settings, made: Path, path: Path, manifest: Manifest) -> Settings:
    """Fills a new data directory, which the settings that come back name; nothing is published yet."""
    within = settings.model_copy(update={"data": made, "base_iri": manifest.base_iri})
    with _opened(path) as (archive, _), open_writer(within) as writer:
        with archive.open(_QUADS) as stream:
            writer.bulk_load(stream)
        _count(writer.store, manifest, path)
        for iri in manifest.empty_graphs:
            writer.store.add_graph(NamedNode(iri))
        writer.sync()
        writer.record(ontology=manifest.ontology, gazetteer=manifest.gazetteer)
    return within


def _publish(settings: Settings, *, above: int) -> None:
    with open_writer(settings) as writer:
        writer.publish(above=above)


def _count(store: Store, manifest: Manifest, path: Path) -> None:
    if (found := len(store)) != manifest.quads:
        raise DataError(f"the backup {path} gave {counted(found, 'quad')}, not the {manifest.quads:,} it was made with; {_ANOTHER}")
