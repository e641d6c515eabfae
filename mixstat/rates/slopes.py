"""Tables of slopes: as data frames, and for a paper in LaTeX."""

import numbers
from collections.abc import Mapping

import numpy as np

from mixstat.arguments import DataFrame, Frame, Setting
from mixstat.rates.checks import check_instance, short
from mixstat.rates.fitted import Rate
from mixstat.rates.frames import as_frame
from mixstat.validation import check_integer

ENDS = ("low", "high")  # columns that become one of intervals
RULES = r"\toprule", r"\midrule", r"\bottomrule"
SPECIAL = {c: rf"\{c}" for c in "&%$#_{}"} | {
    "~": r"\textasciitilde{}",
    "^": r"\^{}",
    "\\": r"\textbackslash{}",
}


def slope_table(rates: Setting) -> DataFrame:
    r"""Slopes of several rates, a row each.

    Parameters
    ----------
    rates : Rate, sequence of Rate, or dict of Rate
        The keys of a dict are names of the rows; others have those of their losses.

    Returns
    -------
    DataFrame
        With "statistic", "slope", "low" and "high" (ends of its interval), "std_error", "n_min",
        "n_max", "replicates" (the fewest at any size) and "unconverged", the share of fits without
        a certificate.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from mixstat.rates import fit_rate, latex_table, slope_table
    >>> n = np.repeat([100, 200, 400], 20)
    >>> losses = np.random.default_rng(0).chisquare(5, size=60) / np.sqrt(n)
    >>> rate = fit_rate(pd.DataFrame({"n": n, "kl": losses}), "kl")
    >>> table = slope_table({"two experts": rate})
    >>> table.index.tolist(), table["n_max"].tolist()
    (['two experts'], [400])
    >>> latex_table(table).splitlines()[0]
    '\\begin{tabular}{llrrrrrrr}'
    """
    named = _named(rates)
    rows = [
        {
            "statistic": rate.statistic,
            "slope": rate.slope,
            "low": rate.interval[0],
            "high": rate.interval[1],
            "std_error": rate.std_error,
            "n_min": int(rate.sizes[0]),
            "n_max": int(rate.sizes[-1]),
            "replicates": int(rate.n_replicates.min()),
            "unconverged": rate.unconverged,
        }
        for rate in named.values()
    ]
    columns = {name: [row[name] for row in rows] for name in rows[0]}
    return as_frame(columns, list(named), "loss")


def _named(rates: Setting) -> dict[str, Rate]:
    """Rates by the names of their rows."""
    wanted = "a Rate, a list of them, or a dict of them"
    if isinstance(rates, Mapping):
        pairs = [(str(name), one) for name, one in rates.items()]
    else:
        listed = rates if isinstance(rates, list | tuple) else [rates]
        pairs = [(check_instance("rates", one, Rate, wanted).loss, one) for one in listed]
    named = {name: check_instance("rates", one, Rate, wanted) for name, one in pairs}
    if not named or len(named) < len(pairs):
        seen = f"{len(pairs)} with the names {', '.join(named) or 'of nothing'}"
        raise ValueError(f"rates must be {wanted} under different names, got {seen}.")
    return named


def latex_table(table: DataFrame, *, digits: Setting = 3) -> str:
    r"""A table of slopes, or of verdicts, in LaTeX with the rules of the package booktabs.

    Parameters
    ----------
    table : DataFrame
        What :func:`slope_table` or :meth:`RateStudy.verdicts` returned, or columns of it.
    digits : int, default=3
        Decimals.

    Returns
    -------
    str
        A tabular; the columns "low" and "high" are one of intervals, and nothing in it is taken
        for a command.

    Examples
    --------
    >>> import pandas as pd
    >>> from mixstat.rates import latex_table
    >>> print(latex_table(pd.DataFrame({"loss": ["kl"], "slope": [-0.5], "replicates": [20]})))
    \begin{tabular}{lrr}
    \toprule
    loss & slope & replicates \\
    \midrule
    kl & $-0.500$ & 20 \\
    \bottomrule
    \end{tabular}
    """
    table = check_instance("table", table, Frame, "a data frame of slopes")
    if not len(table.columns) or not len(table):
        raise ValueError(f"table must have rows and columns, got shape {table.shape}.")
    places = check_integer("digits", digits, 0)
    first = [] if table.index.name is None else [(str(table.index.name), list(table.index))]
    columns = first + _columns(table, places)
    head = " & ".join(escaped(name.replace("_", " ")) for name, _ in columns)
    cells = [[_cell(value, places) for value in values] for _, values in columns]
    rows = [" & ".join(row) + r" \\" for row in zip(*cells, strict=True)]
    sides = "".join(
        "l" if any(isinstance(v, str) for v in values) else "r" for _, values in columns
    )
    top, middle, bottom = RULES
    lines = [rf"\begin{{tabular}}{{{sides}}}", top, rf"{head} \\", middle, *rows, bottom]
    return "\n".join([*lines, r"\end{tabular}"])


class _Interval(tuple):
    """Both ends of an interval."""


def _columns(table: DataFrame, places: int) -> list[tuple[str, list[object]]]:
    """Columns with their values, ends of intervals as one."""
    names = [str(name) for name in table.columns]
    if not set(ENDS) <= set(names):
        return [(name, table[name].tolist()) for name in names]
    both = [_Interval(pair) for pair in zip(*(table[end] for end in ENDS), strict=True)]
    kept = [name for name in names if name != ENDS[1]]
    return [
        ("interval", both) if name == ENDS[0] else (name, table[name].tolist()) for name in kept
    ]


def _cell(value: object, places: int) -> str:
    if isinstance(value, _Interval):
        return f"({', '.join(_cell(end, places) for end in value)})"
    if isinstance(value, numbers.Integral) and not isinstance(value, bool | np.bool_):
        return str(value)
    if isinstance(value, numbers.Real) and not isinstance(value, bool | np.bool_):
        return f"${float(value):.{places}f}$" if np.isfinite(float(value)) else "--"
    return escaped(value if isinstance(value, str) else short(value))


def escaped(text: str) -> str:
    """Text in which nothing is a command of LaTeX."""
    return "".join(SPECIAL.get(letter, letter) for letter in text)
