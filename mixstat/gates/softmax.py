"""The softmax gate."""

import equinox as eqx
import numpy as np
from jaxtyping import Float

import mixstat.gates.reference as reference
from mixstat.gates.base import Gate, blank
from mixstat.linear import Group
from mixstat.precision import AnyArray


class SoftmaxGate(Gate):
    """pi_k(x) proportional to exp(coef_k . z(x)); the last expert is the reference.

    Adding one linear function of z to all K logits changes nothing, so the reference expert's
    coefficients are zero and are not stored. With them the information would be singular.

    Jordan, M. I. and Jacobs, R. A. (1994). Hierarchical mixtures of experts and the EM
    algorithm. Neural Computation 6, 181-214.
    """

    coef: Float[AnyArray, "J q"] = eqx.field(default_factory=blank)  # J = K - 1; per unit of z

    @property
    def n_experts(self) -> int:
        return self.coef.shape[0] + 1

    def null(self, n_experts: int, n_features: int) -> "SoftmaxGate":
        return SoftmaxGate(np.zeros((n_experts - 1, n_features)))

    def groups(self) -> tuple[Group, ...]:
        return (Group("Z", self.coef),)

    def link(self, eta: Float[AnyArray, "J n"], Z: AnyArray) -> Float[AnyArray, "K n"]:
        return reference.log_softmax(eta)

    def permute(self, order: AnyArray) -> "SoftmaxGate":
        return SoftmaxGate(reference.permute(self.coef, order))

    def penalty(self, constant: bool) -> Float[np.ndarray, "G G"]:
        return reference.penalty(self.coef, constant)

    def parameter_names(self, features: list[str]) -> list[str]:
        return reference.names(len(self.coef), features)

    def titles(self) -> dict[str, str]:
        return reference.titles(len(self.coef))

    def coefficients(self) -> Float[np.ndarray, "K q"]:
        return reference.full(self.coef)

    def jacobian(self, eta: Float[AnyArray, "J n"], Z: AnyArray) -> Float[AnyArray, "K J n"]:
        return reference.jacobian(self.link(eta, Z))

    def surrogate_hessian(
        self, eta: Float[AnyArray, "J n"], Z: AnyArray, resp: Float[AnyArray, "K n"]
    ) -> Float[AnyArray, "J J n"]:
        return -self.information(eta, Z, resp.sum(axis=0))

    def information(
        self, eta: Float[AnyArray, "J n"], Z: AnyArray, mass: Float[AnyArray, " n"]
    ) -> Float[AnyArray, "J J n"]:
        return reference.information(self.link(eta, Z), mass)
