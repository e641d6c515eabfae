"""Multinomial logistic experts."""

from functools import partial
from typing import ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from mixstat.experts.base import Experts, blank
from mixstat.numerics.precision import AnyArray, library_of
from mixstat.parts import labels
from mixstat.parts.atoms import Atoms, linear_blocks
from mixstat.parts.labels import ParameterLabel
from mixstat.parts.predictors import Group
from mixstat.validation import check_integer


class MultinomialExperts(Experts):
    """P(y = c | x, k) proportional to exp(coef_kc phi(x)); the last class is the reference.

    y holds class numbers 0, ..., C - 1. Jacobs, R. A., Jordan, M. I., Nowlan, S. J. and Hinton,
    G. E. (1991), Neural Computation 3, 79-87; rates: Nguyen, H., Akbarian, P., Nguyen, T. and
    Ho, N. (2024), ICML, arXiv 2310.14188.

    Examples
    --------
    >>> import numpy as np
    >>> from mixstat import MixtureOfExpertsClassifier
    >>> from mixstat.datasets import make_tent
    >>> X, y = make_tent(300, random_state=0)
    >>> moe = MixtureOfExpertsClassifier(1).fit(X, np.digitize(y, [0.4, 0.7]))
    >>> moe.result_.model.experts
    MultinomialExperts(n_classes=3)
    >>> moe.expert_coef_.shape
    (1, 2, 4)
    """

    response: ClassVar[str] = "class"
    measure: ClassVar[str] = "multinomial"
    plain: ClassVar[bool] = True

    # log odds against the last class; L = C - 1
    coef: Float[AnyArray, "K L p"] = eqx.field(default_factory=partial(blank, 0, 0, 0))
    n_classes: int = eqx.field(static=True, default=2, kw_only=True, metadata={"told": True})

    def __check_init__(self) -> None:
        check_integer("n_classes", self.n_classes, 2)

    @property
    def n_experts(self) -> int:
        return self.coef.shape[0]

    def _like(self, coef: AnyArray) -> "MultinomialExperts":
        return MultinomialExperts(coef, n_classes=self.n_classes)

    def null(self, n_experts: int, n_features: int, n_outputs: int) -> "MultinomialExperts":
        return self._like(np.zeros((n_experts, self.n_classes - 1, n_features)))

    def groups(self) -> tuple[Group, ...]:
        return (Group("Phi", self.coef),)

    def view(self, y: Float[np.ndarray, "n 1"]) -> Float[np.ndarray, "n C"]:
        return (y == np.arange(self.n_classes)[None, :]).astype(float)

    def _hit(self, y: Float[AnyArray, "1 n"], n_classes: int) -> Float[AnyArray, "c n"]:
        return (y == np.arange(n_classes, dtype=y.dtype)[:, None]).astype(y.dtype)

    def working(self, y: Float[AnyArray, "1 n"]) -> Float[AnyArray, "L n"]:
        """Discriminant-like: the log odds that a class seen nine times out of ten would have."""
        hit = self._hit(y, self.n_classes)
        return np.log(9.0 * (self.n_classes - 1)) * (hit[:-1] - hit[-1:])

    def link(
        self, eta: Float[AnyArray, "K L n"], y: Float[AnyArray, "1 n"]
    ) -> Float[AnyArray, "K n"]:
        library = library_of(eta, y)
        seen = library.sum(eta * self._hit(y, self.n_classes - 1)[None], axis=1)
        largest = library.maximum(library.max(eta, axis=1), 0.0)
        total = library.sum(library.exp(eta - largest[:, None, :]), axis=1)
        return seen - largest - library.log(total + library.exp(-largest))

    def derivatives(
        self, eta: Float[AnyArray, "K L n"], y: Float[AnyArray, "1 n"]
    ) -> tuple[Float[AnyArray, "K L n"], Float[AnyArray, "K L L n"]]:
        share = self._share(eta)
        return self._hit(y, self.n_classes - 1)[None] - share, -self._spread(share)

    def information(
        self, eta: Float[AnyArray, "K L n"], y: Float[AnyArray, "1 n"]
    ) -> Float[AnyArray, "K L L n"]:
        return self._spread(self._share(eta))

    def _share(self, eta: AnyArray) -> AnyArray:
        return self.traced_functions(eta)[:, :-1]

    @staticmethod
    def _spread(share: AnyArray) -> AnyArray:
        """Covariance of the indicators of all classes but the last."""
        diagonal = jnp.eye(share.shape[1], dtype=share.dtype)[None, :, :, None] * share[:, None]
        return diagonal - share[:, :, None, :] * share[:, None, :, :]

    def single_trials(self, y: Float[np.ndarray, "n r"]) -> bool:
        return True

    def permute(self, order: AnyArray) -> "MultinomialExperts":
        return self._like(np.asarray(self.coef)[order])

    def probabilities(self, eta: Float[np.ndarray, "K L n"]) -> Float[np.ndarray, "K C n"]:
        """Class probabilities of each expert, in NumPy."""
        from scipy.special import softmax

        zero = np.zeros((eta.shape[0], 1, eta.shape[2]))
        return softmax(np.concatenate([eta, zero], axis=1), axis=1)

    def marginals(self, eta: Float[np.ndarray, "K L n"]):
        """Distribution of the class number, (K, 1, n)."""
        return Categorical(self.probabilities(eta))

    def in_units(self, location, scale, to_user) -> "MultinomialExperts":
        return self._like(np.asarray(self.coef) @ to_user)

    def labels(self, features: list[str], outputs: list[str]) -> list[ParameterLabel]:
        """Of all classes but the last."""
        classes = [f"y={c}" for c in outputs[:-1]] if len(outputs) > 2 else [""]
        return labels.expert_rows(self.n_experts, features, classes)

    def atoms(self) -> Atoms:
        return Atoms(linear_blocks(np.asarray(self.coef)))

    @property
    def n_values(self) -> int:
        return self.n_classes

    def traced_functions(self, eta: Float[AnyArray, "K L n"]) -> Float[AnyArray, "K C n"]:
        zero = jnp.zeros((eta.shape[0], 1, eta.shape[2]), eta.dtype)
        return jax.nn.softmax(jnp.concatenate([eta, zero], axis=1), axis=1)

    def functions(self, eta: Float[np.ndarray, "K L n"]) -> Float[np.ndarray, "K C n"]:
        return self.probabilities(eta)

    def mean(self, eta: Float[np.ndarray, "K L n"]) -> Float[np.ndarray, "K 1 n"]:
        """Of the class number."""
        return self.marginals(eta).mean()


