"""Possibilities that are given row by row: a column, a function of columns, or labels."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from mixstat.arguments import Series, Setting
from mixstat.contextual.one_variable import OneVariable, check_share
from mixstat.contextual.possibility import AlphaCertain
from mixstat.contextual.records import Variable


@dataclass(frozen=True)
class Stated(OneVariable):
    """Possibilities that were written down for each row: the values of the variable itself.

    Parameters
    ----------
    name : str
        What people call the context.
    on : str, int
        The column that holds possibilities, between 0 and 1.

    Examples
    --------
    >>> from mixstat.contextual import Stated, tabulate
    >>> log = {"says": [0.2, 1.0]}
    >>> tabulate([Stated("fouled", on="says")], [[0.0], [1.0]], context_data=log).values
    array([[0.2],
           [1. ]])
    """

    def _at(self, values: np.ndarray) -> Series:
        return values


@dataclass(frozen=True)
class Function(OneVariable):
    """Any function of one variable, or of several.

    Parameters
    ----------
    name : str
        What people call the context.
    on : str, int or list of them
        The variable or variables.
    function : callable
        Takes values (n,), or (n, c) of c variables, and returns possibilities (n,).

    Examples
    --------
    >>> from mixstat.contextual import Function
    >>> Function("slow", on="speed", function=lambda v: 1 / (1 + v)).at([0.0, 1.0, 3.0])
    array([1.  , 0.5 , 0.25])
    """

    function: Any

    def __post_init__(self) -> None:
        super().__post_init__()
        if not callable(self.function):
            raise ValueError(
                f"context {self.name!r}: function must be a callable of the values, got "
                f"{self.function!r}."
            )

    @property
    def variables(self) -> list[Variable]:
        """What the context is stated on."""
        return list(self.on) if isinstance(self.on, list | tuple) else [self.on]

    def _at(self, values: np.ndarray) -> Series:
        return self.function(values)


def labels(on: Variable, values: Setting, alpha: Setting = 1.0) -> list[AlphaCertain]:
    """A context for each label of a variable, such as the phases of a batch.

    Parameters
    ----------
    on : str, int
        The variable that holds labels. Rows without a label (None, NaN) may be in any context.
    values : list
        The labels; each names its context.
    alpha : float, default=1.0
        Certainty of the labels: 1 takes them as true, less lets the data overrule them.

    Returns
    -------
    list of AlphaCertain
        One for each label, in their order.

    Examples
    --------
    >>> from mixstat.contextual import labels
    >>> [context.name for context in labels("phase", ["heating", "holding"], alpha=0.9)]
    ['heating', 'holding']
    """
    if isinstance(values, str) or not isinstance(values, Iterable):
        raise ValueError(f"values must be a list of labels, got {values!r}.")
    share = check_share("labels", "alpha", alpha)
    return [AlphaCertain(str(value), on, [value], share) for value in values]
