"""From a fit to what inference sees of it."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Float

from mixstat.arguments import Table
from mixstat.data import batch as batches
from mixstat.data.units import firsts
from mixstat.estimators.report import describe
from mixstat.fitting.block_fit import Read, on_own_blocks
from mixstat.fitting.draws import draw
from mixstat.fitting.fit import Fit
from mixstat.fitting.refits import refit
from mixstat.inference.estimate import Estimate, IdentifiedFunctions
from mixstat.inference.read_estimate import ReadEstimate
from mixstat.numerics import parameter_vector
from mixstat.numerics.precision import in_float64
from mixstat.parts.labels import ParameterLabel

# what the exponential of a coefficient is, by the kind of response
RATIOS = {
    "count": "rate ratio",
    "binomial": "odds ratio",
    "class": "odds ratio",
    "positive": "ratio of means",
    "share": "odds ratio",
}


@in_float64
def estimate_of(
    fit: Fit,
    weight: Float[np.ndarray, " n"],
    counted: Bool[np.ndarray, " N"],
    X: Table = None,
    y: Float[np.ndarray, "n c"] | None = None,
) -> Estimate:
    """A fit as inference sees it.

    Parameters
    ----------
    fit
        With its rows.
    weight
        Weights of the rows that count.
    counted
        Which of the rows that were given count.
    X, y
        As they were given; None where they were not.
    """
    maximum, unit = fit.maximum, batches.unit_numbers(fit.maximum.batch)
    return Estimate(
        objective=maximum.objective.replace(batch=maximum.batch),
        result=maximum.result,
        labels=tuple(labels_of(fit)),
        outputs=tuple(fit.output_names),
        params=fit.params,
        jacobian=fit.user_jacobian,
        held=maximum.held,
        weight=weight if unit is None else weight[firsts(unit)],
        counted=counted,
        weighted=fit.weighted,
        n_parameters=fit.n_parameters,
        log_likelihood=fit.criterion_log_likelihood * fit.sum_of_weights,
        to_user=fit.to_user,
        features=fit.features,
        inputs=tuple(fit.request.schema.columns),
        expert_design=fit.designs.experts,
        gate_design=fit.designs.gate,
        location=fit.units.location,
        scale=fit.units.scale,
        refit=partial(refit, fit),
        simulate=partial(draw, fit),
        description=describe(fit),
        identified=_identified(fit),
        ratios=tuple(_ratios(fit)),
        rows=X,
        response=y,
        offset_columns=_offset_columns(fit),
        unit=unit,
    )


def estimate_of_blocks(fit: Fit, read: Read) -> ReadEstimate:
    """A fit as inference sees it, whose rows are given again in blocks; others are refused."""
    with_rows, sums = on_own_blocks(fit, read)
    return ReadEstimate.of(estimate_of(with_rows, np.zeros(0), np.zeros(0, bool)), sums)


def _offset_columns(fit: Fit) -> tuple[str, ...]:
    formulas = fit.request.schema.formulas
    terms = () if formulas is None else formulas.offsets
    return tuple(name for term in terms for name in term.columns)


def labels_of(fit: Fit) -> list[ParameterLabel]:
    """What each reported parameter is."""
    gate, experts = fit.user_model.gate, fit.user_model.experts
    return [
        *gate.labels(fit.designs.gate.names),
        *experts.labels(fit.designs.experts.names, fit.output_names),
    ]


def _ratios(fit: Fit) -> list[str]:
    """What the exponential of each parameter is; empty for nothing that has a name."""
    gate = ["odds ratio" if unit == 1 else "" for unit in fit.user_model.gate.logits_per_unit()]
    experts = fit.user_model.experts
    word = RATIOS.get(experts.response.removeprefix("censored "), "")
    labels = labels_of(fit)[len(gate) :]
    return gate + [word if label.kind.startswith("expert_") else "" for label in labels]


def _identified(fit: Fit) -> IdentifiedFunctions:
    """Functions of the gate that the data determine, by their derivative."""
    gate = fit.user_model.gate
    identification = gate.identification()
    names = list(identification.identified_names(fit.designs.gate.names))
    if not names:  # nothing to differentiate, and so no program to compile
        return IdentifiedFunctions([], np.zeros(0), np.zeros((0, fit.user_jacobian.shape[1])))
    vector = jnp.asarray(parameter_vector.to_vector(gate))
    values = np.asarray(identification.identified(vector))
    slopes = np.asarray(jax.jacobian(identification.identified)(vector))
    jacobian = slopes.reshape(len(names), len(vector)) @ fit.user_jacobian[: len(vector)]
    return IdentifiedFunctions(names, values, jacobian)
