"""Compiled programs on several processors: they run outside Python's lock."""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import Context, copy_context
from typing import TypeVar

from mixstat.numerics.precision import float64

Item = TypeVar("Item")
Result = TypeVar("Result")


def available_processors() -> int:
    """Processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def in_threads(function: Callable[[Item], Result], items: Sequence[Item]) -> list[Result]:
    """``function`` of each item, in float64, on as many threads as there are processors."""
    workers = min(len(items), available_processors())
    if workers < 2:
        return [function(item) for item in items]

    def run(context: Context, item: Item) -> Result:
        return context.run(_in_float64, function, item)

    contexts = [copy_context() for _ in items]

    with ThreadPoolExecutor(workers) as pool:
        return list(pool.map(run, contexts, items))


def _in_float64(function: Callable[[Item], Result], item: Item) -> Result:
    with float64():  # the setting is a thread's own
        return function(item)
