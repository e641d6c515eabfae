"""Which inputs matter in which context, with intervals from a weighted bootstrap."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from sklearn.utils.validation import check_is_fitted

from mixstat.arguments import Axes, Estimator, Frame, Response, Seed, Setting, Table, Weights
from mixstat.estimators.base import BaseMixture
from mixstat.fitting.batch_of_fits import fit_many
from mixstat.fitting.fit import Fit
from mixstat.inference.quantity import middle_of_draws
from mixstat.numerics.precision import in_float64
from mixstat.numerics.quiet import quiet
from mixstat.plotting.inputs import InputReportDisplay
from mixstat.selection.folds import check_params
from mixstat.validation import check_integer, check_open_share, check_seed


@dataclass(frozen=True)
class InputReport:
    """Coefficients of each expert with intervals, and how much each input moves its response.

    Examples
    --------
    >>> from mixstat import MixtureOfExperts
    >>> from mixstat.datasets import make_tent
    >>> from mixstat.soft_sensors import input_report
    >>> X, y = make_tent(300, random_state=0)
    >>> moe = MixtureOfExperts(2, n_init=2, random_state=0).fit(X, y)
    >>> report = input_report(moe, X, y, n_boot=20, random_state=0)
    >>> report.features
    ['x0', 'x1', 'x2']
    >>> report.matters
    array([[ True, False, False],
           [ True, False, False]])
    """

    contexts: list[str]
    """What each expert stands for, numbered where several share a context."""
    features: list[str]
    """Names of the inputs' columns, the constant left out."""
    coef: Float[np.ndarray, "K p"]
    """Coefficients, in units of y per unit of the input (of its link, for other families)."""
    low: Float[np.ndarray, "K p"]
    """Lower ends of the intervals of the coefficients."""
    high: Float[np.ndarray, "K p"]
    """Upper ends."""
    deviation: Float[np.ndarray, "K p"]
    """Standard deviation of each input among the rows of the context."""
    selected: Float[np.ndarray, "K p"]
    """Share of the refits in which the coefficient is not zero."""
    share: Float[np.ndarray, " K"]
    """Share of the rows that each expert is responsible for."""
    level: float
    """Level of the intervals."""
    n_boot: int
    """Number of refits."""

    @property
    def effect(self) -> Float[np.ndarray, "K p"]:
        """Change of the expert's mean over one deviation of the input within the context."""
        return self.coef * self.deviation

    @property
    def matters(self) -> np.ndarray:
        """(K, p) whether the interval of a coefficient leaves zero out."""
        return (self.low > 0) | (self.high < 0)

    def to_frame(self) -> Frame:
        """A pandas table with a row for each context and input.

        Returns
        -------
        DataFrame
            Largest effect first within each context.
        """
        import pandas as pd

        tables = {
            "coef": self.coef,
            "low": self.low,
            "high": self.high,
            "effect": self.effect,
            "selected": self.selected,
        }
        rows = pd.MultiIndex.from_product(
            [self.contexts, self.features], names=["context", "input"]
        )
        frame = pd.DataFrame({name: table.ravel() for name, table in tables.items()}, index=rows)
        width = len(self.features)
        order = [
            k * width + j
            for k, row in enumerate(np.abs(self.effect))
            for j in np.argsort(-row, kind="stable")
        ]
        return frame.iloc[order]

    def plot(self, *, n_inputs: int | None = None, ax: Axes = None) -> InputReportDisplay:
        """Draw effects with their intervals, a panel for each context.

        Parameters
        ----------
        n_inputs : int, default=None
            Show that many inputs, those of the largest effects; None shows all.
        ax : array of matplotlib Axes, default=None
            One for each context; None makes a new figure.

        Returns
        -------
        InputReportDisplay
            The display, with ``axes_`` and ``figure_``.
        """
        return InputReportDisplay.from_report(self, n_inputs=n_inputs, ax=ax)


