"""Which columns enter the experts and which the gate: a search one column at a time."""

import time
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from mixstat.arguments import DataFrame, Estimator, Response, Setting, Table, Weights, as_frame
from mixstat.estimators.base import BaseMixture
from mixstat.estimators.offsets import source_of, without_columns
from mixstat.fitting.progress import Progress
from mixstat.kinds import check_table
from mixstat.selection.choice import check_base, check_criterion, rows_of_grid
from mixstat.selection.criteria import HELD_OUT, INFORMATION
from mixstat.selection.folds import Splitter
from mixstat.selection.grid import Settings
from mixstat.selection.member import Member, RowsOfGrid, fit_member
from mixstat.selection.selected import best_row, table_of, value_of
from mixstat.validation import check_choice, check_switch, choose_columns

BESIDE = ("offset", "groups", "known_experts")  # arguments of fit that may name a column
PARTS = {"experts": "expert_features", "gate": "gate_features"}  # what people say, and settings
DIRECTIONS = ("forward", "backward", "both")
CRITERIA = tuple(one for one in (*INFORMATION, *HELD_OUT) if one not in ("eic", "one_se"))
START = "start"

Chosen = tuple[frozenset[int], frozenset[int]]  # columns of the experts, and of the gate


@dataclass(frozen=True, eq=False, repr=False)
class ColumnSearch:
    """A search over columns; made by :func:`select_columns`."""

    table: DataFrame
    """A row for each model that was fitted: ``step``, ``change`` (such as "+x1 to gate"),
    ``taken`` (whether the search went on from there), ``expert_features``, ``gate_features``, and
    the numbers of :class:`Selection`."""
    criterion: str
    """What chose."""
    direction: str
    """Which changes were tried."""
    best_estimator_: BaseMixture = field(repr=False)
    """The fit at which the search ended."""
    best_params_: Settings
    """Its ``expert_features`` and ``gate_features``."""

    @property
    def steps(self) -> DataFrame:
        """The rows of the table that were taken, from the start on."""
        return self.table[self.table["taken"]]

    def summary(self) -> str:
        """The search in sentences, and its steps in a table.

        Returns
        -------
        str
            Lines for a person.
        """
        chosen = ", ".join(f"{name}={value}" for name, value in self.best_params_.items())
        columns = ["step", "change", "log_likelihood", "n_parameters", self.criterion, "status"]
        steps = self.steps[columns].to_string(
            index=False,
            float_format="{:.4f}".format,
            formatters={"n_parameters": "{:.0f}".format},
        )
        told = f"{chosen} by {self.criterion}, {self.direction}, {len(self.table)} fits."
        return f"{told}\n\n{steps}"

    def __repr__(self) -> str:
        return self.summary()


class _Place(NamedTuple):
    """A model that was fitted: where the search was, and how it came there."""

    step: int
    change: str
    chosen: Chosen


def select_columns(
    X: Table,
    y: Response,
    *,
    estimator: Estimator = None,
    direction: Setting = "forward",
    parts: Setting = ("experts", "gate"),
    criterion: Setting = "bic",
    cv: Splitter | None = None,
    sample_weight: Weights = None,
    params: Setting = None,
    verbose: Setting = False,
) -> ColumnSearch:
    """Search for the columns of X that the experts need, and for those of the gate.

    Every step fits all models that differ by one column of the experts or of the gate, and goes
    to the best of them if that is better than what there is. As with :func:`select`, only a
    regular maximum can win. Columns that matter together but not alone are found backward only.

    Parameters
    ----------
    X : array-like of shape (n, d)
        Inputs.
    y : array-like of shape (n,) or (n, m)
        Responses or labels.
    estimator : estimator, default=None
        All other settings, the number of experts among them; None is
        ``MixtureOfExperts(random_state=0)``. Its ``expert_features`` and ``gate_features`` are the
        columns that are searched; None means all. It is not changed.
    direction : {"forward", "backward", "both"}, default="forward"
        Begin without columns and add some; begin with all and take some away; or begin without
        and do both.
    parts : sequence of {"experts", "gate"}, default=("experts", "gate")
        Whose columns are searched; another part keeps those of the estimator.
    criterion : {"bic", "aic", "sabic", "caic", "icl", "held_out"}, default="bic"
        What is best: the smallest criterion, or the largest mean log density of held-out rows.
    cv : int or splitter, default=None
        Folds for the held-out density, as in :func:`select`.
    sample_weight : array-like of shape (n,), default=None
        Row weights as in ``fit``.
    params : dict, default=None
        Further arguments of ``fit``.
    verbose : bool, default=False
        Print a line for each step.

    Returns
    -------
    ColumnSearch
        All models, the steps, and the fit at the end.

    Raises
    ------
    ValueError
        If an argument has a wrong type or range, if the estimator names its columns by a formula,
        or if the criterion does not apply.

    Examples
    --------
    >>> from mixstat import MixtureOfExperts
    >>> from mixstat.datasets import make_tent
    >>> from mixstat.selection import select_columns
    >>> X, y = make_tent(300, random_state=0)
    >>> moe = MixtureOfExperts(2, n_init=2, random_state=0)
    >>> found = select_columns(X, y, estimator=moe, parts="experts")
    >>> found.best_params_
    {'expert_features': [0], 'gate_features': [0, 1, 2]}
    >>> found.steps["change"].tolist()
    ['start', '+x0 to experts']
    """
    way = check_choice("direction", direction, DIRECTIONS)
    criterion = check_choice("criterion", criterion, CRITERIA)
    progress = Progress("select_columns", check_switch("verbose", verbose))
    base = check_base(estimator)
    if base._formulas() is not None:
        raise ValueError(
            "estimator must name columns by expert_features and gate_features, not by a formula; "
            f"got {base!r}."
        )
    rows = rows_of_grid(base, X, y, cv, sample_weight, params)
    check_criterion(criterion, base, [{}], [], rows, cv)
    told = [source_of(rows.params.get(name)) for name in BESIDE]
    search = _Search(base, rows, _names(without_columns(rows.X, *told)), criterion)
    searched = search.searched(_parts(parts))
    return search.run(way, searched, progress)


