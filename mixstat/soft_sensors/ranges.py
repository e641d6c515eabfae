"""Whether new inputs lie where the inputs of a fit did."""

from copy import copy

import numpy as np
from jaxtyping import Float, Int
from sklearn.base import BaseEstimator, OutlierMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from mixstat.alignment import check_same_rows
from mixstat.arguments import Frame, Table, as_frame
from mixstat.data.design import check_magnitude
from mixstat.kinds import check_table
from mixstat.validation import check_open_share

FLAT = 1e-10  # least variance of a direction, of standardised inputs: no row ever moved there
ROUNDING = 1e-12  # relative, in distances that are equal but for the last digits


class InputRange(OutlierMixin, BaseEstimator):
    """An alarm for inputs far from those that a model was fitted to.

    A prediction beyond the inputs of the fit rests on the shape of the model alone. The distance
    of a row is Mahalanobis' to the centre of a regime, by the covariance of the inputs within
    it, and the nearest regime counts: with the gate's shares as ``shares``, a row between two
    regimes is as far out as one beyond them.

    Parameters
    ----------
    level : float, default=0.99
        Share of the training rows within the range.

    Attributes
    ----------
    regimes_ : ndarray of int
        Columns of ``shares`` that have more than one row in all; others have no shape.
    center_ : ndarray of shape (K, d)
        Centre of the inputs of each of them.
    training_distance_ : ndarray of shape (n,)
        Distances of the training rows, in ascending order.
    offset_ : float
        Minus the distance beyond which a row is out of range.
    n_features_in_ : int
        Number of inputs.
    feature_names_in_ : ndarray of str
        Their names, where they have names.

    References
    ----------
    Mahalanobis, P. C. (1936). On the generalised distance in statistics. Proc. Natl. Inst. Sci.
    India 2, 49-55.

    Examples
    --------
    >>> import numpy as np
    >>> from mixstat.soft_sensors import InputRange
    >>> X = np.random.default_rng(0).normal(size=(500, 2))
    >>> InputRange().fit(X).predict([[0.0, 1.0], [0.0, 6.0]])
    array([ 1, -1])
    """

    def __init__(self, *, level=0.99) -> None:
        self.level = level

    def fit(self, X: Table, y: object = None, *, shares: Table = None) -> "InputRange":
        """Learn where the inputs lie.

        Parameters
        ----------
        X : array-like of shape (n, d)
            Inputs of the fit, numbers.
        y : None
            Not used.
        shares : array-like of shape (n, K), default=None
            Shares of the regimes in each row, such as ``moe.gate_proba(X)``; None is one regime.

        Returns
        -------
        InputRange
            This alarm.

        Raises
        ------
        ValueError
            If ``level`` is no share, or ``shares`` are not nonnegative numbers for each row.
        """
        level = check_open_share("level", self.level)
        check_same_rows(X=X, shares=shares)
        learnt = copy(self)  # so that a fit that is refused leaves this alarm as it was
        table = validate_data(learnt, check_table("X", X), dtype=np.float64, ensure_min_samples=2)
        check_magnitude("X", table)
        learnt._learn(table, _check_shares(shares, len(table)), level)
        self.__dict__ = learnt.__dict__
        return self

    def _learn(
        self, table: Float[np.ndarray, "n d"], weights: Float[np.ndarray, "n K"], level: float
    ) -> None:
        self.regimes_ = np.flatnonzero(weights.sum(axis=0) > 1)  # others have no shape
        self._scale = _scale(table)
        shapes = [_shape(table / self._scale, weights[:, k]) for k in self.regimes_]
        self.center_ = np.stack([centre for centre, _, _ in shapes]) * self._scale
        self._deviation = np.stack([deviation for _, deviation, _ in shapes]) * self._scale
        self._whitening = np.stack([whitening for _, _, whitening in shapes])
        self.training_distance_ = np.sort(self._nearest(table)[0])
        limit = np.quantile(self.training_distance_, level, method="inverted_cdf")
        self.offset_ = -float(limit * (1 + ROUNDING))

    def score_samples(self, X: Table) -> Float[np.ndarray, " n"]:
        """Minus the distance of each row to the nearest regime.

        Parameters
        ----------
        X : array-like of shape (n, d)
            Inputs.

        Returns
        -------
        ndarray of shape (n,)
            In standard deviations.
        """
        return -self._nearest(self._read(X))[0]

    def decision_function(self, X: Table) -> Float[np.ndarray, " n"]:
        """How far each row is within the range; negative out of it.

        Parameters
        ----------
        X : array-like of shape (n, d)
            Inputs.

        Returns
        -------
        ndarray of shape (n,)
            In standard deviations.
        """
        return self.score_samples(X) - self.offset_

    def predict(self, X: Table) -> Int[np.ndarray, " n"]:
        """Which rows are within the range.

        Parameters
        ----------
        X : array-like of shape (n, d)
            Inputs.

        Returns
        -------
        ndarray of shape (n,)
            1 within the range and -1 out of it.
        """
        return np.where(self.decision_function(X) < 0, -1, 1)

    def report(self, X: Table) -> Frame:
        """Distance of each row, how usual it is, and the input that is farthest out.

        Parameters
        ----------
        X : array-like of shape (n, d)
            Inputs.

        Returns
        -------
        DataFrame
            A row for each row: ``outside``, ``distance`` (in standard deviations), ``p_value``
            (share of the training rows at least as far out, the row itself among them),
            ``regime`` (the nearest), ``input`` (the one most deviations from its centre in that
            regime) and ``deviations`` (how many, with their sign).
        """
        import pandas as pd

        table = self._read(X)
        distance, regime = self._nearest(table)
        moved = (table - self.center_[regime]) / self._deviation[regime]
        worst = np.argmax(np.abs(moved), axis=1)
        known = self.training_distance_
        farther = len(known) - np.searchsorted(known, distance * (1 - ROUNDING))
        names = [f"x{j}" for j in range(self.n_features_in_)]
        columns = {
            "outside": distance > -self.offset_,
            "distance": distance,
            "p_value": (farther + 1) / (len(known) + 1),
            "regime": self.regimes_[regime],
            "input": np.array(getattr(self, "feature_names_in_", names), dtype=object)[worst],
            "deviations": moved[np.arange(len(table)), worst],
        }
        frame = as_frame(X)
        return pd.DataFrame(columns, index=None if frame is None else frame.index)

    def _read(self, X: Table) -> Float[np.ndarray, "n d"]:
        check_is_fitted(self)
        table = validate_data(self, check_table("X", X), dtype=np.float64, reset=False)
        check_magnitude("X", table)
        return table

    def _nearest(
        self, table: Float[np.ndarray, "n d"]
    ) -> tuple[Float[np.ndarray, " n"], Int[np.ndarray, " n"]]:
        """Distance to the nearest regime, and its number."""
        moved = (table[None, :, :] - self.center_[:, None, :]) / self._scale
        every = np.linalg.norm(moved @ self._whitening, axis=2)
        return every.min(axis=0), every.argmin(axis=0)


