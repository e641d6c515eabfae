"""Scores of whole conditional distributions, by name, for scikit-learn's tools."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from mixstat.arguments import Response, Setting, Table, Weights, count_rows
from mixstat.estimators.base import BaseMixture
from mixstat.estimators.classification import ClassificationMixture
from mixstat.estimators.prediction import RegressionMixture
from mixstat.validation import check_choice, check_open_share, check_probability, check_weights

LEVELS = (0.1, 0.25, 0.5, 0.75, 0.9)  # of the pinball loss, where none are given
COVERAGE = 0.9


@dataclass(frozen=True)
class Scorer:
    """A scorer of scikit-learn: called with a fitted estimator and rows, large is good.

    Examples
    --------
    >>> from mixstat import MixtureOfExperts
    >>> from mixstat.datasets import make_tent
    >>> from mixstat.selection import scorer
    >>> X, y = make_tent(300, random_state=0)
    >>> moe = MixtureOfExperts(2, n_init=2, random_state=0).fit(X, y)
    >>> crps = scorer("crps")
    >>> print(f"{crps(moe, X, y):.2f}")
    -0.05
    """

    name: str
    """What is scored."""
    level: float | tuple[float, ...] | None = None
    """Of the quantiles, or the coverage."""

    def __call__(
        self, estimator: object, X: Table, y: Response = None, sample_weight: Weights = None
    ) -> float:
        """The score of an estimator on rows.

        Parameters
        ----------
        estimator : estimator
            Fitted; or a pipeline that ends in one.
        X : array-like of shape (n, d)
            Inputs.
        y : array-like of shape (n,) or (n, m)
            Responses or labels.
        sample_weight : array-like of shape (n,), default=None
            Row weights.

        Returns
        -------
        float
            Weighted mean over rows.
        """
        estimator, X = _unpacked(estimator, X)
        if not isinstance(estimator, BaseMixture):
            raise ValueError(f"estimator must be one of mixstat, got {estimator!r}.")
        scores = SCORES[self.name](estimator, X, y, self.level)
        weight = check_weights(sample_weight, count_rows(X))
        if self.name == "coverage":  # of rows inside, which is to be neither low nor high
            inside = float(np.average(scores, weights=weight))
            return -abs(inside - float(np.ravel(self.level)[0]))  # type: ignore[arg-type]
        return float(np.average(scores, weights=weight))


def _unpacked(estimator: object, X: Table) -> tuple[object, Table]:
    """The end of a pipeline with what comes to it; an estimator by itself with its own inputs."""
    steps = [step for _, step in getattr(estimator, "steps", [])]
    for step in steps[:-1]:
        X = X if step is None or step == "passthrough" else step.transform(X)
    return (steps[-1] if steps else estimator), X


def scorer(name: Setting, *, level: Setting = None) -> Scorer:
    """A scorer for ``cross_val_score``, ``GridSearchCV`` and their kind; large is good.

    Parameters
    ----------
    name : str
        "log_density", the mean log density of y given x; "crps", minus the continuous ranked
        probability score; "pinball", minus twice the quantile loss (averaged over ``level``);
        "coverage", minus the distance of the share of rows inside central intervals from
        ``level``; or "brier", minus the squared distance of class probabilities from the
        labels (classifiers alone).
    level : float or sequence of float, default=None
        Levels of the quantiles for "pinball" (None means .1, .25, .5, .75 and .9), or the
        coverage for "coverage" (None means .9).

    Returns
    -------
    Scorer
        To be given as ``scoring``.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.model_selection import cross_val_score
    >>> from mixstat import MixtureOfExperts
    >>> from mixstat.selection import scorer
    >>> X = np.linspace(-1, 1, 60)[:, None]
    >>> y = 2 * X[:, 0] + np.random.default_rng(0).standard_normal(60)
    >>> moe = MixtureOfExperts(1)
    >>> cross_val_score(moe, X, y, cv=3, scoring=scorer("log_density")).shape
    (3,)
    """
    chosen = check_choice("name", name, tuple(SCORES))
    if chosen == "coverage":
        return Scorer(chosen, COVERAGE if level is None else check_open_share("level", level))
    if chosen == "pinball":
        levels = LEVELS if level is None else tuple(np.ravel(check_probability("level", level)))
        return Scorer(chosen, tuple(float(one) for one in levels))
    if level is not None:
        raise ValueError(f"level must be None for {chosen!r}, which has none; got {level!r}.")
    return Scorer(chosen)


Rows = Float[np.ndarray, " n"]
Level = float | tuple[float, ...] | None


def _log_density(estimator: BaseMixture, X: Table, y: Response, level: Level) -> Rows:
    return estimator.score_samples(X, y)


def _crps(estimator: BaseMixture, X: Table, y: Response, level: Level) -> Rows:
    return -_by_output(_regressor(estimator, "crps").crps(X, y))


def _pinball(estimator: BaseMixture, X: Table, y: Response, level: Level) -> Rows:
    levels = np.ravel(np.asarray(level, float))
    quantiles = _regressor(estimator, "pinball").predict_quantile(X, levels)
    above = _observed(y, quantiles.shape[:-1])[..., None] - quantiles
    losses = np.maximum(levels * above, (levels - 1) * above)
    return -2 * _by_output(losses.mean(axis=-1))


def _coverage(estimator: BaseMixture, X: Table, y: Response, level: Level) -> Rows:
    ends = _regressor(estimator, "coverage").predict_interval(X, level)
    observed = _observed(y, ends.shape[:-1])
    return _by_output(((ends[..., 0] <= observed) & (observed <= ends[..., 1])).astype(float))


def _brier(estimator: BaseMixture, X: Table, y: Response, level: Level) -> Rows:
    if not isinstance(estimator, ClassificationMixture):
        raise ValueError(
            f"name='brier' needs a classifier, got {type(estimator).__name__}; 'crps' is its kin "
            "for real responses and counts."
        )
    hit = np.asarray(y)[:, None] == np.asarray(estimator.classes_)[None, :]
    return -np.sum((estimator.predict_proba(X) - hit) ** 2, axis=1)


SCORES: dict[str, Callable[[BaseMixture, Table, Response, Level], Rows]] = {
    "log_density": _log_density,
    "crps": _crps,
    "pinball": _pinball,
    "coverage": _coverage,
    "brier": _brier,
}


def _regressor(estimator: BaseMixture, name: str) -> RegressionMixture:
    if not isinstance(estimator, RegressionMixture):
        raise ValueError(f"name={name!r} needs a regressor, got {type(estimator).__name__}.")
    return estimator


def _observed(y: Response, shape: tuple[int, ...]) -> np.ndarray:
    """Responses as predictions are shaped."""
    observed = np.asarray(y, float)
    if observed.size != np.prod(shape):
        raise ValueError(
            f"y must be of shape {shape}, as what is predicted, got {observed.shape}; successes "
            "and failures can be scored by 'log_density' and 'crps'."
        )
    return observed.reshape(shape)


def _by_output(scores: np.ndarray) -> Rows:
    """One number a row: the mean over outputs."""
    return scores if scores.ndim == 1 else scores.mean(axis=1)
