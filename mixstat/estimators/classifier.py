"""MixtureOfExpertsClassifier: classes by a gated mixture of multinomial logistic experts."""

from mixstat.arguments import Response, Setting, Table, Weights
from mixstat.data.blocks import Blocks
from mixstat.estimators.blocked import fit_of_blocks
from mixstat.estimators.by_block import check_alone, check_no_checkpoint
from mixstat.estimators.classification import ClassificationMixture
from mixstat.hints import hinting


class MixtureOfExpertsClassifier(ClassificationMixture):
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
    formula : str or None, default=None
        The model as a formula, such as ``"y ~ x + I(x**2)"``, in place of ``degree``,
        ``interactions``, ``expert_features``, ``gate_degree`` and ``gate_features``: X is then a
        data frame, y is read from it, and inputs are the columns on the right; ``.`` stands for
        all columns but the response.
    gate_formula : str or None, default=None
        The gate's features beside ``formula``, such as ``"~ w"``; ``"~ 1"`` gives constant shares
        and None the same features as the experts.
    classes : array-like or None, default=None
        All labels there can be, in the order wanted (the last is the reference). None takes the
        sorted labels of y. With a list, a label that y lacks is an error: no fit can tell its
        probability.
    solver : {"auto", "em", "lbfgs", "newton", "newton_cg"} or solver, default="auto"
        As in :class:`MixtureOfExperts`.
    init : str, sequence of str, array-like or fitted estimator, default="auto"
        Where fits begin, as in :class:`MixtureOfExperts`.
    n_init : "auto" or int, default="auto"
        Number of independent starts. "auto" goes on until the best end was met often enough, and
        tries others near it; a number makes so many, and runs the promising ones to the end.
    tol : float, default=1e-8
        Largest component of the gradient of the mean log-likelihood, in standardised units,
        at which a fit counts as converged.
    max_iter : int, default=1000
        Largest number of iterations of one start.
    min_scale : float, default=1e-4
        Floor under the scales of a Gaussian gate; experts have none.
    min_share : float, default=0.0
        Share of the rows that every expert must rest on for a maximum to count. One that falls
        short is returned only where there is no other, and never called sound.
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
    constraints, common, frozen : default=None
        Equations between parameters and bounds of them, columns with one coefficient, and experts
        that are known, as in :class:`MixtureOfExperts`.
    expert_names : sequence of str, default=None
        What the experts are called in summaries, tables and displays, in the order of their
        numbers: fit, look, and name. None tells of them by number.
    missing : {"raise", "drop"}, default="raise"
        What becomes of rows with a missing value (NaN, None, NA) in X, y, weights or offset: an
        error, or they are left out of fits and of questions that are answered by one number;
        beside ``formula`` the columns that it names count. ``n_dropped_`` tells how many,
        ``kept_index_`` which are left.
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
    expert_titles_ : list of str
        What the experts are called: ``expert_names``, or "expert 0" and so on.
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
    n_dropped_ : int
        Number of rows left out for a missing value.
    kept_index_ : ndarray of shape (n,)
        Index of the rows of the fit (or their numbers), with ``missing="drop"``.
    n_features_in_ : int
        Number of columns of X.
    feature_names_in_ : ndarray of str
        Names of the columns of X, where it has names.
    levels_ : dict
        Levels of each column of text or categories; the first is the reference.

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
        formula=None,
        gate_formula=None,
        classes=None,
        solver="auto",
        init="auto",
        n_init="auto",
        tol=1e-8,
        max_iter=1000,
        min_scale=1e-4,
        min_share=0.0,
        precision="float64",
        ridge=None,
        expert_penalty=0.0,
        gate_penalty=0.0,
        l1_ratio=1.0,
        constraints=None,
        common=None,
        frozen=None,
        expert_names=None,
        missing="raise",
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
        self.formula = formula
        self.gate_formula = gate_formula
        self.classes = classes
        self.solver = solver
        self.init = init
        self.n_init = n_init
        self.tol = tol
        self.max_iter = max_iter
        self.min_scale = min_scale
        self.min_share = min_share
        self.precision = precision
        self.ridge = ridge
        self.expert_penalty = expert_penalty
        self.gate_penalty = gate_penalty
        self.l1_ratio = l1_ratio
        self.constraints = constraints
        self.common = common
        self.frozen = frozen
        self.expert_names = expert_names
        self.missing = missing
        self.warm_start = warm_start
        self.random_state = random_state
        self.verbose = verbose

    @hinting
    def fit(
        self,
        X: Table,
        y: Response = None,
        sample_weight: Weights = None,
        *,
        known_experts: Table = None,
        checkpoint: Setting = None,
    ) -> "MixtureOfExpertsClassifier":
        """Find the maximum likelihood estimate.

        Parameters
        ----------
        X : array-like of shape (n, d), or Blocks
            Inputs. Text and categories of a data frame are coded: a column of 0 and 1 for each
            level but the first, named as in ``site[B]``; dates are refused.
            :class:`mixstat.Blocks` are rows that do not fit into memory, with their classes and
            weights.
        y : array-like of shape (n,) or str
            Class labels: numbers, strings or booleans. Beside ``formula`` it may be left out;
            where X has the column of the left side it must equal it. A name takes that column of
            a data frame, which is then no input.
        sample_weight : array-like of shape (n,) or str, default=None
            A row of weight 2 counts as two equal rows; a row of weight 0 does not count. The
            sum of the weights is the sample size of standard errors and of ``bic``. A name
            takes that column of a data frame, which is then no input.
        known_experts : array-like of shape (n,) or (n, n_experts), or str, default=None
            What is known of the experts of rows, as in :meth:`MixtureOfExperts.fit`.
        checkpoint : str or path-like, default=None
            File that keeps where a fit to blocks has come to, as in :meth:`MixtureOfExperts.fit`.

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
        if isinstance(X, Blocks):
            check_alone(y=y, sample_weight=sample_weight, known_experts=known_experts)
            self.fit_ = fit_of_blocks(self, X, lambda one: self._new_fit(*one), checkpoint)
            return self
        check_no_checkpoint(checkpoint)
        self.fit_ = self._new_fit(X, y, sample_weight, known_experts=known_experts)
        return self
