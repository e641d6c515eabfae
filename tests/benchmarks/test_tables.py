"""The other tables' measurements. Times are recorded, never asserted."""

from typing import Any

import pytest

from . import passes
from .harness import Worker

pytestmark = pytest.mark.bench


def _measured(benchmark: Any, module: str, **settings: Any) -> dict[str, Any]:
    with Worker() as worker:
        found = benchmark.pedantic(worker.measure, args=(module,), kwargs=settings)
    benchmark.extra_info.update(found)
    return found


@pytest.mark.benchmark(group="replicates, whole process")
def test_replicates(benchmark: Any) -> None:
    """Step for step the NumPy loop; every replicate certified within the box."""
    found = _measured(benchmark, "replicates", rounds=3)
    assert found["iterations"]["same"] == found["iterations"]["loop"]
    assert found["apart"] < 1e-12
    assert found["certified"] == len(found["iterations"]["loop"]) == 40
    assert found["gradient_norm"] <= 1e-8
    assert found["least_gain"] > 0


@pytest.mark.benchmark(group="many starts, whole process")
def test_many_starts(benchmark: Any) -> None:
    """Every start ends where a fit of its own ends."""
    found = _measured(benchmark, "starts", rounds=1)
    assert found["same"] == found["n_starts"]
    assert found["best_apart"] < 1e-10


@pytest.mark.benchmark(group="sizes of data, whole process")
def test_shapes(benchmark: Any) -> None:
    """Few programs for any number of sizes."""
    found = _measured(benchmark, "shapes")
    assert found["labels"]["certified"] == found["default"]["certified"] == found["fits"]
    assert found["labels"]["programs"] + found["default"]["programs"] <= 12


@pytest.mark.benchmark(group="answers about rows, whole process")
def test_answers(benchmark: Any) -> None:
    """Those of the formula."""
    found = _measured(benchmark, "predict", n=100_000, rounds=3)
    assert all(one["apart"] < 1e-10 for one in found["answers"].values())


@pytest.mark.benchmark(group="passes, whole process")
@pytest.mark.parametrize("name", ["W7", *passes.PROBLEMS])
def test_passes(benchmark: Any, name: str) -> None:
    """A certified maximum, that of EM, in a third of its passes."""
    found = _measured(benchmark, "passes", name=name)
    assert found["certified"]
    assert found["n_passes"] <= found["plain"] / 3
    assert 0 <= found["gap"] <= 2 * passes.CLOSE
