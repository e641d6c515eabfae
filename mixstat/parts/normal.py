"""K normal densities side by side, with covariances by their modified Cholesky factors."""

from functools import partial
from typing import NamedTuple, TypeVar

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from mixstat.data.batch import Rows
from mixstat.numerics import parameter_vector
from mixstat.numerics.module import Module
from mixstat.numerics.precision import AnyArray, library_of
from mixstat.parts import predictors
from mixstat.parts.autodiff import each_derivatives
from mixstat.parts.part import free_bounds
from mixstat.parts.predictors import Group

LOG_2PI = float(np.log(2 * np.pi))

SomeNormals = TypeVar("SomeNormals", bound="Normals")


class ResidualSums(NamedTuple):
    """Responsibility-weighted sums about the current fit, so that nothing cancels."""

    mass: AnyArray  # (K,) total responsibility
    gram: AnyArray  # (K, p (p + 1) / 2) of the features, upper triangles
    cross: AnyArray  # (K, m, p) residuals times features
    square: AnyArray  # (K, m, m) residuals times residuals

    def stepped(self, step: Float[AnyArray, "K m p"]) -> "ResidualSums":
        """Sums about coefficients that are larger by ``step``."""
        gram = predictors.symmetric(self.gram, step.shape[2])
        moved = jnp.einsum("kmp,klp->kml", self.cross, step)
        square = self.square - moved - jnp.swapaxes(moved, 1, 2)
        square = square + jnp.einsum("kmp,kpq,klq->kml", step, gram, step)
        return ResidualSums(self.mass, self.gram, self.cross - step @ gram, square)


def empty(*shape: int) -> np.ndarray:
    """Parameters of normals that only state their covariance."""
    return np.zeros(shape)


