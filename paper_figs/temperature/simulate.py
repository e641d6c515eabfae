"""Dense-to-sparse gates with Gaussian experts (arXiv 2401.13875): plain, and with an activation.

    python paper_figs/temperature/simulate.py [--quick] [--only NAME ...] [--out FOLDER]

A plain gate divides w . x + b by a temperature: only w / temperature can be estimated, and w and
the temperature alone stay where a fit happened to start. With an activation inside, all of them
converge; "exact" fits as many experts as the truth has, "over" one more.
"""

import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mixstat.rates import RateStudy, find_truth, fit_rate, named_study

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

import laboratory  # noqa: E402

ACTIVATIONS = ("tanh", "sigmoid", "sin")
ALONE = ("w", "temperature")
RATIO = "w / temperature"


def plain(quick: bool) -> RateStudy:
    """The study that ``mixstat rates run temperature/exact`` knows too."""
    return named_study("temperature/exact", quick=quick)


def activation(name: str, extra: int, quick: bool) -> RateStudy:
    """Fits of the truth's two experts, and ``extra`` more, with an activation."""
    return named_study(f"activation-{name}/{'over' if extra else 'exact'}", quick=quick)


STUDIES: dict[str, Callable[[bool], RateStudy]] = {"plain": plain}
for _name in ACTIVATIONS:
    STUDIES[f"{_name}-exact"] = partial(activation, _name, 0)
for _name in ACTIVATIONS:
    STUDIES[f"{_name}-over"] = partial(activation, _name, 1)


def with_parameters(table: pd.DataFrame) -> pd.DataFrame:
    """The table of the plain gate with errors of w, of the temperature and of their ratio.

    w is the slope of the first true expert's logit against the second's. It changes its sign
    where a fit has the experts in the other order, which their own slopes tell.
    """
    model = find_truth("temperature").mixture
    slopes = model.experts.groups()[0].coef[:, 0, 1]
    columns = [c for c in table.columns if c.startswith("param ")]
    at = {name: table[f"param {name}"] for name in (c.removeprefix("param ") for c in columns)}
    same = (at["expert0:x1"] > at["expert1:x1"]) == bool(slopes[0] > slopes[1])
    w, tau = at["gate0:z1"] * np.where(same, 1.0, -1.0), np.exp(at["temperature:log_tau"])
    gate: Any = model.gate
    true_w, true_tau = gate.coef[0, 1], float(np.exp(gate.log_tau[0, 0]))
    errors = ((w - true_w).abs(), (tau - true_tau).abs(), (w / tau - true_w / true_tau).abs())
    return table.assign(**dict(zip((*ALONE, RATIO), errors, strict=True)))


def summaries(_results: dict, tables: dict[str, pd.DataFrame]) -> dict:
    """Slopes of w, of the temperature and of their ratio, and whether they differ."""
    if "plain" not in tables:
        return {}
    table = with_parameters(tables["plain"])
    ratio = fit_rate(table, RATIO)
    low, high = ratio.interval
    found: dict = {"ratio": {"slope": ratio.slope, "low": low, "high": high}}
    for column in ALONE:
        alone = fit_rate(table, column)
        against = alone.compare(ratio)
        found[column] = {
            "slope": alone.slope,
            "slope_low": alone.interval[0],
            "slope_high": alone.interval[1],
            "difference": against.estimate,
            "low": against.interval[0],
            "high": against.interval[1],
            "p_value": against.p_value,
            "last_over_first": float(alone.centre[-1] / alone.centre[0]),
        }
    return {"plain": found}


def main() -> int:
    """Run the parts asked for."""
    return laboratory.main(HERE, str(__doc__), STUDIES, summaries=summaries)


if __name__ == "__main__":
    sys.exit(main())
