"""`python benchmarks/serve_abuse.py`: point queries at 100 a second, alone and then beside the abusive queries of the tests.

Prints how long the abusive ones took (deadline 2 s), and the latency of the point queries in both phases and as a ratio.
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
    """In a process of its own: PER_S point queries a second; prints quantiles in milliseconds and the number that failed."""
    latencies, failed = [], 0
    with httpx.Client(base_url=url, trust_env=False, timeout=60) as client:
        start = time.perf_counter()
        for number in range(int(PHASE_S * PER_S)):
            query = f"SELECT ?o {{ <http://example.org/s{random.randrange(NODES)}> ?p ?o }}"  # noqa: S311
            time.sleep(max(0.0, start + number / PER_S - time.perf_counter()))
            due = time.perf_counter()
            failed += client.get("/sparql", params={"query": query}).status_code != 200
            latencies.append((time.perf_counter() - due) * 1000)
    latencies.sort()
    quantiles = (latencies[int(len(latencies) * q)] for q in (0.5, 0.9, 0.99))
    print(*(f"{value:.2f}" for value in quantiles), f"{latencies[-1]:.2f}", failed)


def phase(server: Server) -> list[float]:
    done = subprocess.run([sys.executable, __file__, server.url], capture_output=True, text=True, check=True)
    return [float(value) for value in done.stdout.split()]


def abuse(server: Server, name: str, done: threading.Event, took: dict[str, list[tuple[int, float]]]) -> None:
    with server.client(headers={"X-Forwarded-For": f"192.0.2.{len(name)}"}) as client:
        while not done.is_set():
            start = time.perf_counter()
            status = client.post("/sparql", data={"query": ABUSIVE[name]}).status_code
            took.setdefault(name, []).append((status, time.perf_counter() - start))


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        fill(Path(folder) / "data", QUADS_TO_ABUSE)
        with serving(Path(folder) / "data", Path(folder) / "log", query_timeout_s=2) as server:
            alone = phase(server)
            done, took = threading.Event(), {}
            threads = [threading.Thread(target=abuse, args=(server, name, done, took)) for name in ABUSIVE]
            for thread in threads:
                thread.start()
            beside = phase(server)
            done.set()
            for thread in threads:
                thread.join()
    for name, ends in took.items():
        statuses = sorted({status for status, _ in ends})
        print(f"{name:24} {len(ends):4} times, {', '.join(map(str, statuses))}, at most {max(s for _, s in ends):.2f} s")
    print(f"{'point queries, ms':24} {'p50':>8} {'p90':>8} {'p99':>8} {'max':>8}  failed")
    for name, row in (("alone", alone), ("beside", beside)):
        print(f"{name:24} {row[0]:8.2f} {row[1]:8.2f} {row[2]:8.2f} {row[3]:8.2f}  {row[4]:.0f}")
    print(f"{'ratio':24} " + " ".join(f"{b / a:8.1f}" for a, b in zip(alone[:4], beside[:4], strict=True)))


if __name__ == "__main__":
    points(sys.argv[1]) if len(sys.argv) > 1 else main()
