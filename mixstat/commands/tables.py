"""Tables of the shell: read, looked up, and written."""

import difflib
import io
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from mixstat.arguments import DataFrame, Response, Table
from mixstat.estimators.base import BaseMixture
from mixstat.files import as_file, write_at_once
from mixstat.results import listed
from mixstat.saving import load

PARQUET = (".parquet", ".pq")


def read_table(path: str, separator: str = ",") -> DataFrame:
    """A table from a file of CSV or parquet, or from the input; ValueError if it is none."""
    import pandas as pd

    if path == "-":
        return _checked("the input", lambda: pd.read_csv(sys.stdin, sep=separator), separator)
    place = as_file(path, "DATA")
    if not place.exists():
        raise ValueError(f"DATA must be a file, and there is none at {path!r}.")
    if place.suffix.lower() in PARQUET:
        check_parquet("DATA")
        return _checked(path, lambda: pd.read_parquet(place))
    separator = "\t" if place.suffix.lower() == ".tsv" else separator
    return _checked(path, lambda: pd.read_csv(place, sep=separator), separator)


def read_model(path: str) -> BaseMixture:
    """A model from its file."""
    if not as_file(path, "MODEL").exists():
        raise ValueError(f"MODEL must be a file, and there is none at {path!r}.")
    return load(path)


def check_parquet(argument: str) -> None:
    """Tell what parquet needs, where it is not installed."""
    try:
        import pyarrow as pa  # noqa: F401
    except ImportError as error:
        raise ImportError(
            f"{argument} is a parquet file, which needs pyarrow; install it with: "
            "pip install pyarrow"
        ) from error


def _checked(path: str, read: Callable[[], DataFrame], separator: str = "") -> DataFrame:
    kind = "CSV" if separator else "parquet"
    try:
        table = read()
    except Exception as error:
        words = " ".join(str(error).split())
        raise ValueError(f"DATA {path!r} cannot be read as {kind}: {words}.") from error
    if len(table.columns) == 1 and separator == "," and ";" in str(table.columns[0]):
        raise ValueError(f"DATA {path!r} has columns apart by ';': give --separator ';'.")
    if not len(table):
        raise ValueError(f"DATA {path!r} must have rows below the names of its columns, got none.")
    return table


def columns_of(table: DataFrame, names: Sequence[str], argument: str) -> DataFrame:
    """Some columns of a table, by name."""
    have = [str(one) for one in table.columns]
    for name in names:
        if name not in have:
            near = difflib.get_close_matches(name, have, 1)
            hint = f" (did you mean {near[0]}?)" if near else ""
            raise ValueError(
                f"{argument} names {name!r}, which is not a column of DATA{hint}; DATA has "
                f"{listed(have, 12)}."
            )
    return table[list(names)]


def inputs_of(moe: BaseMixture, table: DataFrame, response: Sequence[str] = ()) -> Table:
    """The columns of a table that a model takes, as it takes them."""
    schema = moe.fit_.request.schema
    if schema.formulas is not None:
        return table
    if schema.feature_names is None:  # fitted to an array
        return table.drop(columns=list(response)).to_numpy()
    beside = [one.column for one in (schema.offset, schema.groups) if one is not None]
    names = [*schema.columns, *(name for name in beside if name is not None)]
    return columns_of(table, names, "MODEL")


def response_of(moe: BaseMixture, table: DataFrame, response: str | None) -> Response:
    """The response of a model in a table; None where its formula knows it."""
    schema = moe.fit_.request.schema
    if schema.formulas is not None:
        columns_of(table, schema.formulas.outputs, "MODEL")
        return None
    names = list(schema.response_names) if response is None else [response]
    if not names:
        raise ValueError("--response must name the column that the model predicts, got none.")
    found = columns_of(table, names, "MODEL" if response is None else "--response")
    return found[names[0]] if schema.is_vector else found


def write_table(table: DataFrame, path: str | None) -> None:
    """Write a table to a file of CSV or parquet, whole or not at all; None is the output."""
    if path is None:
        table.to_csv(sys.stdout, index=False)
        return
    place = as_file(path, "--out")
    content = io.BytesIO()
    if place.suffix.lower() in PARQUET:
        check_parquet("--out")
        table.to_parquet(content, index=False)
    else:
        table.to_csv(content, index=False)
    write_at_once(checked_place(place), content.getvalue())


def checked_place(place: Path) -> Path:
    """A file whose folder exists."""
    if not place.parent.is_dir():
        raise ValueError(f"--out must be in a folder that exists, got {str(place)!r}.")
    return place
