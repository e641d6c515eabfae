"""Figure of the top-k and sigmoid gates: Hellinger distance and total variation against n."""

import sys
import warnings
from pathlib import Path

import matplotlib.pyplot as plt
from matplotlib.ticker import NullFormatter

from mixstat.plotting import RateDisplay
from mixstat.rates import RateWarning, fit_rate

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

import laboratory  # noqa: E402

WORDS = {"top-k": "top 2 of 3 experts", "sigmoid": "sigmoid gate, 2 experts"}
LOSSES = {"hellinger": "Hellinger", "total_variation": "total variation"}


def main() -> None:
    """Draw what has been run."""
    out, save, _ = laboratory.plot_arguments(HERE, __doc__ or "")
    tables = laboratory.tables(out)
    figure, axes = plt.subplots(1, 2, figsize=(10, 4.2), layout="constrained", sharey=True)
    for ax, (name, words) in zip(axes, WORDS.items(), strict=True):
        if name not in tables:
            continue
        with warnings.catch_warnings():  # shares without a certificate stand in the results
            warnings.simplefilter("ignore", RateWarning)
            rates = [fit_rate(tables[name], loss) for loss in LOSSES]
        RateDisplay(rates, theory=-0.5, labels=list(LOSSES.values())).plot(ax=ax)
        ax.xaxis.set_minor_formatter(NullFormatter())  # they overlap below a decade and a half
        ax.set(title=words, ylabel="mean loss" if ax is axes[0] else "")
    figure.savefig(save / "sparse_and_sigmoid.png", dpi=150)


if __name__ == "__main__":
    main()