def _parts(parts: Setting) -> list[int]:
    """Numbers of the parts that are searched."""
    listed = [parts] if isinstance(parts, str) else parts
    if not isinstance(listed, list | tuple) or not listed:
        raise ValueError(f"parts must list 'experts', 'gate' or both, got {parts!r}.")
    return sorted({list(PARTS).index(check_choice("parts", one, list(PARTS))) for one in listed})


def _names(X: Table) -> list[str]:
    frame = as_frame(X)
    if frame is not None:
        return [str(name) for name in frame.columns]
    return [f"x{j}" for j in range(np.asarray(check_table("X", X, 2)).shape[1])]


class _Search:
    """What a search has fitted so far."""

    def __init__(
        self, base: BaseMixture, rows: RowsOfGrid, names: list[str], criterion: str
    ) -> None:
        self.base, self.rows, self.names, self.criterion = base, rows, names, criterion
        self.places: list[_Place] = []
        self.members: list[Member] = []
        self.taken: list[int] = []

    def searched(self, parts: list[int]) -> Chosen:
        """Columns that may come and go, of each part."""
        settings = self.base.get_params(deep=False)
        allowed = [choose_columns(name, settings[name], self.names) for name in PARTS.values()]
        self.all: Chosen = (frozenset(allowed[0].tolist()), frozenset(allowed[1].tolist()))
        none: frozenset[int] = frozenset()
        return (self.all[0] if 0 in parts else none, self.all[1] if 1 in parts else none)

    def run(self, way: str, searched: Chosen, progress: Progress) -> ColumnSearch:
        """Steps until none is better."""
        began = time.perf_counter()
        fixed = (self.all[0] - searched[0], self.all[1] - searched[1])
        first = self.all if way == "backward" else fixed
        best = self._fit(_Place(0, START, first))
        self._check_first(best)
        step = 0
        while True:
            self.taken.append(best)
            progress.say(
                f"step {step}: {self.places[best].change}, {self.members[best].status}, "
                f"{time.perf_counter() - began:.1f} s"
            )
            step += 1
            near = self._neighbours(self.places[best].chosen, way, searched, step)
            better = self._best([best, *(self._fit(place) for place in near)])
            if better == best:
                return self._ended(best, way)
            best = better

    def _neighbours(self, chosen: Chosen, way: str, searched: Chosen, step: int) -> list[_Place]:
        """Models that differ by a column and were not fitted yet."""
        seen = {place.chosen for place in self.places}
        near: list[_Place] = []
        for part, name in enumerate(PARTS):
            for j in sorted(searched[part]):
                gone = j in chosen[part]
                if way == ("forward" if gone else "backward"):
                    continue
                changed = list(chosen)
                changed[part] = chosen[part] ^ {j}
                sign, to = ("-", "from") if gone else ("+", "to")
                place = _Place(step, f"{sign}{self.names[j]} {to} {name}", (changed[0], changed[1]))
                near += [] if place.chosen in seen else [place]
        return near

    def _fit(self, place: _Place) -> int:
        """Fit a model; its number."""
        self.places.append(place)
        self.members.append(fit_member(self.base, self._settings(place.chosen), self.rows))
        return len(self.members) - 1

    def _settings(self, chosen: Chosen) -> Settings:
        columns = [self._columns(one) for one in chosen]
        return dict(zip(PARTS.values(), columns, strict=True))

    def _columns(self, chosen: frozenset[int]) -> list[str] | list[int]:
        """Names where X has names, else positions."""
        if as_frame(self.rows.X) is not None:
            return [self.names[j] for j in sorted(chosen)]
        return sorted(chosen)

    def _best(self, several: list[int]) -> int:
        """The best of some models; the first, unless another one is better."""
        table = table_of([self.members[i] for i in several], tuple(PARTS.values()))
        best = best_row(table, self.criterion)
        assert best is not None  # the first has a value
        value = value_of(table, self.criterion)
        return (
            several[best]
            if table["regular"][best] > table["regular"][0] or (value[best] < value[0])
            else several[0]
        )

    def _check_first(self, first: int) -> None:
        """Refuse to begin where there is no fit, or no criterion of it."""
        member = self.members[first]
        table = table_of([member], tuple(PARTS.values()))
        if best_row(table, self.criterion) is None:
            raise ValueError(
                f"criterion={self.criterion!r} must apply to the model that the search begins "
                f"with, and does not: {member.remark}"
            )

    def _ended(self, best: int, way: str) -> ColumnSearch:
        import pandas

        table = table_of(self.members, tuple(PARTS.values()))
        numbers = range(len(table))
        how = pandas.DataFrame(
            {
                "step": [place.step for place in self.places],
                "change": [place.change for place in self.places],
                "taken": [i in self.taken for i in numbers],
            }
        )
        winner = self.members[best].estimator
        assert winner is not None
        return ColumnSearch(
            table=pandas.concat([how, table], axis=1),
            criterion=self.criterion,
            direction=way,
            best_estimator_=winner,
            best_params_=self.members[best].settings,
        )
