"""Truths that are known by their draws and their log density alone."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy import stats

from mixstat.arguments import Setting
from mixstat.predictive import Predictive
from mixstat.rates.checks import short
from mixstat.rates.inputs import NOWHERE, InputLaw, panels

INPUTS, DRAWS = 40, 50  # at which draws are compared with the density, and how many at each
POINTS = 12  # of a panel between two draws
REACH = 2.0 ** np.arange(-3, 28, 0.5)  # ranges of half of the draws that tails are followed for
WHOLE = 0.05  # how far the density may be from integrating to one
SURE = 1e-6  # p-value below which draws and density disagree
SEED = 20_260  # of the draws by which a law is checked and told apart


@dataclass(frozen=True)
class SampledLaw:
    """p(y | x) from a sampler and a log density that people wrote."""

    sampler: Callable[..., object]
    """From inputs (n, d) and a generator to responses (n,)."""
    log_density: Callable[..., object]
    """From inputs (n, d) and responses (n,) to log p(y | x), natural logs, (n,)."""
    values: tuple[float, ...] = ()
    """Values that y takes; none where y has a density."""

    def sample(
        self, X: Float[np.ndarray, "n d"], random: np.random.Generator
    ) -> Float[np.ndarray, " n"]:
        """A response for each row."""
        y = _numbers("sampler", self.sampler, X, random)
        if not np.all(np.isfinite(y)):
            raise ValueError("sampler must return finite numbers, got NaN or infinity.")
        return y

    def log_densities(
        self, X: Float[np.ndarray, "n d"], y: Float[np.ndarray, "n s"]
    ) -> Float[np.ndarray, "n s"]:
        """Several responses at each row."""
        rows = np.repeat(X, y.shape[1], axis=0)
        found = _numbers("log_density", self.log_density, rows, np.ravel(y))
        if np.any(np.isnan(found)) or np.any(found == np.inf):
            raise ValueError("log_density must return numbers or -inf, got NaN or infinity.")
        return found.reshape(y.shape)

    def at(self, X: Float[np.ndarray, "n d"]) -> Predictive:
        """There are no experts: ValueError says so."""
        raise ValueError("a truth that is known by its sampler has draws and densities alone.")

    def breaks(self, low: float, high: float) -> Float[np.ndarray, " b"]:
        """Inputs at which the density is known to jump: none."""
        return NOWHERE

    def draws(self, X: Float[np.ndarray, "n d"], count: int) -> Float[np.ndarray, "n s"]:
        """Sorted draws at each row, always the same."""
        random = np.random.default_rng(SEED)
        return np.sort(self.sample(np.repeat(X, count, axis=0), random).reshape(-1, count), axis=1)

    def describe(self, inputs: InputLaw) -> dict[str, object]:
        """What tells two laws apart: densities at some draws."""
        X = inputs.sample(8, np.random.default_rng(SEED))
        y = self.draws(X, 4)
        logs = np.round(self.log_densities(X, y), 9).tolist()
        return {"values": list(self.values), "draws": y.tolist(), "log_density": logs}


def _numbers(name: str, function: Callable[..., object], X: np.ndarray, *more: Setting):
    """What a function of rows returns: a number for each."""
    wanted = f"{name} must return a number for each of {len(X)} rows"
    try:
        with np.errstate(all="ignore"):  # densities are zero far out
            found = np.asarray(function(X, *more), float)
    except Exception as error:
        raise ValueError(f"{wanted}; it says {type(error).__name__}: {error}") from error
    if found.shape not in ((len(X),), (len(X), 1)):
        raise ValueError(f"{wanted}, got shape {found.shape}.")
    return found.reshape(len(X))


def make_sampled(
    inputs: InputLaw, sampler: Setting, log_density: Setting, values: Setting
) -> SampledLaw:
    """A law whose draws agree with its density."""
    functions = _function("sampler", sampler), _function("log_density", log_density)
    law = SampledLaw(*functions, _values(values))
    check_agreement(law, inputs)
    return law


def _function(name: str, function: Setting) -> Callable[..., object]:
    if not callable(function):
        raise TypeError(f"{name} must be callable, got {short(function)}.")
    return function


def _values(values: Setting) -> tuple[float, ...]:
    if values is None:
        return ()
    try:
        table = np.unique(np.atleast_1d(np.asarray(values, float)))
    except (TypeError, ValueError) as error:
        raise ValueError(f"values must be numbers or None, got {short(values)}.") from error
    if not table.size or not np.all(np.isfinite(table)):
        raise ValueError(f"values must be finite numbers, at least one; got {short(values)}.")
    return tuple(table.tolist())


def check_agreement(law: SampledLaw, inputs: InputLaw) -> None:
    """Raise ValueError unless draws at some inputs come from the density there."""
    X = inputs.sample(INPUTS, np.random.default_rng(SEED))
    y = law.draws(X, DRAWS)
    if law.values:
        total, p_value = _against_values(law, X, y)
    else:
        total, p_value = _against_density(law, X, y)
    worst = int(np.argmax(np.abs(total - 1)))
    if not abs(total[worst] - 1) <= WHOLE:
        verb = "sum" if law.values else "integrate"
        raise ValueError(
            f"log_density must {verb} to one over y, got {total[worst]:.4g} at "
            f"x={short(X[worst].tolist())}."
        )
    if p_value < SURE:
        raise ValueError(
            f"sampler and log_density must be of one distribution: draws of the sampler come from "
            f"this density with p-value {p_value:.1g}."
        )


def _against_density(law: SampledLaw, X: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, float]:
    """The integral at each input, and how likely the draws are: uniform by their probabilities."""
    low, middle, high = np.quantile(y, [0.25, 0.5, 0.75], axis=1)
    span = np.maximum(high - low, 1e-9 * (1 + np.abs(middle)))[:, None]
    steps = np.concatenate([-REACH[::-1], REACH])[None, :]
    edges = np.sort(np.hstack([y, middle[:, None] + span * steps]), axis=1)
    nodes, mass = panels(edges, POINTS)
    density = mass * np.exp(law.log_densities(X, nodes))
    each = np.cumsum(density.reshape(len(X), -1, POINTS).sum(axis=2), axis=1)
    below = np.hstack([np.zeros((len(X), 1)), each])  # at the edges
    places = np.stack([np.searchsorted(row, draws) for row, draws in zip(edges, y, strict=True)])
    uniform = np.take_along_axis(below, places, axis=1) / below[:, -1:]
    overall = float(stats.kstest(np.ravel(uniform), "uniform").pvalue)
    centred = uniform - 0.5
    moments = _chi_square(centred, 1 / 12), _chi_square(centred**2 - 1 / 12, 1 / 180)
    return below[:, -1], min(1.0, 3 * min(overall, *moments))


def _chi_square(values: np.ndarray, variance: np.ndarray | float) -> float:
    """How likely the means of values at each input are, whose expectation is zero."""
    z = values.mean(axis=1) / np.sqrt(variance / values.shape[1])
    together = 2 * stats.norm.sf(abs(z.sum()) / np.sqrt(len(z)))
    return 2 * float(min(together, stats.chi2.sf(np.sum(z**2), len(z))))


def _against_values(law: SampledLaw, X: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, float]:
    """The sum at each input, and how likely the means and the counts of the values are."""
    values = np.array(law.values)
    strange = y[~np.isin(y, values)]
    if strange.size:
        raise ValueError(f"values must be all that the sampler returns, got {strange[0]:g} too.")
    share = np.exp(law.log_densities(X, np.tile(values, (len(X), 1))))
    counts = (y[:, :, None] == values[None, None, :]).sum(axis=1)
    gap = np.sum(counts - y.shape[1] * share, axis=0)
    spread = np.sqrt(y.shape[1] * np.sum(share * np.clip(1 - share, 0, 1), axis=0))
    z = np.max(np.abs(gap) / np.maximum(spread, 1.0))
    mean = share @ values
    variance = np.maximum(share @ values**2 - mean**2, 1e-12)
    means = _chi_square(y - mean[:, None], variance)
    return share.sum(axis=1), float(min(1.0, 2 * min(means, len(values) * 2 * stats.norm.sf(z))))
