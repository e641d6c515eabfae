"""Families that are made of another family."""

import abc
from dataclasses import replace
from typing import Any, ClassVar, Self

import equinox as eqx
import numpy as np
from jaxtyping import Float, PyTree

from mixstat.data.batch import Rows
from mixstat.data.scaling import ToUser
from mixstat.experts.base import Experts
from mixstat.experts.registry import REGISTRY
from mixstat.numerics.precision import AnyArray
from mixstat.parts.labels import ParameterLabel
from mixstat.parts.predictors import Group


def _named(expert: object) -> object:
    """A family by its name."""
    return REGISTRY[expert] if isinstance(expert, str) and expert in REGISTRY else expert


class Wrapped(Experts):
    """Interface: experts that ask another family, ``expert``, for all that they leave as it is.

    Parameters are those of the other family; responses are encoded as it encodes them.
    """

    word: ClassVar[str]
    """What experts like these are, as errors tell people."""

    expert: Any = eqx.field(converter=_named)

    @abc.abstractmethod
    def __check_init__(self) -> None:
        """Raise ValueError for a family that cannot be wrapped."""

    def _with(self, expert: Experts) -> Self:
        """The same around other parameters."""
        return replace(self, expert=expert)

    @property
    def plain(self) -> bool:  # pyright: ignore[reportIncompatibleVariableOverride]
        return self.expert.plain

    @property
    def response(self) -> str:  # pyright: ignore[reportIncompatibleVariableOverride]
        return self.expert.response

    @property
    def order_words(self) -> str:  # pyright: ignore[reportIncompatibleVariableOverride]
        return self.expert.order_words

    @property
    def n_experts(self) -> int:
        return self.expert.n_experts

    def null(self, n_experts: int, n_features: int, n_outputs: int) -> Self:
        if getattr(self.expert, "covariance", "full") == "tied":
            raise ValueError(f"covariance must not be 'tied' for {self.word} experts, got 'tied'.")
        return self._with(self.expert.null(n_experts, n_features, 1))

    def check(self, y: Float[np.ndarray, "n c"]) -> None:
        super().check(y)
        self.expert.check(y)

    def encode(self, y: Float[np.ndarray, "n c"]) -> Float[np.ndarray, "n r"]:
        return self.expert.encode(y)

    def view(self, y: Float[np.ndarray, "n r"]) -> Float[np.ndarray, "n v"]:
        return self.expert.view(y)

    def groups(self) -> tuple[Group, ...]:
        return self.expert.groups()

    def start_statistics(self, rows: Rows, resp: Float[AnyArray, "K n"]) -> PyTree:
        return self.expert.start_statistics(rows, resp)

    def start(self, statistics: PyTree, bounds: tuple[Self, Self]) -> Self:
        lower, upper = (bound.expert for bound in bounds)
        return self._with(self.expert.start(statistics, (lower, upper)))

    def bounds(self, min_scale: float) -> tuple[Self, Self]:
        lower, upper = (self._with(bound) for bound in self.expert.bounds(min_scale))
        return lower, upper

    def collapsed(self, bounds: tuple[Self, Self]) -> Self:
        lower, upper = (bound.expert for bound in bounds)
        return self._with(self.expert.collapsed((lower, upper)))

    def permute(self, order: AnyArray) -> Self:
        return self._with(self.expert.permute(order))

    def in_units(self, location: np.ndarray, scale: np.ndarray, to_user: ToUser) -> Self:
        return self._with(self.expert.in_units(location, scale, to_user))

    def labels(self, features: list[str], outputs: list[str]) -> list[ParameterLabel]:
        return self.expert.labels(features, outputs)

    def titles(self) -> dict[str, str]:
        return self.expert.titles()

    def reported_attributes(self, *, single_output: bool) -> dict[str, np.ndarray]:
        return self.expert.reported_attributes(single_output=True)

    def marginals(self, eta: Float[np.ndarray, "K L n"]) -> Any:
        return self.expert.marginals(eta)

    def traced_functions(self, eta: Float[AnyArray, "K L n"]) -> Float[AnyArray, "K c n"]:
        return self.expert.traced_functions(eta)
