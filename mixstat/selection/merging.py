"""From one fit with too many experts to fewer: its atoms merged one pair after the other."""

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int
from scipy.special import logsumexp, softmax
from sklearn.utils.validation import check_is_fitted

from mixstat.arguments import Estimator, Response, Setting, Table, Weights
from mixstat.estimators.prediction import RegressionMixture
from mixstat.experts.gaussian import GaussianExperts
from mixstat.gates.softmax import SoftmaxGate
from mixstat.model import Mixture
from mixstat.selection.grid import with_settings
from mixstat.validation import check_integer


class MixingMeasure(NamedTuple):
    """Weighted atoms of a softmax gate and Gaussian experts, in standardised units."""

    weight: Float[np.ndarray, " K"]
    """Shares of the gate at the mean of its features; they do not depend on a reference."""
    slope: Float[np.ndarray, "K s"]
    """Of the gate."""
    coef: Float[np.ndarray, "K p"]
    """Of the experts."""
    variance: Float[np.ndarray, " K"]

    def distances(self) -> Float[np.ndarray, "K K"]:
        """Squared distances over sums of inverse weights; infinite from an atom to itself."""
        table = np.column_stack([self.slope, self.coef])
        apart = np.sum((table[:, None] - table[None]) ** 2, axis=2)
        apart += np.abs(self.variance[:, None] - self.variance[None])
        inverse = 1 / np.maximum(self.weight, 1e-300)
        apart /= inverse[:, None] + inverse[None]
        np.fill_diagonal(apart, np.inf)
        return apart

    def merged(self, i: int, j: int) -> "MixingMeasure":
        """The same with atom j in atom i, at their weighted mean."""
        pair = self.weight[[i, j]]
        share = pair / pair.sum()

        def one(table: np.ndarray) -> np.ndarray:
            joined = table.copy()
            joined[i] = share @ table[[i, j]]
            return np.delete(joined, j, axis=0)

        weight = self.weight.copy()
        weight[i] = pair.sum()
        return MixingMeasure(np.delete(weight, j), *(one(table) for table in self[1:]))

    def model(self) -> Mixture:
        """The mixture with these atoms."""
        rows = np.column_stack([np.log(np.maximum(self.weight, 1e-300)), self.slope])
        scale = 0.5 * np.log(self.variance)[:, None]
        experts = GaussianExperts(self.coef[:, None, :], scale, np.zeros((len(scale), 0)))
        return Mixture(SoftmaxGate(rows[:-1] - rows[-1]), experts)


@dataclass(frozen=True, eq=False)
class Dendrogram:
    """The experts of one fit, merged one pair after the other; from K experts to one.

    Examples
    --------
    >>> import numpy as np
    >>> from mixstat import MixtureOfExperts
    >>> from mixstat.selection import dendrogram
    >>> rng = np.random.default_rng(0)
    >>> X, group = rng.uniform(-1, 1, size=(300, 1)), rng.integers(3, size=300)
    >>> y = np.choose(group, [0, 1, 4]) + X[:, 0] + 0.2 * rng.standard_normal(300)
    >>> moe = MixtureOfExperts(3, n_init=2, random_state=0).fit(X, y)
    >>> dendrogram(moe, X, y).best_n_experts_
    3
    """

    n_experts: Int[np.ndarray, " K"]
    """K, K - 1, ..., 1: what is left at each level."""
    height: Float[np.ndarray, " K"]
    """The least distance between two atoms of each level, by which the next pair is chosen; NaN
    for a single one. A height near zero tells of an expert too many."""
    labels: Int[np.ndarray, "K K"]
    """A row a level: the group of each expert of the fit."""
    log_likelihood: Float[np.ndarray, " K"]
    """Mean log-likelihood of the rows under the merged atoms, which are not fitted again."""
    criterion: Float[np.ndarray, " K"]
    """Dendrogram criterion: minus height minus log n times the mean log-likelihood in standardised
    units; NaN for a single expert."""

    @property
    def best_n_experts_(self) -> int:
        """Number of experts with the smallest criterion; one only if the fit has no more."""
        if len(self.n_experts) == 1:
            return 1
        return int(self.n_experts[np.nanargmin(self.criterion)])

    def groups(self, n_experts: Setting) -> Int[np.ndarray, " K"]:
        """The group of each expert where so many are left.

        Parameters
        ----------
        n_experts : int
            Number of groups.

        Returns
        -------
        ndarray of shape (K,)
            Numbers from 0 to ``n_experts - 1``, as :func:`merge` takes them.
        """
        k, most = check_integer("n_experts", n_experts, 1), len(self.n_experts)
        if k > most:
            raise ValueError(f"n_experts must be at most {most}, as in the fit; got {n_experts!r}.")
        return self.labels[most - k]


