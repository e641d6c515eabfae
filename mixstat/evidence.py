"""How well was searched for a maximum."""

from dataclasses import dataclass

MET_OFTEN = 4  # independent starts that must reach the best end of two experts
MORE_OFTEN = 2  # more of them for each further expert, since ways to divide the rows multiply
LARGEST_PART = 1 / 3  # of all starts, that these further ones may ask for
RARE = 0.1  # chance of a better end unseen that is small enough


@dataclass(frozen=True)
class SearchEvidence:
    """What independent starts say on whether a better maximum was missed."""

    starts: int
    """Independent starts that were run to the end."""
    ends: int
    """Different admissible ends that they reached."""
    met_best: int
    """How many reached the end that is returned."""
    met_once: int
    """Ends that one start alone reached."""
    moves: int = 0
    """Further starts that began near an end: experts dissolved, split or left out."""
    rejected: int = 0
    """Starts whose end is degenerate: an expert on few rows that chance explains."""
    idle: int = 0
    """How many of the independent starts are among these."""
    n_experts: int = 2
    """Experts of the model."""

    @property
    def unseen(self) -> float:
        """Estimated chance that one more start reaches an end that was not seen.

        Good, I. J. (1953). The population frequencies of species. Biometrika 40, 237-264:
        the share of the starts whose end was met once. Where some starts ended in nothing that
        counts, the others are few, and that none of their ends was met once says little: Boender,
        C. G. E. and Rinnooy Kan, A. H. G. (1987). Bayesian stopping rules for multistart global
        optimization methods. Math. Program. 37, 59-80: of N starts with w ends,
        w (w + 1) / (N (N - 1)).
        """
        counted = self.starts - self.idle
        if counted < 1:
            return 1.0
        if not self.idle:
            return self.met_once / counted
        return min(1.0, self.ends * (self.ends + 1) / max(1, counted * (counted - 1)))

    @property
    def better_unseen(self) -> float:
        """The same for an end that is better than all seen.

        A new end is as likely to have any rank among those seen as any other.
        """
        return self.unseen / (self.ends + 1)

    @property
    def enough(self) -> bool:
        """Whether the best end was met often, and a better one is unlikely.

        Often is four times for two experts and two times more for each further one, or half of few
        starts: where no more than a third of the starts are asked for.
        """
        few = min(MET_OFTEN, max(1, self.starts // 2))
        often = MET_OFTEN + MORE_OFTEN * max(0, self.n_experts - 2)
        needed = min(often, max(few, int(LARGEST_PART * self.starts)))
        return self.met_best >= needed and self.better_unseen <= RARE

    def sentence(self) -> str:
        """What was searched, in words."""
        ends = "no end that counts was" if self.ends == 0 else f"{self.ends} different ends were"
        ends = "one end was" if self.ends == 1 else ends
        told = (
            f"{self.met_best} of {self.starts} independent starts reached this maximum, and "
            f"{ends} seen"
        )
        if self.moves:
            told += f"; {self.moves} more starts began near them"
        if self.rejected:
            told += f"; {self.rejected} ended with an expert on few rows that chance explains"
        if self.ends == 0:
            return f"{told}."
        least = 1 / ((self.starts + 1) * (self.ends + 1))
        chance = f"{self.better_unseen:.2g}" if self.better_unseen else f"under {least:.1g}"
        return f"{told}. Chance that the next start finds a better one: {chance}."
