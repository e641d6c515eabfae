"""The maximisation problem that every solver is given."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from mixstat import flat
from mixstat.batch import Batch
from mixstat.gates.base import Gate
from mixstat.measure import canonical_order
from mixstat.model import Mixture, expanded_index
from mixstat.precision import AnyArray
from mixstat.step import Shrink


class Strengths(NamedTuple):
    """Weights of a penalty on the slopes, in standardised units: an elastic net for each part.

    Zou, H. and Hastie, T. (2005). Regularization and variable selection via the elastic net.
    J. R. Statist. Soc. B 67, 301-320. Intercepts are free.
    """

    gate_square: float = 0.0  # of half the squared slopes
    gate_l1: float = 0.0  # of the absolute slopes
    expert_square: float = 0.0
    expert_l1: float = 0.0


class Penalty(NamedTuple):
    """What is taken from the mean log-likelihood, for each M-step and as a whole."""

    gate: Shrink  # of the gate's parameters
    experts: Shrink  # of each expert's predictor coefficients, stacked
    square: Float[AnyArray, "D D"]  # quadratic form of the whole parameter vector
    l1: Float[AnyArray, " D"] | None  # strengths of the whole parameter vector


class Problem(NamedTuple):
    """Maximise the mean log-likelihood minus a penalty, within bounds."""

    batch: Batch
    lower: Mixture  # bounds in the structure of the model; -inf where there is none
    upper: Mixture
    shrink: Penalty | None = None  # None is faster than zeros
    draft: Batch | None = None  # the rows in single precision, for the first steps

    def penalty(self, vector: Float[np.ndarray, " D"]) -> float:
        """What the penalty takes from the mean log-likelihood."""
        if self.shrink is None:
            return 0.0
        square, l1 = self.shrink.square, self.shrink.l1
        value = 0.5 * float(vector @ (square @ vector))
        return value if l1 is None else value + float(l1 @ np.abs(vector))

    def penalised_gradient(
        self, vector: Float[np.ndarray, " D"], gradient: Float[np.ndarray, " D"]
    ) -> Float[np.ndarray, " D"]:
        """Gradient of the objective from that of the mean log-likelihood.

        At a zero of an L1 penalty, the steepest one-sided slope uphill: zero if there is none.
        """
        if self.shrink is None:
            return gradient
        gradient = gradient - self.shrink.square @ vector
        if self.shrink.l1 is None:
            return gradient
        beyond = np.sign(gradient) * np.maximum(np.abs(gradient) - self.shrink.l1, 0.0)
        return np.where(vector == 0, beyond, gradient - self.shrink.l1 * np.sign(vector))

    def penalty_hessian(self) -> Float[np.ndarray, "D D"]:
        """Second derivatives of the penalty."""
        if self.shrink is None:
            size = flat.size(self.lower)
            return np.zeros((size, size))
        return np.asarray(self.shrink.square)

    def orthant(
        self, vector: Float[np.ndarray, " D"], gradient: Float[np.ndarray, " D"]
    ) -> tuple[Float[np.ndarray, " D"], Float[np.ndarray, " D"]]:
        """Bounds within which the objective is smooth around ``vector``.

        Andrew, G. and Gao, J. (2007). Scalable training of L1-regularized log-linear models.
        ICML, 33-40.
        """
        lower, upper = flat.to_vector(self.lower), flat.to_vector(self.upper)
        if self.shrink is None or self.shrink.l1 is None:
            return lower, upper
        side = np.where(vector == 0, np.sign(gradient), np.sign(vector))
        bent = self.shrink.l1 > 0
        lower = np.where(bent & (side >= 0), np.maximum(lower, 0.0), lower)
        upper = np.where(bent & (side <= 0), np.minimum(upper, 0.0), upper)
        return lower, upper

    def order(self, model: Mixture) -> Int[np.ndarray, " K"]:
        """The order of experts in which a result is told: as they are, if they are not alike."""
        if self.batch.rows.log_possibility is not None:  # expert c is what context c describes
            return np.arange(model.n_experts)
        each = expanded_index(model)[1]
        limits = [flat.to_vector(bound)[each] for bound in (self.lower, self.upper)]
        alike = all(np.array_equal(rows, np.broadcast_to(rows[0], rows.shape)) for rows in limits)
        if not model.exchangeable or not alike:
            return np.arange(model.n_experts)
        order = canonical_order(model)
        # under L1 the gate's slopes shrink towards the reference expert, which must then stay
        return order if self._indifferent(model.gate, order) else np.arange(model.n_experts)

    def _indifferent(self, gate: Gate, order: Int[np.ndarray, " K"]) -> bool:
        """Whether any gate like ``gate`` has the same L1 penalty with experts renumbered."""
        if self.shrink is None or self.shrink.gate.l1 is None:
            return True
        any_gate = flat.from_vector(gate, np.sqrt(np.arange(2.0, 2 + flat.size(gate))))
        before, after = (flat.to_vector(g) for g in (any_gate, any_gate.permute(order)))
        difference = np.asarray(self.shrink.gate.l1) @ (np.abs(after) - np.abs(before))
        return bool(abs(difference) < 1e-12)

    @property
    def varying(self) -> Bool[np.ndarray, " D"]:
        """Parameters that the bounds do not hold at one value."""
        return flat.to_vector(self.lower) < flat.to_vector(self.upper)


def make(
    template: Mixture,
    batch: Batch,
    *,
    min_scale: float,
    strengths: Strengths | float = 0.0,
    constants: tuple[bool, bool] = (True, True),
    fixed: Bool[np.ndarray, " D"] | None = None,
) -> Problem:
    """The problem for models like ``template``: their own bounds, and a penalty on slopes.

    Parameters
    ----------
    template
        A model of the right shape; its values matter only where ``fixed``.
    batch
        The rows.
    min_scale
        Floor under scales, in standardised units.
    strengths
        Of the penalty; one number is a ridge on gate and experts.
    constants
        Whether the first feature of the gate and of the experts is constant; its coefficients
        are not shrunk.
    fixed
        Parameters to be held at the template's value.
    """
    gates, experts = template.gate.bounds(min_scale), template.experts.bounds(min_scale)
    lower, upper = (Mixture(*pair) for pair in zip(gates, experts, strict=True))
    if fixed is not None:
        value = flat.to_vector(template)
        low, high = flat.to_vector(lower), flat.to_vector(upper)
        lower = flat.from_vector(lower, np.where(fixed, value, low))
        upper = flat.from_vector(upper, np.where(fixed, value, high))
    if not isinstance(strengths, Strengths):
        strengths = Strengths(gate_square=strengths, expert_square=strengths)
    shrink = make_penalty(template, strengths, constants) if any(strengths) else None
    return Problem(batch, lower, upper, shrink)


def make_penalty(template: Mixture, strengths: Strengths, constants: tuple[bool, bool]) -> Penalty:
    """Penalties of each part and of the whole vector."""
    n_gate, size = flat.size(template.gate), flat.size(template)
    square, l1 = np.zeros((size, size)), np.zeros(size)
    form = template.gate.penalty(constants[0])
    square[:n_gate, :n_gate] = strengths.gate_square * form
    l1[:n_gate] = strengths.gate_l1 * template.gate.slopes()
    slopes = flat.to_vector(template.experts.slopes(constants[1]))
    square[range(n_gate, size), range(n_gate, size)] = strengths.expert_square * slopes
    l1[n_gate:] = strengths.expert_l1 * slopes
    each = expanded_index(template)[1]  # (K, E)
    diagonal = np.where(each >= 0, np.diag(square)[each], 0.0)
    every = np.where(each >= 0, l1[each], 0.0)
    stacked = diagonal[:, :, None] * np.eye(each.shape[1])
    return Penalty(
        Shrink(square[:n_gate, :n_gate], l1[:n_gate] if strengths.gate_l1 > 0 else None),
        Shrink(stacked, every if strengths.expert_l1 > 0 else None),
        square,
        l1 if strengths.gate_l1 > 0 or strengths.expert_l1 > 0 else None,
    )
