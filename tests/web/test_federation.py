"""SERVICE for the endpoints on the list: what they answer is joined, and nobody else is asked."""

import json
from pathlib import Path

import httpx
import pyoxigraph as ox
import pytest
from endpoints import (
    CSV,
    JSON,
    LABEL,
    MICROSOFT,
    MISTRAL,
    XSD,
    Remote,
    answers,
    ask,
    clause,
    literal,
    problem,
    results,
)
from remotes import oxigraph
from serving import BASE, QUADS, TYPE

from kg import tokens


def test_what_the_endpoint_answers_is_joined(federating, remote: Remote):
    client = federating()
    query = f"SELECT ?label ?country {{ ?s <{LABEL}> ?label . {clause(remote)} }}"
    response = ask(client, query, **CSV)
    assert response.text.splitlines() == ["label,country", "Mistral AI,France"]
    (asked, headers), *rest = remote.seen
    assert not rest
    assert asked == f"BASE <{BASE}sparql>  SELECT * WHERE {{ ?s <x:country> ?country }}"
    assert headers["accept"] == JSON


def test_the_word_in_comments_strings_iris_and_variables_asks_nobody(federating, remote: Remote):
    client = federating()
    for text in ("ASK { ?s ?p 'SERVICE <x:a> {}' }", "ASK {} # SERVICE <x:a> {}", "ASK { ?service <x:SERVICE> <x:service> }"):
        assert ask(client, text).status_code == 200
    query = f"SELECT ?country {{ # SERVICE ?x {{\n {clause(remote, "?s <x:SERVICE> ?country # }} \n FILTER('}' != 'SERVICE')")} }}"
    assert ask(client, query, **CSV).text.split() == ["country", "France"]
    assert len(remote.seen) == 1


def test_a_prefixed_name_may_name_the_endpoint_and_the_prologue_goes_with_the_group(federating, remote: Remote):
    prologue = f"# SERVICE\nBASE <x:b> PREFIX r: <{remote.url}> PREFIX : <x:> # the end"
    response = ask(federating(), f"{prologue}\nSELECT ?country {{ service silent r:sparql {{ ?s :country ?country }} }}", **CSV)
    assert "France" in response.text
    asked = remote.seen[0][0]
    assert "PREFIX : <x:>" in asked
    assert "the end" not in asked
    ox.Store().query(asked)


def test_a_clause_may_stand_in_any_group(federating, remote: Remote):
    client = federating()
    for text, expected in (
        (f"SELECT ?country {{ <{MISTRAL}> a ?c OPTIONAL {{ {clause(remote)} }} }}", {"France"}),
        (f"SELECT ?country {{ {{ ?a <x:none> ?b }} UNION {{ {clause(remote)} }} }}", {"France"}),
        (f"SELECT ?country {{ {{ SELECT ?country {{ {clause(remote)} }} LIMIT 1 }} }}", {"France"}),
        # The graph is one of ours, not of the endpoint's (SPARQL 1.1 Query, 18.6).
        (f"SELECT ?country {{ GRAPH <{BASE}graph/knowledge> {{ ?s <{LABEL}> ?label . {clause(remote)} }} }}", {"France"}),
        (f"SELECT ?s {{ ?s <{LABEL}> ?label FILTER EXISTS {{ {clause(remote)} }} }}", {MISTRAL}),
        (f"SELECT ?s {{ ?s <{LABEL}> ?label MINUS {{ {clause(remote)} }} }}", {MICROSOFT}),
    ):
        assert set(ask(client, text, **CSV).text.split()[1:]) == expected, text


def test_several_clauses_and_a_long_query(federating, remote: Remote):
    client = federating()
    query = f"SELECT ?country {{ {clause(remote)} {clause(remote)} }} #{'x' * 5000}"
    assert ask(client, query, **CSV).text.split()[1] == "France"
    assert len(remote.seen) == 2
    problem(ask(client, f"ASK {{ {clause(remote) * 5} }}"), 400, "complexity")
    problem(ask(client, f"ASK {{ {clause(remote) * 5} }} #{'x' * 5000}"), 400, "complexity")
    assert len(remote.seen) == 2


