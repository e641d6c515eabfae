"""A search that goes on until the best end was met often enough."""

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import islice

import numpy as np
from jaxtyping import Int

from mixstat.fitting.multistart import Search
from mixstat.fitting.start_maker import Named, StartMaker
from mixstat.model import Mixture
from mixstat.numerics import parameter_vector
from mixstat.objective.likelihood import expert_mass
from mixstat.results import FitResult
from mixstat.solvers import admissible
from mixstat.solvers.em import EM, StopRule

ROUND = 4  # independent starts between two looks at what was found
FIRST = 4  # of the first round, for each expert: one of each kind; with each other one if cheap
BUDGET = 10  # independent starts at most, for each expert
MOST_BUDGET = 40  # where rows are so few that starts cost little
PART = 0.5  # of the starts that it is cheap to run to their ends, which these are
MOVES = 4  # tries from the best end for each expert to dissolve and each other one to split
FEATURES = 2  # of an expert, for which these tries are enough; of more there are more ways to split
MOST_TIMES = 3.0  # as many tries, however many features there are
OTHERS = 3  # for each expert, in which none is split: one step, and two shifts
FURTHER = 2  # ends beside the best one near which a better one is looked for
NEXT = 3  # tries there for each expert
MOST_MOVES = 15  # for each expert and each again, in all, while they are cheap
DEAR_MOVES = 25  # for each expert, in all, however dear
CHEAP_MOVES = 2.0  # times as many as starts that it is cheap to run to their ends
GROWN = 4  # tries to split each expert of a model of one fewer
ALIKE_GAIN = 1e-12  # of an EM step, at which a model of fewer experts has arrived


def capacity(n_experts: int) -> int:
    """The most starts that a search runs."""
    first = max(MOST_BUDGET * n_experts, first_round(n_experts, np.inf)) + ROUND
    moved = most_moves(n_experts, np.inf) + GROWN * n_experts + 1
    return first + moved + n_experts * (n_experts - 1) + 1


