"""What those who run the service see and do: health, metrics, logs, a drain, a restart."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families
from serving import BASE, Server, fill, serving

from kg import tokens
from kg.datadir import open_existing
from kg.settings import Settings
from kg.store import open_writer
from kg.web import log
from kg.workers.process import Death

SLOW = "SELECT (COUNT(*) AS ?n) { " + " . ".join(f"?a{i} ?b{i} ?c{i}" for i in range(14)) + " }"


def metrics(client: httpx.Client) -> dict[str, float]:
    """Sample name with labels to value."""
    families = text_string_to_metric_families(client.get("/metrics").text)
    return {sample.name + json.dumps(sample.labels, sort_keys=True): sample.value for family in families for sample in family.samples}


def lines(server: Server) -> list[dict]:
    """The log's JSON lines."""
    return [json.loads(line) for line in server.log.read_text().splitlines() if line.startswith("{")]


def test_health_and_readiness_are_told(client: httpx.Client):
    assert client.get("/health").json()["status"] == "ok"
    assert client.get("/ready").json()["status"] == "ready"


def test_metrics_tell_what_happened(serve):
    server = serve(query_timeout_s=1)
    with server.client() as client:
        client.get("/sparql", params={"query": "ASK {}"})
        client.get("/sparql", params={"query": "ASK {}"})
        client.get("/sparql", params={"query": "ASK {"})
        client.get("/sparql", params={"query": SLOW})
        client.get("/nothing")
        seen = metrics(client)
    requests = {(200, "/sparql"): 2, (400, "/sparql"): 1, (504, "/sparql"): 1, (404, "other"): 1}
    for (status, route), number in requests.items():
        assert seen[f'kg_http_requests_total{{"method": "GET", "route": "{route}", "status": "{status}"}}'] == number
    assert seen['kg_http_request_seconds_count{"route": "/sparql"}'] == 4
    assert seen['kg_http_request_seconds_bucket{"le": "0.5", "route": "/sparql"}'] == 3
    assert seen['kg_worker_deaths_total{"reason": "deadline"}'] == 1
    assert seen["kg_answer_cache_hits_total{}"] == 1
    assert (seen["kg_triples{}"], seen["kg_snapshot{}"]) == (5, 1)
    assert (seen["kg_queries_waiting{}"], seen["kg_queries_running{}"]) == (0, 0)
    assert seen["kg_workers_open_to_network{}"] == 0


def test_metrics_follow_the_snapshot(serve):
    server = serve()
    with server.client() as client, open_writer(Settings.load(data=server.data)) as writer:
        before = metrics(client)["kg_triples{}"]
        writer.update("INSERT DATA { GRAPH <x:g> { <x:s> <x:p> 1, 2, 3 } }")
        number = writer.publish().number
        wait_for(lambda: client.get("/health").json()["snapshot"] == number)
        assert metrics(client)["kg_triples{}"] == before + 3


def wait_for(condition, timeout_s: float = 20.0) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.02)


def test_each_request_is_one_line_without_secrets(serve):
    server = serve()
    secret = tokens.create(server.data, "writer", [tokens.Scope.UPDATE])
    with server.client(headers={"Authorization": f"Bearer {secret}"}) as client:
        client.get("/sparql", params={"query": "SELECT * { ?s ?p ?o }"})
        client.post("/sparql", data={"update": "CLEAR GRAPH <x:g>"})
        client.get('/a%1B[31mred%0A{"forged": true}', headers={"X-Forwarded-For": "\x9b0;title".encode("latin-1")})
        client.post("/sparql", content="CLEAR ALL", headers={"Content-Type": "application/sparql-update", "Authorization": "Bearer aikg_x"})
    wait_for(lambda: len(lines(server)) >= 4)
    requests = [line for line in lines(server) if line["logger"] == "kg.web.requests"]
    assert [(line["method"], line["path"], line["status"]) for line in requests] == [
        ("GET", "/sparql", 200),
        ("POST", "/sparql", 204),
        ("GET", '/a\x1b[31mred\n{"forged": true}', 404),
        ("POST", "/sparql", 401),
    ]
    assert {"time", "level", "ms", "bytes", "caller"} <= requests[0].keys()
    assert requests[1].get("token") == "writer"
    written = server.log.read_text()
    assert secret not in written
    assert "aikg_x" not in written
    assert not [character for character in written if ord(character) < 32 and character != "\n"]


