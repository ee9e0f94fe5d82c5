"""The data directory: where things are in it, and what is fixed for it when it is made.

kg.json      {"format": 1, "base_iri": …}, and the hashes of the ontology and gazetteer that its graphs were computed with
store/       the RocksDB that one writer at a time opens
snapshots/N  what readers open: immutable, published by hard links
current      a symbolic link to the published snapshot, switched atomically
unpublished  there while the store holds what the current snapshot does not
"""

import errno
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from kg.errors import DataError

FORMAT = 1
NO_DATA = frozenset({"tokens.json", "tokens.lock", "writer.lock", "lost+found"})  # what a directory may hold before there is data


@dataclass(frozen=True, slots=True)
class DataDir:
    """Paths in a data directory, and the base IRI of everything in it."""

    path: Path
    base_iri: str
    ontology: str = ""  # hash of what graph/ontology was made from, empty when never
    gazetteer: str = ""  # hash of the gazetteer that graph/knowledge was computed with

    @property
    def store(self) -> Path:
        """Where RocksDB keeps the writer's store."""
        return self.path / "store"

    def check(self, base_iri: str) -> None:
        """See that the base IRI is the directory's. Raises DataError."""
        if base_iri != self.base_iri:
            raise DataError(
                f"{self.path} was made with the base IRI {self.base_iri}, not {base_iri}; "
                "leave KG_BASE_IRI (--base-iri) out, or choose another directory with --data"
            )

    @property
    def unpublished(self) -> Path:
        """The mark that the store is ahead of the current snapshot."""
        return self.path / "unpublished"


def read(path: Path) -> DataDir | None:
    """The data directory at `path`, or None when nothing was ever stored there. Raises DataError when `kg.json` cannot be used."""
    file = path / "kg.json"
    try:
        fixed = json.loads(file.read_bytes())
        if fixed["format"] != FORMAT:
            raise DataError(f"{file} has format {fixed['format']}, and this version reads {FORMAT}; update aikg or choose another --data")
        if not isinstance(fixed["base_iri"], str):
            raise TypeError("base_iri is no text")
        return DataDir(path, fixed["base_iri"], fixed.get("ontology", ""), fixed.get("gazetteer", ""))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (ValueError, KeyError, TypeError) as error:
        raise DataError(f'{file} is damaged ({error}); restore it from a backup, or write {{"format": 1, "base_iri": "…"}}') from error
    except OSError as error:
        raise DataError(f"cannot read {file}: {error.strerror}; check its permissions") from error


def open_existing(path: Path) -> DataDir:
    """The data directory at `path`. Raises DataError when there is none."""
    data = read(path)
    if data is None:
        raise DataError(f"no data in {path}; make some with `kg ingest`, or name another directory with --data (KG_DATA)")
    return data


def write(data: DataDir) -> None:
    """Writes `kg.json` as a whole or not at all."""
    fixed = {"format": FORMAT, "base_iri": data.base_iri, "ontology": data.ontology, "gazetteer": data.gazetteer}
    replace_file(data.path / "kg.json", json.dumps(fixed, indent=1, ensure_ascii=False).encode() + b"\n")


def replace_file(path: Path, content: bytes, *, mode: int = 0o644) -> None:
    """Puts a file in place atomically and on disk: another process sees the old content or the new, also after a power cut."""
    new = path.with_name(f".{path.name}.new")
    new.unlink(missing_ok=True)  # one that was left behind may have another mode
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as stream:
        stream.write(content)
    put(new, path)


def put(new: Path, path: Path) -> None:
    """Gives a complete file its name, in the place of a file that has it, and makes sure that both are on disk.

    Raises OSError, also when what has the name is no file: a device must not be replaced by one.
    """
    if path.exists() and not path.is_file():
        raise FileExistsError(errno.EEXIST, "it is there and is no file", str(path))
    sync(new)
    new.replace(path)
    sync(path.parent)


def make(path: Path) -> None:
    """Makes a directory with those above it, unless it is there. Raises OSError."""
    if not path.is_dir():
        path.mkdir(parents=True, exist_ok=True)
        sync(path.parent)


def sync(path: Path) -> None:
    """Makes sure that a file's content, or a directory's entries, are on disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turns what the operating system says of a directory that cannot be written into a DataError."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        raise DataError(f"cannot write to the data directory {path}: {reason}; choose another with --data (KG_DATA)") from error
