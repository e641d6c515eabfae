"""Print the comparison as a table: ``python -m tests.benchmarks [W1 W2 ...] [--full]``."""

import argparse
import itertools
import tempfile
from pathlib import Path

from . import cold, compare, workloads
from .harness import full

HEADS = (
    *("workload", "tool", "CPU s", "wall s", "ratio", "passes", "MB", "mean log-lik.", "gap"),
    *("compile s", "import s"),
)
FLEXMIX_FITS = {"W1": 3}
FLEXMIX_FULL = {"W2": 1, "W3": 1, "W4": 1}


def main() -> None:
    """Run what was asked for, a line at a time."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("workload", nargs="*", help=f"from {', '.join(workloads.FULL)}")
    parser.add_argument("--full", action="store_true", default=full(), help="with the slow ones")
    parser.add_argument("--no-cold", action="store_true", help="without the first-use figures")
    asked = parser.parse_args()
    names = asked.workload or (workloads.FULL if asked.full else workloads.QUICK)
    unknown = set(names) - set(workloads.FULL)
    if unknown:
        parser.error(f"unknown workload {', '.join(sorted(unknown))}")
    with tempfile.TemporaryDirectory() as folder:
        fits = FLEXMIX_FITS | (FLEXMIX_FULL if asked.full else {})
        _fits(tuple(names), fits, Path(folder))
        if not asked.no_cold:
            _imports()
            _first_fits(Path(folder))


def _fits(names: tuple[str, ...], flexmix_fits: dict[str, int], folder: Path) -> None:
    print("\nFits from the same labels to the same maximum (one core; warm, medians)\n")
    _line(HEADS)
    for name in names:
        own, reference = compare.fit_both(name, folder)
        rows = [own, reference]
        if name in flexmix_fits and compare.flexmix_missing() is None:
            fits = flexmix_fits[name]
            rows.append(compare.fit_flexmix(name, folder, reference, own.log_likelihood, fits))
        for row in rows:
            _line(_cells(row))
    missing = compare.flexmix_missing()
    print(f"\nflexmix left out: {missing}" if missing else "")
    print("gap: how far below mixstat; ratio: CPU over the NumPy EM of the same round, median")


def _cells(row: compare.Row) -> tuple[str, ...]:
    return (
        row.workload,
        row.tool,
        f"{row.cpu:.4f}",
        f"{row.wall:.4f}",
        f"{row.ratio:.2f}",
        str(row.n_passes),
        "-" if row.peak_mb is None else f"{row.peak_mb:.0f}",
        f"{row.log_likelihood:.9f}",
        f"{row.gap:.0e}",
        "-" if row.compile_cpu is None else f"{row.compile_cpu:.2f}",
        "-" if row.import_cpu is None else f"{row.import_cpu:.2f}",
    )


def _line(cells: tuple[str, ...]) -> None:
    widths = (8, 9, 9, 9, 7, 6, 6, 14, 7, 9, 8)
    print("  ".join(f"{cell:>{width}}" for cell, width in zip(cells, widths, strict=True)))


def _imports() -> None:
    times = cold.import_times()
    print("\nImports (fresh processes, medians)\n")
    for one in times.values():
        _cold_line(one)
    for name in ("mixstat", "MixtureOfExperts"):
        ratio = cold.import_ratio(times, name)
        over = "times jax with sklearn.base, all less bare python"
        print(f"{name}: {ratio['cpu']:.2f} (CPU), {ratio['wall']:.2f} (wall) {over}")


def _first_fits(folder: Path) -> None:
    print("\nFirst fit, 2,000 rows and 2 experts (fresh processes from start to end, medians)\n")
    for start, cache in itertools.product(cold.STARTS, cold.CACHES):
        _cold_line(cold.first_fit(start, cache, folder))
    if compare.flexmix_missing() is None:
        _cold_line(cold.first_flexmix(folder))


def _cold_line(one: cold.Cold) -> None:
    programs = one.details.get("programs")
    note = f"  {programs} programs" if programs else ""
    print(f"{one.what:>34}  {one.cpu:6.2f} CPU s  {one.wall:6.2f} wall s{note}")


if __name__ == "__main__":
    main()
