"""Experts that a fit does not need, left out, and what is left fitted again."""

from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float, Int
from scipy.sparse.csgraph import connected_components
from sklearn.utils.validation import check_is_fitted

from mixstat.arguments import DataFrame, Estimator, Response, Setting, Table, Weights
from mixstat.estimators.base import BaseMixture
from mixstat.estimators.contextual import ContextualMixtureOfExperts
from mixstat.selection.grid import with_settings
from mixstat.validation import check_positive, check_share

EACH = ("expert", "degree")  # settings that may have an entry for each expert
FLOOR = 1e-12  # of responsibilities in a start


@dataclass(frozen=True, eq=False)
class PruningStep:
    """What was seen of one fit, and what was left out of it.

    Examples
    --------
    >>> from mixstat import MixtureOfExperts, datasets, selection
    >>> X, y = datasets.make_tent(300, random_state=0)
    >>> moe = MixtureOfExperts(2, n_init=2, random_state=0).fit(X, y)
    >>> print(selection.prune(moe, X, y).steps[0].share.round(1))
    [0.5 0.5]
    """

    n_experts: int
    """Before."""
    share: Float[np.ndarray, " K"]
    """Share of the rows that each expert is responsible for."""
    leads: Float[np.ndarray, " K"]
    """Share of the rows for which each is the most responsible."""
    apart: Float[np.ndarray, "K K"]
    """How far the densities of two experts are from each other, where they are at work."""
    groups: Int[np.ndarray, " K"]
    """What became of each expert: the number of the group it is in, or -1 if left out."""
    log_likelihood: float
    """Sum over the rows, before."""
    bic: float
    """Before; NaN where it does not apply."""

    @property
    def is_last(self) -> bool:
        """Whether every expert stays as it is."""
        return np.array_equal(self.groups, np.arange(self.n_experts))


@dataclass(frozen=True, eq=False, repr=False)
class Pruning:
    """A fit with fewer experts, and the way to it.

    Examples
    --------
    >>> from mixstat import MixtureOfExperts, datasets, selection
    >>> X, y = datasets.make_tent(300, random_state=0)
    >>> moe = MixtureOfExperts(2, n_init=2, random_state=0).fit(X, y)
    >>> selection.prune(moe, X, y, min_share=0.5).table["n_experts"].tolist()
    [2, 1]
    """

    best_estimator_: BaseMixture
    """The last fit, with a certificate of its own; the one that was given if all stay."""
    steps: tuple[PruningStep, ...] = field(repr=False)
    """One for each fit, the last of which keeps all of its experts."""

    @property
    def n_experts(self) -> int:
        """Number of experts that are left."""
        return self.best_estimator_.fit_.n_experts

    @property
    def table(self) -> DataFrame:
        """A row a fit: experts, log-likelihood, BIC, and what was left out or joined."""
        import pandas

        return pandas.DataFrame(
            {
                "n_experts": [one.n_experts for one in self.steps],
                "log_likelihood": [one.log_likelihood for one in self.steps],
                "bic": [one.bic for one in self.steps],
                "smallest_share": [one.share.min() for one in self.steps],
                "nearest": [one.apart.min() for one in self.steps],
                "left_out": [str(np.flatnonzero(one.groups < 0).tolist()) for one in self.steps],
                "joined": [str(_joined(one.groups)) for one in self.steps],
            }
        )

    def __repr__(self) -> str:
        before, after = self.steps[0], self.steps[-1]
        if before.is_last:
            return f"All {before.n_experts} experts stay."
        return (
            f"{after.n_experts} of {before.n_experts} experts are left. The log-likelihood moves "
            f"by {after.log_likelihood - before.log_likelihood:.4g}, BIC by "
            f"{after.bic - before.bic:.4g}.\n{self.table.to_string(float_format='{:.4f}'.format)}"
        )