def test_many_rows_arrive_whole(federating, remote: Remote):
    remote.behaviour = answers(results(["n"], *({"n": literal(str(n), datatype=f"{XSD}integer")} for n in range(9000))))
    response = ask(federating(), f"SELECT (COUNT(?n) AS ?c) (SUM(?n) AS ?t) {{ {clause(remote, '?x <x:n> ?n')} }}", **CSV)
    assert response.text.split()[1] == f"9000,{9000 * 8999 // 2}"


@pytest.mark.parametrize("padding", ["", "#" + "x" * 5000])
@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("ASK { SERVICE <http://127.0.0.1:9/other> {} }", 403),
        ("ASK { SERVICE <http://127.0.0.1:9/none/> {} }", 403),
        ("ASK { SERVICE <http://127.0.0.1:9/non\\u0065> {} }", 403),
        ("ASK { VALUES ?x { <http://127.0.0.1:9/none> } SERVICE ?x {} }", 403),
        ("ASK { SERVICE <http://127.0.0.1:9/none> { SERVICE <http://127.0.0.1:9/none> {} } }", 403),
        ("ASK { SERVICE <http://127.0.0.1:9/none> { FILTER(?s<?b)SERVICE?x#>\n{ } VALUES ?x { 1 } } }", 403),
        ("PREFIX : <http://127.0.0.1:9/> ASK { SERVICE:none {} }", 403),
        ("ASK { SERVICESILENT<http://127.0.0.1:9/none>{} }", 403),
        ("INSERT { ?s ?p ?o } WHERE { SERVICE <http://127.0.0.1:9/none> { ?s ?p ?o } }", 403),
        ("LOAD <http://127.0.0.1:9/none>", 403),
        ("ASK { SERVICE <http://127.0.0.1:9/none> }", 400),
        ("ASK { SERVICE <http://127.0.0.1:9/none> {", 400),
        ("ASK { SERVICE none:x {} }", 400),
        ("ASK { SERVICE <http://127.0.0.1:9/none> { ?s ?p } }", 400),
        ("ASK { SERVICE <http://127.0.0.1:9/none> { ?s ?p 'a } }", 400),
    ],
)
def test_what_may_not_run_is_refused_before_anybody_is_asked(federating, query: str, status: int, padding: str):
    problem(ask(federating(), query + padding), status)