@pytest.mark.parametrize(
    "line",
    [
        {"method": "GET", "path": '/a\x1b[31m"\n\\ é \U0001f600', "status": 200, "ms": 0.07, "bytes": 0, "caller": "::/64"},
        {"ms": 1e-05, "gone": True, "cut": False, "services": 1, "problem": Death.MEMORY},
        {},
    ],
)
def test_the_line_of_a_request_is_the_json_of_its_values(line: dict[str, object]):
    written = log.JsonLines().format(log.Ended("kg.web.requests", line))
    when = json.loads(written)["time"]
    assert written == json.dumps({"time": when, "level": "info", "logger": "kg.web.requests", **line})


def test_a_caller_behind_a_proxy_of_this_machine_is_told_by_it(serve):
    server = serve()
    with server.client() as client:
        client.get("/sparql", params={"query": "ASK {}"}, headers={"X-Forwarded-For": "192.0.2.7"})
        client.get("/sparql", params={"query": "ASK {}"})
    wait_for(lambda: len(lines(server)) >= 2)
    assert [line["caller"] for line in lines(server)] == ["192.0.2.7", "127.0.0.1"]


@pytest.mark.skipif(not hasattr(os, "SCHED_BATCH"), reason="scheduling policies are Linux's")
def test_a_worker_that_wakes_takes_the_processor_from_nobody(server: Server):
    assert {os.sched_getscheduler(pid) for pid in server.workers()} == {os.SCHED_BATCH}


def test_a_stopped_server_finishes_what_it_was_asked(serve):
    server = serve(query_timeout_s=10)
    rows = "SELECT * { " + " ".join(f"?a{i} ?b{i} ?c{i} ." for i in range(7)) + " }"
    workers = server.workers()
    with server.client() as client, client.stream("POST", "/sparql", data={"query": rows}, headers={"Accept": "text/csv"}) as response:
        received = response.iter_bytes()
        size = len(next(received))
        server.process.send_signal(signal.SIGTERM)
        time.sleep(0.5)
        with pytest.raises(httpx.TransportError), server.client() as another:
            another.get("/health")
        size += sum(map(len, received))
    assert size > 1_000_000
    assert server.process.wait(timeout=30) == 0
    wait_for(lambda: not any(Path(f"/proc/{pid}").exists() for pid in workers))


def test_a_server_that_is_killed_takes_its_workers_along(serve):
    server = serve()
    workers = server.workers()
    assert len(workers) == 2 * max(4, (os.cpu_count() or 1) + 1)
    server.process.kill()
    server.process.wait()
    wait_for(lambda: not any(Path(f"/proc/{pid}").exists() for pid in workers))


def test_what_a_killed_writer_stored_is_there_after_a_start(tmp_path: Path):
    fill(tmp_path / "data")
    with open_writer(Settings.load(data=tmp_path / "data")) as writer:
        writer.update("INSERT DATA { GRAPH <x:g> { <x:s> <x:p> 1 } }")  # and it is killed before it publishes
    assert open_existing(tmp_path / "data").unpublished.exists()
    with serving(tmp_path / "data", tmp_path / "log") as server, server.client() as client:
        assert client.get("/sparql", params={"query": "ASK { GRAPH <x:g> { <x:s> <x:p> 1 } }"}).json()["boolean"] is True


def test_a_server_starts_beside_a_writer_and_shows_what_it_publishes(tmp_path: Path):
    fill(tmp_path / "data")
    with open_writer(Settings.load(data=tmp_path / "data")) as writer:
        writer.update("INSERT DATA { GRAPH <x:g> { <x:s> <x:p> 1 } }")
        with serving(tmp_path / "data", tmp_path / "log") as server, server.client() as client:
            question = {"query": "ASK { GRAPH <x:g> { <x:s> <x:p> 1 } }"}
            assert client.get("/sparql", params=question).json()["boolean"] is False
            writer.publish()
            wait_for(lambda: client.get("/sparql", params=question).json()["boolean"] is True)


