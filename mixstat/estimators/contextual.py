"""ContextualMixtureOfExperts: regression with one expert for each regime that people know."""

from mixstat.arguments import Response, Table, Weights
from mixstat.estimators.knowing_updates import UpdatingKnowingMixture
from mixstat.hints import hinting


class ContextualMixtureOfExperts(UpdatingKnowingMixture):
    """Mixture of experts regression in which people tell where each expert may be at work.

    What process engineers know of regimes (start-up, fouling, peaks) is stated as possibility
    distributions, one for each context, with values between 0 (impossible) and 1. They enter
    the likelihood of the training rows alone, as one more factor of each expert::

        maximise   sum_i log sum_k  poss_k(i)  pi_k(x_i)  f(y_i; B_k phi(x_i), ...)

    so that expert k learns what context k is like and the gate learns to recognise it from x.
    Predictions use the gate alone and need no context. Possibilities of 1 everywhere give
    :class:`MixtureOfExperts`; possibilities of 0 and 1 give separate regressions and a
    multinomial logit of the contexts. The method follows Souza et al. (2022).

    Parameters
    ----------
    contexts : list of contexts or None, default=None
        What is known, from :mod:`mixstat.contextual`, with different names. None leaves it to
        ``possibilities`` of ``fit``.
    n_experts : int or None, default=None
        Number of experts K. None means one for each context (2 if nothing is known).
    mapping : dict or None, default=None
        The expert, or list of experts, of each context by its name; an expert with several
        contexts may be at work in any of them, and one with none everywhere. None gives
        context k to expert k.
    alpha : float, default=1.0
        Certainty of the knowledge as a whole: possibilities are not taken below
        ``1 - alpha``. 1 takes the contexts as they are stated, 0 ignores them;
        :func:`mixstat.selection.alpha_path` chooses it.
    normalise : bool, default=True
        Divide the possibilities of each row by the largest; if False, refuse rows in which the
        largest is not 1.
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
        The model as a formula, such as ``"y ~ x + I(x**2)"``, in place of ``degree``,
        ``interactions``, ``expert_features``, ``gate_degree`` and ``gate_features``: X is then a
        data frame, y is read from it, and inputs are the columns on the right; ``.`` stands for
        all columns but the response.
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
        Number of independent starts, twelve for "auto"; all are run for a few steps, the promising
        ones to the end.
    tol : float, default=1e-8
        Largest component of the gradient of the mean log-likelihood, in standardised units,
        at which a fit counts as converged.
    max_iter : int, default=1000
        Largest number of iterations of one start.
    min_scale : float, default=1e-4
        Floor under every expert's standard deviation, as in :class:`MixtureOfExperts`. Without
        it the likelihood is unbounded.
    min_share : float, default=0.0
        Share of the rows that every expert must rest on for a maximum to count. One that falls
        short is returned only where there is no other, and never called sound.
    max_scale_ratio : float or None, default=None
        The most by which the scales of two experts may differ for a maximum to count (Hathaway
        1985): the largest over the smallest, of several outputs their geometric means. One that
        differs more is treated as for ``min_share``.
    scale_penalty : float, default=0.0
        Keeps the scale of each expert from vanishing, as in :class:`MixtureOfExperts`.
    precision : {"float64", "float32"}, default="float64"
        In which rows are kept for the first EM steps, as in :class:`MixtureOfExperts`.
    ridge : float or None, default=None
        Weight of half the squared slopes (standardised units) taken from the mean
        log-likelihood; those of the gate are measured from their mean over the experts, so that
        no expert is special. None means 0, or 1e-6 with fewer rows than parameters.
    expert_penalty, gate_penalty : float, default=0.0
        Strengths of elastic nets on the slopes of experts and gate: the mean log-likelihood
        loses ``strength * (l1_ratio * |slopes|_1 + (1 - l1_ratio) / 2 * |slopes|^2)``, with
        slopes per deviation of the feature (and in deviations of y). Constants are free.
        :func:`mixstat.selection.penalty_path` chooses them.
    l1_ratio : float, default=1.0
        Share of the L1 norm in both elastic nets, between 0 (ridge) and 1 (lasso).
    constraints, common, frozen : default=None
        Equations between parameters, columns with one coefficient, and experts that are known, as
        in :class:`MixtureOfExperts`.
    warm_start : bool, default=False
        Begin at the previous fit of this estimator.
    random_state : int, RandomState or None, default=None
        Seed of the starts; the same seed gives the same fit.
    verbose : int, default=0
        Print progress if positive.

    Attributes
    ----------
    context_names_ : tuple of str
        Names of the contexts.
    expert_contexts_ : list of str
        What each expert stands for: its context, several joined by "or", or "any".
    ignorance_ : float
        Weighted mean over rows of the log of the sum of the possibilities of all contexts: 0
        for crisp knowledge, log C for C contexts of which nothing is known.
    log_likelihood_ : float
        What was maximised, less the penalty: the weighted mean of
        ``log sum_k poss_k pi_k f_k`` over the training rows (with a Gaussian gate, of the joint
        density of x and y).
    conditional_log_likelihood_ : float
        Weighted mean of log p(y | x) over the training rows, by the gate alone, without the
        possibilities. ``score_samples``, ``aic`` and ``bic`` are of this kind too, and
        ``score`` is the R2 of predictions by the gate alone.

    See Also
    --------
    MixtureOfExperts : The model without contexts; it lists the other attributes.

    Notes
    -----
    Expert k keeps its number: experts are not sorted, unless all possibilities are 1. One start
    begins with the possibilities as responsibilities; the others are those of
    ``MixtureOfExperts``, their groups matched with the contexts. Standard errors, certificate
    and selection see possibilities as known weights of each expert on each row.

    References
    ----------
    Souza, F., Offermans, T., Barendse, R., Postma, G. and Jansen, J. (2022). Contextual mixture
    of experts: integrating knowledge into predictive modeling. arXiv 2211.00558.

    Examples
    --------
    >>> import numpy as np
    >>> from mixstat import ContextualMixtureOfExperts
    >>> from mixstat.contextual import AlphaCertain
    >>> rng = np.random.default_rng(0)
    >>> X = rng.uniform(0, 1, size=(400, 1))
    >>> y = 2 * np.minimum(X[:, 0], 1 - X[:, 0]) + 0.1 * rng.standard_normal(400)
    >>> up = AlphaCertain("up", on=0, inside=(None, 0.4), alpha=0.8)
    >>> down = AlphaCertain("down", on=0, inside=(0.6, None), alpha=0.8)
    >>> moe = ContextualMixtureOfExperts([up, down], ridge=1e-4, random_state=0).fit(X, y)
    >>> moe.expert_contexts_
    ['up', 'down']
    >>> moe.expert_coef_[:, 1].round(1)
    array([ 2., -2.])
    """

    def __init__(
        self,
        contexts=None,
        *,
        n_experts=None,
        mapping=None,
        alpha=1.0,
        normalise=True,
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
        warm_start=False,
        random_state=None,
        verbose=0,
    ) -> None:
        self.contexts = contexts
        self.n_experts = n_experts
        self.mapping = mapping
        self.alpha = alpha
        self.normalise = normalise
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
        self.warm_start = warm_start
        self.random_state = random_state
        self.verbose = verbose

    @hinting
    def fit(
        self,
        X: Table,
        y: Response = None,
        possibilities: Table = None,
        sample_weight: Weights = None,
        context_data: Table = None,
    ) -> "ContextualMixtureOfExperts":
        """Find the maximum of the possibility-weighted likelihood.

        Parameters
        ----------
        X : array-like of shape (n, d)
            Inputs.
        y : array-like of shape (n,) or (n, m)
            Responses, as in :meth:`MixtureOfExperts.fit`; may be left out beside ``formula``.
        possibilities : array-like or DataFrame of shape (n, C), default=None
            A possibility in [0, 1] for each row and context, in place of ``contexts``; the
            columns of a DataFrame name the contexts.
        sample_weight : array-like of shape (n,) or str, default=None
            Row weights, or the name of a column; rows of weight 0 need no context.
        context_data : DataFrame or dict of arrays of length n, default=None
            Variables that contexts are stated on but that are not inputs. Cross-validation
            takes rows of a DataFrame, not of a dict.

        Returns
        -------
        ContextualMixtureOfExperts
            This estimator.

        Raises
        ------
        ValueError
            If names of contexts repeat, a variable of a context is missing, every context is
            impossible for a row, possibilities have the wrong shape or are outside [0, 1],
            contexts and experts do not match and there is no ``mapping``, or an argument of
            :meth:`MixtureOfExperts.fit` is wrong.

        Warns
        -----
        ConvergenceWarning
            If the result is not a certified maximum; the message says why.
        DesignWarning
            If columns are constant or dependent, or rows are fewer than parameters.
        """
        self.fit_ = self._new_fit(
            X, y, sample_weight, possibilities=possibilities, context_data=context_data
        )
        return self
