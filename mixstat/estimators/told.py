"""Rows with what is known of their contexts."""

import numpy as np

from mixstat.arguments import Table
from mixstat.contextual.knowledge import ExpertContexts, Knowledge
from mixstat.contextual.records import Records
from mixstat.contextual.table import PossibilityTable, given_table
from mixstat.fitting.options import Options
from mixstat.fitting.schema import Schema
from mixstat.fitting.tables import TrainingRows


def column_names(schema: Schema) -> list[str] | None:
    """Names of the columns of X, empty where it has none; None takes those of the frame itself."""
    if schema.formulas is not None:
        return None
    return [] if schema.feature_names is None else schema.columns


def n_columns(table: Table) -> int:
    """Number of columns of something that may be a table; checked later."""
    try:
        shape = np.shape(table)  # type: ignore[arg-type]
    except ValueError:  # rows of different length
        return 2
    return shape[1] if len(shape) == 2 else 2


def stated(knowledge: Knowledge, possibilities: Table, records: Records) -> PossibilityTable | None:
    """Possibilities of contexts as they were stated; None if nothing was."""
    if possibilities is not None:
        return given_table(possibilities, records.n)
    return knowledge.table(records)


def informed(
    rows: TrainingRows,
    knowledge: Knowledge,
    stated: PossibilityTable | None,
    options: Options,
) -> tuple[TrainingRows, ExpertContexts]:
    """The rows with the possibilities of their experts, and what was told."""
    contexts, known = knowledge.of_experts(stated, rows.weight, options.n_experts)
    return TrainingRows(rows.X, rows.y, rows.weight, known), contexts
