"""Where annotated articles are looked for."""

import errno
import os
from pathlib import Path

import pytest

from kg import ontology
from kg.errors import DataError
from kg.evaluate import annotated_articles
from kg.settings import DEFAULT_BASE_IRI


@pytest.mark.parametrize("name", ["articles", "gold"])
def test_a_directory_that_cannot_be_read_is_named_and_not_taken_for_empty(tmp_path: Path, name: str):
    """Permissions do not keep root out; a link to itself does."""
    for folder in ("articles", "gold"):
        (tmp_path / folder).mkdir()
    (tmp_path / "gold" / "a.jsonl").touch()
    (tmp_path / name).rename(tmp_path / "elsewhere")
    (tmp_path / name).symlink_to(name)
    with pytest.raises(DataError, match=f"cannot read {tmp_path / name}: {os.strerror(errno.ELOOP)}; make the directory readable"):
        annotated_articles(tmp_path, ontology.schema(DEFAULT_BASE_IRI))


def test_a_gold_file_may_begin_with_a_byte_order_mark(tmp_path: Path):
    for folder in ("articles", "gold"):
        (tmp_path / folder).mkdir()
    (tmp_path / "articles" / "a.txt").write_text("Microsoft acquired Nvidia.")
    (tmp_path / "gold" / "a.jsonl").write_text("\ufeff")
    (annotated,) = annotated_articles(tmp_path, ontology.schema(DEFAULT_BASE_IRI))
    assert annotated.gold == ()
