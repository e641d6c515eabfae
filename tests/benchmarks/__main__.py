"""Print the comparisons as tables: ``python -m tests.benchmarks [table ...] [W1 W2 ...]``."""

import argparse
import tempfile
from pathlib import Path

from . import (
    blocks,
    bootstrap,
    conformal,
    coverage,
    dependence,
    experts,
    fits,
    kernels,
    passes,
    predict,
    published,
    ratio,
    replicates,
    search,
    shapes,
    starts,
    workloads,
)
from .harness import full
from .text import machine

TABLES = (
    "fits",
    "cold",
    "kernels",
    "passes",
    "replicates",
    "starts",
    "shapes",
    "search",
    "published",
    "bootstrap",
    "coverage",
    "ratio",
    "experts",
    "conformal",
    "predict",
    "blocks",
)


def main() -> None:
    """Run what was asked for, a line at a time."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    known = f"tables ({', '.join(TABLES)}; all by default) and workloads ({workloads.FULL[0]} to"
    parser.add_argument("what", nargs="*", help=f"{known} {workloads.FULL[-1]})")
    parser.add_argument("--full", action="store_true", default=full(), help="with the slow ones")
    parser.add_argument("--replicates", type=int, help="of the tables of coverage")
    parser.add_argument("--device", choices=("cpu", "gpu"), default="cpu", help="of the kernels")
    parser.add_argument("--keep", type=Path, help="folder of finished cells: a run goes on there")
    asked = parser.parse_args()
    unknown = set(asked.what) - set(TABLES) - set(workloads.FULL)
    if unknown:
        parser.error(f"unknown table or workload {', '.join(sorted(unknown))}")
    names = tuple(name for name in asked.what if name in workloads.FULL)
    tables = [name for name in TABLES if name in asked.what] or (["fits"] if names else TABLES)
    names = names or (workloads.FULL if asked.full else workloads.QUICK)
    print(machine())
    with tempfile.TemporaryDirectory() as folder:
        show = {
            "fits": lambda: fits.show(names, Path(folder), full=asked.full),
            "cold": lambda: fits.show_cold(Path(folder)),
            "kernels": lambda: kernels.show(asked.device),
            "passes": passes.show,
            "replicates": replicates.show,
            "starts": starts.show,
            "shapes": shapes.show,
            "search": lambda: search.show(full=asked.full, keep=asked.keep),
            "published": lambda: published.show(full=asked.full),
            "bootstrap": bootstrap.show,
            "coverage": lambda: _show_coverage(asked),
            "ratio": lambda: ratio.show(full=asked.full, keep=asked.keep),
            "experts": lambda: experts.show(full=asked.full, keep=asked.keep),
            "conformal": lambda: conformal.show(full=asked.full),
            "predict": predict.show,
            "blocks": lambda: blocks.show(full=asked.full),
        }
        for name in tables:
            show[name]()


def _show_coverage(asked: argparse.Namespace) -> None:
    replicates = asked.replicates or (1_000 if asked.full else 40)
    coverage.show(replicates=replicates, folder=asked.keep)
    dependence.show(replicates=replicates, folder=asked.keep)


if __name__ == "__main__":
    main()
