"""What each rule chose, as a table.

    python paper_figs/selection/table.py [--quick] [--out FOLDER]

The mean number of experts over samples and, in brackets, the share of samples with the true number;
of all samples that are finished. EIC and the bootstrap test draw responses again, and have only the
first samples of the smaller sizes.
"""

import argparse
from pathlib import Path
from typing import Any

import cells
import rules
import truths

HERE = Path(__file__).parent
WIDTH = 27


def main() -> None:
    """Print it."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="of the quick run")
    parser.add_argument("--out", type=Path, help="folder of the results")
    asked = parser.parse_args()
    out = asked.out or HERE / ("out-quick" if asked.quick else "out")
    for name, truth in truths.TRUTHS.items():
        for noise in truths.NOISES:
            found = cells.kept(out / f"{name}-{noise}")
            if found:
                _show(f"{name}, {noise}: {truth.n_experts} experts", found, truth.n_experts)


def _show(title: str, found: list[dict[str, Any]], right: int) -> None:
    chosen = rules.shares(found, right)
    sizes = sorted({one["n"] for one in found})
    counts = [sum(one["n"] == n for one in found) for n in sizes]
    regular = [row["regular"] for one in found for row in one["table"]]
    print(f"{title} ({100 * sum(regular) / len(regular):.0f} % of the fits are regular maxima)")
    print(" " * WIDTH + "".join(f"{f'n={n:,}':>12s}" for n in sizes))
    print(f"{'samples':{WIDTH}s}" + "".join(f"{count:>12d}" for count in counts))
    for rule, words in (rules.WORDS | rules.WRONG).items():
        cells_of = (chosen[rule].get(str(n)) for n in sizes)
        told = ("-" if c is None else f"{c['mean']:.1f} ({c['right']:.2f})" for c in cells_of)
        print(f"{words:{WIDTH}s}" + "".join(f"{one:>12s}" for one in told))
    print()


if __name__ == "__main__":
    main()
