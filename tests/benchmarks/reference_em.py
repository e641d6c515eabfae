"""The yardstick: EM in plain NumPy, as a careful person would write it in an afternoon.

Experts are solved exactly and the gate takes one Newton step per iteration, halved until the
M-step's objective does not fall. Tables are (experts, rows).
"""

from typing import NamedTuple

import numpy as np

FIRST_GATE_STEPS = 3  # Newton steps from the labels; later iterations take one
HALF_LOG_2PI = 0.5 * np.log(2 * np.pi)


class Fit(NamedTuple):
    """Parameters, constant first; the last gate row is zero."""

    gate: np.ndarray  # (K, p)
    coef: np.ndarray  # (K, p), or (K, classes, p) with the last class zero
    sigma: np.ndarray  # (K,), or empty with classes
    log_likelihood: float  # mean over rows
    n_passes: int


def fit(
    X: np.ndarray,
    y: np.ndarray,
    labels: np.ndarray,
    n_experts: int,
    *,
    classes: int = 0,
    target: float = np.inf,
    tol: float = 0.0,
    max_iter: int = 5000,
) -> Fit:
    """EM from ``labels`` until the mean log-likelihood reaches ``target`` or gains too little.

    Parameters
    ----------
    X, y, labels, n_experts
        Data, and integer labels whose M-step is the start.
    classes
        Number of classes that y counts; 0 means a real response. A multinomial expert takes
        one Newton step per iteration, as the gate does.
    target
        Mean log-likelihood at which to stop.
    tol
        Relative gain in log-likelihood of one iteration at which to stop.
    max_iter
        Largest number of iterations.
    """
    features = np.c_[np.ones(len(X)), X]
    resp = np.zeros((n_experts, len(y)))
    resp[labels, np.arange(len(y))] = 1.0
    gate = np.zeros((n_experts, features.shape[1]))
    share = np.full_like(resp, 1.0 / n_experts)
    for _ in range(FIRST_GATE_STEPS):
        gate, share = _gate_step(features, resp, gate, share)
    experts = _Classes(features, y, classes, n_experts) if classes else _Lines(features, y)
    experts.step(resp, first=True)
    value, n_passes = -np.inf, 0
    while n_passes < max_iter:
        n_passes += 1
        joint = experts.log_density()
        joint += np.log(np.maximum(share, 1e-300))
        evidence = _log_sum_exp(joint)
        old, value = value, float(evidence.mean())
        if value >= target or abs(value - old) <= tol * abs(value):
            break
        joint -= evidence
        resp = np.exp(joint, out=joint)
        experts.step(resp)
        gate, share = _gate_step(features, resp, gate, share)
    return Fit(gate, experts.coef, experts.sigma, value, n_passes)


class _Lines:
    """Gaussian experts: weighted least squares."""

    def __init__(self, features: np.ndarray, y: np.ndarray) -> None:
        self.features, self.y = features, y
        self.coef = self.sigma = np.empty(0)

    def step(self, resp: np.ndarray, first: bool = False) -> None:
        self.coef, self.sigma = _expert_step(self.features, self.y, resp)

    def log_density(self) -> np.ndarray:
        return _log_density(self.features, self.y, self.coef, self.sigma)


class _Classes:
    """Multinomial logits, the last class as reference: Newton steps like the gate's."""

    def __init__(self, features: np.ndarray, y: np.ndarray, classes: int, n_experts: int) -> None:
        self.features = features
        self.hot = (np.arange(classes)[:, None] == y).astype(float)
        self.coef = np.zeros((n_experts, classes, features.shape[1]))
        self.share = np.full((n_experts, classes, len(y)), 1 / classes)
        self.sigma = np.empty(0)

    def step(self, resp: np.ndarray, first: bool = False) -> None:
        for _ in range(FIRST_GATE_STEPS if first else 1):
            for k, weight in enumerate(resp):
                now = self.coef[k], self.share[k]
                self.coef[k], self.share[k] = _gate_step(self.features, self.hot, *now, weight)

    def log_density(self) -> np.ndarray:
        return np.log(np.maximum((self.share * self.hot).sum(axis=1), 1e-300))


