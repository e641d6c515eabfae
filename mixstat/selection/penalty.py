"""A path of elastic-net strengths, and the choice of one by a criterion."""

import warnings
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int
from sklearn.exceptions import ConvergenceWarning

import mixstat.selection.ascent as ascent
import mixstat.selection.folds as folds
from mixstat.alignment import check_same_rows
from mixstat.arguments import Axes, Estimator, Response, Setting, Table, Weights, count_rows
from mixstat.estimators.base import BaseMixture
from mixstat.estimators.named import without_named
from mixstat.plotting.path import PenaltyPathDisplay
from mixstat.results import DesignWarning, Status, report
from mixstat.selection.ascent import PARTS
from mixstat.selection.folds import Splitter, check_params
from mixstat.validation import check_choice, check_integer, check_positive, check_weights

CRITERIA = ("bic", "aic", "cv")


class _Scores(NamedTuple):
    """What is minimised over a path, and its standard error where folds tell it."""

    name: str
    value: Float[np.ndarray, " s"]
    error: Float[np.ndarray, " s"] | None


@dataclass(frozen=True)
class PenaltyPath:
    """Fits along a path of strengths, strongest first, and the one that was chosen.

    Examples
    --------
    >>> from mixstat import MixtureOfExperts
    >>> from mixstat.datasets import make_tent
    >>> from mixstat.selection import penalty_path
    >>> X, y = make_tent(300, random_state=0)
    >>> moe = MixtureOfExperts(2, n_init=2, l1_ratio=1.0, random_state=0)
    >>> path = penalty_path(moe, X, y, part="experts", strengths=[0.3, 0.1, 0.03])
    >>> (path.expert_coef != 0).sum(axis=(1, 2))
    array([4, 6, 8])
    """

    strengths: Float[np.ndarray, " s"]
    """The common factor of both penalties."""
    expert_penalty: Float[np.ndarray, " s"]
    """``expert_penalty`` of each fit."""
    gate_penalty: Float[np.ndarray, " s"]
    """``gate_penalty`` of each fit."""
    expert_coef: Float[np.ndarray, "s ..."]
    """``expert_coef_`` of each fit, in the units of the data."""
    gate_coef: Float[np.ndarray, "s ..."]
    """``gate_coef_`` of each fit."""
    log_likelihood: Float[np.ndarray, " s"]
    """Weighted mean of log p(y | x) over the training rows, without the penalty."""
    n_parameters: Int[np.ndarray, " s"]
    """Parameters that are not zero: the degrees of freedom (Zou, Hastie and Tibshirani 2007,
    Ann. Statist. 35, 2173-2192, for the lasso)."""
    status: tuple[Status, ...]
    """Why each fit stopped."""
    criterion: Float[np.ndarray, " s"]
    """What was minimised: BIC, AIC, or minus the held-out log-likelihood per row."""
    criterion_error: Float[np.ndarray, " s"] | None
    """Standard error of the held-out log-likelihood over the folds; None without folds."""
    criterion_name: str
    """"bic", "aic" or "cv"."""
    best_index_: int
    """Position of the smallest criterion among converged fits."""
    best_estimator_: BaseMixture
    """The estimator fitted there."""

    @property
    def best_strength_(self) -> float:
        """The chosen strength."""
        return float(self.strengths[self.best_index_])

    def plot(self, *, ax: Axes = None) -> PenaltyPathDisplay:
        """Draw the coefficients over the strength, with the choice marked.

        Parameters
        ----------
        ax : array of matplotlib Axes, default=None
            One for each expert and gate equation; None makes a new figure.

        Returns
        -------
        PenaltyPathDisplay
            The display, with ``axes_`` and ``figure_``.
        """
        return PenaltyPathDisplay.from_path(self, ax=ax)


