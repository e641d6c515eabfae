"""Gaussian experts of rows that lack some of their outputs."""

from typing import ClassVar

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from mixstat.data.batch import Rows
from mixstat.data.scaling import ToUser
from mixstat.experts.gaussian import GaussianExperts, standardisation
from mixstat.numerics.precision import AnyArray, library_of
from mixstat.parts import predictors
from mixstat.parts.autodiff import each_derivatives
from mixstat.parts.normal import LOG_2PI, ResidualSums


class MarginalGaussianExperts(GaussianExperts):
    """Gaussian experts of which a row has the marginal density of the outputs that it has.

    Where which outputs are missing depends on inputs and on outputs that are there alone (missing
    at random), this is the likelihood of all that was observed (Little and Rubin 2019, Statistical
    Analysis with Missing Data, chapter 11). The M-step is that of complete rows, with residuals
    and their products replaced by what is expected of them given those that are there.

    Encoded responses are the outputs, zero where they are missing, then whether they are there.
    """

    in_part: ClassVar[bool] = True

    def with_covariance(self, covariance: str) -> "MarginalGaussianExperts":
        return MarginalGaussianExperts(covariance=covariance)

    def encode(self, y: Float[np.ndarray, "n c"]) -> Float[np.ndarray, "n r"]:
        there = ~np.isnan(y)
        return np.hstack([np.where(there, y, 0.0), there])

    def encode_as(
        self, y: Float[np.ndarray, "n c"], before: Float[np.ndarray, "n r"]
    ) -> Float[np.ndarray, "n r"]:
        return self.encode(np.where(before[:, y.shape[1] :] > 0, y, np.nan))

    def view(self, y: Float[np.ndarray, "n r"]) -> Float[np.ndarray, "n v"]:
        return y[:, : y.shape[1] // 2]

    def standard(
        self, y: Float[np.ndarray, "n c"], share: Float[np.ndarray, " n"], *, constant: bool
    ) -> tuple[Float[np.ndarray, " m"], Float[np.ndarray, " m"]]:
        """By the rows that have each output."""
        there = [share * ~np.isnan(column) for column in y.T]
        columns = zip(y.T, there, strict=True)
        each = [_standard(column, one / one.sum(), constant) for column, one in columns]
        location, scale = (np.concatenate(one) for one in zip(*each, strict=True))
        if self.covariance == "spherical":  # one deviation keeps equal noise equal
            scale = np.full(len(scale), np.sqrt(np.mean(scale**2)))
        return location, scale

    def link(
        self, eta: Float[AnyArray, "K L n"], y: Float[AnyArray, "r n"]
    ) -> Float[AnyArray, "K n"]:
        """Log density (K, n) of the outputs that are there, one after the other."""
        return self._told(eta, y)[0]

    def derivatives(
        self, eta: Float[AnyArray, "K L n"], y: Float[AnyArray, "r n"]
    ) -> tuple[Float[AnyArray, "K L n"], Float[AnyArray, "K L L n"]]:
        return each_derivatives(self.link, eta, y)

    def statistics(self, rows: Rows, resp: Float[AnyArray, "K n"]) -> ResidualSums:
        """Sums over rows for the M-step, with what is expected of outputs that are missing."""
        features = rows.feature("Phi")
        _, residual, spread = self._told(predictors.predict(self.groups(), rows), rows.y)
        weighted = resp[:, None, :] * residual
        products = weighted[:, :, None, :] * residual[:, None, :, :]
        return ResidualSums(
            mass=jnp.sum(resp, axis=1),
            gram=predictors.own_sums(resp, features),
            cross=weighted @ features.T,
            square=jnp.sum(products + resp[:, None, None, :] * spread, axis=3),
        )

    def _told(
        self, eta: Float[AnyArray, "K L n"], y: Float[AnyArray, "r n"]
    ) -> tuple[AnyArray, AnyArray, AnyArray]:
        """Log density (K, n); mean (K, m, n) and covariance (K, m, m, n) of residuals given it.

        The law of all residuals is told of one output that is there after the other.
        """
        m, library = self.n_outputs, library_of(eta, y)
        mean, log_scale, shear = library.split(eta, [m, 2 * m], axis=1)
        y, there = y[:m], y[m:]
        residual = (y[None] - mean) * there[None]
        spread = _covariance(log_scale, shear)
        expected, density = library.zeros_like(mean), library.zeros_like(mean[:, 0])
        for j in range(m):
            variance = spread[:, j, j, :]
            surprise = residual[:, j] - expected[:, j]
            each = surprise**2 / variance + library.log(variance) + LOG_2PI
            density = density - 0.5 * there[j][None] * each
            gain = there[j][None, None] * spread[:, :, j] / variance[:, None]
            expected = expected + gain * surprise[:, None]
            spread = spread - gain[:, :, None] * spread[:, j][:, None]
        absent = (1.0 - there)[None]
        expected = residual + absent * expected
        return density, expected, absent[:, :, None] * absent[:, None] * spread

    def in_units(
        self, location: np.ndarray, scale: np.ndarray, to_user: ToUser
    ) -> "MarginalGaussianExperts":
        told = super().in_units(location, scale, to_user)
        return MarginalGaussianExperts(told.coef, told.log_scale, told.shear, told.covariance)


def _standard(
    column: Float[np.ndarray, " n"], share: Float[np.ndarray, " n"], constant: bool
) -> tuple[Float[np.ndarray, " 1"], Float[np.ndarray, " 1"]]:
    return standardisation(np.nan_to_num(column)[:, None], share, constant)


def _covariance(
    log_scale: Float[AnyArray, "K m n"], shear: Float[AnyArray, "K c n"]
) -> Float[AnyArray, "K m m n"]:
    """Covariances from the scales and regressions of outputs on those before them."""
    library, m = library_of(log_scale, shear), log_scale.shape[1]
    variance = library.exp(2 * log_scale)
    eye = np.eye(m)[None, :, :, None]
    if not shear.shape[1]:
        return variance[:, :, None] * eye
    # rows of the inverse of the unit triangle that makes residuals independent
    rows, blank = [], library.zeros_like(log_scale)
    for j in range(m):
        row, first = blank + eye[:, j], j * (j - 1) // 2
        for i in range(j):
            row = row - shear[:, first + i, None] * rows[i]
        rows.append(row)
    lower = library.stack(rows, axis=1)
    scaled = lower * variance[:, None]
    return library.sum(scaled[:, :, None] * lower[:, None], axis=3)