def fit_from(
    X: np.ndarray,
    y: np.ndarray,
    start: tuple[np.ndarray, np.ndarray, np.ndarray],
    *,
    tol: float,
    gate_tol: float,
    max_iter: int = 2000,
) -> Fit:
    """Plain EM from gate, coefficients and deviations, each gate step taken to its maximum.

    Stops after the step whose entering log-likelihood changed by less than ``tol`` of itself;
    a gate step ends when its objective does by less than ``gate_tol``.
    """
    features = np.c_[np.ones(len(X)), X]
    gate, coef, sigma = start
    logits = gate @ features.T
    share = np.exp(logits - _log_sum_exp(logits))
    value, n_iter, settled = -np.inf, 0, False
    while n_iter < max_iter and not settled:
        joint = _log_density(features, y, coef, sigma)
        joint += np.log(np.maximum(share, 1e-300))
        evidence = _log_sum_exp(joint)
        old, value = value, float(evidence.mean())
        settled = abs(value - old) <= tol * abs(value)
        joint -= evidence
        resp = np.exp(joint, out=joint)
        gate, share = _whole_gate_step(features, resp, gate, share, gate_tol)
        coef, sigma = _expert_step(features, y, resp)
        n_iter += 1
    return Fit(gate, coef, sigma, value, n_iter)


def _whole_gate_step(features, resp, gate, share, tol) -> tuple[np.ndarray, np.ndarray]:
    now = np.sum(resp * np.log(np.maximum(share, 1e-300)))
    for _ in range(100):
        gate, share = _gate_step(features, resp, gate, share)
        old, now = now, np.sum(resp * np.log(np.maximum(share, 1e-300)))
        if abs(now - old) <= tol * abs(now):
            break
    return gate, share


def mean_log_likelihood(
    X: np.ndarray, y: np.ndarray, gate: np.ndarray, coef: np.ndarray, sigma: np.ndarray
) -> float:
    """Mean of log p(y | x), whichever expert is the gate's reference."""
    features = np.c_[np.ones(len(X)), X]
    logits = gate @ features.T
    if sigma.size:
        density = _log_density(features, y, coef, sigma)
    else:
        scores = np.einsum("kcp,np->ckn", coef, features)
        density = scores[y.astype(int), :, np.arange(len(y))].T - _log_sum_exp(scores)
    joint = logits + density
    return float(np.mean(_log_sum_exp(joint) - _log_sum_exp(logits)))


def _log_sum_exp(table: np.ndarray) -> np.ndarray:
    top = table.max(axis=0)
    return top + np.log(np.exp(table - top).sum(axis=0))


def _log_density(features, y, coef, sigma) -> np.ndarray:
    z = y - coef @ features.T
    z /= sigma[:, None]
    z *= z
    z *= -0.5
    z -= (np.log(sigma) + HALF_LOG_2PI)[:, None]
    return z


def _expert_step(features, y, resp) -> tuple[np.ndarray, np.ndarray]:
    """Weighted least squares for each expert."""
    coef = np.empty((len(resp), features.shape[1]))
    sigma = np.empty(len(resp))
    for k, weight in enumerate(resp):
        weighted = features * weight[:, None]
        coef[k] = np.linalg.solve(weighted.T @ features, weighted.T @ y)
        sigma[k] = np.sqrt(weight @ (y - features @ coef[k]) ** 2 / weight.sum())
    return coef, sigma


def _gate_step(features, resp, gate, share, weight=1.0) -> tuple[np.ndarray, np.ndarray]:
    """One Newton step of the multinomial logit, halved until it does not lose."""
    k, p = gate.shape
    free = k - 1
    gradient = ((weight * (resp[:free] - share[:free])) @ features).ravel()
    information = _gate_information(features, share, weight)
    ridge = 1e-10 * np.trace(information) / len(information)
    step = np.linalg.solve(information + ridge * np.eye(free * p), gradient).reshape(free, p)
    before = np.sum(weight * resp * np.log(np.maximum(share, 1e-300)))
    length = 1.0
    while True:
        moved = gate.copy()
        moved[:free] += length * step
        logits = moved @ features.T
        logs = logits - _log_sum_exp(logits)
        if np.sum(weight * resp * logs) >= before - 1e-12 * abs(before) or length < 1e-6:
            return moved, np.exp(logs, out=logs)
        length *= 0.5


def _gate_information(features, share, weight) -> np.ndarray:
    free, p = len(share) - 1, features.shape[1]
    information = np.empty((free, p, free, p))
    for k in range(free):
        for j in range(k, free):
            each = weight * share[k] * ((k == j) - share[j])
            block = (features * each[:, None]).T @ features
            information[k, :, j] = information[j, :, k] = block
    return information.reshape(free * p, free * p)
