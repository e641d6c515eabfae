"""MixtureOfExperts: regression by a gated mixture of Gaussian or generalised linear experts."""

from mixstat.estimators.prediction import RegressionMixture


class MixtureOfExperts(RegressionMixture):
    """Mixture of experts regression by maximum likelihood.

    The conditional density of y is a sum of regressions, weighted by a gate::

        p(y | x) = sum_k  pi_k(x)  f(y; B_k phi(x), ...)

    with ``phi`` a polynomial of the experts' features. By default ``f`` is the normal density
    and ``pi`` a softmax of linear functions of the gate's features. All coefficients are
    reported in the units of the data.

    Parameters
    ----------
    n_experts : int, default=2
        Number of experts K.
    degree : int or sequence of int, default=1
        Total degree of the experts' polynomial, one for all or one for each expert; 0 gives a
        mixture of constants.
    interactions : bool, default=True
        Whether polynomials have products of different inputs.
    expert_features : list, str, int, slice or None, default=None
        Columns the experts see, by name, position or mask; None means all.
    gate : str or gate, default="softmax"
        "softmax", "modified", "temperature", "activation", "sigmoid", "top_k", "top_p",
        "gaussian", "hierarchical", "shared_expert", or an object of settings from
        :mod:`mixstat.gates`, such as ``TemperatureGate(activation="sin")`` or ``TopKGate(k=2)``.
    gate_degree : int, default=1
        Total degree of the gate's polynomial (at most 1 for a Gaussian gate); 0 gives constant
        shares, a mixture of regressions.
    gate_features : list, str, int, slice or None, default=None
        Columns the gate sees; None means all, an empty list gives constant shares.
    formula : str or None, default=None
        The model as a formula, such as ``"y ~ x + I(x**2)"`` or ``"y ~ ."``, in place of degrees,
        ``interactions`` and features: X is then a data frame, y is read from it, and inputs are
        the columns on the right.
    gate_formula : str or None, default=None
        The gate's features beside ``formula``, such as ``"~ w"``; ``"~ 1"`` gives constant shares
        and None the same features as the experts.
    expert : str, experts or list of them, default="gaussian"
        "gaussian", "t", "skew_normal", "poisson", "negative_binomial", "binomial", "gamma",
        "lognormal", "exponential", "weibull", "inverse_gaussian", "beta", "ordered", an object
        of settings from :mod:`mixstat.experts`, such as ``Heteroscedastic("gaussian")`` or
        ``Censored("weibull")``, or a list with one of these for each expert, all of one kind of
        response; "zero" stands beside others, as in ``["zero", "poisson"]``.
    covariance : {"full", "diagonal", "spherical", "tied"}, default="full"
        Noise of several outputs of Gaussian experts; "tied" shares one matrix among experts.
        With one output only "tied" differs from the rest.
    solver : {"auto", "em", "lbfgs", "newton", "newton_cg"} or solver, default="auto"
        "auto" runs EM into the basin of a maximum and finishes with Newton, or with L-BFGS
        where the parameters are many. Or an object of :mod:`mixstat.solvers`, such as
        ``EM(accelerate=False)``.
    init : str, sequence of str, array-like or fitted estimator, default="auto"
        Where fits begin. "kmeans" (clusters of x and y), "partition" (slices along x),
        "regressions" (through a few random rows each), "random" (responsibilities) or "auto"
        (all four in turn). Or one start of your own: integer labels (n,), responsibilities
        (n, n_experts), or an estimator fitted with as many experts.
    n_init : "auto" or int, default="auto"
        Number of independent starts. "auto" goes on until the best end was met often enough, and
        tries others near it; a number makes so many and no others.
    tol : float, default=1e-8
        Largest component of the gradient of the mean log-likelihood, in standardised units, at
        which a fit counts as converged.
    max_iter : int, default=1000
        Largest number of iterations of one start.
    min_scale : float, default=1e-4
        Floor under every expert's standard deviation (or scale of a t distribution), as a share
        of that of y (of correlated outputs, of each given those before it), the coefficient of
        variation of gamma experts, and the deviations of inputs in a Gaussian gate.
    min_share : float, default=0.0
        Share of the rows that every expert must rest on for a maximum to count. One that falls
        short is returned only where there is no other, and never called sound.
    max_scale_ratio : float or None, default=None
        The most by which the scales of two experts may differ for a maximum to count (Hathaway
        1985): the largest over the smallest, of several outputs their geometric means. One that
        differs more is treated as for ``min_share``.
    scale_penalty : float, default=0.0
        Keeps scales from vanishing: ``2 * scale_penalty`` rows at the scale of one regression
        are added to those of each expert, fewer and fewer beside n (Chen, Tan and Zhang 2008;
        try 1). Families without a scale, and a scale that experts share, are left alone.
    precision : {"float64", "float32"}, default="float64"
        In which rows are kept for the first EM steps. "float32" halves the bytes of a step; sums
        are in float64, and so are all steps from the basin to the maximum, which is the same.
    ridge : float or None, default=None
        Weight of half the squared slopes (standardised units) taken from the mean
        log-likelihood, those of the gate measured from their mean over the experts. None means
        0, or 1e-6 with fewer rows than parameters.
    expert_penalty, gate_penalty : float, default=0.0
        Strengths of elastic nets on the slopes of experts and gate: the mean log-likelihood
        loses ``strength * (l1_ratio * |slopes|_1 + (1 - l1_ratio) / 2 * |slopes|^2)``, with
        slopes per deviation of the feature (and in deviations of y). Constants are free.
        :func:`mixstat.selection.penalty_path` chooses them.
    l1_ratio : float, default=1.0
        Share of the L1 norm in both elastic nets, between 0 (ridge) and 1 (lasso).
    constraints : str, list of str or dict, default=None
        Linear equations that the reported parameters meet, by their names, as in
        ``"expert0:x = expert1:x"``, ``["gate0:x = 0", "expert0:x + expert1:x = 1"]`` or, of values
        that are held, ``{"expert0:x": 1.5}``; and bounds of one, as in ``"expert0:x >= 0"`` or
        ``"-1 <= gate0:x <= 1"``.
    common : str or list of str, default=None
        Columns with the same coefficient in all experts, by their names in ``expert_names_``; or
        "scale" and other kinds of parameters.
    frozen : dict, default=None
        Experts whose parameters are known, by number, such as
        ``{0: {"coef": [1.0, 2.0], "scale": 0.5}}``; what is left out is learned.
    expert_names : sequence of str, default=None
        What the experts are called in summaries, tables and displays, in the order of their
        numbers: fit, look, and name. None tells of them by number.
    missing : {"raise", "drop", "likelihood"}, default="raise"
        What becomes of rows with a missing value (NaN, None, NA) in X, y, weights or offset: an
        error, or they are left out of fits and of questions that are answered by one number;
        beside ``formula`` the columns that it names count. ``n_dropped_`` tells how many,
        ``kept_index_`` which are left. "likelihood" drops them too, but for rows that lack some
        of several Gaussian outputs: they count by the density of those that they have (or of
        their inputs alone, with gate="gaussian").
    warm_start : bool, default=False
        Begin at the previous fit of this estimator.
    random_state : int, RandomState or None, default=None
        Seed of the starts; the same seed gives the same fit.
    verbose : int, default=0
        Print progress if positive.

    Attributes
    ----------
    expert_coef_ : ndarray of shape (n_experts, p) or (n_experts, m, p)
        Coefficients of ``expert_names_``, in units of y per unit of the feature; for Poisson and
        gamma experts of log y, for binomial ones of log odds.
    gate_coef_ : ndarray of shape (n_experts, q) or (r, q)
        Coefficients of ``gate_names_``: for most gates logits, with zeros for the last expert,
        which is the reference. For a tree a row for each branch but the last of each node, for
        a Gaussian gate the centres of the inputs (``gate_names_`` without "1").
    scale_ : ndarray of shape (n_experts,) or (n_experts, m)
        Deviations of Gaussian experts or scales of t and skew normal ones, in units of y (not of
        different families). ``Heteroscedastic`` ones have slopes of its log, ``scale_coef_``.
    covariance_ : ndarray of shape (n_experts, m, m)
        Covariance matrices of Gaussian experts (several outputs only).
    df_ : ndarray of shape (n_experts,)
        Degrees of freedom (t experts only).
    slant_ : ndarray of shape (n_experts,)
        Slants, zero where noise is normal (skew normal experts only).
    shape_ : ndarray of shape (n_experts,)
        Shapes, one over the squared coefficient of variation (gamma experts only).
    expert_names_, gate_names_ : list of str
        Names of the coefficients' columns; "1" is the constant.
    expert_titles_ : list of str
        What the experts are called: ``expert_names``, or "expert 0" and so on.
    log_likelihood_ : float
        Weighted mean of log p(y | x) over the training rows, at the returned parameters. For a
        Gaussian gate that of log p(x, y), which is what is maximised and what ``aic`` and ``bic``
        are of; ``score_samples`` is of y given x with every gate.
    conditional_log_likelihood_ : float
        Weighted mean of log p(y | x); the same, except with a Gaussian gate, which is fitted to
        the joint density.
    gate_covariance_ : ndarray of shape (n_experts, d, d)
        Covariance matrices of the inputs (Gaussian gate only; ``gate_coef_`` has the centres).
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
    Experts are numbered by the average of their linear predictor (for a real y, what they predict
    on average), smallest first. Those of different families or degrees keep the order in which
    they are named, and those of a tree their places in it. Features are made orthonormal before
    fitting, so shifts and units of the data do not matter, with two exceptions: the function
    of a "modified" gate sees inputs as they are given, and with an activation it matters where
    an input is zero, since there is no intercept inside.

    Predictions for counts are of counts: quantiles and ends of intervals are the smallest counts
    whose cumulative probability reaches the level, so an interval covers at least what it says.
    Binomial experts with two columns predict a single trial, whose mean is the share of
    successes; with ``trials`` they predict the number of successes.

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
        formula=None,
        gate_formula=None,
        expert="gaussian",
        covariance="full",
        solver="auto",
        init="auto",
        n_init="auto",
        tol=1e-8,
        max_iter=1000,
        min_scale=1e-4,
        min_share=0.0,
        max_scale_ratio=None,
        scale_penalty=0.0,
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
        self.expert = expert
        self.covariance = covariance
        self.solver = solver
        self.init = init
        self.n_init = n_init
        self.tol = tol
        self.max_iter = max_iter
        self.min_scale = min_scale
        self.min_share = min_share
        self.max_scale_ratio = max_scale_ratio
        self.scale_penalty = scale_penalty
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
