"""First models as many as a search asks for."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from mixstat.data import batch as batches
from mixstat.fitting.first_models import Start, first_models
from mixstat.fitting.moves import doubled, moves
from mixstat.fitting.starts import StartRows
from mixstat.model import Mixture
from mixstat.numerics import parameter_vector
from mixstat.objective.likelihood import all_responsibilities
from mixstat.objective.objective import Objective

Named = tuple[str, Mixture]  # the kind of a start, and its first model


@dataclass(frozen=True, eq=False)
class StartMaker:
    """Makes starts from rows: independent ones, and some near an end."""

    short: Objective
    """On the rows that starts look at."""
    null: Mixture
    rows: StartRows
    kinds: Iterator[tuple[str, Float[np.ndarray, "n K"]]]
    """Endless independent starts as responsibilities."""
    random: np.random.Generator

    def draw(self, count: int) -> list[Named]:
        """Independent starts."""
        return self._models([Start(*next(self.kinds)) for _ in range(count)])

    def near(self, end: Mixture, spare: Int[np.ndarray, " s"]) -> Iterator[Named]:
        """Endless starts in which one of some experts is dissolved and another one split."""
        for shares in moves(self.rows, self.shares(end), spare, self.random):
            yield self._models([Start("move", shares)])[0]

    def smaller(self, end: Mixture, spare: Int[np.ndarray, " s"]) -> Iterator[Named]:
        """For each of some experts, the model without it, in which two others are alike."""
        shares = self.shares(end)
        for gone in spare:
            yield self._models([Start("smaller", doubled(shares, int(gone)))])[0]

    def one(self) -> Named:
        """The model in which all experts are alike."""
        n, k = len(self.rows.y), self.null.n_experts
        return self._models([Start("smaller", np.full((n, k), 1.0 / k))])[0]

    def shares(self, end: Mixture) -> Float[np.ndarray, "n K"]:
        """Responsibilities of an end for the rows."""
        table = all_responsibilities(parameter_vector.as_numpy(end), self.short.batch)
        return np.array(batches.take_rows(table, len(self.rows.y)))

    def _models(self, starts: list[Start]) -> list[Named]:
        return first_models(self.short, self.null, starts, self.random)
