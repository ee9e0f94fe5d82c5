"""SERVICE for the endpoints on the list: what they answer is joined, what they do wrong is a problem, and nobody else is asked."""

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs

import httpx
import pyoxigraph as ox
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from remotes import oxigraph
from serving import BASE, QUADS, TYPE, Server
from test_syntax import PIECES, X

from kg import federated, syntax, tokens
from kg.errors import QueryError, SettingError
from kg.federated import AnswerError, TermError, TooManyRowsError
from kg.settings import Settings

JSON = "application/sparql-results+json"
LABEL = "http://www.w3.org/2000/01/rdf-schema#label"
MISTRAL, MICROSOFT = f"{BASE}entity/Mistral_AI", f"{BASE}entity/Microsoft"
CSV = {"Accept": "text/csv"}
XSD = "http://www.w3.org/2001/XMLSchema#"


def uri(value: str) -> dict[str, str]:
    return {"type": "uri", "value": value}


def literal(value: str, **more: str) -> dict[str, str]:
    return {"type": "literal", "value": value, **more}


def results(variables: list[str], *rows: dict[str, object]) -> bytes:
    return json.dumps({"head": {"vars": variables}, "results": {"bindings": list(rows)}}).encode()


COUNTRIES = results(["s", "country"], {"s": uri(MISTRAL), "country": literal("France", **{"xml:lang": "en"})}, {"s": uri("x:else")})


@dataclass
class Remote:
    """An endpoint that does with each request what `behaviour` says; `seen` has their queries and headers."""

    url: str
    behaviour: Callable[[BaseHTTPRequestHandler], None]
    seen: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    @property
    def iri(self) -> str:
        return f"{self.url}sparql"


