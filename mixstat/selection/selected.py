"""What a grid found: a table, the fits, and the one that was chosen."""

from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float

from mixstat.arguments import Axes, DataFrame
from mixstat.estimators.base import BaseMixture
from mixstat.plotting.selection import SelectionDisplay
from mixstat.selection.criteria import HELD_OUT, Criteria
from mixstat.selection.grid import Settings
from mixstat.selection.member import Member
from mixstat.selection.told import cell, label

NO_CRITERIA = Criteria(*[np.nan] * len(Criteria._fields))
SHOWN = 8  # members in words


@dataclass(frozen=True, eq=False, repr=False)
class Selection:
    """Members of a grid of models, compared; made by :func:`select`.

    Examples
    --------
    >>> from mixstat import MixtureOfExperts
    >>> from mixstat.datasets import make_tent
    >>> from mixstat.selection import select
    >>> X, y = make_tent(300, random_state=0)
    >>> moe = MixtureOfExperts(n_init=2, random_state=0)
    >>> found = select(X, y, estimator=moe, n_experts=[1, 2])
    >>> found.table[["n_experts", "n_parameters", "regular"]]
       n_experts  n_parameters  regular
    0          1             5     True
    1          2            14     True
    """

    table: DataFrame
    """A row a member: its settings, log_likelihood, n_parameters, aic, bic, sabic, caic, icl,
    eic, entropy, held_out, held_out_se, status, regular, sound, seconds and remark."""
    fits: tuple[BaseMixture | None, ...]
    """The fitted estimator of each row; None where there is none."""
    settings: tuple[Settings, ...] = field(repr=False)
    """What each row was given."""
    criterion: str
    """What chose."""
    best_index_: int
    """Row of the winner."""
    setting_names: tuple[str, ...]
    """Columns of the table that are settings, n_experts first."""

    @property
    def best_estimator_(self) -> BaseMixture:
        """The fit of the winner."""
        best = self.fits[self.best_index_]
        assert best is not None
        return best

    @property
    def best_params_(self) -> Settings:
        """Settings of the winner."""
        return dict(self.settings[self.best_index_])

    def plot(self, *, ax: Axes = None) -> SelectionDisplay:
        """Draw the criteria over the number of experts, a line for all else.

        Parameters
        ----------
        ax : array of matplotlib Axes, default=None
            One for each criterion that is drawn; None makes a new figure.

        Returns
        -------
        SelectionDisplay
            The display, with ``axes_`` and ``figure_``.
        """
        return SelectionDisplay.from_selection(self, ax=ax)

    def summary(self) -> str:
        """The choice in sentences, and the best members in a table.

        Returns
        -------
        str
            Lines for a person.
        """
        column = "held_out" if self.criterion in HELD_OUT else self.criterion
        order = self.table[column].sort_values(ascending=column != "held_out").index
        columns = [*self.setting_names, "log_likelihood", "n_parameters", column, "status"]
        best = self.table.loc[order[:SHOWN], columns]
        more = len(self.table) - len(best)
        told = [
            f"{label(self.best_params_)} is chosen by {self.criterion} among {self._counted()}."
        ]
        told += self._cautions(order)
        shape = {"n_parameters": "{:.0f}".format}
        told += ["", best.to_string(float_format="{:.4f}".format, formatters=shape)]
        return "\n".join(told + ([f"and {more} more in .table"] if more > 0 else []))

    def __repr__(self) -> str:
        return self.summary()

    def _counted(self) -> str:
        regular, n = int(self.table["regular"].sum()), len(self.table)
        return f"{n} members, of which {regular} are regular maxima"

    def _cautions(self, order: DataFrame) -> list[str]:
        """What to mind of the winner: its certificate, and members that were passed over."""
        certificate = self.best_estimator_.certificate_
        told = [] if certificate.sound else [f"The winner is not sound. {certificate}"]
        if self.criterion != "one_se":
            place = list(order).index(self.best_index_)
            told += [
                f"Passed over, being no regular maximum: {label(self.settings[i])} "
                f"({self.table['status'][i]})."
                for i in order[:place]
            ]
        return told


def table_of(members: list[Member], names: tuple[str, ...]) -> DataFrame:
    """A row for each member."""
    import pandas

    return pandas.DataFrame([_row(one, names) for one in members])


def _row(member: Member, names: tuple[str, ...]) -> dict[str, object]:
    numbers = member.criteria or NO_CRITERIA
    fit = None if member.estimator is None else member.estimator.fit_
    total = np.nan if fit is None else fit.criterion_log_likelihood * fit.sum_of_weights
    return {
        **{name: cell(member.settings[name]) for name in names},
        "log_likelihood": total,
        "n_parameters": np.nan if fit is None else fit.n_parameters,
        **numbers._asdict(),
        "eic": member.eic,
        "entropy": member.entropy,
        "held_out": member.mean_held_out,
        "held_out_se": member.error_held_out,
        "status": member.status,
        "regular": member.is_regular,
        "sound": member.is_sound,
        "seconds": member.seconds,
        "remark": member.remark,
    }


def value_of(table: DataFrame, criterion: str) -> Float[np.ndarray, " n"]:
    """What is minimised, for each row; NaN where it does not apply."""
    if criterion in HELD_OUT:
        return -table["held_out"].to_numpy(float)
    return table[criterion].to_numpy(float)


def best_row(table: DataFrame, criterion: str) -> int | None:
    """Row of the winner among regular fits, or among all where none is; None without any value.

    With "one_se" it is that of the fewest parameters whose held-out density is within one
    standard error of the best.
    """
    value = value_of(table, criterion)
    allowed = np.isfinite(value)
    regular = allowed & table["regular"].to_numpy(bool)
    allowed = regular if regular.any() else allowed
    if not allowed.any():
        return None
    best = int(np.argmin(np.where(allowed, value, np.inf)))
    if criterion != "one_se":
        return best
    error = float(table["held_out_se"][best])
    near = allowed & (value <= value[best] + (error if np.isfinite(error) else 0.0))
    size = np.where(near, table["n_parameters"].to_numpy(float), np.inf)
    return int(np.lexsort((value, size))[0])
