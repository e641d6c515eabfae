"""``mixstat predict``."""

import argparse

import numpy as np
from jaxtyping import Float

from mixstat.arguments import Table
from mixstat.commands.tables import columns_of, inputs_of, read_model, read_table, write_table
from mixstat.estimators.base import BaseMixture
from mixstat.estimators.classification import ClassificationMixture
from mixstat.estimators.prediction import RegressionMixture


def predict(chosen: argparse.Namespace) -> None:
    """Write a row of predictions for each row of a table."""
    moe = read_model(chosen.model)
    table = read_table(chosen.data, chosen.separator)
    kept = columns_of(table, chosen.keep, "--keep").reset_index(drop=True)
    rows = inputs_of(moe, table)
    if isinstance(moe, ClassificationMixture):
        told = _of_classes(moe, rows, chosen)
    else:
        assert isinstance(moe, RegressionMixture)
        told = _of_responses(moe, rows, chosen)
    if chosen.shares:
        told |= {f"share_{k}": share for k, share in enumerate(moe.gate_proba(rows).T)}
    write_table(kept.assign(**told), chosen.out)


def _of_classes(
    moe: ClassificationMixture, rows: Table, chosen: argparse.Namespace
) -> dict[str, np.ndarray]:
    """The most probable class, and probabilities of all."""
    for option in ("interval", "quantile"):
        if getattr(chosen, option) is not None:
            raise ValueError(f"--{option} must be left out for a model of classes.")
    proba = moe.predict_proba(rows)
    told = {"class": moe.predict(rows)}
    return told | {f"p_{label}": proba[:, j] for j, label in enumerate(moe.classes_)}


def _of_responses(
    moe: RegressionMixture, rows: Table, chosen: argparse.Namespace
) -> dict[str, np.ndarray]:
    """Means, and ends of intervals and quantiles where they are asked for."""
    told = _by_output(moe, "mean", np.asarray(moe.predict(rows)))
    if chosen.interval is not None:
        ends = moe.predict_interval(rows, chosen.interval)
        told |= _by_output(moe, "low", ends[..., 0]) | _by_output(moe, "high", ends[..., 1])
    for level in chosen.quantile or ():
        told |= _by_output(moe, f"q{level:g}", moe.predict_quantile(rows, level))
    return told


def _by_output(
    moe: BaseMixture, word: str, values: Float[np.ndarray, "n ..."]
) -> dict[str, np.ndarray]:
    """A column for each output, named by it where there are several."""
    if values.ndim == 1 or values.shape[1] == 1:
        return {word: values.reshape(-1)}
    names = moe.fit_.output_names
    return {f"{word}_{names[j]}": values[:, j] for j in range(values.shape[1])}
