"""What a gate and a family of experts both answer."""

import abc
from dataclasses import Field, fields
from typing import ClassVar, NamedTuple, TypeVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Int, PyTree

from mixstat.data.batch import Rows
from mixstat.numerics import parameter_vector
from mixstat.numerics.module import Module
from mixstat.numerics.penalty import Penalty
from mixstat.numerics.precision import AnyArray
from mixstat.parts import predictors
from mixstat.parts.atoms import Atoms
from mixstat.parts.predictors import Group
from mixstat.parts.settings import Tunable

SomeModule = TypeVar("SomeModule", bound=eqx.Module)
SomePart = TypeVar("SomePart", bound="Part")


class NewtonSums(NamedTuple):
    """Sums over rows for a Newton step: the surrogate as a quadratic around the parameters."""

    slopes: AnyArray  # (E,) of a gate, (K, E) of experts, in the coefficients of predictors
    information: dict[str, AnyArray]  # as of predictors.pair_sums, with a leading axis for experts


class Part(Tunable, Module):
    """Interface of both parts of a mixture: linear predictors, and a link behind them.

    Coefficients of predictors come in stacks: a gate has one, a family one for each expert.
    """

    exact_step: ClassVar[bool] = False
    """Whether the M-step is exact, so that it never loses likelihood."""
    plain: ClassVar[bool] = False
    """Whether the link (and what experts say of y) is NumPy's where all arrays are NumPy's.

    Few rows are then answered without a compiled program."""
    measure: ClassVar[str] = ""
    """Kind of its atoms in a mixing measure, by which losses are stated; empty if it has none."""

    @property
    @abc.abstractmethod
    def n_experts(self) -> int:
        """Number of experts K."""

    @abc.abstractmethod
    def groups(self) -> tuple[Group, ...]:
        """Linear predictors. No arithmetic, only reshaping."""

    @abc.abstractmethod
    def stacked_groups(self) -> tuple[Group, ...]:
        """The same with coefficients (stacks, rows, features)."""

    @abc.abstractmethod
    def log_terms(self, rows: Rows) -> Float[AnyArray, "K n"]:
        """What the part adds to the log joint density of each row and expert."""

    @abc.abstractmethod
    def statistics(self, rows: Rows, resp: Float[AnyArray, "K n"]) -> PyTree:
        """Sums over rows that the M-step needs; ``resp`` includes the row weights."""

    @abc.abstractmethod
    def m_step(
        self: SomePart, statistics: PyTree, bounds: tuple[SomePart, SomePart], penalty: Penalty
    ) -> SomePart:
        """The part that raises the surrogate minus the penalty."""

    @abc.abstractmethod
    def penalty_value(self, penalty: Penalty) -> AnyArray | float:
        """What a penalty takes from the surrogate."""

    def titles(self) -> dict[str, str]:
        """Titles of tables of parameters, by their keys."""
        return {}

    def atoms(self) -> Atoms:
        """The part's share of a mixing measure.

        Raises
        ------
        ValueError
            If a mixing measure is not defined for such a part.
        """
        raise ValueError(f"a mixing measure is not defined for {type(self).__name__}.")

    def is_like(self, other: "Part") -> bool:
        """Whether both are parts of one kind, so that their atoms may be compared."""
        return type(self) is type(other)

    def bounds(self: SomePart, min_scale: float) -> tuple[SomePart, SomePart]:
        """Lower and upper bounds of all parameters; equal ones hold a parameter fixed."""
        return free_bounds(self)

    def coefficient_index(self) -> Int[np.ndarray, "b E"]:
        """Where the coefficients of each stack stand in the part's parameter vector.

        One that is no parameter, but padding, is nowhere: -1.
        """
        groups = parameter_vector.numbered(self).stacked_groups()
        if not groups:  # a gate of one expert
            return np.zeros((1, 0), int)
        stacks = [np.reshape(group.coef, (len(group.coef), -1)) for group in groups]
        return np.concatenate(stacks, axis=1).astype(int) - 1

    def layout(self) -> predictors.Layout:
        """Which features the predictors of a stack multiply."""
        return predictors.layout(tuple(Group(g.feature, g.coef[0]) for g in self.stacked_groups()))

    # learning from sums that are kept

    def moved_statistics(self: SomePart, new: SomePart, statistics: PyTree) -> PyTree:
        """Sums of the same rows, told from the parameters of ``new``.

        A Newton step's sums are the quadratic around the parameters.
        """
        turned = jnp.einsum("kij,kj->ki", *_quadratic(self, new, statistics))
        slopes = statistics.slopes - turned.reshape(statistics.slopes.shape)
        return statistics._replace(slopes=slopes)

    def gain(self: SomePart, new: SomePart, statistics: NewtonSums) -> Float[AnyArray, ""]:
        """What the surrogate of the rows of ``statistics`` gains from here to ``new``."""
        curvature, step = _quadratic(self, new, statistics)
        first = jnp.sum(statistics.slopes.reshape(step.shape) * step)
        return first - 0.5 * jnp.einsum("ki,kij,kj->", step, curvature, step)

    def _settings(self) -> dict[str, object]:
        """What is no parameter: static fields that people state, and parts inside."""
        settings = {one.name: getattr(self, one.name) for one in fields(self) if _is_stated(one)}
        return settings | {
            one.name: getattr(self, one.name)
            for one in fields(self)
            if isinstance(getattr(self, one.name), Part)
        }

    def __repr__(self) -> str:
        static = [f for f in fields(self) if f.metadata.get("static")]
        inside = ", ".join(f"{f.name}={_shown(getattr(self, f.name))}" for f in static)
        return f"{type(self).__name__}({inside})"


def free_bounds(part: SomeModule) -> tuple[SomeModule, SomeModule]:
    """Bounds that leave every parameter free."""
    return (
        jax.tree.map(lambda a: np.full(a.shape, -np.inf), part),
        jax.tree.map(lambda a: np.full(a.shape, np.inf), part),
    )


def within(part: SomeModule, bounds: tuple[SomeModule, SomeModule]) -> SomeModule:
    """The same part with parameters moved inside their bounds."""
    return jax.tree.map(lambda a, low, high: jnp.clip(a, low, high), part, *bounds)


def stacked_coefficients(part: Part) -> Float[AnyArray, "b E"]:
    """Coefficients of the predictors of each stack; zero where there is no parameter."""
    vector = jnp.concatenate([parameter_vector.traced_vector(part), jnp.zeros(1)])
    return vector[part.coefficient_index()]


def _quadratic(
    part: Part, new: Part, statistics: NewtonSums
) -> tuple[Float[AnyArray, "b E E"], Float[AnyArray, "b E"]]:
    """Curvature of the surrogate in each stack's coefficients, and the step to ``new``."""
    where, sums = part.layout(), statistics.information
    alone = statistics.slopes.ndim == 1
    if alone:  # a gate
        curvature = predictors.curvature(sums, where)[None]
    else:
        curvature = jax.vmap(lambda one: predictors.curvature(one, where))(sums)
    return curvature, stacked_coefficients(new) - stacked_coefficients(part)


def _is_stated(one: Field) -> bool:
    """Whether a static field is a setting; others are told by the data."""
    return bool(one.metadata.get("static")) and not one.metadata.get("told")


def _shown(value: object) -> str:
    return getattr(value, "__name__", None) or repr(value)