class Categorical:
    """Frozen distribution of class numbers, with the methods of scipy's that are used here."""

    def __init__(self, probability: Float[np.ndarray, "K C n"]) -> None:
        self.probability = probability

    def mean(self) -> Float[np.ndarray, "K 1 n"]:
        """Mean class number."""
        return np.einsum("kcn,c->kn", self.probability, np.arange(self._size))[:, None]

    def var(self) -> Float[np.ndarray, "K 1 n"]:
        """Variance of the class number."""
        square = np.einsum("kcn,c->kn", self.probability, np.arange(self._size) ** 2)
        return square[:, None] - self.mean() ** 2

    def cdf(self, y: np.ndarray) -> np.ndarray:
        """Probability of a class number up to ``y``, which broadcasts to (K, 1, n)."""
        below = np.arange(self._size)[None, :, None] <= np.floor(y)
        return np.sum(self.probability * below, axis=1, keepdims=True)

    def sf(self, y: np.ndarray) -> np.ndarray:
        """Probability of a class number beyond ``y``."""
        beyond = np.arange(self._size)[None, :, None] > np.floor(y)
        return np.sum(self.probability * beyond, axis=1, keepdims=True)

    def ppf(self, q: float) -> np.ndarray:
        """Smallest class numbers up to which the probability is ``q``."""
        reached = np.cumsum(self.probability, axis=1)[:, :-1]
        return np.sum(reached < q * (1 - 1e-12), axis=1, keepdims=True).astype(float)

    def logpmf(self, y: np.ndarray) -> np.ndarray:
        """Log probability of class numbers ``y`` (n,), as (K, n)."""
        chosen = np.asarray(y, int)[None, None, :]
        return np.log(np.take_along_axis(self.probability, chosen, axis=1))[:, 0]

    def rvs(self, random_state: np.random.Generator) -> Float[np.ndarray, "K 1 n"]:
        """One draw at each place."""
        reached = np.cumsum(self.probability, axis=1)[:, :-1]
        draw = random_state.random((len(reached), 1, reached.shape[2]))
        return np.sum(draw > reached, axis=1, keepdims=True).astype(float)

    @property
    def _size(self) -> int:
        return self.probability.shape[1]
