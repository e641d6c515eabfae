"""One workload fitted by every tool, from the same labels, in one run on one core."""

import json
import shutil
from functools import cache
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import numpy as np

from . import workloads
from .harness import HERE, Repeat, Worker, repeat, run_process
from .reference_em import mean_log_likelihood

CLOSE = 1e-8  # gap in mean log-likelihood at which the reference may stop
FEW = 2_000  # rows whose memory does not count
FLEXMIX_TOL = 1e-8  # relative change at which flexmix stops
R_PACKAGES = ("flexmix", "jsonlite")


class Row(NamedTuple):
    """What one tool took on one workload; medians over warm fits."""

    workload: str
    tool: str
    cpu: float
    wall: float
    n_passes: int
    peak_mb: float | None
    log_likelihood: float  # mean over rows
    gap: float  # to mixstat's log-likelihood; positive where mixstat is higher
    ratio: float  # CPU seconds over those of the reference in the same round, median
    compile_cpu: float | None = None  # first fit less a warm one
    compile_wall: float | None = None
    import_cpu: float | None = None
    import_wall: float | None = None
    gradient_norm: float | None = None
    ratios: tuple[float, ...] = ()  # of each round
    import_mb: float | None = None  # memory of a process after the import
    runtime_mb: float | None = None  # and after a fit of the same model to few rows


def fit_both(name: str, folder: Path, repeat: Repeat = repeat) -> tuple[Row, Row]:
    """mixstat and the reference in turns; ``repeat`` times the former, set up by the latter.

    The reference is told mixstat's log-likelihood and stops once it is within ``CLOSE`` of it,
    so neither pays for a stopping rule that the other does not have.
    """
    spec = workloads.SPECS[name]
    path = str(workloads.save(name, folder))
    with Worker() as ours, Worker() as theirs:
        loaded = ours.ask("import_mixstat")
        for worker in (ours, theirs):
            worker.ask("load", path=path, n_experts=spec.n_experts)
        first = ours.ask("fit")
        target = first["log_likelihood"] - CLOSE
        fits: list[dict[str, Any]] = []
        references: list[dict[str, Any]] = []
        repeat(
            lambda: fits.append(ours.ask("fit")),
            lambda: references.append(theirs.ask("reference", target=target)),
            spec.rounds,
        )
    ratios = tuple(a["cpu"] / b["cpu"] for a, b in zip(fits, references, strict=True))
    ratio = median(ratios)
    best = fits[-1]["log_likelihood"]
    own = _row(name, "mixstat", fits, best, ratio)
    own = own._replace(
        compile_cpu=first["cpu"] - own.cpu,
        compile_wall=first["wall"] - own.wall,
        import_cpu=loaded["cpu"],
        import_wall=loaded["wall"],
        gradient_norm=fits[-1]["gradient_norm"],
        ratios=ratios,
        import_mb=loaded["peak_mb"],
        runtime_mb=_runtime(name, folder),
    )
    return own, _row(name, "NumPy EM", references, best, 1.0)


def _runtime(name: str, folder: Path) -> float | None:
    """Peak memory of a process that fits the model to few rows: libraries, compiler, programs."""
    path = str(workloads.save(name, folder, FEW))
    with Worker() as worker:
        worker.ask("load", path=path, n_experts=workloads.SPECS[name].n_experts)
        return worker.ask("fit")["peak_mb"]


@cache
def flexmix_missing() -> str | None:
    """Why flexmix cannot be run here, or None."""
    if shutil.which("Rscript") is None:
        return "Rscript is not installed"
    packages = ", ".join(f"nzchar(system.file(package = '{one}'))" for one in R_PACKAGES)
    try:
        run_process(["Rscript", "-e", f"stopifnot({packages})"])
    except RuntimeError:
        return f"R lacks one of {', '.join(R_PACKAGES)}"
    return None


def fit_flexmix(name: str, folder: Path, reference: Row, best: float, fits: int) -> Row:
    """flexmix on the same data and labels, with its own stopping rule at 1e-8."""
    answer = json.loads(run_process(flexmix_command(name, folder, fits), pin=True).output)
    data = workloads.load(workloads.save(name, folder))
    gate, coef, sigma = (np.asarray(answer[part]) for part in ("gate", "coef", "sigma"))
    value = mean_log_likelihood(data.X, data.y, gate, coef, sigma)
    times = zip(answer["cpu"], answer["wall"], strict=True)
    rounds = [{**answer, "cpu": cpu, "wall": wall, "log_likelihood": value} for cpu, wall in times]
    return _row(name, "flexmix", rounds, best, median(answer["cpu"]) / reference.cpu)


def flexmix_command(name: str, folder: Path, fits: int) -> list[str]:
    """The command that fits ``name`` so many times; writes its data if need be."""
    spec, path = workloads.SPECS[name], folder / f"{name}.f64"
    if not path.exists():
        data = workloads.load(workloads.save(name, folder))
        table = np.c_[data.X, data.y, data.labels + 1.0]
        np.ascontiguousarray(table.T).tofile(path)
    numbers = (spec.n, spec.d, spec.n_experts, fits, FLEXMIX_TOL, spec.classes)
    return ["Rscript", str(HERE / "flexmix.R"), str(path), *map(str, numbers)]


def _row(name: str, tool: str, rounds: list[dict[str, Any]], best: float, ratio: float) -> Row:
    last = rounds[-1]
    return Row(
        workload=name,
        tool=tool,
        cpu=median(one["cpu"] for one in rounds),
        wall=median(one["wall"] for one in rounds),
        n_passes=last["n_passes"],
        peak_mb=last["peak_mb"],
        log_likelihood=last["log_likelihood"],
        gap=best - last["log_likelihood"],
        ratio=ratio,
    )
