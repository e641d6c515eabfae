"""What a fitted mixture of two levels tells of itself: attributes, parameters and their errors."""

from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float
from sklearn.base import RegressorMixin
from sklearn.utils.validation import check_is_fitted

from mixstat.arguments import DataFrame, Setting
from mixstat.estimators.regressor import MixtureOfExperts
from mixstat.estimators.tuned import TunedEstimator
from mixstat.estimators.two_level_reported import (
    KINDS,
    covariance,
    estimates,
    parameters,
    reported,
    summarise,
)
from mixstat.fitting.two_level import TwoLevelFit
from mixstat.results import Certificate, Status
from mixstat.validation import check_choice, check_open_share

if TYPE_CHECKING:
    from mixstat.inference.summary import Summary


class TwoLevelAttributes(RegressorMixin, TunedEstimator):
    """Attributes, parameters and their errors; not to be used directly."""

    fit_: TwoLevelFit
    """All that is known of the fit."""

    def __sklearn_is_fitted__(self) -> bool:
        return "fit_" in vars(self)

    @property
    def params(self) -> Float[np.ndarray, " E"]:
        """Reported parameters, in the order of ``parameter_names``."""
        return reported(self._fit(), self.fit_.model)

    @property
    def parameter_names(self) -> list[str]:
        """Names of the reported parameters."""
        return [one.name for one in parameters(self._fit())]

    @property
    def n_parameters_(self) -> int:
        """Number of parameters that no bound holds."""
        free = self._fit().result.free
        return int(np.sum(free)) if free is not None else 0

    @property
    def log_likelihood_(self) -> float:
        """Weighted mean over units of the log density of all their rows."""
        return self._fit().log_likelihood / self.fit_.total_weight

    @property
    def certificate_(self) -> Certificate:
        """Gradient, curvature and everything odd about the returned parameters."""
        return self._fit().result.certificate

    @property
    def status_(self) -> Status:
        """The verdict on the fit."""
        return self._fit().result.status

    @property
    def converged_(self) -> bool:
        """Whether the fit is a certified maximum."""
        return self.status_ == Status.CONVERGED

    @property
    def expert_coef_(self) -> Float[np.ndarray, "K ..."]:
        """Coefficients of the experts, in the units of the data."""
        return self._fit().answers.attributes["expert_coef_"]

    @property
    def expert_share_(self) -> Float[np.ndarray, " K"]:
        """Share of the rows that each expert is responsible for."""
        return np.asarray(self._fit().result.mass)

    @property
    def n_features_in_(self) -> int:
        """Number of columns of X."""
        return self._fit().rows.request.schema.n_features

    @property
    def feature_names_in_(self) -> np.ndarray:
        """Names of the columns of X, where it has names."""
        return self._rows().feature_names_in_

    def cov_params(self, cov_type: Setting = "observed") -> Float[np.ndarray, "E E"]:
        """Covariance of the reported parameters.

        Parameters
        ----------
        cov_type : {"observed", "robust"}, default="observed"
            From the observed information, or a sandwich in which units are independent.

        Returns
        -------
        ndarray of shape (E, E)
            NaN where the data do not determine a parameter.
        """
        return covariance(self._fit(), check_choice("cov_type", cov_type, tuple(KINDS)))

    def estimates(self, cov_type: Setting = "observed", *, level: Setting = 0.95) -> DataFrame:
        """Reported parameters with errors, tests against zero and intervals.

        Parameters
        ----------
        cov_type : {"observed", "robust"}, default="observed"
            As for ``cov_params``.
        level : float, default=0.95
            Confidence level of intervals.

        Returns
        -------
        DataFrame
            A row for each parameter: estimate, std_error, z, p, low and high.
        """
        kind = check_choice("cov_type", cov_type, tuple(KINDS))
        return estimates(self._fit(), kind, check_open_share("level", level))

    def summary(self, cov_type: Setting = "observed", *, level: Setting = 0.95) -> "Summary":
        """Tables in the layout of statsmodels.

        Parameters
        ----------
        cov_type, level
            As for ``estimates``.

        Returns
        -------
        statsmodels.iolib.summary.Summary
            Prints as text.
        """
        kind = check_choice("cov_type", cov_type, tuple(KINDS))
        share = check_open_share("level", level)
        return summarise(self._fit(), kind, share, self.n_parameters_)

    # what they are made of

    def _fit(self) -> TwoLevelFit:
        check_is_fitted(self)
        return self.fit_

    def _row_model(self) -> MixtureOfExperts:
        """The mixture of rows without classes of units, which reads tables."""
        raise NotImplementedError

    def _rows(self) -> MixtureOfExperts:
        rows = self._row_model()
        rows.fit_ = self._fit().rows
        return rows
