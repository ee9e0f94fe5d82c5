"""`kg extract` as its own process."""

from collections.abc import Callable
from pathlib import Path

import pytest
from commands import STAKE, Done
from pyoxigraph import RdfFormat, parse

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


def test_several_articles_are_one_document_or_refused(kg: Kg, tmp_path: Path):
    (tmp_path / "in.jsonl").write_text("".join(f'{{"id": "{name}", "text": "Microsoft acquired Nvidia."}}\n' for name in "aba"))
    lines = {name: kg("extract", "in.jsonl", "--format", name) for name in ("rdf", "jsonld", "ntriples", "nquads")}
    assert {done.returncode for done in lines.values()} == {3}
    assert "failed: in.jsonl, line 3: another article of this batch has the same id 'a': in.jsonl, line 1" in lines["rdf"].stderr
    triples = set(parse(lines["ntriples"].stdout, RdfFormat.N_TRIPLES))
    assert set(parse(lines["rdf"].stdout, RdfFormat.RDF_XML)) == triples
    assert set(parse(lines["jsonld"].stdout, RdfFormat.JSON_LD)) == set(parse(lines["nquads"].stdout, RdfFormat.N_QUADS))
    done = kg("extract", "in.jsonl", "--format", "json")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "kg: --format json holds one article, and there are several; --format jsonl writes one a line\n"
