"""/sparql over real HTTP: negotiation, tags, errors."""

import gzip
import json

import httpx
import pytest
import zstandard
from pyoxigraph import RdfFormat, parse
from serving import BASE

ALL = "SELECT ?s ?p ?o WHERE { ?s ?p ?o } ORDER BY ?s ?p ?o"
CONSTRUCT = "CONSTRUCT WHERE { ?s ?p ?o }"
BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8"


def ask(client: httpx.Client, query: str, accept: str = "*/*", **headers: str) -> httpx.Response:
    return client.get("/sparql", params={"query": query}, headers={"Accept": accept, **headers})


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("*/*", "application/sparql-results+json"),
        ("", "application/sparql-results+json"),
        ("application/json", "application/sparql-results+json"),
        ("application/sparql-results+xml", "application/sparql-results+xml"),
        ("text/csv;q=0.9, text/tab-separated-values", "text/tab-separated-values; charset=utf-8"),
        ("text/csv;q=0.9, text/tab-separated-values;q=0.1", "text/csv; charset=utf-8"),
        ("application/sparql-results+json;q=0, */*;q=0.1", "application/sparql-results+xml"),
        ("image/png, text/*;q=0.3", "text/csv; charset=utf-8"),
    ],
)
def test_select_is_sent_as_the_client_likes(client: httpx.Client, accept: str, expected: str):
    response = ask(client, ALL, accept)
    assert response.status_code == 200
    assert response.headers["content-type"] == expected
    assert "accept" in response.headers["vary"].lower()


@pytest.mark.parametrize(
    ("media_type", "syntax"),
    [
        ("text/turtle", RdfFormat.TURTLE),
        ("application/n-triples", RdfFormat.N_TRIPLES),
        ("application/rdf+xml", RdfFormat.RDF_XML),
        ("application/ld+json", RdfFormat.JSON_LD),
        ("application/trig", RdfFormat.TRIG),
        ("application/n-quads", RdfFormat.N_QUADS),
    ],
)
def test_a_graph_says_the_same_in_every_format(client: httpx.Client, media_type: str, syntax: RdfFormat):
    response = ask(client, CONSTRUCT, media_type)
    assert response.headers["content-type"].startswith(media_type)
    triples = {str(quad.triple) for quad in parse(response.content, syntax)}
    expected = {str(quad.triple) for quad in parse(ask(client, CONSTRUCT, "application/n-triples").content, RdfFormat.N_TRIPLES)}
    assert triples == expected
    assert len(triples) >= 5


def test_json_ld_is_compacted_with_our_context(client: httpx.Client):
    document = ask(
        client, f"CONSTRUCT {{ ?s ?p ?o }} WHERE {{ ?s ?p ?o FILTER(?s = <{BASE}entity/Microsoft>) }}", "application/ld+json"
    ).json()
    assert document["@context"]["aikg"] == "https://w3id.org/aikg/ontology#"
    assert document["@graph"][0]["aikg:investsIn"] == {"@id": f"{BASE}entity/Mistral_AI"}


def test_turtle_has_our_prefixes_in_order_and_is_the_same_every_time(client: httpx.Client):
    texts = {ask(client, CONSTRUCT + f" # {number}", "text/turtle").text for number in range(8)}
    assert len(texts) == 1
    declared = [line for line in texts.pop().splitlines() if line.startswith("@prefix")]
    assert declared == sorted(declared)
    assert any("aikg:" in line for line in declared)


def test_format_parameter_wins_over_accept(client: httpx.Client):
    response = client.get("/sparql", params={"query": ALL, "format": "csv"}, headers={"Accept": BROWSER})
    assert response.headers["content-type"].startswith("text/csv")


def test_unknown_format_is_406_and_lists_what_there_is(client: httpx.Client):
    response = ask(client, ALL, "image/png")
    assert response.status_code == 406
    assert response.headers["content-type"] == "application/problem+json"
    assert {row.split()[0] for row in response.json()["offered"]} == {"json", "xml", "csv", "tsv"}


def test_a_browser_gets_a_page_that_loads_nothing_from_elsewhere(client: httpx.Client):
    response = ask(client, "SELECT ('<script>alert(1)</script>' AS ?x) {}", BROWSER)
    assert response.headers["content-type"].startswith("text/html")
    assert "default-src 'none'" in response.headers["content-security-policy"]
    assert "<script>alert" not in response.text
    assert "http://" not in response.text.replace(BASE, "")
    assert "https://" not in response.text


def test_an_answer_is_tagged_and_revalidated(client: httpx.Client):
    first = ask(client, ALL)
    assert first.headers["etag"].startswith('"')
    again = ask(client, ALL, **{"If-None-Match": first.headers["etag"]})
    assert again.status_code == 304
    assert again.content == b""
    assert again.headers["etag"] == first.headers["etag"]


