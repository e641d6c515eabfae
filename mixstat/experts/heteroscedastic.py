"""Heteroscedastic experts: the log of a family's scale is linear in features, as its mean is."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any, ClassVar, Self

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Float, Num, PyTree

from mixstat.data.scaling import ToUser
from mixstat.experts.base import Experts, blank
from mixstat.experts.wrapped import Wrapped
from mixstat.numerics.precision import AnyArray, library_of
from mixstat.parts.integrals import Line
from mixstat.parts.labels import ParameterLabel
from mixstat.parts.predictors import Group
from mixstat.parts.ranges import Range
from mixstat.validation import choose_columns

MOST_SLOPE = 5.0  # of a log scale over a deviation of a feature: the scale grows 150-fold


def _listed(chosen: object) -> Any:
    """Several columns as a tuple, which can be a static field."""
    return tuple(chosen) if isinstance(chosen, list | np.ndarray) else chosen


class Heteroscedastic(Wrapped):
    """Experts of another family, whose log scale is linear in x as their mean is.

    What the scale depends on are features of the experts' means; a mean that is to do without
    one has its slope held, as by ``constraints=["expert0:x = 0"]``. Penalties act on the slopes of
    means alone. The floor under scales, ``min_scale``, is that of the scale where features have
    their means; from there its log may change by at most 5 for each deviation of a feature.

    Harvey, A. C. (1976). Estimating regression models with multiplicative heteroscedasticity.
    Econometrica 44, 461-465. Rigby, R. A. and Stasinopoulos, D. M. (2005). Generalized additive
    models for location, scale and shape. Appl. Statist. 54, 507-554.

    Parameters
    ----------
    expert
        The family, by name or as an object: "gaussian" (one output), "t", "skew_normal",
        "lognormal" or "weibull".
    scale_features
        The columns on which the scale depends, in a list: names of columns of the experts, of
        categories among them, or positions in X. None is all columns of the experts.

    Examples
    --------
    >>> import numpy as np
    >>> from mixstat import MixtureOfExperts
    >>> from mixstat.experts import Heteroscedastic
    >>> rng = np.random.default_rng(0)
    >>> X = rng.uniform(-1, 1, size=(300, 1))
    >>> y = 1 + X[:, 0] + np.exp(-1 + 0.8 * X[:, 0]) * rng.standard_normal(300)
    >>> moe = MixtureOfExperts(1, expert=Heteroscedastic("gaussian")).fit(X, y)
    >>> moe.scale_coef_.round(2)
    array([[0.77]])
    """

    word: ClassVar[str] = "heteroscedastic"

    scale_slopes: Float[AnyArray, "K 1 s"] = eqx.field(default_factory=partial(blank, 0, 1, 0))
    scale_features: tuple[str | int, ...] | None = eqx.field(
        static=True, default=None, kw_only=True, converter=_listed
    )
    columns: tuple[int, ...] | None = eqx.field(
        static=True, default=None, kw_only=True, metadata={"told": True}
    )

    def __check_init__(self) -> None:
        family, chosen = self.expert, self.scale_features
        if not isinstance(family, Experts) or not hasattr(family, "log_scale"):
            raise ValueError(
                "expert must be a family with a scale: 'gaussian', 't', 'skew_normal', "
                f"'lognormal' or 'weibull', or an object of one; got {family!r}."
            )
        listed = isinstance(chosen, tuple)
        if chosen is not None and not (listed and all(map(_is_column, chosen))):
            raise ValueError(
                f"scale_features must be None or a list of names or positions, got {chosen!r}."
            )

    def null(self, n_experts: int, n_features: int, n_outputs: int) -> Self:
        width = n_features - 1 if self.columns is None else len(self.columns)
        slopes = np.zeros((n_experts, 1, 0 if self.scale_features == () else width))
        return replace(super().null(n_experts, n_features, 1), scale_slopes=slopes)

    # columns of the scale

    def told(
        self, names: Sequence[str], kept: Bool[np.ndarray, " P"], inputs: Sequence[str]
    ) -> "Heteroscedastic":
        """The family that knows which of the experts' features are those of its scale.

        ``names`` are the experts' columns, the constant first, of which features are those
        ``kept``; positions are those of ``inputs``.
        """
        if not self.scale_features:
            return self
        found = [j for one in self.scale_features for j in _places(one, names, inputs)]
        feature = np.cumsum(kept) - 1
        return replace(self, columns=tuple(int(feature[j]) for j in sorted({*found}) if kept[j]))

    def _log_scales(self) -> Num[AnyArray, "K 1 p"]:
        """Coefficients of the log scale on all features, the constant first."""
        constant = self.expert.log_scale.reshape(self.n_experts, 1, 1)
        library = library_of(constant, self.scale_slopes)
        both = library.concatenate([constant, self.scale_slopes], axis=2)
        if self.columns is None:
            return both
        place = np.full(self.expert.groups()[0].coef.shape[2], both.shape[2])
        place[[0, *self.columns]] = np.arange(both.shape[2])
        zero = library.zeros(constant.shape, both.dtype)
        return library.concatenate([both, zero], axis=2)[:, :, place]

    def groups(self) -> tuple[Group, ...]:
        mean, scale, *others = self.expert.groups()
        if self.scale_slopes.shape[2]:
            scale = Group("Phi", self._log_scales())
        return mean, scale, *others

    def in_units(self, location: np.ndarray, scale: np.ndarray, to_user: ToUser) -> Self:
        moved, before = self.expert.in_units(location, scale, to_user), self._log_scales()
        if not self.scale_slopes.shape[2]:
            return replace(self, expert=moved)
        table = np.asarray(before) @ to_user
        shift = np.reshape(table[:, :, 0] - before[:, :, 0], moved.log_scale.shape)
        moved = eqx.tree_at(lambda e: e.log_scale, moved, np.asarray(moved.log_scale) + shift)
        if self.columns is None:
            return replace(self, expert=moved, scale_slopes=table[:, :, 1:])
        # features that are not rotated are each a multiple of one column, but for the constant
        rows = np.eye(before.shape[2])[list(self.columns)] @ to_user
        place = tuple(int(j) for j in 1 + np.argmax(np.abs(rows[:, 1:]), axis=1))
        return replace(self, expert=moved, scale_slopes=table[:, :, list(place)], columns=place)

    def labels(self, features: list[str], outputs: list[str]) -> list[ParameterLabel]:
        width = self.scale_slopes.shape[2]
        places = range(1, 1 + width) if self.columns is None else self.columns
        return self.expert.labels(features, outputs) + [
            ParameterLabel("experts", "scale_slope", "scale", k, "", features[j], gathered=True)
            for k in range(self.n_experts)
            for j in list(places)[:width]
        ]

    # fitting

    def standard(self, y, share, *, constant: bool):
        if not constant and self.scale_features != ():
            raise ValueError(
                "expert_features must have a constant for heteroscedastic experts: it is that of "
                "the log of the scale too."
            )
        return self.expert.standard(y, share, constant=constant)

    def link(
        self, eta: Float[AnyArray, "K L n"], y: Float[AnyArray, "r n"]
    ) -> Float[AnyArray, "K n"]:
        return self.expert.link(eta, y)

    def derivatives(
        self, eta: Float[AnyArray, "K L n"], y: Float[AnyArray, "r n"]
    ) -> tuple[Float[AnyArray, "K L n"], Float[AnyArray, "K L L n"]]:
        return self.expert.derivatives(eta, y)

    def score(
        self,
        eta: Float[AnyArray, "K L n"],
        y: Float[AnyArray, "r n"],
        resp: Float[AnyArray, "K n"],
    ) -> Float[AnyArray, "K L n"]:
        return resp[:, None, :] * self.derivatives(eta, y)[0]

    def information(
        self, eta: Float[AnyArray, "K L n"], y: Float[AnyArray, "r n"]
    ) -> Float[AnyArray, "K L L n"]:
        return self.expert.information(eta, y)

    @property
    def knows_ranges(self) -> bool:
        return self.expert.knows_ranges

    def line(self, eta: Float[AnyArray, "K L n"]) -> Line:
        return self.expert.line(eta)

    def log_range(self, eta: Float[AnyArray, "K L n"], ends: Range) -> Float[AnyArray, "K n"]:
        return self.expert.log_range(eta, ends)

    def range_derivatives(
        self, eta: Float[AnyArray, "K L n"], ends: Range
    ) -> tuple[Float[AnyArray, "K L n"], Float[AnyArray, "K L L n"]]:
        return self.expert.range_derivatives(eta, ends)

    def start(self, statistics: PyTree, bounds: tuple[Self, Self]) -> Self:
        """As if the scale depended on nothing."""
        first = super().start(statistics, bounds)
        return replace(first, scale_slopes=jnp.zeros_like(self.scale_slopes))

    def bounds(self, min_scale: float) -> tuple[Self, Self]:
        most = np.full(self.scale_slopes.shape, MOST_SLOPE)
        lower, upper = super().bounds(min_scale)
        return replace(lower, scale_slopes=-most), replace(upper, scale_slopes=most)

    def collapsed(self, bounds: tuple[Self, Self]) -> Self:
        """The scale on its floor; a slope on its bound is a scale that changes fast."""
        none = np.zeros(self.scale_slopes.shape, bool)
        return eqx.tree_at(lambda e: e.scale_slopes, super().collapsed(bounds), none)

    def permute(self, order: AnyArray) -> Self:
        return replace(super().permute(order), scale_slopes=np.asarray(self.scale_slopes)[order])

    # what people see

    def titles(self) -> dict[str, str]:
        return self.expert.titles() | {"scale": "Slopes of the log of the scale"}

    def reported_attributes(self, *, single_output: bool) -> dict[str, np.ndarray]:
        inner = self.expert.reported_attributes(single_output=True)
        return inner | {"scale_coef_": np.asarray(self.scale_slopes)[:, 0]}

    def crps(
        self,
        eta: Float[np.ndarray, "K L n"],
        share: Float[np.ndarray, "K n"],
        y: Float[np.ndarray, "c n"],
    ) -> Float[np.ndarray, "1 n"]:
        return self.expert.crps(eta, share, y)

    def __repr__(self) -> str:
        said = [repr(self.expert)]
        if self.scale_features is not None:
            said.append(f"scale_features={list(self.scale_features)}")
        return f"Heteroscedastic({', '.join(said)})"


def _is_column(one: object) -> bool:
    whole = isinstance(one, int | np.integer) and not isinstance(one, bool)
    return whole or isinstance(one, str)


def _places(one: str | int, names: Sequence[str], inputs: Sequence[str]) -> list[int]:
    """Where a column, or the levels of a category, stand among the experts' columns."""
    name = one
    if not isinstance(one, str):
        name = inputs[int(choose_columns("scale_features", one, inputs)[0])]
    found = [
        j
        for j, own in enumerate(names)
        if j and (own == name or (own.startswith(f"{name}[") and own.count("[") == 1))
    ]
    if not found:
        raise ValueError(
            f"scale_features names column {name!r}; the experts have {', '.join(names[1:])}."
        )
    return found