class Normals(Module):
    """y | x, k ~ Normal(coef_k phi(x), Sigma_k).

    Sigma is stored by its generalised autoregressive parameters: residuals ``e`` become
    independent as ``z_j = e_j + sum_{l<j} shear_jl e_l`` with standard deviations
    ``exp(log_scale_j)`` (Pourahmadi 1999, Biometrika 86, 677-690). Both are free of constraints
    and their weighted maximum likelihood estimates are in closed form.
    """

    # units of y per unit of phi
    coef: Float[AnyArray, "K m p"] = eqx.field(default_factory=partial(empty, 0, 0, 0))
    # log of units of y; S is K or 1, s is m or 1
    log_scale: Float[AnyArray, "S s"] = eqx.field(default_factory=partial(empty, 0, 0))
    # c = m (m - 1) / 2, or 0; rows of the lower triangle
    shear: Float[AnyArray, "S c"] = eqx.field(default_factory=partial(empty, 0, 0))
    covariance: str = eqx.field(static=True, default="full")

    @property
    def n_experts(self) -> int:
        """Number of densities K."""
        return self.coef.shape[0]

    @property
    def n_outputs(self) -> int:
        """Number of outputs m."""
        return self.coef.shape[1]

    def null(self: SomeNormals, n_experts: int, n_features: int, n_outputs: int) -> SomeNormals:
        """Standard normals of these settings."""
        shared = 1 if self.covariance == "tied" else n_experts
        n_scales = 1 if self.covariance == "spherical" else n_outputs
        full = self.covariance in ("full", "tied")
        return self._like(
            np.zeros((n_experts, n_outputs, n_features)),
            np.zeros((shared, n_scales)),
            np.zeros((shared, n_outputs * (n_outputs - 1) // 2 if full else 0)),
        )

    def _like(
        self: SomeNormals, coef: AnyArray, log_scale: AnyArray, shear: AnyArray
    ) -> SomeNormals:
        return type(self)(coef, log_scale, shear, self.covariance)

    def groups(self) -> tuple[Group, ...]:
        """Predictors: means on the features, then the covariance on the constant."""
        k, m, _ = self.coef.shape
        library = np if isinstance(self.coef, np.ndarray) else jnp
        scale = library.broadcast_to(self.log_scale, (k, m))[:, :, None]
        shear = library.broadcast_to(self.shear, (k, self.shear.shape[1]))[:, :, None]
        groups = (Group("Phi", self.coef), Group("1", scale))
        return (*groups, Group("1", shear)) if shear.shape[1] else groups

    def link(
        self, eta: Float[AnyArray, "K L n"], y: Float[AnyArray, "m n"]
    ) -> Float[AnyArray, "K n"]:
        """Log density of each row under each normal (K, n), from the predictors."""
        m = len(y)
        library = library_of(eta, y)
        mean, log_scale, shear = library.split(eta, [m, 2 * m], axis=1)
        z = _decorrelate(y[None, :, :] - mean, shear) * library.exp(-log_scale)
        return -library.sum(0.5 * (z**2 + LOG_2PI) + log_scale, axis=1)

    def derivatives(
        self, eta: Float[AnyArray, "K L n"], y: Float[AnyArray, "m n"]
    ) -> tuple[Float[AnyArray, "K L n"], Float[AnyArray, "K L L n"]]:
        """First and second derivatives of the log densities in their own predictors."""
        if len(y) > 1:
            return each_derivatives(self.link, eta, y)
        inverse = jnp.exp(-eta[:, 1])
        z = (y[:1] - eta[:, 0]) * inverse
        cross = -2 * z * inverse
        first = jnp.stack([z * inverse, z**2 - 1], axis=1)
        second = jnp.stack([-(inverse**2), cross, cross, -2 * z**2], axis=1)
        return first, second.reshape(len(z), 2, 2, -1)

    def statistics(self, rows: Rows, resp: Float[AnyArray, "K n"]) -> ResidualSums:
        """Sums over rows that the M-step needs; ``resp`` includes the row weights."""
        features = rows.feature("Phi")
        residual = rows.y[None, :, :] - predictors.with_offset(self.coef @ features, rows)
        weighted = resp[:, None, :] * residual
        return ResidualSums(
            mass=jnp.sum(resp, axis=1),
            gram=predictors.own_sums(resp, features),
            cross=weighted @ features.T,
            square=jnp.sum(weighted[:, :, None, :] * residual[:, None, :, :], axis=3),
        )

    def moved_statistics(
        self: SomeNormals, new: SomeNormals, statistics: ResidualSums
    ) -> ResidualSums:
        """Sums of the same rows about the fit of ``new``."""
        return statistics.stepped(new.coef - self.coef)

    def permute(self: SomeNormals, order: AnyArray) -> SomeNormals:
        """The same densities renumbered: new k is old ``order[k]``."""
        rows = np.zeros(1, int) if self.covariance == "tied" else order
        own = parameter_vector.as_numpy(self)
        return self._like(own.coef[order], own.log_scale[rows], own.shear[rows])

    def bounds(self: SomeNormals, min_scale: float) -> tuple[SomeNormals, SomeNormals]:
        """Free but for a floor under the scales."""
        lower, upper = free_bounds(self)
        floor = np.full(self.log_scale.shape, np.log(min_scale))
        return eqx.tree_at(lambda e: e.log_scale, lower, floor), upper

    def whitener(self) -> Float[AnyArray, "K m m"]:
        """Lower triangles whose rows turn residuals into independent unit normals."""
        k, m, _ = self.coef.shape
        library = np if isinstance(self.coef, np.ndarray) else jnp
        log_scale = library.broadcast_to(self.log_scale, (k, m))
        unit = np.broadcast_to(np.eye(m), (k, m, m))
        if self.shear.shape[1]:
            place = np.zeros((self.shear.shape[1], m, m))
            rows, cols = np.tril_indices(m, -1)
            place[np.arange(len(place)), rows, cols] = 1.0
            unit = unit + (self.shear @ place.reshape(len(place), -1)).reshape(-1, m, m)
        return unit * library.exp(-log_scale)[:, :, None]

    def covariances(self) -> Float[np.ndarray, "K m m"]:
        """Covariance matrix of each density."""
        inverse = np.linalg.inv(parameter_vector.as_numpy(self).whitener())
        return inverse @ np.swapaxes(inverse, 1, 2)


def _decorrelate(e: AnyArray, shear: AnyArray) -> AnyArray:
    """Residuals (K, m, n) made independent by the strictly lower triangle ``shear`` (K, c, n)."""
    if shear.shape[1] == 0:
        return e
    library = library_of(e, shear)
    rows, cols = np.tril_indices(e.shape[1], -1)
    parts = [e[:, :1]]
    for j in range(1, e.shape[1]):
        entries = np.flatnonzero(rows == j)
        move = library.sum(shear[:, entries] * e[:, cols[entries]], axis=1, keepdims=True)
        parts.append(e[:, j : j + 1] + move)
    return library.concatenate(parts, axis=1)
