"""What the data and the model can determine: flat directions, conditions, identified functions."""

from collections.abc import Sequence
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from mixstat.gates.base import Gate
from mixstat.inference.covariance import information_spectrum, observed_covariance
from mixstat.numerics import parameter_vector
from mixstat.numerics.precision import in_float64
from mixstat.results import FitResult

DEPENDENT = 1e-12  # margin at and below which functions count as linearly dependent
NEARLY = 1e-5  # margin below which they are independent in name more than in data
CARRIED = 0.01  # share of a parameter's direction in the null space that makes it worth naming
ROWS = 10_000  # enough rows to judge functions by

MEANING = {
    "first": "rates with the true number of experts",
    "second": "rates with more experts than the truth has",
}


@dataclass(frozen=True)
class Independence:
    """Whether functions that the theory wants linearly independent are so on the data.

    Examples
    --------
    >>> from mixstat import MixtureOfExperts
    >>> from mixstat.datasets import make_tent
    >>> X, y = make_tent(300, random_state=0)
    >>> moe = MixtureOfExperts(2, gate="modified", n_init=2, random_state=0).fit(X, y)
    >>> condition = moe.identifiability_.conditions[0]
    >>> condition.order, condition.words
    ('second', 'holds, but nearly singular')
    """

    order: str
    """Either "first" or "second"."""
    margin: float
    """Smallest eigenvalue of their Gram matrix, each scaled to root mean square 1; the smallest
    over experts. Zero for functions that depend on each other; at most 1."""

    @property
    def holds(self) -> bool:
        """Whether the margin is above rounding (1e-12)."""
        return self.margin > DEPENDENT

    @property
    def words(self) -> str:
        """One of "holds", "holds, but nearly singular" (margin below 1e-5) and "fails"."""
        if not self.holds:
            return "fails"
        return "holds, but nearly singular" if self.margin < NEARLY else "holds"

    def describe(self) -> str:
        """One sentence."""
        return (
            f"{self.order.capitalize()}-order independence of the gate ({MEANING[self.order]}) "
            f"{self.words}: margin {self.margin:.1e}."
        )


@dataclass(frozen=True)
class Identifiability:
    """What was found out about a fit's identifiability.

    Examples
    --------
    >>> from mixstat import MixtureOfExperts
    >>> from mixstat.datasets import make_tent
    >>> X, y = make_tent(300, random_state=0)
    >>> moe = MixtureOfExperts(2, n_init=2, random_state=0).fit(X, y)
    >>> print(moe.identifiability_.describe())
    Every parameter that no bound holds is determined by the data.
    """

    conditions: tuple[Independence, ...] = ()
    """Independence conditions of the gate, at the fitted parameters; empty where it has none."""
    invariances: tuple[str, ...] = ()
    """Changes of the gate's parameters that never change the model, in words."""
    undetermined: tuple[str, ...] = ()
    """Names of reported parameters that these data leave open for another reason."""

    def describe(self) -> str:
        """All of it, a sentence a line."""
        lines = [f"{words[:1].upper()}{words[1:]}." for words in self.invariances]
        if self.undetermined:
            lines.append(f"The data do not determine {', '.join(self.undetermined)}.")
        if not lines:
            lines.append("Every parameter that no bound holds is determined by the data.")
        return "\n".join([*lines, *(c.describe() for c in self.conditions)])


def margin(functions: Float[np.ndarray, "n f"], weight: Float[np.ndarray, " n"]) -> float:
    """Smallest eigenvalue of the Gram matrix of functions scaled to root mean square 1.

    From singular values, so that margins down to 1e-28 are not rounding. Zero where a function
    vanishes on all rows.
    """
    root = np.sqrt(weight / weight.sum())[:, None] * functions
    length = np.linalg.norm(root, axis=0)
    if functions.shape[1] == 0 or not np.isfinite(length).all():
        return np.nan
    if (length == 0).any() or len(root) < root.shape[1]:
        return 0.0
    return float(np.linalg.svd(root / length, compute_uv=False)[-1] ** 2)


@in_float64
def conditions(
    gate: Gate,
    features: Float[np.ndarray, "n q"],
    inputs: Float[np.ndarray, "n d"],
    weight: Float[np.ndarray, " n"],
) -> tuple[Independence, ...]:
    """The gate's independence conditions on the data, first order before second.

    Parameters
    ----------
    gate
        A gate with parameters.
    features
        Its features, in the units of its parameters.
    inputs
        What :meth:`Gate.feature_map` was applied to, or the features.
    weight
        Row weights. At most 10,000 rows, evenly spread, are looked at.
    """
    chosen = np.unique(np.linspace(0, len(features) - 1, ROWS).astype(int))
    tables = gate.identification().independence(features[chosen], inputs[chosen])
    return tuple(
        Independence(order, min(margin(table, weight[chosen]) for table in tables[order]))
        for order in sorted(tables)
        if tables[order]
    )


def undetermined(
    result: FitResult, jacobian: Float[np.ndarray, "E D"], names: Sequence[str]
) -> tuple[str, ...]:
    """Names of reported parameters that flat directions carry, known invariances apart."""
    null = information_spectrum(result).null
    known = 0 if result.invariant is None else result.invariant.shape[1]
    carried = np.linalg.norm(jacobian @ null[:, known:], axis=1)
    share = carried / np.maximum(np.linalg.norm(jacobian, axis=1), 1e-300)
    return tuple(name for name, one in zip(names, share, strict=True) if one > CARRIED)


@in_float64
def identified_functions(
    gate: Gate,
    names: Sequence[str],
    result: FitResult,
    total_weight: float,
    jacobian: Float[np.ndarray, "E D"],
) -> np.ndarray:
    """Values and standard errors of what the data determine about the gate.

    Parameters
    ----------
    gate
        In the user's units.
    names
        Of the functions.
    result
        The fit.
    total_weight
        Sum of the row weights.
    jacobian
        From internal to reported parameters, the gate's first.

    Returns
    -------
    ndarray of shape (I,)
        A structured array with the fields ``name``, ``value`` and ``std_error`` (by the delta
        method from the observed information; NaN where the data do not determine it).
    """
    kind = [("name", f"U{max([1, *map(len, names)])}"), ("value", float), ("std_error", float)]
    table = np.empty(len(names), dtype=kind)
    if not names:
        return table
    vector = jnp.asarray(parameter_vector.to_vector(gate))
    slopes = np.asarray(jax.jacobian(gate.identification().identified)(vector)).reshape(
        len(names), len(vector)
    )
    covariance = observed_covariance(result, total_weight, slopes @ jacobian[: len(vector)])
    table["name"], table["value"] = names, np.asarray(gate.identification().identified(vector))
    table["std_error"] = np.sqrt(np.diag(covariance))
    return table
