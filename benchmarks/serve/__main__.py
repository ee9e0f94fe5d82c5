"""`python -m benchmarks.serve`: loads the same quads into each server, asks the mix, prints ratios."""

import argparse
import json
import os
import platform
import shutil
import sys
import tempfile
import time
from collections.abc import Iterable
from contextlib import ExitStack
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

from pyoxigraph import Literal, NamedNode, Quad

from benchmarks.serve import generate, load, report
from benchmarks.serve.questions import KINDS, variants
from benchmarks.serve.report import Cell, Round
from benchmarks.serve.servers import SERVERS, Running, ask, rows, running
from kg.settings import Settings
from kg.store import open_writer
from kg.workers.allocator import environment

ACCEPT = {"construct": "application/n-triples"}
RESULTS = "application/sparql-results+json"
ANSWERS_A_CLIENT, LONGEST_S = 5, 60.0  # slow queries are asked for longer, so that some answers are counted


def main() -> None:
    """Load, check that all servers answer alike, measure, print."""
    options = _options()
    with ExitStack() as stack:
        folder = options.folder or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="kg-bench-")))
        folder.mkdir(parents=True, exist_ok=True)
        quads = folder / f"{options.quads}.nq"
        if not quads.exists():
            generate.write(quads, options.quads)
        facts = _facts(options)
        servers = []
        for name in options.servers:
            facts[f"loading {name}, s"] = round(_load(name, quads, folder), 1)
            servers.append(stack.enter_context(running(name, folder / f"{name}-{options.quads}", quads)))
            facts[f"first answer of {name} after its start, s"] = round(servers[-1].start_s, 2)
        slowest_s = {kind: _check(kind, servers, options.quads) for kind in options.kinds}
        cells = [cell for _ in range(options.rounds) for cell in _cells(options)]
        rounds = []
        for number, cell in enumerate(cells):
            texts = "again" if cell.cached else "new"
            print(f"{number + 1}/{len(cells)}: {cell.kind}, {texts} texts, {cell.clients} clients", file=sys.stderr)
            rounds.append(_round(cell, servers, options, slowest_s[cell.kind]))
        if "ours" in options.servers:
            facts["publishing after a small write, ms, median of 7"] = round(_publishing_ms(folder / f"ours-{options.quads}"), 1)
    print(report.markdown(rounds, facts))
    if options.json:
        options.json.write_text(json.dumps(report.as_json(rounds, facts), indent=1) + "\n")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.serve", description=__doc__)
    parser.add_argument("--quads", type=int, default=1_000_000, help="how many quads to generate [1000000]")
    parser.add_argument(
        "--servers", nargs="+", choices=SERVERS, default=list(SERVERS), help="rdflib-endpoint keeps all in memory: leave it out at 10M"
    )
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=list(KINDS), help="which of the mix")
    parser.add_argument("--clients", nargs="+", type=int, default=[1, 4, 16], help="how many clients at once [1 4 16]")
    parser.add_argument("--seconds", type=float, default=3.0, help="how long a server is asked at a time, at least [3]")
    parser.add_argument("--rounds", type=int, default=3, help="how often everything is measured; ratios are medians [3]")
    parser.add_argument("--folder", type=Path, help="keep the generated quads and stores here, and use what is there")
    parser.add_argument("--json", type=Path, help="write everything that was measured to this file")
    return parser.parse_args()


def _facts(options: argparse.Namespace) -> dict[str, Any]:
    return {
        "quads": f"{options.quads:,}",
        "cores": os.cpu_count(),
        "Python": platform.python_version(),
        "versions": ", ".join(f"{name} {version(name)}" for name in ("aikg", "pyoxigraph", "oxigraph", "rdflib-endpoint", "rdflib")),
        "our allocator": environment(Settings.load().query_allocator).get("LD_PRELOAD", "glibc's"),
        "load generator": f"{load.NAME}; {options.rounds} rounds of {options.seconds:g} s, server by server in turn",
    }


def _load(name: str, quads: Path, folder: Path) -> float:
    target = folder / f"{name}-{quads.stem}"
    began = time.perf_counter()
    if not target.exists():
        SERVERS[name].load(quads, target)
    return time.perf_counter() - began


def _cells(options: argparse.Namespace) -> Iterable[Cell]:
    return [Cell(kind, clients, cached) for kind in options.kinds for clients in options.clients for cached in (False, True)]


def _check(kind: str, servers: list[Running], quads: int) -> dict[str, float]:
    """The first queries of the kind give as many rows everywhere, and some give rows; the seconds that the slowest took each server."""
    queries = variants(kind, quads)[:5]
    counts: dict[str, list[int]] = {}
    slowest_s: dict[str, float] = {}
    for server in servers:
        print(f"checking {kind} queries of {server.name}", file=sys.stderr)
        counts[server.name] = []
        for query in queries:
            began = time.perf_counter()
            counts[server.name].append(rows(ask(server.url, query, ACCEPT.get(kind, RESULTS))))
            slowest_s[server.name] = max(slowest_s.get(server.name, 0.0), time.perf_counter() - began)
    if len({tuple(found) for found in counts.values()}) != 1 or not sum(next(iter(counts.values()))):
        raise SystemExit(f"the servers do not answer {kind} queries alike: rows {counts}")
    return slowest_s


def _round(cell: Cell, servers: list[Running], options: argparse.Namespace, slowest_s: dict[str, float]) -> Round:
    """Each server in turn; rdflib-endpoint by the fewest and the most clients and with new texts only, as it keeps no answers."""
    queries = variants(cell.kind, options.quads)[: 20 if cell.cached else None]
    measured = {}
    for server in servers:
        if server.name == "rdflib-endpoint" and (cell.cached or cell.clients not in (min(options.clients), max(options.clients))):
            continue
        enough_s = ANSWERS_A_CLIENT * slowest_s[server.name] * cell.clients / (os.cpu_count() or 1)
        seconds = max(options.seconds, min(LONGEST_S, enough_s))
        measured[server.name] = load.measure(
            server.url, queries, clients=cell.clients, seconds=seconds, accept=ACCEPT.get(cell.kind, RESULTS), again=cell.cached
        )
        server.settle()
    return Round(cell, measured)


def _publishing_ms(data: Path) -> float:
    """How long publishing takes after one quad was written; into a copy, as the next run is to find what was loaded."""
    took = []
    with tempfile.TemporaryDirectory(dir=data.parent) as folder:
        copy = Path(shutil.copytree(data, Path(folder) / "copy", symlinks=True))
        for number in range(7):
            quad = Quad(NamedNode("http://x/s"), NamedNode("http://x/p"), Literal(str(number)), NamedNode("http://x/g"))
            with open_writer(Settings.load(data=copy)) as writer:
                writer.apply([], [quad])
                began = time.perf_counter()
                writer.publish()
                took.append((time.perf_counter() - began) * 1000)
    return median(took)


if __name__ == "__main__":
    main()
