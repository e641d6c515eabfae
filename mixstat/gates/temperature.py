"""Dense-to-sparse gates: logits divided by a temperature, with or without an activation."""

from collections.abc import Callable
from functools import partial
from itertools import pairwise
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

import mixstat.gates.reference as reference
import mixstat.gates.scaled as scaled
from mixstat.data.batch import Rows
from mixstat.data.scaling import ToUser
from mixstat.gates.activations import ACTIVATIONS, check_activation, find, homogeneity, tell
from mixstat.gates.base import Gate, blank
from mixstat.gates.blocks import GateBlocks, Prior
from mixstat.gates.heated import Heated, activated
from mixstat.gates.identification import FreeParameters, Identification
from mixstat.gates.starting import Starting
from mixstat.numerics import functions, parameter_vector
from mixstat.numerics.precision import AnyArray, library_of
from mixstat.parts import predictors
from mixstat.parts.atoms import Atoms
from mixstat.parts.labels import ParameterLabel
from mixstat.parts.part import NewtonSums
from mixstat.parts.predictors import Group
from mixstat.validation import check_positive

LEARNED = "learned"
WIDE = float(np.log(1e6))  # largest distance of a learned log temperature from zero
LARGEST = 1e30  # logits are no larger


class TemperatureGate(Gate):
    """Softmax of (b_k + w_k . x) / tau, or of (b_k + activation(w_k . x)) / tau.

    Without an activation the model does not change when b, w and tau grow by a common factor:
    only w / tau and b / tau can be estimated, and the last expert is the reference with zeros.
    With an activation every expert has its own w (w . x has no intercept inside), and the last
    b is zero, since adding a number to all b changes nothing.

    ``temperature`` is "learned", a number to be held fixed, or a decreasing schedule of numbers
    that starts pass through, from a dense to a sparse gate; the last one stays.

    Following Nguyen, H., Akbarian, P. and Ho, N. (2024). Is temperature sample efficient for
    softmax Gaussian mixture of experts? ICML. arXiv 2401.13875.
    """

    coef: Float[AnyArray, "r q"] = eqx.field(default_factory=blank)  # r = K - 1, or K
    bias: Float[AnyArray, "j 1"] = eqx.field(default_factory=partial(np.zeros, (0, 1)))
    log_tau: Float[AnyArray, "1 1"] = eqx.field(default_factory=partial(np.zeros, (1, 1)))
    activation: str | Callable | None = eqx.field(static=True, default=None, kw_only=True)
    temperature: Any = eqx.field(
        static=True, default=LEARNED, kw_only=True, converter=lambda t: _hashable(t)
    )

    @property
    def constant(self) -> bool:  # pyright: ignore[reportIncompatibleVariableOverride]
        return self.activation is None

    @property
    def n_experts(self) -> int:
        return self.coef.shape[0] + (self.activation is None)

    @property
    def plain(self) -> bool:  # pyright: ignore[reportIncompatibleVariableOverride]
        """Activations are JAX's."""
        return self.activation is None

    @property
    def learned(self) -> bool:
        """Whether the temperature is a free parameter."""
        return isinstance(self.temperature, str)

    @property
    def schedule(self) -> tuple[Any, ...]:
        """Temperatures that are held, in turn."""
        return self.temperature if isinstance(self.temperature, tuple) else (self.temperature,)

    @property
    def shrinkable(self) -> bool:
        return not self.learned

    def null(self, n_experts: int, n_features: int) -> "TemperatureGate":
        steps = () if self.learned else self.schedule
        for held in steps:
            check_positive("temperature", held)
        known = steps or self.temperature == LEARNED
        if not known or any(after >= before for before, after in pairwise(steps)):
            raise ValueError(
                "temperature must be 'learned', a number > 0 or a decreasing sequence of them, "
                f"got {self.temperature!r}."
            )
        first = 1.0 if self.learned else float(self.schedule[-1])
        rows, biases = n_experts - 1, 0
        if self.activation is not None:
            check_activation(self.activation)
            if n_features == 0 and n_experts > 1:
                raise ValueError(
                    "gate_features must name at least one column for a gate with an activation, "
                    "got none; gate='softmax' gives constant shares."
                )
            rows, biases = n_experts, n_experts - 1
        return self._like(
            np.zeros((rows, n_features)), np.zeros((biases, 1)), np.full((1, 1), np.log(first))
        )

    def _like(self, coef: AnyArray, bias: AnyArray, log_tau: AnyArray) -> "TemperatureGate":
        settings = {"activation": self.activation, "temperature": self.temperature}
        return TemperatureGate(coef, bias, log_tau, **settings)

    def groups(self) -> tuple[Group, ...]:
        groups = (Group("Z", self.coef), Group("1", self.bias), Group("1", self.log_tau))
        return tuple(group for group in groups if group.coef.shape[0])

    def link(self, eta: Float[AnyArray, "E n"], Z: AnyArray) -> Float[AnyArray, "K n"]:
        rows = self.coef.shape[0]
        inverse = library_of(eta).exp(-eta[-1:])
        if self.activation is None:
            return _log_softmax(reference.with_reference(eta[:rows]) * inverse)
        logits = self.function(eta[:rows]) + reference.with_reference(eta[rows:-1])
        return _log_softmax(logits * inverse)

    def _logits(self, eta: Float[AnyArray, "E n"]) -> scaled.Logits:
        rows = self.coef.shape[0]
        inverse = jnp.exp(-eta[-1:])
        if self.activation is None:
            inner, slope = reference.with_reference(eta[:rows]), jnp.ones_like(eta[:rows])
            bend = jnp.zeros_like(slope)
        else:
            inner = self.function(eta[:rows]) + reference.with_reference(eta[rows:-1])
            slope, bend = (
                jax.vmap(jax.vmap(f))(eta[:rows])
                for f in (jax.grad(self.function), jax.grad(jax.grad(self.function)))
            )
        value = jnp.clip(inner * inverse, -LARGEST, LARGEST)
        parts = slope * inverse, bend * inverse, inverse, len(self.bias)
        return scaled.Logits(value, jax.nn.softmax(value, axis=0), *parts)

    def blocks(
        self, eta: Float[AnyArray, "E n"], Z: AnyArray, resp: Float[AnyArray, "K n"]
    ) -> GateBlocks:
        return scaled.blocks(self._logits(eta), resp)

    def score(
        self, eta: Float[AnyArray, "E n"], Z: AnyArray, resp: Float[AnyArray, "K n"]
    ) -> Float[AnyArray, "E n"]:
        return scaled.mean_slopes(self._logits(eta), resp)

    def statistics(
        self, rows: Rows, resp: Float[AnyArray, "K n"], prior: Prior | None = None
    ) -> NewtonSums:
        logits = self._logits(predictors.predict(self.groups(), rows))
        where = predictors.layout(self.groups())
        information = scaled.information(logits, jnp.sum(resp, axis=0))
        return NewtonSums(
            predictors.gradient(scaled.mean_slopes(logits, resp), where, rows),
            predictors.pair_sums(lambda *pair: information[pair], where, rows),
        )

    def permute(self, order: AnyArray) -> "TemperatureGate":
        if self.activation is None:
            return self._like(reference.permute(self.coef, order), self.bias, self.log_tau)
        bias = reference.permute(self.bias, order)
        return self._like(np.asarray(self.coef)[order], bias, self.log_tau)

    def doubled(self, constant: bool) -> "TemperatureGate | None":
        step = float(np.exp(self.log_tau[0, 0]) * np.log(2))
        if self.activation is not None:
            coef = np.asarray(self.coef)
            bias = reference.above_half(self.bias, step)
            return self._like(np.vstack([coef, coef[-1:]]), bias, self.log_tau)
        if not constant:
            return None
        return self._like(reference.above_half(self.coef, step), self.bias, self.log_tau)

    def bounds(self, min_scale: float) -> "tuple[TemperatureGate, TemperatureGate]":
        lower, upper = super().bounds(min_scale)
        if self.learned:  # beyond, exp overflows long before the model changes
            wide = np.full(self.log_tau.shape, WIDE)
            return self._hold(lower, -wide), self._hold(upper, wide)
        held = np.asarray(self.log_tau)
        return self._hold(lower, held), self._hold(upper, held)

    def _hold(self, gate: "TemperatureGate", held: np.ndarray) -> "TemperatureGate":
        return eqx.tree_at(lambda g: g.log_tau, gate, held)

    def starting(self) -> Starting:
        stages = () if self.learned or len(self.schedule) == 1 else self.schedule
        held = tuple(self._hold(self, np.full((1, 1), np.log(t))) for t in stages)
        if self.activation is None:
            return Starting(stages=held)
        straight = TemperatureGate(activation="identity", temperature=1.0)
        return Starting(straight.null(*self.coef.shape), scatter=self._scattered, stages=held)

    def _scattered(self, random: np.random.Generator) -> "TemperatureGate":
        # at w = 0 some activations are flat; the common part of w matters beside differences
        coef = random.standard_normal(self.coef.shape) * np.exp(random.uniform(-1.0, 1.0))
        return self._like(coef, self.bias, self.log_tau)

    def penalty(self, constant: bool) -> Float[np.ndarray, "G G"]:
        """A learned temperature is drawn to 1; else shrinking w and tau together costs nothing."""
        size = parameter_vector.size(self)
        form = np.zeros((size, size))
        n = self.coef.size
        form[:n, :n] = np.eye(n)
        if self.activation is None:
            form[:n, :n] = reference.penalty(self.coef, constant)
        form[-1, -1] = float(self.learned)
        return form

    def slopes(self) -> Float[np.ndarray, " G"]:
        slopes = super().slopes()
        slopes[-1] = 0.0
        return slopes

    def logits_per_unit(self) -> Float[np.ndarray, " G"]:
        """What is over the temperature; slopes within an activation that bends count themselves."""
        log_tau = float(np.ravel(self.log_tau)[0])
        power = 1.0 if self.activation is None else homogeneity(self.function)
        slopes = np.exp(-log_tau * (power or 0.0))
        biases = np.exp(-log_tau)
        return np.repeat([slopes, biases, 0.0], [self.coef.size, self.bias.size, 1])

    def in_units(self, to_user: ToUser) -> "TemperatureGate":
        return self._like(
            np.asarray(self.coef) @ to_user, np.asarray(self.bias), np.asarray(self.log_tau)
        )

    def labels(self, features: list[str]) -> list[ParameterLabel]:
        biases = [
            ParameterLabel("gate", "gate_intercept", "gate", row, feature="bias")
            for row in range(len(self.bias))
        ]
        tau = ParameterLabel("gate", "temperature", "temperature", feature="log_tau", log=True)
        return [*super().labels(features), *biases, tau]

    def titles(self) -> dict[str, str]:
        titles = {"temperature": "Log of temperature"}
        if self.activation is None:
            return reference.titles(len(self.coef)) | titles
        name = tell(self.activation)
        rows = range(len(self.coef))
        return {f"gate{j}": f"Gate: expert {j}, in {name}(w . x) + bias" for j in rows} | titles

    def coefficients(self) -> Float[np.ndarray, "K q"]:
        if self.activation is None:
            return reference.full(self.coef)
        return np.asarray(self.coef)

    @property
    def function(self) -> Callable:
        """The activation."""
        return find("activation", self.activation, ACTIVATIONS)

    @property
    def measure(self) -> str:  # pyright: ignore[reportIncompatibleVariableOverride]
        return "temperature" if self.activation is None else "activation"

    def atoms(self) -> Atoms:
        tau = float(np.exp(np.ravel(self.log_tau)[0]))
        if self.activation is None:
            coef = reference.full(self.coef)
            bias, slope = coef[:, 0], coef[:, 1:]
        else:
            bias, slope = reference.full(self.bias)[:, 0], np.asarray(self.coef)
        shared = np.full((len(slope), 1), tau)
        blocks = {"gate": slope, "temperature": shared, "ratio": slope / tau}
        return Atoms(blocks, np.exp(bias / tau))

    def identification(self) -> Identification:
        if self.n_experts == 1:
            return FreeParameters(
                np.arange(parameter_vector.size(self))
                < parameter_vector.size(self) - 1 + self.learned
            )
        coef, bias = np.asarray(self.coef), np.asarray(self.bias)
        if self.activation is None:
            return Heated(coef, bias, self.learned, self.parameter_names)
        return activated(coef, bias, self.learned, self.parameter_names, self.function)


def _log_softmax(logits: Float[AnyArray, "K n"]) -> Float[AnyArray, "K n"]:
    """Finite however far out; the clip also keeps a fused product from beating its own maximum."""
    return functions.log_softmax(library_of(logits).clip(logits, -LARGEST, LARGEST))


def _hashable(temperature):
    """Sequences of temperatures as tuples, which may be static."""
    if isinstance(temperature, tuple) and all(type(t) is float for t in temperature):
        return temperature  # the same one, as scikit-learn's clone wants it
    if isinstance(temperature, list | np.ndarray | tuple):
        return tuple(float(t) for t in temperature)
    return temperature
