"""Processes in which things are timed, so that nothing else disturbs or is charged to them.

Fits and kernels run in a *worker*: a fresh process on one core, asked over its standard input
and answering with its own clocks. The session that asks is not part of the figures, whatever
it has imported, instrumented or compiled.
"""

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

HERE = Path(__file__).parent
ROOT = HERE.parents[1]

_cpu_spent = 0.0


def cpu_clock() -> float:
    """CPU seconds that workers reported so far: a timer for pytest-benchmark."""
    return _cpu_spent


def full() -> bool:
    """Whether the slow comparisons were asked for."""
    return os.environ.get("MIXSTAT_BENCH_FULL") == "1"


def environment(extra: dict[str, str] | None = None) -> dict[str, str]:
    """Variables of every timed process: this checkout, one BLAS thread, no compilation cache."""
    env = {key: value for key, value in os.environ.items() if not key.startswith("JAX_COMPIL")}
    for library in ("OPENBLAS", "OMP", "MKL", "VECLIB_MAXIMUM"):
        env[f"{library}_NUM_THREADS"] = "1"
    env.setdefault("JAX_PLATFORMS", "cpu")  # the stated floors are those of a CPU core
    paths = [str(ROOT), env.get("PYTHONPATH", "")]
    env["PYTHONPATH"] = os.pathsep.join(path for path in paths if path)
    return {**env, **(extra or {})}


@contextlib.contextmanager
def one_core() -> Iterator[None]:
    """Processes started inside run on one core, where the system can say so."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(before)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


class Worker:
    """A live process of :mod:`.worker`; also a context manager."""

    def __init__(self, platform: str | None = None) -> None:
        """Start it; ``platform`` is where JAX computes, by default the CPU."""
        variables = {"JAX_PLATFORMS": platform} if platform else None
        with one_core():
            self._process = subprocess.Popen(
                [sys.executable, "-m", f"{HERE.name}.worker"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                cwd=HERE.parent,
                env=environment(variables),
            )

    def ask(self, what: str, **arguments: Any) -> dict[str, Any]:
        """Have the worker do ``what``; its answer has the CPU and wall seconds it took."""
        global _cpu_spent
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"what": what, **arguments}) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"the worker died while asked to {what}")
        answer = json.loads(line)
        if "error" in answer:
            raise RuntimeError(f"the worker failed to {what}:\n{answer['error']}")
        _cpu_spent += answer["cpu"]
        return answer

    def measure(self, module: str, **settings: Any) -> dict[str, Any]:
        """Have the worker call ``measure`` of a module of this folder."""
        return self.ask("measure", module=module, **settings)

    def close(self) -> None:
        """End the process."""
        self._process.communicate()

    def __enter__(self) -> "Worker":
        return self

    def __exit__(self, *error: Any) -> None:
        self.close()


class Ran(NamedTuple):
    """What a whole process took, from its start to its end."""

    cpu: float
    wall: float
    output: str


def run_process(
    command: list[str], *, pin: bool = False, variables: dict[str, str] | None = None
) -> Ran:
    """Run a process to its end; CPU seconds are those the system charged to it."""
    start = time.perf_counter()
    with one_core() if pin else contextlib.nullcontext():
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, text=True, cwd=HERE.parent, env=environment(variables)
        )
    assert process.stdout is not None
    output = process.stdout.read()  # ends when the process does
    _, status, usage = os.wait4(process.pid, 0)
    process.stdout.close()
    process.returncode = os.waitstatus_to_exitcode(status)
    wall = time.perf_counter() - start
    if process.returncode != 0:
        raise RuntimeError(f"{command[0]} ended with {process.returncode}:\n{output}")
    return Ran(usage.ru_utime + usage.ru_stime, wall, output)


Repeat = Callable[[Callable[[], Any], Callable[[], Any], int], None]


def repeat(function: Callable[[], Any], setup: Callable[[], Any], rounds: int) -> None:
    """Call ``setup`` and ``function`` in turn."""
    for _ in range(rounds):
        setup()
        function()


def timed_by(benchmark: Any) -> Repeat:
    """:func:`repeat`, with ``function`` timed by pytest-benchmark's fixture."""

    def repeat(function: Callable[[], Any], setup: Callable[[], Any], rounds: int) -> None:
        benchmark.pedantic(function, setup=setup, rounds=rounds)

    return repeat
