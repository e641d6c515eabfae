"""Questions to a fitted mixture of two levels: of units, of their rows, and of new ones."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from scipy.special import log_softmax, logsumexp, softmax

from mixstat.arguments import Response, Setting, Table, Weights
from mixstat.data.units import Labels, firsts, numbered
from mixstat.estimators.grouping import check_history, known_shares
from mixstat.estimators.two_level_attributes import TwoLevelAttributes
from mixstat.fitting.two_level_objective import all_terms
from mixstat.numerics.precision import in_float64
from mixstat.numerics.quiet import quiet
from mixstat.predictive import Predictive
from mixstat.validation import check_choice, check_probability


class _Known(NamedTuple):
    """Rows of units, and what the model says of them, rows first."""

    unit: Labels
    joint: Float[np.ndarray, "n H"]
    """Log of share of a class times density of all rows of the unit of a row."""
    experts: Float[np.ndarray, "n H K"]
    """Probabilities of the experts of a row in each class."""


class TwoLevelQuestions(TwoLevelAttributes):
    """Predictions and probabilities; not to be used directly."""

    def class_gate_proba(self, X: Table) -> Float[np.ndarray, "n H"]:
        """Probability of each class of units, of a unit of which x alone is known.

        Parameters
        ----------
        X : array-like of shape (n, d)
            Inputs.

        Returns
        -------
        ndarray of shape (n, n_classes)
            Rows sum to one.
        """
        return np.exp(self._log_classes(self._rows()._read(X)))

    def gate_proba(self, X: Table) -> Float[np.ndarray, "n K"]:
        """Probability of each expert in a row of a unit of which x alone is known.

        Parameters
        ----------
        X : array-like of shape (n, d)
            Inputs.

        Returns
        -------
        ndarray of shape (n, n_experts)
            Rows sum to one.
        """
        read = self._rows()._read(X)
        return np.exp(self._log_experts(read, self._log_classes(read)))

    def class_responsibilities(
        self, X: Table, y: Response = None, *, groups: Table = None
    ) -> Float[np.ndarray, "n H"]:
        """Probability of each class of units given all rows of the unit.

        Parameters
        ----------
        X : array-like of shape (n, d)
            Inputs.
        y : array-like of shape (n,) or (n, m)
            Responses; may be left out beside a formula, and where the fit named a column.
        groups : array-like of shape (n,) or str, default=None
            Unit of each row; a column that the fit took is found by itself.

        Returns
        -------
        ndarray of shape (n, n_classes)
            The same for all rows of a unit.
        """
        return softmax(self._known(X, y, groups).joint, axis=1)

    def responsibilities(
        self, X: Table, y: Response = None, *, groups: Table = None
    ) -> Float[np.ndarray, "n K"]:
        """Probability of each expert of each row given all rows of its unit.

        Parameters
        ----------
        X, y, groups
            As for ``class_responsibilities``.

        Returns
        -------
        ndarray of shape (n, n_experts)
            Rows sum to one.
        """
        known = self._known(X, y, groups)
        return np.einsum("nh,nhk->nk", softmax(known.joint, axis=1), known.experts)

    def score_samples(
        self, X: Table, y: Response = None, *, groups: Table = None
    ) -> Float[np.ndarray, " u"]:
        """Log density of all rows of each unit, in the units of y.

        Parameters
        ----------
        X, y, groups
            As for ``class_responsibilities``.

        Returns
        -------
        ndarray of shape (n_units,)
            Of units in the order in which they first come.
        """
        known = self._known(X, y, groups)
        return logsumexp(known.joint, axis=1)[firsts(numbered(known.unit))]

    def aic(self, X: Table, y: Response = None, *, groups: Table = None) -> float:
        """Akaike's criterion, -2 log-likelihood + 2 parameters; small is good.

        Parameters
        ----------
        X, y, groups
            As for ``class_responsibilities``; each unit counts once.

        Returns
        -------
        float
            The criterion on these units.
        """
        logs = self.score_samples(X, y, groups=groups)
        return float(-2 * logs.sum() + 2 * self.n_parameters_)

    def bic(
        self, X: Table, y: Response = None, *, groups: Table = None, count: Setting = "units"
    ) -> float:
        """Bayesian criterion, -2 log-likelihood + parameters log n; small is good.

        Parameters
        ----------
        X, y, groups
            As for ``class_responsibilities``; each unit counts once.
        count : {"units", "rows"}, default="units"
            Whose number n is: that of units, which are independent, or that of rows.

        Returns
        -------
        float
            The criterion on these units.
        """
        check_choice("count", count, ("units", "rows"))
        known = self._known(X, y, groups)
        first = firsts(numbered(known.unit))
        total = logsumexp(known.joint, axis=1)[first].sum()
        n = len(first) if count == "units" else len(known.unit)
        return float(-2 * total + self.n_parameters_ * np.log(n))

    @quiet
    def predict(
        self, X: Table, *, groups: Table = None, history: Setting = None
    ) -> Float[np.ndarray, "n ..."]:
        """Conditional mean of y.

        Parameters
        ----------
        X : array-like of shape (n, d)
            Inputs.
        groups : array-like of shape (n,) or str, default=None
            Unit of each row, beside ``history``.
        history : tuple, default=None
            Earlier rows (X, y, groups), which tell of the classes of their units. Other units
            are new ones.

        Returns
        -------
        ndarray of shape (n,) or (n, m)
            Means, in units of y.
        """
        return self._rows()._shaped(self._predictive(X, groups, history).mean())

    @quiet
    def score(self, X: Table, y: Response = None, sample_weight: Weights = None) -> float:
        """Coefficient of determination (R2) of the mean of new units.

        Parameters
        ----------
        X : array-like of shape (n, d)
            Inputs.
        y : array-like of shape (n,) or (n, m)
            Responses; may be left out beside a formula, and where the fit named a column.
        sample_weight : array-like of shape (n,) or str, default=None
            Row weights.

        Returns
        -------
        float
            One for perfect predictions.
        """
        rows = self._rows()
        response = rows._read_pairs(X, y, sample_weight=sample_weight)[1]
        weight = rows._weights(X, sample_weight, len(response))
        observed = rows._shaped(rows.fit_.model.experts.observed(response).T)
        from sklearn.metrics import r2_score  # which is slow to load

        return float(r2_score(observed, self.predict(X), sample_weight=weight))

    @quiet
    def predict_quantile(
        self, X: Table, q: Setting, *, groups: Table = None, history: Setting = None
    ) -> Float[np.ndarray, "n ..."]:
        """Conditional quantiles of y (of each output, for several).

        Parameters
        ----------
        X : array-like of shape (n, d)
            Inputs.
        q : float or array-like of shape (Q,)
            Levels strictly between 0 and 1.
        groups, history
            As for ``predict``.

        Returns
        -------
        ndarray of shape (n,), (n, Q), (n, m) or (n, m, Q)
            A last axis of levels if ``q`` is an array.
        """
        levels, law = check_probability("q", q), self._predictive(X, groups, history)
        rows = self._rows()
        tables = [rows._shaped(law.quantile(float(level))) for level in np.ravel(levels)]
        return tables[0] if levels.ndim == 0 else np.stack(tables, axis=-1)

    # what they are made of

    @in_float64
    def _log_classes(self, read: Table) -> Float[np.ndarray, "n H"]:
        """Log shares of the classes of new units."""
        fit = self._fit()
        W = fit.unit_design.transform(read)
        return np.asarray(fit.model.gate.of_classes(W.T)).T

    @in_float64
    def _log_experts(
        self, read: Table, log_class: Float[np.ndarray, "n H"]
    ) -> Float[np.ndarray, "n K"]:
        """Log shares of the experts where those of the classes are known."""
        Z = self._fit().rows.designs.gate.transform(read)
        each = np.moveaxis(np.asarray(self._fit().model.gate.of_experts(Z.T)), 2, 0)
        return log_softmax(logsumexp(each + log_class[:, :, None], axis=1), axis=1)

    @quiet
    @in_float64
    def _known(self, X: Table, y: Response, groups: Table) -> _Known:
        """What the model says of rows with responses."""
        rows, fit = self._rows(), self._fit()
        read, response = rows._read_pairs(X, y, groups=groups)
        unit = rows._units(X, groups)
        assert unit is not None
        found = all_terms(fit.model, fit.data(read, response, unit))
        n = len(response)
        joint, each = np.asarray(found.joint).T[:n], np.moveaxis(np.asarray(found.each), 2, 0)[:n]
        number = numbered(unit)
        dense = np.bincount(number, weights=fit.model.experts.has_density(response))[number]
        volume = fit.rows.units.log_volume * dense
        return _Known(unit, joint - volume[:, None], softmax(each, axis=2))

    def _predictive(self, X: Table, groups: Table, history: Setting) -> Predictive:
        rows = self._rows()
        read = rows._read(X)
        log_class = self._log_classes(read)
        if history is not None:
            log_class = self._given_history(X, groups, history, log_class)
        elif groups is not None:
            raise ValueError(
                "groups must be left out without history, (X, y, groups): of units without earlier "
                "rows nothing is known but x."
            )
        return self._fit().answers.predictive(read, None, self._log_experts(read, log_class))

    def _given_history(
        self, X: Table, groups: Table, history: Setting, log_class: Float[np.ndarray, "n H"]
    ) -> Float[np.ndarray, "n H"]:
        """Log probabilities of the classes of units, given earlier rows."""
        past, labels = check_history(history), self._rows()._units(X, groups)
        assert labels is not None
        try:
            known = self._known(past.X, past.y, past.groups)
        except (TypeError, ValueError) as error:
            raise type(error)(f"history: {error}") from error
        return known_shares(labels, log_class, known.unit, softmax(known.joint, axis=1))
