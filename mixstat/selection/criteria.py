"""Information criteria of a fit, and why some fits have none."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from scipy.special import entr

from mixstat.arguments import Response, Setting, Table
from mixstat.data.batch import leads
from mixstat.data.units import numbered
from mixstat.estimators.base import BaseMixture
from mixstat.estimators.contextual import ContextualMixtureOfExperts
from mixstat.estimators.grouping import read_units
from mixstat.selection.folds import of_rows

INFORMATION = ("bic", "aic", "sabic", "caic", "icl", "eic")
HELD_OUT = ("held_out", "one_se")
CRITERIA = (*INFORMATION, *HELD_OUT)
WHOLE = 1e-9  # distance from a whole number at which a weight is one


class Criteria(NamedTuple):
    """Small is good; NaN where a criterion does not apply."""

    aic: float
    """Akaike (1974): -2 log-likelihood + 2 d."""
    bic: float
    """Schwarz (1978): -2 log-likelihood + d log n."""
    sabic: float
    """Sclove (1987): BIC with (n + 2) / 24 in the place of n."""
    caic: float
    """Bozdogan (1987): -2 log-likelihood + d (log n + 1)."""
    icl: float
    """Biernacki, Celeux and Govaert (2000): BIC + 2 entropy of the responsibilities."""


def criteria(log_likelihood: float, n_parameters: int, n: float, entropy: float) -> Criteria:
    """All of them; ``log_likelihood`` and ``entropy`` are sums over n rows."""
    deviance, log_n = -2 * log_likelihood, float(np.log(n))
    bic = deviance + n_parameters * log_n
    return Criteria(
        aic=deviance + 2 * n_parameters,
        bic=bic,
        sabic=deviance + n_parameters * float(np.log((n + 2) / 24)),
        caic=bic + n_parameters,
        icl=bic + 2 * entropy,
    )


def log_likelihood(moe: BaseMixture) -> float:
    """Sum over the rows of the fit of what its parameters were counted for."""
    return moe.fit_.criterion_log_likelihood * moe.fit_.sum_of_weights


def entropy(
    moe: BaseMixture,
    X: Table,
    y: Response,
    weight: Float[np.ndarray, " n"],
    params: Mapping[str, Setting] | None = None,
) -> float:
    """Weighted sum of the entropy of the responsibilities; zero where all is clear.

    Over rows, or over units that share an expert; ``params`` are further arguments of ``fit``.
    """
    given = params or {}
    each = entr(moe.responsibilities(X, y, **of_rows(given))).sum(axis=1)
    units = read_units(X, given.get("groups"), moe.fit_.request.schema.groups)
    return float(weight @ (each if units is None else each * leads(numbered(units))))


def why_none_of_weights(weight: Float[np.ndarray, " n"]) -> str:
    """Why information criteria do not apply beside these row weights; empty where they do."""
    if np.all(np.abs(weight - np.round(weight)) <= WHOLE):
        return ""
    return (
        "information criteria count rows, and sample_weight has numbers that are no counts "
        f"(such as {weight[np.abs(weight - np.round(weight)) > WHOLE][0]:g}), so their size is "
        "arbitrary; held-out rows compare such fits"
    )


def why_none_of_fit(moe: BaseMixture) -> str:
    """Why information criteria do not apply to a fit; empty where they do."""
    strengths = moe.strengths_
    if strengths.gate_square or strengths.expert_square:
        return (
            "a ridge shrinks slopes, so the fit is no maximum of the likelihood and its number of "
            "parameters no number of degrees of freedom; held-out rows compare such fits"
        )
    return ""


def why_none_of_grid(criterion: str, grid: list[BaseMixture]) -> str:
    """Why a criterion cannot compare members of a grid; empty where it can."""
    kinds = {_kind_of_response(one) for one in grid} - {""}
    if len(kinds) > 1:
        return (
            "expert must name families of one kind: log densities of a real y and log "
            "probabilities of counts have different units, and cannot be compared"
        )
    left = {text.partition("~")[0].strip() for one in grid if (text := _formula(one))}
    if len(left) > 1:
        return (
            f"formula must have one response: densities of {' and '.join(sorted(left))} have "
            "different units, and cannot be compared"
        )
    joint = {
        not isinstance(one, ContextualMixtureOfExperts) and one._options().gate.joint
        for one in grid
    }
    if len(joint) > 1 and criterion in INFORMATION:
        return (
            f"criterion={criterion!r} cannot compare a Gaussian gate, which is fitted to the "
            "joint density of X and y, with other gates; give cv and criterion='held_out'"
        )
    return ""


def _kind_of_response(estimator: BaseMixture) -> str:
    family = getattr(estimator, "_family", None)
    if family is None:
        return ""
    return "real" if (kind := family().response) == "positive" else kind


def _formula(estimator: BaseMixture) -> str:
    text = estimator.get_params(deep=False).get("formula")
    return text if isinstance(text, str) else ""