def prune(
    estimator: Estimator,
    X: Table,
    y: Response = None,
    sample_weight: Weights = None,
    *,
    min_share: Setting = 0.02,
    min_leads: Setting = 0.0,
    alike: Setting = 0.05,
) -> Pruning:
    """Leave out small experts, join those that are alike, and fit again until all stay.

    Every refit begins at the responsibilities of what is left and has a certificate of its
    own, so that nothing is taken on trust: ``table`` tells what each step did to the likelihood.

    Parameters
    ----------
    estimator : estimator
        Fitted, of any gate and family; not one with contexts or known experts. It is not
        changed.
    X : array-like of shape (n, d)
        Inputs.
    y : array-like of shape (n,) or (n, m)
        Responses or labels; may be left out beside a formula.
    sample_weight : array-like of shape (n,), default=None
        Row weights as in ``fit``.
    min_share : float, default=0.02
        Share of the rows that an expert must be responsible for, on average.
    min_leads : float, default=0.0
        Share of the rows for which it must be the most responsible expert.
    alike : float, default=0.05
        Two experts are joined if their densities are nearer than that: the mean of the log of
        their ratio over the rows of the one, plus that of its inverse over those of the other
        (Jeffreys' divergence; of normals with one deviation the squared distance of their means
        in deviations). 0 joins none.

    Returns
    -------
    Pruning
        The last fit and a record of each step.

    Raises
    ------
    ValueError
        If a setting is out of range, or experts stand for contexts or places in a tree.

    Warns
    -----
    ConvergenceWarning
        If a refit is not a certified maximum.

    Examples
    --------
    >>> from mixstat import MixtureOfExperts, datasets, selection
    >>> X, y = datasets.make_tent(300, random_state=0)
    >>> selection.prune(MixtureOfExperts(2, n_init=2, random_state=0).fit(X, y), X, y)
    All 2 experts stay.
    """
    moe = _check(estimator)
    least, leads = check_share("min_share", min_share), check_share("min_leads", min_leads)
    near = check_positive("alike", alike, zero=True)
    steps: list[PruningStep] = []
    while True:
        step = _examined(moe, X, y, sample_weight, (least, leads, near))
        steps.append(step)
        if step.is_last:
            return Pruning(moe, tuple(steps))
        moe = _refitted(moe, step.groups, X, y, sample_weight)


def _check(estimator: Estimator) -> BaseMixture:
    if not isinstance(estimator, BaseMixture):
        raise ValueError(f"estimator must be a fitted one of mixstat, got {estimator!r}.")
    if isinstance(estimator, ContextualMixtureOfExperts):
        raise ValueError(
            "estimator must be one without contexts, each of which needs its expert; got "
            f"{type(estimator).__name__}."
        )
    check_is_fitted(estimator)
    if estimator.fit_.request.schema.known is not None:
        raise ValueError(
            f"estimator must be fitted without known experts, which would be lost; got "
            f"{estimator!r}."
        )
    return estimator


def _examined(
    moe: BaseMixture,
    X: Table,
    y: Response,
    sample_weight: Weights,
    limits: tuple[float, float, float],
) -> PruningStep:
    """Shares and distances of the experts, and which of them stay."""
    table, response = moe._read_pairs(X, y, sample_weight=sample_weight)
    weight = moe._weights(X, sample_weight, len(response))
    fit = moe.fit_
    resp = fit.responsibilities(table, response) * weight[:, None]
    densities = fit.log_joint(table, response) - fit.log_gate(table)
    k = fit.n_experts
    share = resp.sum(axis=0) / weight.sum()
    first = np.eye(k)[np.argmax(resp, axis=1)]
    leads = weight @ first / weight.sum()
    apart = _apart(densities, resp)
    groups = _groups(moe, share, leads, apart, limits)
    counts = moe.strengths_.gate_square == 0 and moe.strengths_.expert_square == 0
    bic = moe.bic(X, y, sample_weight) if counts else np.nan
    total = float(weight @ moe.score_samples(X, y))
    return PruningStep(k, share, leads, apart, groups, total, bic)


