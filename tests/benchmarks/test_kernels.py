"""Single passes over the data, beside what the machine could do at best."""

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from . import workloads
from .floors import STATED, Machine, work
from .harness import Worker, cpu_clock, full
from .reference_em import mean_log_likelihood

pytestmark = pytest.mark.bench

NAMES = ("W1", "W2", "W3", "W4", "W5") if full() else ("W1", "W2", "W3")
KERNELS = ("em_step", "log_likelihood", "gradient", "hessian")
ROUNDS = 5
BUSY = 0.05  # seconds that a round should last; short kernels are called many times in it


class Kernels:
    """A worker that holds one workload, and the log-likelihood it should find."""

    def __init__(self, name: str, folder: Path) -> None:
        self.spec = workloads.SPECS[name]
        path = workloads.save(name, folder)
        data = workloads.load(path)
        self.log_likelihood = mean_log_likelihood(data.X, data.y, *data.truth)
        self.worker = Worker()
        self.worker.ask("load", path=str(path), n_experts=self.spec.n_experts)


@pytest.fixture(scope="module")
def machine() -> Machine:
    """The core that kernels run on, measured in this run."""
    with Worker() as worker:
        found = worker.ask("measure_machine")
    return Machine(*(found[field] for field in Machine._fields))


@pytest.fixture(scope="module")
def kernels(folder: Path) -> Iterator[Any]:
    """One live worker at a time."""
    live: dict[str, Kernels] = {}

    def get(name: str) -> Kernels:
        if name not in live:
            for old in live.values():
                old.worker.close()
            live.clear()
            live[name] = Kernels(name, folder)
        return live[name]

    yield get
    for last in live.values():
        last.worker.close()


@pytest.mark.benchmark(group="kernels, CPU seconds of a call", timer=cpu_clock)
@pytest.mark.parametrize(("name", "kernel"), list(itertools.product(NAMES, KERNELS)))
def test_kernel(benchmark: Any, name: str, kernel: str, kernels: Any, machine: Machine) -> None:
    """The value is right; the record says how far the time is from the floor."""
    on = kernels(name)
    worker, spec = on.worker, on.spec
    first = worker.ask("compile", kernel=kernel)
    one = worker.ask("call", kernel=kernel, calls=1)
    calls = max(1, int(BUSY / one["wall"]))
    answers = []

    def call() -> None:
        answers.append(worker.ask("call", kernel=kernel, calls=calls))

    benchmark.pedantic(call, rounds=ROUNDS)
    cpu = min(answer["cpu"] for answer in answers)
    least = work(kernel, spec.n, spec.d, spec.n_experts)
    benchmark.extra_info.update(
        least._asdict(),
        cpu=cpu,
        wall=min(answer["wall"] for answer in answers),
        compile_wall=first["wall"] - one["wall"],
        floor_stated=least.floor(STATED),
        floor_measured=least.floor(machine),
        times_floor_stated=cpu / least.floor(STATED),
        times_floor_measured=cpu / least.floor(machine),
        share_of_bandwidth=least.bytes / cpu / machine.bandwidth,
        share_of_multiply=least.flops / cpu / machine.multiply,
        machine=machine._asdict(),
    )
    assert abs(first["log_likelihood"] - on.log_likelihood) < 1e-10
