"""Sigmoid gates: experts that do not compete for their weight."""

from typing import ClassVar

import equinox as eqx
import numpy as np
from jaxtyping import Float

import mixstat.gates.reference as reference
from mixstat.gates.base import Gate, blank
from mixstat.gates.identification import FreeParameters, Identification
from mixstat.gates.softmax import SoftmaxGate
from mixstat.gates.starting import Starting
from mixstat.numerics import functions
from mixstat.numerics.precision import AnyArray
from mixstat.parts.predictors import Group


class SigmoidGate(Gate):
    """pi_k(x) = s_k(x) / sum_j s_j(x) with s_k(x) = sigmoid(b_k + w_k . x).

    Every expert has coefficients of its own: one that rises takes no odds from the others until
    shares are made to add up to one. Where all s_k are small the gate is close to a softmax gate,
    and only differences of coefficients are well determined.

    Following Nguyen, H., Ho, N. and Rinaldo, A. (2024). Sigmoid gating is more sample efficient
    than softmax gating in mixture of experts. NeurIPS. arXiv 2405.13997.

    Examples
    --------
    >>> import numpy as np
    >>> from mixstat import MixtureOfExperts
    >>> from mixstat.gates import SigmoidGate
    >>> rng = np.random.default_rng(0)
    >>> X = rng.uniform(-2, 2, size=(300, 1))
    >>> up = rng.random(300) < 1 / (1 + np.exp(-2 * X[:, 0]))
    >>> y = np.where(up, X[:, 0], -X[:, 0]) + 0.2 * rng.standard_normal(300)
    >>> moe = MixtureOfExperts(2, gate=SigmoidGate(), n_init=2, random_state=0).fit(X, y)
    >>> moe.gate_scores([[-1.0], [1.0]]).round(1)
    array([[1. , 0.1],
           [0.2, 1. ]])
    """

    coef: Float[AnyArray, "K q"] = eqx.field(default_factory=blank)  # log odds per unit of z

    plain: ClassVar[bool] = True
    diverging: ClassVar[str] = (
        "A sigmoid gate also does this where all its sigmoids become small together: it then is a "
        "softmax gate, which gate='softmax' fits with fewer parameters."
    )

    @property
    def n_experts(self) -> int:
        return self.coef.shape[0]

    def null(self, n_experts: int, n_features: int) -> "SigmoidGate":
        return SigmoidGate(np.zeros((n_experts, n_features)))

    def starting(self) -> Starting:
        """The surrogate has several hills; that of a softmax gate has one."""

        def scatter(random: np.random.Generator) -> SigmoidGate:
            coef = random.standard_normal(self.coef.shape) * np.exp(random.uniform(-1.0, 1.0))
            return SigmoidGate(coef)

        return Starting(dense=SoftmaxGate().null(*self.coef.shape), scatter=scatter)

    def groups(self) -> tuple[Group, ...]:
        return (Group("Z", self.coef),)

    def link(self, eta: Float[AnyArray, "K n"], Z: AnyArray) -> Float[AnyArray, "K n"]:
        return functions.log_softmax(functions.log_sigmoid(eta))

    def scores(self, log_prob: Float[np.ndarray, "n K"], Z: Float[np.ndarray, "n q"]) -> np.ndarray:
        """The sigmoids s_k(x) themselves, which do not compete."""
        return np.asarray(functions.sigmoid(Z @ np.asarray(self.coef).T))

    def permute(self, order: AnyArray) -> "SigmoidGate":
        return SigmoidGate(np.asarray(self.coef)[order])

    def identification(self) -> Identification:
        alone = self.n_experts == 1
        return FreeParameters(np.ones(self.coef.size, bool)) if alone else Identification()

    def penalty(self, constant: bool) -> Float[np.ndarray, "G G"]:
        k, q = self.coef.shape
        return np.kron(np.eye(k), np.diag(reference.free_slopes(q, constant)))

    def titles(self) -> dict[str, str]:
        return {f"gate{j}": f"Gate: log odds of expert {j}" for j in range(len(self.coef))}
