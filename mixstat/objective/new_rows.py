"""Rows that a fitted model is asked about: in NumPy, a block of them at a time.

Few rows then wait for no compiled program, many do not leave the cache, and what is said of a row
does not depend on the rows beside it.
"""

from collections.abc import Callable
from itertools import pairwise

import jax
import numpy as np
from jaxtyping import Float

from mixstat.data.batch import Rows
from mixstat.experts.base import Experts
from mixstat.gates.base import Gate
from mixstat.gates.blocks import Prior
from mixstat.model import Mixture
from mixstat.numerics import functions
from mixstat.numerics.compiled import kernel
from mixstat.numerics.precision import AnyArray, in_float64
from mixstat.numerics.threads import in_threads
from mixstat.numerics.tiles import TILE
from mixstat.objective.likelihood import log_joint

BLOCK = 80 * TILE
COMPILED = BLOCK // 8  # rows of a call of a compiled program; all calls have one shape
MANY = 2**16  # rows from which on several processors answer
RANGES = 8


def in_blocks(
    answer: Callable[[slice], Float[np.ndarray, "b ..."]], n: int
) -> Float[np.ndarray, "n ..."]:
    """What ``answer`` says of blocks of rows, one after the other, as one table."""
    first = _quietly(answer, slice(0, min(n, BLOCK)))
    if n <= BLOCK:
        return first
    out = np.empty((n, *first.shape[1:]), first.dtype)
    out[: len(first)] = first

    def fill(ends: tuple[int, int]) -> None:
        for start in range(ends[0], ends[1], BLOCK):
            part = slice(start, min(start + BLOCK, ends[1]))
            out[part] = _quietly(answer, part)

    cuts = np.linspace(1, -(-n // BLOCK), 2 if n < MANY else RANGES + 1).astype(int) * BLOCK
    in_threads(fill, list(pairwise(np.minimum(cuts, n).tolist())))
    return out


def _quietly(answer: Callable[[slice], np.ndarray], part: slice) -> np.ndarray:
    with np.errstate(all="ignore"):  # the setting may be a thread's own
        return answer(part)


def log_prob(part: Gate | Experts, rows: Rows) -> Float[np.ndarray, "K n"]:
    """What a gate or experts say of rows of NumPy, by their own formula."""
    if part.plain:
        return np.asarray(part.log_prob(rows))
    return _by_program(part, rows)


@in_float64
def _by_program(part: Gate | Experts, rows: Rows) -> Float[np.ndarray, "K n"]:
    """By a compiled program, for formulas that only JAX can follow."""
    n = rows.weight.shape[-1]
    row = np.minimum(np.arange(-(-n // COMPILED) * COMPILED), n - 1)
    found = [
        np.asarray(_program(part, jax.tree.map(lambda table, at=at: table[..., at], rows)))
        for at in row.reshape(-1, COMPILED)
    ]
    return np.concatenate(found, axis=1)[:, :n]


@kernel()
def _program(part: Gate | Experts, rows: Rows) -> Float[AnyArray, "K n"]:
    return part.log_prob(rows)


def log_conditional(model: Mixture, rows: Rows) -> Float[np.ndarray, "K n"]:
    """log pi_k(x) + log f_k(y | x) of each row of NumPy."""
    prior = Prior(log_prob(model.gate, rows))
    return np.asarray(log_joint(prior, log_prob(model.experts, rows), rows))


def log_density(model: Mixture, rows: Rows) -> Float[np.ndarray, " n"]:
    """log p(y | x) of each row of NumPy."""
    return np.asarray(functions.logsumexp(log_conditional(model, rows)))


def responsibilities(model: Mixture, rows: Rows) -> Float[np.ndarray, "K n"]:
    """Probability of each expert given x and y; given x, where no expert can tell."""
    return shares(log_conditional(model, rows), lambda: log_prob(model.gate, rows))


def shares(
    joint: Float[np.ndarray, "K n"], log_gate: Callable[[], Float[np.ndarray, "K n"]]
) -> Float[np.ndarray, "K n"]:
    """Probability of each expert from log joint densities, or from the gate where all are -inf."""
    nowhere = ~np.isfinite(joint.max(axis=0))
    if nowhere.any():
        joint = np.where(nowhere, log_gate(), joint)
    return np.asarray(functions.softmax(joint))
