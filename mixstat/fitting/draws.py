"""Data drawn from a fitted model, laid out as the rows of the fit: the parametric bootstrap."""

import equinox as eqx
import numpy as np
from jaxtyping import Float, Int

from mixstat.data import batch as batches
from mixstat.data.batch import Batch
from mixstat.data.design import Design, PolynomialColumns
from mixstat.data.units import firsts
from mixstat.fitting.fit import Fit
from mixstat.fitting.refits import with_response
from mixstat.numerics.precision import in_float64
from mixstat.objective.likelihood import gate_rows
from mixstat.predictive import choose, draw_from, expert_predictors

Responses = Float[np.ndarray, "n c"]


@in_float64
def draw(fit: Fit, count: int, random: np.random.Generator) -> list[Batch]:
    """As many data sets: responses at the rows of the fit, and inputs where it is a model of them.

    Raises
    ------
    ValueError
        If the fit is no model from which its data could be drawn.
    """
    if fit.model.gate.joint:
        return [_draw_inputs_too(fit, random) for _ in range(count)]
    return [with_response(fit, one) for one in draw_responses(fit, count, random)]


@in_float64
def draw_responses(fit: Fit, count: int, random: np.random.Generator) -> list[Responses]:
    """Responses at the inputs of the fit, in the units of y; rows of a unit share an expert."""
    _check(fit)
    batch = fit.maximum.batch
    rows, unit = batch.rows, batches.unit_numbers(batch)
    n = _n_rows(fit)
    share = np.exp(batches.take_rows(gate_rows(fit.model.gate, rows), n)).T
    chosen = choose(share if unit is None else share[:, firsts(unit)], count, random)
    Phi = batches.take_rows(np.asarray(rows.feature("Phi")), n)
    return _responses(fit, Phi, chosen if unit is None else chosen[unit], random)


def _draw_inputs_too(fit: Fit, random: np.random.Generator) -> Batch:
    """A data set of a gate that is fitted to the inputs."""
    _check(fit)
    expert, Z = fit.plain_model.gate.sample_inputs(_n_rows(fit), random)
    same = fit.maximum.batch.rows.Phi is None
    Phi = Z if same else _expert_features(fit, Z)
    drawn = with_response(fit, _responses(fit, Phi, expert[:, None], random)[0])
    drawn = eqx.tree_at(lambda b: b.rows.Z, drawn, batches.lay_out_like(drawn, Z))
    if same:
        return drawn
    return eqx.tree_at(lambda b: b.rows.Phi, drawn, batches.lay_out_like(drawn, Phi))


def _responses(
    fit: Fit,
    Phi: Float[np.ndarray, "n p"],
    chosen: Int[np.ndarray, "n s"],
    random: np.random.Generator,
) -> list[Responses]:
    """Draws of the chosen experts, in the units of y."""
    rows, experts, units = fit.maximum.batch.rows, fit.model.experts, fit.units
    n = len(Phi)
    known = None if rows.offset is None else batches.take_rows(np.asarray(rows.offset), n)
    observed = batches.take_rows(np.asarray(rows.y), n).T
    eta = expert_predictors(experts, Phi, known)
    draws = draw_from(experts, eta, chosen, random, observed)
    if len(draws) < len(units.location):
        raise ValueError(
            "kind='parametric' draws single trials of experts of several kinds: give "
            "BinomialExperts(trials=...) in place of a column of failures, or draw rows instead."
        )
    draws = draws[: len(units.location)]  # failures are not told of single trials
    table = units.location[:, None, None] + units.scale[:, None, None] * draws
    return [table[:, :, one].T for one in range(table.shape[2])]


def _n_rows(fit: Fit) -> int:
    return int(np.sum(np.asarray(fit.maximum.batch.rows.weight) > 0))


def _check(fit: Fit) -> None:
    """Refuse fits that are no models of how their data came about."""
    if fit.maximum.knows_contexts:
        raise ValueError(
            "kind='parametric' needs a model of all that was given, and there is none of how "
            "possibilities (or known experts) come about: draw rows instead."
        )
    if fit.model.experts.response.startswith("censored"):
        raise ValueError(
            "kind='parametric' draws exact responses, of which none would be censored: draw rows "
            "instead, as there is no model of when a response is censored."
        )


def _expert_features(fit: Fit, Z: Float[np.ndarray, "n q"]) -> Float[np.ndarray, "n p"]:
    """Features of the experts at drawn features of the gate; other inputs are as they were."""
    experts, gate = fit.designs.experts, fit.designs.gate
    polynomials = [isinstance(one.source, PolynomialColumns) for one in (experts, gate)]
    if not all(polynomials) or experts.dependent or gate.dependent:
        raise ValueError(
            "kind='parametric' draws the inputs of a Gaussian gate, from which features of the "
            "experts must follow: give both the same formula, or columns and degrees, none of "
            "them a combination of others; or draw rows instead."
        )
    before = batches.take_rows(np.asarray(fit.maximum.batch.rows.feature("Phi")), len(Z))
    inputs = _inputs(experts, before) | _inputs(gate, Z)
    X = np.zeros((len(Z), max(inputs) + 1))
    for column, values in inputs.items():
        X[:, column] = values
    return experts.transform(X)


def _inputs(design: Design, features: Float[np.ndarray, "n r"]) -> dict[int, np.ndarray]:
    """Inputs by their number, from features of which none was dropped."""
    source = design.source
    assert isinstance(source, PolynomialColumns)
    columns = features @ np.linalg.inv(np.asarray(design.to_user)).T
    single = np.flatnonzero(source.exponents.sum(axis=1) == 1)
    number = source.exponents[single].argmax(axis=1)
    return dict(zip(source.inputs[number].tolist(), columns[:, single].T, strict=True))
