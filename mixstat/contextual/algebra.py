"""Contexts, and how they are joined: min, max, product and complement of possibilities.

Where nothing is known of a row (a missing label, say) a context's possibility is NaN, which
counts as 1 in the end: what is not known rules nothing out.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from jaxtyping import Float

from mixstat.arguments import Axes, Series, Setting
from mixstat.contextual.records import Records, Variable
from mixstat.parts.settings import Tunable
from mixstat.validation import check_choice

SIGNS = {"min": "&", "max": "|", "product": "*"}


def check_name(name: Setting) -> str:
    """A name that can be read."""
    if not isinstance(name, str) or not name:
        raise ValueError(f"name must be a word or two, got {name!r}.")
    return name


@dataclass(frozen=True)
class Context(Tunable):
    """A regime that people know, as a possibility distribution; not to be used directly.

    Contexts are joined by ``&`` (min), ``|`` (max), ``*`` (product) and ``~`` (complement).

    Examples
    --------
    >>> from mixstat.contextual import Triangular
    >>> low = Triangular("low", on="t", corners=(0, 20, 40))
    >>> high = Triangular("high", on="t", corners=(20, 40, 60))
    >>> (~(low | high)).named("other").at([20, 30, 70])
    array([0. , 0.5, 1. ])
    >>> (low & high).name
    'low & high'
    """

    name: str
    """What people call it; it names the expert."""

    def __post_init__(self) -> None:
        check_name(self.name)

    @property
    def variables(self) -> list[Variable]:
        """What the context is stated on, each once."""
        raise NotImplementedError

    def at(self, values: Series) -> Float[np.ndarray, " n"]:
        """Possibility at values of the variable.

        Parameters
        ----------
        values : array-like of shape (n,)
            Values, in the units of the variable.

        Returns
        -------
        ndarray of shape (n,)
            Between 0 and 1; NaN where a value is missing.
        """
        raise NotImplementedError

    def possibility(self, records: Records) -> Float[np.ndarray, " n"]:
        """Possibility of each row; NaN where nothing is known of it."""
        raise NotImplementedError

    def grid(self) -> np.ndarray | None:
        """Values of the variable that show the distribution; None if it cannot tell."""
        return None

    def named(self, name: Setting) -> "Context":
        """The same context by another name."""
        return replace(self, name=check_name(name))

    def plot(self, values: Series = None, *, ax: Axes = None) -> Any:
        """Draw the possibility over the variable.

        Parameters
        ----------
        values : array-like of shape (n,), default=None
            Where to draw it; None takes the range in which it changes.
        ax : matplotlib Axes, default=None
            None makes a new figure.

        Returns
        -------
        PossibilityDisplay
            The display, with ``ax_`` and ``figure_``.

        Raises
        ------
        ValueError
            If the context is stated on several variables, for which
            ``tabulate([context], X, y).plot()`` draws rows, or cannot tell its range.
        """
        from mixstat.plotting.possibility import PossibilityDisplay

        return PossibilityDisplay.from_context(self, values, ax=ax)

    def __and__(self, other: "Context") -> "Joined":
        return self._join("min", other)

    def __or__(self, other: "Context") -> "Joined":
        return self._join("max", other)

    def __mul__(self, other: "Context") -> "Joined":
        return self._join("product", other)

    def __invert__(self) -> "Complement":
        return Complement(f"not {self.name}", self)

    def _join(self, rule: str, other: object) -> "Joined":
        if not isinstance(other, Context):
            raise TypeError(
                f"context {self.name!r} can be joined with another context, not with {other!r}."
            )
        return Joined(f"{self.name} {SIGNS[rule]} {other.name}", (self, other), rule)


@dataclass(frozen=True)
class Joined(Context):
    """Several contexts at once ("min", "product") or any of them ("max")."""

    parts: tuple[Context, ...]
    """What is joined."""
    rule: str
    """"min", "max" or "product"."""

    def __post_init__(self) -> None:
        super().__post_init__()
        several = isinstance(self.parts, tuple) and self.parts
        if not several or not all(isinstance(one, Context) for one in self.parts):
            raise ValueError(
                f"context {self.name!r}: parts must be a tuple of contexts, got {self.parts!r}."
            )
        check_choice(f"context {self.name!r}: rule", self.rule, tuple(SIGNS))

    @property
    def variables(self) -> list[Variable]:
        """What the parts are stated on, each once."""
        listed = [one for part in self.parts for one in part.variables]
        return [one for j, one in enumerate(listed) if one not in listed[:j]]

    def at(self, values: Series) -> Float[np.ndarray, " n"]:
        """Joint possibility at values of the variable that all parts share."""
        if len(self.variables) > 1:
            raise ValueError(
                f"context {self.name!r} is stated on several variables: {self.variables}."
            )
        return self._joint([part.at(values) for part in self.parts])

    def possibility(self, records: Records) -> Float[np.ndarray, " n"]:
        """Joint possibility of each row."""
        return self._joint([part.possibility(records) for part in self.parts])

    def grid(self) -> np.ndarray | None:
        """Values that show any of the parts."""
        grids = [grid for part in self.parts if (grid := part.grid()) is not None]
        return np.unique(np.concatenate(grids)) if grids else None

    def _joint(self, each: list[np.ndarray]) -> np.ndarray:
        if self.rule == "max":  # what is not known may be possible
            return np.max(each, axis=0)
        if self.rule == "min":
            return np.fmin.reduce(each)
        known = np.where(np.isnan(each), 1.0, each)
        return np.where(np.isnan(each).all(axis=0), np.nan, np.prod(known, axis=0))


@dataclass(frozen=True)
class Complement(Context):
    """One minus the possibility of a context."""

    of: Context
    """The context."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if not isinstance(self.of, Context):
            raise ValueError(f"context {self.name!r}: of must be a context, got {self.of!r}.")

    @property
    def variables(self) -> list[Variable]:
        """What the context is stated on."""
        return self.of.variables

    def at(self, values: Series) -> Float[np.ndarray, " n"]:
        """One minus the possibility at values of the variable."""
        return 1.0 - self.of.at(values)

    def possibility(self, records: Records) -> Float[np.ndarray, " n"]:
        """One minus the possibility of each row."""
        return 1.0 - self.of.possibility(records)

    def grid(self) -> np.ndarray | None:
        """Values that show the context."""
        return self.of.grid()
