"""Rows in the order of time, where their index tells."""

import numpy as np
from jaxtyping import Int

from mixstat.arguments import Table, as_frame


def check_times(name: str, table: Table, start: Int[np.ndarray, " n"] | None = None) -> None:
    """Refuse a table whose index goes back in time: its later rows would be taken for earlier ones.

    Parameters
    ----------
    name
        Of the argument.
    table
        A data frame, or any other table, whose rows have no times.
    start
        The first row of each row's run, within which times must not fall; None for one run.
    """
    frame = as_frame(table)
    if frame is None:
        return
    import pandas as pd

    index = frame.index
    if not isinstance(index, pd.DatetimeIndex | pd.PeriodIndex | pd.TimedeltaIndex):
        return
    missing = np.flatnonzero(index.isna())
    if len(missing):
        raise ValueError(
            f"{name} must have a time in every row of its index, got NaT in row {missing[0]}."
        )
    back = np.flatnonzero(np.asarray(index[1:] < index[:-1])) + 1
    back = back if start is None else back[start[back] != back]
    if len(back):
        row = int(back[0])
        raise ValueError(
            f"{name} must be in the order of time, got {index[row]} in row {row} after "
            f"{index[row - 1]}; sort it, as by sort_index()."
        )
