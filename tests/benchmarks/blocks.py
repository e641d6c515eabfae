"""Fits of rows in a folder of parquet, block by block: time, passes and memory against n.

Each fit is a process of its own, on all processors, so that its peak of memory is its own.
"""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from .clocks import Spent, Stopwatch, peak_mb, timed
from .harness import ROOT, environment
from .text import Table, number

SIZES, FULL = (10**3, 10**4, 10**5, 10**6, 10**7), 10**8
FILE = 10**6  # rows
IN_MEMORY = 10**6  # rows up to which the same fit is made in memory
KEPT = 8  # blocks
GROWING = 10**5  # rows from which a pass is more than its fixed costs


def write(folder: Path, n: int) -> None:
    """Files of two crossing lines in one input, whose gate depends on it."""
    import pyarrow
    from pyarrow import parquet

    for number_, first in enumerate(range(0, n, FILE)):
        rng, rows = np.random.default_rng(number_), min(FILE, n - first)
        x = rng.uniform(-1, 1, rows)
        up = rng.random(rows) < 1 / (1 + np.exp(-2 * x))
        y = np.where(up, 1 + 2 * x, -x) + 0.4 * rng.standard_normal(rows)
        parquet.write_table(pyarrow.table({"x": x, "y": y}), folder / f"{number_:04d}.parquet")


def measure(folder: str, n: int) -> dict[str, Any]:
    """A fit and its robust errors, in this process."""
    from mixstat import Blocks, MixtureOfExperts

    blocks = Blocks.of_files(folder, inputs=["x"], response="y")
    reads: list[Spent] = []
    original = blocks.read

    def read() -> Iterator[Any]:
        watch = Stopwatch()
        yield from original()
        reads.append(watch.read())

    alone = _fastest(lambda: _read_alone(folder))
    blocks.read = read
    began = time.perf_counter()
    moe = MixtureOfExperts(2, random_state=0).fit(blocks)
    fitted = time.perf_counter() - began
    passes, each = len(reads), reads[1:]  # the first draws the sample
    began = time.perf_counter()
    robust = moe.inference(blocks, cov_type="robust")
    errors = time.perf_counter() - began
    peak = peak_mb()
    blocks.read = original
    kernel = _kernel(moe, blocks, n)
    found = {
        "status": str(moe.status_.name),
        "sound": bool(moe.certificate_.sound),
        "seconds": fitted,
        "errors": errors,
        "passes": passes,
        "pass": [min(one.wall for one in each), min(one.cpu for one in each)],
        "read": alone,
        "kernel": kernel,
        "peak_mb": peak,
    }
    if n <= IN_MEMORY:
        found["apart"] = _apart(moe, robust, folder)
    return found


def _fastest(function: Callable[[], None]) -> list[float]:
    """Wall and CPU seconds of the better of three calls."""
    each = [timed(function)[1] for _ in range(3)]
    return [min(one.wall for one in each), min(one.cpu for one in each)]


def _read_alone(folder: str) -> None:
    from pyarrow import dataset

    for batch in dataset.dataset(folder).to_batches(columns=["x", "y"]):
        assert batch.num_columns == 2


def _apart(moe: Any, robust: Any, folder: str) -> float:
    """The largest relative difference of parameters and of both errors from a fit in memory."""
    from pyarrow import dataset

    from mixstat import MixtureOfExperts

    table = dataset.dataset(folder).to_table().to_pandas()
    here = MixtureOfExperts(2, random_state=0).fit(table[["x"]], table["y"])
    pairs = (
        (moe.params, here.params),
        (np.diag(moe.cov_params()) ** 0.5, np.diag(here.cov_params()) ** 0.5),
        (robust.bse, here.inference(cov_type="robust").bse),
    )
    return float(max(np.max(np.abs(a / b - 1)) for a, b in pairs))


def _kernel(moe: Any, blocks: Any, n: int) -> list[float]:
    """Seconds of the sums of a Newton step alone, from blocks that are in memory."""
    from jax import block_until_ready

    from mixstat.numerics.precision import float64
    from mixstat.objective.derivatives import derivatives_and_mass

    fit = moe.fit_
    with float64():
        kept = [
            fit.lay_out(*_checked(moe, block))
            for block, _ in zip(blocks, range(KEPT), strict=False)
        ]
        rows = sum(float(batch.total_weight) for batch in kept)

        def add_up() -> None:
            for batch in kept:
                block_until_ready(derivatives_and_mass(fit.model, batch))

        return [seconds * n / rows for seconds in _fastest(add_up)]


def _checked(moe: Any, block: Any) -> tuple[Any, Any, Any]:
    read, response = moe._read_pairs(block.X, block.y)
    return read, response, np.ones(len(response))


def show(*, full: bool = False) -> None:
    """Print the table."""
    heads = (("rows", 11), ("fit s", 7), ("passes", 6), ("a pass", 14), ("reading", 14))
    more = (("kernel", 14), ("errors s", 8), ("peak MB", 7), ("status", 10), ("apart", 8))
    table = Table("rows in parquet, one input, two experts (all processors)", heads + more)
    found = {}
    for n in (*SIZES, FULL) if full else SIZES:
        with tempfile.TemporaryDirectory() as folder:
            write(Path(folder), n)
            command = [sys.executable, "-m", "tests.benchmarks.blocks", folder, str(n)]
            done = subprocess.run(
                command, capture_output=True, text=True, check=True, cwd=ROOT, env=environment()
            )
        one = found[n] = json.loads(done.stdout.splitlines()[-1])
        apart = f"{one['apart']:.0e}" if "apart" in one else None
        times = [" / ".join(f"{s:.3f}" for s in one[name]) for name in ("pass", "read", "kernel")]
        table.row(
            f"{n:,}", number(one["seconds"], 1), one["passes"], *times, number(one["errors"], 1),
            number(one["peak_mb"], 0), one["status"], apart,
        )  # fmt: skip
    _tell_growth(found)


def _tell_growth(found: dict[int, dict[str, Any]]) -> None:
    """The exponent with which a pass grows, by least squares on logs."""
    sizes = np.array([n for n in found if n >= GROWING])
    times = np.array([found[n]["pass"][1] for n in sizes.tolist()])
    exponent = np.polyfit(np.log(sizes), np.log(times), 1)[0]
    print(
        f"\nwall / CPU seconds; CPU seconds of a pass grow as n^{exponent:.2f} from "
        f"{sizes.min():,} rows on;\nreading is pyarrow alone, kernel the sums of a pass over rows "
        "in memory, apart the\nlargest relative difference of parameters and of both standard "
        "errors from a fit in memory"
    )


if __name__ == "__main__":
    print(json.dumps(measure(sys.argv[1], int(sys.argv[2]))))
