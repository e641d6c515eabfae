"""Gaussian experts, for one output or several."""

from typing import ClassVar

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from mixstat.data.batch import Rows
from mixstat.data.scaling import ToUser
from mixstat.experts.base import Experts
from mixstat.numerics import crps
from mixstat.numerics.penalty import NoPenalty, Penalty
from mixstat.numerics.precision import AnyArray
from mixstat.parts import labels, normal_step, ranges
from mixstat.parts.atoms import Atoms, linear_blocks
from mixstat.parts.integrals import Line, standard_line
from mixstat.parts.labels import ParameterLabel
from mixstat.parts.normal import Normals, ResidualSums
from mixstat.parts.ranges import Range
from mixstat.validation import check_choice

COVARIANCES = ("full", "diagonal", "spherical", "tied")


class GaussianExperts(Normals, Experts):
    """y | x, k ~ Normal(coef_k phi(x), Sigma_k).

    ``covariance`` is "full", "diagonal", "spherical" (one scale for all outputs) or "tied"
    (one full matrix for all experts). With one output only "tied" differs from the others.

    Examples
    --------
    >>> from mixstat import MixtureOfExperts
    >>> from mixstat.datasets import make_tent
    >>> from mixstat.experts import GaussianExperts
    >>> X, y = make_tent(300, random_state=0)
    >>> family = GaussianExperts(covariance="tied")
    >>> moe = MixtureOfExperts(2, expert=family, n_init=2, random_state=0).fit(X, y)
    >>> moe.scale_.round(2)
    array([0.09, 0.09])
    """

    exact_step: ClassVar[bool] = True
    plain: ClassVar[bool] = True
    several_outputs: ClassVar[bool] = True
    may_lack: ClassVar[bool] = True
    order_words: ClassVar[str] = "their mean prediction"
    measure: ClassVar[str] = "gaussian"

    def null(self, n_experts: int, n_features: int, n_outputs: int) -> "GaussianExperts":
        check_choice("covariance", self.covariance, COVARIANCES)
        return super().null(n_experts, n_features, n_outputs)

    def with_covariance(self, covariance: str) -> "GaussianExperts":
        return GaussianExperts(covariance=covariance)

    def score(
        self,
        eta: Float[AnyArray, "K L n"],
        y: Float[AnyArray, "m n"],
        resp: Float[AnyArray, "K n"],
    ) -> Float[AnyArray, "K L n"]:
        if len(y) > 1:
            return super().score(eta, y, resp)
        return resp[:, None, :] * self.derivatives(eta, y)[0]

    def information(
        self, eta: Float[AnyArray, "K L n"], y: Float[AnyArray, "m n"]
    ) -> Float[AnyArray, "K L L n"]:
        """Expected information of one output: mean and scale are orthogonal."""
        if len(y) > 1:
            return super().information(eta, y)
        mean = jnp.exp(-2 * eta[:, 1])
        zero = jnp.zeros_like(mean)
        table = jnp.stack([mean, zero, zero, jnp.full_like(mean, 2.0)], axis=1)
        return table.reshape(len(mean), 2, 2, -1)

    def log_range(self, eta: Float[AnyArray, "K L n"], ends: Range) -> Float[AnyArray, "K n"]:
        """Of one output."""
        return ranges.of_normal(ends.standardised(eta))

    def line(self, eta: Float[AnyArray, "K L n"]) -> Line:
        return standard_line(eta)

    def range_derivatives(
        self, eta: Float[AnyArray, "K L n"], ends: Range
    ) -> tuple[Float[AnyArray, "K L n"], Float[AnyArray, "K L L n"]]:
        return ranges.normal_derivatives(eta, ends.standardised(eta))

    def start_statistics(self, rows: Rows, resp: Float[AnyArray, "K n"]) -> ResidualSums:
        return self.statistics(rows, resp)

    def start(
        self, statistics: ResidualSums, bounds: "tuple[GaussianExperts, GaussianExperts]"
    ) -> "GaussianExperts":
        return self.m_step(statistics, bounds, NoPenalty())

    def m_step(
        self,
        statistics: ResidualSums,
        bounds: "tuple[GaussianExperts, GaussianExperts]",
        penalty: Penalty,
    ) -> "GaussianExperts":
        """Weighted least squares, then the weighted residual covariance, floored."""
        return normal_step.m_step(self, statistics, bounds, penalty)

    def standard(
        self, y: Float[np.ndarray, "n c"], share: Float[np.ndarray, " n"], *, constant: bool
    ) -> tuple[Float[np.ndarray, " m"], Float[np.ndarray, " m"]]:
        """Mean and deviation; one deviation for all outputs keeps equal noise equal."""
        return standardisation(y, share, constant, common=self.covariance == "spherical")

    def labels(self, features: list[str], outputs: list[str]) -> list[ParameterLabel]:
        low = zip(*np.tril_indices(self.n_outputs, -1), strict=True)
        pairs = [f"{outputs[a]} on {outputs[b]}" for a, b in low]
        return [
            *labels.expert_rows(self.n_experts, features, outputs),
            *self._of_covariance("scale", "log_scale", self.log_scale, outputs),
            *self._of_covariance("shear", "shear", self.shear, pairs),
        ]

    def _of_covariance(
        self, kind: str, word: str, table: Float[AnyArray, "S s"], owners: list[str]
    ) -> list[ParameterLabel]:
        """Rows of the table are experts' (one where all share it), columns outputs' or pairs'."""
        tied, width = len(table) < self.n_experts, table.shape[1]
        log = kind == "scale"
        return [
            ParameterLabel("experts", kind, word, expert, output, log=log, gathered=True)
            for expert in ([None] if tied else range(len(table)))
            for output in (owners[:width] if width > 1 else [""] * width)
        ]

    def titles(self) -> dict[str, str]:
        return {
            "log_scale": "Log of standard deviation",
            "shear": "Generalised autoregressive parameters, sign reversed (Pourahmadi 1999)",
        }

    def reported_attributes(self, *, single_output: bool) -> dict[str, np.ndarray]:
        covariance = self.covariances()
        deviation = np.sqrt(np.diagonal(covariance, axis1=1, axis2=2))
        coef = np.asarray(self.coef)
        if single_output:
            return {"scale_": deviation[:, 0], "expert_coef_": coef[:, 0]}
        return {"scale_": deviation, "expert_coef_": coef, "covariance_": covariance}

    def atoms(self) -> Atoms:
        k, m, _ = self.coef.shape
        variance = np.broadcast_to(self.covariances(), (k, m, m)).reshape(k, m * m)
        return Atoms(linear_blocks(np.asarray(self.coef)) | {"variance": variance})

    def marginals(self, eta: Float[np.ndarray, "K L n"]):
        from scipy import stats

        return stats.norm(loc=eta[:, : self.n_outputs], scale=self._deviations(eta))

    def _deviations(self, eta: Float[np.ndarray, "K L n"]) -> Float[np.ndarray, "K m r"]:
        """Of each output; of the only one it is a predictor, which may differ between rows."""
        if self.n_outputs == 1:
            return np.exp(eta[:, 1:2])
        return np.sqrt(np.diagonal(self.covariances(), axis1=1, axis2=2))[:, :, None]

    def crps(
        self,
        eta: Float[np.ndarray, "K L n"],
        share: Float[np.ndarray, "K n"],
        y: Float[np.ndarray, "c n"],
    ) -> Float[np.ndarray, "m n"]:
        """In closed form, from the mean distances of normal variables."""
        return crps.of_normals(eta[:, : len(y)], self._deviations(eta) ** 2, share, y)

    def traced_functions(self, eta: Float[AnyArray, "K L n"]) -> Float[AnyArray, "K m n"]:
        return eta[:, : self.n_outputs]

    def sample(
        self, eta: Float[np.ndarray, "L n"], k: int, random: np.random.Generator
    ) -> Float[np.ndarray, "m n"]:
        m = self.coef.shape[1]
        factor = np.linalg.cholesky(self.covariances()[k])
        return eta[:m] + factor @ random.standard_normal((m, eta.shape[1]))

    def in_units(
        self, location: np.ndarray, scale: np.ndarray, to_user: ToUser
    ) -> "GaussianExperts":
        """Experts of ``location + scale * y``, on features that ``to_user`` maps back to.

        Spherical noise stays spherical only if all outputs have one scale.
        """
        coef = np.asarray(self.coef) * scale[None, :, None]
        coef[:, :, 0] += location
        m = len(scale)
        rows, cols = np.tril_indices(m, -1)
        shear = np.asarray(self.shear)
        if shear.shape[1]:
            shear = shear * scale[rows] / scale[cols]
        shift = np.log(scale[:1]) if self.log_scale.shape[1] == 1 else np.log(scale)
        log_scale = np.asarray(self.log_scale) + shift
        return GaussianExperts(coef @ to_user, log_scale, shear, self.covariance)


def standardisation(
    y: Float[np.ndarray, "n m"],
    share: Float[np.ndarray, " n"],
    constant: bool,
    *,
    common: bool = False,
) -> tuple[Float[np.ndarray, " m"], Float[np.ndarray, " m"]]:
    """Weighted mean and deviation of each output (or one deviation for all).

    Without a constant feature the location must stay where it is.
    """
    centre = share @ y if constant else np.zeros(y.shape[1])
    deviation = np.sqrt(share @ (y - centre) ** 2)
    if common:
        deviation = np.full(len(deviation), np.sqrt(np.mean(deviation**2)))
    return centre, np.where(deviation > 1e-13 * np.abs(centre), deviation, 1.0)
