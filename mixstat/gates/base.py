"""What a gate must answer."""

import abc
from collections.abc import Callable
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Int

from mixstat.data.batch import Rows
from mixstat.data.scaling import ToUser
from mixstat.gates.blocks import GateBlocks, Prior
from mixstat.gates.identification import Identification
from mixstat.gates.starting import Starting
from mixstat.numerics import parameter_vector
from mixstat.numerics.penalty import Penalty, Ridge
from mixstat.numerics.precision import AnyArray
from mixstat.numerics.quadratic_step import newton_step
from mixstat.parts import columns, labels, predictors
from mixstat.parts.labels import ParameterLabel
from mixstat.parts.part import NewtonSums, Part
from mixstat.parts.predictors import Group


def blank() -> np.ndarray:
    """Coefficients of a gate that only states its settings."""
    return np.zeros((0, 0))


class Gate(Part):
    """Interface: prior probabilities pi_k(x) of K experts, through linear predictors.

    A gate states :meth:`groups` and :meth:`link`; everything else has a default that
    differentiates the link per row. Override a default only by an equal closed form.

    An instance made with settings alone, such as ``TopKGate(k=2)``, is what people pass to an
    estimator; :meth:`null` gives it parameters.
    """

    constant: ClassVar[bool] = True
    """Whether the first feature is the constant one. Without it features are not centred."""
    exchangeable: ClassVar[bool] = True
    """Whether :meth:`permute` keeps the structure, so that experts may be renumbered."""
    continuous: ClassVar[bool] = True
    """Whether probabilities are continuous in the parameters."""
    diverging: ClassVar[str] = ""
    """What to say, beside the general message, where coefficients grow without limit."""
    joint: ClassVar[bool] = False
    """Whether the joint density of x and y is fitted: log_weight is not log_prob."""
    shrinkable: ClassVar[bool] = True
    """Whether an L1 penalty on slopes makes sense."""
    full_rank: ClassVar[bool] = False
    """Whether dependent features must be refused."""
    max_degree: ClassVar[int | None] = None
    """Largest degree of the features it can use."""

    @abc.abstractmethod
    def null(self, n_experts: int, n_features: int) -> "Gate":
        """The gate of these settings with equal shares everywhere (at each node of a tree).

        ``n_features`` counts the constant, if the gate uses it. Raises ValueError if the
        settings do not suit ``n_experts``.
        """

    @abc.abstractmethod
    def groups(self) -> tuple[Group, ...]:
        """Linear predictors: coefficients (rows, features). No arithmetic, only reshaping."""

    @abc.abstractmethod
    def link(self, eta: Float[AnyArray, "E n"], Z: Float[AnyArray, "q n"]) -> AnyArray:
        """Log probabilities (K, n) from the predictors; exp of each column sums to one.

        ``Z`` holds the features, for gates that need more than linear functions of them.
        """

    @abc.abstractmethod
    def permute(self, order: AnyArray) -> "Gate":
        """The same gate with experts renumbered: new expert k is old expert ``order[k]``."""

    def doubled(self, constant: bool) -> "Gate | None":
        """A gate for one more expert, which takes half the share of the last one everywhere.

        None where there is no such gate. ``constant`` is as for :meth:`penalty`.
        """
        return None

    @abc.abstractmethod
    def penalty(self, constant: bool) -> Float[np.ndarray, "G G"]:
        """Quadratic form of a unit ridge on the slopes.

        ``constant`` tells whether the first feature is the constant one, which is left free.
        """

    def labels(self, features: list[str]) -> list[ParameterLabel]:
        """What each parameter is, in order: by default coefficients, a table for each row."""
        return labels.gate_rows(len(self.groups()[0].coef), features)

    def parameter_names(self, features: list[str]) -> list[str]:
        """A name for each parameter, such as "gate0:x"."""
        return labels.names(self.labels(features))

    def titles(self) -> dict[str, str]:
        """Titles of the tables of parameters, by their keys."""
        tables = labels.places_by_table(self.labels(["1"] * self.n_features))
        return {table: f"Gate: {table}" for table in tables}

    @property
    def n_features(self) -> int:
        """Number of features that :meth:`labels` wants names of."""
        widths = [group.coef.shape[-1] for group in self.groups() if group.feature == "Z"]
        return max(widths, default=1)

    def feature_map(self) -> Callable[[np.ndarray], np.ndarray] | None:
        """Applied to the raw columns (n, d) other than the constant before they are used."""
        return None

    def map_name(self) -> str:
        """Name of :meth:`feature_map` in the names of columns."""
        return "M"

    def log_weight(self, rows: Rows) -> Float[AnyArray, "K n"]:
        """What enters the likelihood that is maximised; for most gates :meth:`log_prob`."""
        return self.link(predictors.predict(self.groups(), rows), rows.Z)

    def prior(self, rows: Rows) -> Prior:
        """:meth:`log_weight` in the form in which it is cheapest."""
        return Prior(self.log_weight(rows))

    def log_prob(self, rows: Rows) -> Float[AnyArray, "K n"]:
        """Log probability that each row belongs to each expert, given x."""
        return self.log_weight(rows)

    def scores(self, log_prob: Float[np.ndarray, "n K"], Z: Float[np.ndarray, "n q"]) -> np.ndarray:
        """What shares are made of, by its own name: for most gates the shares themselves."""
        return np.exp(log_prob)

    def log_unit(self, to_user: ToUser) -> float:
        """Added to the log-likelihood when inputs are told in the user's units."""
        return 0.0

    def sample_inputs(
        self, n: int, random: np.random.Generator
    ) -> tuple[Int[np.ndarray, " n"], Float[np.ndarray, "n q"]]:
        """Experts and features of drawn rows, of a gate that is fitted to the inputs."""
        raise ValueError(f"{type(self).__name__} is no model of the inputs.")

    def log_terms(self, rows: Rows) -> Float[AnyArray, "K n"]:
        """:meth:`log_weight`, by the name that experts answer to as well."""
        return self.log_weight(rows)

    def starting(self) -> "Starting[Gate]":
        """How starts begin; for gates that jump, have several hills, or follow a schedule."""
        return Starting()

    def identification(self) -> Identification:
        """What the data can tell about the parameters."""
        return Identification()

    def jacobian(
        self, eta: Float[AnyArray, "E n"], Z: Float[AnyArray, "q n"]
    ) -> Float[AnyArray, "K E n"]:
        """Derivatives of the log probabilities in the predictors."""
        return _per_row(jax.jacfwd(self._link_one))(eta, Z)

    def surrogate_hessian(
        self,
        eta: Float[AnyArray, "E n"],
        Z: Float[AnyArray, "q n"],
        resp: Float[AnyArray, "K n"],
    ) -> Float[AnyArray, "E E n"]:
        """Second derivatives of ``sum_k resp_k log pi_k`` in the predictors."""

        def surrogate(one, features, share):
            return jnp.sum(share * self._link_one(one, features))

        return _per_row(jax.hessian(surrogate))(eta, Z, resp)

    def information(
        self, eta: Float[AnyArray, "E n"], Z: Float[AnyArray, "q n"], mass: Float[AnyArray, " n"]
    ) -> Float[AnyArray, "E E n"]:
        """Expected information of the surrogate in the predictors, ``mass`` draws a row.

        Positive semidefinite whatever the link, and minus the surrogate's Hessian where logits
        are linear.
        """
        share = jnp.exp(self.link(eta, Z)) * mass[None, :]
        jac = self.jacobian(eta, Z)
        return jnp.sum(share[:, None, None, :] * jac[:, :, None, :] * jac[:, None, :, :], axis=0)

    def score(
        self,
        eta: Float[AnyArray, "E n"],
        Z: Float[AnyArray, "q n"],
        resp: Float[AnyArray, "K n"],
    ) -> Float[AnyArray, "E n"]:
        """Derivatives of ``sum_k resp_k log pi_k`` in the predictors."""
        return jax.vjp(lambda one: self.link(one, Z), eta)[1](resp)[0]

    def blocks(
        self,
        eta: Float[AnyArray, "E n"],
        Z: Float[AnyArray, "q n"],
        resp: Float[AnyArray, "K n"],
    ) -> GateBlocks:
        """First and second derivatives; ``resp`` holds responsibilities times row weights."""
        jac = self.jacobian(eta, Z)
        score = jnp.sum(resp[:, None, :] * jac, axis=0)
        own = jnp.sum(resp[:, None, None, :] * jac[:, :, None, :] * jac[:, None, :, :], axis=0)
        return GateBlocks(score, score, jac, own + self.surrogate_hessian(eta, Z, resp))

    def statistics(
        self, rows: Rows, resp: Float[AnyArray, "K n"], prior: Prior | None = None
    ) -> NewtonSums:
        """Sums for :meth:`m_step`: the surrogate's gradient and information.

        ``resp`` holds responsibilities times row weights, ``prior`` what was made of these rows.
        """
        eta = predictors.predict(self.groups(), rows)
        where = predictors.layout(self.groups())
        slopes = jnp.sum(resp[:, None, :] * self.jacobian(eta, rows.Z), axis=0)
        information = self.information(eta, rows.Z, jnp.sum(resp, axis=0))
        return NewtonSums(
            predictors.gradient(slopes, where, rows),
            predictors.curvature_sums(information, where, rows),
        )

    def stacked_groups(self) -> tuple[Group, ...]:
        return tuple(Group(group.feature, group.coef[None]) for group in self.groups())

    def m_step(
        self, statistics: NewtonSums, bounds: "tuple[Gate, Gate]", penalty: Penalty
    ) -> "Gate":
        """One Newton (Fisher scoring) step on the surrogate minus the penalty.

        It leads uphill; the caller shortens a step that overshoots.
        """
        size = parameter_vector.size(self)
        index = self.coefficient_index()[0]
        slopes, sums = statistics
        gradient = parameter_vector.fold(slopes, index, size)
        information = predictors.curvature(sums, predictors.layout(self.groups()))
        information = parameter_vector.fold(
            parameter_vector.fold(information, index, size).T, index, size
        )
        vector = parameter_vector.traced_vector(self)
        limits = (
            parameter_vector.traced_vector(bounds[0]),
            parameter_vector.traced_vector(bounds[1]),
        )
        return parameter_vector.from_vector(
            self, newton_step(vector, gradient, information, limits, penalty)
        )

    def penalty_value(self, penalty: Penalty) -> AnyArray | float:
        return penalty.value(parameter_vector.traced_vector(self))

    def in_units(self, to_user: ToUser) -> "Gate":
        """The gate on the user's features, from ``to_user`` (internal, user)."""
        return jax.tree.map(lambda a: np.asarray(a) @ to_user, self)

    def slopes(self) -> Float[np.ndarray, " G"]:
        """One for each parameter that multiplies a feature other than the constant, else zero."""
        squares = self.form(self.constant).squares(parameter_vector.size(self))
        return (squares > 0).astype(float)

    def form(self, constant: bool) -> Penalty:
        """:meth:`penalty` as one, without a matrix where there are many columns."""
        if not columns.is_wide(self):
            return Ridge(self.penalty(constant))
        return columns.form_by_columns(self, lambda few: few.penalty(constant))

    def logits_per_unit(self) -> Float[np.ndarray, " G"]:
        """What a unit of each coefficient adds to a logit; zero for what is no coefficient."""
        return np.ones(parameter_vector.size(self))

    def coefficients(self) -> Float[np.ndarray, "r q"]:
        """The table people read: a row of feature coefficients per expert (or per node)."""
        return np.asarray(self.groups()[0].coef)

    def reported_attributes(self) -> dict[str, np.ndarray]:
        """Fitted attributes of estimators that only some gates have, by name.

        Of a gate in the user's units.
        """
        return {}

    def _link_one(self, eta: Float[AnyArray, " E"], Z: Float[AnyArray, " q"]) -> AnyArray:
        return self.link(eta[:, None], Z[:, None])[:, 0]


def _per_row(function):
    return jax.vmap(function, in_axes=-1, out_axes=-1)
