"""The softmax gate."""

from typing import ClassVar

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

import mixstat.gates.reference as reference
from mixstat.data.batch import Rows
from mixstat.gates.base import blank
from mixstat.gates.blocks import GateBlocks, Prior
from mixstat.numerics.precision import AnyArray
from mixstat.parts import predictors
from mixstat.parts.part import NewtonSums


class LinearSoftmaxGate(reference.ReferenceGate):
    """Softmax gates whose logits are linear in their features, with derivatives in closed form."""

    plain: ClassVar[bool] = True

    def link(self, eta: Float[AnyArray, "J n"], Z: AnyArray) -> Float[AnyArray, "K n"]:
        return reference.log_softmax(eta)

    def prior(self, rows: Rows) -> Prior:
        logit, power = reference.powers(predictors.predict(self.groups(), rows))
        total = jnp.sum(power, axis=0)
        return Prior(logit, total, power * (1 / total)[None, :])

    def statistics(
        self, rows: Rows, resp: Float[AnyArray, "K n"], prior: Prior | None = None
    ) -> NewtonSums:
        share = (prior or self.prior(rows)).share
        assert share is not None  # made by prior above
        where, mass = predictors.layout(self.groups()), resp.sum(axis=0)
        own = share[:-1]
        weighted = mass[None, :] * own

        def pairs(left: np.ndarray, right: np.ndarray) -> AnyArray:
            same = (left == right).astype(own.dtype)
            return weighted[left] * (same[:, None] - own[right])

        slopes = resp[:-1] - weighted
        gradient = predictors.gradient(slopes, where, rows)
        return NewtonSums(gradient, predictors.pair_sums(pairs, where, rows))

    def jacobian(self, eta: Float[AnyArray, "J n"], Z: AnyArray) -> Float[AnyArray, "K J n"]:
        return reference.jacobian(self.link(eta, Z))

    def score(
        self, eta: Float[AnyArray, "J n"], Z: AnyArray, resp: Float[AnyArray, "K n"]
    ) -> Float[AnyArray, "J n"]:
        return resp[:-1] - resp.sum(axis=0)[None, :] * reference.shares(eta)[:-1]

    def blocks(
        self, eta: Float[AnyArray, "J n"], Z: AnyArray, resp: Float[AnyArray, "K n"]
    ) -> GateBlocks:
        mass = resp.sum(axis=0)
        all_shares = reference.shares(eta)  # which the compiler has from the prior
        share = mass[None, :] * all_shares[:-1]
        diagonal = np.eye(len(eta))[:, :, None] * resp[:-1][None, :, :]
        own = diagonal - reference.information_of(all_shares, mass)
        # the share, which all derivatives have in common, is left out of the slopes
        return GateBlocks(resp[:-1] - share, resp[:-1], np.eye(len(resp), len(eta)), own)

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

    Examples
    --------
    >>> from mixstat import MixtureOfExperts
    >>> from mixstat.datasets import make_tent
    >>> from mixstat.gates import SoftmaxGate
    >>> X, y = make_tent(300, random_state=0)
    >>> moe = MixtureOfExperts(2, gate=SoftmaxGate(), n_init=2, random_state=0).fit(X, y)
    >>> moe.gate_proba([[0.2, 0.5, 0.5], [0.8, 0.5, 0.5]]).round(2)
    array([[1., 0.],
           [0., 1.]])
    """

    coef: Float[AnyArray, "J q"] = eqx.field(default_factory=blank)  # J = K - 1; per unit of z

    def null(self, n_experts: int, n_features: int) -> "SoftmaxGate":
        return SoftmaxGate(np.zeros((n_experts - 1, n_features)))
