"""Every format has an example here: what is written in it is read back as the same."""

import io
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from claims_graph import BASE, Said, extraction, known, store
from pyoxigraph import Quad, QueryResultsFormat, RdfFormat, Store, parse, parse_query_results

from kg import dump
from kg.cli import results
from kg.cli.query import run
from kg.errors import SettingError
from kg.formats import ALIASES, GRAPHS, HTML, RESULTS, choose, named, of_media_type, prefers_html

GRAPH = store(
    extraction(
        "a",
        Said("Microsoft took a “stake”\tin Mistral AI.", known("Microsoft", "Microsoft"), "investsIn", known("Mistral AI", "Mistral_AI")),
        title="A, “B”",
    )
)
SELECT = """SELECT ?sentence ?confidence ?nothing {
  ?s nif:anchorOf ?sentence . ?c aikg:confidence ?confidence . OPTIONAL { ?c aikg:nothing ?nothing }
} ORDER BY ?sentence"""
# format, the start of what a SELECT gives in it
RESULT_EXAMPLES = {
    "json": '{"head":{"vars":["sentence","confidence","nothing"]}',
    "xml": '<?xml version="1.0"?><sparql xmlns="http://www.w3.org/2005/sparql-results#">',
    "csv": "sentence,confidence,nothing\r\nMicrosoft,0.8,\r\n",
    "tsv": '?sentence\t?confidence\t?nothing\n"Microsoft"\t0.8\t\n',
}
# format, a piece of what a CONSTRUCT gives in it
GRAPH_EXAMPLES = {
    "turtle": "entity:Microsoft aikg:investsIn entity:Mistral_AI",
    "trig": "entity:Microsoft aikg:investsIn entity:Mistral_AI",
    "ntriples": f"<{BASE}entity/Microsoft> <https://w3id.org/aikg/ontology#investsIn> <{BASE}entity/Mistral_AI> .",
    "nquads": f"<{BASE}entity/Microsoft> <https://w3id.org/aikg/ontology#investsIn> <{BASE}entity/Mistral_AI> .",
    "rdfxml": "<aikg:investsIn",
    "jsonld": '"aikg:investsIn"',
}


def written(query: str, name: str) -> bytes:
    output = io.BytesIO()
    results.write(run(GRAPH, query, "the query", BASE), name, output, BASE)
    return output.getvalue()


def test_every_format_has_its_example():
    assert set(RESULT_EXAMPLES) == set(RESULTS)
    assert set(GRAPH_EXAMPLES) == set(GRAPHS)


def test_xml_keeps_a_carriage_return():
    """A raw one would be read as a line feed (XML 1.0, 2.11)."""
    ((read,),) = parse_query_results(written('SELECT ("a\\r\\nb" AS ?text) {}', "xml"), QueryResultsFormat.XML)
    assert read.value == "a\r\nb"
    (triple,) = parse(written('CONSTRUCT { <x:s> <x:p> "a\\r\\nb" } {}', "rdfxml"), RdfFormat.RDF_XML)
    assert triple.object.value == "a\r\nb"


@pytest.mark.parametrize(
    ("query", "name", "reason"),
    [
        ('SELECT ("a\\u0001" AS ?text) {}', "xml", "--format xml: XML cannot carry the character U+0001; ask for another format"),
        ('CONSTRUCT { <x:s> <x:p> "a\\u0001" } {}', "rdfxml", "--format rdfxml: XML cannot carry the character U+0001"),
        ("CONSTRUCT { <x:s> <x:p/> 1 } {}", "rdfxml", "--format rdfxml: RDF/XML cannot carry the predicate <x:p/>"),
        ("CONSTRUCT { <x:s> <x:p> <<( <x:s> <x:p> 1 )>> } {}", "jsonld", "--format jsonld: JSON-LD cannot carry triples as terms"),
    ],
)
def test_what_a_format_cannot_say_is_refused(query: str, name: str, reason: str):
    with pytest.raises(SettingError, match=re.escape(reason)):
        written(query, name)


@pytest.mark.parametrize("statement", ['<x:s> <x:p> "a\\u0001"', "<x:s> <x:p/> 1"])
def test_a_file_that_would_be_no_rdf_xml_is_not_written(tmp_path: Path, statement: str):
    graph = Store()
    graph.update(f"INSERT DATA {{ {statement} }}")
    (tmp_path / "graph.rdf").write_text("old")
    with pytest.raises(SettingError, match=r"--format rdfxml: .* cannot carry"):
        dump.write_file(graph, tmp_path / "graph.rdf", "rdfxml", BASE)
    assert [(file.name, file.read_text()) for file in tmp_path.iterdir()] == [("graph.rdf", "old")]


@pytest.mark.parametrize("name", RESULTS)
def test_rows_are_written_and_read_back(name: str):
    text = written(SELECT, name)
    assert text.decode().startswith(RESULT_EXAMPLES[name])
    if name != "csv":  # which has no types
        rows = parse_query_results(text, QueryResultsFormat.from_media_type(RESULTS[name].media_type))
        expected = [[row[v] for v in ("sentence", "confidence", "nothing")] for row in run(GRAPH, SELECT, "", BASE)]
        assert [[row[v] for v in ("sentence", "confidence", "nothing")] for row in rows] == expected


