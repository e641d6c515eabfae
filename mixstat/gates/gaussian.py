"""The Gaussian gate: experts own clusters of inputs."""

from itertools import pairwise
from typing import ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Int

import mixstat.gates.reference as reference
from mixstat.data.batch import Rows
from mixstat.gates.base import Gate
from mixstat.gates.blocks import GateBlocks, Prior, Sparse
from mixstat.numerics import functions
from mixstat.numerics.penalty import NoPenalty, Penalty
from mixstat.numerics.precision import AnyArray
from mixstat.parts import normal_step
from mixstat.parts.atoms import Atoms
from mixstat.parts.labels import ParameterLabel
from mixstat.parts.normal import Normals, ResidualSums
from mixstat.parts.predictors import Group


class GaussianGate(Gate):
    """pi_k(x) proportional to weight_k Normal(x; centre_k, Gamma_k).

    Fitted with the experts to the joint density sum_k weight_k Normal(x; centre_k, Gamma_k)
    f_k(y | x), for which every M-step is in closed form; so the likelihood that is maximised is
    that of x and y. Given x alone the probabilities are those of a softmax gate whose logits are
    quadratic in x.

    Xu, L., Jordan, M. I. and Hinton, G. E. (1995). An alternative model for mixtures of experts.
    NIPS 7, 633-640. Rates: Nguyen, H., Nguyen, T., Nguyen, K. and Ho, N. (2024). Towards
    convergence rates for parameter estimation in Gaussian-gated mixture of experts. AISTATS.
    arXiv 2305.07572.

    Examples
    --------
    >>> from mixstat import MixtureOfExperts
    >>> from mixstat.datasets import make_tent
    >>> from mixstat.gates import GaussianGate
    >>> X, y = make_tent(300, random_state=0)
    >>> moe = MixtureOfExperts(2, gate=GaussianGate(), n_init=2, random_state=0).fit(X, y)
    >>> moe.gate_coef_.round(1)
    array([[0.2, 0.5, 0.5],
           [0.8, 0.5, 0.5]])
    """

    logit: Float[AnyArray, "J 1"] = eqx.field(default_factory=lambda: np.zeros((0, 1)))
    inputs: Normals = eqx.field(default_factory=Normals)  # of x on the constant

    max_degree: ClassVar[int | None] = 1
    joint: ClassVar[bool] = True
    plain: ClassVar[bool] = True
    full_rank: ClassVar[bool] = True
    exact_step: ClassVar[bool] = True

    @property
    def n_experts(self) -> int:
        return self.logit.shape[0] + 1

    def null(self, n_experts: int, n_features: int) -> "GaussianGate":
        if n_features < 2:
            raise ValueError("gate='gaussian' needs at least one gate feature, got none.")
        inputs = Normals().null(n_experts, 1, n_features - 1)
        return GaussianGate(np.zeros((n_experts - 1, 1)), inputs)

    def groups(self) -> tuple[Group, ...]:
        return (
            Group("1", self.logit),
            *(Group("1", self._rows(group.coef)) for group in self.inputs.groups()),
        )

    @staticmethod
    def _rows(coef: AnyArray) -> AnyArray:
        return coef.reshape(-1, 1)

    def link(self, eta: Float[AnyArray, "E n"], Z: Float[AnyArray, "q n"]) -> AnyArray:
        """Log of weight times density of the inputs: the joint model's part."""
        density = self.inputs.link(eta[self._places()], Z[1:])
        return reference.log_softmax(eta[: self.n_experts - 1]) + density

    def _places(self) -> Int[np.ndarray, "K L"]:
        """Where the predictors of each cluster are among all: group after group."""
        k = self.n_experts
        sizes = [group.coef.shape[1] for group in self.inputs.groups()]
        ends = k - 1 + k * np.cumsum([0, *sizes])
        parts = [np.arange(a, b).reshape(k, -1) for a, b in pairwise(ends)]
        return np.concatenate(parts, axis=1)

    def blocks(
        self, eta: Float[AnyArray, "E n"], Z: Float[AnyArray, "q n"], resp: Float[AnyArray, "K n"]
    ) -> GateBlocks:
        """A cluster's predictors enter its own density alone, so that most products are zero."""
        places, first = self._places(), len(self.logit)
        (k, width), n = places.shape, eta.shape[1]
        slope, bend = self.inputs.derivatives(eta[places], Z[1:])  # (K, L, n), (K, L, L, n)
        mass, log_share = resp.sum(axis=0), reference.log_softmax(eta[:first])
        drawn = (resp[:, None, :] * slope).reshape(k * width, n)
        within = resp[:, None, None, :] * (bend + slope[:, :, None, :] * slope[:, None, :, :])
        logits = np.eye(first)[:, :, None] * resp[:-1][None, :, :]
        logits = logits - reference.information(log_share, mass)

        # the share, which all derivatives have in common, is left out of the slopes
        raw = jnp.zeros(eta.shape, eta.dtype).at[:first].set(resp[:-1])
        raw = raw.at[places.ravel()].set(drawn)
        score = raw.at[:first].add(-mass[None, :] * jnp.exp(log_share[:-1]))
        zero, one = jnp.zeros((1, n), eta.dtype), jnp.ones((1, n), eta.dtype)
        slopes = jnp.concatenate([zero, one, slope.reshape(k * width, n)])
        parts = (logits.reshape(first**2, n), drawn, within.reshape(k * width**2, n))
        of_slopes, of_products = self._indices()
        products = Sparse(jnp.concatenate([zero, *parts]), of_products)
        return GateBlocks(score, raw, Sparse(slopes, of_slopes), products)

    def _indices(self) -> tuple[Int[np.ndarray, "K E"], Int[np.ndarray, "E E"]]:
        """Rows of the slopes and of their products in the tables of :meth:`blocks`."""
        places, first = self._places(), len(self.logit)
        k, width = places.shape
        size, logit = first + k * width, np.arange(first)
        slopes, own = np.zeros((k, size), int), np.zeros((size, size), int)
        each = np.arange(k * width).reshape(k, width)
        slopes[logit, logit] = 1
        slopes[np.arange(k)[:, None], places] = 2 + each
        own[:first, :first] = 1 + np.arange(first**2).reshape(first, first)
        cross = 1 + first**2 + each[:first]
        own[logit[:, None], places[:first]] = own[places[:first], logit[:, None]] = cross
        inside = np.arange(k * width**2).reshape(k, width, width)
        own[places[:, :, None], places[:, None, :]] = 1 + first**2 + k * width + inside
        return slopes, own

    def log_prob(self, rows: Rows) -> Float[AnyArray, "K n"]:
        return functions.log_softmax(self.log_weight(rows))

    def log_unit(self, to_user: np.ndarray) -> float:
        return float(np.sum(np.log(np.abs(np.diag(to_user[1:, 1:])))))

    def bounds(self, min_scale: float) -> "tuple[GaussianGate, GaussianGate]":
        lower, upper = super().bounds(min_scale)
        floor = self.inputs.bounds(min_scale)[0].log_scale
        return eqx.tree_at(lambda g: g.inputs.log_scale, lower, floor), upper

    def permute(self, order: AnyArray) -> "GaussianGate":
        full = np.concatenate([np.asarray(self.logit), np.zeros((1, 1))])[order]
        return GaussianGate(full[:-1] - full[-1:], self.inputs.permute(order))

    def doubled(self, constant: bool) -> "GaussianGate":
        last = self.n_experts - 1
        order = np.append(np.arange(self.n_experts), last)
        return GaussianGate(reference.above_half(self.logit, np.log(2)), self.inputs.permute(order))

    def penalty(self, constant: bool) -> Float[np.ndarray, "G G"]:
        """Nothing is shrunk: there are no slopes."""
        size = sum(int(np.prod(leaf.shape)) for leaf in jax.tree.leaves(self))
        return np.zeros((size, size))

    def statistics(
        self, rows: Rows, resp: Float[AnyArray, "K n"], prior: Prior | None = None
    ) -> ResidualSums:
        ones = jnp.ones((1, resp.shape[1]), resp.dtype)
        inside = Rows(ones, None, rows.Z[1:], rows.weight)
        return self.inputs.statistics(inside, resp)

    def m_step(
        self,
        statistics: ResidualSums,
        bounds: "tuple[GaussianGate, GaussianGate]",
        penalty: Penalty,
    ) -> "GaussianGate":
        """Shares, means and covariances weighted by responsibilities."""
        mass = jnp.maximum(statistics.mass, 1e-300)
        logit = jnp.log(mass[:-1]) - jnp.log(mass[-1])
        inside = bounds[0].inputs, bounds[1].inputs
        inputs = normal_step.m_step(self.inputs, statistics, inside, NoPenalty())
        return GaussianGate(logit[:, None], inputs)

    def moved_statistics(self, new: "GaussianGate", statistics: ResidualSums) -> ResidualSums:
        return self.inputs.moved_statistics(new.inputs, statistics)

    def sample_inputs(
        self, n: int, random: np.random.Generator
    ) -> tuple[Int[np.ndarray, " n"], Float[np.ndarray, "n q"]]:
        chance = np.exp(reference.log_softmax(np.asarray(self.logit))[:, 0])
        expert = random.choice(self.n_experts, size=n, p=chance / chance.sum())
        spread = np.linalg.inv(np.asarray(self.inputs.whitener()))[expert]
        noise = random.standard_normal((n, spread.shape[1]))
        x = self.coefficients()[expert] + np.einsum("nij,nj->ni", spread, noise)
        return expert, np.column_stack([np.ones(n), x])

    def in_units(self, to_user: np.ndarray) -> "GaussianGate":
        """Features are triangular in the inputs, so their Cholesky factors map to those of x."""
        shift, matrix = to_user[1:, 0], to_user[1:, 1:]
        inverse = np.linalg.inv(matrix)
        mean = np.asarray(self.inputs.coef)[:, :, 0]
        unit = np.diag(matrix)
        log_scale = np.asarray(self.inputs.log_scale) - np.log(np.abs(unit))
        d = len(matrix)
        rows, cols = np.tril_indices(d, -1)
        factor = np.tile(np.eye(d), (len(mean), 1, 1))
        factor[:, rows, cols] = np.asarray(self.inputs.shear)
        # residuals of features are matrix times those of x; make the diagonal one again
        factor = factor @ matrix / unit[None, :, None]
        shear = factor[:, rows, cols]
        mean = (mean - shift) @ inverse.T
        inputs = Normals(mean[:, :, None], log_scale, shear)
        return GaussianGate(np.asarray(self.logit), inputs)

    def coefficients(self) -> Float[np.ndarray, "K d"]:
        """Centres of the inputs."""
        return np.asarray(self.inputs.coef)[:, :, 0]

    def reported_attributes(self) -> dict[str, np.ndarray]:
        return {"gate_covariance_": self.inputs.covariances()}

    @property
    def measure(self) -> str:  # pyright: ignore[reportIncompatibleVariableOverride]
        """Centres at zero slow some rates down."""
        at_zero = bool(np.any(np.all(self.coefficients() == 0, axis=1)))
        return "gaussian, a centre at zero" if at_zero else "gaussian"

    def atoms(self) -> Atoms:
        logits = np.append(np.ravel(self.logit), 0.0)
        share = np.exp(logits - logits.max())
        centres = self.coefficients()
        spread = self.inputs.covariances().reshape(len(centres), -1)
        return Atoms({"centre": centres, "spread": spread}, share / share.sum())

    @property
    def n_features(self) -> int:
        return 1 + self.inputs.n_outputs

    def labels(self, features: list[str]) -> list[ParameterLabel]:
        inputs, experts = features[1:], range(self.n_experts)
        low = zip(*np.tril_indices(len(inputs), -1), strict=True)
        pairs = [f"{inputs[a]} on {inputs[b]}" for a, b in low]
        scales = [f"log_scale {x}" for x in inputs]
        weights = [
            ParameterLabel(
                "gate", "weight", "weight", k, feature=f"expert {k}", gathered=True, numbered=False
            )
            for k in experts[:-1]
        ]
        tables = (
            ("centre", "centre", inputs, False),
            ("spread", "spread", scales, True),
            ("spread_shear", "spread", pairs, False),
        )
        return weights + [
            ParameterLabel("gate", kind, word, k, feature=column, log=log)
            for kind, word, columns, log in tables
            for k in experts
            for column in columns
        ]

    def titles(self) -> dict[str, str]:
        each = range(self.n_experts)
        centres = {f"centre{j}": f"Gate: centre of expert {j}" for j in each}
        how = "generalised autoregressive parameters, sign reversed, Pourahmadi 1999"
        spreads = {f"spread{j}": f"Gate: spread of expert {j} ({how})" for j in each}
        last = self.n_experts - 1
        return {"weight": f"Gate: log weight against expert {last}"} | centres | spreads