def penalty_path(
    estimator: Estimator,
    X: Table,
    y: Response,
    *,
    strengths: Setting = None,
    n_strengths: Setting = 20,
    ratio: Setting = 1e-3,
    part: Setting = "both",
    criterion: Setting = "bic",
    cv: Splitter = 5,
    sample_weight: Weights = None,
    params: Setting = None,
) -> PenaltyPath:
    """Fit an elastic net at many strengths and choose one.

    The penalties of the fits are ``strength * expert_penalty`` and ``strength * gate_penalty``
    with the estimator's own values as proportions (1 where it has none).

    Fits with all slopes zero and at the weakest strength begin from ``estimator.n_init``
    starts. Between them the path is walked down and up, each fit beginning at its neighbour's,
    and the better of the two is kept at each strength.

    Parameters
    ----------
    estimator : MixtureOfExperts or MixtureOfExpertsClassifier
        Its settings; ``l1_ratio`` says how much of the penalty is L1. It is not changed.
    X : array-like of shape (n, d)
        Inputs.
    y : array-like of shape (n,) or (n, m), or str
        Responses or labels; a name takes that column of a data frame, which is then no input.
    strengths : array-like of shape (s,), default=None
        Strengths to fit, in units of log-likelihood per row and standardised slope. None means
        ``n_strengths`` of them in geometric steps, from the smallest at which all slopes are
        zero to ``ratio`` times that.
    n_strengths : int, default=20
        How many, if ``strengths`` is None.
    ratio : float, default=1e-3
        Smallest strength over the largest, below one.
    part : {"both", "experts", "gate"}, default="both"
        What the strengths penalise; the other part keeps the estimator's own penalty.
    criterion : {"bic", "aic", "cv"}, default="bic"
        What chooses: an information criterion with the nonzero parameters counted, or the mean
        log-likelihood of held-out rows.
    cv : int or splitter, default=5
        Number of folds (shuffled by ``estimator.random_state``; stratified by class for a
        classifier), or an object with ``split``. Every fold walks its own path.
    sample_weight : array-like of shape (n,) or str, default=None
        Row weights as in ``fit``, which may be named too; also of held-out rows.
    params : dict, default=None
        Further arguments of ``fit``, such as ``{"possibilities": table}``; folds take their
        rows of them.

    Returns
    -------
    PenaltyPath
        Strengths, coefficients, criterion, and the chosen fit.

    Raises
    ------
    ValueError
        If an argument has a wrong type or range, if ``l1_ratio`` is zero while ``strengths`` is
        None (a ridge has no strength at which slopes are zero), if there are no slopes to
        penalise, or if a class has fewer rows than there are folds.

    Warns
    -----
    ConvergenceWarning
        If the chosen fit is not a certified maximum. All others are told in ``status`` alone.

    References
    ----------
    Friedman, J., Hastie, T. and Tibshirani, R. (2010). Regularization paths for generalized
    linear models via coordinate descent. J. Statist. Softw. 33(1).

    Khalili, A. and Chen, J. (2007). Variable selection in finite mixture of regression models.
    J. Amer. Statist. Assoc. 102, 1025-1038.

    Examples
    --------
    >>> from mixstat import MixtureOfExperts
    >>> from mixstat.datasets import make_tent
    >>> from mixstat.selection import penalty_path
    >>> X, y = make_tent(300, random_state=0)
    >>> moe = MixtureOfExperts(2, n_init=2, l1_ratio=1.0, random_state=0)
    >>> path = penalty_path(moe, X, y, part="experts", strengths=[0.3, 0.1, 0.03])
    >>> path.best_strength_
    0.1
    """
    if not isinstance(estimator, BaseMixture):
        raise ValueError(f"estimator must be one of mixstat, got {type(estimator).__name__}.")
    part = check_choice("part", part, PARTS)
    criterion = check_choice("criterion", criterion, CRITERIA)
    count, least = check_integer("n_strengths", n_strengths, 2), check_positive("ratio", ratio)
    if not least < 1:
        raise ValueError(f"ratio must lie between 0 and 1, got {ratio!r}.")
    X, y, sample_weight = without_named(X, y, sample_weight, estimator._formulas())
    further = check_params(params)
    check_same_rows(X=X, y=y, sample_weight=sample_weight, **further)
    given = _given_strengths(strengths, estimator)
    units = further.get("groups")
    splits = folds.make(cv, estimator, X, y, units) if criterion == "cv" else []
    task = ascent.Task(estimator, part, X, y, sample_weight, further)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        warnings.simplefilter("once", DesignWarning)
        if given is None:
            given = ascent.grid(task, count, least)
        fits = ascent.walk(task, given)
        held_out = np.array([folds.score(task, given, *rows) for rows in splits])
    scores = _scores(criterion, fits, held_out, sample_weight, count_rows(X))
    best = _smallest(scores.value, fits)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        chosen = task.fit(given[best], fits[best])
    report(chosen.fit_.maximum.certificate, ConvergenceWarning)
    return _path(task, given, fits, scores, best, chosen)