def test_what_is_published_is_served_when_the_rest_cannot_be(tmp_path: Path):
    fill(tmp_path / "data")
    with open_writer(Settings.load(data=tmp_path / "data")) as writer:
        writer.update("INSERT DATA { GRAPH <x:g> { <x:s> <x:p> 1 } }")
    (tmp_path / "data" / "store" / "CURRENT").write_text("damaged\n")
    with serving(tmp_path / "data", tmp_path / "log") as server, server.client() as client:
        answers = [client.get("/sparql", params={"query": f"ASK {{ {said} }}"}).json() for said in ("?s ?p 'An article'", "<x:s> <x:p> 1")]
        assert [answer["boolean"] for answer in answers] == [True, False]
        assert "cannot be published" in server.log.read_text()


def test_a_server_starts_without_what_only_pages_and_stray_addresses_need():
    late = ["fastapi", "httpx", "jinja2", "rdflib", "spacy", "yaml"]
    program = f"import sys, kg.web.server; print([name for name in {late} if name in sys.modules])"
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_a_signal_while_the_server_starts_stops_it(tmp_path: Path):
    fill(tmp_path / "data")
    command = [str(Path(sys.executable).with_name("kg")), "serve", "--data", str(tmp_path / "data"), "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
        wait_for(lambda: bool(children.read_text()))  # it starts its workers, and takes no request yet
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=60) == 0


def test_a_server_that_is_told_another_base_iri_says_so(tmp_path: Path):
    fill(tmp_path / "data")
    command = [str(Path(sys.executable).with_name("kg")), "serve", "--data", str(tmp_path / "data"), "--port", "0"]
    environment = {**os.environ, "KG_BASE_IRI": "https://graph.example.org/"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert "was made with the base IRI" in done.stderr


def test_a_lost_worker_is_replaced(serve):
    server = serve(query_workers=2)
    with server.client() as client:
        for _ in range(3):
            killed = set(server.workers())
            for pid in killed:
                os.kill(pid, signal.SIGKILL)
            wait_for(lambda killed=killed: not killed & set(server.workers()))
            wait_for(lambda: client.get("/ready").status_code == 200)
            assert client.get("/sparql", params={"query": "ASK {}"}).status_code == 200
        wait_for(lambda: len(server.workers()) == 2)


def test_the_description_names_the_address_that_was_asked(server: Server, client: httpx.Client):
    text = client.get("/sparql", headers={"Accept": "application/n-triples"}).text
    endpoint = "<http://www.w3.org/ns/sparql-service-description#endpoint>"
    assert f"<{BASE}sparql> {endpoint} <{server.url}/sparql> ." in text
    for _ in range(3):  # also when it is answered from memory
        other = client.get("/sparql", headers={"Accept": "application/n-triples", "Host": "kg.example"})
        assert f"<{BASE}sparql> {endpoint} <http://kg.example/sparql> ." in other.text
        assert client.get("/sparql", headers={"Accept": "application/n-triples"}).text == text
    forged = client.get("/sparql", headers={"Accept": "application/n-triples", "Host": 'x"><evil'})
    assert "evil" not in forged.text


def test_many_graphs_are_described_as_they_come(serve):
    server = serve(quads="".join(f"<x:s> <x:p> <x:o> <x:g{number}> .\n" for number in range(20_000)))
    with server.client() as client:
        text = client.get("/sparql", headers={"Accept": "application/n-triples"}).text
        assert text.count("#NamedGraph>") == 20_000


def test_a_directory_for_which_only_a_token_was_made_is_an_empty_graph_to_write_into(tmp_path: Path):
    secret = tokens.create(tmp_path / "data", "ada", [tokens.Scope.UPDATE])
    with serving(tmp_path / "data", tmp_path / "log") as server, server.client(headers={"Authorization": f"Bearer {secret}"}) as client:
        assert client.get("/sparql", params={"query": "ASK { ?s ?p ?o }"}).json()["boolean"] is False
        assert client.post("/sparql", data={"update": "INSERT DATA { GRAPH <x:g> { <x:s> <x:p> 1 } }"}).status_code == 204
