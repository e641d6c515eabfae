"""Generalised linear experts with one predictor: what they share."""

from typing import ClassVar

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float
from scipy import special  # pyright: ignore[reportMissingTypeStubs, reportUnknownVariableType]

from mixstat.data.scaling import ToUser
from mixstat.experts.base import Experts
from mixstat.numerics.precision import AnyArray, library_of
from mixstat.parts.predictors import Group

MOST_LOG = 700.0  # of a mean; exp(710) is infinite


class OnePredictorExperts(Experts):
    """Experts whose mean is the inverse link of one linear predictor."""

    coef: eqx.AbstractVar[AnyArray]  # (K, 1, p)

    @property
    def n_experts(self) -> int:
        return self.coef.shape[0]

    def groups(self) -> tuple[Group, ...]:
        return (Group("Phi", self.coef),)


class CountExperts(OnePredictorExperts):
    """Experts of counts, with the log of a mean: y is not standardised."""

    response: ClassVar[str] = "count"

    def encode(self, y: Float[np.ndarray, "n 1"]) -> Float[np.ndarray, "n 2"]:
        """Counts, and the log of their factorials, which no fit changes."""
        log_factorials: np.ndarray = np.asarray(special.gammaln(y + 1))  # pyright: ignore
        return np.hstack([y, log_factorials])

    def view(self, y: Float[np.ndarray, "n 2"]) -> Float[np.ndarray, "n 1"]:
        return np.log(y[:, :1] + 0.5)

    def working(self, y: Float[AnyArray, "2 n"]) -> Float[AnyArray, "1 n"]:
        return jnp.log(y[:1] + 0.5)


def check_counts(y: Float[np.ndarray, "n c"], family: str) -> None:
    """Refuse what is no count."""
    wrong = (y < 0) | (y != np.round(y))
    if wrong.any():
        row, column = (int(i[0]) for i in np.nonzero(wrong))
        raise ValueError(
            f"y must hold counts (integers >= 0) for {family} experts, got {y[row, column]:g} in "
            f"row {row}."
        )


def one_predictor(first: AnyArray, second: AnyArray) -> tuple[AnyArray, AnyArray]:
    """Derivatives (K, n) in the shapes of the protocol."""
    return first[:, None, :], second[:, None, None, :]


def traced_mean(eta: Float[AnyArray, "K 1 n"]) -> Float[AnyArray, "K 1 n"]:
    """:func:`finite_mean`, inside jit too."""
    library = library_of(eta)
    return library.exp(library.clip(eta, -MOST_LOG, MOST_LOG))


def log_offset(coef: AnyArray, scale: np.ndarray, to_user: ToUser) -> np.ndarray:
    """Coefficients of a log mean after y is multiplied by ``scale``."""
    moved = np.array(coef)
    if scale[0] != 1.0:
        moved[:, 0, 0] += np.log(scale[0])
    return moved @ to_user


def finite_mean(eta: Float[np.ndarray, "..."]) -> Float[np.ndarray, "..."]:
    """Means from their logs, as large or as small as numbers go and no further."""
    return np.exp(np.clip(eta, -MOST_LOG, MOST_LOG))
