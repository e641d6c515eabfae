"""Results of inference as tables of pandas and of statsmodels."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float

from mixstat.arguments import Column, DataFrame
from mixstat.inference.covariances import ParameterCovariance
from mixstat.inference.estimate import Description, Estimate
from mixstat.inference.hypotheses import LinearTest
from mixstat.inference.summary import Block, Summary, summary_tables
from mixstat.parts.labels import ParameterLabel


def column(values: Float[np.ndarray, " E"], names: Sequence[str], title: str) -> Column:
    """A Series by names of parameters."""
    import pandas as pd

    return pd.Series(values, index=list(names), name=title)


def square(values: Float[np.ndarray, "E E"], names: Sequence[str]) -> DataFrame:
    """A table with a row and a column for each parameter."""
    import pandas as pd

    return pd.DataFrame(values, index=list(names), columns=list(names))


def limits(values: Float[np.ndarray, "E 2"], names: Sequence[str]) -> DataFrame:
    """A table of intervals."""
    import pandas as pd

    return pd.DataFrame(values, index=list(names), columns=["low", "high"])


def tidy(estimate: Estimate, single: LinearTest, ends: Float[np.ndarray, "E 2"]) -> DataFrame:
    """A row for each parameter, which says what it is."""
    import pandas as pd

    places = [_place(label, estimate.description.experts) for label in estimate.labels]
    table = pd.DataFrame(places, index=estimate.names)
    table["estimate"], table["std_error"] = estimate.params, single.std_error
    table["z"], table["p"] = single.zvalues, single.pvalues
    table["low"], table["high"] = ends.T
    return table


def _place(label: ParameterLabel, names: Sequence[str]) -> dict[str, Any]:
    expert: int | str | None = label.expert
    if names and label.part == "experts" and label.expert is not None:
        expert = names[label.expert]
    return {
        "part": label.part,
        "expert": expert,
        "output": label.output,
        "term": label.feature or label.word,
    }


def exponentiated(
    estimate: Estimate, single: LinearTest, ends: Float[np.ndarray, "E 2"]
) -> DataFrame:
    """Exponentials of what is a log of odds or of a mean."""
    import pandas as pd

    chosen = np.array([ratio != "" for ratio in estimate.ratios], bool)
    if not chosen.any():
        raise ValueError("exponentiated: no parameter of this model is on a log or logit scale.")
    table = tidy(estimate, single, ends)[chosen].copy()
    with np.errstate(over="ignore"):
        value = np.exp(table["estimate"])
        table["std_error"] = value * table["std_error"]
        table["low"], table["high"] = np.exp(table["low"]), np.exp(table["high"])
    table["estimate"] = value
    words = pd.Series(estimate.ratios, index=estimate.names)[chosen]
    table.insert(4, "ratio", words)
    return table


class Told(NamedTuple):
    """What a summary tells beside the estimates."""

    covariance: ParameterCovariance
    single: LinearTest
    """Each parameter against zero."""
    ends: Float[np.ndarray, "E 2"]
    """Of intervals."""
    level: float
    functions: Float[np.ndarray, "I I"]
    """Covariance of the functions of the gate that the data determine."""
    remarks: tuple[str, ...]
    """What to mind."""


def summarise(estimate: Estimate, told: Told) -> Summary:
    """Facts, a table for each expert and equation of the gate, and notes."""
    description = estimate.description
    blocks = [block for title in description.sections if (block := _block(estimate, told, *title))]
    if len(estimate.identified.names):
        value, spread = estimate.identified.values, np.sqrt(np.diag(told.functions))
        title = "Gate: identified functions"
        blocks.append(Block(title, estimate.identified.names, value, spread))
    facts = [*description.facts, ("Covariance", told.covariance.title.partition(",")[0])]
    notes = [*told.remarks, *description.notes, *_notes(description, told)]
    return summary_tables(description.title, facts, blocks, notes, told.level)


def _block(estimate: Estimate, told: Told, title: str, prefix: str) -> Block | None:
    """The table of the parameters whose names begin with a prefix."""
    hidden = estimate.description.hidden
    names = enumerate(estimate.names)
    chosen = [j for j, name in names if name.startswith(prefix) and j not in hidden]
    if not chosen:
        return None
    return Block(
        title=title,
        names=[estimate.labels[j].entry for j in chosen],
        estimate=estimate.params[chosen],
        std_error=told.single.std_error[chosen],
        tested=not prefix.startswith("log_"),
        ends=told.ends[chosen],
    )


def _notes(description: Description, told: Told) -> list[str]:
    covariance = told.covariance
    how = "" if covariance.interval == "normal" else f" ({covariance.interval} of draws)"
    notes = [f"Covariance: {covariance.title}. Intervals{how} at level {told.level:g}."]
    shown = np.delete(told.single.std_error, list(description.hidden))
    if np.isnan(shown).any():
        zeroed = description.zeroed
        notes.append(
            f"nan: the data do not determine this parameter{zeroed}, or it is on its floor."
        )
    return notes
