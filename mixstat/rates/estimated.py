"""Truths that were fitted to data."""

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float
from sklearn.utils.validation import check_is_fitted

from mixstat.arguments import Estimator, Setting, Table
from mixstat.data.source import Source
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
        With the estimator's model in the user's units. Of an estimator fitted from a formula, or
        on text and categories, the inputs are the columns that its coefficients multiply, first
        those of the experts and then those of the gate.

    Raises
    ------
    ValueError
        If the estimator was fitted with an offset, or X has other columns.

    Examples
    --------
    >>> from mixstat import MixtureOfExperts
    >>> from mixstat.datasets import make_tent
    >>> from mixstat.rates import from_fit
    >>> X, y = make_tent(300, random_state=0)
    >>> truth = from_fit(MixtureOfExperts(2, n_init=2, random_state=0).fit(X, y), X)
    >>> truth.citation, truth.n_experts
    ('a fit of MixtureOfExperts', 2)
    >>> [table.shape for table in truth.sample(1000, 0)]
    [(1000, 3), (1000,)]
    """
    if not isinstance(estimator, Readable) or isinstance(estimator, type):
        raise TypeError(f"estimator must be one of mixstat, got {short(estimator)}.")
    check_is_fitted(estimator)
    fit: Fit = vars(estimator)["fit_"]
    if fit.units.offset_centre is not None:
        raise ValueError(
            "estimator must be fitted without an offset, which is no part of a truth; got one "
            "fitted with it."
        )
    schema, table = fit.request.schema, estimator._read(X)
    sources = Features(fit.designs.experts.source, fit.designs.gate.source)
    if schema.formulas is None and not schema.categories:
        rows = check_table("X", table)
    else:
        rows, sources = _as_columns(sources, table)
    law = Law(fit.user_model, sources)
    citation = f"a fit of {fit.request.title}"
    known = check_text("name", name), check_box(box)
    return Truth(known[0], law, Observed(rows), citation, "derived", box=known[1])


class PickedColumns(Source):
    """Some columns of a table, as they are."""

    constant = True

    def __init__(self, places: slice, names: Sequence[str]) -> None:
        self.places = places
        self.names = list(names)

    def fit(self, X: Float[np.ndarray, "n d"], weight: Float[np.ndarray, " n"]) -> np.ndarray:
        """There is nothing to learn."""
        return self.columns(X)

    def columns(self, X: Float[np.ndarray, "n d"]) -> np.ndarray:
        """The columns."""
        return X[:, self.places]

    def to_user(self) -> np.ndarray:
        """Coefficients are reported as they are."""
        return np.eye(len(self.names))

    def same_as(self, other: object) -> bool:
        """Whether the same columns are picked."""
        return isinstance(other, PickedColumns) and self.places == other.places


def _as_columns(sources: Features, table: Table) -> tuple[np.ndarray, Features]:
    """The columns of a design as inputs of their own, and what picks them."""
    tables = sources.experts.raw(table), sources.gate.raw(table)
    middle = tables[0].shape[1]
    places = slice(0, middle), slice(middle, middle + tables[1].shape[1])
    names = sources.experts.names, sources.gate.names
    picked = [PickedColumns(*pair) for pair in zip(places, names, strict=True)]
    return check_table("X", np.hstack(tables)), Features(*picked)