def test_a_clause_in_an_update_is_refused_to_who_may_write(serve, remote: Remote, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("KG_SERVICE_ALLOW", remote.iri)
    server = serve()
    secret = tokens.create(server.data, "test", [tokens.Scope.UPDATE])
    with server.client(headers={"Authorization": f"Bearer {secret}"}) as client:
        update = f"INSERT {{ ?s ?p ?o }} WHERE {{ {clause(remote)} }}"
        assert "SERVICE" in problem(client.post("/sparql", data={"update": update}), 403, "forbidden")
    assert not remote.seen


def test_without_a_list_nobody_is_asked(serve, remote: Remote):
    with serve().client() as client:
        assert "SERVICE is not allowed here" in problem(ask(client, f"ASK {{ {clause(remote)} }}"), 403, "forbidden")
        assert "BasicFederatedQuery" not in client.get("/sparql", headers={"Accept": "text/turtle"}).text
    assert not remote.seen


def test_the_service_description_says_that_service_may_be_used(federating):
    assert "BasicFederatedQuery" in federating().get("/sparql", headers={"Accept": "application/n-triples"}).text


def test_an_answer_with_a_remote_part_is_never_kept(federating, remote: Remote):
    client = federating()
    query = {"query": f"SELECT ?country {{ {clause(remote)} }}"}
    for _ in range(3):
        response = client.get("/sparql", params=query, headers=CSV)
        assert "France" in response.text
        assert "etag" not in response.headers
        assert response.headers["cache-control"] == "no-store"
    assert len(remote.seen) == 3
    assert all("cookie" not in headers for _, headers in remote.seen)


def test_the_format_is_refused_before_anybody_is_asked(federating, remote: Remote):
    problem(ask(federating(), f"ASK {{ {clause(remote)} }}", Accept="image/png"), 406)
    assert not remote.seen


def test_a_function_that_only_the_endpoint_has_is_the_endpoints(federating, remote: Remote):
    response = ask(federating(), f"SELECT ?country {{ {clause(remote, '?s <x:c> ?country FILTER(<x:near>(?country))')} }}", **CSV)
    assert "France" in response.text


def test_before_another_store_it_is_the_same(serve, remote: Remote, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("KG_SERVICE_ALLOW", remote.iri)
    with oxigraph(tmp_path / "store", "--union-default-graph") as there:
        httpx.post(f"{there['store']}store", content=QUADS, headers={"Content-Type": "application/n-quads"}, trust_env=False)
        with serve(quads="", **there).client() as client:
            query = f"SELECT ?label ?country {{ ?s <{LABEL}> ?label . {clause(remote)} }}"
            for text in (query, f"{query} #{'x' * 5000}"):
                assert ask(client, text, **CSV).text.splitlines() == ["label,country", "Mistral AI,France"]
            problem(ask(client, f"ASK {{ {clause(remote, '?s ?p')} }}"), 400, "syntax")
            remote.behaviour = answers(b"no")
            problem(ask(client, query), 502, "service")


GROUPS = [
    "?s <x:country> ?country",
    "?s ?p ?o OPTIONAL { ?o <x:none> ?none }",
    "VALUES (?s ?o) { (UNDEF 1) (<x:b> UNDEF) (<x:b> UNDEF) }",
    "{ SELECT ?s (COUNT(*) AS ?n) { ?s ?p ?o } GROUP BY ?s }",
    "<x:a> <x:country> 'France'@en",
    "<x:a> <x:country> 'Spain'",
]
AROUND = [
    "SELECT * {{ {} }}",
    "SELECT * {{ ?s a ?type {} }}",
    "SELECT * {{ ?s a ?type OPTIONAL {{ {} }} }}",
    "SELECT * {{ ?s a ?type MINUS {{ {} }} }}",
    "SELECT * {{ ?s a ?type FILTER NOT EXISTS {{ {} }} }}",
    "SELECT * {{ {{ ?s a ?type }} UNION {{ {} }} }}",
]
HERE = "\n".join(f"<x:{name}> <{TYPE}> <x:{name.upper()}> <x:g> ." for name in "abc")
THERE = b'<x:a> <x:country> \'France\'@en . <x:b> <x:country> \'Spain\'@en, """a\\\\u0022 \' \n""" . <x:b> <x:size> 1.50 .'


def test_answers_are_those_of_an_engine_that_asks_for_itself(serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    with oxigraph(tmp_path / "there") as there, oxigraph(tmp_path / "here", "--union-default-graph") as here:
        httpx.put(f"{there['store']}store?default", content=THERE, headers={"Content-Type": "text/turtle"}, trust_env=False)
        httpx.post(f"{here['store']}store", content=HERE, headers={"Content-Type": "application/n-quads"}, trust_env=False)
        endpoint = f"{there['store']}query"
        monkeypatch.setenv("KG_SERVICE_ALLOW", endpoint)
        with serve(quads=HERE).client() as client:
            for group in GROUPS:
                for around in AROUND:
                    query = around.format(f"SERVICE <{endpoint}> {{ {group} }}")
                    ours = ask(client, query, Accept=JSON)
                    theirs = httpx.post(f"{here['store']}query", data={"query": query}, headers={"Accept": JSON}, trust_env=False)
                    assert _rows(ours) == _rows(theirs), query


def _rows(response: httpx.Response) -> list[str]:
    assert response.status_code == 200, response.text
    return sorted(json.dumps(row, sort_keys=True) for row in response.json()["results"]["bindings"])
