"""The p-value of Lo, Mendell and Rubin, which many programs print."""

import numpy as np
from jaxtyping import Float

from mixstat.fitting.fit import Fit
from mixstat.inference.covariance import information_spectrum
from mixstat.numerics.precision import in_float64
from mixstat.objective.scores import row_scores

SMALLEST = 1e-9  # weight of a chi-squared variable, relative to the largest, that still counts
STEP = 0.02  # of the trapezoidal rule
EXPONENT = 40.0  # at which the integrand is below rounding
NEAREST = 1e-5  # values closer to zero are taken to be there


def lo_mendell_rubin(small: Fit, large: Fit, statistic: float) -> float:
    """Upper tail of the weighted chi-squared law of Vuong (1989), with their correction for n.

    The law is that of two models that overlap; where the smaller one holds, the larger one is
    not identified and the theorem does not apply (Jeffries 2003).

    Parameters
    ----------
    small, large
        Fits with K and K + 1 experts, with their rows, which count once.
    statistic
        Twice the difference of their log-likelihoods.

    References
    ----------
    Lo, Y., Mendell, N. R. and Rubin, D. B. (2001). Testing the number of components in a normal
    mixture. Biometrika 88, 767-778.

    Jeffries, N. O. (2003). A note on "Testing the number of components in a normal mixture".
    Biometrika 90, 991-994.
    """
    more = max(large.n_parameters - small.n_parameters, 1)
    adjusted = statistic / (1 + 1 / (more * np.log(small.sum_of_weights)))
    return weighted_chi_squared_tail(_weights(small, large), adjusted)


@in_float64
def _weights(small: Fit, large: Fit) -> Float[np.ndarray, " w"]:
    """Eigenvalues of the matrix W of Vuong (1989, equation 3.6)."""
    (inverse_g, scores_g), (inverse_f, scores_f) = _parts(small), _parts(large)
    n = len(scores_f)
    cross = scores_f.T @ scores_g / n
    W = np.block(
        [
            [scores_f.T @ scores_f / n @ inverse_f, cross @ inverse_g],
            [-cross.T @ inverse_f, -scores_g.T @ scores_g / n @ inverse_g],
        ]
    )
    return np.real(np.linalg.eigvals(W))


def _parts(fit: Fit) -> tuple[Float[np.ndarray, "g g"], Float[np.ndarray, "n g"]]:
    """Inverse information and scores, in the directions that the data determine."""
    spectrum, batch = information_spectrum(fit.maximum.result), fit.maximum.batch
    scores = row_scores(fit.model, batch, round(fit.sum_of_weights))
    return np.diag(1 / spectrum.values), scores @ spectrum.directions


def weighted_chi_squared_tail(weights: Float[np.ndarray, " w"], value: float) -> float:
    """Probability that a sum of weighted chi-squared variables (one df each) exceeds ``value``.

    The moment generating function is inverted along a parabola around its cut, on which the
    integrand falls as fast as a normal density, so that the trapezoidal rule is exact to rounding.
    """
    weights = weights[np.abs(weights) > SMALLEST * np.max(np.abs(weights), initial=0.0)]
    if len(weights) == 0 or weights.max() <= 0:
        return float(value < 0)
    unit = float(weights.max())
    weights, value = weights / unit, max(value / unit, NEAREST)
    t = STEP * (np.arange(int(np.sqrt(EXPONENT / value) / STEP) + 1) + 0.5)
    # between the pole at zero and the cut, which begins at one half
    s = 0.25 + t**2 + 1j * t
    generating = np.prod((1 - 2 * weights[:, None] * s) ** -0.5, axis=0)
    integrand = generating * np.exp(-s * value) / s * (2 * t + 1j)
    return float(np.clip(STEP / np.pi * np.sum(integrand.imag), 0.0, 1.0))
