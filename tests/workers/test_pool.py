"""Which query runs when, on real workers."""

import asyncio
from pathlib import Path

import pytest
from abusive import ABUSIVE, QUADS_TO_ABUSE
from serving import fill

from kg.workers.job import Limits, OverloadedError
from kg.workers.pool import Pool
from kg.workers.process import QueryFailedError
from kg.workers.snapshot import lease_current
from kg.workers.wire import Query

LIMITS = Limits(workers=4, side_by_side=2, timeout_s=20)
PATIENCE_S = 0.1  # shorter than the time slice: who waits for those that run is not answered


async def ask(pool: Pool, text: str, caller: str, timeout_s: float) -> str:
    """The answer, or why there is none."""
    try:
        answer = await pool.run(Query("", text, "csv"), caller=caller, timeout_s=timeout_s)
    except (OverloadedError, QueryFailedError) as error:
        return type(error).__name__
    whole = answer.whole
    answer.close()
    return "" if whole is None else whole.decode()


async def beside_many_new_long_ones(data: Path, caller: str) -> str:
    """What a caller is answered while another, who asked something long before, asks five texts that nobody knows to be long."""
    pool = Pool(LIMITS, lease_current(data))
    await pool.start()
    try:
        long = ABUSIVE["cross product counted"]
        assert await ask(pool, long, "greedy", 1.0) == "QueryFailedError"
        while len(pool._crew.idle) < LIMITS.workers:
            await asyncio.sleep(0.01)
        greedy = [asyncio.create_task(ask(pool, f"{long} # {number}", "greedy", 2.0)) for number in range(5)]
        while pool.running < LIMITS.workers - 1:
            await asyncio.sleep(0)
        answered = await ask(pool, "SELECT (1 AS ?one) {}", caller, PATIENCE_S)
        await asyncio.gather(*greedy)
        return answered
    finally:
        await pool.close()


@pytest.mark.parametrize(("caller", "answer"), [("patient", "one\r\n1\r\n"), ("greedy", "OverloadedError")])
def test_the_last_idle_worker_is_for_callers_who_asked_nothing_long(tmp_path: Path, caller: str, answer: str):
    fill(tmp_path / "data", QUADS_TO_ABUSE)
    assert asyncio.run(beside_many_new_long_ones(tmp_path / "data", caller)) == answer
