"""The measured slopes of a paper as a table.

    python paper_figs/table.py softmax_gaussian [--quick] [--out FOLDER] [--losses NAME ...]

reads what the paper's simulate.py left. A slope is that of the log of the mean (or median) loss
on log n, with its 95 % interval by bootstrap over replicates. Where theory states a slope it stands
beside, with what the interval of the mean says of it.
"""

import argparse
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import laboratory

from mixstat.rates import verdict
from mixstat.rates.verdicts import RULE

HERE = Path(__file__).parent
HEADS = ("study", "fits", "n from", "to", "certified", "on a bound", "minutes")
HEAD = "{:20s} {:>6s} {:>8s} {:>10s} {:>9s} {:>10s} {:>7s}"
RATE = "  {:26s} {:>24s} {:>24s}  {:>6s}  {}"
PRINTED = "  {:26s} {:>8.3g}, here {:s}: {}"
MISSED = (
    "  {n_missed} of {n_data_sets} data sets have a higher maximum, by {largest_gain:.2g} in "
    "log-likelihood at most: {n_more} starts\n  against {n_starts}"
)
LOSSES = ("voronoi", "hellinger", "error_", "kl")


def main() -> None:
    """Print it."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument(
        "paper", choices=sorted(p.parent.name for p in HERE.glob("*/expected.json"))
    )
    parser.add_argument("--quick", action="store_true", help="of the quick run")
    parser.add_argument("--out", type=Path, help="folder of the results")
    parser.add_argument("--losses", nargs="+", default=LOSSES, help="beginnings of their names")
    asked = parser.parse_args()
    out = asked.out or HERE / asked.paper / ("out-quick" if asked.quick else "out")
    results = laboratory.stored(out)
    print(HEAD.format(*HEADS))
    heads = ("loss", "slope of the mean", "slope of the median", "theory", "verdict")
    print(RATE.format(*heads))
    for name, facts in results.items():
        if "rates" in facts:
            _show(name, facts, tuple(asked.losses))
    print(f"\n{textwrap.fill(RULE, 98)}")
    for name, found in results.get("summary", {}).get("printed", {}).items():
        _show_printed(name, found)
    for path, found in _differences(results.get("summary", {})):
        low, high, p = (found[key] for key in ("low", "high", "p_value"))
        print(f"\n{path}: difference of slopes {found['difference']:.3f}", end=" ")
        print(f"({low:.3f}, {high:.3f}), p = {p:.2g}")


def _show_printed(name: str, found: dict[str, dict[str, Any]]) -> None:
    """Slopes that the paper prints, and what the intervals of ours say of them."""
    print(f"\n{name}: printed in the paper")
    for loss, one in found.items():
        print(PRINTED.format(loss, one["printed"], _slope(one), one["verdict"]))


def _differences(tree: Any, path: str = "") -> Iterator[tuple[str, dict[str, float]]]:
    """Tests of two slopes against each other, wherever they are."""
    if not isinstance(tree, dict):
        return
    if "difference" in tree:
        yield path, tree
    for key, value in tree.items():
        yield from _differences(value, f"{path}, {key}" if path else key)


def _show(name: str, facts: dict[str, Any], losses: tuple[str, ...]) -> None:
    certified, bound = (f"{100 * facts[key]:.4g} %" for key in ("certified", "on_bound"))
    counts = (str(facts["n_fits"]), *(f"{facts['sizes'][i]:,}" for i in (0, -1)))
    print("\n" + HEAD.format(name, *counts, certified, bound, f"{facts['seconds'] / 60:.1f}"))
    claims = facts.get("claims", {})
    for loss, found in facts["rates"].items():
        if loss.startswith(losses):
            told = [_slope(found.get(statistic)) for statistic in ("mean", "median")]
            said = _against(claims[loss], found.get("mean")) if loss in claims else ("", "")
            print(RATE.format(loss, *told, *said).rstrip())
    if "missed" in facts:
        print(MISSED.format(**facts["missed"]))


def _against(stated: float | None, mean: dict[str, float] | None) -> tuple[str, str]:
    """A stated slope, and the verdict on it."""
    slope = "none" if stated is None else f"{stated:g}"
    return slope, "-" if mean is None else verdict(stated, (mean["low"], mean["high"]))


def _slope(found: dict[str, float] | None) -> str:
    if found is None:
        return "-"
    return f"{found['slope']:.3f} ({found['low']:.3f}, {found['high']:.3f})"


if __name__ == "__main__":
    main()
