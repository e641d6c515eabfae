"""The published simulation of rates: its fits at its stopping rule, finished, and all of them.

Data, starts and rule are those of :mod:`.replicates`, with two to four experts and three sizes.
What the authors' R and C++ code took per fit was recorded on another day; the NumPy loop of the
same rule runs beside ours so that the speed of the machine can be judged. All 24,000 fits
(8,000 data sets for each number of experts, of the authors' sizes) are taken to certified maxima
within the stated box, from the best of five of the authors' starts; by default at some of their
sizes, of which the whole is the sum over all sizes of a line through the seconds per fit.
"""

import statistics
from functools import partial
from typing import Any

import numpy as np

from .clocks import timed
from .harness import Worker
from .replicates import Ours, run_loop, simulate, start
from .text import Table, number

RECORDED = {  # CPU seconds of a fit by the authors' R and C++ code, without sampling: medians
    (2, 1_000): 0.035, (2, 10_000): 0.100, (2, 100_000): 0.80,
    (3, 1_000): 0.038, (3, 10_000): 0.108, (3, 100_000): 1.17,
    (4, 1_000): 1.46, (4, 10_000): 0.128, (4, 100_000): 1.01,
}  # fmt: skip
FITS = {1_000: 40, 10_000: 40, 100_000: 10}
EXPERTS = (2, 3, 4)
REPLICATES = 40  # of each size of the whole study


def measure(k: int, n: int, rounds: int = 3) -> dict[str, Any]:
    """CPU seconds of a fit: the loop and the same rule by mixstat, then certified; all warm."""
    data = [simulate(s, n) for s in range(FITS[n])]
    ours = Ours(data, starts := [start(s, n, k) for s in range(FITS[n])])
    first = timed(ours.same_rule)[1].cpu, timed(ours.certified)[1].cpu
    seconds: dict[str, list[float]] = {"loop": [], "same": [], "certified": []}
    for _ in range(rounds):
        for name, function in (
            ("loop", lambda: run_loop(data, starts)),
            ("same", ours.same_rule),
            ("certified", ours.certified),
        ):
            result, spent = timed(function)
            seconds[name].append(spent.cpu / FITS[n])
    found = {name: statistics.median(each) for name, each in seconds.items()}
    compile_ = first[0] + first[1] - FITS[n] * (found["same"] + found["certified"])
    certified = int(result.certified.sum())
    return {"cpu": 0.0, "seconds": found, "compile": compile_, "certified": certified}


def sizes(k: int) -> np.ndarray:
    """The authors' sizes."""
    if k > 2:
        return np.linspace(10_000, 100_000, 200).astype(int)
    few, many = np.linspace(100, 900, 5), np.linspace(1_000, 100_000, 195)
    return np.concatenate([few, many]).astype(int)


def study(k: int, each: int, replicates: int) -> dict[str, Any]:
    """Every ``each``-th size with some replicates: seconds per fit, sampling and losses included.

    Runs in this process, on all of its processors.
    """
    from mixstat.rates import PublishedStart, RateStudy, Specification, find_truth
    from mixstat.rates.cells import fit_cell

    start_, count = PublishedStart(1 if k == 2 else 5), 0
    spec = Specification(k, finish=None if k == 2 else 1)
    losses = ["voronoi_code"]
    asked = sizes(k)[each // 2 :: each]
    some = RateStudy(find_truth("softmax-gaussian"), spec, asked, replicates, start_, losses)
    wall, cpu, compile_ = [], [], 0.0
    certified = 0
    for n in some.sample_sizes:
        fits = partial(fit_cell, some.plan, n)
        if each > 1:  # with its programs first, then without
            compile_ += timed(partial(fits, list(range(replicates, 2 * replicates))))[1].cpu
        rows, spent = timed(partial(fits, list(range(replicates))))
        compile_ -= spent.cpu if each > 1 else 0.0
        wall.append(spent.wall / replicates)
        cpu.append(spent.cpu / replicates)
        certified += sum(row["converged"] for row in rows)
        count += len(rows)
    whole = {
        name: REPLICATES * float(np.interp(sizes(k), some.sample_sizes, seconds).sum())
        for name, seconds in (("wall", wall), ("cpu", cpu))
    }
    return {"fits": count, "certified": certified, "compile": compile_, **whole}


def show(*, full: bool = False) -> None:
    """Print both tables."""
    table = Table(
        "Fits of the published simulation (CPU seconds of a fit, one core; warm, median of rounds)",
        (
            *(("experts", 7), ("rows", 7), ("R and C++", 9), ("NumPy loop", 10), ("ours", 7)),
            *(("times", 6), ("certified", 9), ("of theirs", 9), ("fits certified", 14)),
            ("compile s", 9),
        ),
    )
    with Worker() as worker:
        for (k, n), recorded in RECORDED.items():
            found = worker.measure("published", k=k, n=n)
            own = found["seconds"]
            told = f"{found['certified']} of {FITS[n]}"
            table.row(
                *(k, n, number(recorded, 3), number(own["loop"], 4), number(own["same"], 4)),
                *(number(recorded / own["same"], 1), number(own["certified"], 4)),
                *(number(own["certified"] / recorded), told, number(found["compile"], 1)),
            )
    print(
        "\nR and C++: the authors' code, recorded on one core of another day, without sampling;\n"
        "ours: the same data, starts and stopping rule; times: theirs over ours;\n"
        "certified: on to a maximum within the box, and as a share of their unfinished fit"
    )
    show_study(full=full)


def show_study(*, full: bool) -> None:
    """The whole study, or some of it and what all would take."""
    each, replicates = (1, REPLICATES) if full else (40, 10)
    words = "all" if full else f"every {each}th size, {replicates} replicates; the whole by a line"
    table = Table(
        f"The published study, certified ({words}; all processors, sampling and losses included)",
        (
            *(
                ("experts", 7),
                ("starts", 6),
                ("fits", 6),
                ("certified", 9),
                ("whole, wall min", 15),
            ),
            *(("whole, CPU min", 14), ("compile s", 9)),
        ),
    )
    total = np.zeros(2)
    for k in EXPERTS:
        found = study(k, each, replicates)
        total += found["wall"], found["cpu"]
        table.row(
            *(k, 1 if k == 2 else 5, found["fits"], found["certified"]),
            *(number(found["wall"] / 60, 1), number(found["cpu"] / 60, 1)),
            number(found["compile"], 1),
        )
    table.row("all", None, None, None, *(number(t / 60, 1) for t in total), None)