def _path(
    task: ascent.Task,
    strengths: Float[np.ndarray, " s"],
    fits: list[BaseMixture],
    scores: _Scores,
    best: int,
    chosen: BaseMixture,
) -> PenaltyPath:
    """The record of all fits; ``chosen`` is the one at position ``best``, fitted once more."""
    own_expert, own_gate = (np.full(len(strengths), weight) for weight in task.weights)
    return PenaltyPath(
        strengths=strengths,
        expert_penalty=own_expert if task.part == "gate" else strengths * own_expert,
        gate_penalty=own_gate if task.part == "experts" else strengths * own_gate,
        expert_coef=np.stack([moe.expert_coef_ for moe in fits]),
        gate_coef=np.stack([moe.gate_coef_ for moe in fits]),
        log_likelihood=np.array([moe.log_likelihood_ for moe in fits]),
        n_parameters=np.array([moe.n_parameters_ for moe in fits]),
        status=tuple(moe.status_ for moe in fits),
        criterion=scores.value,
        criterion_error=scores.error,
        criterion_name=scores.name,
        best_index_=best,
        best_estimator_=chosen,
    )


def _given_strengths(strengths: Setting, estimator: BaseMixture) -> Float[np.ndarray, " s"] | None:
    """Strengths that were given, checked; None where they are to be found."""
    if strengths is not None:
        return check_strengths(strengths)
    if estimator.l1_ratio == 0:
        raise ValueError(
            "strengths must be given with l1_ratio=0: a ridge never makes all slopes zero, so "
            "there is no largest strength to begin with."
        )
    return None


def check_strengths(strengths: Setting) -> Float[np.ndarray, " s"]:
    """Finite strengths, none negative, strongest first."""
    try:
        array = np.asarray(strengths, float)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        raise ValueError(f"strengths must be a list of numbers, got {strengths!r}.") from None
    if array.ndim != 1 or len(array) == 0:
        raise ValueError(f"strengths must be a list of numbers, got shape {array.shape}.")
    if not np.all(np.isfinite(array)) or array.min() < 0:
        raise ValueError(f"strengths must be finite and not negative, got {strengths!r}.")
    return np.sort(array)[::-1]


def _scores(
    name: str, fits: list[BaseMixture], held_out: np.ndarray, sample_weight: Weights, n: int
) -> _Scores:
    """The criterion of each fit; ``held_out`` has a row of log-likelihoods for each fold."""
    if name == "cv":
        several = len(held_out) > 1
        error = np.std(held_out, axis=0, ddof=1) / np.sqrt(len(held_out)) if several else None
        return _Scores(name, -held_out.mean(axis=0), error)
    total = check_weights(sample_weight, n).sum()
    if fits[0].fit_.rows_per_unit is not None:
        total = fits[0].sum_of_weights_
    price = np.log(total) if name == "bic" else 2.0
    deviance = np.array([-2 * total * moe.log_likelihood_ for moe in fits])
    return _Scores(name, deviance + price * np.array([moe.n_parameters_ for moe in fits]), None)


def _smallest(value: np.ndarray, fits: list[BaseMixture]) -> int:
    """Of fits with the smallest criterion the strongest; uncertified ones only if all are."""
    certified = np.array([moe.converged_ for moe in fits])
    eligible = (certified if certified.any() else np.ones(len(fits), bool)) & np.isfinite(value)
    return int(np.argmin(np.where(eligible, value, np.inf)))