def dendrogram(estimator: Estimator, X: Table, y: Response) -> Dendrogram:
    """Merge the nearest experts of a fit until one is left.

    Two atoms of the fitted mixing measure are near if they are alike in the slopes of the gate,
    the coefficients and the variance, or if one of them has little weight. From one fit with
    too many experts follow all smaller models, without another fit. Distances are in standardised
    units, with weights that do not depend on which expert is the gate's reference.

    Parameters
    ----------
    estimator : MixtureOfExperts
        Fitted, with a softmax gate and Gaussian experts of one output.
    X : array-like of shape (n, d)
        Inputs.
    y : array-like of shape (n,)
        Responses.

    Returns
    -------
    Dendrogram
        Heights, groups, and a criterion that chooses a number of experts.

    References
    ----------
    arXiv 2505.13052 and arXiv 2510.12744, on dendrograms of mixing measures of softmax-gated
    Gaussian mixtures of experts.

    Examples
    --------
    >>> import numpy as np
    >>> from mixstat import MixtureOfExperts
    >>> from mixstat.selection import dendrogram
    >>> rng = np.random.default_rng(0)
    >>> X, group = rng.uniform(-1, 1, size=(300, 1)), rng.integers(3, size=300)
    >>> y = np.choose(group, [0, 1, 4]) + X[:, 0] + 0.2 * rng.standard_normal(300)
    >>> moe = MixtureOfExperts(3, n_init=2, random_state=0).fit(X, y)
    >>> dendrogram(moe, X, y).groups(2)
    array([0, 0, 1])
    """
    moe = _softmax_of_normals(estimator)
    table, response = moe._read_pairs(X, y)
    fit, measure = moe.fit_, _measure(moe)
    k, n = len(measure.weight), len(response)
    labels, heights, likelihoods = np.zeros((k, k), int), np.full(k, np.nan), np.zeros(k)
    group = np.arange(k)
    for level in range(k):
        labels[level] = group
        logs = replace(fit, model=measure.model()).log_joint(table, response)
        likelihoods[level] = logsumexp(logs, axis=1).mean()
        if level == k - 1:
            break
        apart = measure.distances()
        i, j = sorted(int(one) for one in np.unravel_index(np.argmin(apart), apart.shape))
        heights[level], measure = apart[i, j], measure.merged(i, j)
        group = np.where(group == j, i, group)
        group = np.where(group > j, group - 1, group)
    criterion = -heights - np.log(n) * (likelihoods + fit.units.log_scale)
    return Dendrogram(np.arange(k, 0, -1), heights, labels, likelihoods, criterion)


def merge(
    estimator: Estimator,
    groups: Setting,
    X: Table,
    y: Response,
    sample_weight: Weights = None,
) -> RegressionMixture:
    """Fit again with some experts merged, beginning at their common responsibilities.

    Parameters
    ----------
    estimator : MixtureOfExperts
        Fitted, with a softmax gate and Gaussian experts of one output. It is not changed.
    groups : array-like of shape (K,)
        The group of each expert, from 0 on, such as ``dendrogram(moe, X, y).groups(2)``.
    X, y, sample_weight
        Rows as for ``fit``.

    Returns
    -------
    MixtureOfExperts
        A new estimator with an expert for each group, at a maximum with a certificate of its own.

    Examples
    --------
    >>> import numpy as np
    >>> from mixstat import MixtureOfExperts
    >>> from mixstat.selection import merge
    >>> rng = np.random.default_rng(0)
    >>> X, group = rng.uniform(-1, 1, size=(300, 1)), rng.integers(3, size=300)
    >>> y = np.choose(group, [0, 1, 4]) + X[:, 0] + 0.2 * rng.standard_normal(300)
    >>> moe = MixtureOfExperts(3, n_init=2, random_state=0).fit(X, y)
    >>> merge(moe, [0, 0, 1], X, y).expert_coef_[:, 0].round(1)
    array([0.5, 4. ])
    """
    moe = _softmax_of_normals(estimator)
    labels = _check_groups(groups, moe.fit_.n_experts)
    k = int(labels.max()) + 1
    shares = moe.responsibilities(X, y) @ np.eye(k)[labels]
    smaller = with_settings(moe, {"n_experts": k, "init": shares, "n_init": 1})
    smaller.fit(X, y, sample_weight=sample_weight)
    assert isinstance(smaller, RegressionMixture)
    return smaller


def _check_groups(groups: Setting, n_experts: int) -> Int[np.ndarray, " K"]:
    """Numbers of groups, of which none is empty."""
    labels = np.asarray(groups)
    whole = labels.shape == (n_experts,) and labels.dtype.kind in "iu"
    if not whole or not np.array_equal(np.unique(labels), np.arange(labels.max() + 1)):
        raise ValueError(
            f"groups must give each of the {n_experts} experts a group, numbered from 0 without "
            f"gaps, such as [0, 0, 1]; got {groups!r}."
        )
    return labels.astype(int)


def _softmax_of_normals(estimator: Estimator) -> RegressionMixture:
    """A fitted estimator whose atoms can be averaged."""
    if not isinstance(estimator, RegressionMixture):
        raise ValueError(f"estimator must be a fitted MixtureOfExperts, got {estimator!r}.")
    check_is_fitted(estimator)
    model = estimator.fit_.model
    if type(model.gate) is not SoftmaxGate or type(model.experts) is not GaussianExperts:
        raise ValueError(
            "estimator must have a softmax gate and Gaussian experts, whose atoms can be averaged; "
            f"got {estimator!r}."
        )
    if model.experts.n_outputs > 1 or not estimator.fit_.designs.gate.source.constant:
        raise ValueError(
            f"estimator must have one output and a gate with a constant, got {estimator!r}."
        )
    if estimator.fit_.units.offset_centre is not None:
        raise ValueError(f"estimator must be fitted without an offset, got {estimator!r}.")
    if estimator.fit_.request.schema.known is not None:
        raise ValueError(f"estimator must be fitted without known experts, got {estimator!r}.")
    return estimator


def _measure(moe: RegressionMixture) -> MixingMeasure:
    """Atoms of a fit, on internal features: of mean zero and deviation one."""
    gate, experts = moe.fit_.model.gate, moe.fit_.model.experts
    rows, blocks = gate.coefficients(), experts.atoms().blocks
    return MixingMeasure(
        softmax(rows[:, 0]),
        rows[:, 1:],
        np.column_stack([blocks["intercept"], blocks["slope"]]),
        blocks["variance"][:, 0],
    )
