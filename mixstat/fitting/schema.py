"""What the rows of a fit looked like, and what a call of ``fit`` asks for."""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool

from mixstat.arguments import Frame
from mixstat.contextual.knowledge import ExpertContexts
from mixstat.data.formula import FormulaColumns
from mixstat.data.formula_signs import has_dot
from mixstat.data.formula_text import Formula, check_no_constant, right_side, split, words
from mixstat.data.offset import OffsetTerm, parted
from mixstat.data.source import Source
from mixstat.experts.base import Experts
from mixstat.fitting.options import Options
from mixstat.fitting.sources import polynomial_sources
from mixstat.model import Mixture


@dataclass(frozen=True)
class Formulas:
    """A model written as formulas."""

    experts: str
    """Response and experts' features."""
    gate: str | None = None
    """The gate's features; None takes those of the experts."""
    columns: tuple[str, ...] | None = None
    """Of the table of the fit, where a formula has ``.``; None before there is one."""

    @property
    def response(self) -> Formula:
        """The left side, as formulaic parses it."""
        return split(self.experts)[0]

    @property
    def outputs(self) -> tuple[str, ...]:
        """Columns of the left side."""
        return words(self.response).columns

    @property
    def offsets(self) -> tuple[OffsetTerm, ...]:
        """Terms of the experts whose coefficient is known to be one."""
        return parted(split(self.experts)[1], "formula")[1]

    @property
    def inputs(self) -> tuple[str, ...]:
        """Columns of the right sides, of the experts and of the gate."""
        named = [name for source in self.sources() for name in words(source.right).columns]
        return tuple(dict.fromkeys(named))

    def of_table(self, data: Frame) -> "Formulas":
        """The same where ``.`` is all columns of a table but the responses."""
        texts = (self.experts, self.gate or "")
        if self.columns is not None or not any(has_dot(text) for text in texts):
            return self
        columns = tuple(str(name) for name in data.columns)
        check_no_constant([name for name in columns if name not in self.outputs], "formula")
        return replace(self, columns=columns)

    @property
    def dotted(self) -> tuple[str, ...]:
        """Inputs that ``.`` alone names."""
        named = replace(self, columns=()).inputs
        return tuple(name for name in self.inputs if name not in named)

    def check(self) -> None:
        """Refuse what is no formula, and a response that is its own input."""
        if own := [term for term in self.offsets if set(term.columns) & set(self.outputs)]:
            raise ValueError(
                f"formula must not have the response in {own[0]}; got {self.experts!r}."
            )
        for argument, source in zip(("formula", "gate_formula"), self.sources(), strict=True):
            both = [name for name in self.outputs if name in words(source.right).columns]
            if both:
                raise ValueError(
                    f"{argument} must not have the response {', '.join(both)} among the features; "
                    f"got {self.experts if argument == 'formula' else self.gate!r}."
                )

    def sources(self) -> tuple[FormulaColumns, FormulaColumns]:
        """Columns of the experts and of the gate, not yet fitted."""
        columns = [name for name in self.columns or () if name not in self.outputs]
        right = parted(split(self.experts, columns=columns)[1], "formula")[0]
        shares = right if self.gate is None else self._of_gate(columns)
        name = "formula" if self.gate is None else "gate_formula"
        return FormulaColumns(right, "formula"), FormulaColumns(shares, name)

    def _of_gate(self, columns: list[str]) -> Formula:
        right, offsets = parted(
            right_side(self.gate or "", "gate_formula", columns), "gate_formula"
        )
        if offsets:
            raise ValueError(
                f"gate_formula must have no offset, which is for the experts alone: give it in "
                f"formula; got {self.gate!r}."
            )
        return right


@dataclass(frozen=True, eq=False)
class MissingRows:
    """Rows of a fit that were left out for a missing value, by those that were kept."""

    kept: Bool[np.ndarray, " n"]
    """Of the rows that were given."""
    labels: np.ndarray | None
    """Of the rows that were kept: their index, or their numbers; a model file has none."""
    without_response: int
    """Rows that were left out in which the response is missing, whatever else is."""
    in_part: int = 0
    """Rows that were kept although they lack some of their outputs."""
    by_inputs: int = 0
    """Rows that were kept although they lack all of them."""

    @property
    def n_dropped(self) -> int:
        """Number of rows that were left out."""
        return int(np.sum(~self.kept))