def _check_shares(shares: Table, n: int) -> Float[np.ndarray, "n K"]:
    """Weights of the regimes in each row."""
    if shares is None:
        return np.ones((n, 1))
    table = np.asarray(check_table("shares", shares))
    if table.dtype.kind not in "fiub":
        raise ValueError(f"shares must be numbers, got dtype {table.dtype}.")
    table = table.astype(float)
    if len(table) != n:
        raise ValueError(f"shares must have a row for each of the {n} of X, got {len(table)}.")
    usable = np.isfinite(table) & (table >= 0)
    if not usable.all():
        row = int(np.argmin(usable.all(axis=1)))
        raise ValueError(f"shares must not be negative or missing, got {table[row]} in row {row}.")
    if not (table.sum(axis=0) > 1).any():
        raise ValueError("shares must give some regime more than one row in all, got none.")
    return table


def _scale(table: Float[np.ndarray, "n d"]) -> Float[np.ndarray, " d"]:
    """Deviation of each column; of a constant one its size, or one where it is zero."""
    deviation, size = table.std(axis=0), np.abs(table).max(axis=0)
    return np.where(deviation > ROUNDING * size, deviation, np.where(size > 0, size, 1.0))


def _shape(
    table: Float[np.ndarray, "n d"], weight: Float[np.ndarray, " n"]
) -> tuple[Float[np.ndarray, " d"], Float[np.ndarray, " d"], Float[np.ndarray, "d d"]]:
    """Centre and deviations of weighted rows, and the map that makes their covariance unit."""
    share = weight / weight.sum()
    centre = share @ table
    moved = table - centre
    covariance = moved.T @ (share[:, None] * moved)
    values, vectors = np.linalg.eigh(covariance)
    deviation = np.sqrt(np.maximum(np.diagonal(covariance), FLAT))
    return centre, deviation, vectors / np.sqrt(np.maximum(values, FLAT))
