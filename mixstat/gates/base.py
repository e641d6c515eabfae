"""What a gate must answer."""

import abc
from collections.abc import Callable
from typing import Any, ClassVar, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Float, Int

from mixstat import flat, linear
from mixstat.batch import Rows
from mixstat.linear import Group
from mixstat.precision import AnyArray
from mixstat.step import Shrink, newton_step


class Invariance(NamedTuple):
    """A direction in which the gate's probabilities do not change."""

    words: str  # what a person should know about it
    tangent: Float[np.ndarray, " G"]  # the direction, in the gate's parameter vector


class Prior(NamedTuple):
    """What enters the likelihood of each row, with as few exponentials as the gate can do."""

    logit: Float[AnyArray, "K n"]
    total: Float[AnyArray, " n"] | None = None  # its log is taken from every logit; None is one
    share: Float[AnyArray, "K n"] | None = None  # exp(logit) / total, where it was made anyhow


class Sparse(NamedTuple):
    """A table (a, b, n) of which most rows are zero, read as ``table[i, j]`` of index arrays.

    To be made where it is read, so that rows that nobody reads cost nothing.
    """

    rows: Float[AnyArray, "u n"]  # the first is zero
    index: Int[np.ndarray, "a b"]  # of a row
    outer: tuple[AnyArray, AnyArray] | None = None  # (a, n) and (b, n), whose products are added

    def __getitem__(self, where: tuple[np.ndarray, np.ndarray]) -> AnyArray:
        found = self.rows[self.index[where]]
        if self.outer is None:
            return found
        left, right = self.outer
        return found + left[where[0]] * right[where[1]]


class GateBlocks(NamedTuple):
    """What a gate adds to the derivatives of a row, all but ``slopes`` times its weight.

    ``slopes`` are the derivatives of the log probabilities in the predictors, plus anything
    that is the same for all experts; a constant NumPy array where they do not depend on x.
    """

    score: Float[AnyArray, "E n"]  # mean derivative over the experts
    raw: Float[AnyArray, "E n"]  # mean of the slopes
    slopes: Any  # (K, E) or (K, E, n), which may be Sparse
    own: Any  # (E, E, n) or Sparse: mean of products of slopes, plus mean second derivatives


def nothing_to_choose(free: Bool[np.ndarray, " G"]) -> list[Invariance]:
    """Invariances of a gate of one expert: all of its free parameters."""
    words = "with one expert the gate has nothing to choose, so its parameters are free"
    return [Invariance(words, row) for row in np.eye(len(free))[free]]


def blank() -> np.ndarray:
    """Coefficients of a gate that only states its settings."""
    return np.zeros((0, 0))


