"""The softmax gate."""

import equinox as eqx
import numpy as np
from jaxtyping import Float

import mixstat.gates.reference as reference
from mixstat.gates.base import blank
from mixstat.precision import AnyArray


class LinearSoftmaxGate(reference.ReferenceGate):
    """Softmax gates whose logits are linear in their features, with derivatives in closed form."""

    def link(self, eta: Float[AnyArray, "J n"], Z: AnyArray) -> Float[AnyArray, "K n"]:
        return reference.log_softmax(eta)

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


class SoftmaxGate(LinearSoftmaxGate):
    """pi_k(x) proportional to exp(coef_k . z(x)); the last expert is the reference.

    Adding one linear function of z to all K logits changes nothing, so the reference expert's
    coefficients are zero and are not stored. With them the information would be singular.

    Jordan, M. I. and Jacobs, R. A. (1994). Hierarchical mixtures of experts and the EM
    algorithm. Neural Computation 6, 181-214.
    """

    coef: Float[AnyArray, "J q"] = eqx.field(default_factory=blank)  # J = K - 1; per unit of z

    def null(self, n_experts: int, n_features: int) -> "SoftmaxGate":
        return SoftmaxGate(np.zeros((n_experts - 1, n_features)))
