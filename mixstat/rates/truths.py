"""Ground truths: a conditional density, a law of the inputs, and what theory says about both."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np
from jaxtyping import Float

from mixstat.arguments import Setting
from mixstat.data.design import MappedColumns
from mixstat.data.source import Source
from mixstat.model import Mixture
from mixstat.numerics import parameter_vector
from mixstat.rates.box import Box, check_box
from mixstat.rates.checks import check_instance, check_seed, check_text, short
from mixstat.rates.claims import MARKS, Claim
from mixstat.rates.inputs import InputLaw, Lattice, check_inputs
from mixstat.rates.law import Law
from mixstat.rates.numbers import Shape, make_law
from mixstat.rates.regression import RegressionFunction
from mixstat.rates.sampled import SampledLaw, check_agreement
from mixstat.validation import check_choice, check_integer, check_positive

DataSeed: TypeAlias = Setting  # int, SeedSequence, Generator or None
SOME = (100, 10_000, 1_000_000)  # sizes by which truths that move are told apart
NEAR = 0.2  # noise of starts near a truth, where it does not say another


@dataclass(frozen=True)
class Truth:
    """Where simulated data come from.

    Examples
    --------
    >>> from mixstat.rates import Truth, Uniform
    >>> truth = Truth.of(
    ...     Uniform(-3, 3), gate_intercept=[0.5, 0.0], gate_slope=[2.0, 0.0],
    ...     expert_intercept=[1.0, -1.0], expert_slope=[1.5, -1.5], scale=[0.5, 0.7],
    ... )
    >>> truth.n_experts
    2
    >>> X, y = truth.sample(100, 0)
    >>> X.shape, y.shape
    ((100, 1), (100,))
    """

    name: str
    law: Law | RegressionFunction | SampledLaw
    inputs: InputLaw
    citation: str
    mark: str
    """How certain the setting is: a key of ``MARKS``."""
    claims: tuple[Claim, ...] = ()
    box: Box | None = None
    """Compact parameter set within which fits of this truth are studied."""
    near: float | int = NEAR
    """Noise of starts that is small beside the distances of the true atoms."""
    note: str = ""
    moves: "Callable[[int], Truth] | None" = None
    """The truth of data sets of each size, of which this is one; None where all have this."""

    def __post_init__(self) -> None:
        check_text("name", self.name)
        if not isinstance(self.law, Law | RegressionFunction | SampledLaw):
            wanted = "a RegressionFunction, or the law of a truth by Truth.of or from_fit"
            raise TypeError(f"law must be {wanted}, got {short(self.law)}.")
        check_inputs(self.inputs)
        check_instance("citation", self.citation, str, "a string")
        check_instance("note", self.note, str, "a string")
        check_choice("mark", self.mark, tuple(MARKS))
        claims = check_instance("claims", self.claims, tuple, "a tuple of claims")
        for claim in claims:
            check_instance("each of claims", claim, Claim, "a Claim")
        check_box(self.box)
        check_positive("near", self.near, zero=True)
        if isinstance(self.law, RegressionFunction):
            self.law.means(self.inputs.sample(3, np.random.default_rng(0)))
        if isinstance(self.law, SampledLaw):
            check_agreement(self.law, self.inputs)
        if self.moves is not None and not callable(self.moves):
            raise TypeError(f"moves must be a function of n or None, got {short(self.moves)}.")

    @classmethod
    def of(
        cls,
        inputs: Setting = None,
        *,
        gate: Setting = "softmax",
        experts: Setting = "gaussian",
        degree: Setting = 1,
        gate_degree: Setting = 1,
        name: Setting = "stated",
        box: Setting = None,
        near: Setting = NEAR,
        **numbers: Setting,
    ) -> "Truth":
        """A truth from known numbers.

        Parameters
        ----------
        inputs : InputLaw or array-like of shape (n, d), default=None
            Law of the inputs, or rows to draw from. None is for a Gaussian gate, which is one.
        gate : str or Gate, default="softmax"
            A gate by name or as an object of settings; one with coefficients is taken as it is.
        experts : str, Experts or list, default="gaussian"
            A family likewise, or a list of one for each expert.
        degree, gate_degree : int, default=1
            Of the polynomials of experts and gate.
        name : str, default="stated"
            Name of the truth.
        box : Box, default=None
            Compact parameter set for studies.
        near : float, default=0.2
            Noise of starts that is small beside the distances of the experts.
        **numbers : array-like
            Parameters in the user's units by their kind, with a row for each expert, named as in
            :class:`Box`: "expert_intercept", "expert_slope" (a column for each input, or
            monomial), "gate_intercept" and "gate_slope" (of all experts, or of all but the
            last, which is then zero), "scale" (standard deviations), "temperature", "shape",
            "df", and of a Gaussian gate "weight" (shares that sum to one), "centre" and
            "spread".

        Returns
        -------
        Truth
            Ready to sample from and to study.

        Raises
        ------
        ValueError
            If a kind of numbers is missing, unknown, or of another shape.
        """
        law, known = make_law(inputs, Shape(gate, experts, degree, gate_degree), numbers)
        return cls(
            check_text("name", name),
            law,
            known,
            citation=MARKS["own"],
            mark="own",
            box=check_box(box),
            near=check_positive("near", near, zero=True),
        )

    @property
    def mixture(self) -> Mixture:
        """The mixture in the user's units.

        Raises ValueError for a truth that is a regression function.
        """
        if not isinstance(self.law, Law):
            raise ValueError(f"the truth {self.name!r} is no mixture of experts.")
        return self.law.mixture

    @property
    def is_mixture(self) -> bool:
        """Whether the truth is a mixture of experts."""
        return isinstance(self.law, Law)

    @property
    def n_experts(self) -> int:
        """Number of true experts."""
        return self.mixture.n_experts

    @property
    def discrete(self) -> bool:
        """Whether y takes separate values."""
        if isinstance(self.law, SampledLaw):
            return bool(self.law.values)
        return self.is_mixture and self.mixture.experts.discrete

    def sample(self, n: Setting, random_state: DataSeed = None) -> tuple[np.ndarray, np.ndarray]:
        """One data set.

        Parameters
        ----------
        n : int
            Number of rows.
        random_state : int, SeedSequence, Generator or None, default=None
            As for ``numpy.random.default_rng``.

        Returns
        -------
        X : ndarray of shape (n, d)
            Inputs.
        y : ndarray of shape (n,), or (n, m) for several outputs
            Responses.
        """
        n = check_integer("n", n, 1)
        random = check_seed("random_state", random_state)
        X = self.inputs.sample(n, random)
        if isinstance(self.law, SampledLaw):
            return X, self.law.sample(X, random)
        y = self.law.at(X).sample(1, random)[:, :, 0].T
        return X, y[:, 0] if y.shape[1] == 1 else y

    @property
    def counted(self) -> bool:
        """Whether data sets are tables of counts: classes at the points of a lattice."""
        return isinstance(self.inputs, Lattice) and self.classes

    @property
    def classes(self) -> bool:
        """Whether y is the number of a class."""
        return self.is_mixture and self.mixture.experts.response == "class"

    def counts(
        self, n: Setting, random_state: DataSeed = None
    ) -> tuple[np.ndarray, np.ndarray, Float[np.ndarray, " r"]]:
        """One data set of a counted truth: rows of inputs and classes, and how often each came.

        All pairs of a point and a class are there, in the same order for every size.
        """
        if not self.counted:
            raise ValueError(
                f"counts are for classes on a Lattice of inputs, got the truth {self.name!r} with "
                f"inputs={self.inputs!r}."
            )
        random = check_seed("random_state", random_state)
        points, share = self.inputs.nodes(1)
        at = self.law.at(points)
        each = np.einsum("kn,kcn->nc", at.share, at.experts.functions(at.eta))
        counts = random.multinomial(check_integer("n", n, 1), np.ravel(each * share[:, None]))
        n_points, n_classes = each.shape
        y = np.tile(np.arange(float(n_classes)), n_points)
        return np.repeat(points, n_classes, axis=0), y, counts.astype(float)

    def at_size(self, n: Setting) -> "Truth":
        """The truth of data sets of size ``n``."""
        size = check_integer("n", n, 1)
        if self.moves is None:
            return self
        made = check_instance("what moves returns", self.moves(size), Truth, "a Truth")
        if made._shape() != self._shape():
            raise ValueError(
                f"moves must return truths of one shape, got {made._shape()} at n={size} and "
                f"{self._shape()} before."
            )
        return made

    def _shape(self) -> str:
        """What fits of a truth must have in common."""
        kind = f"a {type(self.law).__name__} of {self.inputs.n_inputs} inputs"
        if not isinstance(self.law, Law):
            return kind
        gate, experts = self.mixture.gate, self.mixture.experts
        parts = f"{type(gate).__name__} and {self.n_experts} {type(experts).__name__}"
        return f"{kind}, {parts}, {parameter_vector.size(self.mixture)} parameters"

    def with_inputs(self, inputs: Setting) -> "Truth":
        """The same truth under another law of as many inputs."""
        wanted = self.inputs.n_inputs
        law = check_inputs(inputs)
        if law.n_inputs != wanted:
            raise ValueError(f"inputs must be a law of {wanted} inputs, got {law!r}.")
        return replace(self, inputs=law)

    def describe(self) -> dict[str, Any]:
        """All that the data depend on, in plain types: what a study's fingerprint holds."""
        facts: dict[str, Any] = {"name": self.name, "inputs": self.inputs.describe()}
        if self.moves is not None:
            facts["moves"] = [replace(self.at_size(n), moves=None).describe() for n in SOME]
        if isinstance(self.law, SampledLaw):
            return facts | self.law.describe(self.inputs)
        if isinstance(self.law, RegressionFunction):
            means = self.law.means(self.inputs.nodes(2).X).tolist()
            return facts | {"scale": self.law.scale, "pieces": self.law.pieces, "means": means}
        gate, experts = self.mixture.gate, self.mixture.experts
        names = [_names(source) for source in self.law.features]
        return facts | {
            "gate": repr(gate),
            "experts": repr(experts),
            "n_experts": self.n_experts,
            "parameters": parameter_vector.to_vector(self.mixture).tolist(),
            "features": names,
        }


def _names(source: Source) -> list[str]:
    if isinstance(source, MappedColumns) and not hasattr(source, "names"):
        return [*_names(source.source), source.name]  # one that no rows were shown to
    return list(source.names)


def replicate_seed(
    seed: Setting, n: Setting, replicate: Setting, stream: Setting = 0
) -> np.random.SeedSequence:
    """The seed of one data set, whatever else is drawn beside it, before it or after it.

    ``stream`` keeps draws of different purpose apart: 0 is the data, 1 the starts.

    Examples
    --------
    >>> from mixstat.rates import replicate_seed
    >>> replicate_seed(0, 1000, 3).spawn_key
    (1000, 3, 0)
    """
    named = (("n", n), ("replicate", replicate), ("stream", stream))
    key = tuple(check_integer(name, value, 0) for name, value in named)
    return np.random.SeedSequence(check_integer("seed", seed, 0), spawn_key=key)
