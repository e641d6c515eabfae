"""Experts of different families inside one model."""

from typing import Any, ClassVar

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, PyTree

from mixstat.data.batch import Rows
from mixstat.experts.base import Experts
from mixstat.numerics import parameter_vector
from mixstat.numerics.penalty import Penalty
from mixstat.numerics.precision import AnyArray
from mixstat.parts.labels import ParameterLabel
from mixstat.parts.predictors import Group


class MixedExperts(Experts):
    """Each expert of a family of its own: expert k is ``parts[k]``, a family with one expert.

    All families must be of responses of one kind. Predictors that an expert lacks are padded
    with zeros, which belong to no parameter.
    """

    parts: tuple[Experts, ...] = ()

    def __check_init__(self) -> None:
        parts = self.parts
        if not isinstance(parts, tuple) or not all(isinstance(part, Experts) for part in parts):
            raise ValueError(
                "parts must be a tuple of families, such as (PoissonExperts(), "
                f"PoissonExperts()); got {parts!r}."
            )

    exchangeable: ClassVar[bool] = False

    @property
    def response(self) -> str:  # pyright: ignore[reportIncompatibleVariableOverride]
        return self.parts[0].response if self.parts else "real"

    @property
    def n_experts(self) -> int:
        return len(self.parts)

    def null(self, n_experts: int, n_features: int, n_outputs: int) -> "MixedExperts":
        if len(self.parts) != n_experts:
            raise ValueError(
                f"expert must name one family for each of the n_experts={n_experts} experts, "
                f"got {len(self.parts)}."
            )
        kinds = sorted({part.response for part in self.parts})
        if len(kinds) > 1:
            raise ValueError(
                "expert must name families of one kind of response, got families of "
                f"{' and '.join(kinds)} responses."
            )
        return MixedExperts(tuple(p.null(1, n_features, n_outputs) for p in self.parts))

    def check(self, y: Float[np.ndarray, "n c"]) -> None:
        if not self.parts:
            raise ValueError("expert must name one family for each expert, got an empty list.")
        for part in self.parts:
            part.check(y)
        if len({getattr(part, "trials", None) for part in self.parts}) > 1:
            raise ValueError(
                "expert must name families that read y alike, got binomial experts of different "
                f"trials: {self!r}."
            )

    def standard(self, y, share, *, constant: bool):
        return self.parts[0].standard(y, share, constant=constant)

    def encode(self, y: Float[np.ndarray, "n c"]) -> Float[np.ndarray, "n r"]:
        return self.parts[0].encode(y)

    def one_less(self, y: Float[np.ndarray, "n c"]) -> Float[np.ndarray, "n c"]:
        return self.parts[0].one_less(y)

    def view(self, y: Float[np.ndarray, "n r"]) -> Float[np.ndarray, "n v"]:
        return self.parts[0].view(y)

    def groups(self) -> tuple[Group, ...]:
        """The features' predictor of every expert, then those on the constant, padded."""
        split = [part.groups() for part in self.parts]
        library = np if isinstance(split[0][0].coef, np.ndarray) else jnp
        first = library.concatenate([groups[0].coef for groups in split])
        scalars = [[g.coef for g in groups[1:]] for groups in split]
        rows = [library.concatenate([*s, library.zeros((1, 0, 1))], axis=1) for s in scalars]
        width = max(r.shape[1] for r in rows)
        pads = [library.zeros((1, width - r.shape[1], 1)) for r in rows]
        padded = [library.concatenate(pair, axis=1) for pair in zip(rows, pads)]
        groups = (Group("Phi", first),)
        return (*groups, Group("1", library.concatenate(padded))) if width else groups

    def _own(self, eta: AnyArray) -> list[AnyArray]:
        """Predictors of each expert, without padding."""
        widths = [sum(g.coef.shape[1] for g in part.groups()) for part in self.parts]
        return [eta[k : k + 1, :width] for k, width in enumerate(widths)]

    def link(
        self, eta: Float[AnyArray, "K L n"], y: Float[AnyArray, "r n"]
    ) -> Float[AnyArray, "K n"]:
        return jnp.concatenate([p.link(e, y) for p, e in zip(self.parts, self._own(eta))])

    def derivatives(
        self, eta: Float[AnyArray, "K L n"], y: Float[AnyArray, "r n"]
    ) -> tuple[Float[AnyArray, "K L n"], Float[AnyArray, "K L L n"]]:
        firsts, seconds = [], []
        for part, own in zip(self.parts, self._own(eta)):
            first, second = part.derivatives(own, y)
            rest = eta.shape[1] - own.shape[1]
            firsts.append(jnp.pad(first, ((0, 0), (0, rest), (0, 0))))
            seconds.append(jnp.pad(second, ((0, 0), (0, rest), (0, rest), (0, 0))))
        return jnp.concatenate(firsts), jnp.concatenate(seconds)

    def start_statistics(self, rows: Rows, resp: Float[AnyArray, "K n"]) -> tuple[PyTree, ...]:
        pairs = zip(self.parts, resp)
        return tuple(part.start_statistics(rows, one[None, :]) for part, one in pairs)

    def start(
        self, statistics: tuple[PyTree, ...], bounds: "tuple[MixedExperts, MixedExperts]"
    ) -> "MixedExperts":
        lower, upper = (b.parts for b in bounds)
        each = zip(self.parts, statistics, lower, upper)
        return MixedExperts(tuple(p.start(s, (low, high)) for p, s, low, high in each))

    def statistics(self, rows: Rows, resp: Float[AnyArray, "K n"]) -> tuple[PyTree, ...]:
        pairs = zip(self.parts, resp)
        return tuple(part.statistics(rows, one[None, :]) for part, one in pairs)

    def m_step(
        self,
        statistics: tuple[PyTree, ...],
        bounds: "tuple[MixedExperts, MixedExperts]",
        penalty: Penalty,
    ) -> "MixedExperts":
        lower, upper = (b.parts for b in bounds)
        moved = []
        for k, part in enumerate(self.parts):
            own = penalty.of_expert(k, parameter_vector.size(part))
            moved.append(part.m_step(statistics[k], (lower[k], upper[k]), own))
        return MixedExperts(tuple(moved))

    def permute(self, order: AnyArray) -> "MixedExperts":
        return MixedExperts(tuple(self.parts[k] for k in order))

    def bounds(self, min_scale: float) -> "tuple[MixedExperts, MixedExperts]":
        pairs = [part.bounds(min_scale) for part in self.parts]
        lower, upper = (MixedExperts(side) for side in zip(*pairs))
        return lower, upper

    def collapsed(self, bounds: "tuple[MixedExperts, MixedExperts]") -> "MixedExperts":
        each = zip(self.parts, *(b.parts for b in bounds))
        return MixedExperts(tuple(p.collapsed((low, high)) for p, low, high in each))

    def slopes(self, constant: bool) -> "MixedExperts":
        return MixedExperts(tuple(part.slopes(constant) for part in self.parts))

    def marginals(self, eta: Float[np.ndarray, "K L n"]) -> "EachMarginal":
        each = [np.asarray(own) for own in self._own(eta)]
        return EachMarginal([p.marginals(own) for p, own in zip(self.parts, each)])

    def traced_functions(self, eta: Float[AnyArray, "K L n"]) -> Float[AnyArray, "K c n"]:
        pairs = zip(self.parts, self._own(eta), strict=True)
        return jnp.concatenate([part.traced_functions(own) for part, own in pairs])

    def sample(self, eta: Float[np.ndarray, "L n"], k: int, random: np.random.Generator):
        width = sum(g.coef.shape[1] for g in self.parts[k].groups())
        return self.parts[k].sample(eta[:width], 0, random)

    def in_units(self, location, scale, to_user) -> "MixedExperts":
        return MixedExperts(tuple(p.in_units(location, scale, to_user) for p in self.parts))

    def labels(self, features: list[str], outputs: list[str]) -> list[ParameterLabel]:
        return [
            label.of_expert(k)
            for k, part in enumerate(self.parts)
            for label in part.labels(features, outputs)
        ]

    @property
    def n_values(self) -> int | None:
        return self.parts[0].n_values if self.parts else None

    def split(self) -> tuple[Experts, ...]:
        return self.parts

    def join(self, parts: tuple[Experts, ...]) -> "MixedExperts":
        return MixedExperts(parts)

    def with_covariance(self, covariance: str) -> "MixedExperts":
        return MixedExperts(tuple(part.with_covariance(covariance) for part in self.parts))

    def titles(self) -> dict[str, str]:
        every = [pair for part in self.parts for pair in part.titles().items()]
        each = {word: dict.fromkeys(t for w, t in every if w == word) for word, _ in every}
        return {word: " / ".join(titles) for word, titles in each.items()}

    def coefficients(self) -> Float[np.ndarray, "K 1 p"]:
        return np.concatenate([part.coefficients() for part in self.parts])

    def __repr__(self) -> str:
        return f"MixedExperts({', '.join(repr(part) for part in self.parts)})"


