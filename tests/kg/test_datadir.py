"""The data directory: what is fixed in it, and files that are there as a whole or not at all."""

import os
import stat
from pathlib import Path

import pytest

from kg import datadir
from kg.datadir import DataDir
from kg.errors import DataError


def test_what_is_written_is_read_back(tmp_path: Path):
    data = DataDir(tmp_path, "https://example.org/", ontology="a", gazetteer="b")
    datadir.write(data)
    assert datadir.read(tmp_path) == datadir.open_existing(tmp_path) == data


def test_where_nothing_was_stored_there_is_no_data(tmp_path: Path):
    (tmp_path / "file").touch()
    for path in (tmp_path, tmp_path / "missing", tmp_path / "file"):
        assert datadir.read(path) is None
        with pytest.raises(DataError, match=r"no data in .*; make some with `kg ingest`"):
            datadir.open_existing(path)


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"format": 1}', "null", '"x"', '{"format": 1, "base_iri": 5}'])
def test_a_damaged_description_is_reported_with_the_remedy(tmp_path: Path, content: str):
    (tmp_path / "kg.json").write_text(content)
    with pytest.raises(DataError, match=r"kg\.json is damaged .*; restore it from a backup"):
        datadir.read(tmp_path)


def test_the_format_of_another_version_is_refused(tmp_path: Path):
    (tmp_path / "kg.json").write_text('{"format": 2, "base_iri": "https://example.org/"}')
    with pytest.raises(DataError, match=r"has format 2, and this version reads 1; update aikg"):
        datadir.read(tmp_path)


def test_a_file_is_replaced_as_a_whole_and_nothing_is_left_beside_it(tmp_path: Path):
    path = tmp_path / "file"
    (tmp_path / ".file.new").write_bytes(b"from a writer that was killed")
    datadir.replace_file(path, b"old")
    datadir.replace_file(path, b"new", mode=0o600)
    assert path.read_bytes() == b"new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]


def test_a_device_is_never_replaced_by_a_file(tmp_path: Path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "new").write_bytes(b"content")
    with pytest.raises(OSError, match="it is there and is no file"):
        datadir.put(tmp_path / "new", tmp_path / "pipe")
    assert stat.S_ISFIFO((tmp_path / "pipe").stat().st_mode)


def test_what_the_system_says_of_a_directory_becomes_advice(tmp_path: Path):
    (tmp_path / "file").touch()
    with (
        pytest.raises(DataError, match=r"cannot write to the data directory .*: Not a directory; choose another with --data"),
        datadir.writing(tmp_path),
    ):
        datadir.make(tmp_path / "file" / "data")
