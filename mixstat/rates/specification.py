"""What is fitted to simulated data: how many experts, of which kind, within which bounds."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from mixstat.experts.base import Experts
from mixstat.experts.gaussian import GaussianExperts
from mixstat.fitting.settings import find_gate
from mixstat.gates.base import Gate
from mixstat.gates.softmax import SoftmaxGate
from mixstat.model import Mixture
from mixstat.numerics import parameter_vector
from mixstat.rates.box import Box, check_box
from mixstat.rates.held import read_frozen
from mixstat.rates.law import Features, Law, make_features
from mixstat.rates.numbers import find_family
from mixstat.rates.truths import Truth
from mixstat.solvers.base import Solver
from mixstat.solvers.em import EM, StopRule
from mixstat.solvers.registry import find_solver
from mixstat.validation import check_integer, check_positive

# of the scripts of arXiv 2305.03288: EM's relative gain at the end, and Newton's on the gate
PUBLISHED = EM(accelerate=False, exact_gate=True, stop=StopRule(0.0, 1e-6, 2000, gate=1e-7))
NAMED: dict[str, Solver] = {"published": PUBLISHED}  # beside those of the registry


@dataclass(frozen=True)
class Specification:
    """A model to be fitted and how.

    Fits work in the user's units, where the box is stated.

    Examples
    --------
    >>> from mixstat.rates import Specification, find_truth
    >>> truth = find_truth("softmax-gaussian-mild")
    >>> Specification(2).n_parameters(truth), Specification(3, degree=2).n_parameters(truth)
    (8, 16)
    """

    n_experts: int
    """Number K of fitted experts."""
    degree: int | None = None
    """Of the polynomials of the experts; None takes the truth's features, or else 1."""
    gate_degree: int | None = None
    """Of the polynomials of the gate; None takes the truth's features, or else 1."""
    gate: Gate | str | None = None
    """Settings of the gate, or its name; None takes the truth's (softmax, for a regression
    function)."""
    experts: Experts | str | None = None
    """Settings of the experts, or the name of a family; None takes the truth's (Gaussian, for a
    regression function)."""
    box: Box | None = None
    """Compact parameter set; None takes the truth's, ``Box()`` sets no limits."""
    frozen: Mapping[int, Mapping[str, Any]] | None = None
    """Experts that are held, as in estimators: by the number of an expert, values by what they are,
    "coef" (intercept and slopes) or a kind such as "scale", in the user's units."""
    solver: Solver | str = "auto"
    """A solver of mixstat by name or as an object, or "published": plain EM with the stopping rule
    of arXiv 2305.03288."""
    finish: int | None = None
    """How many starts of a data set go on to a certified maximum: those that are highest where EM
    gains less than a millionth. None takes all of them there at once."""
    tol: float = 1e-8
    """Largest component of the projected gradient of a certified maximum."""
    max_iter: int = 1000
    """Largest number of iterations."""
    min_scale: float = 1e-4
    """Floor under the experts' scales, in the user's units."""

    def __post_init__(self) -> None:
        for name, least in (("n_experts", 1), ("degree", 0), ("gate_degree", 0), ("max_iter", 1)):
            if getattr(self, name) is not None or least:
                check_integer(name, getattr(self, name), least)
        if self.gate is not None:
            find_gate(self.gate)
        if self.experts is not None:
            find_family(self.experts)
        check_box(self.box)
        read_frozen(self.frozen, self.n_experts)
        find_solver(self.solver, NAMED)
        if self.finish is not None:
            check_integer("finish", self.finish, 1)
            if self.walker is PUBLISHED:
                raise ValueError("finish must be None with solver='published', which stops early.")
        check_positive("tol", self.tol)
        check_positive("min_scale", self.min_scale)

    @property
    def walker(self) -> Solver:
        """The solver as an object."""
        return find_solver(self.solver, NAMED)

    @property
    def limit(self) -> int:
        """Largest number of iterations; the published protocol has one of its own."""
        return int(PUBLISHED.stop.max_iter) if self.walker is PUBLISHED else self.max_iter

    def kinds(self, truth: Truth) -> tuple[Gate, Experts]:
        """Settings of the gate and of the experts."""
        known = truth.mixture if truth.is_mixture else Mixture(SoftmaxGate(), GaussianExperts())
        gate = known.gate if self.gate is None else find_gate(self.gate)
        return gate, known.experts if self.experts is None else find_family(self.experts)

    def features(self, truth: Truth) -> Features:
        """Columns of x that coefficients refer to; those of the truth where not told."""
        gate, _ = self.kinds(truth)
        law, inputs = truth.law, truth.inputs.n_inputs
        made = make_features(inputs, gate, self._or_one("degree"), self._or_one("gate_degree"))
        if not isinstance(law, Law):
            return made
        return Features(
            law.features.experts if self.degree is None else made.experts,
            law.features.gate if self.gate_degree is None and self.gate is None else made.gate,
        )

    def _or_one(self, name: str) -> int:
        given = getattr(self, name)
        return 1 if given is None else int(given)

    def null(self, truth: Truth) -> Mixture:
        """A model of this shape in which experts are alike."""
        gate, experts = self.kinds(truth)
        X = truth.inputs.sample(2, np.random.default_rng(0))
        Phi, Z = self.features(truth).tables(X)
        m = experts.n_outputs if truth.is_mixture else 1
        return Mixture(
            gate.null(self.n_experts, Z.shape[1]),
            experts.null(self.n_experts, Phi.shape[1], max(m, 1)),
        )

    def limits(self, truth: Truth) -> Box:
        """The box in use."""
        return self.box or truth.box or Box()

    def n_parameters(self, truth: Truth) -> int:
        """Number of parameters D."""
        return parameter_vector.size(self.null(truth))

    def describe(self, truth: Truth) -> dict[str, Any]:
        """All that a fit depends on, in plain types."""
        gate, experts = self.kinds(truth)
        plain = ("n_experts", "degree", "gate_degree", "solver", "finish", "tol", "max_iter")
        plain = (*plain, "min_scale")
        facts = {name: getattr(self, name) for name in plain}
        held = read_frozen(self.frozen, self.n_experts)
        if held:
            facts["frozen"] = {
                str(k): {word: value.tolist() for word, value in values.items()}
                for k, values in held.items()
            }
        return facts | {
            "solver": self.solver if isinstance(self.solver, str) else repr(self.solver),
            "gate": repr(gate),
            "experts": repr(experts),
            "box": self.limits(truth).describe(),
        }
