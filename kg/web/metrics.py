"""Prometheus metrics (https://prometheus.io/docs/practices/naming/): requests as they end, and the pool's state when asked."""

import asyncio
import logging
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterator
from itertools import accumulate
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

from kg.web.answers import Answers
from kg.workers.job import OverloadedError
from kg.workers.pool import Pool
from kg.workers.process import QueryFailedError
from kg.workers.wire import Count

if TYPE_CHECKING:
    from kg.web.federation import Federation

LOG = logging.getLogger("kg.web.metrics")
COUNT_WAIT_S = 0.5
CONTENT_TYPE = b"text/plain; version=0.0.4; charset=utf-8"
BUCKETS_S = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


class TripleCount:
    """How many triples the served snapshot has: counted by a worker once a snapshot, when somebody asks."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._snapshot = 0
        self._task: asyncio.Task[None] | None = None
        self.value: int | None = None  # of the snapshot that was counted last

    async def refresh(self) -> None:
        """See that the value is up to date, or soon will be: a large snapshot is counted on while the old value is told."""
        if self._task is None and self._snapshot != self._pool.lease.number:
            self._task = asyncio.create_task(self._count(self._pool.lease.number))
        if self._task:
            await asyncio.wait({self._task}, timeout=COUNT_WAIT_S)

    async def _count(self, number: int) -> None:
        try:
            answer = await self._pool.run(Count(""), caller="metrics")
            self.value, self._snapshot = int(answer.whole or b""), number
            answer.close()
        except (QueryFailedError, OverloadedError) as error:
            LOG.warning("the triples of snapshot %d could not be counted: %s", number, error)
        finally:
            self._task = None


class Metrics:
    """The metrics of one server."""

    def __init__(self, answers: Answers, triples: TripleCount, federation: "Federation | None") -> None:
        self._registry = CollectorRegistry()
        self._requests = _Requests()
        self._registry.register(self._requests)
        self._registry.register(_State(answers, triples, federation))

    def observe(self, route: str, method: str, status: int, seconds: float) -> None:
        """One request has ended."""
        self._requests.observe(route, method, status, seconds)

    def text(self) -> bytes:
        """The exposition format."""
        return generate_latest(self._registry)


class _Requests(Collector):
    """Counts requests. Prometheus's own counters are for several threads and several processes, and take ten times as long."""

    def __init__(self) -> None:
        self._ended: Counter[tuple[str, str, int]] = Counter()
        self._within: dict[str, list[int]] = {}  # by route: how many took no longer than each of BUCKETS_S and longer than the one before
        self._seconds: defaultdict[str, float] = defaultdict(float)

    def observe(self, route: str, method: str, status: int, seconds: float) -> None:
        self._ended[route, method, status] += 1
        within = self._within.get(route)
        if within is None:
            within = self._within[route] = [0] * (len(BUCKETS_S) + 1)
        within[bisect_left(BUCKETS_S, seconds)] += 1
        self._seconds[route] += seconds

    def collect(self) -> Iterator[Metric]:
        ended = CounterMetricFamily("kg_http_requests", "Requests by route, method and status", labels=["route", "method", "status"])
        for (route, method, status), count in sorted(self._ended.items()):
            ended.add_metric([route, method, str(status)], count)
        yield ended
        seconds = HistogramMetricFamily("kg_http_request_seconds", "Time to the end of the answer", labels=["route"])
        for route, within in sorted(self._within.items()):
            bounds = [*map(floatToGoString, BUCKETS_S), "+Inf"]
            seconds.add_metric([route], list(zip(bounds, accumulate(within), strict=True)), self._seconds[route])
        yield seconds


class _State(Collector):
    """Reads the pool and the counts of requests to other endpoints when Prometheus asks."""

    def __init__(self, answers: Answers, triples: TripleCount, federation: "Federation | None") -> None:
        self._answers = answers
        self._federation = federation
        self._triples = triples

    def collect(self) -> Iterator[Metric]:
        pool, cache = self._answers.pool, self._answers.cache
        yield GaugeMetricFamily("kg_queries_waiting", "Queries that wait for a worker", value=pool.waiting)
        yield GaugeMetricFamily("kg_queries_running", "Queries that a worker has", value=pool.running)
        yield GaugeMetricFamily("kg_workers", "Worker processes that live", value=len(pool.pids))
        yield GaugeMetricFamily(
            "kg_workers_open_to_network", "1 when the kernel refused to confine workers", value=int(bool(pool.problems))
        )
        yield GaugeMetricFamily("kg_snapshot", "Number of the published snapshot that is served", value=pool.lease.number)
        if self._triples.value is not None:
            yield GaugeMetricFamily("kg_triples", "Triples in the snapshot that was counted last", value=self._triples.value)
        yield CounterMetricFamily("kg_queries_refused", "Queries turned away because the queue was full", value=pool.refused)
        yield CounterMetricFamily("kg_queries_preempted", "Queries stopped to wait among the long ones", value=pool.preempted)
        yield CounterMetricFamily("kg_answer_cache_hits", "Answers sent from memory", value=cache.hits)
        yield CounterMetricFamily("kg_answer_cache_misses", "Answers that a worker had to find", value=cache.misses)
        deaths = CounterMetricFamily("kg_worker_deaths", "Worker processes that ended, by reason", labels=["reason"])
        for reason, count in sorted(pool.deaths.items()):
            deaths.add_metric([reason], count)
        yield deaths
        calls = CounterMetricFamily("kg_service_calls", "SERVICE clauses that an endpoint was asked for, by outcome", labels=["outcome"])
        for outcome, count in sorted(self._federation.outcomes.items() if self._federation else ()):
            calls.add_metric([outcome], count)
        yield calls
