"""Losses that people state themselves: functions of a truth and a fitted law, by name."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from mixstat.arguments import Setting
from mixstat.model import Mixture
from mixstat.rates.checks import short
from mixstat.rates.law import Law
from mixstat.rates.losses import BLOCK, COLUMNS, LOSSES, UNCERTAINTY, VORONOI, Columns, Loss
from mixstat.rates.truths import Truth

# columns of a study's table that are no losses
FACTS = (
    *("n", "replicate", "converged", "status", "log_likelihood", "n_iter", "gradient_norm"),
    *("newton_decrement", "min_eigenvalue", "best_start", "starts_agreeing", "binding"),
)
SHOWN = 6  # digits of a loss at the null model, by which a store knows it


class OwnColumns(NamedTuple):
    """The column of a loss that is a function of one fitted law."""

    name: str
    function: Callable[..., object]
    """From a truth and a law to a number."""

    def __call__(self, truth: Truth, laws: Sequence[Law]) -> Columns:
        """Values for fitted laws."""
        return {self.name: np.array([self.one(truth, law) for law in laws])}

    def one(self, truth: Truth, law: Law) -> float:
        """The loss of a law; an error says which loss it was."""
        try:
            value = self.function(truth, law)
        except Exception as error:
            seen = f"{type(error).__name__}: {error}"
            raise ValueError(f"loss {self.name!r} must take a truth and a law; {seen}") from error
        number = np.asarray(value)
        if number.size != 1 or number.dtype.kind not in "biuf":
            raise ValueError(f"loss {self.name!r} must return a number, got {short(value)}.")
        return float(number.item())


def register_loss(name: Setting, function: Setting, *, title: Setting = "") -> None:
    """Make a loss of one's own known by name, to studies and to :func:`mixstat.rates.evaluate`.

    Parameters
    ----------
    name : str
        Name of the loss and of its column. A name that was registered before is replaced; one of
        mixstat is refused.
    function : callable
        From a :class:`Truth` and a fitted law to a number that is zero for the truth.
        ``law.at(X)`` and ``truth.law.at(X)`` are the mixtures at rows (n, d), with shares
        ``share`` (K, n) and ``mean()``; ``law.mixture`` holds gate and experts.
    title : str, default=""
        What it is, in words.

    Examples
    --------
    >>> import numpy as np
    >>> from mixstat.rates import evaluate, find_truth, register_loss
    >>> def mean_error(truth, law):
    ...     X = truth.inputs.nodes(4).X
    ...     return np.abs(truth.law.at(X).mean() - law.at(X).mean()).mean()
    >>> register_loss("mean_error_of_y", mean_error)
    >>> truth = find_truth("softmax-gaussian-mild")
    >>> evaluate("mean_error_of_y", truth, truth.law)
    {'mean_error_of_y': array([0.])}
    """
    column = _check_name(name)
    if not callable(function):
        raise TypeError(f"function must be callable with a truth and a law, got {short(function)}.")
    if not isinstance(title, str):
        raise TypeError(f"title must be a string, got {short(title)}.")
    LOSSES[column] = Loss(OwnColumns(column, function), _any_model, title or column)


def _check_name(name: Setting) -> str:
    """A name that is free for a column."""
    if not isinstance(name, str) or not name.isidentifier():
        raise ValueError(f"name must be a word such as 'mean_error_of_y', got {short(name)}.")
    taken = {*COLUMNS, VORONOI, *FACTS} | {n for n, one in LOSSES.items() if not _is_own(one)}
    if name in taken or name.startswith(BLOCK) or name.endswith(UNCERTAINTY):
        raise ValueError(
            f"name must be one that mixstat does not use, without {BLOCK!r} before it or "
            f"{UNCERTAINTY!r} behind it; got {name!r}."
        )
    return name


def _any_model(truth: Truth, model: Mixture) -> str:
    return ""


def _is_own(loss: Loss) -> bool:
    return isinstance(loss.columns, OwnColumns)


def own_among(names: Sequence[str]) -> tuple[OwnColumns, ...]:
    """Those of some losses that people have registered; other processes must be told of them."""
    found = [LOSSES[name].columns for name in names]
    return tuple(one for one in found if isinstance(one, OwnColumns))


def remember(own: Sequence[OwnColumns]) -> None:
    """Register what another process has."""
    for one in own:
        LOSSES[one.name] = Loss(one, _any_model, one.name)


def told_by(names: Sequence[str], truth: Truth, null: Law) -> list[str]:
    """Names of losses; own ones with their value at a model, which tells two of one name apart."""
    values = {one.name: one.one(truth, null) for one in own_among(names)}
    return [f"{name} = {values[name]:.{SHOWN}g}" if name in values else name for name in names]
