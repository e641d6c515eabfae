"""The softmax gate."""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from mixstat.gates.base import Gate
from mixstat.linear import Group
from mixstat.precision import AnyArray


class SoftmaxGate(Gate):
    """pi_k(x) proportional to exp(coef_k . z(x)); the last expert is the reference.

    Adding one linear function of z to all K logits changes nothing, so the reference expert's
    coefficients are zero and are not stored. With them the information would be singular.

    Jordan, M. I. and Jacobs, R. A. (1994). Hierarchical mixtures of experts and the EM
    algorithm. Neural Computation 6, 181-214.
    """

    coef: Float[AnyArray, "J q"]  # J = K - 1; logits per unit of z

    @property
    def n_experts(self) -> int:
        return self.coef.shape[0] + 1

    @classmethod
    def null(cls, n_experts: int, n_features: int) -> "SoftmaxGate":
        return cls(np.zeros((n_experts - 1, n_features)))

    def groups(self) -> tuple[Group, ...]:
        return (Group("Z", self.coef),)

    def link(self, eta: Float[AnyArray, "J n"]) -> Float[AnyArray, "K n"]:
        reference = jnp.zeros((1, eta.shape[1]), eta.dtype)
        return jax.nn.log_softmax(jnp.concatenate([eta, reference]), axis=0)

    def permute(self, order: AnyArray) -> "SoftmaxGate":
        coef = np.asarray(self.coef)
        full = np.vstack([coef, np.zeros((1, coef.shape[1]))])[order]
        return SoftmaxGate(full[:-1] - full[-1:])

    def penalty(self, constant: bool) -> Float[np.ndarray, "G G"]:
        """Squared distances of all K coefficient rows from their mean, reference included."""
        stored, q = self.coef.shape
        centring = np.eye(stored) - 1.0 / self.n_experts
        slope = np.ones(q)
        slope[:1] = 0.0 if constant else 1.0
        return np.kron(centring, np.diag(slope))

    def jacobian(self, eta: Float[AnyArray, "J n"]) -> Float[AnyArray, "K J n"]:
        share = jnp.exp(self.link(eta))[:-1]
        one = jnp.eye(self.n_experts, self.n_experts - 1, dtype=eta.dtype)
        return one[:, :, None] - share[None, :, :]

    def surrogate_hessian(
        self, eta: Float[AnyArray, "J n"], resp: Float[AnyArray, "K n"]
    ) -> Float[AnyArray, "J J n"]:
        share = jnp.exp(self.link(eta))[:-1]
        diagonal = jnp.eye(len(share), dtype=eta.dtype)[:, :, None] * share[:, None, :]
        outer = share[:, None, :] * share[None, :, :]
        return -jnp.sum(resp, axis=0)[None, None, :] * (diagonal - outer)
