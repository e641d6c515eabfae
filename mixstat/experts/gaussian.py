"""Gaussian experts, for one output or several."""

from functools import partial
from typing import Any, ClassVar, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from mixstat import flat, linear
from mixstat.batch import Rows
from mixstat.experts.base import Experts, blank, solve
from mixstat.linear import Group
from mixstat.precision import AnyArray
from mixstat.step import Shrink, lasso_step

LOG_2PI = float(np.log(2 * np.pi))
ROUNDS = 20  # turns of penalised coefficients and covariance in one M-step
COVARIANCES = ("full", "diagonal", "spherical", "tied")


class ResidualSums(NamedTuple):
    """Responsibility-weighted sums about the current fit, so that nothing cancels."""

    mass: AnyArray  # (K,) total responsibility
    gram: AnyArray  # (K, p (p + 1) / 2) of the features, upper triangles
    cross: AnyArray  # (K, m, p) residuals times features
    square: AnyArray  # (K, m, m) residuals times residuals


class GaussianExperts(Experts):
    """y | x, k ~ Normal(coef_k phi(x), Sigma_k).

    Sigma is stored by its modified Cholesky factors: residuals ``e`` become independent as
    ``z_j = e_j + sum_{l<j} shear_jl e_l`` with standard deviations ``exp(log_scale_j)``
    (Pourahmadi 1999, Biometrika 86, 677-690). Both are free of constraints and their
    weighted maximum likelihood estimates are in closed form.

    ``covariance`` is "full", "diagonal", "spherical" (one scale for all outputs) or "tied"
    (one full matrix for all experts). With one output only "tied" differs from the others.
    """

    exact_step: ClassVar[bool] = True
    several_outputs: ClassVar[bool] = True
    order_words: ClassVar[str] = "their mean prediction"

    # units of y per unit of phi
    coef: Float[AnyArray, "K m p"] = eqx.field(default_factory=partial(blank, 0, 0, 0))
    # log of units of y; S is K or 1, s is m or 1
    log_scale: Float[AnyArray, "S s"] = eqx.field(default_factory=partial(blank, 0, 0))
    # c = m (m - 1) / 2, or 0; rows of the lower triangle
    shear: Float[AnyArray, "S c"] = eqx.field(default_factory=partial(blank, 0, 0))
    covariance: str = eqx.field(static=True, default="full")

    @property
    def n_experts(self) -> int:
        return self.coef.shape[0]

    @property
    def n_outputs(self) -> int:
        return self.coef.shape[1]

    def null(self, n_experts: int, n_features: int, n_outputs: int) -> "GaussianExperts":
        covariance = self.covariance
        shared = 1 if covariance == "tied" else n_experts
        n_scales = 1 if covariance == "spherical" else n_outputs
        n_shear = n_outputs * (n_outputs - 1) // 2 if covariance in ("full", "tied") else 0
        return GaussianExperts(
            np.zeros((n_experts, n_outputs, n_features)),
            np.zeros((shared, n_scales)),
            np.zeros((shared, n_shear)),
            covariance,
        )

    def groups(self) -> tuple[Group, ...]:
        k, m, _ = self.coef.shape
        library = np if isinstance(self.coef, np.ndarray) else jnp
        scale = library.broadcast_to(self.log_scale, (k, m))[:, :, None]
        shear = library.broadcast_to(self.shear, (k, self.shear.shape[1]))[:, :, None]
        groups = (Group("Phi", self.coef), Group("1", scale))
        return (*groups, Group("1", shear)) if shear.shape[1] else groups

    def link(
        self, eta: Float[AnyArray, "K L n"], y: Float[AnyArray, "m n"]
    ) -> Float[AnyArray, "K n"]:
        m = len(y)
        mean, log_scale, shear = jnp.split(eta, [m, 2 * m], axis=1)
        z = _decorrelate(y[None, :, :] - mean, shear) * jnp.exp(-log_scale)
        return -jnp.sum(0.5 * (z**2 + LOG_2PI) + log_scale, axis=1)

    def derivatives(
        self, eta: Float[AnyArray, "K L n"], y: Float[AnyArray, "m n"]
    ) -> tuple[Float[AnyArray, "K L n"], Float[AnyArray, "K L L n"]]:
        if len(y) > 1:
            return super().derivatives(eta, y)
        inverse = jnp.exp(-eta[:, 1])
        z = (y[:1] - eta[:, 0]) * inverse
        cross = -2 * z * inverse
        first = jnp.stack([z * inverse, z**2 - 1], axis=1)
        second = jnp.stack([-(inverse**2), cross, cross, -2 * z**2], axis=1)
        return first, second.reshape(len(z), 2, 2, -1)

    def score(
        self,
        eta: Float[AnyArray, "K L n"],
        y: Float[AnyArray, "m n"],
        resp: Float[AnyArray, "K n"],
    ) -> Float[AnyArray, "K L n"]:
        if len(y) > 1:
            return super().score(eta, y, resp)
        return resp[:, None, :] * self.derivatives(eta, y)[0]

    def statistics(self, rows: Rows, resp: Float[AnyArray, "K n"]) -> ResidualSums:
        features = rows.feature("Phi")
        residual = rows.y[None, :, :] - self.coef @ features
        weighted = resp[:, None, :] * residual
        return ResidualSums(
            mass=jnp.sum(resp, axis=1),
            gram=linear.own_sums(resp, features),
            cross=weighted @ features.T,
            square=jnp.sum(weighted[:, :, None, :] * residual[:, None, :, :], axis=3),
        )

    def start_statistics(self, rows: Rows, resp: Float[AnyArray, "K n"]) -> ResidualSums:
        return self.statistics(rows, resp)

    def start(self, statistics: ResidualSums, bounds: tuple[Any, Any]) -> "GaussianExperts":
        return self.m_step(statistics, bounds, None)

    def m_step(
        self,
        statistics: ResidualSums,
        bounds: tuple[Any, Any],
        shrink: Shrink | None,
    ) -> "GaussianExperts":
        """Weighted least squares, then the weighted residual covariance, floored.

        Solved as a step from the current coefficients: at a fixed point the step is zero
        whatever the rounding. With a penalty the two depend on each other, and take turns.
        """
        if shrink is None:
            return self._step(statistics, bounds, None)[0]

        def round(carry):
            experts, sums, _, n = carry
            new, moved = experts._step(sums, bounds, shrink)
            change = jnp.max(jnp.abs(new.log_scale - experts.log_scale))
            return new, moved, change, n + 1

        def moving(carry):
            return (carry[2] > 1e-12) & (carry[3] < ROUNDS)

        # coefficients at a covariance, the covariance at coefficients, until both stand
        start = (jax.tree.map(jnp.asarray, self), statistics, jnp.inf, 0)
        return jax.lax.while_loop(moving, round, start)[0]

    def _step(
        self, statistics: ResidualSums, bounds: tuple[Any, Any], shrink: Shrink | None
    ) -> tuple["GaussianExperts", ResidualSums]:
        """New coefficients at the old covariance, then the covariance; and the sums about them."""
        mass, triangles, cross, square = statistics
        gram = linear.symmetric(triangles, self.coef.shape[2])
        lower, upper = bounds
        free = lower.coef < upper.coef
        alive = mass > 1e-12  # an expert without any row keeps what it had
        if shrink is None:
            used = free[:, 0]  # features that an expert may use are those of all its outputs
            masked = jnp.where(used[:, :, None] & used[:, None, :], gram, 0.0)
            masked = masked + jnp.eye(used.shape[1])[None] * jnp.where(used, 0.0, 1.0)[:, None, :]
            step = solve(masked, jnp.swapaxes(jnp.where(free, cross, 0.0), 1, 2))
            step = jnp.swapaxes(step, 1, 2)
        else:
            step = self._penalised_step(gram, cross, shrink, free)
        moved = jnp.einsum("kmp,klp->kml", cross, step)
        square = square - moved - jnp.swapaxes(moved, 1, 2)
        square = square + jnp.einsum("kmp,kpq,klq->kml", step, gram, step)
        floor = jnp.exp(jnp.min(lower.log_scale))
        log_scale, shear = self._covariance_step(mass, square, floor)
        if self.covariance != "tied":
            log_scale = jnp.where(alive[:, None], log_scale, self.log_scale)
            shear = jnp.where(alive[:, None], shear, self.shear)
        coef = self.coef + jnp.where(alive[:, None, None], step, 0.0)
        log_scale = jnp.minimum(log_scale, upper.log_scale)
        sums = ResidualSums(mass, triangles, cross - step @ gram, square)
        return GaussianExperts(coef, log_scale, shear, self.covariance), sums

    def _penalised_step(
        self, gram: AnyArray, cross: AnyArray, shrink: Shrink, free: AnyArray
    ) -> AnyArray:
        k, m, p = self.coef.shape
        n, own = m * p, slice(0, m * p)  # coefficients come first in an expert's parameters
        factor = self._whitener()  # (K, m, m): factor' factor is the precision
        precision = jnp.swapaxes(factor, 1, 2) @ factor
        system = jnp.einsum("kml,kpq->kmplq", precision, gram).reshape(k, n, n)
        square, coef = shrink.square[:, own, own], jnp.reshape(self.coef, (k, n))
        right = (precision @ cross).reshape(k, n) - (square @ coef[:, :, None])[:, :, 0]
        system = system + square
        open_ = free.reshape(k, n)
        right = jnp.where(open_, right, 0.0)
        system = jnp.where(open_[:, :, None] & open_[:, None, :], system, 0.0)
        system = system + jnp.eye(n)[None] * jnp.where(open_, 0.0, 1.0)[:, None, :]
        if shrink.l1 is None:
            return solve(system, right[:, :, None]).reshape(k, m, p)
        curve = jnp.diagonal(system, axis1=1, axis2=2)
        guard = 1e-13 * jnp.max(curve, axis=1, keepdims=True) + 1e-200
        system = system + jnp.eye(n)[None] * guard[:, :, None]
        moved = jax.vmap(lasso_step)(coef, right, system, shrink.l1[:, own])
        return jnp.where(open_, moved - coef, 0.0).reshape(k, m, p)

    def _whitener(self) -> AnyArray:
        """(K, m, m) lower triangular; its rows turn residuals into independent unit normals."""
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

    def _covariance_step(self, mass: AnyArray, square: AnyArray, floor: AnyArray):
        m = square.shape[1]
        if self.covariance == "tied":
            mass, square = jnp.sum(mass, keepdims=True), jnp.sum(square, axis=0, keepdims=True)
        sigma = square / jnp.maximum(mass, jnp.finfo(square.dtype).tiny)[:, None, None]
        variance = jnp.diagonal(sigma, axis1=1, axis2=2)
        shear = jnp.zeros((len(sigma), 0), sigma.dtype)
        if self.covariance == "spherical":
            variance = jnp.mean(variance, axis=1, keepdims=True)
        elif self.shear.shape[1]:
            unit, variance = _modified_cholesky(sigma, floor**2)
            eye = jnp.broadcast_to(jnp.eye(m), unit.shape)
            inverse = jax.scipy.linalg.solve_triangular(unit, eye, lower=True)
            rows, cols = np.tril_indices(m, -1)
            shear = inverse[:, rows, cols]
        return 0.5 * jnp.log(jnp.maximum(variance, floor**2)), shear

    def permute(self, order: AnyArray) -> "GaussianExperts":
        rows = np.zeros(1, int) if self.covariance == "tied" else order
        own = flat.as_numpy(self)
        return GaussianExperts(
            own.coef[order], own.log_scale[rows], own.shear[rows], self.covariance
        )

    def bounds(self, min_scale: float) -> tuple[Any, Any]:
        lower, upper = super().bounds(min_scale)
        floor = np.full(self.log_scale.shape, np.log(min_scale))
        return eqx.tree_at(lambda e: e.log_scale, lower, floor), upper

    def standard(
        self, y: Float[np.ndarray, "n c"], share: Float[np.ndarray, " n"], *, constant: bool
    ) -> tuple[Float[np.ndarray, " m"], Float[np.ndarray, " m"]]:
        """Mean and deviation; one deviation for all outputs keeps equal noise equal."""
        return standardisation(y, share, constant, common=self.covariance == "spherical")

    def parameter_names(self, features: list[str], outputs: list[str]) -> list[str]:
        k, m = self.n_experts, self.n_outputs
        columns = [f"{o}:{f}" if o else f for o in outputs for f in features]
        names = [f"expert{j}:{c}" for j in range(k) for c in columns]
        pairs = [
            f"{outputs[a]} on {outputs[b]}" for a, b in zip(*np.tril_indices(m, -1), strict=True)
        ]
        for word, table, labels in (
            ("log_scale", self.log_scale, outputs),
            ("shear", self.shear, pairs),
        ):
            for j in range(len(table)):
                owner = word if len(table) < k else f"{word}{j}"
                width = table.shape[1]
                names += [f"{owner}:{c}" for c in labels[:width]] if width > 1 else [owner] * width
        return names

    def titles(self) -> dict[str, str]:
        shear = "Shear (regression of each residual on those before, sign reversed)"
        return {"log_scale": "Log of standard deviation", "shear": shear}

    def covariances(self) -> Float[np.ndarray, "K m m"]:
        """Covariance matrix of each expert."""
        inverse = np.linalg.inv(flat.as_numpy(self)._whitener())
        return inverse @ np.swapaxes(inverse, 1, 2)

    def reported_attributes(self, *, single_output: bool) -> dict[str, np.ndarray]:
        covariance = self.covariances()
        deviation = np.sqrt(np.diagonal(covariance, axis1=1, axis2=2))
        coef = np.asarray(self.coef)
        if single_output:
            return {"scale_": deviation[:, 0], "expert_coef_": coef[:, 0]}
        return {"scale_": deviation, "expert_coef_": coef, "covariance_": covariance}

    def marginals(self, eta: Float[np.ndarray, "K L n"]):
        from scipy import stats

        m = self.coef.shape[1]
        sd = np.sqrt(np.diagonal(self.covariances(), axis1=1, axis2=2))
        return stats.norm(loc=eta[:, :m], scale=sd[:, :, None])

    def sample(
        self, eta: Float[np.ndarray, "L n"], k: int, random: np.random.Generator
    ) -> Float[np.ndarray, "m n"]:
        m = self.coef.shape[1]
        factor = np.linalg.cholesky(self.covariances()[k])
        return eta[:m] + factor @ random.standard_normal((m, eta.shape[1]))

    def in_units(
        self, location: np.ndarray, scale: np.ndarray, to_user: np.ndarray
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
        return GaussianExperts(
            coef @ to_user, np.asarray(self.log_scale) + shift, shear, self.covariance
        )


def _decorrelate(e: AnyArray, shear: AnyArray) -> AnyArray:
    """Residuals (K, m, n) made independent by the strictly lower triangle ``shear`` (K, c, n)."""
    if shear.shape[1] == 0:
        return e
    rows, cols = np.tril_indices(e.shape[1], -1)
    parts = [e[:, :1]]
    for j in range(1, e.shape[1]):
        entries = np.flatnonzero(rows == j)
        move = jnp.sum(shear[:, entries] * e[:, cols[entries]], axis=1, keepdims=True)
        parts.append(e[:, j : j + 1] + move)
    return jnp.concatenate(parts, axis=1)


def _modified_cholesky(sigma: AnyArray, floor: AnyArray) -> tuple[AnyArray, AnyArray]:
    """Unit lower triangle L and variances d with ``sigma = L diag(d) L'``.

    Variances are floored on the way, so that outputs which determine each other (a covariance
    that is singular, or indefinite by rounding) leave finite numbers.
    """
    m = sigma.shape[1]
    columns, variances = [], []
    rest = sigma
    for j in range(m):
        variance = jnp.maximum(rest[:, j, j], floor)
        column = rest[:, :, j] / variance[:, None]
        column = jnp.where(np.arange(m)[None, :] > j, column, 0.0).at[:, j].set(1.0)
        rest = rest - variance[:, None, None] * column[:, :, None] * column[:, None, :]
        columns.append(column)
        variances.append(variance)
    return jnp.stack(columns, axis=2), jnp.stack(variances, axis=1)


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
