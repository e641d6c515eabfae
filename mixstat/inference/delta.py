"""The delta method: errors of functions of the parameters, by one pass of differentiation."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float
from scipy import stats

from mixstat.arguments import DataFrame, Setting
from mixstat.inference.covariances import ParameterCovariance
from mixstat.inference.estimate import Estimate
from mixstat.model import Mixture
from mixstat.numerics import parameter_vector
from mixstat.numerics.precision import AnyArray, in_float64
from mixstat.validation import check_open_share


class ReportedParameters(Mapping[str, AnyArray]):
    """Reported parameters by name, and as one vector; what functions of a user are given.

    Examples
    --------
    >>> from mixstat import MixtureOfExperts
    >>> from mixstat.datasets import make_tent
    >>> X, y = make_tent(300, random_state=0)
    >>> moe = MixtureOfExperts(2, n_init=2, random_state=0).fit(X, y)
    >>> results = moe.inference(X, y)
    >>> results.user_delta(lambda p: p["expert0:x0"] + p["expert1:x0"]).value.round(2).item()
    0.04
    """

    def __init__(self, names: Sequence[str], vector: AnyArray) -> None:
        self._place = {name: j for j, name in enumerate(names)}
        self.vector = vector
        """All of them, in the order of ``parameter_names``."""

    def __getitem__(self, name: str) -> AnyArray:
        if name not in self._place:
            raise KeyError(f"{name!r} is no parameter; there are {', '.join(self._place)}.")
        return self.vector[self._place[name]]

    def __iter__(self) -> Iterator[str]:
        return iter(self._place)

    def __len__(self) -> int:
        return len(self._place)


@dataclass(frozen=True, eq=False)
class Delta:
    """A function of the parameters at the estimate, and its errors.

    Examples
    --------
    >>> from mixstat import MixtureOfExperts
    >>> from mixstat.datasets import make_tent
    >>> X, y = make_tent(300, random_state=0)
    >>> moe = MixtureOfExperts(2, n_init=2, random_state=0).fit(X, y)
    >>> results = moe.inference(X, y)
    >>> both = results.user_delta(lambda p: p["expert0:x0"] + p["expert1:x0"])
    >>> both.value.round(2).item(), both.std_error.round(2).item()
    (0.04, 0.08)
    """

    value: Float[np.ndarray, "..."]
    """Its value, of any shape."""
    covariance: Float[np.ndarray, "k k"]
    """Of the value, as one vector; NaN where the data do not determine an entry."""
    jacobian: Float[np.ndarray, "k D"]
    """Its derivative in the internal parameters."""
    level: float
    """Confidence level of the intervals."""

    @property
    def std_error(self) -> Float[np.ndarray, "..."]:
        """Standard errors, in the shape of :attr:`value`."""
        variance = np.diag(self.covariance)
        return np.sqrt(np.maximum(variance, 0.0)).reshape(self.value.shape)

    def conf_int(self, level: Setting = None) -> Float[np.ndarray, "... 2"]:
        """Value plus and minus standard errors times a normal quantile, on a last axis."""
        share = self.level if level is None else check_open_share("level", level)
        half = stats.norm.ppf(0.5 + 0.5 * share) * self.std_error
        return np.stack([self.value - half, self.value + half], axis=-1)

    def summary_frame(self) -> DataFrame:
        """A row for each entry of the value."""
        import pandas as pd

        ends = self.conf_int().reshape(-1, 2)
        columns = {
            "estimate": np.ravel(self.value),
            "std_error": np.ravel(self.std_error),
            "low": ends[:, 0],
            "high": ends[:, 1],
        }
        return pd.DataFrame(columns)


def delta_of_model(
    estimate: Estimate,
    covariance: ParameterCovariance,
    function: Callable[[Mixture], AnyArray],
    level: float,
) -> Delta:
    """The delta method for a function of the mixture in internal units."""
    check_function(function)
    model = estimate.model

    def of_vector(vector: AnyArray) -> AnyArray:
        return jnp.asarray(function(parameter_vector.from_vector(model, vector)))

    value, jacobian = differentiate(of_vector, estimate.vector)
    return _with_errors(value, jacobian, covariance, level)


def delta_of_reported(
    estimate: Estimate,
    covariance: ParameterCovariance,
    function: Callable[[ReportedParameters], AnyArray],
    level: float,
) -> Delta:
    """The delta method for a function of the reported parameters."""
    check_function(function)
    names = estimate.names

    def of_vector(params: AnyArray) -> AnyArray:
        return jnp.asarray(function(ReportedParameters(names, params)))

    value, slopes = differentiate(of_vector, estimate.params)
    # what is held has no error, so its derivative does not count
    used = np.where(np.isnan(slopes), 0.0, slopes) @ estimate.jacobian
    return _with_errors(value, used, covariance, level)


def check_function(function: object) -> None:
    """Refuse what cannot be called."""
    if not callable(function):
        raise ValueError(
            "function must be a function of the parameters, written with jax.numpy, got "
            f"{function!r}."
        )


@in_float64
def differentiate(
    function: Callable[[AnyArray], AnyArray], vector: Float[np.ndarray, " p"]
) -> tuple[Float[np.ndarray, "..."], Float[np.ndarray, "k p"]]:
    """Value of a function, and its derivative with a row for each entry of the value."""
    with jax.numpy_rank_promotion("allow"):  # in what people write
        at = jnp.asarray(vector)
        shape = jax.eval_shape(function, at).shape
        tall = int(np.prod(shape)) > len(vector)
        way = jax.jacfwd if tall else jax.jacrev

        def both(v: AnyArray) -> tuple[AnyArray, AnyArray]:
            value = function(v)
            return value, value

        slopes, value = jax.jit(way(both, has_aux=True))(at)
    return np.asarray(value, float), np.asarray(slopes, float).reshape(-1, len(vector))


def _with_errors(
    value: Float[np.ndarray, "..."],
    jacobian: Float[np.ndarray, "k D"],
    covariance: ParameterCovariance,
    level: float,
) -> Delta:
    errors = covariance.of(jacobian, constants_vary=False)
    return Delta(value, errors, np.where(covariance.held, 0.0, jacobian), level)
