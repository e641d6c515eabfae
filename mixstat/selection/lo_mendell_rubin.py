"""The p-value of Lo, Mendell and Rubin, which many programs print."""

import numpy as np
from jaxtyping import Float
from scipy.integrate import quad

from mixstat.fitting.fit import Fit
from mixstat.inference.covariance import information_spectrum
from mixstat.numerics.precision import in_float64
from mixstat.objective.scores import row_scores

SMALLEST = 1e-9  # weight of a chi-squared variable, relative to the largest, that still counts


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

    Imhof, J. P. (1961). Computing the distribution of quadratic forms in normal variables.
    Biometrika 48, 419-426.
    """
    weights = weights[np.abs(weights) > SMALLEST * np.max(np.abs(weights), initial=0.0)]
    if len(weights) == 0:
        return float(value < 0)
    unit = float(np.max(np.abs(weights)))
    weights, value = weights / unit, value / unit

    def integrand(u: float) -> float:
        angle = 0.5 * (np.sum(np.arctan(weights * u)) - value * u)
        return float(np.sin(angle) / (u * np.prod((1 + (weights * u) ** 2) ** 0.25)))

    tail = 0.5 + quad(integrand, 0, np.inf, limit=500)[0] / np.pi
    return float(np.clip(tail, 0.0, 1.0))
