"""`python benchmarks/serve_abuse.py`: point queries at 100 a second, alone and then beside the abusive queries of the tests.

Beside these twice: asked with the same texts over and over, and with texts that nobody asked before, whose length nobody can know.
Prints how long the abusive ones took (deadline 2 s), and the latency of the point queries in each phase and as ratios.
"""

import random
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "web"))

import httpx
from abusive import ABUSIVE, NODES, QUADS_TO_ABUSE
from serving import Server, fill, serving

PHASE_S = 15.0
PER_S = 100


def points(url: str) -> None:
    """In a process of its own: PER_S point queries a second; prints quantiles in milliseconds and the number that failed.

    A latency counts from when the query was to be sent, so that one which is late because of those before it is not taken for a quick one.
    """
    latencies, failed = [], 0
    with httpx.Client(base_url=url, trust_env=False, timeout=60) as client:
        start = time.perf_counter()
        for number in range(int(PHASE_S * PER_S)):
            query = f"SELECT ?o {{ <http://example.org/s{random.randrange(NODES)}> ?p ?o }}"  # noqa: S311
            due = start + number / PER_S
            time.sleep(max(0.0, due - time.perf_counter()))
            failed += client.get("/sparql", params={"query": query}).status_code != 200
            latencies.append((time.perf_counter() - due) * 1000)
    latencies.sort()
    quantiles = (latencies[int(len(latencies) * q)] for q in (0.5, 0.9, 0.99))
    print(*(f"{value:.2f}" for value in quantiles), f"{latencies[-1]:.2f}", failed)


def phase(server: Server) -> list[float]:
    done = subprocess.run([sys.executable, __file__, server.url], capture_output=True, text=True, check=True)
    return [float(value) for value in done.stdout.split()]


def abuse(server: Server, name: str, *, new: bool, done: threading.Event, took: dict[str, list[tuple[int, float]]]) -> None:
    with server.client(headers={"X-Forwarded-For": f"192.0.2.{len(name)}"}) as client:
        while not done.is_set():
            ends = took.setdefault(name, [])
            start = time.perf_counter()
            status = client.post("/sparql", data={"query": f"{ABUSIVE[name]} # {len(ends) if new else ''}"}).status_code
            ends.append((status, time.perf_counter() - start))


def beside(server: Server, took: dict[str, list[tuple[int, float]]], *, new: bool) -> list[float]:
    done = threading.Event()
    threads = [threading.Thread(target=abuse, args=(server, name), kwargs={"new": new, "done": done, "took": took}) for name in ABUSIVE]
    for thread in threads:
        thread.start()
    row = phase(server)
    done.set()
    for thread in threads:
        thread.join()
    return row


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        fill(Path(folder) / "data", QUADS_TO_ABUSE)
        with serving(Path(folder) / "data", Path(folder) / "log", query_timeout_s=2) as server:
            took: dict[str, list[tuple[int, float]]] = {}
            rows = {"alone": phase(server), "beside": beside(server, took, new=False), "beside new texts": beside(server, took, new=True)}
    for name, ends in took.items():
        statuses = sorted({status for status, _ in ends})
        print(f"{name:24} {len(ends):4} times, {', '.join(map(str, statuses))}, at most {max(s for _, s in ends):.2f} s")
    print(f"{'point queries, ms':24} {'p50':>8} {'p90':>8} {'p99':>8} {'max':>8}  failed, ratios to alone")
    for name, row in rows.items():
        ratios = " ".join(f"{value / alone:.1f}" for value, alone in zip(row[:4], rows["alone"], strict=False))
        print(f"{name:24} {row[0]:8.2f} {row[1]:8.2f} {row[2]:8.2f} {row[3]:8.2f}  {row[4]:.0f}  {ratios}")


if __name__ == "__main__":
    points(sys.argv[1]) if len(sys.argv) > 1 else main()
