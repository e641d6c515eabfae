"""First models as many as a search asks for."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

import numpy as np
from jaxtyping import Float, Int

from mixstat.data import batch as batches
from mixstat.fitting.first_models import Start, first_models
from mixstat.fitting.moves import doubled, moves
from mixstat.fitting.shifts import shifts
from mixstat.fitting.starts import StartRows
from mixstat.fitting.steps import steps
from mixstat.model import Mixture
from mixstat.numerics import parameter_vector
from mixstat.objective.likelihood import all_responsibilities
from mixstat.objective.objective import Objective
from mixstat.solvers import m_step

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
        """Endless starts near an end, in which one of some experts may be dissolved.

        In turns an expert is split, and another one cut at a step or drawn tighter or wider.
        """
        shares = self.shares(end)
        turned = self._turned(shares, spare)
        for moved in moves(self.rows, shares, spare, self.random):
            yield self._models([Start("move", moved)])[0]
            yield next(turned)

    def _turned(
        self, shares: Float[np.ndarray, "n K"], spare: Int[np.ndarray, " s"]
    ) -> Iterator[Named]:
        """Endless starts near an end: steps, as many as there are experts, and shifts."""
        k = shares.shape[1]
        stepped = islice(self._stepped(shares, spare), k)
        for i, shifted in enumerate(shifts(self.rows, shares, self.random)):
            if i % 2 == 0:
                yield from islice(stepped, 1)
            yield self._models([Start("move", shifted)])[0]

    def _stepped(
        self, shares: Float[np.ndarray, "n K"], spare: Int[np.ndarray, " s"]
    ) -> Iterator[Named]:
        """Starts with a step, whose gate has climbed as far as it can."""
        if (
            self.null.gate.joint
            or not self.null.gate.starting().plain
            or self.rows.unit is not None
        ):
            return
        batch = self.short.batch
        for resp in steps(self.rows, shares, spare, self.random):
            kind, model = self._models([Start("move", resp)])[0]
            laid_out = batches.lay_out_like(batch, resp)
            gate = m_step.climb_gate(self.short, model.gate, laid_out)[0]
            yield kind, Mixture(parameter_vector.as_numpy(gate), model.experts)

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
