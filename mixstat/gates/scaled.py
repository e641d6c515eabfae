"""Closed forms for a softmax of logits that are functions of one predictor, over a temperature.

The logit of expert k is ``l_k = (f(eta_k) + b_k) / tau``. Derivatives in the log of tau are taken
from their mean over the gate's probabilities: what all experts have in common does not matter
(see :mod:`mixstat.objective.derivatives`), and differences of large numbers are avoided.
"""

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Int

from mixstat.gates.blocks import GateBlocks, Sparse
from mixstat.numerics.precision import AnyArray


class Logits(NamedTuple):
    """Logits and their derivatives; the last expert has no bias and may have no predictor."""

    value: Float[AnyArray, "K n"]
    share: Float[AnyArray, "K n"]  # softmax of the logits
    slope: Float[AnyArray, "r n"]  # of each logit in its predictor, r = K or K - 1
    bend: Float[AnyArray, "r n"]  # second derivatives
    inverse: Float[AnyArray, "1 n"]  # 1 / tau
    n_biases: int

    @property
    def from_mean(self) -> Float[AnyArray, "K n"]:
        """Logits less their mean over the probabilities."""
        return self.value - jnp.sum(self.share * self.value, axis=0)[None, :]


def blocks(logits: Logits, resp: Float[AnyArray, "K n"]) -> GateBlocks:
    """As :meth:`mixstat.gates.base.Gate.blocks`; predictors are those of ``eta``, b and tau."""
    mass = resp.sum(axis=0)[None, :]
    mean = _mean_slopes(logits, logits.share)
    raw = _mean_slopes(logits, resp)
    own = _products(logits, resp - mass * logits.share, second=True)
    own = own._replace(outer=(mass * mean, mean))
    return GateBlocks(raw - mass * mean, raw, _slopes(logits), own)


def information(logits: Logits, mass: Float[AnyArray, " n"]) -> Sparse:
    """Covariance of the slopes under the gate's probabilities, times ``mass``."""
    mean = _mean_slopes(logits, logits.share)
    table = _products(logits, mass[None, :] * logits.share, second=False)
    return table._replace(outer=(-mass[None, :] * mean, mean))


def mean_slopes(logits: Logits, resp: Float[AnyArray, "K n"]) -> Float[AnyArray, "E n"]:
    """Derivatives of ``sum_k resp_k log pi_k`` in the predictors."""
    mass = resp.sum(axis=0)[None, :]
    return _mean_slopes(logits, resp) - mass * _mean_slopes(logits, logits.share)


def _mean_slopes(logits: Logits, weight: Float[AnyArray, "K n"]) -> Float[AnyArray, "E n"]:
    """Sum over the experts of weights times slopes."""
    own = weight[: len(logits.slope)] * logits.slope
    bias = weight[: logits.n_biases] * logits.inverse
    tau = -jnp.sum(weight * logits.from_mean, axis=0)[None, :]
    return jnp.concatenate([own, bias, tau])


def _slopes(logits: Logits) -> Sparse:
    """Slopes of each expert (K, E, n)."""
    r, j, k = len(logits.slope), logits.n_biases, len(logits.value)
    rows = [jnp.zeros_like(logits.inverse), logits.slope, logits.inverse, -logits.from_mean]
    index = np.zeros((k, r + j + 1), int)
    index[np.arange(r), np.arange(r)] = 1 + np.arange(r)
    index[np.arange(j), r + np.arange(j)] = 1 + r
    index[:, -1] = 2 + r + np.arange(k)
    return Sparse(jnp.concatenate(rows), index)


def _products(logits: Logits, weight: Float[AnyArray, "K n"], *, second: bool) -> Sparse:
    """Weighted sum over the experts of products of slopes, plus second derivatives if asked."""
    r, j = len(logits.slope), logits.n_biases
    one = float(second)
    u, inverse, far = logits.slope, logits.inverse, logits.from_mean
    own, biased = weight[:r], weight[:j]
    tau = -(one + far)  # slope in tau, and the second derivative as a multiple of the slope
    rows = [
        jnp.zeros_like(inverse),
        own * (u**2 + one * logits.bend),
        biased * u[:j] * inverse,
        biased * inverse**2,
        own * u * tau[:r],
        biased * inverse * tau[:j],
        jnp.sum(weight * far * (one + far), axis=0)[None, :],
    ]
    return Sparse(jnp.concatenate(rows), _product_index(r, j))


def _product_index(r: int, j: int) -> Int[np.ndarray, "E E"]:
    """Rows of the table of :func:`_products` by pairs of predictors."""
    index = np.zeros((r + j + 1, r + j + 1), int)
    rows, biases = np.arange(r), np.arange(j)
    index[rows, rows] = 1 + rows
    index[biases, r + biases] = index[r + biases, biases] = 1 + r + biases
    index[r + biases, r + biases] = 1 + r + j + biases
    index[rows, -1] = index[-1, rows] = 1 + r + 2 * j + rows
    index[r + biases, -1] = index[-1, r + biases] = 1 + 2 * r + 2 * j + biases
    index[-1, -1] = 1 + 2 * r + 3 * j
    return index