@dataclass(frozen=True)
class ColumnSource:
    """How a fit was told something of its rows, and so how one is told it of others."""

    column: str | None = None
    """Of the table; None where numbers are given."""
    more: tuple[str, ...] = ()
    """Further columns, of several responses."""

    @property
    def columns(self) -> tuple[str, ...]:
        """All of them."""
        return () if self.column is None else (self.column, *self.more)


@dataclass(frozen=True, eq=False)
class Schema:
    """Columns of X and kind of y that a fit has seen, and that new rows must have."""

    n_features: int
    feature_names: np.ndarray | None = None
    """Names of the columns of X, where it has names."""
    is_vector: bool = True
    """Whether y had one axis."""
    classes: np.ndarray | None = None
    """Labels, for classes."""
    formulas: Formulas | None = None
    response_names: tuple[str, ...] = ()
    """Names of the responses, where y has names."""
    offset: ColumnSource | None = None
    """Where the offset of rows comes from, beside a formula; None for nowhere."""
    groups: ColumnSource | None = None
    """Where the units of rows come from; None where each row has an expert of its own."""
    known: ColumnSource | None = None
    """Where it comes from what is known of the experts of rows; None where nothing was told."""
    weights: ColumnSource | None = None
    """The column that told the weights of the fit, where it was named."""
    response: ColumnSource | None = None
    """The column that told the response, where it was named beside a frame."""
    categories: tuple[str, ...] = ()
    """Columns of X that hold text or categories; rows are then those of a data frame."""
    missing: MissingRows | None = None
    """Rows that were left out for a missing value, where that was asked for."""

    @property
    def responses(self) -> tuple[str, ...]:
        """Names of the responses, of a formula too; none where they are not known."""
        if self.formulas is None:
            return self.response_names
        return tuple(str(term) for term in self.formulas.response)  # type: ignore[attr-defined]

    @classmethod
    def of_frame(
        cls,
        data: Frame,
        formulas: Formulas,
        *,
        is_vector: bool = True,
        classes: np.ndarray | None = None,
    ) -> "Schema":
        """That of a data frame on which formulas are evaluated: the columns that they read."""
        inputs = formulas.inputs
        names = np.array([str(name) for name in data.columns if name in inputs], dtype=object)
        return cls(len(names), names, is_vector, classes, formulas)

    def output_names(self, n_outputs: int, m: int) -> list[str]:
        """Names of outputs (or classes) in the names of parameters; "" for the only one.

        ``n_outputs`` are those of the experts, ``m`` columns that were standardised.
        """
        if self.classes is not None:
            return [str(label) for label in self.classes]
        if m == 1 or (n_outputs == 1 and self.is_vector):
            return [""]
        named = self.responses
        return list(named) if len(set(named)) == m else [f"y{j}" for j in range(m)]

    @property
    def beside(self) -> tuple[ColumnSource | None, ...]:
        """Where all that is no input comes from."""
        return self.offset, self.groups, self.known, self.weights, self.response

    @property
    def columns(self) -> list[str]:
        """Names of the columns of X, made up where it has none."""
        if self.feature_names is None:
            return [f"x{j}" for j in range(self.n_features)]
        return [str(name) for name in self.feature_names]

    def sources(self, options: Options) -> tuple[Source, Source]:
        """Columns of the experts and of the gate, not yet fitted."""
        if self.formulas is not None:
            return self.formulas.sources()
        return polynomial_sources(options, self.columns, self.categories)


@dataclass(frozen=True, eq=False)
class Request:
    """What a call of ``fit`` asks for: a model of some rows, and how to search for it."""

    options: Options
    family: Experts
    """Settings of the experts, without parameters."""
    schema: Schema
    title: str
    """Name of the estimator, which begins every line of progress."""
    before: Mixture | None = None
    """Where a warm start begins, in the user's units."""
    zeros: Bool[np.ndarray, "K p"] | None = None
    """Slopes that a relaxed elastic net holds at zero."""
    contexts: ExpertContexts | None = None
    """What was told of contexts."""
