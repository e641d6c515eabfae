"""What every fitted estimator tells: parameters and their errors, shares, densities, criteria."""

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted, validate_data

from mixstat import batch as batches
from mixstat import flat
from mixstat.design.design import Design
from mixstat.estimators.fitting import zeroed
from mixstat.estimators.report import parameter_names, profile_of, summarise
from mixstat.inference.covariance import affine_jacobian, observed_covariance
from mixstat.inference.identifiability import identified_functions
from mixstat.inference.profile import ProfileLikelihood
from mixstat.likelihood import gate_rows, log_joint_rows
from mixstat.model import Mixture
from mixstat.precision import in_float64
from mixstat.results import FitResult
from mixstat.validation import check_weights


class FittedMixture(BaseEstimator):
    """Questions to a fitted mixture; not to be used directly."""

    # set by a fit
    model_: Mixture
    user_model_: Mixture
    result_: FitResult
    expert_design_: Design
    gate_design_: Design
    location_: np.ndarray
    response_scale_: np.ndarray
    single_output_: bool
    n_parameters_: int
    sum_of_weights_: float
    formula_: str | None = None  # of a model made from one
    gate_formula_: str | None = None

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "model_")

    def _to_user(self, model: Mixture) -> Mixture:
        """The model on the user's features and units; affine in the parameters."""
        gate = model.gate.in_units(self.gate_design_.to_user)
        units = (self.location_, self.response_scale_, self.expert_design_.to_user)
        return Mixture(gate, model.experts.in_units(*units))

    @property
    def params(self) -> np.ndarray:
        """Reported parameters as one vector, in the order of :attr:`parameter_names`."""
        check_is_fitted(self)
        return flat.to_vector(self.user_model_)

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
        jacobian = self._jacobian()
        held = zeroed(self.problem_, self.model_) | ~self.problem_.varying
        jacobian[:, held] = 0.0  # taken as known
        return observed_covariance(self.result_, self.sum_of_weights_, jacobian)

    def _jacobian(self) -> np.ndarray:
        """Derivative of :attr:`params` in the internal parameters; the map is affine."""
        return affine_jacobian(self._to_user, self.model_)

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
        gate = self.user_model_.gate
        names = gate.identified_names(self.gate_names_)
        of_fit = self.result_, self.sum_of_weights_, self._jacobian()
        return identified_functions(gate, names, *of_fit)

    def profile(
        self, name: str, grid: Any = None, *, n_points: int = 21, level: float = 0.95
    ) -> ProfileLikelihood:
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

        Returns
        -------
        ProfileLikelihood
            Values, profile log-likelihood, deviance and interval;
            ``mixstat.plotting.ProfileDisplay`` draws it.

        Raises
        ------
        ValueError
            If there is no such parameter, it is held fixed or its column was dropped, a value of
            ``grid`` is outside its bounds, or the fit has an L1 penalty.
        """
        check_is_fitted(self)
        return profile_of(self, name, grid, n_points, level)

    @property
    def parameter_names(self) -> list[str]:
        """Names of the entries of ``params`` and of the rows of ``cov_params``."""
        check_is_fitted(self)
        return parameter_names(self)

    def summary(self) -> Any:
        """Tables in the layout of statsmodels: facts, experts, gate equations, scales.

        Returns
        -------
        statsmodels.iolib.summary.Summary
            Prints as text; ``as_html`` and ``as_latex`` give other forms.
        """
        check_is_fitted(self)
        return summarise(self)

    def _output_names(self) -> list[str]:
        """Names of outputs (or classes) in the names of parameters; "" for the only one."""
        m = len(self.location_)
        return [""] if self.single_output_ or m == 1 else [f"y{o}" for o in range(m)]

    # rows of new data

    def _read(self, X: Any) -> Any:
        """Check new rows as sklearn does (or leave a data frame to the formulas)."""
        check_is_fitted(self)
        if getattr(self, "formula_", None) is not None:
            return X
        return validate_data(self, X, reset=False, dtype=np.float64)

    def _response(self, X: Any, y: Any) -> np.ndarray:
        raise NotImplementedError

    def _gate_features(self, X: Any) -> np.ndarray:
        return self.gate_design_.transform(X)

    @in_float64
    def _log_gate(self, X: Any) -> np.ndarray:
        Z = self._gate_features(X)
        data = batches.build(Z, Z, np.zeros((len(Z), 1)))
        return batches.take_rows(gate_rows(self.model_.gate, data.rows), len(Z))

    @in_float64
    def _log_joint(self, X: Any, y: np.ndarray) -> np.ndarray:
        """(n, K) log of gate times density of y given x, in the user's units of y."""
        Phi, Z = self.expert_design_.transform(X), self._gate_features(X)
        experts = self.model_.experts
        encoded = experts.encode((y - self.location_) / self.response_scale_)
        data = batches.build(Z, Phi, encoded)
        joint = batches.take_rows(log_joint_rows(self.model_, data), len(y))
        return joint - np.sum(np.log(self.response_scale_))

    def gate_proba(self, X: Any) -> np.ndarray:
        """Probability of each expert given x alone.

        Parameters
        ----------
        X : array-like of shape (n, d)
            Inputs.

        Returns
        -------
        ndarray of shape (n, n_experts)
            Rows sum to one.
        """
        return np.exp(self._log_gate(self._read(X)))

    def gate_scores(self, X: Any) -> np.ndarray:
        """What gate shares are made of: for a sigmoid gate the independent sigmoids.

        Parameters
        ----------
        X : array-like of shape (n, d)
            Inputs.

        Returns
        -------
        ndarray of shape (n, n_experts)
            s_k(x) in (0, 1) for ``gate="sigmoid"``, each expert's by itself, whose shares are
            s_k / sum(s); for other gates the shares.
        """
        X = self._read(X)
        return self.model_.gate.scores(self._log_gate(X), self._gate_features(X))

    def predict_expert(self, X: Any) -> np.ndarray:
        """The most probable expert given x alone.

        Parameters
        ----------
        X : array-like of shape (n, d)
            Inputs.

        Returns
        -------
        ndarray of shape (n,)
            Numbers from 0 to ``n_experts - 1``.
        """
        return np.argmax(self._log_gate(self._read(X)), axis=1)

    def responsibilities(self, X: Any, y: Any = None) -> np.ndarray:
        """Probability of each expert given x and y.

        Parameters
        ----------
        X : array-like of shape (n, d)
            Inputs.
        y : array-like of shape (n,) or (n, m)
            Responses; may be left out for a model made from a formula.

        Returns
        -------
        ndarray of shape (n, n_experts)
            Rows sum to one.
        """
        X = self._read(X)
        joint = self._log_joint(X, self._response(X, y))
        joint -= joint.max(axis=1, keepdims=True)
        share = np.exp(joint)
        return share / share.sum(axis=1, keepdims=True)

    def score_samples(self, X: Any, y: Any = None) -> np.ndarray:
        """log p(y | x) of each row, in the units of y.

        Parameters
        ----------
        X : array-like of shape (n, d)
            Inputs.
        y : array-like of shape (n,) or (n, m)
            Responses; may be left out for a model made from a formula.

        Returns
        -------
        ndarray of shape (n,)
            Natural logarithms of densities.
        """
        from scipy.special import logsumexp

        X = self._read(X)
        return logsumexp(self._log_joint(X, self._response(X, y)), axis=1)

    def aic(self, X: Any, y: Any = None, sample_weight: Any = None) -> float:
        """Akaike's criterion, -2 log-likelihood + 2 parameters; small is good.

        Parameters
        ----------
        X, y, sample_weight
            Rows as for ``fit``.

        Returns
        -------
        float
            The criterion on these rows.
        """
        return self._criterion(X, y, sample_weight, lambda total: 2.0)

    def bic(self, X: Any, y: Any = None, sample_weight: Any = None) -> float:
        """Bayesian criterion, -2 log-likelihood + parameters log n; small is good.

        Parameters
        ----------
        X, y, sample_weight
            Rows as for ``fit``; n is the sum of the weights.

        Returns
        -------
        float
            The criterion on these rows.
        """
        return self._criterion(X, y, sample_weight, np.log)

    def _criterion(self, X: Any, y: Any, sample_weight: Any, price: Any) -> float:
        logs = self.score_samples(X, y)
        weight = check_weights(sample_weight, len(logs))
        return float(-2 * weight @ logs + self.n_parameters_ * price(weight.sum()))
