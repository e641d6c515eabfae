"""Draw the table of blocks: ``python -m tests.benchmarks.scaling`` writes its figure."""

from typing import NamedTuple

import matplotlib.pyplot as plt

from .harness import ROOT

TABLE = ROOT / "docs" / "benchmarks" / "blocks.txt"
FIGURE = ROOT / "docs" / "_static" / "scaling.png"


class Size(NamedTuple):
    """A row of the table."""

    rows: int
    a_pass: float  # CPU seconds, as the others
    reading: float
    kernel: float
    peak_mb: float


def read() -> list[Size]:
    """The rows of the table that is in the documentation."""
    lines = [line.replace(" / ", "/").split() for line in TABLE.read_text().splitlines()]
    cells = [line for line in lines if len(line) == 10 and line[0].replace(",", "").isdigit()]
    return [
        Size(
            int(one[0].replace(",", "")),
            *(float(cell.split("/")[1]) for cell in one[3:6]),
            float(one[7]),
        )
        for one in cells
    ]


def draw() -> None:
    """CPU seconds of a pass and peak memory against the number of rows."""
    sizes = read()
    n = [one.rows for one in sizes]
    figure, (left, right) = plt.subplots(1, 2, figsize=(8, 3.2), layout="constrained")
    for name, words in (("a_pass", "a pass"), ("kernel", "its sums"), ("reading", "pyarrow alone")):
        left.plot(
            n, [getattr(one, name) or float("nan") for one in sizes], marker="o", ms=4, label=words
        )
    left.set(xscale="log", yscale="log", xlabel="rows", ylabel="CPU seconds")
    left.legend(frameon=False)
    right.plot(n, [one.peak_mb for one in sizes], marker="o", ms=4, color="black")
    right.set(xscale="log", xlabel="rows", ylabel="peak memory, MB", ylim=(0, None))
    figure.savefig(FIGURE, dpi=150)


if __name__ == "__main__":
    draw()