def first_round(n_experts: int, cheap: float) -> int:
    """Independent starts of the first round, where so many are cheap to run to their ends."""
    return (
        FIRST * n_experts * max(1, min(n_experts - 1, int(min(cheap, 1e9)) // (FIRST * n_experts)))
    )


def most_moves(n_experts: int, cheap: float) -> int:
    """Starts near ends, in all."""
    few, many = DEAR_MOVES * n_experts, MOST_MOVES * n_experts**2
    return int(max(few, min(many, CHEAP_MOVES * cheap)))


@dataclass(frozen=True, eq=False, kw_only=True)
class AdaptiveSearch(Search):
    """Independent starts, moves from the best end, and models of fewer experts."""

    maker: StartMaker
    """Makes starts as they are asked for."""
    fewer: Callable[[], Mixture | None] = lambda: None
    """The best model of one expert fewer with one of its experts doubled, the last, if any."""
    tried: dict[int, int] = field(default_factory=dict)
    """How many moves were tried from an end."""

    def search(self) -> FitResult:
        """The best maximum and its verdict."""
        budget = self._budget()
        first = first_round(self.objective.template.n_experts, self._cheap)
        self.run_all(self.maker.draw(first))
        while True:
            self._move()
            seen = self.evidence()
            if seen.enough or seen.starts >= budget:
                break
            self.run_all(self.maker.draw(ROUND))
        if seen.enough or not self._grow():
            self._keep_the_smaller()
        self.let_the_leader_arrive()
        return self.best()

    def _budget(self) -> float:
        """Independent starts at most."""
        k = self.objective.template.n_experts
        most = float(np.clip(PART * self._cheap / k, BUDGET, MOST_BUDGET)) * k
        return max(most, first_round(k, self._cheap))

    @property
    def _cheap(self) -> float:
        """Starts that it is cheap to run to their ends."""
        return self.affordable(self.objective, self.objective.template)

    def run_all(self, starts: list[Named]) -> None:
        """Run starts to their ends."""
        for kind, model in starts:
            self._run_one(kind, model)

    def _run_one(self, kind: str, model: Mixture) -> None:
        i = len(self.ends)
        self.table[i]["start"] = kind
        self.finish(i, model)

    def _move(self) -> None:
        """Moves from the best end, and from the better one to which they lead."""
        while (near := self._worth_a_move()) is not None:
            before = self._leader()
            left = min(self._most_moves(near) - self.tried.get(near, 0), self._moves_left())
            end = self.ends[near].model
            for kind, model in islice(self.maker.near(end, self._spare(near)), left):
                self.tried[near] = self.tried.get(near, 0) + 1
                self._run_one(kind, model)
                if self._leader() != before:
                    break

    def _distinct(self, order: Int[np.ndarray, " o"], most: int) -> list[int]:
        """The first of some starts whose heights differ."""
        chosen: list[int] = []
        while len(order) and len(chosen) < most:
            chosen.append(int(order[0]))
            order = order[~self.at_height_of(chosen[-1])[order]]
        return chosen

    def _worth_a_move(self) -> int | None:
        """An end near which a better one is still to be looked for."""
        if self._moves_left() <= 0:
            return None
        near = (i for i in self._heads() if self.tried.get(i, 0) < self._most_moves(i))
        return next(near, None)

    def _moves_left(self) -> int:
        """How many more may be tried, from all ends together."""
        most = most_moves(self.objective.template.n_experts, self._cheap)
        return most - sum(self.tried.values())

    def _heads(self) -> list[int]:
        """The best end, one above it that does not count, and the next best ones."""
        order = self.ranked()
        best = self._leader()
        sunk = [int(i) for i in order if self.sunk[i] and self.heights[i] > self.heights[best]]
        other = order[~self.at_height_of(best)[order] & ~self.sunk[order]]
        return [best, *sunk[:1], *self._distinct(other, FURTHER)]

    def _most_moves(self, i: int) -> int:
        """From one end: fewer where it is not the best."""
        k = self.objective.template.n_experts
        times = np.clip(self.maker.rows.Phi.shape[1] / FEATURES, 1.0, MOST_TIMES)
        more = k > 2  # of two experts either may be dissolved, with the same result
        if i != self._leader():
            return NEXT * k if more else k
        return int(MOVES * k * (k - 1) * times) + OTHERS * k * more

    def _spare(self, i: int) -> Int[np.ndarray, " s"]:
        """Experts of an end that may be dissolved: those that rest on nothing, or any."""
        end = self.ends[i]
        model = parameter_vector.as_numpy(end.model)
        mass = expert_mass(model, self.objective.batch) if end.known is None else end.known.mass
        marked = admissible.inadmissible(self.objective, model, np.asarray(mass))
        return np.flatnonzero(marked) if marked.any() else np.arange(model.n_experts)

    def _leader(self) -> int:
        """The first of the starts that reached the best end."""
        best = int(self.ranked()[0])
        near = self.at_height_of(best) & (self.sunk == self.sunk[best])
        return int(np.flatnonzero(near)[0])

    def _grow(self) -> bool:
        """Start from the best model of one expert fewer; whether there is one.

        So one more expert does not fit worse where the search alone has not found enough.
        """
        model = self.fewer()
        if model is None:
            return False
        i, k = len(self.ends), model.n_experts
        self._climb_alike("smaller", model)
        tries = self.maker.near(self.ends[i].model, np.array([k - 1]))
        self.run_all(list(islice(tries, GROWN * k)))
        self._move()
        return True

    def _keep_the_smaller(self) -> None:
        """Models of fewer experts, which win if no admissible end is better."""
        near, k = int(self.ranked()[0]), self.objective.template.n_experts
        for _ in range(2, k):
            if not self.sunk[near]:
                break
            spare = self._spare(near)
            first = len(self.ends)
            for kind, model in self.maker.smaller(self.ends[near].model, spare):
                self._climb_alike(kind, model)
            near = next(int(i) for i in self.ranked() if i >= first)
        self._climb_alike(*self.maker.one())

    def _climb_alike(self, kind: str, model: Mixture) -> None:
        """EM alone, under which experts that are alike stay so."""
        i = len(self.ends)
        self.table[i]["start"] = kind
        end = EM(stop=StopRule(ALIKE_GAIN, 0.0)).run(self.objective, model, max_iter=self.max_iter)
        self.record(i, end)
