"""Truths by name; a new one is a function of the catalogue, or one more group here."""

from mixstat.arguments import Setting
from mixstat.rates.catalogue import (
    further,
    gaussian_gate,
    multinomial,
    regression,
    softmax_gaussian,
    temperature,
)
from mixstat.rates.checks import check_name
from mixstat.rates.truths import Truth

GROUPS = (softmax_gaussian, gaussian_gate, multinomial, temperature, regression, further)


def truths() -> dict[str, Truth]:
    """All truths by name.

    Examples
    --------
    >>> from mixstat.rates import truths
    >>> [name for name in truths() if name.startswith("polynomial")]
    ['polynomial-smooth', 'polynomial-rough']
    """
    return {one.name: one for group in GROUPS for one in group()}


def find_truth(name: Setting) -> Truth:
    """The truth of this name; ValueError lists the names if there is none.

    Examples
    --------
    >>> from mixstat.rates import find_truth
    >>> truth = find_truth("softmax-gaussian-mild")
    >>> truth.n_experts, truth.sample(100, 0)[0].shape
    (2, (100, 1))
    """
    known = truths()
    return known[check_name("truth", name, known)]
