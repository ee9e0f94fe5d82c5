"""Files of arrays: whatever is wrong with one is said, and never a traceback."""

import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from ingest import arrays
from ingest.errors import PipelineError


def broken_stream(path: Path) -> None:
    """Bytes in the middle of an array's compressed content that no compressor writes."""
    with zipfile.ZipFile(path) as archive:
        member = archive.getinfo("numbers.npy")
    content = bytearray(path.read_bytes())
    middle = member.header_offset + 30 + len(member.filename) + member.compress_size // 2
    content[middle : middle + 40] = b"\xff" * 40
    path.write_bytes(content)


def single_array(path: Path) -> None:
    with path.open("wb") as stream:
        np.save(stream, np.arange(3))


DAMAGE: dict[str, Callable[[Path], object]] = {
    "missing": lambda path: path.unlink(),
    "empty": lambda path: path.write_bytes(b""),
    "text": lambda path: path.write_text("nothing of the kind"),
    "cut off": lambda path: path.write_bytes(path.read_bytes()[:-50]),
    "a broken stream": broken_stream,
    "a single array": single_array,
    "other arrays": lambda path: np.savez_compressed(path, other=np.arange(3)),
    "pickles": lambda path: np.savez_compressed(path, numbers=np.array([{}])),
}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "model.npz"
    np.savez_compressed(path, numbers=np.random.default_rng(1).integers(0, 50, 10_000))
    return path


def read_all(path: Path) -> int:
    """How many numbers a file holds."""
    with arrays.read(path, "numbers") as stored:
        return len(stored["numbers"])


def test_arrays_are_read_by_name(file: Path):
    assert read_all(file) == 10_000


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_file_that_cannot_be_used_is_named_with_what_to_do(file: Path, damage: str):
    DAMAGE[damage](file)
    with pytest.raises(PipelineError, match=r"model\.npz holds no numbers \(.*\); train again, or install aikg again"):
        read_all(file)


def test_a_mistake_of_the_reader_is_a_mistake_of_the_file(file: Path):
    with pytest.raises(PipelineError, match="holds no numbers"), arrays.read(file, "numbers"):
        raise ValueError("no kind is called so")
