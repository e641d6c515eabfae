"""What all estimators share: fitting by the chosen solver, and everything the gate can tell."""

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.validation import check_is_fitted, validate_data

from mixstat import batch as batches
from mixstat import flat
from mixstat.design.design import Design
from mixstat.design.formula import FormulaColumns, right_side, split
from mixstat.estimators.data import Tables, make_tables
from mixstat.estimators.fitting import given_start, maximise, zeroed
from mixstat.estimators.parts import (
    check_degree,
    degree_mask,
    find_gate,
    mapped,
    polynomial_sources,
)
from mixstat.estimators.report import (
    identify,
    name_undetermined,
    parameter_names,
    profile_of,
    summarise,
)
from mixstat.experts.base import Experts
from mixstat.inference.covariance import affine_jacobian, observed_covariance
from mixstat.inference.identifiability import identified_functions
from mixstat.inference.profile import ProfileLikelihood
from mixstat.likelihood import gate_rows, log_joint_rows
from mixstat.model import Mixture, expanded_index
from mixstat.precision import in_float64
from mixstat.results import FitResult, Status, report
from mixstat.solvers import starts
from mixstat.solvers.auto import SOLVERS
from mixstat.validation import check_choice, check_integer, check_positive, check_weights

FEATURE_SETTINGS = {
    "degree",
    "interactions",
    "expert_features",
    "gate_degree",
    "gate_features",
}


