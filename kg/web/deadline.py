"""A query's deadline, on the event loop's clock: one for all that it needs, which is to be read, to have endpoints asked, and to run."""

import asyncio

from kg.web.problems import ProblemError


def in_s(seconds: float) -> float:
    """The deadline so many seconds from now."""
    return asyncio.get_running_loop().time() + seconds


def left_s(deadline: float) -> float:
    """What is left until the deadline. Raises ProblemError 504 when that is nothing."""
    left = deadline - asyncio.get_running_loop().time()
    if left <= 0:
        raise passed()
    return left


def passed() -> ProblemError:
    """The problem of a query whose deadline passed before it ran."""
    return ProblemError(
        504, "deadline", "the query's deadline passed while it was read or an endpoint was asked; ask for less, or see `timeout`"
    )