class Gate(eqx.Module):
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
    concave: ClassVar[bool] = True
    """Whether the surrogate has one hill; else the first step from a start climbs carefully."""
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

    @property
    @abc.abstractmethod
    def n_experts(self) -> int:
        """Number of experts K."""

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

    @abc.abstractmethod
    def penalty(self, constant: bool) -> Float[np.ndarray, "G G"]:
        """Quadratic form of a unit ridge on the slopes.

        ``constant`` tells whether the first feature is the constant one, which is left free.
        """

    @abc.abstractmethod
    def parameter_names(self, features: list[str]) -> list[str]:
        """A name for each parameter, such as "gate0:x"; what precedes ":" makes a table."""

    def titles(self) -> dict[str, str]:
        """Titles of the tables of parameters, by what precedes ":" in their names."""
        names = self.parameter_names(["1"])
        return {prefix: f"Gate: {prefix}" for prefix in (n.partition(":")[0] for n in names)}

    def feature_map(self) -> Callable[[np.ndarray], np.ndarray] | None:
        """Applied to the raw columns (n, d) other than the constant before they are used."""
        return None

    def map_name(self) -> str:
        """Name of :meth:`feature_map` in the names of columns."""
        return "M"

    def log_weight(self, rows: Rows) -> Float[AnyArray, "K n"]:
        """What enters the likelihood that is maximised; for most gates :meth:`log_prob`."""
        return self.link(linear.predict(self.groups(), rows), rows.Z)

    def prior(self, rows: Rows) -> Prior:
        """:meth:`log_weight` in the form in which it is cheapest."""
        return Prior(self.log_weight(rows))

    def log_prob(self, rows: Rows) -> Float[AnyArray, "K n"]:
        """Log probability that each row belongs to each expert, given x."""
        return self.log_weight(rows)

    def scores(self, log_prob: Float[np.ndarray, "n K"], Z: Float[np.ndarray, "n q"]) -> np.ndarray:
        """What shares are made of, by its own name: for most gates the shares themselves."""
        return np.exp(log_prob)

    def log_unit(self, to_user: Float[np.ndarray, "r p"]) -> float:
        """Added to the log-likelihood when inputs are told in the user's units."""
        return 0.0

    def bounds(self, min_scale: float) -> tuple[Any, Any]:
        """Lower and upper bounds of all parameters; equal ones hold a parameter fixed."""
        return (
            jax.tree.map(lambda a: np.full(a.shape, -np.inf), self),
            jax.tree.map(lambda a: np.full(a.shape, np.inf), self),
        )

    def dense(self) -> "Gate | None":
        """For a gate that jumps or has several hills, a null gate with one; starts use it first."""
        return None

    def adopt(self, dense: Any) -> "Gate | None":
        """Parameters of a fitted :meth:`dense` gate in this one; None to climb towards it."""
        return None

    def scatter(self, random: np.random.Generator) -> "Gate":
        """Where a start begins, for gates whose null is stationary or one of many hills."""
        return self

    def anneal(self) -> tuple["Gate", ...]:
        """Gates whose fixed parameters are those of each stage of a schedule, if there is one."""
        return ()

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
    ) -> Any:
        """Sums for :meth:`m_step`: the surrogate's gradient and information.

        ``resp`` holds responsibilities times row weights, ``prior`` what was made of these rows.
        """
        eta = linear.predict(self.groups(), rows)
        where = linear.layout(self.groups())
        slopes = jnp.sum(resp[:, None, :] * self.jacobian(eta, rows.Z), axis=0)
        information = self.information(eta, rows.Z, jnp.sum(resp, axis=0))
        return (
            linear.gradient(slopes, where, rows),
            linear.curvature_sums(information, where, rows),
        )

    def positions(self) -> np.ndarray:
        """For an instance whose leaves are numbered: the number of each predictor coefficient."""
        flattened = [np.ravel(g.coef) for g in self.groups()]
        return np.concatenate([np.zeros(0), *flattened]).astype(int)

    def m_step(self, statistics: Any, bounds: tuple[Any, Any], shrink: Shrink | None):
        """One Newton (Fisher scoring) step on the surrogate minus the penalty.

        It leads uphill; the caller shortens a step that overshoots.
        """
        size = flat.size(self)
        index = flat.numbered(self).positions() - 1
        slopes, sums = statistics
        gradient = flat.fold(slopes, index, size)
        information = linear.curvature(sums, linear.layout(self.groups()))
        information = flat.fold(flat.fold(information, index, size).T, index, size)
        vector = flat.traced_vector(self)
        limits = flat.traced_vector(bounds[0]), flat.traced_vector(bounds[1])
        return flat.from_vector(self, newton_step(vector, gradient, information, limits, shrink))

    def in_units(self, to_user: np.ndarray) -> "Gate":
        """The gate on the user's features, from ``to_user`` (internal, user)."""
        return jax.tree.map(lambda a: np.asarray(a) @ to_user, self)

    def slopes(self) -> Float[np.ndarray, " G"]:
        """One for each parameter that multiplies a feature other than the constant, else zero."""
        return (np.diag(self.penalty(self.constant)) > 0).astype(float)

    def logits_per_unit(self) -> Float[np.ndarray, " G"]:
        """What a unit of each coefficient adds to a logit; zero for what is no coefficient."""
        return np.ones(flat.size(self))

    def coefficients(self) -> Float[np.ndarray, "r q"]:
        """The table people read: a row of feature coefficients per expert (or per node)."""
        return np.asarray(self.groups()[0].coef)

    def invariances(self) -> list[Invariance]:
        """Directions in which this gate's probabilities do not change, whatever the data."""
        return []

    def identified(self, vector: Float[AnyArray, " G"]) -> Float[AnyArray, " I"]:
        """Functions of the parameters that the data can determine where parameters are not."""
        return jnp.zeros(0)

    def identified_names(self, features: list[str]) -> list[str]:
        """Their names."""
        return []

    def independence(
        self, features: Float[np.ndarray, "n q"], inputs: Float[np.ndarray, "n d"]
    ) -> dict[str, list[np.ndarray]]:
        """Tables of functions of the rows whose independence the rates of this gate rest on.

        By order ("first", "second"), a table (n, functions) for each expert (or for the gate).
        ``features`` are those of the parameters' units, ``inputs`` what :meth:`feature_map` is
        applied to. Empty where there is no condition.
        """
        return {}

    def __repr__(self) -> str:
        static = [f for f in self.__dataclass_fields__.values() if f.metadata.get("static")]
        inside = ", ".join(f"{f.name}={_tell(getattr(self, f.name))}" for f in static)
        return f"{type(self).__name__}({inside})"

    def _link_one(self, eta: Float[AnyArray, " E"], Z: Float[AnyArray, " q"]) -> AnyArray:
        return self.link(eta[:, None], Z[:, None])[:, 0]


def _tell(value: Any) -> str:
    return getattr(value, "__name__", None) or repr(value)


def _per_row(function):
    return jax.vmap(function, in_axes=-1, out_axes=-1)