class EachMarginal:
    """Distributions of different families, stacked on the axis of experts."""

    def __init__(self, each: list[Any]) -> None:
        self.each = each

    def _stack(self, name: str, *arguments: float | np.ndarray) -> np.ndarray:
        return np.concatenate([getattr(one, name)(*arguments) for one in self.each])

    def mean(self) -> np.ndarray:
        """Means."""
        return self._stack("mean")

    def var(self) -> np.ndarray:
        """Variances."""
        return self._stack("var")

    def ppf(self, q: float) -> np.ndarray:
        """Quantiles."""
        return self._stack("ppf", q)

    def isf(self, q: float) -> np.ndarray:
        """Quantiles by what lies above."""
        return self._stack("isf", q)

    def pdf(self, y: np.ndarray) -> np.ndarray:
        """Densities at ``y``, the same for all experts."""
        return self._stack("pdf", y)

    def logpdf(self, y: np.ndarray) -> np.ndarray:
        """Log densities at ``y``, the same for all experts."""
        return self._stack("logpdf", y)

    def logpmf(self, y: np.ndarray) -> np.ndarray:
        """Log probabilities of ``y``, the same for all experts."""
        return self._stack("logpmf", y)

    def cdf(self, y: np.ndarray) -> np.ndarray:
        """Distribution functions at ``y``, the same for all experts."""
        return self._stack("cdf", y)

    def sf(self, y: np.ndarray) -> np.ndarray:
        """Probabilities of exceeding ``y``, the same for all experts."""
        return self._stack("sf", y)

    def support(self) -> tuple[np.ndarray, np.ndarray]:
        """Smallest and largest values."""
        ends = [np.broadcast_arrays(*one.support(), one.mean())[:2] for one in self.each]
        low, high = (np.concatenate(one) for one in zip(*ends))
        return low, high