class BaseMixture(BaseEstimator):
    """Shared machinery; not to be used directly."""

    # constructor parameters of every estimator, set by the leaves
    n_experts: int
    degree: Any
    interactions: bool
    expert_features: Any
    gate: Any
    gate_degree: int
    gate_features: Any
    solver: str
    init: Any
    n_init: int
    tol: float
    max_iter: int
    min_scale: float
    ridge: float | None
    expert_penalty: float
    gate_penalty: float
    l1_ratio: float
    warm_start: bool
    random_state: Any
    verbose: int

    formula_: str | None = None  # of a model made from one
    gate_formula_: str | None = None

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "model_")

    def _check_settings(self) -> None:
        check_integer("n_experts", self.n_experts, 1)
        check_degree(self.degree, self.n_experts)
        check_integer("gate_degree", self.gate_degree, 0)
        if not isinstance(self.interactions, bool | np.bool_):
            raise ValueError(f"interactions must be True or False, got {self.interactions!r}.")
        check_integer("n_init", self.n_init, 1)
        check_integer("max_iter", self.max_iter, 1)
        check_positive("tol", self.tol)
        check_positive("min_scale", self.min_scale)
        if self.ridge is not None:
            check_positive("ridge", self.ridge, zero=True)
        check_positive("expert_penalty", self.expert_penalty, zero=True)
        check_positive("gate_penalty", self.gate_penalty, zero=True)
        if not check_positive("l1_ratio", self.l1_ratio, zero=True) <= 1:
            raise ValueError(f"l1_ratio must lie between 0 and 1, got {self.l1_ratio!r}.")
        check_choice("solver", self.solver, tuple(SOLVERS))
        if isinstance(self.init, str):
            check_choice("init", self.init, ("auto", *starts.KINDS))
        gate = find_gate(self.gate)
        if self.gate_penalty and not gate.shrinkable:
            raise ValueError(
                "gate_penalty must be 0 for a gate with a learned temperature, whose slopes may "
                "shrink with it at no cost; hold the temperature fixed, as in "
                f"TemperatureGate(temperature=1.0). Got {self.gate_penalty!r}."
            )
        kinked = self.l1_ratio and (self.gate_penalty or self.expert_penalty)
        if kinked and self.solver == "lbfgs":
            raise ValueError("solver must be 'auto', 'em' or 'newton' with an L1 penalty.")

    def _experts(self) -> Experts:
        """The family of experts, without parameters."""
        raise NotImplementedError

    def _log(self, line: str) -> None:
        if self.verbose:
            print(f"[{type(self).__name__}] {line}")

    def _fit_table(self, X: Any, weight: np.ndarray, y: np.ndarray) -> Any:
        """Fit on a checked numeric table."""
        names = list(getattr(self, "feature_names_in_", [f"x{j}" for j in range(X.shape[1])]))
        degrees = check_degree(self.degree, self.n_experts)
        sources = polynomial_sources(self, find_gate(self.gate), names, degrees)
        return self._fit(X, y, weight, *sources)

    def _fit(self, X: Any, y: np.ndarray, weight: np.ndarray, experts: Any, gates: Any) -> Any:
        """Fit on rows from which ``experts`` and ``gates`` make columns."""
        kept = weight > 0
        if not kept.all():
            X, y, weight = X[kept], y[kept], weight[kept]
        table = np.asarray(y, float).reshape(len(y), -1)
        family, gate = self._experts(), find_gate(self.gate)
        family.check(table)
        sharp = bool(self.l1_ratio)
        designs = (
            Design(experts, rotate=not (sharp and self.expert_penalty)),
            Design(mapped(gates, gate), rotate=not (sharp and self.gate_penalty)),
        )
        tables = make_tables(X, table, weight, *designs, family)
        if gate.full_rank and designs[1].dependent:
            raise ValueError(
                f"gate_features must be independent for {type(gate).__name__}: "
                f"{', '.join(designs[1].dependent)} is constant or a combination of the others."
            )
        null = Mixture(
            gate.null(self.n_experts, tables.Z.shape[1]),
            family.null(self.n_experts, tables.Phi.shape[1], len(tables.location)),
        )
        self._maximise(tables, null, designs, kept)
        self.single_output_ = null.experts.n_outputs == 1 and y.ndim == 1
        self._describe()
        self.certificate_ = name_undetermined(self)
        self.identifiability_ = identify(self, X, tables)
        report(self.certificate_, ConvergenceWarning)
        return self

    @classmethod
    def from_formula(
        cls,
        formula: str,
        data: Any,
        *,
        gate: str | None = None,
        gate_kind: Any = None,
        sample_weight: Any = None,
        **settings: Any,
    ) -> Any:
        """Fit a model written as formulas.

        Parameters
        ----------
        formula : str
            Response and experts' features, such as ``"y ~ x + I(x**2)"``.
        data : DataFrame
            Columns that the formulas name.
        gate : str or None, default=None
            The gate's features, such as ``"~ w"``; ``"~ 1"`` gives constant shares and None
            the same features as the experts.
        gate_kind : str or gate, default=None
            Kind of gate, as the parameter ``gate`` of the estimator; None means "softmax".
        sample_weight : array-like of shape (n,), default=None
            Row weights as in ``fit``.
        **settings
            Parameters of the estimator, except those that describe features.

        Returns
        -------
        MixtureOfExperts or MixtureOfExpertsClassifier
            A fitted estimator whose methods take data frames.

        Raises
        ------
        ValueError
            If a formula names a column that ``data`` lacks, a value is missing, or a setting
            describes features.
        """
        described = sorted(FEATURE_SETTINGS & set(settings))
        if described:
            raise ValueError(
                f"{', '.join(described)} cannot be set beside a formula: write the features of "
                "the experts in formula and those of the gate in gate."
            )
        moe = cls(**settings)
        if gate_kind is not None:
            moe.gate = gate_kind
        moe._check_settings()
        left, right = split(formula)
        shares = right if gate is None else right_side(gate, "gate")
        weight = check_weights(sample_weight, len(data))
        y = moe._formula_response(left, data)
        sources = FormulaColumns(right, "formula"), FormulaColumns(shares, "gate")
        moe._fit(data, y, weight, *sources)
        moe.formula_, moe.gate_formula_, moe.response_ = formula, gate, left
        moe.feature_names_in_ = np.array([str(c) for c in data.columns], dtype=object)
        moe.n_features_in_ = len(moe.feature_names_in_)
        return moe

    def _formula_response(self, left: Any, data: Any) -> np.ndarray:
        """The response of a formula as ``fit`` would be given it."""
        raise NotImplementedError

    def _describe(self) -> None:
        """Fitted attributes that only some families have."""

    def _maximise(
        self, tables: Tables, null: Mixture, designs: tuple[Design, Design], kept: np.ndarray
    ) -> None:
        """Fit on tables of rows that count, from a model in which experts are alike.

        Fitted attributes are set when the fit stands, all together: one that fails leaves an
        earlier fit as it was.
        """
        before = getattr(self, "user_model_", None) if self.warm_start else None
        given = given_start(self.init, before, tables, designs, null, kept)
        degrees = check_degree(self.degree, self.n_experts)
        mask = degree_mask(designs[0].source, designs[0].whitening.kept, degrees)
        units = float(np.sum(np.log(tables.scale))) if not null.experts.discrete else 0.0
        units -= null.gate.log_unit(designs[1].to_user)
        fitted = maximise(
            self, tables, null, given, self._log, fixed=_fixed(null, mask), units=units
        )
        for name in [n for n in vars(self) if n.endswith("_") and not n.startswith("_")]:
            if name not in ("n_features_in_", "feature_names_in_", "classes_"):
                delattr(self, name)
        self.expert_design_, self.gate_design_ = designs
        self.starts_, self.expert_share_ = fitted.starts, fitted.share
        self.strengths_, self.n_parameters_ = fitted.strengths, fitted.n_parameters
        self.ridge_ = float(self.strengths_.expert_square if not self.expert_penalty else 0.0)
        self.problem_, self.units_ = fitted.problem, units
        self._keep(fitted.result, tables)

    def _keep(self, result: FitResult, tables: Tables) -> None:
        """Fitted attributes, in the user's units."""
        self.model_ = result.model
        self.result_ = result
        self.location_, self.response_scale_ = tables.location, tables.scale
        self.user_model_ = self._to_user(result.model)
        self.n_experts_ = result.model.n_experts
        self.n_iter_ = max(result.n_iter, 1)
        self.status_ = result.status
        self.certificate_ = result.certificate
        self.converged_ = result.status == Status.CONVERGED
        self.log_likelihood_ = result.log_likelihood - self.units_
        self.sum_of_weights_ = float(tables.weight.sum())
        self.gate_coef_ = self.user_model_.gate.coefficients()
        coef = self.user_model_.experts.coefficients()
        self.expert_coef_ = coef[:, 0] if coef.shape[1] == 1 else coef
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
            floor, or an L1 penalty holds it at zero, which the others take as known. A ridge
            counts as information.
        """
        check_is_fitted(self)
        jacobian = self._jacobian()
        jacobian[:, zeroed(self.problem_, self.model_)] = 0.0  # taken as known
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


def _fixed(null: Mixture, mask: np.ndarray | None) -> np.ndarray | None:
    """Parameters held at zero, from the features (K, p) that experts do without."""
    if mask is None:
        return None
    fixed = np.zeros(flat.size(null), bool)
    each = expanded_index(null)[1]
    rows, p = null.experts.groups()[0].coef.shape[1:]
    for k in range(len(mask)):
        fixed[each[k, : rows * p][np.tile(mask[k], rows)]] = True
    return fixed
