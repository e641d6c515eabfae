"""The gate of two levels: units have classes, and the shares of rows depend on them."""

from typing import ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Int

import mixstat.gates.reference as reference
from mixstat.gates.base import Gate, blank
from mixstat.numerics.precision import AnyArray
from mixstat.parts.predictors import Group


class ClassedGate(Gate):
    """Shares of H classes of units, and of K experts in the rows of each of them.

    The logit of expert k in a row of class c is ``coef_k . z + shift_ck``, against the last
    expert; the last class has no shift. That of class c is ``units_c . w``, against the last
    class. Made by :class:`TwoLevelMixtureOfExperts`.

    Vermunt, J. K. (2003). Multilevel latent class models. Sociological Methodology 33, 213-239.
    """

    coef: Float[AnyArray, "J q"] = eqx.field(default_factory=blank)  # J = K - 1
    shift: Float[AnyArray, "G J"] = eqx.field(default_factory=blank)  # G = H - 1
    units: Float[AnyArray, "G u"] = eqx.field(default_factory=blank)

    diverging: ClassVar[str] = (
        "It is that of an expert, or of a class of units: a class may be without rows of an expert."
    )

    @property
    def n_experts(self) -> int:
        return self.coef.shape[0] + 1

    @property
    def n_classes(self) -> int:
        """Number H of classes of units."""
        return self.shift.shape[0] + 1

    def null(self, n_experts: int, n_features: int) -> "ClassedGate":
        return self.alike(n_experts, n_features, self.n_classes, 1)

    @staticmethod
    def alike(n_experts: int, n_features: int, n_classes: int, n_units: int) -> "ClassedGate":
        """A gate of equal shares; ``n_units`` is the number of features of units."""
        return ClassedGate(
            np.zeros((n_experts - 1, n_features)),
            np.zeros((n_classes - 1, n_experts - 1)),
            np.zeros((n_classes - 1, n_units)),
        )

    def groups(self) -> tuple[Group, ...]:
        """Predictors of experts in the features of a row and in its class, and of classes."""
        library = np if isinstance(self.coef, np.ndarray) else jnp
        of_experts = library.concatenate([self.coef, self.shift.T], axis=1)
        return Group("Z", of_experts), Group("Z", self.units)

    def link(self, eta: Float[AnyArray, "J n"], Z: AnyArray) -> Float[AnyArray, "K n"]:
        return reference.log_softmax(eta)

    def of_experts(self, Z: Float[AnyArray, "q n"]) -> Float[AnyArray, "H K n"]:
        """Log shares of the experts in rows of each class of units."""
        last = jnp.zeros((1, self.shift.shape[1]), self.shift.dtype)
        shift = jnp.concatenate([self.shift, last])
        eta = (self.coef @ Z)[None] + shift[:, :, None]
        return jax.vmap(reference.log_softmax)(eta)

    def of_classes(self, W: Float[AnyArray, "u n"]) -> Float[AnyArray, "H n"]:
        """Log shares of the classes of units."""
        return reference.log_softmax(self.units @ W)

    def permute(self, order: AnyArray) -> "ClassedGate":
        coef = reference.permute(self.coef, order)
        shift = reference.permute(self.shift.T, order).T
        return ClassedGate(coef, shift, self.units)

    def reordered(self, order: Int[np.ndarray, " H"]) -> "ClassedGate":
        """The same shares with classes of units renumbered: new c is old ``order[c]``."""
        whole = reference.full(self.shift)
        coef = np.array(self.coef)
        coef[:, 0] += whole[order[-1]]
        return ClassedGate(
            coef, reference.permute(self.shift, order), reference.permute(self.units, order)
        )

    def constants(self) -> Float[np.ndarray, "H J"]:
        """Constants of the logits of the experts in each class."""
        return reference.full(self.shift) + np.asarray(self.coef)[:, 0]

    def slopes(self) -> Float[np.ndarray, " G"]:
        """One for what may grow without limit on its own: all but the constants."""
        J, q = self.coef.shape
        of_rows, of_units = (reference.free_slopes(n, True) for n in (q, self.units.shape[1]))
        G = len(self.units)
        return np.concatenate([np.tile(of_rows, J), np.ones(G * J), np.tile(of_units, G)])

    def penalty(self, constant: bool) -> Float[np.ndarray, "G G"]:
        return np.diag(self.slopes())
