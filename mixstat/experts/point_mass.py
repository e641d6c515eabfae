"""A point mass: an expert that says one value and no other, as in zero inflation."""

from typing import Any, ClassVar

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, PyTree

from mixstat.data.batch import Rows
from mixstat.data.design import HUGE
from mixstat.experts.base import Experts
from mixstat.numerics.penalty import Penalty
from mixstat.numerics.precision import AnyArray, library_of
from mixstat.parts.labels import ParameterLabel
from mixstat.parts.predictors import Group
from mixstat.validation import check_number


class PointMass(Experts):
    """y | x, k is the number ``at``, whatever x: structure, without a parameter.

    It stands beside other families in a list: ``["zero", "poisson"]`` is a zero-inflated Poisson
    regression, whose gate is the model of the inflation; ``["zero", "gamma"]`` is a two-part
    model, in which every zero belongs to the point. A mass other than at zero is
    ``PointMass(at=1)``. Beside censored families ``at=inf``, by name "never", is what never
    comes: ``["never", Censored("weibull")]`` is a survival regression with a cured share.

    Lambert, D. (1992). Zero-inflated Poisson regression, with an application to defects in
    manufacturing. Technometrics 34, 1-14.

    Examples
    --------
    >>> import numpy as np
    >>> from mixstat import MixtureOfExperts
    >>> from mixstat.experts import PointMass
    >>> rng = np.random.default_rng(0)
    >>> X = rng.uniform(-1, 1, size=(300, 1))
    >>> y = np.where(rng.random(300) < 0.4, 0, rng.poisson(np.exp(2 + X[:, 0])))
    >>> families = [PointMass(at=0), "poisson"]
    >>> moe = MixtureOfExperts(2, expert=families, n_init=2, random_state=0).fit(X, y)
    >>> moe.gate_proba([[0.0]]).round(2)
    array([[0.37, 0.63]])
    """

    response: ClassVar[str] = "count"
    exact_step: ClassVar[bool] = True
    plain: ClassVar[bool] = True
    alone: ClassVar[bool] = False

    at: Any = eqx.field(static=True, default=0, kw_only=True)
    places: tuple[int, int] = eqx.field(
        static=True, default=(0, 0), kw_only=True, metadata={"told": True}
    )
    """Number of experts, and of features that they do not look at."""

    @property
    def n_experts(self) -> int:
        return self.places[0]

    @property
    def place(self) -> float:
        """The value, checked."""
        return np.inf if self.at == np.inf else check_number("at", self.at)

    def null(self, n_experts: int, n_features: int, n_outputs: int) -> "PointMass":
        return PointMass(at=self.place, places=(n_experts, n_features))

    def groups(self) -> tuple[Group, ...]:
        """Zeros that are no parameters, so that experts can be put side by side."""
        k, p = self.places
        return (Group("Phi", np.zeros((k, 1, p))),)

    def encode(self, y: Float[np.ndarray, "n c"]) -> Float[np.ndarray, "n 1"]:
        """One where y is at the point, else zero."""
        return (y[:, :1] == float(self.at)).astype(float)

    def link(
        self, eta: Float[AnyArray, "K L n"], y: Float[AnyArray, "1 n"]
    ) -> Float[AnyArray, "K n"]:
        library = library_of(eta, y)
        log = library.where(y > 0, 0.0, -np.inf)
        return library.broadcast_to(log, (eta.shape[0], eta.shape[2]))

    def derivatives(
        self, eta: Float[AnyArray, "K L n"], y: Float[AnyArray, "1 n"]
    ) -> tuple[Float[AnyArray, "K L n"], Float[AnyArray, "K L L n"]]:
        return jnp.zeros_like(eta), jnp.zeros((*eta.shape[:2], *eta.shape[1:]), eta.dtype)

    # there is nothing to learn

    def start_statistics(self, rows: Rows, resp: Float[AnyArray, "K n"]) -> PyTree:
        return ()

    def start(self, statistics: PyTree, bounds: "tuple[PointMass, PointMass]") -> "PointMass":
        return self

    def statistics(self, rows: Rows, resp: Float[AnyArray, "K n"]) -> PyTree:
        return ()

    def m_step(
        self, statistics: PyTree, bounds: "tuple[PointMass, PointMass]", penalty: Penalty
    ) -> "PointMass":
        return self

    def moved_statistics(self, new: "PointMass", statistics: PyTree) -> PyTree:
        return statistics

    def gain(self, new: "PointMass", statistics: PyTree) -> Float[AnyArray, ""]:
        return jnp.zeros(())

    def penalty_value(self, penalty: Penalty) -> AnyArray | float:
        return 0.0

    def permute(self, order: AnyArray) -> "PointMass":
        return self

    def in_units(self, location, scale, to_user) -> "PointMass":
        return PointMass(at=self.at, places=(self.n_experts, to_user.shape[1]))

    def labels(self, features: list[str], outputs: list[str]) -> list[ParameterLabel]:
        return []

    # what people see

    def marginals(self, eta: Float[np.ndarray, "K L n"]) -> "Point":
        return Point(np.full((eta.shape[0], 1, eta.shape[2]), float(self.at)))

    def cdf(
        self, eta: Float[np.ndarray, "K L n"], y: Float[np.ndarray, "c n"]
    ) -> Float[np.ndarray, "K 1 n"]:
        return self.marginals(eta).cdf(y[None])

    def traced_functions(self, eta: Float[AnyArray, "K L n"]) -> Float[AnyArray, "K 1 n"]:
        return library_of(eta).full((eta.shape[0], 1, eta.shape[2]), float(self.at))

    def __repr__(self) -> str:
        return f"PointMass(at={self.at!r})"


class Point:
    """Frozen distributions of one value each, with the methods of scipy's that are used here."""

    def __init__(self, at: Float[np.ndarray, "K 1 n"]) -> None:
        self.at = at

    def mean(self) -> Float[np.ndarray, "K 1 n"]:
        """The values."""
        return self.at

    def var(self) -> Float[np.ndarray, "K 1 n"]:
        """No variance."""
        return np.zeros(self.at.shape)

    def cdf(self, y: np.ndarray) -> np.ndarray:
        """Probability of not exceeding ``y``; the largest number stands for infinity."""
        return np.where(y >= np.minimum(self.at, HUGE), 1.0, 0.0)

    def sf(self, y: np.ndarray) -> np.ndarray:
        """Probability of exceeding ``y``."""
        return np.where(y < self.at, 1.0, 0.0)

    def ppf(self, q: float | np.ndarray) -> Float[np.ndarray, "K 1 n"]:
        """Quantiles: the values."""
        return self.at

    def isf(self, q: float) -> Float[np.ndarray, "K 1 n"]:
        """Quantiles by what lies above: the values."""
        return self.at

    def logpmf(self, y: np.ndarray) -> np.ndarray:
        """Log probability of ``y``."""
        return np.where(y == self.at, 0.0, -np.inf)

    def pdf(self, y: np.ndarray) -> np.ndarray:
        """No density anywhere, but a mass."""
        return np.zeros(np.broadcast_shapes(y.shape, self.at.shape))

    def rvs(self, random_state: np.random.Generator) -> Float[np.ndarray, "K 1 n"]:
        """The values."""
        return self.at

    def support(self) -> tuple[np.ndarray, np.ndarray]:
        """The values, twice."""
        return self.at, self.at
