"""Ratios of one run, as Markdown and as JSON."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

from benchmarks.serve.load import Measured


@dataclass(frozen=True, slots=True)
class Cell:
    """What is compared: a kind of query, how many clients, and whether the texts were asked before."""

    kind: str
    clients: int
    cached: bool


@dataclass(frozen=True, slots=True)
class Round:
    """All servers on one cell, one right after the other."""

    cell: Cell
    measured: Mapping[str, Measured]


def ratios(rounds: Iterable[Round], other: str) -> dict[Cell, float]:
    """The median of ours by the other, round by round, for each cell."""
    found: dict[Cell, list[float]] = defaultdict(list)
    for done in rounds:
        if other in done.measured:
            found[done.cell].append(done.measured["ours"].per_second / max(done.measured[other].per_second, 1e-9))
    return {cell: median(values) for cell, values in found.items()}


def markdown(rounds: list[Round], facts: Mapping[str, Any]) -> str:
    """The tables."""
    others = [name for name in ("native", "rdflib-endpoint") if any(name in done.measured for done in rounds)]
    by = {name: ratios(rounds, name) for name in others}
    lines = [f"- {name}: {value}" for name, value in facts.items()]
    columns = ["query", "clients", "text", "ours/s", "p99 ms", *(f"{name}/s" for name in others), *(f"ours ÷ {name}" for name in others)]
    lines += ["", f"| {' | '.join(columns)} |", "|" + " --- |" * len(columns)]
    for cell in dict.fromkeys(done.cell for done in rounds):
        mine = [done.measured for done in rounds if done.cell == cell]
        rates = [_rate(mine, name) for name in others]
        shares = [f"{by[name][cell]:.2f}" if cell in by[name] else "" for name in others]
        p99 = median(measured["ours"].p99_ms for measured in mine)
        text = "again" if cell.cached else "new"
        lines.append(f"| {cell.kind} | {cell.clients} | {text} | {_rate(mine, 'ours')} | {p99:.1f} | {' | '.join([*rates, *shares])} |")
    failed = sum(measured.failed for done in rounds for measured in done.measured.values())
    return "\n".join([*lines, "", f"{failed} answers failed."])


def as_json(rounds: list[Round], facts: Mapping[str, Any]) -> dict[str, Any]:
    """Everything that was measured."""
    return {
        "facts": dict(facts),
        "rounds": [{**asdict(done.cell), "servers": {name: asdict(m) for name, m in done.measured.items()}} for done in rounds],
    }


def _rate(rounds: list[Mapping[str, Measured]], name: str) -> str:
    found = [measured[name].per_second for measured in rounds if name in measured]
    return f"{median(found):,.4g}" if found else ""
