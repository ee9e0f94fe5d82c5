"""`kg extract` as its own process."""

from collections.abc import Callable
from pathlib import Path

import pytest
from commands import STAKE, Done

type Kg = Callable[..., Done]


@pytest.mark.usefixtures("data")
def test_rdf_is_below_the_base_of_the_store_that_would_keep_it_and_nothing_else_asks_for_that(kg: Kg):
    assert "<http://localhost:8000/entity/Microsoft>" in kg("extract", STAKE, "--format", "nquads").stdout
    done = kg("extract", STAKE, "--format", "nquads", "--base-iri", "https://example.org/")
    assert (done.returncode, done.stdout) == (2, "")
    assert "data was made with the base IRI http://localhost:8000/" in done.stderr
    done = kg("extract", STAKE, "--format", "nquads", KG_STORE="http://127.0.0.1:1/", NO_PROXY="127.0.0.1")
    assert (done.returncode, done.stdout) == (2, "")
    assert "cannot reach http://127.0.0.1:1/" in done.stderr
    assert kg("extract", STAKE, "--format", "json", KG_STORE="http://127.0.0.1:1/").returncode == 0


def test_what_was_found_is_counted_in_words(kg: Kg, tmp_path: Path):
    (tmp_path / "a.txt").write_text("Microsoft acquired Nvidia.")
    assert kg("extract", "a.txt").stdout.endswith("\n1 claim, 2 entities, 2 mentions\n")
