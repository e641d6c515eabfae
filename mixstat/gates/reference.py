"""What gates with linear logits share: the last expert is the reference."""

from typing import ClassVar

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from mixstat.gates.base import Gate
from mixstat.numerics import functions
from mixstat.numerics.precision import AnyArray, library_of
from mixstat.parts.atoms import Atoms
from mixstat.parts.predictors import Group


def with_reference(eta: Float[AnyArray, "J n"]) -> Float[AnyArray, "K n"]:
    """Logits of all experts: those stored, and zero for the last."""
    library = library_of(eta)
    return library.concatenate([eta, library.zeros((1, eta.shape[1]), eta.dtype)])


def log_softmax(eta: Float[AnyArray, "J n"]) -> Float[AnyArray, "K n"]:
    """Log probabilities from the logits against the last expert."""
    return functions.log_softmax(with_reference(eta))


def powers(eta: Float[AnyArray, "J n"]) -> tuple[Float[AnyArray, "K n"], Float[AnyArray, "K n"]]:
    """Logits less the largest of each row, and their exponentials."""
    logit = with_reference(eta)
    logit = logit - jnp.max(logit, axis=0)[None, :]
    return logit, jnp.exp(logit)


def shares(eta: Float[AnyArray, "J n"]) -> Float[AnyArray, "K n"]:
    """Probabilities from the logits against the last expert."""
    power = powers(eta)[1]
    return power * (1 / jnp.sum(power, axis=0))[None, :]


def jacobian(log_share: Float[AnyArray, "K n"]) -> Float[AnyArray, "K J n"]:
    """Derivatives of the log probabilities in the stored logits."""
    share = jnp.exp(log_share)[:-1]
    k = len(log_share)
    one = jnp.eye(k, k - 1, dtype=share.dtype)
    return one[:, :, None] - share[None, :, :]


def information(
    log_share: Float[AnyArray, "K n"], mass: Float[AnyArray, " n"]
) -> Float[AnyArray, "J J n"]:
    """Information of a multinomial draw of size ``mass`` in the stored logits."""
    return information_of(jnp.exp(log_share), mass)


def information_of(
    share: Float[AnyArray, "K n"], mass: Float[AnyArray, " n"]
) -> Float[AnyArray, "J J n"]:
    """The same from shares that are there."""
    own = share[:-1]
    diagonal = jnp.eye(len(own), dtype=own.dtype)[:, :, None] * own[:, None, :]
    outer = own[:, None, :] * own[None, :, :]
    return mass[None, None, :] * (diagonal - outer)


def permute(coef: Float[AnyArray, "J q"], order: AnyArray) -> Float[np.ndarray, "r q"]:
    """Coefficients against the new last expert."""
    full = np.vstack([np.asarray(coef), np.zeros((1, coef.shape[1]))])[order]
    return full[:-1] - full[-1:]


def penalty(coef: Float[AnyArray, "J q"], constant: bool) -> Float[np.ndarray, "G G"]:
    """Squared distances of all K coefficient rows from their mean, reference included.

    The same however experts are numbered.
    """
    stored, q = coef.shape
    centring = np.eye(stored) - 1.0 / (stored + 1)
    return np.kron(centring, np.diag(free_slopes(q, constant)))


def free_slopes(q: int, constant: bool) -> Float[np.ndarray, " q"]:
    """One for each feature but the constant."""
    slope = np.ones(q)
    slope[:1] = 0.0 if constant else 1.0
    return slope


def titles(n_rows: int) -> dict[str, str]:
    """Titles of the gate's equations."""
    return {f"gate{j}": f"Gate: expert {j} against {n_rows}" for j in range(n_rows)}


def full(coef: Float[AnyArray, "J q"]) -> Float[np.ndarray, "K q"]:
    """Coefficients of all experts, zeros for the reference."""
    return np.vstack([np.asarray(coef), np.zeros((1, coef.shape[1]))])


def above_half(coef: Float[AnyArray, "J q"], step: float) -> Float[np.ndarray, "K q"]:
    """Coefficients against half of the last expert; ``step`` is what halving takes from a logit."""
    raised = full(coef)
    raised[:-1, 0] += step
    return raised


class ReferenceGate(Gate):
    """Gates with one row of coefficients for each expert but the last, which has zeros."""

    coef: eqx.AbstractVar[AnyArray]  # (J, q), J = K - 1

    measure: ClassVar[str] = "softmax"

    @property
    def n_experts(self) -> int:
        return self.coef.shape[0] + 1

    def groups(self) -> tuple[Group, ...]:
        return (Group("Z", self.coef),)

    def permute(self, order: AnyArray) -> "ReferenceGate":
        return eqx.tree_at(lambda gate: gate.coef, self, permute(self.coef, order))

    def doubled(self, constant: bool) -> "ReferenceGate | None":
        if not constant:
            return None
        return eqx.tree_at(lambda gate: gate.coef, self, above_half(self.coef, np.log(2)))

    def penalty(self, constant: bool) -> Float[np.ndarray, "G G"]:
        return penalty(self.coef, constant)

    def titles(self) -> dict[str, str]:
        return titles(len(self.coef))

    def coefficients(self) -> Float[np.ndarray, "K q"]:
        return full(self.coef)

    def atoms(self) -> Atoms:
        coef = full(self.coef)
        return Atoms({"gate": coef[:, 1:]}, np.exp(coef[:, 0]))
