"""Truths from a sampler with its density, and truths that move with the sample size."""

from dataclasses import replace

from mixstat.arguments import Setting
from mixstat.gates.softmax import SoftmaxGate
from mixstat.rates.box import check_box
from mixstat.rates.checks import check_text, short
from mixstat.rates.numbers import find_inputs
from mixstat.rates.sampled import make_sampled
from mixstat.rates.truths import MARKS, Truth
from mixstat.validation import check_integer


def from_sampler(
    inputs: Setting,
    sampler: Setting,
    log_density: Setting,
    *,
    values: Setting = None,
    name: Setting = "sampled",
    box: Setting = None,
) -> Truth:
    """A truth of which draws and a log density are all that is known.

    Draws at some inputs are compared with the density when it is made, so that the two cannot
    be of different models.

    Parameters
    ----------
    inputs : InputLaw or array-like of shape (n, d)
        Law of the inputs, or rows to draw from.
    sampler : callable
        From inputs (n, d) and a NumPy generator to n responses.
    log_density : callable
        From inputs (n, d) and n responses to the n natural logs of p(y | x).
    values : sequence of float, default=None
        All values of y, where it takes separate ones; None means that it has a density.
    name : str, default="sampled"
        Name of the truth.
    box : Box, default=None
        Compact parameter set for studies.

    Returns
    -------
    Truth
        Of losses, it has distances of densities and those that people register.

    Raises
    ------
    ValueError
        If the density does not integrate to one, or draws do not come from it.

    Examples
    --------
    >>> import numpy as np
    >>> from scipy import stats
    >>> from mixstat.rates import Uniform, from_sampler
    >>> def centre(X):
    ...     return np.sin(3 * X[:, 0])
    >>> truth = from_sampler(
    ...     Uniform(0, 1),
    ...     lambda X, random: random.laplace(centre(X), 0.2),
    ...     lambda X, y: stats.laplace.logpdf(y, centre(X), 0.2),
    ... )
    >>> truth.sample(3, 0)[1].shape
    (3,)
    >>> from_sampler(
    ...     Uniform(0, 1),
    ...     lambda X, random: random.normal(centre(X), 0.3),
    ...     lambda X, y: stats.norm.logpdf(y, centre(X), 0.2),
    ... )  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    ValueError: sampler and log_density must be of one distribution: ...
    """
    known = find_inputs(inputs, SoftmaxGate())
    assert known is not None  # but for gates that are a law of them
    law = make_sampled(known, sampler, log_density, values)
    return Truth(check_text("name", name), law, known, MARKS["own"], "own", box=check_box(box))


def moving_truth(function: Setting, *, at: Setting = 1000) -> Truth:
    """A truth that moves with the sample size, as worst cases of theory do.

    Parameters
    ----------
    function : callable
        From a sample size n to the :class:`Truth` of data sets of that size; all have the same
        shape, and inputs of the same number.
    at : int, default=1000
        Size of the data sets whose truth is shown, and gives box, claims and features.

    Returns
    -------
    Truth
        That of size ``at``; studies take the one of each size.

    Examples
    --------
    >>> from mixstat.rates import Truth, Uniform, moving_truth
    >>> def two_lines(n):
    ...     gap = n ** -0.125
    ...     return Truth.of(
    ...         Uniform(-3, 3),
    ...         gate_intercept=[0.5, 0.0],
    ...         gate_slope=[2.0, 0.0],
    ...         expert_intercept=[1.0, 1.0 + gap],
    ...         expert_slope=[1.5, 1.5 - gap],
    ...         scale=[0.5, 0.5],
    ...     )
    >>> truth = moving_truth(two_lines)
    >>> float(truth.at_size(256).mixture.experts.coef[1, 0, 0])
    1.5
    """
    if not callable(function) or isinstance(function, type):
        raise TypeError(f"function must be callable with a sample size, got {short(function)}.")
    size = check_integer("at", at, 1)
    made = function(size)
    if not isinstance(made, Truth):
        raise TypeError(f"function must return a Truth, got {short(made)}.")
    return replace(made, moves=function)
