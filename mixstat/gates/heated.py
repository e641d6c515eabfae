"""What the data can tell of slopes, biases and a temperature that divides them."""

from collections.abc import Callable
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from mixstat.gates.activations import Function, homogeneity, is_affine
from mixstat.gates.identification import Identification, Invariance
from mixstat.numerics.precision import AnyArray


@dataclass(frozen=True)
class Heated(Identification):
    """Of a gate whose parameters are slopes, biases and the log of a temperature."""

    coef: Float[np.ndarray, "r q"]
    bias: Float[np.ndarray, "j 1"]
    learned: bool
    """Whether the temperature is a free parameter."""
    names: Callable[[list[str]], list[str]]
    """Names of all parameters from those of the features."""

    power: float | None = 1.0
    """Power p such that the logits of (c^p w, c b, c tau) differ by a common number only."""
    ray_words: str = "temperature and gate coefficients are only known up to a common factor"
    straight: bool = False
    """Whether slopes may be shifted in common."""

    def invariances(self) -> list[Invariance]:
        """The temperature's ray, and common shifts of all slopes (see the user guide)."""
        rays = []
        if self.learned and self.power is not None:
            # w grows by c^power where b and tau grow by c
            rays = [
                Invariance(self.ray_words, self._vector(self.power * self.coef, self.bias, 1.0))
            ]
        return rays + self._translations()

    def _vector(self, coef: AnyArray, bias: AnyArray, log_tau: float) -> np.ndarray:
        return np.concatenate([np.ravel(coef), np.ravel(bias), [log_tau]])

    def _translations(self) -> list[Invariance]:
        words = "a common vector may be added to the slopes of all experts"
        shifts = []
        for j in range(self.coef.shape[1] if self.straight else 0):
            shift = np.zeros(self.coef.shape)
            shift[:, j] = 1.0
            shifts.append(Invariance(words, self._vector(shift, np.zeros(self.bias.shape), 0.0)))
        return shifts

    def identified(self, vector: Float[AnyArray, " G"]) -> Float[AnyArray, " I"]:
        """w / tau and b / tau of a learned temperature; of powers, w / tau^p.

        Slopes of a straight line count from those of the last expert.
        """
        if not self.learned:
            return jnp.zeros(0)
        coef = vector[: self.coef.size].reshape(self.coef.shape)
        if self.straight:
            coef = coef[:-1] - coef[-1:]
        power = 1.0 if self.power is None else self.power
        slopes = jnp.ravel(coef) * jnp.exp(-vector[-1] * power)
        return jnp.concatenate([slopes, vector[self.coef.size : -1] * jnp.exp(-vector[-1])])

    def identified_names(self, features: list[str]) -> list[str]:
        if not self.learned:
            return []
        names = self.names(features)[:-1]
        n = len(self.coef) * len(features)
        last = f"-gate{len(self.coef) - 1}" if self.straight else ""
        kept = n - len(features) if self.straight else n
        plain = self.power is None or np.isclose(self.power, 1.0)
        root = "" if plain else f"^{self.power:.3g}"
        return [f"{a}{last}/tau{root}" for a in names[:kept]] + [f"{b}/tau" for b in names[n:]]


@dataclass(frozen=True)
class Activated(Heated):
    """With an activation inside, on which the rates rest."""

    function: Function = jnp.tanh

    def independence(
        self, features: Float[np.ndarray, "n q"], inputs: Float[np.ndarray, "n d"]
    ) -> dict[str, list[np.ndarray]]:
        """{1, x_u s'(w . x), s(w . x)} for rates of order one, and their products for order two.

        Conditions following Nguyen et al. (2024), arXiv 2401.13875; s is the activation.
        """
        tables = [self._tables(features, w) for w in self.coef]
        first, second = (list(tables) for tables in zip(*tables, strict=True))
        return {"first": first, "second": second}

    def _tables(
        self, features: Float[np.ndarray, "n q"], w: Float[np.ndarray, " q"]
    ) -> tuple[Float[np.ndarray, "n f"], Float[np.ndarray, "n g"]]:
        """Functions of one expert for both orders."""
        z = features @ w
        s = np.asarray(self.function(z))
        slope = np.asarray(jax.vmap(jax.grad(self.function))(z))
        bend = np.asarray(jax.vmap(jax.grad(jax.grad(self.function)))(z))
        linear = [np.ones(len(z)), s, *(features.T * slope)]
        q = features.shape[1]
        pairs = [features[:, u] * features[:, v] for u in range(q) for v in range(u, q)]
        products = [p * b for p in pairs for b in (bend, slope**2)]
        crossed = [features[:, u] * slope * s for u in range(q)]
        return np.column_stack(linear), np.column_stack([*linear, *products, s**2, *crossed])


def activated(
    coef: Float[np.ndarray, "r q"],
    bias: Float[np.ndarray, "j 1"],
    learned: bool,
    names: Callable[[list[str]], list[str]],
    function: Function,
) -> Activated:
    """Of logits (b + function(w . x)) / tau."""
    power = homogeneity(function)
    root = 1.0 if power is None else 1 / power
    slopes = "slopes" if np.isclose(root, 1.0) else f"slopes to the power {root:.6g}"
    words = f"temperature, biases and {slopes} of the gate are only known up to a common factor"
    return Activated(coef, bias, learned, names, power, words, is_affine(function), function)
