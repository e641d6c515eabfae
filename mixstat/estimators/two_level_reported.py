"""Parameters of two levels as people see them, with errors."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from scipy import stats

from mixstat.arguments import DataFrame
from mixstat.fitting.two_level import TwoLevelFit
from mixstat.fitting.two_level_objective import TwoLevelMixture
from mixstat.inference.covariance import information_spectrum, unknown_as_nan
from mixstat.inference.summary import Block, Summary, summary_tables
from mixstat.model import Mixture
from mixstat.numerics import parameter_vector
from mixstat.results import listed

KINDS = {"observed": "observed information", "robust": "sandwich of independent units"}


class Parameter(NamedTuple):
    """One parameter, by the table that it stands in."""

    table: str
    name: str
    """Unique among the parameters, such as "class0:1"."""
    entry: str
    """Its name within the table."""


def parameters(fit: TwoLevelFit) -> list[Parameter]:
    """What is reported, in order: classes of units, shares of experts in them, experts."""
    gate, rows = fit.model.gate, fit.rows
    H, J = gate.n_classes, len(gate.coef)
    found = [
        Parameter(f"Units: class {c} against {H - 1}", f"class{c}:{name}", name)
        for c in range(H - 1)
        for name in fit.unit_design.names
    ]
    for k in range(J):
        entries = [f"1[class {c}]" for c in range(H)] + rows.designs.gate.names[1:]
        title = f"Gate: expert {k} against {J}"
        found += [Parameter(title, f"gate{k}:{one}", one) for one in entries]
    for one in rows.model.experts.labels(rows.designs.experts.names, rows.output_names):
        word = "Log of " + one.word.removeprefix("log_").replace("_", " ")
        title = word if one.gathered else f"Expert {one.expert}"
        found.append(Parameter(title, one.name, one.entry))
    return found


def reported(fit: TwoLevelFit, model: TwoLevelMixture) -> Float[np.ndarray, " E"]:
    """Parameters in the units of the data; affine in those of the model."""
    gate, designs = model.gate, fit.rows.designs
    units = np.asarray(gate.units) @ fit.unit_design.to_user
    whole = np.vstack([np.asarray(gate.shift), np.zeros((1, len(gate.coef)))])
    of_classes = np.repeat(np.asarray(gate.coef)[None], gate.n_classes, axis=0)
    of_classes[:, :, 0] += whole
    in_units = of_classes @ designs.gate.to_user  # (H, J, q)
    rows = [np.r_[in_units[:, k, 0], in_units[-1, k, 1:]] for k in range(len(gate.coef))]
    experts = fit.rows.to_user(Mixture(fit.rows.model.gate, model.experts)).experts
    return np.concatenate([np.ravel(units), *rows, parameter_vector.to_vector(experts)])


def jacobian(fit: TwoLevelFit) -> Float[np.ndarray, "E D"]:
    """Derivative of what is reported in the parameters of the model."""
    zero = np.zeros(parameter_vector.size(fit.model))

    def at(vector: np.ndarray) -> np.ndarray:
        return reported(fit, parameter_vector.from_vector(fit.model, vector))

    origin = at(zero)
    return np.stack([at(one) - origin for one in np.eye(len(zero))], axis=1)


def covariance(fit: TwoLevelFit, kind: str) -> Float[np.ndarray, "E E"]:
    """Of the reported parameters; NaN where the data do not determine one."""
    spectrum, slopes = information_spectrum(fit.result), jacobian(fit)
    inverse = spectrum.directions / (fit.total_weight * spectrum.values)
    inverse = inverse @ spectrum.directions.T
    if kind == "robust":
        inverse = inverse @ (fit.scores.T * fit.weight) @ fit.scores @ inverse
    return unknown_as_nan(slopes @ inverse @ slopes.T, spectrum, slopes)


def estimates(fit: TwoLevelFit, kind: str, level: float) -> DataFrame:
    """A row for each reported parameter."""
    import pandas as pd

    value = reported(fit, fit.model)
    error = np.sqrt(np.diag(covariance(fit, kind)))
    half = stats.norm.ppf(0.5 + 0.5 * level) * error
    with np.errstate(divide="ignore", invalid="ignore"):
        z = value / error
    columns = {
        "estimate": value, "std_error": error, "z": z, "p": 2 * stats.norm.sf(np.abs(z)),
        "low": value - half, "high": value + half,
    }  # fmt: skip
    return pd.DataFrame(columns, index=[one.name for one in parameters(fit)])


def summarise(fit: TwoLevelFit, kind: str, level: float, n_parameters: int) -> Summary:
    """Facts, a table for each equation, and notes."""
    table, told = estimates(fit, kind, level), parameters(fit)
    blocks = []
    for title in dict.fromkeys(one.table for one in told):
        chosen = [j for j, one in enumerate(told) if one.table == title]
        names = [told[j].entry for j in chosen]
        numbers = table.iloc[chosen]
        value, error = (numbers[name].to_numpy() for name in ("estimate", "std_error"))
        blocks.append(Block(title, names, value, error, tested=not title.startswith("Log of")))
    total, n = fit.log_likelihood, fit.total_weight
    certificate = fit.result.certificate
    facts = [
        ("Units", f"{n:g}"),
        ("Rows", f"{fit.n_rows:g}"),
        ("Classes of units", str(fit.model.gate.n_classes)),
        ("Experts", str(fit.model.n_experts)),
        ("Parameters", str(n_parameters)),
        ("Log-likelihood", f"{total:.4f}"),
        ("BIC", f"{-2 * total + n_parameters * np.log(n):.4f}"),
        ("Status", certificate.status.name.lower()),
        ("Starts agreeing", f"{certificate.starts_agreeing} of {certificate.starts_finished}"),
        ("Covariance", KINDS[kind]),
    ]
    notes = [
        "Classes of units are numbered by the share of expert 0 in their rows, largest first. "
        "BIC counts units.",
        *certificate.remarks(),
        *certificate.notes(),
    ]
    if fit.rows.designs.levels:
        first = [f"{name} {levels[0]}" for name, levels in fit.rows.designs.levels.items()]
        notes.append(f"Reference levels: {listed(first)}.")
    return summary_tables("Two-level mixture of experts", facts, blocks, notes, level)
