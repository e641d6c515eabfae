"""What all estimators share: settings, formulas and fitting by the chosen solver."""

from typing import Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from mixstat import flat
from mixstat.design.design import Design
from mixstat.design.formula import FormulaColumns, right_side, split
from mixstat.estimators.data import Tables, make_tables
from mixstat.estimators.fitting import given_start, maximise
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
)
from mixstat.estimators.updating import UpdatingMixture
from mixstat.experts.base import Experts
from mixstat.gates.gaussian import GaussianGate
from mixstat.likelihood import conditional_log_likelihood
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


class BaseMixture(UpdatingMixture):
    """Fitting; not to be used directly."""

    # constructor parameters of every estimator, set by the leaves
    n_experts: Any
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
    precision: str
    ridge: float | None
    expert_penalty: float
    gate_penalty: float
    l1_ratio: float
    warm_start: bool
    random_state: Any
    verbose: int

    _zeros: np.ndarray | None = None  # (K, p) slopes that a relaxed elastic net holds at zero

    def _check_settings(self) -> None:
        check_degree(self.degree, check_integer("n_experts", self._count(), 1))
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
        check_choice("precision", self.precision, ("float64", "float32"))
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
        if kinked and self.solver in ("lbfgs", "newton_cg"):
            raise ValueError("solver must be 'auto', 'em' or 'newton' with an L1 penalty.")

    def _count(self) -> Any:
        """The number of experts that a fit is to have."""
        return self.n_experts

    def _experts(self) -> Experts:
        """The family of experts, without parameters."""
        raise NotImplementedError

    def _log(self, line: str) -> None:
        if self.verbose:
            print(f"[{type(self).__name__}] {line}")

    def _fit_table(
        self,
        X: Any,
        weight: np.ndarray,
        y: np.ndarray,
        log_possibility: np.ndarray | None = None,
    ) -> Any:
        """Fit on a checked numeric table."""
        names = list(getattr(self, "feature_names_in_", [f"x{j}" for j in range(X.shape[1])]))
        degrees = check_degree(self.degree, self._count())
        sources = polynomial_sources(self, find_gate(self.gate), names, degrees)
        return self._fit(X, y, weight, *sources, log_possibility)

    def _fit(
        self,
        X: Any,
        y: np.ndarray,
        weight: np.ndarray,
        experts: Any,
        gates: Any,
        log_possibility: np.ndarray | None = None,
    ) -> Any:
        """Fit on rows from which ``experts`` and ``gates`` make columns."""
        kept = weight > 0
        if not kept.all():
            X, y, weight = X[kept], y[kept], weight[kept]
            log_possibility = None if log_possibility is None else log_possibility[kept]
        table = np.asarray(y, float).reshape(len(y), -1)
        family, gate = self._experts(), find_gate(self.gate)
        family.check(table)
        sharp = bool(self.l1_ratio)
        designs = (
            Design(experts, rotate=not (sharp and self.expert_penalty)),
            Design(mapped(gates, gate), rotate=not (sharp and self.gate_penalty)),
        )
        tables = make_tables(X, table, weight, *designs, family)
        tables = tables._replace(log_possibility=log_possibility)
        if gate.full_rank and designs[1].dependent:
            raise ValueError(
                f"gate_features must be independent for {type(gate).__name__}: "
                f"{', '.join(designs[1].dependent)} is constant or a combination of the others."
            )
        null = Mixture(
            gate.null(self._count(), tables.Z.shape[1]),
            family.null(self._count(), tables.Phi.shape[1], len(tables.location)),
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
        moe._fit(data, y, weight, *sources, moe._formula_possibility(data, y, weight))
        moe.formula_, moe.gate_formula_, moe.response_ = formula, gate, left
        moe.feature_names_in_ = np.array([str(c) for c in data.columns], dtype=object)
        moe.n_features_in_ = len(moe.feature_names_in_)
        return moe

    def _formula_response(self, left: Any, data: Any) -> np.ndarray:
        """The response of a formula as ``fit`` would be given it."""
        raise NotImplementedError

    def _formula_possibility(
        self, data: Any, y: np.ndarray, weight: np.ndarray
    ) -> np.ndarray | None:
        """Log possibilities (n, K) of the experts on the rows of a formula's table."""
        return None

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
        degrees = check_degree(self.degree, null.n_experts)
        columns = designs[0].whitening.kept
        mask = degree_mask(designs[0].source, columns, degrees)
        if self._zeros is not None:
            mask = self._zeros[:, columns] if mask is None else mask | self._zeros[:, columns]
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

    @in_float64
    def _conditional(self, model: Mixture, tables: Tables) -> float:
        """Mean of log p(y | x) over the training rows, in the units of y."""
        batch = self.problem_.batch
        if model.gate.joint or batch.rows.log_possibility is not None:
            value = float(conditional_log_likelihood(model, batch))
        else:
            value = self.result_.log_likelihood
        discrete = model.experts.discrete
        return value - (0.0 if discrete else float(np.sum(np.log(tables.scale))))

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
        self.conditional_log_likelihood_ = self._conditional(result.model, tables)
        gate = self.user_model_.gate
        if isinstance(gate, GaussianGate):
            self.gate_covariance_ = gate.inputs.covariances()
        self.sum_of_weights_ = float(tables.weight.sum())
        self.gate_coef_ = self.user_model_.gate.coefficients()
        coef = self.user_model_.experts.coefficients()
        self.expert_coef_ = coef[:, 0] if coef.shape[1] == 1 else coef
        self.gate_names_ = self.gate_design_.names
        self.expert_names_ = self.expert_design_.names
        self._log(f"log-likelihood {self.log_likelihood_:.10g} a row; {self.status_.message}")


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