def answers(body: bytes, status: int = 200, **headers: str) -> Callable[[BaseHTTPRequestHandler], None]:
    def behave(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        usual = {"Content_Type": JSON, "Content_Length": str(len(body)), "Set_Cookie": "a=b; Path=/"}
        for name, value in {**usual, **headers}.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        handler.wfile.write(body)

    return behave


def drips(stop: threading.Event) -> Callable[[BaseHTTPRequestHandler], None]:
    """One byte after the other, for ever."""

    def behave(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Type", JSON)
        handler.end_headers()
        while not stop.wait(0.05):
            handler.wfile.write(b" ")

    return behave


@pytest.fixture
def remote() -> Iterator[Remote]:
    """Answers COUNTRIES until a test tells it otherwise."""
    remote = Remote("", answers(COUNTRIES))

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            remote.seen.append((parse_qs(body.decode())["query"][0], {name.lower(): value for name, value in self.headers.items()}))
            try:
                remote.behaviour(self)
            except OSError:
                self.close_connection = True

        def log_message(self, *_: object) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    remote.url = f"http://127.0.0.1:{server.server_port}/"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield remote
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def federating(serve: Callable[..., Server], remote: Remote, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., httpx.Client]]:
    """Starts a server that may ask `remote`, with these limits (settings without `service_`), and gives a client of it."""
    with ExitStack() as stack:

        def start(**limits: object) -> httpx.Client:
            monkeypatch.setenv("KG_SERVICE_ALLOW", f"{remote.iri}, http://127.0.0.1:9/none")
            for name, value in limits.items():
                monkeypatch.setenv(f"KG_{name.upper()}", str(value))
            return stack.enter_context(serve().client())

        yield start


def ask(client: httpx.Client, query: str, **headers: str) -> httpx.Response:
    return client.post("/sparql", data={"query": query}, headers=headers)


def problem(response: httpx.Response, status: int, kind: str = "") -> str:
    assert response.status_code == status, response.text[:500]
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["type"].endswith(f"#{kind}") or not kind
    return response.json()["detail"]


def clause(remote: Remote, group: str = "?s <x:country> ?country", silent: str = "") -> str:
    return f"SERVICE {silent} <{remote.iri}> {{ {group} }}"


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


# What an endpoint can do wrong: its behaviour, and the status that it makes of a query.
WRONG = {
    "fails": (answers(b"no", 500), 502),
    "finds nothing": (answers(b"no", 404), 502),
    "answers with something else": (answers(b"<html>", Content_Type="text/html"), 502),
    "answers compressed": (answers(b"\x1f\x8b", Content_Encoding="gzip"), 502),
    "answers no JSON": (answers(b"no"), 502),
    "answers half": (answers(COUNTRIES[:-3]), 502),
    "hangs up": (answers(COUNTRIES[:10], Content_Length="1000"), 502),
    "is not UTF-8": (answers(b"\xff\xfe"), 502),
    "answers yes": (answers(b'{"head":{},"boolean":true}'), 502),
    "binds another variable": (answers(results(["secret"], {"secret": uri("x:a")})), 502),
    "names a variable that is none": (answers(results(["s) {} } DROP ALL #"])), 502),
    "answers a term that is none": (answers(results(["s"], {"s": uri("x:a> } INSERT {")})), 502),
    "answers a tag that is none": (answers(results(["s"], {"s": literal("a", **{"xml:lang": "en } #"})})), 502),
    "answers nonsense, deep": (answers(b'{"head":' + b"[" * 60_000), 502),
    "answers a blank node": (answers(results(["s"], {"s": {"type": "bnode", "value": "b"}})), 400),
    "answers a triple": (
        answers(results(["s"], {"s": {"type": "triple", "value": {"subject": uri("x:s"), "predicate": uri("x:p"), "object": uri("x:o")}}})),
        400,
    ),
    "answers many rows": (answers(results(["s"], *[{} for _ in range(51)])), 413),
    "answers many bytes": (answers(b" " * 70_000), 413),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_an_endpoint_does_wrong_is_a_problem_and_silent_passes_over_it(federating, remote: Remote, name: str):
    remote.behaviour, status = WRONG[name]
    client = federating(service_rows=50, service_limit_kb=64)
    detail = problem(ask(client, f"SELECT * {{ {clause(remote)} }}"), status, "service")
    assert remote.iri in detail
    silent = ask(client, f"SELECT ?s ?country {{ <{MISTRAL}> <{LABEL}> ?l {clause(remote, silent='SILENT')} }}", **CSV)
    assert silent.text.split() == ["s,country", ","], "one solution that binds nothing"
    assert "etag" not in silent.headers
    metrics = client.get("/metrics").text
    assert 'kg_service_calls_total{outcome="failed"} 2.0' in metrics
    assert 'kg_service_calls_total{outcome="answered"} 0.0' in metrics


def test_an_endpoint_that_is_not_there_is_a_problem(federating):
    client = federating()
    problem(ask(client, "ASK { SERVICE <http://127.0.0.1:9/none> { ?s ?p ?o } }"), 502, "service")
    assert ask(client, "ASK { SERVICE SILENT <http://127.0.0.1:9/none> { ?s ?p ?o } }").json()["boolean"] is True


def test_no_redirect_is_followed(federating, remote: Remote):
    with socket.create_server(("127.0.0.1", 0)) as elsewhere:
        elsewhere.settimeout(0.2)
        remote.behaviour = answers(b"", 307, Location=f"http://127.0.0.1:{elsewhere.getsockname()[1]}/sparql")
        assert "redirects are not followed" in problem(ask(federating(), f"ASK {{ {clause(remote)} }}"), 502, "service")
        with pytest.raises(TimeoutError):
            elsewhere.accept()


def test_no_proxy_is_used(federating, remote: Remote, monkeypatch: pytest.MonkeyPatch):
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9/")
    assert "France" in ask(federating(), f"SELECT ?country {{ {clause(remote)} }}", **CSV).text


def test_an_endless_answer_ends_with_the_limit_of_bytes(federating, remote: Remote):
    def behave(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Type", JSON)
        handler.end_headers()
        while True:
            handler.wfile.write(b" " * 65536)

    remote.behaviour = behave
    problem(ask(federating(), f"ASK {{ {clause(remote)} }}"), 413, "service")


def test_slowness_is_the_endpoints_or_the_querys_own_deadline(federating, remote: Remote):
    stop = threading.Event()
    remote.behaviour = drips(stop)
    client = federating(service_timeout_s=0.6)
    try:
        assert "0.6 s" in problem(ask(client, f"ASK {{ {clause(remote)} }}"), 504, "service")
        assert ask(client, f"ASK {{ {clause(remote, silent='SILENT')} }}").json()["boolean"] is True
        own = client.post("/sparql", data={"query": f"ASK {{ {clause(remote, silent='SILENT')} }}"}, params={"timeout": "0.2"})
        problem(own, 504, "deadline")
    finally:
        stop.set()


def test_the_time_at_endpoints_counts_against_the_query(federating, remote: Remote):
    """Each clause has time enough, and so has the query for one of them, but not for two."""

    def behave(handler: BaseHTTPRequestHandler) -> None:
        time.sleep(1.8)
        answers(COUNTRIES)(handler)

    remote.behaviour = behave
    client = federating(service_timeout_s=20, query_timeout_s=3)
    assert ask(client, f"ASK {{ {clause(remote)} }}").json()["boolean"] is True
    problem(ask(client, f"ASK {{ {clause(remote) * 2} }}"), 504, "deadline")
    problem(ask(client, f"ASK {{ {clause(remote, silent='SILENT') * 2} }}"), 504, "deadline")


def test_waiting_for_endpoints_keeps_nobody_else_waiting(federating, remote: Remote):
    stop = threading.Event()
    remote.behaviour = drips(stop)
    client = federating(service_calls=4, query_share=0.5, service_timeout_s=20, query_workers=2)
    query = f"ASK {{ {clause(remote)} }}"
    try:
        with ThreadPoolExecutor(4) as threads:
            waiting = [threads.submit(ask, client, query) for _ in range(2)]
            while len(remote.seen) < 2:
                stop.wait(0.02)
            refused = ask(client, query)
            assert "too many of your queries with SERVICE" in problem(refused, 429, "busy")
            assert refused.headers["retry-after"] == "2"
            assert ask(client, "ASK {}").json()["boolean"] is True
            assert not any(future.done() for future in waiting)
            stop.set()
            for future in waiting:
                problem(future.result(), 502, "service")
    finally:
        stop.set()
    remote.behaviour = answers(COUNTRIES)
    assert ask(client, query).json()["boolean"] is True


def test_a_client_that_hangs_up_gives_its_place_back(federating, remote: Remote):
    stop = threading.Event()
    remote.behaviour = drips(stop)
    client = federating(service_calls=1, service_timeout_s=25)
    query = f"ASK {{ {clause(remote)} }}"
    with pytest.raises(httpx.ReadTimeout):
        client.post("/sparql", data={"query": query}, timeout=0.5)
    remote.behaviour = answers(COUNTRIES)
    for _ in range(100):
        if (response := ask(client, query)).status_code != 429:
            break
        stop.wait(0.05)
    stop.set()
    assert response.json()["boolean"] is True


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


TEXTS = st.text(st.one_of(st.characters(exclude_categories=["Cs"]), st.sampled_from("\\\"'u0022n\n\r\t{}()#<>@^?SERVICE ")), max_size=12)
TERMS = st.one_of(
    TEXTS.map(ox.Literal),
    TEXTS.map(lambda text: ox.Literal(text, language="en-GB")),
    TEXTS.map(lambda text: ox.Literal(text, datatype=ox.NamedNode("x:a)service#b"))),
    st.text("az)(service#?&;,.'!~-%41é\u00a0", max_size=12)
    .map(lambda text: f"x:{text}")
    .filter(lambda iri: _is_iri(iri))
    .map(ox.NamedNode),
    st.none(),
)


def _is_iri(text: str) -> bool:
    try:
        ox.NamedNode(text)
    except ValueError:
        return False
    return True


def _described(term: object) -> dict[str, str] | None:
    if isinstance(term, ox.NamedNode):
        return uri(term.value)
    if isinstance(term, ox.Literal):
        return literal(term.value, **({"xml:lang": term.language} if term.language else {"datatype": term.datatype.value}))
    return None


@settings(max_examples=400, deadline=None)
@given(st.lists(st.tuples(TERMS, TERMS), max_size=4))
def test_a_block_has_the_terms_that_were_answered_and_nothing_else(rows: list[tuple[object, object]]):
    found = [{name: _described(term) for name, term in zip("ab", row, strict=True) if term is not None} for row in rows]
    block = federated.values(results(["a", "b"], *found).decode(), ("b", "a", "c"), max_rows=9, max_characters=10_000)
    text = f"SELECT ?a ?b {{ {block} }}"
    assert not syntax.read(text).volatile
    assert [(row["a"], row["b"]) for row in ox.Store().query(text)] == rows  # type: ignore[union-attr,index]


@settings(max_examples=800, deadline=None)
@given(
    st.lists(
        st.one_of(PIECES, st.sampled_from(["SERVICE ", "SERVICE SILENT ", f"SERVICE {X} {{", "PREFIX ex: <x:>", "SELECT * {"])), max_size=14
    )
)
@example([f"SERVICE {X} {{", "}"])
def test_what_is_left_of_a_query_asks_nobody_and_what_endpoints_are_asked_is_a_group(pieces: list[str]):
    text = f"SELECT * {{ {''.join(pieces)} }}"
    try:
        query = federated.read(text, BASE, most=4)
    except QueryError:
        return
    left = federated.replaced(text, query.clauses, [federated.NO_SOLUTION] * len(query.clauses))
    for sent in (left, *(f"{clause.query} LIMIT 0" for clause in query.clauses)):
        try:
            list(ox.Store().query(sent))  # type: ignore[arg-type]
        except SyntaxError:
            continue
        except (OSError, RuntimeError) as error:
            raise AssertionError(f"the engine would have connected for {sent!r}: {error}") from error


def test_limits_of_a_block():
    body = results(["a", "b"], *[{"a": uri("x:a")}] * 5).decode()
    assert federated.values(body, ("a", "b"), max_rows=5, max_characters=100).count("UNDEF") == 5
    with pytest.raises(TooManyRowsError, match="4 rows"):
        federated.values(body, ("a", "b"), max_rows=4, max_characters=100)
    with pytest.raises(TooManyRowsError, match="20 characters"):
        federated.values(body, ("a", "b"), max_rows=5, max_characters=20)
    with pytest.raises(AnswerError, match=r"\?b"):
        federated.values(body, ("a",), max_rows=5, max_characters=100)
    directed = results(["a"], {"a": literal("x", **{"xml:lang": "ar", "its:dir": "rtl"})}).decode()
    with pytest.raises(TermError, match="direction"):
        federated.values(directed, ("a",), max_rows=5, max_characters=100)


@pytest.mark.parametrize("value", ["ftp://example.org/", "example.org", "http://", "http://a/#b", "http://user:secret@a/", "http://a/<b>"])
def test_a_list_with_something_else_in_it_is_refused(value: str):
    with pytest.raises(SettingError, match=r"KG_SERVICE_ALLOW.*(no http|no user)") as caught:
        Settings.load(service_allow=f"http://good/ {value}")
    assert "secret" not in str(caught.value)


def test_a_list_is_read():
    assert Settings.load(service_allow=" http://a/x,https://b/?c=d \n http://é/").service_endpoints == {
        "http://a/x",
        "https://b/?c=d",
        "http://é/",
    }
    assert Settings.load().service_endpoints == frozenset()