def _apart(
    densities: Float[np.ndarray, "n K"], resp: Float[np.ndarray, "n K"]
) -> Float[np.ndarray, "K K"]:
    """Jeffreys' divergence of each pair, estimated from the rows of both; infinite with itself."""
    k = densities.shape[1]
    mean = resp / np.maximum(resp.sum(axis=0), 1e-300)
    found = np.full((k, k), np.inf)
    for i in range(k):
        for j in range(i + 1, k):
            gap = np.where(mean[:, [i, j]].any(axis=1), densities[:, i] - densities[:, j], 0.0)
            found[i, j] = found[j, i] = abs(float((mean[:, i] - mean[:, j]) @ gap))
    return found


def _groups(
    moe: BaseMixture,
    share: np.ndarray,
    leads: np.ndarray,
    apart: np.ndarray,
    limits: tuple[float, float, float],
) -> Int[np.ndarray, " K"]:
    """Number of the group of each expert; -1 for those that are left out."""
    least, most, near = limits
    small = (share < least) | (leads < most)
    if small.all():
        small[np.argmax(share)] = False
    kinds = _kinds(moe, len(share))
    same = kinds[:, None] == kinds[None, :]
    joined = (apart < near) & same & ~small[:, None] & ~small[None, :]
    _, component = connected_components(joined, directed=False)
    groups = np.full(len(share), -1)
    _, groups[~small] = np.unique(component[~small], return_inverse=True)
    order = {old: new for new, old in enumerate(dict.fromkeys(groups[~small].tolist()))}
    groups[~small] = [order[one] for one in groups[~small].tolist()]
    return groups


def _kinds(moe: BaseMixture, k: int) -> Int[np.ndarray, " K"]:
    """Experts of one number are of one family and one degree."""
    settings = moe.get_params(deep=False)
    columns = [
        [repr(one) for one in value]
        for name in EACH
        if isinstance(value := settings.get(name), list | tuple)
    ]
    each = list(zip(*columns, strict=True)) or [()] * k
    return np.array([each.index(one) for one in each])


def _refitted(
    moe: BaseMixture, groups: Int[np.ndarray, " K"], X: Table, y: Response, sample_weight: Weights
) -> BaseMixture:
    """The fit of what is left, from common responsibilities."""
    k = int(groups.max()) + 1
    if not moe.fit_.model.gate.exchangeable:
        raise ValueError(
            "estimator must have a gate whose experts can be left out one by one, got "
            f"{moe.get_params(deep=False)['gate']!r}, in which each has its place."
        )
    member = (groups[:, None] == np.arange(k)[None, :]).astype(float)
    start = moe.responsibilities(X, y) @ member + FLOOR
    start /= start.sum(axis=1, keepdims=True)
    given = moe.get_params(deep=False)
    smaller = with_settings(moe, _settings(moe, groups) | {"init": start, "n_init": 1})
    smaller.fit(X, y, sample_weight=sample_weight)
    return smaller.set_params(init=given["init"], n_init=given["n_init"])


def _settings(moe: BaseMixture, groups: Int[np.ndarray, " K"]) -> dict[str, Setting]:
    """Number of experts, and settings with an entry for each, of the first of each group."""
    k = int(groups.max()) + 1
    first = [int(np.flatnonzero(groups == one)[0]) for one in range(k)]
    found: dict[str, Setting] = {"n_experts": k}
    for name in (*EACH, "expert_names"):
        value = moe.get_params(deep=False).get(name)
        if isinstance(value, list | tuple):
            found[name] = [value[i] for i in first]
    return found


def _joined(groups: Int[np.ndarray, " K"]) -> list[list[int]]:
    """Experts that share a group."""
    each = [np.flatnonzero(groups == one).tolist() for one in range(int(groups.max()) + 1)]
    return [one for one in each if len(one) > 1]
