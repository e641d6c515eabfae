"""Distances between conditional densities, averaged over the law of the inputs.

For each input, y is integrated by Gauss-Legendre rules between quantiles of every expert of
both densities, so that a narrow expert gets as many points as a wide one; classes and counts
are summed. A second, coarser rule gives an error estimate.
"""

from typing import Any, NamedTuple, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float
from scipy.special import ndtr

from mixstat.arguments import Setting
from mixstat.numerics.compiled import kernel
from mixstat.numerics.precision import AnyArray, in_float64
from mixstat.predictive import Predictive
from mixstat.rates.checks import check_instance, short
from mixstat.rates.inputs import NOWHERE, ORDERS, Nodes, check_inputs, panels
from mixstat.rates.law import Law
from mixstat.rates.regression import RegressionFunction
from mixstat.rates.sampled import SampledLaw
from mixstat.rates.truths import Truth

Conditional: TypeAlias = Law | RegressionFunction

# where panels end, in standard units of a normal expert
BREAKS = np.array([-9.0, -7, -5.5, -4, -2.75, -1.75, -0.85, 0, 0.85, 1.75, 2.75, 4, 5.5, 7, 9])
TAIL = 1e-13  # probability of counts left out at either end
MOST_COUNTS = 20_000  # counts in the support of one density
DRAWS = 64  # of a truth that is known by draws, at each input
TAILS = np.array([0.05, 0.2, 0.5, 1, 2, 4, 8, 16])  # ranges of the draws beyond them
POINTS = (4, 7)  # of a panel of y: for the error estimate, and for the value


class Divergences(NamedTuple):
    """Averages over the inputs, each with an estimate of its error."""

    hellinger: float
    total_variation: float
    kl: float
    hellinger_error: float
    total_variation_error: float
    kl_error: float


def divergences(truth: Setting, law: Setting, inputs: Setting = None) -> Divergences:
    """Distances of a law from a truth.

    Parameters
    ----------
    truth : Truth
        What it is compared with.
    law : Law
        What is compared.
    inputs : InputLaw, default=None
        Another law of the inputs to average over.

    Returns
    -------
    Divergences
        With p the truth and q the other: Hellinger (half the integral of the squared difference
        of roots, then the root), total variation (half the integral of ``abs(p - q)``) and
        Kullback-Leibler (of q from p), averaged over the inputs.

    Raises
    ------
    ValueError
        If there are several outputs.

    Examples
    --------
    >>> from mixstat.rates import divergences, find_truth
    >>> truth, other = find_truth("softmax-gaussian-mild"), find_truth("sigmoid")
    >>> found = divergences(truth, other.law)
    >>> print(f"{found.hellinger:.2f} {found.total_variation:.2f} {found.kl:.2f}")
    0.07 0.06 0.03
    """
    truth = check_instance("truth", truth, Truth, "a Truth")
    if not isinstance(law, Law | RegressionFunction):
        raise TypeError(f"law must be a law, such as truth.law, got {short(law)}.")
    law_of_x = truth.inputs if inputs is None else check_inputs(inputs)
    ends = law_of_x.interval
    breaks = NOWHERE if ends is None else np.append(truth.law.breaks(*ends), law.breaks(*ends))
    coarse, fine = [
        _averages(truth.law, law, law_of_x.nodes(order, breaks), points)
        for order, points in zip(ORDERS, POINTS, strict=True)
    ]
    errors = np.abs(fine - coarse)
    return Divergences._make(np.concatenate([fine, errors]).tolist())


@in_float64
def _averages(
    true: Conditional | SampledLaw, fitted: Conditional, nodes: Nodes, points: int
) -> Float[np.ndarray, " 3"]:
    if isinstance(true, SampledLaw):
        return _of_sampled(true, fitted.at(nodes.X), nodes, points)
    p, q = true.at(nodes.X), fitted.at(nodes.X)
    y, mass = response_nodes(p, q, points)
    coded = [law.experts.encode(y.reshape(-1, 1)).T for law in (p, q)]
    each = _per_input(p, q, coded[0], coded[1], mass)
    return np.array([float(nodes.weight @ np.asarray(a)) for a in each])


def _of_sampled(
    true: SampledLaw, q: Predictive, nodes: Nodes, points: int
) -> Float[np.ndarray, " 3"]:
    """The same against a density that is only known by its values."""
    if true.values:
        y = np.tile(true.values, (len(nodes.X), 1))
        mass = np.ones(y.shape)
    else:
        ends = np.concatenate([_quantiles(q.marginals), _reach(true.draws(nodes.X, DRAWS))], axis=1)
        y, mass = panels(np.sort(ends, axis=1), points)
    coded = q.experts.encode(y.reshape(-1, 1)).T
    log_p, log_q = true.log_densities(nodes.X, y), _log_density(q, jnp.asarray(coded), y.shape)
    each = _distances(jnp.asarray(log_p), log_q, jnp.asarray(mass))
    return np.array([float(nodes.weight @ np.asarray(a)) for a in each])


