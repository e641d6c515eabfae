"""First use in a fresh process. Times are recorded, never asserted."""

from pathlib import Path
from typing import Any

import pytest

from . import cold, compare, workloads
from .harness import timed_by

pytestmark = pytest.mark.bench


def _record(benchmark: Any, found: cold.Cold) -> None:
    benchmark.extra_info.update(cpu=found.cpu, wall=found.wall, details=found.details)


@pytest.mark.benchmark(group="imports, wall seconds of a process")
def test_import(benchmark: Any) -> None:
    """Importing the package loads next to nothing; the estimator needs JAX and scikit-learn."""
    times = cold.import_times(timed_by(benchmark))
    for name, one in times.items():
        benchmark.extra_info[name] = {"cpu": one.cpu, "wall": one.wall}
    for name in ("mixstat", "MixtureOfExperts"):
        benchmark.extra_info[f"ratio of {name}"] = cold.import_ratio(times, name)
    assert {"mixstat", "MixtureOfExperts"} <= set(times)  # both were imported without an error


@pytest.mark.benchmark(group="first fits, wall seconds of a process")
@pytest.mark.parametrize("cache", cold.CACHES)
@pytest.mark.parametrize("start", cold.STARTS)
def test_first_fit(benchmark: Any, start: str, cache: str, folder: Path) -> None:
    """A first fit reaches the maximum, with or without programs compiled before."""
    found = cold.first_fit(start, cache, folder, timed_by(benchmark))
    _record(benchmark, found)
    assert found.details["converged"]
    best = workloads.SPECS[cold.WORKLOAD].best
    assert best is not None
    assert found.details["log_likelihood"] > best - compare.CLOSE


@pytest.mark.benchmark(group="first fits, wall seconds of a process")
def test_first_flexmix(benchmark: Any, folder: Path) -> None:
    """The same fit by R, from the start of its process."""
    missing = compare.flexmix_missing()
    if missing:
        pytest.skip(missing)
    found = cold.first_flexmix(folder, timed_by(benchmark))
    _record(benchmark, found)
    assert found.details["converged"]
