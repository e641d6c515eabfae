"""Truths that are no mixtures: a function of the inputs plus normal noise."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from mixstat.arguments import Setting
from mixstat.experts.gaussian import GaussianExperts
from mixstat.predictive import Predictive
from mixstat.rates.checks import check_table, short
from mixstat.rates.inputs import NOWHERE
from mixstat.validation import check_integer, check_positive


@dataclass(frozen=True)
class RegressionFunction:
    """p(y | x) of a smooth or rough function plus normal noise; no mixture of experts.

    Examples
    --------
    >>> import numpy as np
    >>> from mixstat.rates import RegressionFunction
    >>> wave = RegressionFunction(lambda X: np.sin(3 * X[:, 0]), 0.2)
    >>> wave.means(np.zeros((4, 1)))
    array([0., 0., 0., 0.])
    """

    function: Callable[[np.ndarray], np.ndarray]
    """Maps inputs (n, d) to means (n,), or to a column (n, 1)."""
    scale: float | int
    """Standard deviation of the noise."""
    pieces: int = 0
    """Equal pieces of the interval of x in which the function is smooth; 0: all of it is."""

    def __post_init__(self) -> None:
        if not callable(self.function):
            raise TypeError(f"function must be callable, got {short(self.function)}.")
        check_positive("scale", self.scale)
        check_integer("pieces", self.pieces, 0)

    def means(self, X: Setting) -> Float[np.ndarray, " n"]:
        """The function at each row.

        Raises
        ------
        ValueError
            If X is no table of finite numbers, or the function does not take one or returns other
            than a finite number a row.
        """
        X = check_table("X", X)
        wanted = f"function must map inputs of shape {X.shape} to {len(X)} means"
        try:
            mean = np.asarray(self.function(X), float)
        except (TypeError, ValueError, IndexError) as error:
            seen = f"{type(error).__name__}: {error}"
            raise ValueError(f"{wanted}, such as lambda X: X[:, 0] ** 2; it says {seen}") from error
        if mean.shape not in ((len(X),), (len(X), 1)):
            raise ValueError(f"{wanted}, got shape {mean.shape}.")
        if not np.all(np.isfinite(mean)):
            raise ValueError(f"{wanted}, all finite; got NaN or infinity.")
        return mean.reshape(len(X))

    def at(self, X: Float[np.ndarray, "n d"]) -> Predictive:
        """The normal distribution of each row."""
        mean = self.means(X)
        eta = np.stack([mean, np.full(len(mean), np.log(self.scale))])[None]
        experts = GaussianExperts(
            np.zeros((1, 1, 1)), np.full((1, 1), np.log(self.scale)), np.zeros((1, 0))
        )
        return Predictive(np.ones((1, len(mean))), experts, eta)

    def breaks(self, low: float, high: float) -> Float[np.ndarray, " b"]:
        """Ends of the pieces."""
        return np.linspace(low, high, self.pieces + 1) if self.pieces else NOWHERE
