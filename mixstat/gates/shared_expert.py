"""Shared experts, which every row uses, beside routed ones."""

from dataclasses import replace
from typing import ClassVar

import equinox as eqx
import numpy as np
from jaxtyping import Float

import mixstat.gates.reference as reference
from mixstat.gates.base import Gate, blank
from mixstat.gates.starting import Starting
from mixstat.numerics import functions
from mixstat.numerics.precision import AnyArray, library_of
from mixstat.parts import labels
from mixstat.parts.labels import ParameterLabel
from mixstat.parts.predictors import Group
from mixstat.validation import check_choice, check_integer, check_open_share

ROUTINGS = ("sigmoid", "softmax")


class SharedExpertGate(Gate):
    """Half of the weight for shared experts whatever x is, half for experts that x chooses.

    pi_k(x) = share * omega_k for the first ``n_shared`` experts, whose omega sum to one, and
    (1 - share) * g_k(x) for the others, of which g is a softmax gate or normalised sigmoids,
    sigmoid(b_k + w_k . x) over the sum of them. ``share`` is held.

    Following "DeepSeekMoE" as in arXiv 2505.10860, where ``share`` is 1/2.

    Examples
    --------
    >>> import numpy as np
    >>> from mixstat import MixtureOfExperts
    >>> from mixstat.gates import SharedExpertGate
    >>> rng = np.random.default_rng(0)
    >>> X = rng.uniform(-2, 2, size=(300, 1))
    >>> share = rng.random(300)
    >>> right = share < 0.5 / (1 + np.exp(-2 * X[:, 0]))
    >>> line = np.where(right, 2.0, np.where(share < 0.5, -2.0, X[:, 0]))
    >>> y = line + 0.2 * rng.standard_normal(300)
    >>> gate = SharedExpertGate(routing="softmax")
    >>> moe = MixtureOfExperts(3, gate=gate, n_init=2, random_state=0).fit(X, y)
    >>> moe.gate_proba([[-1.0], [1.0]]).round(2)
    array([[0.5 , 0.45, 0.05],
           [0.5 , 0.04, 0.46]])
    """

    coef: Float[AnyArray, "r q"] = eqx.field(default_factory=blank)  # of the routed experts
    omega: Float[AnyArray, "j 1"] = eqx.field(default_factory=lambda: np.zeros((0, 1)))  # logits
    routing: str = eqx.field(static=True, default="sigmoid", kw_only=True)
    n_shared: int = eqx.field(static=True, default=1, kw_only=True)
    share: float | int = eqx.field(static=True, default=0.5, kw_only=True)
    order: tuple[int, ...] | None = eqx.field(static=True, default=None, kw_only=True)
    """Which of the shared and then the routed experts each one is; None: they come so."""

    exchangeable: ClassVar[bool] = False
    plain: ClassVar[bool] = True

    @property
    def n_experts(self) -> int:
        return self._n_held + self.n_routed

    @property
    def _n_held(self) -> int:
        """Number of shared experts."""
        return self.omega.shape[0] + 1

    @property
    def n_routed(self) -> int:
        """Number of experts that x chooses among."""
        if self.order is not None:
            return len(self.order) - self._n_held
        return self.coef.shape[0] + (self.routing == "softmax")

    def null(self, n_experts: int, n_features: int) -> "SharedExpertGate":
        check_choice("routing", self.routing, ROUTINGS)
        check_open_share("share", self.share)
        held = min(check_integer("n_shared", self.n_shared, 1), n_experts)
        routed = n_experts - held
        if n_experts > 1 and routed < 1:
            raise ValueError(
                f"n_shared must be less than the {n_experts} experts, got {self.n_shared}."
            )
        order = tuple(range(n_experts)) if self.order is None else self.order
        every = set(range(n_experts))
        if not isinstance(order, tuple) or len(order) != n_experts or set(order) != every:
            raise ValueError(
                f"order must be a tuple of the experts 0..{n_experts - 1} in some order, or None; "
                f"got {self.order!r}."
            )
        # one expert that is always chosen needs no coefficients
        rows = 0 if routed < 2 else routed - (self.routing == "softmax")
        coef = np.zeros((rows, n_features))
        return self._like(coef, np.zeros((held - 1, 1)), order)

    def _like(
        self, coef: AnyArray, omega: AnyArray, order: tuple[int, ...] | None
    ) -> "SharedExpertGate":
        settings = {"routing": self.routing, "n_shared": self.n_shared, "share": self.share}
        return SharedExpertGate(coef, omega, **settings, order=order)

    def groups(self) -> tuple[Group, ...]:
        return Group("Z", self.coef), Group("1", self.omega)

    def link(self, eta: Float[AnyArray, "E n"], Z: AnyArray) -> Float[AnyArray, "K n"]:
        rows = self.coef.shape[0]
        held = reference.log_softmax(eta[rows:])
        if not self.n_routed:
            return held
        both = [held + np.log(self.share), self._routed(eta[:rows]) + np.log1p(-self.share)]
        return library_of(eta).concatenate(both)[np.asarray(self.order)]

    def _routed(self, eta: Float[AnyArray, "r n"]) -> Float[AnyArray, "K n"]:
        if self.routing == "softmax" or not len(eta):
            return reference.log_softmax(eta)
        return functions.log_softmax(functions.log_sigmoid(eta))

    def permute(self, order: AnyArray) -> "SharedExpertGate":
        own = self.order or tuple(range(self.n_experts))
        return self._like(self.coef, self.omega, tuple(own[int(k)] for k in order))

    def starting(self) -> Starting:
        """Normalised sigmoids have several hills; a softmax gate beside shared experts has one."""
        if self.routing == "softmax" or not len(self.coef):
            return Starting()
        dense = SharedExpertGate(
            routing="softmax", n_shared=self.n_shared, share=self.share, order=self.order
        )

        def scatter(random: np.random.Generator) -> SharedExpertGate:
            coef = random.standard_normal(self.coef.shape) * np.exp(random.uniform(-1.0, 1.0))
            return self._like(coef, self.omega, self.order)

        return Starting(dense=dense.null(self.n_experts, self.coef.shape[1]), scatter=scatter)

    def penalty(self, constant: bool) -> Float[np.ndarray, "G G"]:
        rows, q = self.coef.shape
        size = rows * q + len(self.omega)
        form = np.zeros((size, size))
        slopes = reference.penalty(self.coef, constant)
        if self.routing == "sigmoid":
            slopes = np.kron(np.eye(rows), np.diag(reference.free_slopes(q, constant)))
        form[: rows * q, : rows * q] = slopes
        return form

    def in_units(self, to_user: np.ndarray) -> "SharedExpertGate":
        return self._like(np.asarray(self.coef) @ to_user, np.asarray(self.omega), self.order)

    def labels(self, features: list[str]) -> list[ParameterLabel]:
        rows = labels.gate_rows(len(self.coef), features)
        one = ParameterLabel("gate", "shared_weight", "shared", gathered=True, numbered=False)
        held = range(len(self.omega))
        return rows + [replace(one, expert=j, feature=f"expert {j}") for j in held]

    def titles(self) -> dict[str, str]:
        routed = range(len(self.coef))
        about = "log odds of" if self.routing == "sigmoid" else "logits of"
        titles = {f"gate{j}": f"Gate: {about} routed expert {j}" for j in routed}
        return titles | ({"shared": "Gate: weights of shared experts"} if len(self.omega) else {})

    def coefficients(self) -> Float[np.ndarray, "r q"]:
        """Of the routed experts in their order; zeros where one is the reference."""
        return np.asarray(self.coef) if self.routing == "sigmoid" else reference.full(self.coef)
