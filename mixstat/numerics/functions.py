"""Functions that NumPy lacks, of NumPy's arrays in NumPy and of JAX's in JAX."""

from collections.abc import Callable

import jax
import numpy as np
from jax.scipy import special as traced_special
from jaxtyping import Float
from scipy import special  # pyright: ignore[reportMissingTypeStubs]

from mixstat.numerics.precision import AnyArray, library_of

Function = Callable[..., AnyArray]


def _of_either(plain: Function, traced: Function) -> Function:
    def function(*arrays: AnyArray) -> AnyArray:
        return plain(*arrays) if library_of(*arrays) is np else traced(*arrays)

    function.__doc__ = f"``{traced.__name__}`` of each entry."
    return function


sigmoid = _of_either(special.expit, jax.nn.sigmoid)  # pyright: ignore
gammaln = _of_either(special.gammaln, traced_special.gammaln)  # pyright: ignore
gammainc = _of_either(special.gammainc, traced_special.gammainc)  # pyright: ignore
gammaincc = _of_either(special.gammaincc, traced_special.gammaincc)  # pyright: ignore
log_ndtr = _of_either(special.log_ndtr, traced_special.log_ndtr)  # pyright: ignore
softplus = _of_either(lambda x: np.logaddexp(x, 0.0), jax.nn.softplus)
log_sigmoid = _of_either(lambda x: -np.logaddexp(-x, 0.0), jax.nn.log_sigmoid)


def log_softmax(logits: Float[AnyArray, "K n"]) -> Float[AnyArray, "K n"]:
    """Logs of shares along the first axis."""
    if library_of(logits) is not np:
        return jax.nn.log_softmax(logits, axis=0)
    fall = logits - logits.max(axis=0)
    return fall - np.log(np.exp(fall).sum(axis=0))


def softmax(logits: Float[AnyArray, "K n"]) -> Float[AnyArray, "K n"]:
    """Shares along the first axis."""
    if library_of(logits) is not np:
        return jax.nn.softmax(logits, axis=0)
    power = np.exp(logits - logits.max(axis=0))
    return power / power.sum(axis=0)


def logsumexp(logs: Float[AnyArray, "*shape"], axis: int = 0) -> AnyArray:
    """Logs of sums of exponentials, -inf where nothing is added up."""
    if library_of(logs) is not np:
        return jax.nn.logsumexp(logs, axis=axis)
    top = logs.max(axis=axis, keepdims=True)
    top = np.where(np.isfinite(top), top, 0.0)
    return top.squeeze(axis) + np.log(np.exp(logs - top).sum(axis=axis))
