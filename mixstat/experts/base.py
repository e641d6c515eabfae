"""What a family of experts must answer."""

import abc
from dataclasses import fields
from typing import Any, ClassVar, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, PyTree

from mixstat.data.batch import Rows
from mixstat.data.scaling import ToUser
from mixstat.numerics import crps, parameter_vector
from mixstat.numerics.penalty import Penalty
from mixstat.numerics.precision import AnyArray
from mixstat.numerics.quadratic_step import newton_step
from mixstat.parts import labels, predictors
from mixstat.parts.labels import ParameterLabel
from mixstat.parts.part import NewtonSums, within
from mixstat.parts.predictors import Group
from mixstat.parts.ranging import RangingPart

NEAR = 1e-9  # distance at which a parameter sits on its bound


class WorkingSums(NamedTuple):
    """Responsibility-weighted sums of a regression of working responses."""

    gram: AnyArray  # (K, p (p + 1) / 2)
    cross: AnyArray  # (K, L, p)


def blank(*shape: int) -> np.ndarray:
    """Parameters of experts that only state their settings."""
    return np.zeros(shape)


class Experts(RangingPart):
    """Interface: K conditional densities f_k(y given x) of one family, stacked on axis 0.

    A family states :meth:`groups` and :meth:`link`; derivatives default to automatic
    differentiation of the link per row and expert, the M-step to a Newton step, and the start
    to a regression of :meth:`working` responses.

    An instance made with settings alone, such as ``BinomialExperts(trials=20)``, is what people
    pass to an estimator; :meth:`null` gives it parameters.
    """

    exchangeable: ClassVar[bool] = True
    """Whether experts are all of one kind, so that they may be renumbered."""
    alone: ClassVar[bool] = True
    """Whether all experts may be of this family; else it stands beside others in a list."""
    order_words: ClassVar[str] = "their first coefficient"
    """By what experts are numbered, as people are told."""

    @abc.abstractmethod
    def null(self, n_experts: int, n_features: int, n_outputs: int) -> "Experts":
        """Experts of these settings that are all alike; where starts begin."""

    @abc.abstractmethod
    def permute(self, order: AnyArray) -> "Experts":
        """The same experts renumbered: new expert k is old expert ``order[k]``."""

    @abc.abstractmethod
    def marginals(self, eta: Float[np.ndarray, "K L n"]) -> Any:
        """Frozen scipy distribution of each output, with arrays of shape (K, m, n)."""

    @abc.abstractmethod
    def in_units(self, location: np.ndarray, scale: np.ndarray, to_user: ToUser) -> "Experts":
        """The experts of ``location + scale * y`` on the user's features."""

    def labels(self, features: list[str], outputs: list[str]) -> list[ParameterLabel]:
        """What each parameter is, in the order of the parameters.

        ``outputs`` names outputs, or the values of y where it has few. By default a family has
        the coefficients of one predictor, then array fields of a number for each expert.
        """
        arrays = [f.name for f in fields(self) if not f.metadata.get("static")]
        numbers = [one for word in arrays[1:] for one in labels.scalars(word, self.n_experts)]
        return [*labels.expert_rows(self.n_experts, features), *numbers]

    def parameter_names(self, features: list[str], outputs: list[str]) -> list[str]:
        """A name for each parameter, such as "expert0:x"."""
        return labels.names(self.labels(features, outputs))

    def with_covariance(self, covariance: str) -> "Experts":
        """The family with another kind of covariance, if it has several.

        Raises
        ------
        ValueError
            If it has not.
        """
        if covariance != "full":
            name = type(self).__name__
            raise ValueError(f"covariance={covariance!r} is for Gaussian experts, not {name}.")
        return self

    # the M-step

    def working(self, y: Float[AnyArray, "r n"]) -> Float[AnyArray, "L n"]:
        """Predictors that would fit each row by itself, roughly: the first starts there."""
        return y

    def start_statistics(self, rows: Rows, resp: Float[AnyArray, "K n"]) -> PyTree:
        """Sums for :meth:`start`; ``resp`` includes the row weights."""
        features = rows.feature("Phi")
        working = predictors.without_offset(self.working(rows.y), rows)
        weighted = resp[:, None, :] * working[None, :, :]
        return WorkingSums(predictors.own_sums(resp, features), weighted @ features.T)

    def start(self, statistics: PyTree, bounds: "tuple[Experts, Experts]") -> "Experts":
        """First experts out of experts that are all alike, from given responsibilities."""
        first = self.groups()[0].coef
        gram = predictors.symmetric(statistics.gram, first.shape[2])
        coef = jnp.swapaxes(predictors.solve(gram, jnp.swapaxes(statistics.cross, 1, 2)), 1, 2)
        moved = jax.tree.map(lambda leaf: coef if leaf is first else leaf, self)
        return within(moved, bounds)

    def information(
        self, eta: Float[AnyArray, "K L n"], y: Float[AnyArray, "r n"]
    ) -> Float[AnyArray, "K L L n"]:
        """Positive semidefinite information per row in each expert's own predictors.

        Minus the second derivatives, which serves where the log density is concave; else
        override it by the expected information.
        """
        return -self.derivatives(eta, y)[1]

    def statistics(self, rows: Rows, resp: Float[AnyArray, "K n"]) -> NewtonSums:
        """Sums over rows that the M-step needs; ``resp`` includes the row weights."""
        eta = predictors.predict(self.groups(), rows)
        where = self.layout()
        slopes = resp[:, None, :] * self.derivatives(eta, rows.y)[0]
        blocks = resp[:, None, None, :] * self.information(eta, rows.y)
        return NewtonSums(
            jax.vmap(lambda s: predictors.gradient(s, where, rows))(slopes),
            jax.vmap(lambda b: predictors.curvature_sums(b, where, rows))(blocks),
        )

    def m_step(
        self,
        statistics: NewtonSums,
        bounds: "tuple[Experts, Experts]",
        penalty: Penalty,
    ) -> "Experts":
        """Experts that raise the surrogate minus the penalty: here a Newton step for each.

        ``penalty`` is stacked: one for each expert, in the order of its predictors.
        """
        slopes, sums = statistics
        where = self.layout()
        index = self.coefficient_index()
        information = jax.vmap(lambda s: predictors.curvature(s, where))(sums)
        # padding, which stands at -1, is a last parameter that is held at zero
        vector, lower, upper = (
            jnp.append(parameter_vector.traced_vector(tree), 0.0) for tree in (self, *bounds)
        )
        step = jax.vmap(newton_step)
        within = lower[index], upper[index]
        moved = step(vector[index], slopes, information, within, penalty)
        return parameter_vector.from_vector(self, vector.at[index].set(moved)[:-1])

    def stacked_groups(self) -> tuple[Group, ...]:
        return self.groups()

    def penalty_value(self, penalty: Penalty) -> AnyArray | float:
        """``penalty`` is stacked: one for each expert, in the order of its predictors."""
        vector, index = parameter_vector.traced_vector(self), self.coefficient_index()
        if penalty.absent:
            return 0.0
        return jnp.sum(jax.vmap(lambda own, v: own.value(v))(penalty, vector[index]))

    # experts of different families

    def split(self) -> "tuple[Experts, ...]":
        """Experts that each have an M-step of their own, one after the other."""
        return (self,)

    def seen(self, rows: Rows) -> tuple[Rows, ...]:
        """What each of the experts that :meth:`split` gives sees of rows."""
        return (rows,)

    def join(self, parts: "tuple[Experts, ...]") -> "Experts":
        """Experts like these from what :meth:`split` gives."""
        return parts[0]

    def collapsed(self, bounds: "tuple[Experts, Experts]") -> "Experts":
        """Which parameters sit on a bound that keeps a scale from vanishing, as a tree of bool.

        There the likelihood has no maximum of its own. By default all lower bounds are such.
        """
        return jax.tree.map(lambda a, low: np.asarray(a) <= low + NEAR, self, bounds[0])

    def slopes(self, constant: bool) -> "Experts":
        """One where a parameter is a slope (to be shrunk by a penalty), else zero.

        ``constant`` tells whether the first feature is the constant one. By default slopes are
        the leaf that the first group of predictors is made of.
        """
        first = self.groups()[0].coef
        ones = np.ones(first.shape)
        ones[:, :, :1] = 0.0 if constant else 1.0
        return jax.tree.map(lambda a: ones if a is first else np.zeros(a.shape), self)

    def single_trials(self, y: Float[np.ndarray, "n r"]) -> bool:
        """Whether each encoded response is one trial, of which a mean is all that can be known."""
        return False

    # what people see

    def cdf(
        self, eta: Float[np.ndarray, "K L n"], y: Float[np.ndarray, "c n"]
    ) -> Float[np.ndarray, "K m n"]:
        """Probability of not exceeding y, as people give it, under each expert."""
        return self.marginals(eta).cdf(y[None])

    def crps(
        self,
        eta: Float[np.ndarray, "K L n"],
        share: Float[np.ndarray, "K n"],
        y: Float[np.ndarray, "c n"],
    ) -> Float[np.ndarray, "m n"]:
        """Continuous ranked probability score of each output under the mixture with ``share``."""
        if self.discrete:
            return crps.by_sums(self.marginals, eta, share, y)
        return crps.by_quadrature(self.marginals, eta, share, y)

    def notes(self) -> list[str]:
        """What a summary says of experts beside their parameters."""
        return []

    def coefficients(self) -> Float[np.ndarray, "K L p"]:
        """Coefficients of the features, an expert after the other."""
        return np.asarray(self.groups()[0].coef)

    def reported_attributes(self, *, single_output: bool) -> dict[str, np.ndarray]:
        """Fitted attributes of estimators that only some families have, by name.

        Of experts in the user's units; ``single_output`` tells whether y was a vector.
        """
        return {}

    def sample(
        self, eta: Float[np.ndarray, "L n"], k: int, random: np.random.Generator
    ) -> Float[np.ndarray, "m n"]:
        """One draw (m, n) of expert ``k`` for each column of its predictors."""
        every = np.broadcast_to(eta, (self.n_experts, *eta.shape))
        marginals = self.marginals(every)
        draws = np.asarray(marginals.rvs(random_state=random), float)
        return draws.reshape(self.n_experts, -1, eta.shape[1])[k]  # scipy drops axes of length one

    def sample_like(
        self,
        eta: Float[np.ndarray, "L n"],
        k: int,
        y: Float[np.ndarray, "r n"],
        random: np.random.Generator,
    ) -> Float[np.ndarray, "m n"]:
        """:meth:`sample` with as many trials as encoded responses have, where rows differ in it."""
        return self.sample(eta, k, random)

    def functions(self, eta: Float[np.ndarray, "K L n"]) -> Float[np.ndarray, "K c n"]:
        """What each expert says of y: its mean, or probabilities of its values."""
        return self.mean(eta)

    def mean(self, eta: Float[np.ndarray, "K L n"]) -> Float[np.ndarray, "K m n"]:
        """Mean of each output under each expert."""
        return np.asarray(self.traced_functions(eta) if self.plain else self.marginals(eta).mean())

    def traced_functions(self, eta: Float[AnyArray, "K L n"]) -> Float[AnyArray, "K c n"]:
        """What :meth:`functions` says, written with ``jax.numpy``, so that it has derivatives.

        Raises
        ------
        ValueError
            If the family has not said how.
        """
        raise ValueError(
            f"{type(self).__name__} has no traced_functions, which errors of predictions and "
            "marginal effects differentiate."
        )

    def log_terms(self, rows: Rows) -> Float[AnyArray, "K n"]:
        """:meth:`log_prob`, by the name that gates answer to as well."""
        return self.log_prob(rows)

    def log_prob(self, rows: Rows) -> Float[AnyArray, "K n"]:
        """Log density of each row under each expert."""
        return self.link(predictors.predict(self.groups(), rows), rows.y)

    def score(
        self,
        eta: Float[AnyArray, "K L n"],
        y: Float[AnyArray, "r n"],
        resp: Float[AnyArray, "K n"],
    ) -> Float[AnyArray, "K L n"]:
        """``resp`` times the first derivatives of the log densities in the predictors."""
        return jax.vjp(lambda one: self.link(one, y), eta)[1](resp)[0]
