"""What regressors share: families of experts, moments, quantiles and draws of y given x."""

from typing import Any

import numpy as np
from sklearn.base import RegressorMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_array, check_consistent_length

from mixstat.design.formula import evaluate
from mixstat.estimators.base import BaseMixture
from mixstat.estimators.parts import find_experts
from mixstat.experts.base import Experts
from mixstat.experts.gaussian import COVARIANCES, GaussianExperts
from mixstat.experts.student import StudentTExperts
from mixstat.predictive import Predictive, expert_predictors
from mixstat.validation import check_choice, check_integer, check_probability


class RegressionMixture(RegressorMixin, BaseMixture):
    """Predictions of a fitted regressor; not to be used directly."""

    expert: Any  # constructor parameters, set by the leaves
    covariance: str
    single_output_: bool

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.single_output = True
        tags.target_tags.multi_output = True
        return tags

    def _check_settings(self) -> None:
        super()._check_settings()
        check_choice("covariance", self.covariance, COVARIANCES)
        self._experts()

    def _experts(self) -> Experts:
        return find_experts(self.expert, self.covariance)

    def _describe(self) -> None:
        experts = self.user_model_.experts
        for name, attribute in (("log_df", "df_"), ("log_shape", "shape_")):
            if hasattr(experts, name):
                setattr(self, attribute, np.exp(getattr(experts, name)[:, 0, 0]))
        if isinstance(experts, StudentTExperts):
            self.scale_ = np.exp(experts.log_scale[:, 0, 0])
        if isinstance(experts, GaussianExperts):
            covariance = experts.covariances()
            deviation = np.sqrt(np.diagonal(covariance, axis1=1, axis2=2))
            self.scale_ = deviation[:, 0] if self.single_output_ else deviation
            self.expert_coef_ = experts.coef[:, 0] if self.single_output_ else experts.coef
            if not self.single_output_:
                self.covariance_ = covariance

    def _formula_response(self, left: Any, data: Any) -> np.ndarray:
        response = evaluate(left, data, "formula")
        if any(str(name).endswith("]") for name in response.columns):
            raise ValueError(
                f"formula: the response must be numeric, got categories {list(response.columns)}."
            )
        y = response.to_numpy(float)
        return y[:, 0] if y.shape[1] == 1 else y

    def _response(self, X: Any, y: Any) -> np.ndarray:
        if y is None:
            if self.formula_ is None:
                raise ValueError("y must be given: the model was not made from a formula.")
            y = evaluate(self.response_, X, "formula").to_numpy(float)
        y = check_array(y, ensure_2d=False, dtype=np.float64, input_name="y")
        check_consistent_length(X, y)
        table = y.reshape(len(y), -1)
        m = len(self.location_)
        if table.shape[1] != m:
            raise ValueError(f"y must have {m} outputs as in fit, got {table.shape[1]}.")
        self.model_.experts.check(table)
        return table

    def _predictive(self, X: Any) -> Predictive:
        X = self._read(X)
        eye = np.eye(self.model_.experts.coefficients().shape[2])
        experts = self.model_.experts.in_units(self.location_, self.response_scale_, eye)
        eta = expert_predictors(experts, self.expert_design_.transform(X))
        return Predictive(np.exp(self._log_gate(X)).T, experts, eta)

    def expert_means(self, X: Any) -> np.ndarray:
        """Mean of y under each expert.

        Parameters
        ----------
        X : array-like of shape (n, d)
            Inputs.

        Returns
        -------
        ndarray of shape (n, n_experts, m)
            In units of y; m is 1 for a single output.
        """
        return np.transpose(self._predictive(X).marginals.mean(), (2, 0, 1))

    def _shaped(self, table: np.ndarray) -> np.ndarray:
        """(m, n, ...) as people see it: rows first, no output axis for one output."""
        alone = self.single_output_ or self.model_.experts.response == "binomial"
        return table[0] if alone else np.moveaxis(table, 0, 1)

    def predict(self, X: Any, return_std: bool = False) -> Any:
        """Conditional mean of y.

        Parameters
        ----------
        X : array-like of shape (n, d)
            Inputs.
        return_std : bool, default=False
            Also return the conditional standard deviation.

        Returns
        -------
        ndarray of shape (n,) or (n, m), or a pair of them
            Means, and deviations if asked for, in units of y.
        """
        predictive = self._predictive(X)
        mean = self._shaped(predictive.mean())
        return (mean, self._shaped(predictive.std())) if return_std else mean

    def score(self, X: Any, y: Any = None, sample_weight: Any = None) -> float:
        """Coefficient of determination (R2) of the conditional mean.

        Parameters
        ----------
        X : array-like of shape (n, d)
            Inputs.
        y : array-like of shape (n,) or (n, m)
            Responses; may be left out for a model made from a formula.
        sample_weight : array-like of shape (n,), default=None
            Row weights.

        Returns
        -------
        float
            One for perfect predictions.
        """
        from sklearn.metrics import r2_score

        mean = self.predict(X)
        y = self._response(X, y)
        y = self._shaped(self.model_.experts.observed(y).T)
        return float(r2_score(y, mean, sample_weight=sample_weight))

    def predict_quantile(self, X: Any, q: Any) -> np.ndarray:
        """Conditional quantiles of y (of each output, for several).

        Parameters
        ----------
        X : array-like of shape (n, d)
            Inputs.
        q : float or array-like of shape (Q,)
            Levels strictly between 0 and 1.

        Returns
        -------
        ndarray of shape (n,), (n, Q), (n, m) or (n, m, Q)
            A last axis of levels if ``q`` is an array.
        """
        levels = check_probability("q", q)
        predictive = self._predictive(X)
        tables = [self._shaped(predictive.quantile(float(level))) for level in np.ravel(levels)]
        return tables[0] if levels.ndim == 0 else np.stack(tables, axis=-1)

    def predict_interval(self, X: Any, coverage=0.9) -> np.ndarray:
        """Central prediction interval: equal probability is left out at both ends.

        Parameters
        ----------
        X : array-like of shape (n, d)
            Inputs.
        coverage : float, default=0.9
            Probability inside, strictly between 0 and 1.

        Returns
        -------
        ndarray of shape (n, 2) or (n, m, 2)
            Lower and upper ends, in units of y. Parameters are taken as known.
        """
        if np.ndim(coverage):
            raise ValueError(f"coverage must be one number between 0 and 1, got {coverage!r}.")
        tail = 0.5 * (1 - float(check_probability("coverage", coverage)))
        return self.predict_quantile(X, [tail, 1 - tail])

    def cdf(self, X: Any, y: Any = None) -> np.ndarray:
        """Probability that the response does not exceed y, given x.

        Parameters
        ----------
        X : array-like of shape (n, d)
            Inputs.
        y : array-like of shape (n,) or (n, m)
            Responses; may be left out for a model made from a formula.

        Returns
        -------
        ndarray of shape (n,) or (n, m)
            Uniform on (0, 1) for rows drawn from the model.
        """
        return self._shaped(self._predictive(X).cdf(self._response(X, y).T))

    def sample_y(self, X: Any, n_samples: int = 1, random_state: Any = 0) -> np.ndarray:
        """Draw responses from the fitted conditional density.

        Parameters
        ----------
        X : array-like of shape (n, d)
            Inputs.
        n_samples : int, default=1
            Draws at each row.
        random_state : int, RandomState or None, default=0
            Seed of the draws.

        Returns
        -------
        ndarray of shape (n, n_samples) or (n, m, n_samples)
            Draws in units of y.
        """
        check_integer("n_samples", n_samples, 1)
        seed = check_random_state(random_state).randint(2**31)
        draws = self._predictive(X).sample(n_samples, np.random.default_rng(seed))
        return self._shaped(draws)
