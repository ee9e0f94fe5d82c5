"""No query hurts another: the worst that can be asked ends in time, its memory and processor come back, and others do not notice.

How long the others wait is measured by benchmarks/serve_abuse.py.
"""

import threading
from collections import Counter
from pathlib import Path

import httpx
import pytest
from abusive import ABUSIVE, QUADS_TO_ABUSE
from serving import Server, fill, serving
from test_operations import wait_for
from test_streaming import cpu_ticks, running

from kg.settings import Settings
from kg.web.answers import SHORT_CHARACTERS
from kg.web.server import limits


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory):
    """A server with a deadline of two seconds."""
    folder = tmp_path_factory.mktemp("strict")
    fill(folder / "data", QUADS_TO_ABUSE)
    with serving(folder / "data", folder / "log", query_timeout_s=2, query_memory_mb=512) as server:
        yield server


def resident_mb(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) // 256


@pytest.mark.parametrize("name", ABUSIVE)
def test_an_abusive_query_is_stopped(strict: Server, name: str):
    with strict.client() as client:
        refused = client.post("/sparql", data={"query": ABUSIVE[name]})
        assert refused.status_code in (413, 503, 504)
        assert refused.elapsed.total_seconds() < 10, "it was stopped; benchmarks/serve_abuse.py measures how soon"
        assert refused.headers["content-type"] == "application/problem+json"
        wait_for(lambda: len(strict.workers()) == limits(Settings()).workers and running(strict) == 0)
        wait_for(lambda: all(resident_mb(pid) < 256 for pid in strict.workers()))
    wait_for(lambda: idle(strict.workers()))


def idle(pids: list[int]) -> bool:
    before = sum(map(cpu_ticks, pids))
    threading.Event().wait(0.3)
    return sum(map(cpu_ticks, pids)) <= before + 1


def test_others_are_answered_beside_abusive_queries(strict: Server):
    refused: Counter[int] = Counter()
    done = threading.Event()

    def abuse(name: str) -> None:
        with strict.client(headers={"X-Forwarded-For": f"192.0.2.{len(name)}"}) as client:
            while not done.is_set():
                refused[client.post("/sparql", data={"query": ABUSIVE[name]}).status_code] += 1

    abusers = [threading.Thread(target=abuse, args=(name,)) for name in ABUSIVE]
    for abuser in abusers:
        abuser.start()
    try:
        with strict.client() as client:
            for number in range(300):
                query = f"SELECT ?o {{ <http://example.org/s{number}> ?p ?o }}"
                answer = client.get("/sparql", params={"query": query}, headers={"Accept": "text/csv"})
                assert (answer.status_code, len(answer.text.split())) == (200, 2)
    finally:
        done.set()
        for abuser in abusers:
            abuser.join()
    assert refused.total() >= len(ABUSIVE)
    assert set(refused) <= {413, 503, 504}


def test_a_caller_cannot_hold_all_places(serve):
    server = serve(quads=QUADS_TO_ABUSE, query_timeout_s=6, query_workers=4, query_queue=8)
    statuses: Counter[int] = Counter()

    def ask(number: int) -> None:
        with server.client(headers={"X-Forwarded-For": "192.0.2.1"}) as client:
            query = ABUSIVE["cross product counted"].replace("?n", f"?n{number}")
            statuses[client.post("/sparql", data={"query": query}).status_code] += 1

    greedy = [threading.Thread(target=ask, args=(number,)) for number in range(12)]
    for thread in greedy:
        thread.start()
    wait_for(lambda: statuses[429] > 0)
    with server.client(headers={"X-Forwarded-For": "192.0.2.2"}) as client:
        # Another caller's long query finds a place at once, though the greedy one has more waiting.
        long = "SELECT (COUNT(*) AS ?n) { " + " ".join(f"VALUES ?v{k} {{ {' '.join(map(str, range(20)))} }}" for k in range(5)) + " }"
        answer = client.post("/sparql", data={"query": long})
        assert answer.status_code == 200
    for thread in greedy:
        thread.join()
    assert set(statuses) == {429, 503, 504}
    assert statuses[504] == 2, "half of the three long places, rounded up"


def test_a_full_queue_says_when_to_come_back(serve):
    server = serve(quads=QUADS_TO_ABUSE, query_timeout_s=4, query_workers=1, query_queue=2)
    answers: list[httpx.Response] = []

    def ask(number: int) -> None:
        with server.client(headers={"X-Forwarded-For": f"192.0.2.{number}"}) as client:
            answers.append(client.post("/sparql", data={"query": ABUSIVE["cross product counted"].replace("?n", f"?n{number}")}))

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    refused = [answer for answer in answers if answer.status_code == 503]
    assert len(refused) >= 4
    assert all(int(answer.headers["retry-after"]) > 0 for answer in refused)
    with server.client() as client:
        assert client.get("/sparql", params={"query": "ASK {}"}).status_code == 200


def test_a_text_that_a_worker_must_read_has_no_time_beyond_its_deadline(serve):
    server = serve(quads=QUADS_TO_ABUSE, query_timeout_s=20, query_workers=1)

    def occupy() -> None:
        with server.client() as client:
            client.post("/sparql", data={"query": ABUSIVE["cross product counted"], "timeout": "2"})

    occupant = threading.Thread(target=occupy)
    occupant.start()
    wait_for(lambda: running(server) == 1)
    with server.client() as client:
        answer = client.post("/sparql", data={"query": f"ASK {{}} # {'long ' * SHORT_CHARACTERS}", "timeout": "0.5"})
    occupant.join()
    assert (answer.status_code, answer.json()["type"].rpartition("#")[2]) == (503, "busy")
