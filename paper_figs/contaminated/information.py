"""What a maximum likelihood estimate is worth: deviations by the information at the truth."""

from collections.abc import Callable
from typing import Any

import numpy as np
from jaxtyping import Float

from mixstat.rates import Truth

DRAWS = 100_000  # relative errors of the information are about 1 % in every direction


def deviations(truth: Truth, n: int, random_state: int = 0) -> dict[str, float]:
    """Root mean square error of each parameter at ``n`` rows, for large n, by its name."""
    X, y = truth.sample(DRAWS, random_state)
    score = scores(truth, X, y)
    variance = np.diag(np.linalg.inv(score.T @ score / len(y))) / n
    d = X.shape[1]
    parts = {"tau": slice(0, 1), "beta": slice(1, d + 1), "eta": slice(d + 1, -1)}
    found = {name: float(np.sqrt(variance[part].sum())) for name, part in parts.items()}
    model: Any = truth.mixture
    found["exp_tau"] = found["tau"] * float(np.exp(model.gate.coef[0, 0]))
    return found | {"nu": float(np.sqrt(variance[-1]))}


def scores(
    truth: Truth, X: Float[np.ndarray, "n d"], y: Float[np.ndarray, " n"]
) -> Float[np.ndarray, "n D"]:
    """Derivatives of the log density of each row, in the order tau, beta, eta, nu."""
    at = truth.law.at(X)
    model: Any = truth.mixture
    own = model.experts.parts[0]
    mean = np.tanh(X @ own.coef[0, 0, 1:])
    nu = float(np.exp(2 * own.log_scale[0, 0, 0]))
    joint = at.share * np.exp(model.experts.marginals(at.eta).logpdf(y[None, None])[:, 0])
    resp = joint[0] / joint.sum(axis=0)
    gate, z = resp - at.share[0], (y - mean) / nu
    blocks = [
        gate[:, None],
        gate[:, None] * X,
        (resp * z * (1 - mean**2))[:, None] * X,
        (0.5 * resp * (nu * z**2 - 1) / nu)[:, None],
    ]
    return np.hstack(blocks)


def slopes(truth_at: Callable[[int], Truth], low: int, high: int) -> dict[str, float]:
    """Slopes of the deviations between two sizes."""
    ends = [deviations(truth_at(n), n) for n in (low, high)]
    span = np.log(high / low)
    return {name: float(np.log(ends[1][name] / ends[0][name]) / span) for name in ends[0]}
