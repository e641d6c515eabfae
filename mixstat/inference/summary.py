"""Text tables in the layout of statsmodels."""

from collections.abc import Sequence
from functools import partial
from typing import NamedTuple, Protocol, runtime_checkable

import numpy as np
from scipy import stats


@runtime_checkable
class Summary(Protocol):
    """A statsmodels ``Summary``; statsmodels is loaded when one is made."""

    tables: list

    def as_text(self) -> str:
        """The tables as text."""
        ...

    def as_html(self) -> str:
        """The tables as HTML."""
        ...

    def as_latex(self, label: str = "") -> str:
        """The tables for LaTeX; ``label`` is that of a reference to them."""
        ...


class Block(NamedTuple):
    """One table of coefficients."""

    title: str
    names: Sequence[str]
    estimate: np.ndarray
    std_error: np.ndarray
    tested: bool = True
    """Whether zero is a hypothesis of interest: for the log of a scale it is not."""
    ends: np.ndarray | None = None
    """Intervals (e, 2); None takes those of the normal distribution."""


def summary_tables(
    title: str,
    facts: Sequence[tuple[str, str]],
    blocks: Sequence[Block],
    notes: Sequence[str],
    level: float = 0.95,
) -> Summary:
    """A statsmodels ``Summary``: facts in two columns, a table per block, notes below."""
    from statsmodels.iolib import summary as statsmodels_summary
    from statsmodels.iolib.table import SimpleTable

    summary = statsmodels_summary.Summary()
    half = -(-len(facts) // 2)
    left, right = list(facts[:half]), list(facts[half:])
    right += [("", "")] * (half - len(right))
    rows = [[f"{a}:", b, f"{c}:" if c else "", d] for (a, b), (c, d) in zip(left, right)]
    top = {"data_aligns": "lrlr", "colsep": "  ", "table_dec_above": "=", "row_dec_below": None}
    summary.tables.append(SimpleTable(rows, title=title, txt_fmt=top))
    for block in blocks:
        summary.tables.append(_coefficients(block, level))
    summary.add_extra_txt(list(notes))
    summary.as_latex = partial(_as_latex, summary)  # which IPython shows, too
    return summary


def _as_latex(summary: Summary, label: str = "") -> str:
    """Tables one below the other, each with its title, and the notes.

    ``label`` is that of a reference to them.
    """
    parts = [rf"\label{{{label}}}"] if label else []
    for table in summary.tables:
        parts.append(rf"\noindent\textbf{{{_escaped(table.title)}}}")
        parts.append(table.as_latex_tabular(center=False))
    parts.append(_escaped(str(getattr(summary, "extra_txt", None) or "")))
    return "\n\n".join(parts)


def _escaped(text: str) -> str:
    """Text in which nothing is a command of LaTeX."""
    special = {c: rf"\{c}" for c in "&%$#_{}"} | {"~": r"\textasciitilde{}", "^": r"\^{}"}
    special |= {"\\": r"\textbackslash{}"}
    return "".join(special.get(letter, letter) for letter in text)


def _coefficients(block: Block, level: float):
    from statsmodels.iolib.table import SimpleTable

    tail = 0.5 - 0.5 * level
    headers = ["coef", "std err", "z", "P>|z|", f"[{_share(tail)}", f"{_share(1 - tail)}]"]
    quantile = stats.norm.ppf(1 - tail)
    with np.errstate(divide="ignore", invalid="ignore"):
        z = block.estimate / block.std_error
    p = 2 * stats.norm.sf(np.abs(z))
    half = quantile * block.std_error
    low, high = block.estimate - half, block.estimate + half
    if block.ends is not None:
        low, high = block.ends.T
    columns = (block.estimate, block.std_error, z, p, low, high)
    formats = ("{:.4g}", "{:.3g}", "{:.3f}", "{:.3f}", "{:.4g}", "{:.4g}")
    cells = [[f.format(c[i]) for f, c in zip(formats, columns)] for i in range(len(block.names))]
    if not block.tested:
        cells = [[*row[:2], "", "", *row[4:]] for row in cells]
    style = {"data_aligns": "r" * 6, "colwidths": 10, "colsep": " "}
    return SimpleTable(cells, headers, list(block.names), title=block.title, txt_fmt=style)


def _share(share: float) -> str:
    """A probability, with no more digits than it needs."""
    return f"{share:.3f}" if round(share, 3) == round(share, 6) else f"{share:.6g}"
