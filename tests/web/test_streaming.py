"""Large answers: no memory, no clean end unless complete, and a client that leaves frees what worked for it."""

import json
import re
import socket
import time
from pathlib import Path

import httpx
import pytest
from pyoxigraph import RdfFormat, parse
from serving import BASE, Server
from test_operations import wait_for

ROWS = "SELECT * { " + " ".join(f"?a{i} ?b{i} ?c{i} ." for i in range(10)) + " }"  # 5 ** 10, some ten million
DIGITS = " ".join(f"VALUES ?v{i} {{ 0 1 2 3 4 5 6 7 8 9 }}" for i in range(5))
GRAPH = f"CONSTRUCT {{ <x:s> <x:p> ?n }} WHERE {{ {DIGITS} BIND(CONCAT({', '.join(f'STR(?v{i})' for i in range(5))}) AS ?n) }}"


def peak_mb(pid: int) -> int:
    """The most memory that the process ever held, in MiB."""
    found = re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())
    return int(found.group(1)) // 1024 if found else 0


def test_a_result_of_ten_million_rows_takes_no_more_memory_than_a_small_one(serve):
    server = serve(query_timeout_s=100)
    with server.client() as client:
        client.get("/sparql", params={"query": "SELECT * { ?s ?p ?o }"})
        processes = [server.process.pid, *server.workers()]
        before = [peak_mb(pid) for pid in processes]
        narrow = "SELECT ?a0 { " + ROWS.partition("{")[2]
        with client.stream(
            "POST", "/sparql", data={"query": narrow}, headers={"Accept": "text/csv", "Accept-Encoding": "zstd"}
        ) as response:
            assert response.status_code == 200
            rows = sum(part.count(b"\n") for part in response.iter_bytes())
        assert rows == 5**10 + 1
        assert [pid for pid in processes if peak_mb(pid) > before[processes.index(pid)] + 40] == []


@pytest.mark.parametrize("accept", ["text/csv", "application/sparql-results+json"])
def test_a_client_that_reads_slowly_holds_the_worker_back(serve, accept: str):
    server = serve(query_timeout_s=30)
    with server.client() as client, client.stream("POST", "/sparql", data={"query": ROWS}, headers={"Accept": accept}) as response:
        next(response.iter_raw())
        before = peak_mb(server.process.pid)
        time.sleep(1)
        used = [cpu_ticks(pid) for pid in server.workers()]
        time.sleep(1)
        assert [cpu_ticks(pid) for pid in server.workers()] == used, "nobody works ahead"
        assert peak_mb(server.process.pid) <= before + 10


def cpu_ticks(pid: int) -> int:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


@pytest.mark.parametrize("accept", ["text/turtle", "application/ld+json", "application/n-triples"])
def test_a_graph_is_sent_as_it_comes(serve, accept: str):
    server = serve(query_timeout_s=30)
    with server.client() as client, client.stream("POST", "/sparql", data={"query": GRAPH}, headers={"Accept": accept}) as response:
        assert response.status_code == 200
        assert "content-length" not in response.headers
        assert peak_mb(server.process.pid) < 200
        response.read()
    syntax = RdfFormat.from_media_type(accept)
    assert syntax is not None
    assert sum(1 for _ in parse(response.content, syntax)) == 100_000


def test_json_ld_says_which_way_a_text_runs(client: httpx.Client):
    query = {"query": "CONSTRUCT { <x:s> <x:p> 'abc'@ar--rtl } {}"}
    text = client.get("/sparql", params=query, headers={"Accept": "application/ld+json"}).text
    assert '"@direction": "rtl"' in text or '"@direction":"rtl"' in text


@pytest.mark.parametrize("path", ["/graphs", f"/graphs?graph={BASE}graph/knowledge", "/sparql"])
def test_json_ld_says_what_n_quads_say(client: httpx.Client, path: str):
    document = client.get(path, headers={"Accept": "application/ld+json"}).content
    quads = client.get(path, headers={"Accept": "application/n-quads"}).content
    whole = path == "/graphs"
    expected = {str(quad if whole else quad.triple) for quad in parse(quads, RdfFormat.N_QUADS)}
    assert {str(quad if whole else quad.triple) for quad in parse(document, RdfFormat.JSON_LD)} == expected
    assert json.loads(document)["@context"]["aikg"] == "https://w3id.org/aikg/ontology#"


@pytest.mark.parametrize("coding", ["identity", "gzip", "zstd"])
@pytest.mark.parametrize("accept", ["text/csv", "application/sparql-results+json"])
def test_what_fails_past_the_first_byte_has_no_clean_end(serve, accept: str, coding: str):
    server = serve(query_timeout_s=1)
    headers = {"Accept": accept, "Accept-Encoding": coding}
    with server.client() as client:
        with (
            pytest.raises(httpx.RemoteProtocolError),
            client.stream("POST", "/sparql", data={"query": ROWS}, headers=headers) as response,
        ):
            assert response.status_code == 200
            for _ in response.iter_raw():
                pass
        wait_for(lambda: '"aborted": "deadline"' in server.log.read_text())


def test_http_1_0_is_never_given_a_part(serve):
    server = serve(query_timeout_s=2)
    host, port = server.url.removeprefix("http://").split(":")
    query = ROWS.replace(" ", "%20").replace("?", "%3F").encode()
    with socket.create_connection((host, int(port)), timeout=30) as connection:
        connection.sendall(b"GET /sparql?format=csv&query=" + query + b" HTTP/1.0\r\n\r\n")
        received = b""
        while part := connection.recv(65536):
            received += part
    assert received.split()[1] in (b"413", b"504")


def test_a_client_that_hangs_up_frees_its_worker(serve):
    server = serve(query_timeout_s=60, query_workers=2)
    endless = "SELECT (COUNT(*) AS ?n) { " + " . ".join(f"?a{i} ?b{i} ?c{i}" for i in range(14)) + " }"
    before = set(server.workers())
    for query in (endless, ROWS):
        with (
            server.client() as client,
            pytest.raises(httpx.ReadTimeout),
            client.stream("POST", "/sparql", data={"query": query}, timeout=0.5) as response,
        ):
            next(response.iter_raw())
            raise httpx.ReadTimeout("enough")
        wait_for(lambda: not before & set(server.workers()) or running(server) == 0)
        wait_for(lambda: running(server) == 0)
    with server.client() as client:
        assert client.get("/sparql", params={"query": "ASK {}"}).status_code == 200


def running(server: Server) -> float:
    with server.client() as client:
        found = re.search(r"^kg_queries_running (\S+)", client.get("/metrics").text, re.MULTILINE)
    return float(found.group(1)) if found else -1
