"""MixtureOfExperts: regression by a gated mixture of Gaussian experts."""

from typing import Any

import numpy as np
from sklearn.utils.validation import (
    check_is_fitted,
    validate_data,
)

from mixstat.design import polynomial
from mixstat.design.design import Design, PolynomialColumns
from mixstat.design.formula import FormulaColumns, evaluate, right_side, split
from mixstat.estimators.data import Tables, make_tables
from mixstat.estimators.prediction import RegressionMixture
from mixstat.estimators.report import parameter_names, summarise
from mixstat.experts import REGISTRY as EXPERTS
from mixstat.experts.gaussian import COVARIANCES
from mixstat.gates import REGISTRY as GATES
from mixstat.model import Mixture
from mixstat.validation import (
    check_choice,
    check_integer,
    check_weights,
    choose_columns,
)

FEATURE_SETTINGS = {
    "degree",
    "interactions",
    "expert_features",
    "gate_degree",
    "gate_features",
}


class MixtureOfExperts(RegressionMixture):
    """Mixture of experts regression by maximum likelihood.

    The conditional density of y is a sum of Gaussian regressions, weighted by a gate::

        p(y | x) = sum_k  pi_k(x)  Normal(y; B_k phi(x), Sigma_k)

    with ``pi`` a softmax of linear functions of the gate's features and ``phi`` a polynomial
    of the experts' features. All coefficients are reported in the units of the data.

    Parameters
    ----------
    n_experts : int, default=2
        Number of experts K.
    degree : int, default=1
        Total degree of the experts' polynomial; 0 gives a mixture of constants.
    interactions : bool, default=True
        Whether polynomials have products of different inputs.
    expert_features : list, str, int, slice or None, default=None
        Columns the experts see, by name, position or mask; None means all.
    gate : str, default="softmax"
        Kind of gate.
    gate_degree : int, default=1
        Total degree of the gate's polynomial; 0 gives constant shares, a mixture of
        regressions.
    gate_features : list, str, int, slice or None, default=None
        Columns the gate sees; None means all, an empty list gives constant shares.
    covariance : {"full", "diagonal", "spherical", "tied"}, default="full"
        Noise of several outputs; "tied" shares one matrix among experts. With one output
        only "tied" differs from the rest.
    solver : {"auto", "em", "lbfgs", "newton"}, default="auto"
        "auto" runs EM into the basin of a maximum and finishes with Newton, or with L-BFGS
        where the parameters are many.
    init : str, sequence of str, array-like or fitted estimator, default="auto"
        Where fits begin. "kmeans" (clusters of x and y), "partition" (slices along x),
        "regressions" (through a few random rows each), "random" (responsibilities) or "auto"
        (all four in turn). Or one start of your own: integer labels (n,), responsibilities
        (n, n_experts), or an estimator fitted with as many experts.
    n_init : int, default=12
        Number of starts; all are run for a few steps, the promising ones to the end.
    tol : float, default=1e-8
        Largest component of the gradient of the mean log-likelihood, in standardised units,
        at which a fit counts as converged.
    max_iter : int, default=1000
        Largest number of iterations of one start.
    min_scale : float, default=1e-4
        Floor under every expert's standard deviation, as a share of that of y (for several
        correlated outputs, under the deviation of each given those before it). Without it the
        likelihood is unbounded.
    ridge : float or None, default=None
        Weight of half the squared slopes (standardised units) taken from the mean
        log-likelihood; those of the gate are measured from their mean over the experts, so that
        no expert is special. None means 0, or 1e-6 with fewer rows than parameters.
    warm_start : bool, default=False
        Begin at the previous fit of this estimator.
    random_state : int, RandomState or None, default=None
        Seed of the starts; the same seed gives the same fit.
    verbose : int, default=0
        Print progress if positive.

    Attributes
    ----------
    expert_coef_ : ndarray of shape (n_experts, p) or (n_experts, m, p)
        Coefficients of ``expert_names_``, in units of y per unit of the feature.
    gate_coef_ : ndarray of shape (n_experts, q)
        Logit coefficients of ``gate_names_``; the last expert is the reference, with zeros.
    scale_ : ndarray of shape (n_experts,) or (n_experts, m)
        Standard deviations of the experts, in units of y.
    covariance_ : ndarray of shape (n_experts, m, m)
        Covariance matrices of the experts (several outputs only).
    expert_names_, gate_names_ : list of str
        Names of the coefficients' columns; "1" is the constant.
    log_likelihood_ : float
        Weighted mean of log p(y | x) over the training rows, at the returned parameters.
    n_parameters_ : int
        Free parameters.
    n_iter_ : int
        Iterations of the winning start.
    expert_share_ : ndarray of shape (n_experts,)
        Share of the training weight that each expert is responsible for.
    ridge_ : float
        The ridge that was used.
    converged_ : bool
        Whether the status is CONVERGED: a gradient below ``tol`` and nothing unbounded.
    status_ : Status
        Why the fit stopped.
    certificate_ : Certificate
        Gradient, curvature and everything odd about the returned parameters.
    starts_ : ndarray
        A structured row per start.
    n_features_in_ : int
        Number of columns of X.
    feature_names_in_ : ndarray of str
        Names of the columns of X, where it has names.

    Notes
    -----
    Experts are numbered by what they predict on average, smallest first. Features are made
    orthonormal before fitting, so shifts and units of the data do not matter.

    References
    ----------
    Jacobs, R. A., Jordan, M. I., Nowlan, S. J. and Hinton, G. E. (1991). Adaptive mixtures of
    local experts. Neural Computation 3, 79-87.

    Jordan, M. I. and Jacobs, R. A. (1994). Hierarchical mixtures of experts and the EM
    algorithm. Neural Computation 6, 181-214.

    Examples
    --------
    >>> import numpy as np
    >>> from mixstat import MixtureOfExperts
    >>> rng = np.random.default_rng(0)
    >>> X = rng.uniform(-1, 1, size=(400, 1))
    >>> up = rng.random(400) < 1 / (1 + np.exp(-3 * X[:, 0]))
    >>> y = np.where(up, X[:, 0], -X[:, 0]) + 0.1 * rng.standard_normal(400)
    >>> moe = MixtureOfExperts(n_experts=2, random_state=0).fit(X, y)
    >>> moe.converged_
    True
    >>> moe.expert_coef_[:, 1].round(1)
    array([-1.,  1.])
    >>> moe.predict([[0.5], [-0.5]]).round(1)
    array([0.3, 0.3])
    """

    def __init__(
        self,
        n_experts=2,
        *,
        degree=1,
        interactions=True,
        expert_features=None,
        gate="softmax",
        gate_degree=1,
        gate_features=None,
        covariance="full",
        solver="auto",
        init="auto",
        n_init=12,
        tol=1e-8,
        max_iter=1000,
        min_scale=1e-4,
        ridge=None,
        warm_start=False,
        random_state=None,
        verbose=0,
    ) -> None:
        self.n_experts = n_experts
        self.degree = degree
        self.interactions = interactions
        self.expert_features = expert_features
        self.gate = gate
        self.gate_degree = gate_degree
        self.gate_features = gate_features
        self.covariance = covariance
        self.solver = solver
        self.init = init
        self.n_init = n_init
        self.tol = tol
        self.max_iter = max_iter
        self.min_scale = min_scale
        self.ridge = ridge
        self.warm_start = warm_start
        self.random_state = random_state
        self.verbose = verbose

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.single_output = True
        tags.target_tags.multi_output = True
        return tags

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> "MixtureOfExperts":
        """Find the maximum likelihood estimate.

        Parameters
        ----------
        X : array-like of shape (n, d)
            Inputs.
        y : array-like of shape (n,) or (n, m)
            Responses.
        sample_weight : array-like of shape (n,), default=None
            A row of weight 2 counts as two equal rows; a row of weight 0 does not count. The
            sum of the weights is the sample size of standard errors and of ``bic``.

        Returns
        -------
        MixtureOfExperts
            This estimator.

        Raises
        ------
        ValueError
            If an argument has a wrong shape, type or range.

        Warns
        -----
        ConvergenceWarning
            If the result is not a certified maximum; the message says why.
        DesignWarning
            If columns are constant or dependent, or rows are fewer than parameters.
        """
        self._check_settings()
        X, y = validate_data(
            self, X, y, multi_output=True, y_numeric=True, dtype=np.float64, ensure_min_samples=2
        )
        names = list(getattr(self, "feature_names_in_", [f"x{j}" for j in range(X.shape[1])]))
        chosen = choose_columns("expert_features", self.expert_features, names)
        exponents = polynomial.powers(len(chosen), self.degree, interactions=self.interactions)
        experts = PolynomialColumns(chosen, exponents, [names[j] for j in chosen])
        chosen = choose_columns("gate_features", self.gate_features, names)
        exponents = polynomial.powers(len(chosen), self.gate_degree, interactions=self.interactions)
        gate = PolynomialColumns(chosen, exponents, [names[j] for j in chosen])
        return self._fit(X, y, check_weights(sample_weight, len(X)), experts, gate)

    @classmethod
    def from_formula(
        cls,
        formula: str,
        data: Any,
        *,
        gate: str | None = None,
        sample_weight: Any = None,
        **settings: Any,
    ) -> "MixtureOfExperts":
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
        sample_weight : array-like of shape (n,), default=None
            Row weights as in ``fit``.
        **settings
            Parameters of the estimator, except those that describe features.

        Returns
        -------
        MixtureOfExperts
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
        moe._check_settings()
        left, right = split(formula)
        shares = right if gate is None else right_side(gate, "gate")
        response = evaluate(left, data, "formula")
        weight = check_weights(sample_weight, len(data))
        if any(str(name).endswith("]") for name in response.columns):
            raise ValueError(
                f"formula: the response must be numeric, got categories {list(response.columns)}."
            )
        y = response.to_numpy(float)
        y = y[:, 0] if y.shape[1] == 1 else y
        sources = FormulaColumns(right, "formula"), FormulaColumns(shares, "gate")
        moe._fit(data, y, weight, *sources)
        moe.formula_, moe.gate_formula_, moe.response_ = formula, gate, left
        moe.feature_names_in_ = np.array([str(c) for c in data.columns], dtype=object)
        moe.n_features_in_ = len(moe.feature_names_in_)
        return moe

    def _fit(self, X: Any, y: np.ndarray, weight: np.ndarray, experts: Any, gate: Any):
        kept = weight > 0
        if not kept.all():
            X, y, weight = X[kept], y[kept], weight[kept]
        table = np.asarray(y, float).reshape(len(y), -1)
        designs = Design(experts), Design(gate)
        spherical = self.covariance == "spherical"
        tables = make_tables(X, table, weight, *designs, common_scale=spherical)
        self._maximise(tables, self._null(tables), designs, kept)
        self.single_output_ = y.ndim == 1
        model = self.user_model_.experts
        self.expert_coef_ = model.coef[:, 0] if self.single_output_ else model.coef
        covariance = model.covariances()
        deviation = np.sqrt(np.diagonal(covariance, axis1=1, axis2=2))
        self.scale_ = deviation[:, 0] if self.single_output_ else deviation
        if not self.single_output_:
            self.covariance_ = covariance
        return self

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

    def _check_settings(self) -> None:
        super()._check_settings()
        check_integer("degree", self.degree, 0)
        check_integer("gate_degree", self.gate_degree, 0)
        if not isinstance(self.interactions, bool | np.bool_):
            raise ValueError(f"interactions must be True or False, got {self.interactions!r}.")
        check_choice("gate", self.gate, tuple(GATES))
        check_choice("covariance", self.covariance, COVARIANCES)

    def _null(self, tables: Tables) -> Mixture:
        """A model of the right shape in which all experts are alike."""
        gate = GATES[self.gate].null(self.n_experts, tables.Z.shape[1])
        sizes = tables.Phi.shape[1], tables.y.shape[1]
        return Mixture(gate, EXPERTS["gaussian"].null(self.n_experts, *sizes, self.covariance))