@quiet
def input_report(
    model: Estimator,
    X: Table,
    y: Response,
    *,
    n_boot: Setting = 100,
    level: Setting = 0.9,
    block: Setting = 1,
    sample_weight: Weights = None,
    random_state: Seed = None,
    params: Setting = None,
) -> InputReport:
    """Inputs that matter in each context, by a weighted bootstrap of the fit.

    Every refit weights the rows by independent exponential draws and begins at the fitted
    model, so that its experts keep their meaning. The refits run as one batch, with the
    possibilities, the penalty and the standardisation of the fit.

    Parameters
    ----------
    model : MixtureOfExperts or ContextualMixtureOfExperts
        A fitted estimator of one output. It is not changed.
    X : array-like of shape (n, d)
        The rows it was fitted to.
    y : array-like of shape (n,)
        Their responses.
    n_boot : int, default=100
        Number of refits.
    level : float, default=0.9
        Level of the (percentile) intervals.
    block : int, default=1
        Rows in a run that share one weight. For rows in the order of time take more than the
        errors are correlated over.
    sample_weight : array-like of shape (n,), default=None
        Row weights of the fit.
    random_state : int, RandomState or None, default=None
        Seed of the draws.
    params : dict, default=None
        Further arguments of ``fit``: ``possibilities`` or ``context_data``.

    Returns
    -------
    InputReport
        Coefficients, intervals and effects.

    Raises
    ------
    ValueError
        If an argument is out of range, the model has several outputs, or X, y and
        ``sample_weight`` (and ``params``) are not the rows of the fit in their order.

    References
    ----------
    Newton, M. A. and Raftery, A. E. (1994). Approximate Bayesian inference with the weighted
    likelihood bootstrap. J. R. Statist. Soc. B 56, 3-48.

    Examples
    --------
    >>> from mixstat import MixtureOfExperts
    >>> from mixstat.datasets import make_tent
    >>> from mixstat.soft_sensors import input_report
    >>> X, y = make_tent(300, random_state=0)
    >>> moe = MixtureOfExperts(2, n_init=2, random_state=0).fit(X, y)
    >>> report = input_report(moe, X, y, n_boot=20, random_state=0)
    >>> report.to_frame().loc[("expert 0", "x0"), ["coef", "low", "high"]].round(1).tolist()
    [1.9, 1.8, 2.1]
    """
    model = _check_model(model)
    coef = model.expert_coef_
    count, share = check_integer("n_boot", n_boot, 2), check_open_share("level", level)
    table, response = model._read_pairs(X, y, sample_weight=sample_weight)
    own = model._weights(X, sample_weight, len(response))
    fit = model._on_own_rows(X, y, sample_weight, **check_params(params))  # others are refused
    random = check_seed("random_state", random_state)
    weights = own * _draws(len(own), count, check_integer("block", block, 1), random)
    first = int(fit.designs.experts.source.constant)
    slopes = refits(fit, weights[:, own > 0])[:, :, first:]
    low, high = middle_of_draws(slopes, share)
    known = model._offset(X, check_params(params).get("offset"))
    resp = fit.responsibilities(table, response, known) * own[:, None]
    return InputReport(
        contexts=fit.expert_titles,
        features=fit.designs.experts.names[first:],
        coef=coef[:, first:],
        low=low,
        high=high,
        deviation=_deviations(fit.designs.experts.source.raw(table)[:, first:], resp),
        selected=np.mean(slopes != 0, axis=0),
        share=resp.sum(axis=0) / resp.sum(),
        level=share,
        n_boot=count,
    )


def _check_model(model: Estimator) -> BaseMixture:
    """A fitted estimator of one output, each row of which has an expert of its own."""
    if not isinstance(model, BaseMixture):
        raise ValueError(f"model must be an estimator of mixstat, got {model!r}.")
    check_is_fitted(model)
    if (coef := model.expert_coef_).ndim != 2:
        raise ValueError(f"model must have one output, got {coef.shape[1]}.")
    if model.fit_.rows_per_unit is not None:
        raise ValueError("model must be fitted without groups, whose units share experts; got one.")
    return model


@in_float64
def refits(fit: Fit, weights: Float[np.ndarray, "b n"]) -> Float[np.ndarray, "b K p"]:
    """Expert coefficients of the model fitted to its own rows with other weights."""
    objective = fit.maximum.objective
    ends = fit_many(objective, [fit.model], weights=weights, tol=fit.request.options.tol)
    coef = [fit.to_user(ends.model(b)).experts.coefficients()[:, 0] for b in range(len(ends))]
    return np.stack(coef)


def _draws(
    n: int, n_boot: int, block: int, random: np.random.RandomState
) -> Float[np.ndarray, "b n"]:
    """Exponential weights of mean one, the same within a run of ``block`` rows."""
    each = random.exponential(size=(n_boot, -(-n // block)))
    weights = np.repeat(each, block, axis=1)[:, :n]
    return weights * (n / weights.sum(axis=1, keepdims=True))


def _deviations(
    columns: Float[np.ndarray, "n p"], weight: Float[np.ndarray, "n K"]
) -> Float[np.ndarray, "K p"]:
    """Deviation of each column by the weights of each expert."""
    share = weight / np.maximum(weight.sum(axis=0), np.finfo(float).tiny)
    mean = share.T @ columns
    return np.sqrt(np.stack([s @ (columns - m) ** 2 for s, m in zip(share.T, mean, strict=True)]))
