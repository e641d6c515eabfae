"""Slope heuristics: how much a parameter costs, learned from models that are too large."""

from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float, Int

from mixstat.arguments import Axes, Setting
from mixstat.estimators.base import BaseMixture
from mixstat.plotting.slopes import SlopeDisplay
from mixstat.selection.grid import Settings
from mixstat.selection.selected import Selection
from mixstat.selection.told import label
from mixstat.validation import check_choice, check_positive, check_share, check_switch

METHODS = ("slope", "jump")
FEWEST = 4  # different numbers of parameters from which a slope can be told
TURNS, CLOSE = 200, 1e-12  # of the robust regression
BISQUARE = 4.685  # Tukey's constant, 95 % efficient for normal errors
TO_DEVIATION = 0.6744897501960817  # median absolute value of a standard normal variable


@dataclass(frozen=True, eq=False)
class SlopeHeuristic:
    """What a parameter costs by the slope heuristics, and the member that follows from it.

    Examples
    --------
    >>> from mixstat import MixtureOfExperts
    >>> from mixstat.datasets import make_tent
    >>> from mixstat.selection import select, slope_heuristic
    >>> X, y = make_tent(300, random_state=0)
    >>> moe = MixtureOfExperts(2, n_init=2, random_state=0)
    >>> columns = {"expert_features": [[0], [0, 1, 2]], "gate_features": [[0], [0, 1, 2]]}
    >>> slopes = slope_heuristic(select(X, y, estimator=moe, n_experts=2, **columns))
    >>> print(f"{slopes.price:.1f}", slopes.n_parameters)
    0.9 [ 8 10 12 14]
    """

    method: str
    """"slope" or "jump"."""
    minimal: float
    """The least price of a parameter, in units of log-likelihood, that keeps models from growing:
    the slope of the log-likelihood, or the price at the largest jump."""
    factor: float
    """By which it is multiplied."""
    best_index_: int
    """Row of the chosen member in the selection's table."""
    n_parameters: Int[np.ndarray, " m"]
    """Of the members that were used, smallest first: the best of each number."""
    log_likelihood: Float[np.ndarray, " m"]
    """Their log-likelihoods, summed over rows."""
    rows: Int[np.ndarray, " m"]
    """Their rows in the selection's table."""
    prices: Float[np.ndarray, " p"]
    """"slope": the slope over the largest members, with ever fewer of them, down to two. "jump":
    the prices at which the chosen member changes, smallest first."""
    chosen: Int[np.ndarray, " p"]
    """The member (position in ``rows``) that follows from each price times ``factor``, or, for
    "jump", that is chosen from the price on."""
    plateau: tuple[int, int]
    """"slope": first and last position in ``prices`` of the choice that was stable. "jump": the
    position of the largest jump, twice."""
    selection: Selection = field(repr=False)
    """What it was learned from."""

    @property
    def price(self) -> float:
        """What a parameter costs: BIC has log(n) / 2, AIC has 1."""
        return self.factor * self.minimal

    @property
    def best_estimator_(self) -> BaseMixture:
        """The fit of the chosen member."""
        fit = self.selection.fits[self.best_index_]
        assert fit is not None
        return fit

    @property
    def best_params_(self) -> Settings:
        """Settings of the chosen member."""
        return dict(self.selection.settings[self.best_index_])

    def plot(self, *, ax: Axes = None) -> SlopeDisplay:
        """Draw the log-likelihood over the number of parameters, with the slope.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; None means those of a new figure.

        Returns
        -------
        SlopeDisplay
            The display, with ``ax_`` and ``figure_``.
        """
        return SlopeDisplay.from_slopes(self, ax=ax)

    def __str__(self) -> str:
        if self.method == "jump":
            what = f"the number of parameters jumps most at a price of {self.minimal:.4g}"
        else:
            used = len(self.rows) - self._middle
            what = (
                f"the log-likelihood of the {used} largest members rises by {self.minimal:.4g} a "
                "parameter"
            )
        return (
            f"{label(self.best_params_)} is chosen by slope heuristics: {what}, and "
            f"{self.factor:g} times that is the price of one."
        )

    @property
    def _middle(self) -> int:
        return (self.plateau[0] + self.plateau[1] + 1) // 2