def test_each_representation_has_its_own_tag(client: httpx.Client):
    tags = [ask(client, ALL, accept).headers["etag"] for accept in ("text/csv", "application/json")]
    tags += [ask(client, ALL, "text/csv", **{"Accept-Encoding": coding}).headers["etag"] for coding in ("gzip", "zstd", "identity")]
    tags.append(ask(client, ALL + " #", "text/csv").headers["etag"])
    assert len(set(tags)) == len(tags) - 1  # httpx itself asks for gzip


@pytest.mark.parametrize("query", ["SELECT (NOW() AS ?x) {}", "SELECT (RAND() AS ?x) {}", "CONSTRUCT { [] ?p ?o } WHERE { ?s ?p ?o }"])
def test_what_changes_from_run_to_run_is_not_tagged(client: httpx.Client, query: str):
    response = ask(client, query)
    assert "etag" not in response.headers
    assert response.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    ("coding", "decode"), [("gzip", gzip.decompress), ("zstd", lambda b: zstandard.ZstdDecompressor().decompressobj().decompress(b))]
)
def test_large_answers_are_compressed_when_asked(client: httpx.Client, coding: str, decode):
    query = f"SELECT * {{ ?s ?p ?o VALUES ?x {{ {' '.join(map(str, range(5000)))} }} }}"
    request = client.build_request(
        "POST", "/sparql", data={"query": query}, headers={"Accept-Encoding": coding, "Accept": "application/json"}
    )
    response = client.send(request, stream=True)
    raw = b"".join(response.iter_raw())
    assert response.headers["content-encoding"] == coding
    assert len(json.loads(decode(raw))["results"]["bindings"]) == 25_000


def test_head_has_the_headers_of_get(client: httpx.Client):
    got = ask(client, ALL)
    head = client.head("/sparql", params={"query": ALL})
    assert head.status_code == 200
    assert head.content == b""
    for name in ("content-type", "content-length", "etag", "vary"):
        assert head.headers[name] == got.headers[name]


def test_reads_are_open_to_every_origin_and_writes_to_none(client: httpx.Client):
    asked = {"Origin": "https://example.org", "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type"}
    preflight = client.options("/sparql", headers=asked)
    assert preflight.status_code == 204
    assert preflight.headers["access-control-allow-origin"] == "*"
    assert "QUERY" in preflight.headers["access-control-allow-methods"]
    assert "authorization" not in preflight.headers["access-control-allow-headers"].lower()
    assert "PUT" not in preflight.headers["access-control-allow-methods"]
    assert ask(client, ALL, Origin="https://example.org").headers["access-control-allow-origin"] == "*"


def test_a_query_names_its_own_dataset_over_the_union(client: httpx.Client):
    counted = "SELECT (COUNT(*) AS ?n) {} {{ ?s ?p ?o }}"
    whole = int(ask(client, counted.format(""), "text/csv").text.split()[1])
    article = int(ask(client, counted.format(f"FROM <{BASE}graph/a>"), "text/csv").text.split()[1])
    assert (whole, article) == (5, 1)


def test_relative_iris_are_resolved_against_the_endpoint(client: httpx.Client):
    assert ask(client, "SELECT (<x> AS ?i) {}", "text/csv").text.split()[1] == f"{BASE}x"


def test_a_request_may_ask_for_a_shorter_deadline(client: httpx.Client):
    patterns = " . ".join(f"?a{i} ?b{i} ?c{i}" for i in range(14))
    endless = f"SELECT (COUNT(*) AS ?n) {{ {patterns} }}"
    response = client.get("/sparql", params={"query": endless, "timeout": "0.5"})
    assert response.status_code == 504
    assert response.json()["type"].endswith("#deadline")


@pytest.mark.parametrize("value", ["0", "-1", "soon", "inf", "nan"])
def test_a_deadline_that_is_no_number_of_seconds_is_refused(client: httpx.Client, value: str):
    assert client.get("/sparql", params={"query": "ASK {}", "timeout": value}).status_code == 400


def test_the_service_description_names_endpoint_formats_and_graphs(client: httpx.Client):
    response = client.get("/sparql", headers={"Accept": "application/n-triples"})
    assert f"<{BASE}sparql> <http://www.w3.org/ns/sparql-service-description#endpoint> <{BASE}sparql> ." in response.text
    assert "SPARQL_Results_JSON" in response.text
    assert f"<http://www.w3.org/ns/sparql-service-description#name> <{BASE}graph/knowledge>" in response.text
    assert "/.well-known/void" in response.text


def test_a_function_that_the_engine_lacks_is_the_querys_fault(client: httpx.Client):
    refused = ask(client, "SELECT (<http://example.org/f>(1) AS ?x) {}")
    assert refused.status_code == 400
    assert "http://example.org/f" in refused.json()["detail"]


def test_an_answer_from_memory_is_the_same_word_for_word(client: httpx.Client):
    for accept, coding in (
        ("text/csv", "identity"),
        ("text/csv", "gzip"),
        ("application/json", "identity"),
        ("text/tab-separated-values", "zstd"),
    ):
        answers = [ask(client, ALL + " # memory", accept, **{"Accept-Encoding": coding}) for _ in range(4)]
        assert len({(answer.text, answer.headers["etag"], answer.headers["content-type"]) for answer in answers}) == 1