def _reach(draws: Float[np.ndarray, "n s"]) -> Float[np.ndarray, "n e"]:
    """Some of the sorted draws at each input, and points beyond them."""
    span = np.maximum(np.ptp(draws, axis=1, keepdims=True), 1e-12)
    far = span * TAILS[None, :]
    return np.hstack([draws[:, :1] - far, draws[:, ::4], draws[:, -1:] + far])


def response_nodes(
    p: Predictive, q: Predictive, points: int
) -> tuple[Float[np.ndarray, "n s"], Float[np.ndarray, "n s"]]:
    """Points and weights for sums or integrals over y at each input."""
    n = p.eta.shape[2]
    experts = p.experts
    if experts.n_outputs > 1:
        raise ValueError(f"distances of densities need one output, got {experts.n_outputs}.")
    if experts.n_values is not None:
        values = np.arange(float(experts.n_values))
        return np.tile(values, (n, 1)), np.ones((n, len(values)))
    if experts.discrete:
        counts = _counts(p, q)
        return np.tile(counts, (n, 1)), np.ones((n, len(counts)))
    if experts.jumps != q.experts.jumps:
        raise ValueError("distances of densities need point masses at the same values of y.")
    edges = [_quantiles(law.marginals) for law in (p, q)]
    nodes, mass = panels(np.sort(np.concatenate(edges, axis=1), axis=1), points)
    jumps = np.tile(experts.jumps, (n, 1))
    return np.hstack([nodes, jumps]), np.hstack([mass, np.ones(jumps.shape)])


def _quantiles(marginals: Any) -> Float[np.ndarray, "n s"]:
    """Quantiles of every expert at each input, side by side; the upper ones by survival."""
    ends = [marginals.isf(ndtr(-b)) if b > 0 else marginals.ppf(ndtr(b)) for b in BREAKS]
    return np.concatenate([f[:, 0, :] for f in ends]).T


def _counts(p: Predictive, q: Predictive) -> np.ndarray:
    highest = max(float(np.max(law.marginals.isf(TAIL))) for law in (p, q))
    lowest = min(float(np.min(law.marginals.ppf(TAIL))) for law in (p, q))
    if highest - lowest > MOST_COUNTS:
        raise ValueError(
            f"distances of densities sum over counts from {lowest:.0f} to {highest:.0f}, more "
            f"than {MOST_COUNTS}."
        )
    return np.arange(max(lowest, 0.0), highest + 1)


@kernel()
def _per_input(
    p: Predictive, q: Predictive, y_p: AnyArray, y_q: AnyArray, mass: AnyArray
) -> tuple[AnyArray, AnyArray, AnyArray]:
    """Hellinger, total variation and Kullback-Leibler at each input."""
    log_p, log_q = (_log_density(*pair, mass.shape) for pair in ((p, y_p), (q, y_q)))
    return _distances(log_p, log_q, mass)


def _distances(
    log_p: AnyArray, log_q: AnyArray, mass: AnyArray
) -> tuple[AnyArray, AnyArray, AnyArray]:
    """Sums over y of what two densities differ by, (n, s) values of each."""
    root = jnp.exp(0.5 * log_p) - jnp.exp(0.5 * log_q)
    density = jnp.exp(log_p)
    hellinger = jnp.sqrt(0.5 * jnp.sum(mass * root**2, axis=1))
    variation = 0.5 * jnp.sum(mass * jnp.abs(density - jnp.exp(log_q)), axis=1)
    # p log(p/q) - p + q is nowhere negative and integrates to the same
    ratio = jnp.where(density > 0, log_q - log_p, 0.0)
    kl = jnp.sum(mass * density * (jnp.expm1(ratio) - ratio), axis=1)
    return hellinger, variation, kl


@in_float64
def log_densities(
    law: Predictive, coded: AnyArray, shape: tuple[int, int]
) -> Float[np.ndarray, "n s"]:
    """Log densities of several responses, as the experts code them, at each input."""
    return np.asarray(_log_density(law, jnp.asarray(coded), shape))


def _log_density(law: Predictive, y: AnyArray, shape: tuple[int, ...]) -> AnyArray:
    """(n, s) log density; ``y`` (r, n s) as the experts' link sees it."""
    eta = jnp.repeat(law.eta, shape[1], axis=2)
    each = law.experts.link(eta, y).reshape(-1, *shape)
    return jax.nn.logsumexp(each + jnp.log(law.share)[:, :, None], axis=0)