def slope_heuristic(
    selection: Setting,
    *,
    method: Setting = "slope",
    factor: Setting = 2.0,
    plateau: Setting = 0.15,
    regular: Setting = True,
) -> SlopeHeuristic:
    """Choose among members by a penalty whose size is learned from the largest of them.

    Models that are large enough to hold the truth gain in log-likelihood by chance alone, in
    proportion to their parameters. That slope is the least penalty which keeps models from
    growing; the optimal one is twice as much (Birge and Massart 2007). No number of rows enters
    and no asymptotics, but the grid must have several members that are too large: at
    least four different numbers of parameters, better ten.

    Parameters
    ----------
    selection : Selection
        What :func:`select` returned.
    method : {"slope", "jump"}, default="slope"
        "slope" fits the slope robustly to the largest members, with ever fewer of them, and takes
        the last choice that stays the same over ``plateau`` of these steps (data-driven slope
        estimation). "jump" takes the price at which the number of parameters drops most
        (dimension jump).
    factor : float, default=2.0
        Of the minimal price.
    plateau : float, default=0.15
        Share of the steps that a choice must last, for "slope".
    regular : bool, default=True
        Use regular maxima alone; spurious ones gain more than chance gives.

    Returns
    -------
    SlopeHeuristic
        The price, the chosen member, and what led to them.

    Raises
    ------
    ValueError
        If members differ in fewer than four numbers of parameters, if the selection has no
        information criteria (weights that are no counts, penalties), or if the log-likelihood
        falls where parameters are added.

    References
    ----------
    Birge, L. and Massart, P. (2007). Minimal penalties for Gaussian model selection. Probab.
    Theory Relat. Fields 138, 33-73.

    Baudry, J.-P., Maugis, C. and Michel, B. (2012). Slope heuristics: overview and implementation.
    Stat. Comput. 22, 455-470.

    Examples
    --------
    >>> from mixstat import MixtureOfExperts
    >>> from mixstat.datasets import make_tent
    >>> from mixstat.selection import select, slope_heuristic
    >>> X, y = make_tent(300, random_state=0)
    >>> moe = MixtureOfExperts(2, n_init=2, random_state=0)
    >>> columns = {"expert_features": [[0], [0, 1, 2]], "gate_features": [[0], [0, 1, 2]]}
    >>> found = select(X, y, estimator=moe, n_experts=2, **columns)
    >>> slope_heuristic(found).best_params_
    {'n_experts': 2, 'expert_features': [0], 'gate_features': [0]}
    """
    if not isinstance(selection, Selection):
        raise ValueError(f"selection must be what select returned, got {selection!r}.")
    method = check_choice("method", method, METHODS)
    times, share = check_positive("factor", factor), check_share("plateau", plateau)
    rows, sizes, gains = _members(selection, check_switch("regular", regular))
    learn = _by_slope if method == "slope" else _by_jump
    minimal, prices, chosen, places, best = learn(sizes, gains, times, share)
    return SlopeHeuristic(
        method=method,
        minimal=minimal,
        factor=times,
        best_index_=int(rows[best]),
        n_parameters=sizes,
        log_likelihood=gains,
        rows=rows,
        prices=prices,
        chosen=chosen,
        plateau=places,
        selection=selection,
    )


def _members(
    selection: Selection, regular: bool
) -> tuple[Int[np.ndarray, " m"], Int[np.ndarray, " m"], Float[np.ndarray, " m"]]:
    """Rows, parameters and log-likelihoods: the best member of each number of parameters."""
    table = selection.table
    values, sizes = (table[name].to_numpy(float) for name in ("log_likelihood", "n_parameters"))
    usable = np.isfinite(values) & np.isfinite(table["bic"].to_numpy(float))
    if regular:
        usable &= table["regular"].to_numpy(bool)
    places = np.flatnonzero(usable)
    order = places[np.lexsort((-values[places], sizes[places]))]
    _, first = np.unique(sizes[order], return_index=True)
    rows = order[first]
    if len(rows) < FEWEST:
        what = "regular members with information criteria" if regular else "members with criteria"
        raise ValueError(
            f"selection must have {what} of at least {FEWEST} different numbers of parameters, got "
            f"{len(rows)}."
        )
    return rows, sizes[rows].astype(int), values[rows]


