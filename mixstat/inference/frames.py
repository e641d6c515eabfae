"""Results of inference as tables of pandas and of statsmodels."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Float

from mixstat.arguments import Column, DataFrame
from mixstat.inference.covariances import ParameterCovariance
from mixstat.inference.estimate import Estimate
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

    table = pd.DataFrame([_place(label) for label in estimate.labels], index=estimate.names)
    table["estimate"], table["std_error"] = estimate.params, single.std_error
    table["z"], table["p"] = single.zvalues, single.pvalues
    table["low"], table["high"] = ends.T
    return table


def _place(label: ParameterLabel) -> dict[str, Any]:
    return {
        "part": label.part,
        "expert": label.expert,
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


def summarise(
    estimate: Estimate,
    covariance: ParameterCovariance,
    single: LinearTest,
    ends: Float[np.ndarray, "E 2"],
    level: float,
    functions: Float[np.ndarray, "I I"],
) -> Summary:
    """Facts, a table for each expert and equation of the gate, and notes."""
    told, error = estimate.description, single.std_error
    blocks = []
    for title, prefix in told.sections:
        chosen = [
            j
            for j, label in enumerate(estimate.labels)
            if label.name.startswith(prefix) and j not in told.hidden
        ]
        names = [estimate.labels[j].entry for j in chosen]
        tested = not prefix.startswith("log_")
        blocks.append(
            Block(title, names, estimate.params[chosen], error[chosen], tested, ends[chosen])
        )
    if len(estimate.identified.names):
        value, spread = estimate.identified.values, np.sqrt(np.diag(functions))
        title = "Gate: identified functions"
        blocks.append(Block(title, estimate.identified.names, value, spread))
    facts = [*told.facts, ("Covariance", covariance.title.partition(",")[0])]
    shown = np.delete(error, list(told.hidden))
    notes = [*told.notes, *_notes(covariance, level, bool(np.isnan(shown).any()), told.zeroed)]
    return summary_tables(told.title, facts, blocks, notes, level)


def _notes(covariance: ParameterCovariance, level: float, holes: bool, zeroed: str) -> list[str]:
    how = "" if covariance.interval == "normal" else f" ({covariance.interval} of draws)"
    notes = [
        f"Covariance: {covariance.title}. Intervals{how} at level {level:g}.",
        *covariance.notes,
    ]
    if holes:
        notes.append(
            f"nan: the data do not determine this parameter{zeroed}, or it is on its floor."
        )
    return notes
