"""Sparse softmax gates: only the largest logits get a share."""

from typing import Any, ClassVar

import equinox as eqx
import jax
import numpy as np
from jaxtyping import Float

import mixstat.gates.reference as reference
from mixstat.gates.base import Gate, blank
from mixstat.gates.softmax import SoftmaxGate
from mixstat.gates.starting import Starting
from mixstat.numerics import functions
from mixstat.numerics.precision import AnyArray, library_of
from mixstat.validation import check_integer

NOTHING = -1e30  # log of the share of experts left out: finite, so that nothing becomes NaN


class SparseGate(reference.ReferenceGate):
    """Softmax over the experts that are kept; the last expert is the reference."""

    continuous: ClassVar[bool] = False
    plain: ClassVar[bool] = True

    def doubled(self, constant: bool) -> None:
        """Two experts in the place of one would push out another."""

    def starting(self) -> Starting[Gate]:
        def adopt(dense: Gate) -> Gate:
            return eqx.tree_at(lambda gate: gate.coef, self, dense.groups()[0].coef)

        return Starting(dense=SoftmaxGate(self.coef), adopt=adopt)


class TopKGate(SparseGate):
    """Softmax over the k largest logits (two by default); the others have share zero.

    Experts that tie for the last place are all kept. Shares jump in x where logits tie, so the
    log-likelihood jumps in the parameters.

    Nguyen, H., Akbarian, P., Yan, F. and Ho, N. (2024). Statistical perspective of top-K sparse
    softmax gating mixture of experts. ICLR. arXiv 2309.13850.

    Examples
    --------
    >>> import numpy as np
    >>> from mixstat import MixtureOfExperts
    >>> from mixstat.gates import TopKGate
    >>> rng = np.random.default_rng(0)
    >>> X = rng.uniform(-2, 2, size=(300, 1))
    >>> level = np.clip(np.round(X[:, 0] + 0.4 * rng.standard_normal(300)), -1, 1)
    >>> y = 2 * level + 0.3 * rng.standard_normal(300)
    >>> moe = MixtureOfExperts(3, gate=TopKGate(k=2), n_init=1, random_state=0).fit(X, y)
    >>> (moe.gate_proba([[-1.9], [0.0], [1.9]]) > 0).sum(axis=1)
    array([2, 2, 2])
    """

    coef: Float[AnyArray, "J q"] = eqx.field(default_factory=blank)
    k: Any = eqx.field(static=True, default=None, kw_only=True)

    def null(self, n_experts: int, n_features: int) -> "TopKGate":
        k = min(2, n_experts) if self.k is None else check_integer("k", self.k, 1)
        if k > n_experts:
            raise ValueError(f"k must be at most n_experts={n_experts} for TopKGate, got {k}.")
        return TopKGate(np.zeros((n_experts - 1, n_features)), k=k)

    def link(self, eta: Float[AnyArray, "J n"], Z: AnyArray) -> Float[AnyArray, "K n"]:
        logits = reference.with_reference(eta)
        library = library_of(logits)
        larger = library.sum(logits[None, :, :] > logits[:, None, :], axis=1)
        return functions.log_softmax(library.where(larger < self.k, logits, NOTHING))


class TopPGate(SparseGate):
    """Softmax over as many of the most probable experts as reach the probability ``mass``.

    Experts with equal probabilities are kept or left out together.

    Examples
    --------
    >>> import numpy as np
    >>> from mixstat import MixtureOfExperts
    >>> from mixstat.gates import TopPGate
    >>> rng = np.random.default_rng(0)
    >>> X = rng.uniform(-2, 2, size=(300, 1))
    >>> up = rng.random(300) < 1 / (1 + np.exp(-2 * X[:, 0]))
    >>> y = np.where(up, X[:, 0], -X[:, 0]) + 0.2 * rng.standard_normal(300)
    >>> moe = MixtureOfExperts(2, gate=TopPGate(mass=0.9), n_init=2, random_state=0).fit(X, y)
    >>> (moe.gate_proba([[-1.9], [0.0], [1.9]]) > 0).sum(axis=1)
    array([1, 2, 1])
    """

    coef: Float[AnyArray, "J q"] = eqx.field(default_factory=blank)
    mass: Any = eqx.field(static=True, default=0.9, kw_only=True)

    def null(self, n_experts: int, n_features: int) -> "TopPGate":
        known = isinstance(self.mass, int | float) and not isinstance(self.mass, bool)
        if not known or not 0 < self.mass <= 1:
            raise ValueError(f"mass must lie in (0, 1] for TopPGate, got {self.mass!r}.")
        return TopPGate(np.zeros((n_experts - 1, n_features)), mass=self.mass)

    def link(self, eta: Float[AnyArray, "J n"], Z: AnyArray) -> Float[AnyArray, "K n"]:
        logits = reference.with_reference(eta)
        library = library_of(logits)
        share = functions.softmax(logits if library is np else jax.lax.stop_gradient(logits))
        above = (share[None, :, :] > share[:, None, :]) * share[None, :, :]
        # shares may add up to one before the last expert is counted
        kept = (library.sum(above, axis=1) < self.mass) | (self.mass == 1)
        return functions.log_softmax(library.where(kept, logits, NOTHING))