Learned = tuple[float, np.ndarray, np.ndarray, tuple[int, int], int]


def _by_slope(sizes: np.ndarray, gains: np.ndarray, factor: float, share: float) -> Learned:
    """Slopes over ever fewer of the largest members, and the last choice that is stable."""
    starts = range(len(sizes) - 1)
    prices = np.array([_robust_slope(sizes[i:].astype(float), gains[i:]) for i in starts])
    chosen = np.array([np.argmax(gains - factor * one * sizes) for one in prices])
    edges = np.flatnonzero(np.diff(chosen)) + 1
    firsts, lasts = np.append(0, edges), np.append(edges, len(chosen)) - 1
    lengths = lasts - firsts + 1
    stable = np.flatnonzero(lengths >= share * len(chosen))
    at = int(stable[-1]) if len(stable) else int(np.argmax(lengths))
    first, last = int(firsts[at]), int(lasts[at])
    middle = (first + last + 1) // 2
    if prices[middle] <= 0:
        raise ValueError(
            "selection must have members whose log-likelihood rises with their parameters; among "
            f"the largest {len(sizes) - middle} it falls (slope {prices[middle]:.3g})."
        )
    return float(prices[middle]), prices, chosen, (first, last), int(chosen[middle])


def _by_jump(sizes: np.ndarray, gains: np.ndarray, factor: float, share: float) -> Learned:
    """The path of choices from a price of nothing on, and its largest jump."""
    place = int(np.argmax(gains))
    prices, chosen = [0.0], [place]
    while place > 0:  # the upper hull of the points, from its top down
        costs = (gains[place] - gains[:place]) / (sizes[place] - sizes[:place])
        least = costs.min()
        place = int(np.flatnonzero(costs <= least * (1 + 1e-12) + 1e-300)[0])
        prices.append(float(least))
        chosen.append(place)
    path = np.array(chosen)
    if len(path) == 1:
        return 0.0, np.array(prices), path, (0, 0), 0
    jumps = sizes[path[:-1]] - sizes[path[1:]]
    at = len(jumps) - 1 - int(np.argmax(jumps[::-1])) + 1  # of equal ones that of the higher price
    minimal = prices[at]
    best = int(path[np.flatnonzero(np.array(prices) <= factor * minimal)[-1]])
    return minimal, np.array(prices), path, (at, at), best


def _robust_slope(x: Float[np.ndarray, " m"], y: Float[np.ndarray, " m"]) -> float:
    """Slope of a line by Tukey's bisquare, from least squares on."""
    weight = np.ones(len(x))
    slope, level = _line(x, y, weight)
    for _ in range(TURNS):
        left = y - level - slope * x
        scale = np.median(np.abs(left)) / TO_DEVIATION
        if scale <= CLOSE * np.max(np.abs(y - y.mean()), initial=0.0):
            break
        weight = np.clip(1 - (left / (BISQUARE * scale)) ** 2, 0.0, None) ** 2
        before = slope
        slope, level = _line(x, y, weight)
        if abs(slope - before) <= CLOSE * abs(before):
            break
    return slope


def _line(x: np.ndarray, y: np.ndarray, weight: np.ndarray) -> tuple[float, float]:
    """Weighted least squares: slope and intercept."""
    share = weight / weight.sum()
    middle, height = share @ x, share @ y
    spread = share @ (x - middle) ** 2
    slope = float(share @ ((x - middle) * (y - height)) / spread) if spread > 0 else 0.0
    return slope, float(height - slope * middle)
