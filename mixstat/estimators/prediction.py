"""What regressors predict: moments, quantiles and draws of y given x."""

import numpy as np
from jaxtyping import Float

from mixstat.arguments import Response, Seed, Setting, Table, Weights
from mixstat.data.design import check_magnitude
from mixstat.estimators.by_block import in_blocks
from mixstat.estimators.regression import RegressionFits
from mixstat.hints import hinting
from mixstat.numerics.quiet import quiet
from mixstat.predictive import Predictive
from mixstat.validation import (
    check_integer,
    check_open_share,
    check_probability,
    check_seed,
    check_switch,
)


class RegressionMixture(RegressionFits):
    """Predictions of a regressor; not to be used directly."""

    @quiet
    def expert_means(self, X: Table, *, offset: Table = None) -> np.ndarray:
        """Mean of y under each expert.

        Parameters
        ----------
        X : array-like of shape (n, d)
            Inputs.
        offset : array-like of shape (n,) or (n, m), or str, default=None
            Offset of these rows, where ``fit`` was given one; a column that it took is found by
            itself.

        Returns
        -------
        ndarray of shape (n, n_experts, m)
            In units of y; m is 1 for a single output.
        """
        law = self._predictive(X, offset)
        return np.transpose(law.experts.mean(law.eta), (2, 0, 1))

    def _shaped(self, table: Float[np.ndarray, "m n ..."]) -> Float[np.ndarray, "n ..."]:
        """A table as people see it: rows first, no output axis for one output."""
        return table[0] if self.fit_.predicts_vectors else np.moveaxis(table, 0, 1)

    @in_blocks()
    @hinting
    @quiet
    def predict(
        self,
        X: Table,
        return_std: Setting = False,
        *,
        offset: Table = None,
        groups: Table = None,
        history: Setting = None,
    ) -> np.ndarray | tuple[np.ndarray, np.ndarray]:
        """Conditional mean of y.

        Parameters
        ----------
        X : array-like of shape (n, d)
            Inputs.
        return_std : bool, default=False
            Also return the conditional standard deviation.
        offset : array-like of shape (n,) or (n, m), or str, default=None
            Offset of these rows, where ``fit`` was given one; a column that it took is found by
            itself.
        groups : array-like of shape (n,) or str, default=None
            Unit of each row, beside ``history``.
        history : tuple, default=None
            Earlier rows (X, y, groups) or (X, y, groups, offset), in fits with groups: what they
            tell of the experts of their units is used. Other units are new ones.

        Returns
        -------
        ndarray of shape (n,) or (n, m), or a pair of them
            Means, and deviations if asked for, in units of y.
        """
        check_switch("return_std", return_std)
        asked = self._read_beside(X, offset, groups, history)
        if not return_std:
            return self._shaped(self.fit_.of_laws(Predictive.mean, *asked))
        both = self.fit_.of_laws(lambda law: np.stack([law.mean(), law.std()], axis=-1), *asked)
        return self._shaped(both[..., 0]), self._shaped(both[..., 1])

    @hinting
    @quiet
    def score(
        self,
        X: Table,
        y: Response = None,
        sample_weight: Weights = None,
        *,
        offset: Table = None,
    ) -> float:
        """Coefficient of determination (R2) of the conditional mean.

        Parameters
        ----------
        X : array-like of shape (n, d)
            Inputs.
        y : array-like of shape (n,) or (n, m)
            Responses; may be left out for a model made from a formula.
        sample_weight : array-like of shape (n,), default=None
            Row weights.
        offset : array-like of shape (n,) or (n, m), or str, default=None
            Offset of these rows, where ``fit`` was given one; a column that it took is found by
            itself.

        Returns
        -------
        float
            One for perfect predictions.
        """
        X, y, sample_weight, offset = self._complete(X, y, sample_weight, offset)
        response = self._read_pairs(X, y)[1]
        mean = self.predict(X, offset=offset)
        check_magnitude("y", np.nan_to_num(response))
        weight = self._weights(X, sample_weight, len(response))
        observed = self._shaped(self.fit_.model.experts.observed(response).T)
        from sklearn.metrics import r2_score  # which is slow to load

        if not np.isnan(observed).any():
            return float(r2_score(observed, mean, sample_weight=weight))
        each = [  # of each output by the rows that have it
            r2_score(one[there], told[there], sample_weight=weight[there])
            for one, told in zip(np.atleast_2d(observed.T), np.atleast_2d(mean.T), strict=True)  # type: ignore[union-attr]
            for there in [~np.isnan(one)]
        ]
        return float(np.mean(each))

    @hinting
    @quiet
    def predict_quantile(
        self,
        X: Table,
        q: Setting,
        *,
        offset: Table = None,
        groups: Table = None,
        history: Setting = None,
    ) -> np.ndarray:
        """Conditional quantiles of y (of each output, for several).

        Parameters
        ----------
        X : array-like of shape (n, d)
            Inputs.
        q : float or array-like of shape (Q,)
            Levels strictly between 0 and 1.
        offset : array-like of shape (n,) or (n, m), or str, default=None
            Offset of these rows, where ``fit`` was given one; a column that it took is found by
            itself.
        groups : array-like of shape (n,) or str, default=None
            Unit of each row, beside ``history``.
        history : tuple, default=None
            Earlier rows (X, y, groups) or (X, y, groups, offset), in fits with groups: what they
            tell of the experts of their units is used. Other units are new ones.

        Returns
        -------
        ndarray of shape (n,), (n, Q), (n, m) or (n, m, Q)
            A last axis of levels if ``q`` is an array.
        """
        levels = check_probability("q", q)
        predictive = self._predictive(X, offset, groups, history)
        tables = [self._shaped(predictive.quantile(float(level))) for level in np.ravel(levels)]
        return tables[0] if levels.ndim == 0 else np.stack(tables, axis=-1)

    @hinting
    def predict_interval(
        self,
        X: Table,
        coverage: Setting = 0.9,
        *,
        offset: Table = None,
        groups: Table = None,
        history: Setting = None,
    ) -> np.ndarray:
        """Central prediction interval: equal probability is left out at both ends.

        Parameters
        ----------
        X : array-like of shape (n, d)
            Inputs.
        coverage : float, default=0.9
            Probability inside, strictly between 0 and 1.
        offset : array-like of shape (n,) or (n, m), or str, default=None
            Offset of these rows, where ``fit`` was given one; a column that it took is found by
            itself.
        groups : array-like of shape (n,) or str, default=None
            Unit of each row, beside ``history``.
        history : tuple, default=None
            Earlier rows (X, y, groups) or (X, y, groups, offset), in fits with groups: what they
            tell of the experts of their units is used. Other units are new ones.

        Returns
        -------
        ndarray of shape (n, 2) or (n, m, 2)
            Lower and upper ends, in units of y. Parameters are taken as known.
        """
        tail = 0.5 * (1 - check_open_share("coverage", coverage))
        known = {"offset": offset, "groups": groups, "history": history}
        return self.predict_quantile(X, [tail, 1 - tail], **known)

    @hinting
    @quiet
    def cdf(self, X: Table, y: Response = None, *, offset: Table = None) -> np.ndarray:
        """Probability that the response does not exceed y, given x.

        Parameters
        ----------
        X : array-like of shape (n, d)
            Inputs.
        y : array-like of shape (n,) or (n, m)
            Responses; may be left out for a model made from a formula.
        offset : array-like of shape (n,) or (n, m), or str, default=None
            Offset of these rows, where ``fit`` was given one; a column that it took is found by
            itself.

        Returns
        -------
        ndarray of shape (n,) or (n, m)
            Uniform on (0, 1) for rows drawn from the model.
        """
        response = self._read_pairs(X, y)[1]
        return self._shaped(self._predictive(X, offset).cdf(response.T))

    @hinting
    @quiet
    def crps(self, X: Table, y: Response = None, *, offset: Table = None) -> np.ndarray:
        """Continuous ranked probability score of each row; small is good.

        The integral over t of ``(F(t) - 1(y <= t))**2`` with F the conditional distribution
        function (for counts the sum over counts), in units of y: the mean absolute error where F
        is a point. In closed form for Gaussian experts, else by quadrature; NaN for t experts
        with half a degree of freedom or less, for which it is infinite.

        Gneiting, T. and Raftery, A. E. (2007). Strictly proper scoring rules, prediction, and
        estimation. J. Amer. Statist. Assoc. 102, 359-378. For mixtures of normals: Grimit, E. P.
        et al. (2006). Quart. J. Roy. Meteor. Soc. 132, 2925-2942.

        Parameters
        ----------
        X : array-like of shape (n, d)
            Inputs.
        y : array-like of shape (n,) or (n, m)
            Responses; may be left out for a model made from a formula.
        offset : array-like of shape (n,) or (n, m), or str, default=None
            Offset of these rows, where ``fit`` was given one; a column that it took is found by
            itself.

        Returns
        -------
        ndarray of shape (n,) or (n, m)
            Scores, none negative; of each output by itself, for several.
        """
        response = self._read_pairs(X, y)[1]
        return self._shaped(self._predictive(X, offset).crps(response.T))

    @hinting
    @quiet
    def sample_y(
        self,
        X: Table,
        n_samples: Setting = 1,
        random_state: Seed = 0,
        *,
        offset: Table = None,
    ) -> np.ndarray:
        """Draw responses from the fitted conditional density.

        Parameters
        ----------
        X : array-like of shape (n, d)
            Inputs.
        n_samples : int, default=1
            Draws at each row.
        random_state : int, RandomState or None, default=0
            Seed of the draws.
        offset : array-like of shape (n,) or (n, m), or str, default=None
            Offset of these rows, where ``fit`` was given one; a column that it took is found by
            itself.

        Returns
        -------
        ndarray of shape (n, n_samples) or (n, m, n_samples)
            Draws in units of y.
        """
        count = check_integer("n_samples", n_samples, 1)
        seed = check_seed("random_state", random_state).randint(2**31)
        draws = self._predictive(X, offset).sample(count, np.random.default_rng(seed))
        return self._shaped(draws)
