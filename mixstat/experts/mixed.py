"""Experts of different families inside one model."""

from typing import ClassVar

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, PyTree

from mixstat.data.batch import Rows
from mixstat.experts.base import Experts
from mixstat.experts.each_marginal import EachMarginal
from mixstat.experts.point_mass import PointMass
from mixstat.experts.shared_response import SharedResponse, given
from mixstat.numerics import parameter_vector
from mixstat.numerics.penalty import Penalty
from mixstat.numerics.precision import AnyArray, library_of
from mixstat.parts.labels import ParameterLabel
from mixstat.parts.predictors import Group


class MixedExperts(SharedResponse):
    """Each expert of a family of its own: expert k is ``parts[k]``, a family with one expert.

    All families must be of responses of one kind; point masses stand beside any kind. Where y is
    otherwise continuous, a row at a point belongs to the point: a density is nothing beside a
    probability. Predictors that an expert lacks are padded with zeros, which belong to no
    parameter.

    Examples
    --------
    >>> from mixstat import MixtureOfExperts
    >>> from mixstat.datasets import make_tent
    >>> from mixstat.experts import GaussianExperts, MixedExperts, StudentTExperts
    >>> X, y = make_tent(300, random_state=0)
    >>> family = MixedExperts((GaussianExperts(), StudentTExperts()))
    >>> moe = MixtureOfExperts(2, expert=family, n_init=2, random_state=0).fit(X, y)
    >>> [name for name in moe.parameter_names if name.startswith("log")]
    ['log_scale0', 'log_scale1', 'log_df1']
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
    def plain(self) -> bool:  # pyright: ignore[reportIncompatibleVariableOverride]
        return all(part.plain for part in self.parts)

    @property
    def n_experts(self) -> int:
        return len(self.parts)

    def null(self, n_experts: int, n_features: int, n_outputs: int) -> "MixedExperts":
        if len(self.parts) != n_experts:
            raise ValueError(
                f"expert must name one family for each of the n_experts={n_experts} experts, "
                f"got {len(self.parts)}."
            )
        kinds = sorted({part.response for part in self._others})
        if len(kinds) > 1:
            raise ValueError(
                "expert must name families of one kind of response, got families of "
                f"{' and '.join(kinds)} responses."
            )
        made = MixedExperts(tuple(p.null(1, n_features, n_outputs) for p in self.parts))
        if any(g.feature != "1" for part in made.parts for g in part.groups()[1:]):
            raise ValueError(
                "expert must be one family for all experts where the scale depends on features, "
                f"got a list of {len(self.parts)}."
            )
        return made

    def groups(self) -> tuple[Group, ...]:
        """The features' predictor of every expert, then those on the constant, padded."""
        split = [part.groups() for part in self.parts]
        library = library_of(*(group.coef for groups in split for group in groups))
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
        possible, each = self._possible(y), zip(self.parts, self._own(eta), self._own_y(y))
        logs = [given(possible, p, p.link(own, seen), -np.inf) for p, own, seen in each]
        return library_of(*logs).concatenate(logs)

    def derivatives(
        self, eta: Float[AnyArray, "K L n"], y: Float[AnyArray, "r n"]
    ) -> tuple[Float[AnyArray, "K L n"], Float[AnyArray, "K L L n"]]:
        possible, firsts, seconds = self._possible(y), [], []
        for part, own, seen in zip(self.parts, self._own(eta), self._own_y(y)):
            first, second = part.derivatives(own, seen)
            rest = eta.shape[1] - own.shape[1]
            padded = jnp.pad(first, ((0, 0), (0, rest), (0, 0)))
            firsts.append(given(possible, part, padded, 0.0))
            padded = jnp.pad(second, ((0, 0), (0, rest), (0, rest), (0, 0)))
            seconds.append(given(possible, part, padded, 0.0))
        return jnp.concatenate(firsts), jnp.concatenate(seconds)

    def _shares(
        self, rows: Rows, resp: Float[AnyArray, "K n"]
    ) -> list[tuple[Experts, Rows, AnyArray]]:
        """Each part, what it sees of the rows, and its responsibilities (1, n)."""
        possible, each = self._possible(rows.y), zip(self.parts, self.seen(rows), resp)
        return [(p, own, given(possible, p, one[None, :], 0.0)) for p, own, one in each]

    def start_statistics(self, rows: Rows, resp: Float[AnyArray, "K n"]) -> tuple[PyTree, ...]:
        return tuple(p.start_statistics(own, share) for p, own, share in self._shares(rows, resp))

    def start(
        self, statistics: tuple[PyTree, ...], bounds: "tuple[MixedExperts, MixedExperts]"
    ) -> "MixedExperts":
        lower, upper = (b.parts for b in bounds)
        each = zip(self.parts, statistics, lower, upper)
        return MixedExperts(tuple(p.start(s, (low, high)) for p, s, low, high in each))

    def statistics(self, rows: Rows, resp: Float[AnyArray, "K n"]) -> tuple[PyTree, ...]:
        return tuple(p.statistics(own, share) for p, own, share in self._shares(rows, resp))

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

    def cdf(
        self, eta: Float[np.ndarray, "K L n"], y: Float[np.ndarray, "c n"]
    ) -> Float[np.ndarray, "K m n"]:
        reached = self.reached(y)
        each = zip(self.parts, map(np.asarray, self._own(eta)))
        return np.concatenate(
            [p.cdf(own, reached if isinstance(p, PointMass) else y) for p, own in each]
        )

    def crps(
        self,
        eta: Float[np.ndarray, "K L n"],
        share: Float[np.ndarray, "K n"],
        y: Float[np.ndarray, "c n"],
    ) -> Float[np.ndarray, "m n"]:
        """Without limit where there is a share of what never comes."""
        y = self.exact(y)
        return np.full(y.shape, np.inf) if np.inf in self.jumps else super().crps(eta, share, y)

    def traced_functions(self, eta: Float[AnyArray, "K L n"]) -> Float[AnyArray, "K c n"]:
        pairs = zip(self.parts, self._own(eta), strict=True)
        each = [part.traced_functions(own) for part, own in pairs]
        return library_of(*each).concatenate(each)

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
