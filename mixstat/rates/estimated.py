"""Truths that were fitted to data."""

from typing import Protocol, runtime_checkable

from sklearn.utils.validation import check_is_fitted

from mixstat.arguments import Estimator, Setting, Table
from mixstat.fitting.fit import Fit
from mixstat.rates.box import check_box
from mixstat.rates.checks import check_table, check_text, short
from mixstat.rates.inputs import Observed
from mixstat.rates.law import Features, Law
from mixstat.rates.truths import Truth


@runtime_checkable
class Readable(Protocol):
    """An estimator, as those see it who may not know estimators."""

    def _read(self, X: Table) -> Table:
        """New rows, checked."""


def from_fit(
    estimator: Estimator, X: Table, *, name: Setting = "fit", box: Setting = None
) -> Truth:
    """A fitted model as a truth.

    Parameters
    ----------
    estimator : MixtureOfExperts or MixtureOfExpertsClassifier
        A fitted estimator. Classes are told as numbers 0, ..., C - 1.
    X : array-like of shape (n, d)
        Rows from which inputs are drawn with replacement.
    name : str, default="fit"
        Name of the truth.
    box : Box, default=None
        Compact parameter set for studies.

    Returns
    -------
    Truth
        With the estimator's model in the user's units.

    Raises
    ------
    ValueError
        If the estimator was fitted from a formula, or X has other columns.
    """
    if not isinstance(estimator, Readable) or isinstance(estimator, type):
        raise TypeError(f"estimator must be one of mixstat, got {short(estimator)}.")
    check_is_fitted(estimator)
    fit: Fit = vars(estimator)["fit_"]
    if fit.request.schema.formulas is not None:
        raise ValueError(
            "estimator must be fitted on a numeric table, got one fitted from a formula."
        )
    if fit.request.schema.categories:
        raise ValueError(
            "estimator must be fitted on a numeric table, got one fitted on text or categories: "
            f"{', '.join(fit.request.schema.categories)}."
        )
    if fit.units.offset_centre is not None:
        raise ValueError(
            "estimator must be fitted without an offset, which is no part of a truth; got one "
            "fitted with it."
        )
    rows = check_table("X", estimator._read(X))
    sources = Features(fit.designs.experts.source, fit.designs.gate.source)
    law = Law(fit.user_model, sources)
    citation = f"a fit of {fit.request.title}"
    known = check_text("name", name), check_box(box)
    return Truth(known[0], law, Observed(rows), citation, "derived", box=known[1])
