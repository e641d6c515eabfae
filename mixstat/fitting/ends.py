"""Where starts ended: in which order, how often each end was met, and what that says."""

from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Bool, Float, Int

from mixstat.evidence import SearchEvidence
from mixstat.fitting.progress import Progress
from mixstat.numerics import parameter_vector
from mixstat.objective.likelihood import likelihood_and_mass
from mixstat.objective.objective import Objective
from mixstat.solvers import admissible
from mixstat.solvers.outcome import Outcome

AGREEMENT = 1e-7  # starts within this relative log-likelihood of each other agree
LOWEST = -1e300  # stands for a height that is not finite
DEPENDENT = ("move", "smaller")  # kinds of starts that begin near the end of another one


@dataclass(frozen=True, eq=False, kw_only=True)
class Ends:
    """The ends of the starts that were run to the end."""

    objective: Objective
    """What to maximise."""
    progress: Progress
    """Told of every step."""
    table: np.ndarray
    """A row per start."""
    ends: dict[int, Outcome] = field(default_factory=dict)
    """Where the starts that were run to the end are."""
    heights: dict[int, float] = field(default_factory=dict)
    """Their objectives, less what is gained beyond the resolution of the response."""

    def record(self, i: int, end: Outcome) -> None:
        """Keep where a start ended, and how high."""
        row = self.table[i]
        row["finished"] = True
        row["n_iter"], self.ends[i] = end.n_iter, end
        vector = parameter_vector.to_vector(end.model)
        known = end.known
        penalty = float(self.objective.penalty.value(vector))
        model = parameter_vector.as_numpy(end.model)
        if known is None:
            likelihood, mass = likelihood_and_mass(model, self.objective.batch)
            height = float(likelihood) - penalty
        else:
            height, mass = float(known.value), known.mass
        # finite, so that differences are
        self.heights[i] = height if np.isfinite(height) else LOWEST
        row["log_likelihood"] = self.progress.in_units(height + penalty)
        row["status"] = end.status.name
        mass = np.asarray(mass)
        row["degenerate"] = admissible.inadmissible(self.objective, model, mass).any()
        self.heights[i] -= admissible.beyond_resolution(self.objective, model, mass)
        self.progress.say(
            f"start {i} ({row['start']}): {self.progress.height(height)}, "
            f"{row['n_iter']} iterations, {str(row['status']).lower()}"
            + (", degenerate" if row["degenerate"] else "")
            + (f". {end.note}" if end.note else "")
        )

    def ranked(self) -> Int[np.ndarray, " f"]:
        """Starts that were run to the end, the best first."""
        finished = np.array(list(self.ends))
        heights = np.array([self.heights[i] for i in finished])
        return finished[ranking(heights, self.sunk[finished])]

    @property
    def sunk(self) -> Bool[np.ndarray, " s"]:
        """Starts whose end is degenerate."""
        return self.table["degenerate"]

    def at_height_of(self, i: int) -> Bool[np.ndarray, " s"]:
        """Starts that ended as high as one of them."""
        heights = np.full(len(self.table), LOWEST)
        heights[list(self.heights)] = list(self.heights.values())
        return np.abs(heights - self.heights[i]) <= AGREEMENT * (1 + abs(self.heights[i]))

    def evidence(self) -> SearchEvidence:
        """What the independent starts say on how well was searched."""
        looked_at = np.array(list(self.heights))  # those of a batch too, as they ended there
        heights = np.array(list(self.heights.values()))
        order = looked_at[ranking(heights, self.sunk[looked_at])]
        independent = ~np.isin(self.table["start"], DEPENDENT) & self.table["finished"]
        counted = [int(i) for i in order if independent[i]]
        ends: list[int] = []  # how often each was met
        left = np.array(counted, int)
        while len(left):
            same = self.at_height_of(int(left[0]))[left]
            if not self.sunk[left[0]]:
                ends.append(int(same.sum()))
            left = left[~same]
        best = int(self.ranked()[0])
        met = self.at_height_of(best) & independent & ~self.sunk & ~self.sunk[best]
        return SearchEvidence(
            starts=len(counted),
            ends=len(ends),
            met_best=int(met.sum()),
            met_once=ends.count(1),
            moves=int(np.isin(self.table["start"][order], DEPENDENT).sum()),
            rejected=int(self.sunk[order].sum()),
            idle=int(self.sunk[counted].sum()),
            n_experts=self.objective.template.n_experts,
        )


def ranking(
    heights: Float[np.ndarray, " s"], degenerate: Bool[np.ndarray, " s"]
) -> Int[np.ndarray, " s"]:
    """Ends from the largest objective down, those that are not degenerate first."""
    height = np.nan_to_num(heights, nan=-np.inf)
    return np.lexsort((np.arange(len(height)), -height, degenerate))
