"""What all estimators share: fitting by the chosen solver, and everything the gate can tell."""

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.validation import check_is_fitted, validate_data

from mixstat import batch as batches
from mixstat import flat
from mixstat.design.design import Design
from mixstat.estimators.data import Tables
from mixstat.estimators.fitting import given_start, maximise
from mixstat.inference.covariance import affine_jacobian, observed_covariance
from mixstat.likelihood import gate_rows, log_joint_rows
from mixstat.model import Mixture
from mixstat.precision import in_float64
from mixstat.results import FitResult, Status, report
from mixstat.solvers import starts
from mixstat.solvers.auto import SOLVERS
from mixstat.validation import check_choice, check_integer, check_positive, check_weights


class BaseMixture(BaseEstimator):
    """Shared machinery; not to be used directly."""

    # constructor parameters of every estimator, set by the leaves
    n_experts: int
    solver: str
    init: Any
    n_init: int
    tol: float
    max_iter: int
    min_scale: float
    ridge: float | None
    warm_start: bool
    random_state: Any
    verbose: int

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "model_")

    def _check_settings(self) -> None:
        check_integer("n_experts", self.n_experts, 1)
        check_integer("n_init", self.n_init, 1)
        check_integer("max_iter", self.max_iter, 1)
        check_positive("tol", self.tol)
        check_positive("min_scale", self.min_scale)
        if self.ridge is not None:
            check_positive("ridge", self.ridge, zero=True)
        check_choice("solver", self.solver, tuple(SOLVERS))
        if isinstance(self.init, str):
            check_choice("init", self.init, ("auto", *starts.KINDS))

    def _log(self, line: str) -> None:
        if self.verbose:
            print(f"[{type(self).__name__}] {line}")

    def _maximise(
        self, tables: Tables, null: Mixture, designs: tuple[Design, Design], kept: np.ndarray
    ) -> None:
        """Fit on tables of rows that count, from a model in which experts are alike.

        Fitted attributes are set when the fit stands, all together: one that fails leaves an
        earlier fit as it was.
        """
        before = getattr(self, "user_model_", None) if self.warm_start else None
        given = given_start(self.init, before, tables, designs, null, kept)
        result, table, share, ridge = maximise(self, tables, null, given, self._log)
        for name in [n for n in vars(self) if n.endswith("_") and not n.startswith("_")]:
            if name not in ("n_features_in_", "feature_names_in_"):
                delattr(self, name)
        self.expert_design_, self.gate_design_ = designs
        self.starts_, self.expert_share_, self.ridge_ = table, share, ridge
        self._keep(result, tables)
        report(result.certificate, ConvergenceWarning)

    def _keep(self, result: FitResult, tables: Tables) -> None:
        """Fitted attributes, in the user's units."""
        self.model_ = result.model
        self.result_ = result
        self.location_, self.response_scale_ = tables.location, tables.scale
        self.user_model_ = self._to_user(result.model)
        self.n_experts_ = result.model.n_experts
        self.n_parameters_ = flat.size(result.model)
        self.n_iter_ = max(result.n_iter, 1)
        self.status_ = result.status
        self.certificate_ = result.certificate
        self.converged_ = result.status == Status.CONVERGED
        self.log_likelihood_ = result.log_likelihood - float(np.sum(np.log(tables.scale)))
        self.sum_of_weights_ = float(tables.weight.sum())
        self.gate_coef_ = full_gate_coef(self.user_model_)
        self.gate_names_ = self.gate_design_.names
        self.expert_names_ = self.expert_design_.names
        self._log(f"log-likelihood {self.log_likelihood_:.10g} a row; {self.status_.message}")

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
            floor. A ridge counts as information.
        """
        check_is_fitted(self)
        jacobian = affine_jacobian(self._to_user, self.model_)
        return observed_covariance(self.result_, self.sum_of_weights_, jacobian)

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
        """(n, K) in the user's units of y."""
        Phi, Z = self.expert_design_.transform(X), self._gate_features(X)
        standard = (y - self.location_) / self.response_scale_
        data = batches.build(Z, Phi, standard)
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


def full_gate_coef(model: Mixture) -> np.ndarray:
    """Gate coefficients with the reference expert's row of zeros (n_experts, q)."""
    (group,) = model.gate.groups()
    coef = np.asarray(group.coef)
    return np.vstack([coef, np.zeros((1, coef.shape[1]))])
