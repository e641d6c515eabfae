"""MixtureOfExpertsClassifier: classes by a gated mixture of multinomial logistic experts."""

from typing import Any

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import (
    check_array,
    check_consistent_length,
    column_or_1d,
    validate_data,
)

from mixstat.design.formula import evaluate
from mixstat.estimators.base import BaseMixture
from mixstat.experts.base import Experts
from mixstat.experts.multinomial import MultinomialExperts
from mixstat.predictive import expert_predictors
from mixstat.validation import check_weights


class MixtureOfExpertsClassifier(ClassifierMixin, BaseMixture):
    """Mixture of experts classification by maximum likelihood.

    The probability of a class is a sum of multinomial logistic regressions, weighted by a gate::

        P(y = c | x) = sum_k  pi_k(x)  softmax_c(coef_kc phi(x))

    The last class and, for most gates, the last expert are references: their coefficients are
    zero. All coefficients are reported in the units of the data.

    Parameters
    ----------
    n_experts : int, default=2
        Number of experts K.
    degree : int or sequence of int, default=1
        Total degree of the experts' polynomial, one for all or one for each expert.
    interactions : bool, default=True
        Whether polynomials have products of different inputs.
    expert_features : list, str, int, slice or None, default=None
        Columns the experts see, by name, position or mask; None means all.
    gate : str or gate, default="softmax"
        Kind of gate by name, or an object of settings such as ``TopKGate(k=2)``, as in
        :class:`MixtureOfExperts`.
    gate_degree : int, default=1
        Total degree of the gate's polynomial (at most 1 for a Gaussian gate); 0 gives constant
        shares.
    gate_features : list, str, int, slice or None, default=None
        Columns the gate sees; None means all, an empty list gives constant shares.
    classes : array-like or None, default=None
        All labels there can be, in the order wanted (the last is the reference). None takes the
        sorted labels of y. With a list, a label that y lacks is an error: no fit can tell its
        probability.
    solver : {"auto", "em", "lbfgs", "newton", "newton_cg"}, default="auto"
        As in :class:`MixtureOfExperts`.
    init : str, sequence of str, array-like or fitted estimator, default="auto"
        Where fits begin, as in :class:`MixtureOfExperts`.
    n_init : int, default=12
        Number of starts.
    tol : float, default=1e-8
        Largest component of the gradient of the mean log-likelihood, in standardised units,
        at which a fit counts as converged.
    max_iter : int, default=1000
        Largest number of iterations of one start.
    min_scale : float, default=1e-4
        Floor under the scales of a Gaussian gate; experts have none.
    precision : {"float64", "float32"}, default="float64"
        In which rows are kept for the first EM steps. "float32" halves the bytes that a step
        reads (and is much faster on most GPUs); sums are in float64, and so are all steps from
        the basin to the maximum, which is the same.
    ridge : float or None, default=None
        Weight of half the squared slopes (standardised units) taken from the mean
        log-likelihood. None means 0, or 1e-6 with fewer rows than parameters.
    expert_penalty, gate_penalty : float, default=0.0
        Strengths of elastic nets on the slopes of experts and gate, as in
        :class:`MixtureOfExperts`.
    l1_ratio : float, default=1.0
        Share of the L1 norm in both elastic nets.
    warm_start : bool, default=False
        Begin at the previous fit of this estimator.
    random_state : int, RandomState or None, default=None
        Seed of the starts; the same seed gives the same fit.
    verbose : int, default=0
        Print progress if positive.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Labels; the last is the reference.
    expert_coef_ : ndarray of shape (n_experts, n_classes - 1, p)
        Log odds against the last class, per unit of the feature; for two classes
        (n_experts, p).
    gate_coef_ : ndarray of shape (n_experts, q) or (r, q)
        Gate coefficients of ``gate_names_``, as in :class:`MixtureOfExperts`.
    expert_names_, gate_names_ : list of str
        Names of the coefficients' columns; "1" is the constant.
    log_likelihood_ : float
        Weighted mean of log P(y | x) over the training rows; for a Gaussian gate that of
        log p(x, y).
    n_parameters_ : int
        Free parameters that are not held at zero by an L1 penalty, less the directions in which
        the gate never changes the model.
    n_iter_ : int
        Iterations of the winning start.
    expert_share_ : ndarray of shape (n_experts,)
        Share of the training weight that each expert is responsible for.
    ridge_ : float
        The ridge that was used.
    strengths_ : Strengths
        Strengths of all penalties that were used, of gate and experts.
    identifiability_ : Identifiability
        What the model and these rows can determine.
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
    Experts are numbered by their average log odds of the first class, smallest first, unless
    their degrees differ or they stand in a tree. Features are made orthonormal before fitting, so
    shifts and units of the data do not matter.

    References
    ----------
    Jacobs, R. A., Jordan, M. I., Nowlan, S. J. and Hinton, G. E. (1991). Adaptive mixtures of
    local experts. Neural Computation 3, 79-87.

    Nguyen, H., Akbarian, P., Nguyen, T. and Ho, N. (2024). A general theory for softmax gating
    multinomial logistic mixture of experts. ICML. arXiv 2310.14188.

    Examples
    --------
    >>> import numpy as np
    >>> from mixstat import MixtureOfExpertsClassifier
    >>> rng = np.random.default_rng(0)
    >>> X = rng.uniform(-2, 2, size=(600, 1))
    >>> rising = rng.random(600) < 1 / (1 + np.exp(-4 * X[:, 0]))
    >>> odds = np.exp(np.where(rising, 3 - 4 * X[:, 0], 3 + 4 * X[:, 0]))
    >>> y = np.where(rng.random(600) < odds / (1 + odds), "in", "out")
    >>> moe = MixtureOfExpertsClassifier(n_experts=2, random_state=0).fit(X, y)
    >>> moe.predict([[-1.5], [0.0], [1.5]])
    array(['out', 'in', 'out'], dtype='<U3')
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
        classes=None,
        solver="auto",
        init="auto",
        n_init=12,
        tol=1e-8,
        max_iter=1000,
        min_scale=1e-4,
        precision="float64",
        ridge=None,
        expert_penalty=0.0,
        gate_penalty=0.0,
        l1_ratio=1.0,
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
        self.classes = classes
        self.solver = solver
        self.init = init
        self.n_init = n_init
        self.tol = tol
        self.max_iter = max_iter
        self.min_scale = min_scale
        self.precision = precision
        self.ridge = ridge
        self.expert_penalty = expert_penalty
        self.gate_penalty = gate_penalty
        self.l1_ratio = l1_ratio
        self.warm_start = warm_start
        self.random_state = random_state
        self.verbose = verbose

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> "MixtureOfExpertsClassifier":
        """Find the maximum likelihood estimate.

        Parameters
        ----------
        X : array-like of shape (n, d)
            Inputs.
        y : array-like of shape (n,)
            Class labels: numbers, strings or booleans.
        sample_weight : array-like of shape (n,), default=None
            A row of weight 2 counts as two equal rows; a row of weight 0 does not count. The
            sum of the weights is the sample size of standard errors and of ``bic``.

        Returns
        -------
        MixtureOfExpertsClassifier
            This estimator.

        Raises
        ------
        ValueError
            If an argument has a wrong shape, type or range, if y holds continuous numbers, only
            one class, or lacks one of ``classes``.

        Warns
        -----
        ConvergenceWarning
            If the result is not a certified maximum; the message says why.
        DesignWarning
            If columns are constant or dependent, or rows are fewer than parameters.
        """
        self._check_settings()
        X, y = validate_data(self, X, y, dtype=np.float64, ensure_min_samples=2)
        weight = check_weights(sample_weight, len(X))
        return self._fit_table(X, weight, self._learn_labels(y, weight))

    def _learn_labels(self, y: Any, weight: np.ndarray) -> np.ndarray:
        """Remember the classes; return their numbers."""
        y = column_or_1d(y, warn=True)
        check_classification_targets(y)
        seen = np.unique(y[weight > 0])
        classes = seen if self.classes is None else np.asarray(self.classes)
        if len(np.unique(classes)) != len(classes) or classes.ndim != 1:
            raise ValueError(f"classes must be a list of different labels, got {self.classes!r}.")
        missing = [str(c) for c in classes if c not in seen]
        if missing:
            raise ValueError(
                f"y has no row (of positive weight) with class {', '.join(missing)}, one of "
                "classes; its probability cannot be estimated. In cross-validation use "
                "stratified folds."
            )
        if len(classes) < 2:
            raise ValueError(
                f"y must have at least two classes, got one class: {classes.tolist()}."
            )
        self.classes_ = classes
        counted = np.where(weight > 0, y, seen[0]) if weight.min() == 0 else y
        return self._numbers(counted)

    def _numbers(self, y: np.ndarray) -> np.ndarray:
        known = np.isin(y, self.classes_)
        if not known.all():
            strange = ", ".join(str(c) for c in np.unique(y[~known])[:5])
            raise ValueError(
                f"y has the label {strange}, which is not among the classes of the fit: "
                f"{', '.join(str(c) for c in self.classes_)}."
            )
        order = np.argsort(self.classes_)
        return order[np.searchsorted(self.classes_, y, sorter=order)].astype(float)

    def _experts(self) -> Experts:
        return MultinomialExperts(n_classes=len(self.classes_))

    def _output_names(self) -> list[str]:
        return [str(c) for c in self.classes_]

    def _formula_response(self, left: Any, data: Any) -> np.ndarray:
        name = _label_column(left)
        if name in [str(c) for c in data.columns]:
            y = np.asarray(data[name])
        else:
            y = evaluate(left, data, "formula").to_numpy()[:, 0]
        return self._learn_labels(y, np.ones(len(y)))

    def _response(self, X: Any, y: Any) -> np.ndarray:
        if y is None:
            if self.formula_ is None:
                raise ValueError("y must be given: the model was not made from a formula.")
            y = X[_label_column(self.response_)]
        y = check_array(y, ensure_2d=False, dtype=None, input_name="y")
        check_consistent_length(X, y)
        return self._numbers(column_or_1d(y))[:, None]

    def _probabilities(self, X: Any) -> tuple[np.ndarray, np.ndarray]:
        """Gate (K, n) and class probabilities of each expert (K, C, n)."""
        X = self._read(X)
        eta = expert_predictors(self.model_.experts, self.expert_design_.transform(X))
        return np.exp(self._log_gate(X)).T, self.model_.experts.marginals(eta).probability

    def expert_proba(self, X: Any) -> np.ndarray:
        """Class probabilities under each expert.

        Parameters
        ----------
        X : array-like of shape (n, d)
            Inputs.

        Returns
        -------
        ndarray of shape (n, n_experts, n_classes)
            Rows sum to one over the classes.
        """
        return np.transpose(self._probabilities(X)[1], (2, 0, 1))

    def predict_proba(self, X: Any) -> np.ndarray:
        """Class probabilities.

        Parameters
        ----------
        X : array-like of shape (n, d)
            Inputs.

        Returns
        -------
        ndarray of shape (n, n_classes)
            Columns in the order of ``classes_``; rows sum to one.
        """
        share, each = self._probabilities(X)
        return np.einsum("kn,kcn->nc", share, each)

    def predict_log_proba(self, X: Any) -> np.ndarray:
        """Logarithms of class probabilities.

        Parameters
        ----------
        X : array-like of shape (n, d)
            Inputs.

        Returns
        -------
        ndarray of shape (n, n_classes)
            Columns in the order of ``classes_``.
        """
        with np.errstate(divide="ignore"):
            return np.log(self.predict_proba(X))

    def partial_fit(
        self,
        X: Any,
        y: Any = None,
        classes: Any = None,
        sample_weight: Any = None,
        *,
        forgetting: float = 1.0,
    ) -> "MixtureOfExpertsClassifier":
        """Update the fit by one EM step with new rows; the first call is ``fit``.

        Parameters
        ----------
        X : array-like of shape (n, d)
            New inputs, in the order of time.
        y : array-like of shape (n,)
            Their classes; may be left out for a model made from a formula.
        classes : array-like of shape (c,), default=None
            All classes. The first call must hold rows of each: they are those of the fit.
        sample_weight : array-like of shape (n,), default=None
            Row weights as in ``fit``.
        forgetting : float, default=1.0
            Factor, above 0 and at most 1, by which the weight of everything before a row
            shrinks when the row comes.

        Returns
        -------
        MixtureOfExpertsClassifier
            This estimator.

        Raises
        ------
        ValueError
            If ``classes`` are not those of the fit, ``forgetting`` is out of range, or rows are
            not like those of the fit.
        """
        first = not self.__sklearn_is_fitted__()
        super().partial_fit(X, y, sample_weight, forgetting=forgetting)
        if classes is not None and not np.array_equal(np.unique(classes), self.classes_):
            known = ", ".join(str(c) for c in self.classes_)
            when = "the first call must hold rows of every class" if first else "classes stay"
            raise ValueError(f"classes must be those of the fit ({known}), as {when}.")
        return self

    def predict(self, X: Any) -> np.ndarray:
        """The most probable class.

        Parameters
        ----------
        X : array-like of shape (n, d)
            Inputs.

        Returns
        -------
        ndarray of shape (n,)
            Labels from ``classes_``.
        """
        proba = self.predict_proba(X)
        return self.classes_[np.argmax(proba, axis=1)]


def _label_column(left: Any) -> str:
    """The column of labels that the left side of a formula names."""
    return str(next(iter(left), left))
