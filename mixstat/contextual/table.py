"""Possibilities of all contexts on all rows: made, checked, scaled, and given to experts."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int

from mixstat.alignment import check_same_rows
from mixstat.arguments import Axes, Response, Series, Setting, Table
from mixstat.contextual.algebra import Context
from mixstat.contextual.records import OtherData, Records
from mixstat.kinds import check_numbers
from mixstat.validation import check_share, check_switch

IMPOSSIBLE = -1e30  # log of possibility zero; finite, so that zero times it is zero
LISTED = 5  # rows that a message lists


@dataclass(frozen=True)
class PossibilityTable:
    """Possibility of each context on each row.

    Examples
    --------
    >>> import numpy as np
    >>> from mixstat.contextual import labels, tabulate
    >>> log = {"phase": np.array(["feed", "hold", "drain"])}
    >>> table = tabulate(labels("phase", ["feed", "hold"]), np.zeros((3, 1)), context_data=log)
    >>> table.names
    ('feed', 'hold')
    >>> table.unexplained()
    array([2])
    """

    names: tuple[str, ...]
    """Names of the contexts."""
    values: Float[np.ndarray, "n C"]
    """Possibilities between 0 and 1."""

    @property
    def best(self) -> Float[np.ndarray, " n"]:
        """Possibility of the best context of each row."""
        return self.values.max(axis=1)

    def unexplained(self, below: Setting = 0.0) -> Int[np.ndarray, " u"]:
        """Rows whose best context is not more possible than ``below``.

        Parameters
        ----------
        below : float, default=0.0
            Zero lists the rows that no context explains, which a fit refuses.

        Returns
        -------
        ndarray of shape (u,)
            Row numbers.
        """
        return np.flatnonzero(self.best <= check_share("below", below))

    def normalised(self, *, scale: Setting = True) -> "PossibilityTable":
        """The table in which the best context of each row has possibility one.

        Parameters
        ----------
        scale : bool, default=True
            Divide each row by its largest entry; if False, refuse rows that need it.

        Returns
        -------
        PossibilityTable
            A new table.

        Raises
        ------
        ValueError
            If no context explains a row.
        """
        is_scaled = check_switch("scale", scale)
        if len(rows := self.unexplained()):
            raise ValueError(
                f"every context is impossible for {_listed(rows)}: all their possibilities are 0; "
                "widen a context (a smaller alpha, wider feet), or add one for these rows."
            )
        if not is_scaled and len(rows := np.flatnonzero(self.best < 1)):
            raise ValueError(
                f"no context has possibility 1 for {_listed(rows)}; give possibilities whose "
                "largest is 1 in each row, or set normalise=True to scale them."
            )
        return replace(self, values=self.values / self.best[:, None])

    def discounted(self, alpha: Setting) -> "PossibilityTable":
        """The table of knowledge that is certain by ``alpha``: at least 1 - alpha everywhere."""
        return replace(self, values=np.maximum(self.values, 1.0 - check_share("alpha", alpha)))

    def of_experts(self, members: Bool[np.ndarray, "K C"]) -> Float[np.ndarray, "n K"]:
        """Possibility of each expert: of the best of its contexts, or 1 if it has none."""
        columns = [
            self.values[:, mine].max(axis=1) if mine.any() else np.ones(len(self.values))
            for mine in members
        ]
        return np.column_stack(columns)

    def plot(self, *, time: Series = None, ax: Axes = None) -> Any:
        """Draw the possibilities of all contexts over the rows.

        Parameters
        ----------
        time : array-like of shape (n,), default=None
            Positions of the rows; None numbers them.
        ax : matplotlib Axes, default=None
            None makes a new figure.

        Returns
        -------
        PossibilityDisplay
            The display, with ``ax_`` and ``figure_``.
        """
        from mixstat.plotting.possibility import PossibilityDisplay

        return PossibilityDisplay.from_table(self, time=time, ax=ax)


def tabulate(
    contexts: Setting, X: Table, y: Response = None, context_data: OtherData = None
) -> PossibilityTable:
    """Possibilities of contexts on rows, as a fit would see them before it scales them.

    Parameters
    ----------
    contexts : list of Context
        Contexts with different names.
    X : array-like or DataFrame of shape (n, d)
        Inputs.
    y : array-like of shape (n,) or (n, m), default=None
        Responses, where a context is stated on them.
    context_data : DataFrame or dict of arrays of length n, default=None
        Other variables of the rows.

    Returns
    -------
    PossibilityTable
        A column for each context; 1 where a row's variable is missing.

    Raises
    ------
    ValueError
        If names repeat, a variable is missing, or a possibility is outside [0, 1].

    Examples
    --------
    >>> import numpy as np
    >>> from mixstat.contextual import Gaussian, Triangular, tabulate
    >>> X = np.array([[20.0], [30.0], [50.0]])
    >>> low = Triangular("low", on=0, corners=(0, 20, 40))
    >>> high = Gaussian("high", on=0, centre=50, width=20)
    >>> tabulate([low, high], X).values.round(2)
    array([[1.  , 0.32],
           [0.5 , 0.61],
           [0.  , 1.  ]])
    """
    check_same_rows(X=X, y=y, context_data=context_data)
    table = X if hasattr(X, "columns") else np.asarray(X)
    if np.ndim(table) != 2:  # type: ignore[arg-type]
        seen = repr(X) if isinstance(X, str) else f"shape {np.shape(table)}"  # type: ignore[arg-type]
        raise ValueError(f"X must be a table with a row for each observation, got {seen}.")
    return table_of(contexts, Records(table, y, context_data))


def table_of(contexts: Setting, records: Records) -> PossibilityTable:
    """Possibilities of contexts on records."""
    checked = check_contexts(contexts)
    columns = [context.possibility(records) for context in checked]
    values = np.column_stack([np.where(np.isnan(column), 1.0, column) for column in columns])
    return PossibilityTable(tuple(context.name for context in checked), values)


def check_contexts(contexts: Setting) -> list[Context]:
    """Contexts, one or more, with different names."""
    checked = []
    several = isinstance(contexts, Iterable) and not isinstance(contexts, str)
    for context in list(contexts) if several else [contexts]:  # type: ignore[call-overload]
        if not isinstance(context, Context):
            raise ValueError(
                f"contexts must be a list of contexts from mixstat.contextual, got {context!r}."
            )
        checked.append(context)
    if not checked:
        raise ValueError(f"contexts must hold at least one context, got {contexts!r}.")
    _check_different([context.name for context in checked], "contexts")
    return checked


def given_table(possibilities: Table, n: int) -> PossibilityTable:
    """A table that a person wrote, with a row for each row of X."""
    names = [str(c) for c in getattr(possibilities, "columns", [])]
    try:
        values = np.asarray(check_numbers("possibilities", possibilities), float)  # type: ignore[arg-type]
    except TypeError as error:
        raise ValueError(f"possibilities must be numbers between 0 and 1: {error}") from None
    if values.ndim != 2 or len(values) != n or values.shape[1] == 0:
        raise ValueError(
            f"possibilities must have a row for each of the {n} rows of X and a column for each "
            f"context, got shape {values.shape}."
        )
    outside = ~((values >= 0) & (values <= 1))
    if outside.any():
        i, c = np.argwhere(outside)[0]
        raise ValueError(
            f"possibilities must lie between 0 and 1, got {values[i, c]:g} in row {i}, column "
            f"{c}; say 1 where nothing is known."
        )
    _check_different(names, "possibilities")
    return PossibilityTable(
        tuple(names or [f"context {c}" for c in range(values.shape[1])]), values
    )


def assign(names: Sequence[str], n_experts: int, mapping: Setting) -> Bool[np.ndarray, "K C"]:
    """Which contexts belong to which expert: context c to expert c unless a mapping tells."""
    if mapping is None:
        if len(names) != n_experts:
            raise ValueError(
                f"n_experts={n_experts} but there are {len(names)} contexts ({', '.join(names)}); "
                "give mapping, which tells the expert (or experts) of each context."
            )
        return np.eye(n_experts, dtype=bool)
    if not isinstance(mapping, dict) or {str(name) for name in mapping} != set(names):
        seen = ", ".join(map(str, mapping)) if isinstance(mapping, dict) else repr(mapping)
        raise ValueError(
            f"mapping must be a dict with the expert or experts of each context: "
            f"{', '.join(names)}; got {seen}."
        )
    members = np.zeros((n_experts, len(names)), bool)
    for name, experts in mapping.items():
        for expert in np.atleast_1d(experts).tolist():
            if not isinstance(expert, int) or not 0 <= expert < n_experts:
                raise ValueError(
                    f"mapping[{name!r}] must hold numbers of experts from 0 to {n_experts - 1}, "
                    f"got {expert!r}."
                )
            members[expert, list(names).index(str(name))] = True
    return members


def log_possibility(values: Float[np.ndarray, "n K"]) -> Float[np.ndarray, "n K"]:
    """Natural logarithms, with a large negative number for zero."""
    return np.where(values > 0, np.log(np.where(values > 0, values, 1.0)), IMPOSSIBLE)


def _check_different(names: Sequence[str], argument: str) -> None:
    repeated = sorted({name for name in names if list(names).count(name) > 1})
    if repeated:
        raise ValueError(f"{argument} must have different names, got {', '.join(repeated)} twice.")


def _listed(rows: np.ndarray) -> str:
    """The first of some rows, in words."""
    first = ", ".join(str(i) for i in rows[:LISTED])
    if len(rows) == 1:
        return f"row {first}"
    return f"{len(rows)} rows ({first}{', ...' if len(rows) > LISTED else ''})"
