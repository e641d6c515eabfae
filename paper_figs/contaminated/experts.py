"""What the study of contaminated mixtures needs beside mixstat: a family and a law of inputs."""

from typing import ClassVar

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float
from scipy import stats

from mixstat.data.scaling import ToUser
from mixstat.experts.base import Experts, blank
from mixstat.numerics.precision import AnyArray
from mixstat.parts.predictors import Group
from mixstat.rates.inputs import NOWHERE, InputLaw, Nodes

SAMPLE, SEED = 200, 18_455  # rows over which distances of densities are averaged


class TanhExperts(Experts):
    """y | x, k = tanh(coef_k phi(x)) + exp(log_scale_k) times standard noise.

    The noise is normal, or Laplace, whose scale is then not its standard deviation.
    """

    order_words: ClassVar[str] = "their first coefficient"

    coef: Float[AnyArray, "K 1 p"] = eqx.field(default_factory=lambda: blank(0, 1, 0))
    log_scale: Float[AnyArray, "K 1 1"] = eqx.field(default_factory=lambda: blank(0, 1, 1))
    noise: str = eqx.field(static=True, default="normal", kw_only=True)

    @property
    def n_experts(self) -> int:
        """Number of experts K."""
        return len(self.coef)

    def null(self, n_experts: int, n_features: int, n_outputs: int) -> "TanhExperts":
        """Experts that are all alike."""
        return self._like(np.zeros((n_experts, 1, n_features)), np.zeros((n_experts, 1, 1)))

    def _like(self, coef: AnyArray, log_scale: AnyArray) -> "TanhExperts":
        return TanhExperts(coef, log_scale, noise=self.noise)

    def groups(self) -> tuple[Group, ...]:
        """The argument of tanh, and the log of the scale."""
        return Group("Phi", self.coef), Group("1", self.log_scale)

    def link(self, eta: Float[AnyArray, "K 2 n"], y: AnyArray) -> Float[AnyArray, "K n"]:
        """Log density of each row under each expert."""
        z = (y - jnp.tanh(eta[:, 0])) * jnp.exp(-eta[:, 1])
        if self.noise == "laplace":
            return -jnp.abs(z) - eta[:, 1] - np.log(2.0)
        return -0.5 * (z**2 + np.log(2 * np.pi)) - eta[:, 1]

    def information(self, eta: AnyArray, y: AnyArray) -> Float[AnyArray, "K 2 2 n"]:
        """Expected: mean and scale are orthogonal, and the log density is not concave."""
        slope = 1.0 - jnp.tanh(eta[:, 0]) ** 2
        mean = slope**2 * jnp.exp(-2 * eta[:, 1])
        zero = jnp.zeros_like(mean)
        scale = jnp.full_like(mean, 1.0 if self.noise == "laplace" else 2.0)
        rows = [jnp.stack([mean, zero], axis=1), jnp.stack([zero, scale], axis=1)]
        return jnp.stack(rows, axis=1)

    def permute(self, order: AnyArray) -> "TanhExperts":
        """The same experts renumbered."""
        return self._like(np.asarray(self.coef)[order], np.asarray(self.log_scale)[order])

    def marginals(self, eta: Float[np.ndarray, "K 2 n"]):
        """The distribution of y under each expert."""
        law = stats.laplace if self.noise == "laplace" else stats.norm
        return law(loc=np.tanh(eta[:, :1]), scale=np.exp(eta[:, 1:]))

    def in_units(self, location: np.ndarray, scale: np.ndarray, to_user: ToUser) -> "TanhExperts":
        """Location is 0 and scale 1, as the means have no intercept and no factor."""
        return self._like(np.asarray(self.coef) @ to_user, np.asarray(self.log_scale))


class StandardNormal(InputLaw):
    """Independent standard normal inputs; averages are over a sample that is always the same."""

    def __init__(self, n_inputs: int) -> None:
        self._n_inputs = n_inputs

    @property
    def n_inputs(self) -> int:
        """Number of inputs d."""
        return self._n_inputs

    def sample(self, n: int, random: np.random.Generator) -> np.ndarray:
        """Independent draws."""
        return random.standard_normal((n, self.n_inputs))

    def nodes(self, order: int, breaks: np.ndarray = NOWHERE) -> Nodes:
        """The sample, whatever the order."""
        X = self.sample(SAMPLE, np.random.default_rng(SEED))
        return Nodes(X, np.full(SAMPLE, 1.0 / SAMPLE))

    def __repr__(self) -> str:
        return f"StandardNormal({self.n_inputs})"
