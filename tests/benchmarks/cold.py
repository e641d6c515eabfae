"""What the first use in a fresh process costs: imports, and the first fit with its compiling."""

import json
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

from . import workloads
from .compare import flexmix_command
from .harness import HERE, Ran, Repeat, repeat, run_process

ROUNDS = int(os.environ.get("MIXSTAT_BENCH_ROUNDS", "3"))
WORKLOAD = "W1"  # 2,000 rows, two experts
CACHES = ("off", "empty", "warm")
STARTS = ("labels", "default")
IMPORTS = {
    "python": "pass",
    "jax, sklearn.base": "import jax, sklearn.base",
    "mixstat": "import mixstat",
    "MixtureOfExperts": "from mixstat import MixtureOfExperts",
}


class Cold(NamedTuple):
    """Medians over fresh processes, from start to end."""

    what: str
    cpu: float
    wall: float
    details: dict[str, Any]  # what the last process printed


def import_times(repeat: Repeat = repeat) -> dict[str, Cold]:
    """Every import in turn, so that a slow moment of the machine hits them alike.

    ``repeat`` times ``from mixstat import MixtureOfExperts``, set up by the others.
    """
    runs: dict[str, list[Ran]] = {name: [] for name in IMPORTS}

    def run(name: str) -> None:
        runs[name].append(run_process([sys.executable, "-c", IMPORTS[name]]))

    def run_others() -> None:
        for name in tuple(IMPORTS)[:-1]:
            run(name)

    for name in IMPORTS:
        run(name)  # writes the bytecode, fills the system's file cache
        runs[name].clear()
    repeat(lambda: run("MixtureOfExperts"), run_others, 2 * ROUNDS)
    return {name: _median(name, ran) for name, ran in runs.items()}


def import_ratio(times: dict[str, Cold], of: str) -> dict[str, float]:
    """CPU and wall of an import over those of JAX and scikit-learn, all less bare Python."""
    bare, base, own = times["python"], times["jax, sklearn.base"], times[of]
    return {
        "cpu": (own.cpu - bare.cpu) / (base.cpu - bare.cpu),
        "wall": (own.wall - bare.wall) / (base.wall - bare.wall),
    }


def first_fit(start: str, cache: str, folder: Path, repeat: Repeat = repeat) -> Cold:
    """A first fit in fresh processes, with programs kept ("warm"), to be kept, or not."""
    path = workloads.save(WORKLOAD, folder)
    experts = str(workloads.SPECS[WORKLOAD].n_experts)
    module = f"{HERE.name}.first_fit"
    command = [sys.executable, "-m", module, str(path), experts, start]
    ran: list[Ran] = []
    with _cache_folder(cache) as kept:
        if cache == "warm":
            run_process(command, variables=_cache_variables(kept))

        def run() -> None:
            with _cache_folder(cache) as fresh:
                where = kept if cache == "warm" else fresh
                ran.append(run_process(command, variables=_cache_variables(where)))

        repeat(run, lambda: None, ROUNDS)
    return _median(f"mixstat, {start}, cache {cache}", ran)


def first_flexmix(folder: Path, repeat: Repeat = repeat) -> Cold:
    """flexmix from the labels, its R process included."""
    command = flexmix_command(WORKLOAD, folder, fits=1)
    ran: list[Ran] = []
    repeat(lambda: ran.append(run_process(command)), lambda: None, ROUNDS)
    return _median("flexmix, labels", ran)


@contextmanager
def _cache_folder(cache: str) -> Iterator[str | None]:
    """An empty folder for compiled programs, or None with the cache off."""
    if cache == "off":
        yield None
        return
    with tempfile.TemporaryDirectory() as folder:
        yield folder


def _cache_variables(folder: str | None) -> dict[str, str]:
    """Where mixstat keeps compiled programs."""
    return {"MIXSTAT_CACHE": folder or "off"}


def _median(what: str, ran: list[Ran]) -> Cold:
    output = ran[-1].output
    details = json.loads(output) if output else {}
    return Cold(what, median(one.cpu for one in ran), median(one.wall for one in ran), details)
