"""Columns of a table in a few numbers each."""

from collections.abc import Mapping

import numpy as np

from mixstat.arguments import Column, DataFrame
from mixstat.data.formula_text import words
from mixstat.estimators.base import BaseMixture
from mixstat.fitting.schema import Schema
from mixstat.results import listed

LEVELS = 6  # of a category that are named


def describe_columns(moe: BaseMixture, table: DataFrame) -> DataFrame:
    """A row for each column that a model takes: what it is for, and what is in it."""
    import pandas as pd

    roles = {name: role for name, role in _roles(moe.fit_.request.schema).items() if name in table}
    if not roles:
        roles = {str(name): "" for name in table.columns}
    rows = [{"column": name, "role": role} | _facts(table[name]) for name, role in roles.items()]
    return pd.DataFrame(rows)


def _roles(schema: Schema) -> Mapping[str, str]:
    """What columns are for."""
    found = dict.fromkeys(schema.columns, "input")
    beside = {"offset": schema.offset, "units": schema.groups}
    found |= {one.column: role for role, one in beside.items() if one is not None and one.column}
    found |= dict.fromkeys(schema.response_names, "response")
    formulas = schema.formulas
    if formulas is not None:
        experts, gate = (words(source.right).columns for source in formulas.sources())
        found |= {name: _seen(name in experts, name in gate) for name in {*experts, *gate}}
        found |= {name: "offset" for term in formulas.offsets for name in term.columns}
        found |= dict.fromkeys(formulas.outputs, "response")
    return found


def _seen(by_experts: bool, by_gate: bool) -> str:
    who = {(True, True): "experts and gate", (True, False): "experts", (False, True): "gate"}
    return f"input of {who[by_experts, by_gate]}"


def _facts(column: Column) -> dict[str, object]:
    missing = int(column.isna().sum())
    if getattr(column.dtype, "kind", "O") not in "iufb":
        levels = list(column.dropna().unique())
        return {"missing": missing, "values": f"{len(levels)}: {listed(levels, LEVELS)}"}
    values = column.to_numpy(float)
    with np.errstate(all="ignore"):
        return {
            "missing": missing,
            "mean": np.nanmean(values),
            "deviation": np.nanstd(values),
            "least": np.nanmin(values),
            "most": np.nanmax(values),
        }