@pytest.mark.parametrize("name", GRAPHS)
def test_graphs_are_written_and_read_back(name: str):
    text = written("CONSTRUCT { ?s aikg:investsIn ?o } { ?s aikg:investsIn ?o }", name)
    assert GRAPH_EXAMPLES[name] in text.decode()
    (read,) = parse(text, RdfFormat.from_media_type(GRAPHS[name].media_type))
    assert (read.subject.value, read.object.value) == (f"{BASE}entity/Microsoft", f"{BASE}entity/Mistral_AI")


@pytest.mark.parametrize("name", GRAPHS)
def test_everything_is_exported_in_each_format_and_read_back(name: str):
    output = io.BytesIO()
    dump.write(GRAPH, output, name, BASE)
    read = set(parse(output.getvalue(), RdfFormat.from_media_type(GRAPHS[name].media_type)))
    kept = GRAPHS[name].quads
    assert read == (set(GRAPH) if kept else {Quad(*quad.triple) for quad in GRAPH})


def test_an_export_is_sorted_and_the_same_every_time():
    output, again = io.BytesIO(), io.BytesIO()
    dump.write(GRAPH, output, "nquads", BASE)
    dump.write(GRAPH, again, "nquads", BASE)
    assert output.getvalue() == again.getvalue()
    lines = output.getvalue().decode().splitlines()
    assert len(lines) == len(GRAPH)
    graphs = [line.split(" ")[-2] for line in lines]
    assert graphs == sorted(graphs)


@pytest.mark.parametrize("name", [*ALIASES, *RESULTS, *GRAPHS])
def test_names_aliases_and_media_types_name_one_format(name: str):
    for table in (RESULTS, GRAPHS):
        if found := named(name, table):
            assert all(named(media_type, {found.name: found}) == found for media_type in found.media_types)
            assert of_media_type(f"{found.media_type}; charset=utf-8", table.values()) == found


@pytest.mark.parametrize(
    ("wanted", "name"),
    [("rdf+xml", "rdfxml"), ("rdf/xml", "rdfxml"), ("xml", "rdfxml"), ("n3", "turtle"), ("turtle", "turtle"), ("json-ld", "jsonld")],
)
def test_what_sparqlwrapper_calls_a_format_is_understood(wanted: str, name: str):
    assert named(wanted, GRAPHS) == GRAPHS[name]


def test_no_two_formats_of_a_table_share_a_media_type():
    for table in (RESULTS, GRAPHS):
        types = [media_type for found in table.values() for media_type in found.media_types]
        assert len(types) == len(set(types))


@pytest.mark.parametrize(
    ("accept", "chosen"),
    [
        ("", "json"),
        ("*/*", "json"),
        ("text/csv", "csv"),
        ("text/csv;q=0.5, application/sparql-results+xml", "xml"),
        ("text/*", "csv"),
        ("application/sparql-results+json;q=0, */*", "xml"),
        ("text/turtle", None),
        ("nonsense", None),
    ],
)  # fmt: skip
def test_accept_chooses_the_format(accept: str, chosen: str | None):
    found = choose(accept, tuple(RESULTS.values()))
    assert (found.name if found else None) == chosen


@pytest.mark.parametrize(
    ("accept", "chosen"),
    [
        ("text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8", "turtle"),
        ("text/html,application/xml;q=0.9", "rdfxml"),
        ("text/html,application/rdf+xml;q=0.9,*/*;q=0.1", "rdfxml"),
        ("application/xml,*/*;q=0.8", "rdfxml"),
    ],
)  # fmt: skip
def test_a_browser_gets_a_graph_that_can_be_read(accept: str, chosen: str):
    found = choose(accept, tuple(GRAPHS.values()))
    assert found is not None
    assert found.name == chosen


def test_a_browser_is_known_by_its_accept():
    assert prefers_html("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8")
    assert not prefers_html("*/*")
    assert not prefers_html("text/turtle, text/html;q=0.5")
    assert HTML.content_type == "text/html; charset=utf-8"


@pytest.mark.parametrize(
    ("query", "name"), [("SELECT * { ?s ?p ?o }", "turtle"), ("CONSTRUCT WHERE { ?s ?p ?o }", "csv"), ("ASK {}", "yaml")]
)
def test_a_format_that_a_result_does_not_have_is_refused_with_those_it_has(query: str, name: str):
    with pytest.raises(SettingError, match=rf"--format '{name}' is no format for .*; choose one of"):
        written(query, name)


def test_yes_and_no_are_words_in_a_table_and_booleans_in_formats():
    assert (written("ASK {}", "table"), written("ASK { aikg:x ?p ?o }", "table")) == (b"yes\n", b"no\n")
    assert json.loads(written("ASK {}", "json"))["boolean"] is True
    assert written("ASK {}", "csv") == b"true\n"


def test_reading_formats_loads_no_pipeline():
    code = "import sys, kg.cli.query, kg.cli.serve; assert 'spacy' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
