"""What goes wrong at an endpoint, or takes long there, is a problem of its own, and nobody else waits for it."""

import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler

import httpx
import pytest
from endpoints import COUNTRIES, CSV, JSON, LABEL, MISTRAL, Remote, answers, ask, clause, drips, literal, problem, results, uri

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


def test_an_answer_that_ends_the_worker_that_reads_it_is_the_endpoint_s_mistake(federating, remote: Remote):
    deep = b'{"head":{"vars":["s"]},"results":{"bindings":[{"s":' + b'{"type":"triple","value":{"subject":' * 20_000
    remote.behaviour = answers(deep)
    client = federating(service_limit_kb=1024)
    problem(ask(client, f"SELECT * {{ {clause(remote)} }}"), 502, "service")
    silent = ask(client, f"SELECT ?s ?country {{ <{MISTRAL}> <{LABEL}> ?l {clause(remote, silent='SILENT')} }}", **CSV)
    assert silent.text.split() == ["s,country", ","]


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
