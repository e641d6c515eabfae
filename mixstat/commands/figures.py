"""Figures of a model and its rows, each with words for those who do not see it."""

import io
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from mixstat.arguments import DataFrame, Figure, Response, Table, as_frame
from mixstat.data.formula_text import words
from mixstat.estimators.base import BaseMixture
from mixstat.estimators.prediction import RegressionMixture
from mixstat.inference.results import InferenceResults
from mixstat.plotting import (
    CoefficientDisplay,
    EffectsDisplay,
    FittedMeanDisplay,
    GateDisplay,
    GateReliabilityDisplay,
    QuantileResidualDisplay,
    RootogramDisplay,
)

DOTS = 120  # an inch
MOST = 3  # inputs along which a model is drawn


class Picture(NamedTuple):
    """A figure that is still to be drawn."""

    draw: Callable[[], Figure]
    alt: str
    """What it shows, in words."""


def without_screen() -> None:
    """Draw to files alone, wherever the command runs."""
    import matplotlib as mpl

    mpl.use("agg")


def as_png(figure: Figure) -> bytes:
    """A figure as a file, and closed."""
    import matplotlib.pyplot as plt

    content = io.BytesIO()
    figure.savefig(content, dpi=DOTS, format="png", bbox_inches="tight")
    plt.close(figure)
    return content.getvalue()


def along_inputs(moe: BaseMixture, X: Table, y: Response = None) -> list[Picture]:
    """The model along each of its first inputs: means of a regressor, shares of a gate."""
    pictures, schema = [], moe.fit_.request.schema
    by_gate = set(schema.columns)
    if schema.formulas is not None:
        by_gate = set(words(schema.formulas.sources()[1].right).columns)
    for name in _inputs(moe, X)[:MOST]:
        if isinstance(moe, RegressionMixture):
            pictures.append(_means(moe, X, y, name))
        if moe.n_experts_ > 1 and name in by_gate:
            pictures.append(_shares(moe, X, name))
    return pictures


def of_parameters(results: InferenceResults) -> Picture:
    """Coefficients with their intervals."""
    return Picture(
        lambda: CoefficientDisplay.from_results(results, constants=True).figure_,
        f"Dots: coefficients of experts and gate; lines: their {100 * results.level:g} % "
        "intervals. The numbers are in the table.",
    )


def of_effects(effects: object) -> Picture:
    """Average effects of the inputs with their intervals."""
    return Picture(
        lambda: EffectsDisplay.from_effects(effects).figure_,
        "Dots: average effect of each input on the response, as a whole and by way of gate and "
        "experts; lines: intervals. The numbers are in the table.",
    )


def of_rows(results: InferenceResults) -> list[Picture]:
    """Whether the model suits the rows of the fit, and how sure their experts are."""
    return [
        Picture(
            lambda: QuantileResidualDisplay.from_results(results).figure_,
            "Left: quantile residuals over fitted means, without a pattern if the model is "
            "right. Right: the worm, sorted residuals less what is expected of them, flat at zero "
            "if it is right.",
        ),
        Picture(
            lambda: RootogramDisplay.from_results(results).figure_,
            "Histograms of responsibilities for each expert: peaks at one are rows that clearly "
            "belong to it.",
        ),
        Picture(
            lambda: GateReliabilityDisplay.from_results(results).figure_,
            "Gate shares against mean responsibilities in bins: on the diagonal the gate can be "
            "trusted.",
        ),
    ]


def figure_of(moe: BaseMixture, X: Table, y: Response = None) -> Figure:
    """The one figure of a fit: along its first input, or its coefficients where it has none."""
    pictures = along_inputs(moe, X, y) or [of_parameters(moe.inference())]
    return pictures[0].draw()


def _means(moe: RegressionMixture, X: Table, y: Response, name: str) -> Picture:
    def draw() -> Figure:
        return FittedMeanDisplay.from_estimator(moe, X, _points(moe, X, y), feature=name).figure_

    return Picture(
        draw,
        f"The response over {name}, other inputs at their medians: black the mean, coloured the "
        "means of experts (strong where their share is large), grey a 90 % prediction interval, "
        "dots the rows.",
    )


def _shares(moe: BaseMixture, X: Table, name: str) -> Picture:
    return Picture(
        lambda: GateDisplay.from_estimator(moe, X, feature=name).figure_,
        f"Shares of the experts over {name}, other inputs at their medians.",
    )


def _points(moe: RegressionMixture, X: Table, y: Response) -> np.ndarray | None:
    """Responses as the model has them, where they are what it predicts."""
    fit = moe.fit_
    if fit.model.experts.paired:
        return None
    response = moe._read_pairs(X, y)[1]
    return response if response.shape[1] == len(fit.units.location) else None


def _inputs(moe: BaseMixture, X: Table) -> list[str]:
    """Names of inputs, those that are numbers first."""
    names, frame = moe.fit_.request.schema.columns, as_frame(X)
    if frame is None:
        return names
    return sorted(names, key=lambda name: not _is_number(frame, name))


def _is_number(frame: DataFrame, name: str) -> bool:
    return getattr(frame[name].dtype, "kind", "O") in "iuf"
