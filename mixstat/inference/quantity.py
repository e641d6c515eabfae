"""Numbers with errors and intervals that respect their range."""

from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Bool, Float
from scipy import stats
from scipy.special import expit, logit, ndtr, ndtri

from mixstat.inference.covariance import unknown
from mixstat.inference.covariances import ParameterCovariance


@dataclass(frozen=True, eq=False)
class Quantity:
    """Functions of the parameters at the estimate, with errors.

    Examples
    --------
    >>> from mixstat import MixtureOfExperts
    >>> from mixstat.datasets import make_tent
    >>> X, y = make_tent(300, random_state=0)
    >>> moe = MixtureOfExperts(2, n_init=2, random_state=0).fit(X, y)
    >>> shares = moe.inference(X, y).get_prediction([[0.4, 0.5, 0.5]]).shares
    >>> shares.value.round(2).ravel()
    array([0.98, 0.02])
    >>> shares.conf_int().round(2)[:, 0]
    array([[0.75, 1.  ],
           [0.  , 0.25]])
    """

    value: Float[np.ndarray, "..."]
    """At the estimate, of any shape."""
    std_error: Float[np.ndarray, "..."]
    """By the delta method, or the deviation of the draws; NaN where there is none."""
    level: float
    """Confidence level, unless another one is asked for."""
    scale: str = "identity"
    """On which intervals are symmetric: "identity", "log" or "logit"."""
    top: float = 1.0
    """Largest value on the logit scale."""
    draws: Float[np.ndarray, "B ..."] | None = field(default=None, repr=False)
    """Values of the draws of a bootstrap."""
    interval: str = "normal"
    """How intervals are made: "normal", or "percentile", "bc" and "basic" of draws."""

    def conf_int(self, level: float | None = None) -> Float[np.ndarray, "... 2"]:
        """Both ends of confidence intervals, on a last axis."""
        share = self.level if level is None else level
        if self.draws is None or self.interval == "normal":
            return self._normal(stats.norm.ppf(0.5 + 0.5 * share))
        ends = np.stack(ends_of_draws(self.draws, self.value, share, self.interval), axis=-1)
        return np.where(np.isnan(self.std_error)[..., None], np.nan, ends)

    def _normal(self, times: float) -> Float[np.ndarray, "... 2"]:
        """Symmetric on the scale of the quantity; an error of zero leaves the value alone."""
        value, error = self.value, self.std_error
        steps = times * np.array([-1.0, 1.0])
        with np.errstate(all="ignore"):
            if self.scale == "log":
                ends = value[..., None] * np.exp((error / value)[..., None] * steps)
            elif self.scale == "logit":
                share = value / self.top
                slope = error / (self.top * share * (1 - share))
                ends = self.top * expit(logit(share)[..., None] + slope[..., None] * steps)
            else:
                ends = value[..., None] + error[..., None] * steps
        return np.where((error == 0)[..., None], value[..., None], ends)


def middle_of_draws(
    draws: Float[np.ndarray, "B ..."], level: float
) -> tuple[Float[np.ndarray, "..."], Float[np.ndarray, "..."]]:
    """Ends between which a share of what is drawn lies, from B draws.

    They are the (B + 1) p-th smallest, since between neighbours among B draws lies a share of
    1 / (B + 1) on average; the B p-th would leave intervals of few draws too short (Davison and
    Hinkley 1997, Bootstrap Methods and their Application, section 2.4).
    """
    tails = [0.5 - 0.5 * level, 0.5 + 0.5 * level]
    low, high = np.quantile(draws, tails, axis=0, method="weibull")
    return low, high


def ends_of_draws(
    draws: Float[np.ndarray, "B ..."],
    value: Float[np.ndarray, "..."],
    level: float,
    interval: str,
) -> tuple[Float[np.ndarray, "..."], Float[np.ndarray, "..."]]:
    """Both ends of an interval of draws around the value that they are draws of.

    "percentile" is the middle of the draws; "bc" moves its levels by the share of draws below the
    value, which tells how far draws are off it (Efron 1981, Canad. J. Statist. 9, 139-158);
    "basic" is twice the value less the middle.
    """
    if interval == "bc":
        return _corrected(draws, value, level)
    low, high = middle_of_draws(draws, level)
    return (2 * value - high, 2 * value - low) if interval == "basic" else (low, high)


def _corrected(
    draws: Float[np.ndarray, "B ..."], value: Float[np.ndarray, "..."], level: float
) -> tuple[Float[np.ndarray, "..."], Float[np.ndarray, "..."]]:
    ordered, count = np.sort(draws, axis=0), len(draws)
    below = np.mean(draws < value, axis=0) + 0.5 * np.mean(draws == value, axis=0)
    moved = 2 * ndtri(np.clip(below, 0.5 / count, 1 - 0.5 / count))

    def at(tail: float) -> Float[np.ndarray, "..."]:
        place = np.clip((count + 1) * ndtr(moved + ndtri(tail)) - 1, 0, count - 1)
        first = np.floor(place).astype(int)
        low, high = (
            np.take_along_axis(ordered, np.minimum(first + step, count - 1)[None], axis=0)[0]
            for step in (0, 1)
        )
        return low + (place - first) * (high - low)

    known, half = ~np.isnan(draws).any(axis=0), 0.5 * level
    return np.where(known, at(0.5 - half), np.nan), np.where(known, at(0.5 + half), np.nan)


def variances(
    covariance: ParameterCovariance, jacobian: Float[np.ndarray, "... D"]
) -> Float[np.ndarray, "..."]:
    """Variance of each function by its derivative; NaN where the data do not determine it."""
    slopes = np.where(covariance.held, 0.0, jacobian)
    variance = np.sum((slopes @ covariance.matrix) * slopes, axis=-1)
    flat = slopes.reshape(-1, slopes.shape[-1])
    spoiled: Bool[np.ndarray, " k"] = unknown(flat, covariance.spectrum)
    return np.where(spoiled.reshape(variance.shape), np.nan, np.maximum(variance, 0.0))
