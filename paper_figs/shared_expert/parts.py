"""What the study of shared experts needs beside mixstat: a family, and where its fits begin."""

from dataclasses import dataclass, replace
from typing import Any, ClassVar

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float
from scipy import stats

from mixstat.data.scaling import ToUser
from mixstat.experts.base import Experts, blank
from mixstat.experts.mixed import MixedExperts
from mixstat.gates import SharedExpertGate
from mixstat.model import Mixture
from mixstat.numerics import parameter_vector
from mixstat.numerics.precision import AnyArray
from mixstat.parts.labels import ParameterLabel
from mixstat.parts.predictors import Group
from mixstat.rates.starts import Start, Task


class ReluExperts(Experts):
    """y | x, k ~ Normal(outer_k ReLU(coef_k phi(x)), exp(log_scale_k)^2).

    Only products of ``outer`` and ``coef`` can be estimated. The constant inside ReLU is a kind
    of parameter of its own, "kink", so that it can be held at zero.
    """

    order_words: ClassVar[str] = "their first coefficient"

    coef: Float[AnyArray, "K 1 p"] = eqx.field(default_factory=lambda: blank(0, 1, 0))
    outer: Float[AnyArray, "K 1 1"] = eqx.field(default_factory=lambda: blank(0, 1, 1))
    log_scale: Float[AnyArray, "K 1 1"] = eqx.field(default_factory=lambda: blank(0, 1, 1))

    @property
    def n_experts(self) -> int:
        """Number of experts K."""
        return len(self.coef)

    def null(self, n_experts: int, n_features: int, n_outputs: int) -> "ReluExperts":
        """Experts that are all alike."""
        one = np.zeros((n_experts, 1, 1))
        return ReluExperts(np.zeros((n_experts, 1, n_features)), one, one)

    def groups(self) -> tuple[Group, ...]:
        """The argument of ReLU, its factor, and the log of the scale."""
        return Group("Phi", self.coef), Group("1", self.outer), Group("1", self.log_scale)

    def link(self, eta: Float[AnyArray, "K 3 n"], y: AnyArray) -> Float[AnyArray, "K n"]:
        """Log density of each row under each expert."""
        mean = eta[:, 1] * jnp.maximum(eta[:, 0], 0.0)
        z = (y - mean) * jnp.exp(-eta[:, 2])
        return -0.5 * (z**2 + np.log(2 * np.pi)) - eta[:, 2]

    def information(self, eta: AnyArray, y: AnyArray) -> Float[AnyArray, "K 3 3 n"]:
        """Expected: mean and scale are orthogonal, and the log density is not concave."""
        inside = eta[:, 1] * (eta[:, 0] > 0)
        slopes = jnp.stack([inside, jnp.maximum(eta[:, 0], 0.0), jnp.zeros_like(inside)], axis=1)
        products = slopes[:, :, None] * slopes[:, None, :] * jnp.exp(-2 * eta[:, 2])[:, None, None]
        return products.at[:, 2, 2].set(2.0)

    def labels(self, features: list[str], outputs: list[str]) -> list[ParameterLabel]:
        """Those of any family, but for the kind of the constants inside."""
        every = super().labels(features, outputs)
        return [
            replace(one, kind="kink") if one.kind == "expert_intercept" else one for one in every
        ]

    def permute(self, order: AnyArray) -> "ReluExperts":
        """The same experts renumbered."""
        return ReluExperts(*(np.asarray(a)[order] for a in (self.coef, self.outer, self.log_scale)))

    def marginals(self, eta: Float[np.ndarray, "K 3 n"]):
        """The distribution of y under each expert."""
        mean = eta[:, 1:2] * np.maximum(eta[:, :1], 0.0)
        return stats.norm(loc=mean, scale=np.exp(eta[:, 2:]))

    def in_units(self, location: np.ndarray, scale: np.ndarray, to_user: ToUser) -> "ReluExperts":
        """Location is 0 and scale 1, as the means have no intercept."""
        return ReluExperts(np.asarray(self.coef) @ to_user, self.outer, self.log_scale)


@dataclass(frozen=True)
class NearAtoms(Start):
    """Copies of the true shared experts for shared ones, and of the routed for routed ones.

    Each is used at least once, plus normal noise that does not depend on n.
    """

    scale: float = 0.2
    n_starts: int = 1
    needs_atoms: ClassVar[bool] = False  # what copies fit is checked by the shapes below

    def first(self, task: Task, random: np.random.Generator) -> Mixture:
        """One first model."""
        true: Any = task.truth.mixture
        null: Any = task.null
        held, routed = (_held(one.gate) for one in (true, null))
        shared = _copies(held, routed, random)
        chosen = _copies(true.gate.n_routed, null.gate.n_routed, random)
        parts = true.experts.parts
        experts = tuple(parts[k] for k in [*shared, *(held + chosen)])
        coef = true.gate.coefficients()[chosen]
        if null.gate.routing == "softmax":
            coef = (coef - coef[-1])[:-1]
        gate = eqx.tree_at(lambda g: g.coef, null.gate, coef)
        near = Mixture(gate, MixedExperts(experts))
        vector = parameter_vector.to_vector(near)
        noise = self.scale * random.standard_normal(len(vector))
        return parameter_vector.from_vector(near, vector + noise)


def _held(gate: SharedExpertGate) -> int:
    """Number of shared experts."""
    return gate.n_experts - gate.n_routed


def _copies(n_true: int, count: int, random: np.random.Generator) -> np.ndarray:
    """A true atom for each fitted one: all of them, and others at random."""
    more = random.integers(0, n_true, count - n_true)
    return random.permutation(np.concatenate([np.arange(n_true), more]))
