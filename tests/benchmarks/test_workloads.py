"""Fits of the common workloads, beside other tools. Times are recorded, never asserted."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from . import compare, workloads
from .harness import cpu_clock, full, timed_by

pytestmark = pytest.mark.bench

AGREE = 1e-7
FLEXMIX_AGREE = 1e-6  # its deviations divide by rows less coefficients, not by rows
FLEXMIX_FITS = {"W1": 3, "W7": 1, "W2": 1, "W3": 1, "W4": 1, "W6": 1}


def _slow(names: tuple[str, ...], quick: tuple[str, ...]) -> list[Any]:
    skip = pytest.mark.skipif(not full(), reason="slow: set MIXSTAT_BENCH_FULL=1")
    return [name if name in quick else pytest.param(name, marks=skip) for name in names]


@pytest.fixture(scope="module")
def rows() -> dict[str, tuple[compare.Row, compare.Row]]:
    """Rows of this run, so that a fit is not repeated for the sake of another tool."""
    return {}


@pytest.mark.benchmark(group="fits, CPU seconds", timer=cpu_clock)
@pytest.mark.parametrize("name", _slow(workloads.FULL, workloads.QUICK))
def test_fit_beside_reference(benchmark: Any, name: str, folder: Path, rows: dict) -> None:
    """Both reach the same maximum from the same labels; the record says what each took."""
    own, reference = rows[name] = compare.fit_both(name, folder, timed_by(benchmark))
    benchmark.extra_info.update(own._asdict())
    benchmark.extra_info["reference"] = reference._asdict()
    assert abs(reference.gap) < AGREE
    assert own.gradient_norm is not None
    assert own.gradient_norm <= 1e-8
    best = workloads.SPECS[name].best
    assert best is None or own.log_likelihood > best - compare.CLOSE


@pytest.mark.benchmark(group="fits by flexmix, one whole R process")
@pytest.mark.parametrize("name", _slow(tuple(FLEXMIX_FITS), ("W1",)))
def test_fit_beside_flexmix(benchmark: Any, name: str, folder: Path, rows: dict) -> None:
    """The same maximum by an independent program."""
    missing = compare.flexmix_missing()
    if missing:
        pytest.skip(missing)
    own, reference = rows.get(name) or compare.fit_both(name, folder)
    row = benchmark.pedantic(
        compare.fit_flexmix,
        args=(name, folder, reference, own.log_likelihood, FLEXMIX_FITS[name]),
    )
    benchmark.extra_info.update(row._asdict())
    benchmark.extra_info["mixstat"] = own._asdict()
    assert abs(row.gap) < FLEXMIX_AGREE


@pytest.mark.parametrize(
    ("name", "labels", "total"),
    [("W1", [1093, 907], 2036.1527125270097), ("W7", [55024, 44976], 28945.79567721344)],
)
def test_workload_draws(name: str, labels: list[int], total: float) -> None:
    """The rows on which the recorded best values were found."""
    made = workloads.make(name)
    assert np.bincount(made.labels).tolist() == labels
    np.testing.assert_allclose(made.y.sum(), total, rtol=1e-12)
