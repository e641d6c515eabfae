"""What people know of contexts, and which experts it is about."""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from mixstat.arguments import Setting
from mixstat.contextual.algebra import Context
from mixstat.contextual.records import Records
from mixstat.contextual.table import (
    PossibilityTable,
    assign,
    log_possibility,
    table_of,
)


@dataclass(frozen=True, eq=False)
class Knowledge:
    """Stated contexts, how certain they are, and their experts."""

    contexts: tuple[Context, ...] | None = None
    """None where possibilities come as a table."""
    mapping: Setting = None
    """The expert, or experts, of each context; None gives context k to expert k."""
    alpha: float = 1.0
    """Certainty; possibilities are not taken below one minus it."""
    normalise: bool = True
    """Whether possibilities of a row are divided by the largest, not only checked."""

    def table(self, records: Records) -> PossibilityTable | None:
        """Possibilities of the contexts on rows as they were stated; None if there are none."""
        return None if self.contexts is None else table_of(self.contexts, records)

    def of_experts(
        self, stated: PossibilityTable | None, weight: Float[np.ndarray, " n"], n_experts: int
    ) -> tuple["ExpertContexts", Float[np.ndarray, "n K"] | None]:
        """Names, and log possibilities of the experts; None if they rule nothing out."""
        if stated is None:
            ignorance = float(np.log(n_experts))
            return ExpertContexts(self, (), ["any"] * n_experts, ignorance), None
        counted = weight > 0
        values = np.where(counted[:, None], stated.values, 1.0)
        table = replace(stated, values=values).normalised(scale=self.normalise)
        table = table.discounted(self.alpha)
        members = assign(table.names, n_experts, self.mapping)
        words = [" or ".join(np.array(table.names)[mine]) or "any" for mine in members]
        ignorance = np.average(np.log(table.values.sum(axis=1)), weights=weight)
        contexts = ExpertContexts(self, table.names, words, float(ignorance))
        possibility = table.of_experts(members)
        return contexts, None if np.all(possibility == 1) else log_possibility(possibility)


@dataclass(frozen=True, eq=False)
class ExpertContexts:
    """What a fit was told of contexts."""

    knowledge: Knowledge
    names: tuple[str, ...]
    """Names of the contexts."""
    of_experts: list[str]
    """What each expert stands for."""
    ignorance: float
    """Mean log of the sum of the possibilities of all contexts."""
