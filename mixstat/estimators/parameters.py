"""What a fitted mixture tells of its parameters: errors, functions, profiles, a summary."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from sklearn.utils.validation import check_is_fitted

from mixstat.arguments import Response, Setting, Table, Weights
from mixstat.estimators.attributes import FittedAttributes
from mixstat.estimators.report import profile_of, summarise
from mixstat.fitting.fit import Fit
from mixstat.numerics.quiet import quiet

if TYPE_CHECKING:
    from mixstat.inference.profile import ProfileLikelihood
    from mixstat.inference.summary import Summary

OF_FIT = ("X", "y", "sample_weight", "offset", "groups", "known_experts")  # its arguments


def check_one_parameter(name: Setting, names: Sequence[str]) -> None:
    """Refuse a name that several parameters have, as where a column is called "1" or "x^2"."""
    if isinstance(name, str) and names.count(name) > 1:
        raise ValueError(
            f"name must be that of one parameter, got {name!r}, which {names.count(name)} have: "
            "give the columns of X other names."
        )


class ParameterQuestions(FittedAttributes):
    """Questions about the parameters of a fitted mixture; not to be used directly."""

    @property
    def params(self) -> np.ndarray:
        """Reported parameters as one vector, in the order of :attr:`parameter_names`."""
        check_is_fitted(self)
        return self.fit_.params

    @quiet
    def cov_params(self) -> np.ndarray:
        """Covariance matrix of :attr:`params` from the observed information.

        Returns
        -------
        ndarray of shape (D, D)
            A row for each entry of :attr:`params`. NaN where the data do not determine a
            parameter (its column was dropped, or the gate is a step) or a scale is on its
            floor, or where it is held (a fixed temperature, a power above an expert's degree,
            a zero of an L1 penalty), which the others take as known. A ridge counts as
            information.
        """
        check_is_fitted(self)
        return self.fit_.cov_params()

    @quiet
    def identified(self) -> np.ndarray:
        """Functions of the gate's parameters that the data determine where parameters are not.

        Returns
        -------
        ndarray of shape (I,)
            A structured array with fields ``name``, ``value`` and ``std_error`` (delta method,
            observed information), in the user's units: coefficients divided by a learned
            temperature. Empty for gates whose parameters are themselves determined.
        """
        check_is_fitted(self)
        return self.fit_.identified()

    @quiet
    def profile(
        self,
        name: Setting,
        grid: Setting = None,
        *,
        n_points: Setting = 21,
        level: Setting = 0.95,
        X: Table = None,
        y: Response = None,
        sample_weight: Weights = None,
        offset: Table = None,
        groups: Table = None,
        known_experts: Table = None,
    ) -> "ProfileLikelihood":
        """Profile likelihood of one parameter: all others at their best for each of its values.

        Parameters
        ----------
        name : str
            One of :attr:`parameter_names`, such as "temperature:log_tau" or "expert0:x".
        grid : array-like of shape (g,), default=None
            Values of the parameter, in its reported units. None takes ``n_points`` values
            within 3.5 standard errors of the estimate, or within 2 units where it has none.
        n_points : int, default=21
            Number of values, where ``grid`` is None; the estimate is one of them if odd.
        level : float, default=0.95
            Confidence level of the interval that inverts the likelihood ratio test.
        X, y, sample_weight, offset, groups, known_experts
            The rows of the fit, for a model that was saved (and so lost them).

        Returns
        -------
        ProfileLikelihood
            Values, profile log-likelihood, deviance and interval;
            ``mixstat.plotting.ProfileDisplay`` draws it.

        Raises
        ------
        ValueError
            If there is no such parameter, it is held fixed or its column was dropped, a value of
            ``grid`` is outside its bounds, the fit has an L1 penalty, the rows of a saved model
            are missing, or X and y are not the rows of the fit.
        """
        check_is_fitted(self)
        given = X is not None or y is not None
        own = (X, y, sample_weight, offset, groups)
        told = {} if known_experts is None else {"known_experts": known_experts}
        fit = self._on_own_rows(*own, **told) if given else self.fit_
        check_one_parameter(name, fit.parameter_names)
        return profile_of(fit, name, grid, n_points, level)

    def _on_own_rows(
        self,
        X: Table,
        y: Response,
        sample_weight: Weights,
        offset: Table = None,
        groups: Table = None,
        **knowledge: Table,
    ) -> Fit:
        """The fit with the rows it was made from, which are given again."""
        raise NotImplementedError

    @property
    def parameter_names(self) -> list[str]:
        """Names of the entries of ``params`` and of the rows of ``cov_params``."""
        check_is_fitted(self)
        return self.fit_.parameter_names

    @quiet
    def summary(self) -> "Summary":
        """Tables in the layout of statsmodels: facts, experts, gate equations, scales.

        Returns
        -------
        statsmodels.iolib.summary.Summary
            Prints as text; ``as_html`` and ``as_latex`` give other forms.
        """
        check_is_fitted(self)
        return summarise(self.fit_)
