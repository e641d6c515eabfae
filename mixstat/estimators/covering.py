"""Whether intervals hold on rows that came after the fit."""

import numpy as np

from mixstat.arguments import DataFrame, Response, Setting, Table
from mixstat.estimators.base import BaseMixture
from mixstat.hints import hinting
from mixstat.inference import coverage
from mixstat.numerics.quiet import quiet
from mixstat.validation import check_integer, check_probability, check_switch

LEVELS = (0.5, 0.8, 0.9, 0.95)


class CoveringMixture(BaseMixture):
    """``interval_coverage``; not to be used directly."""

    @hinting
    @quiet
    def interval_coverage(
        self,
        X: Table,
        y: Response = None,
        *,
        levels: Setting = LEVELS,
        by_expert: Setting = False,
        max_lag: Setting = None,
        offset: Table = None,
    ) -> DataFrame:
        """How many of some rows lie in their central prediction intervals.

        For rows that the fit has not seen, such as later ones of a time series: where fewer lie
        inside than the level says, by more than two standard errors, intervals are too short
        there.

        Parameters
        ----------
        X : array-like of shape (n, d)
            Inputs, in the order of time if there is one.
        y : array-like of shape (n,) or (n, m)
            Responses; may be left out for a model made from a formula.
        levels : float or sequence of float, default=(0.5, 0.8, 0.9, 0.95)
            Probability inside each interval, as ``coverage`` of ``predict_interval``.
        by_expert : bool, default=False
            Also count the rows of each expert's region, where the gate finds it most probable.
        max_lag : int or None, default=None
            Rows so far apart or less may depend on each other; 0 takes all as independent. None
            takes floor(4 (n / 100)^(2/9)).
        offset : array-like of shape (n,) or (n, m), or str, default=None
            Offset of these rows, where ``fit`` was given one.

        Returns
        -------
        DataFrame
            A row for each output, level and region, with columns ``output``, ``expert`` (a
            number, or "all"), ``level``, ``coverage`` (share inside), ``std_error`` (Newey and
            West 1987, Bartlett weights), ``conf_low`` and ``conf_high`` (normal, 95 %),
            ``below`` and ``above`` (shares outside), ``rows`` and ``mean_length`` (in units
            of y).

        Raises
        ------
        ValueError
            If a level does not lie strictly between 0 and 1, ``max_lag`` is no count, a response
            is censored, or rows are not like those of the fit.

        References
        ----------
        Newey, W. K. and West, K. D. (1987). A simple, positive semi-definite, heteroskedasticity
        and autocorrelation consistent covariance matrix. Econometrica 55, 703-708.
        """
        stated = np.atleast_1d(check_probability("levels", levels))
        lags = None if max_lag is None else check_integer("max_lag", max_lag, 0)
        by_region = check_switch("by_expert", by_expert)
        read, response = self._read_pairs(X, y)
        fit = self.fit_
        fit.model.experts.exact(response.T)  # a range is neither inside nor outside
        observed = fit.model.experts.observed(response).T
        region = np.argmax(fit.log_gate(read), axis=1) if by_region else None
        law = fit.predictive(read, self._offset(X, offset))
        names = fit.request.options.expert_names
        return coverage.interval_coverage(law, observed, stated, region, lags, names)
