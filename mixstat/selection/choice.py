"""A grid of models in one call: how many experts, which gate, which family."""

import numpy as np
from sklearn.exceptions import ConvergenceWarning

import mixstat.selection.criteria as criteria
import mixstat.selection.folds as folds
import mixstat.selection.grid as grids
from mixstat.alignment import check_same_rows
from mixstat.arguments import Estimator, Response, Setting, Table, Weights, count_rows
from mixstat.estimators.base import BaseMixture
from mixstat.estimators.named import without_named
from mixstat.estimators.regressor import MixtureOfExperts
from mixstat.fitting.progress import Progress
from mixstat.results import warn
from mixstat.selection.folds import Splitter, check_params
from mixstat.selection.kept import KeptMembers
from mixstat.selection.member import IMPOSSIBLE, Member, RowsOfGrid, fit_member
from mixstat.selection.selected import Selection, best_row, table_of
from mixstat.selection.told import label
from mixstat.validation import check_choice, check_integer, check_switch, check_weights


def select(
    X: Table,
    y: Response = None,
    *,
    estimator: Estimator = None,
    n_experts: Setting = range(1, 7),
    criterion: Setting = "bic",
    cv: Splitter | None = None,
    eic_draws: Setting = 0,
    sample_weight: Weights = None,
    params: Setting = None,
    folder: Setting = None,
    verbose: Setting = False,
    **settings: Setting,
) -> Selection:
    """Fit every model of a grid and choose one.

    Only a regular maximum can win: one with a vanishing gradient and nothing degenerate about
    it. What was passed over for that reason is told by ``summary()``. Each member is searched as
    ``fit`` would, beginning also at the fit of one expert fewer.

    Parameters
    ----------
    X : array-like of shape (n, d)
        Inputs.
    y : array-like of shape (n,) or (n, m)
        Responses or labels; may be left out beside a formula, without ``cv``.
    estimator : estimator, default=None
        All other settings; None is ``MixtureOfExperts(random_state=0)``. It is not changed.
    n_experts : sequence of int, default=range(1, 7)
        Numbers of experts; an estimator with contexts has as many as they are.
    criterion : str, default="bic"
        "bic", "aic", "sabic", "caic", "icl" or "eic", of which the smallest wins; "held_out", the
        largest mean log density of held-out rows; or "one_se", the fewest parameters within one
        standard error of that.
    cv : int or splitter, default=None
        Folds for the held-out density: their number (shuffled by ``estimator.random_state``,
        stratified for classes) or an object with ``split``. None makes none. Units of ``groups``
        in ``params`` stay together, and their densities are of units.
    eic_draws : int, default=0
        Draws of a bootstrap of rows for the extended information criterion, 100 say, of every
        member; 0 makes none.
    sample_weight : array-like of shape (n,), default=None
        Row weights as in ``fit``; also of held-out rows. Information criteria need counts.
    params : dict, default=None
        Further arguments of ``fit``, such as ``{"possibilities": table}``, ``{"offset": logs}``
        or ``{"groups": labels}``.
    folder : path, default=None
        Keeps each finished member there, and takes from there what is finished already: of the
        same rows, settings and version of mixstat alone. Needs ``random_state`` to be an integer.
        Files are pickles.
    verbose : bool, default=False
        Print a line for each member.
    **settings : list
        Values of any constructor parameter of the estimator, such as
        ``gate=["softmax", "gaussian"]``, ``degree=[1, 2]``, ``expert=["gaussian", "t"]`` or
        ``covariance=["full", "diagonal"]``, or of a setting of a part, such as ``gate__k=[1, 2]``
        beside ``gate="top_k"``. What is no list is one value; a value that is itself
        a list, such as a family for each expert, stands in a list.

    Returns
    -------
    Selection
        Table, fits, winner and plot.

    Raises
    ------
    ValueError
        If an argument has a wrong type or range, if a value is possible in no member, or if the
        criterion does not apply: to members with different units of density, to weights that are
        no counts, to fits with a ridge.

    Warns
    -----
    UserWarning
        Before anything is fitted, of members that are impossible, such as more experts to be kept
        by a gate than there are.
    ConvergenceWarning
        If no member is a regular maximum; the best of what there is is returned then.

    References
    ----------
    Biernacki, C., Celeux, G. and Govaert, G. (2000). Assessing a mixture model for clustering with
    the integrated completed likelihood. IEEE Trans. Pattern Anal. Mach. Intell. 22, 719-725.

    Ishiguro, M., Sakamoto, Y. and Kitagawa, G. (1997). Bootstrapping log likelihood and EIC, an
    extension of AIC. Ann. Inst. Statist. Math. 49, 411-434.

    Examples
    --------
    >>> from mixstat import MixtureOfExperts
    >>> from mixstat.datasets import make_tent
    >>> from mixstat.selection import select
    >>> X, y = make_tent(300, random_state=0)
    >>> moe = MixtureOfExperts(n_init=2, random_state=0)
    >>> select(X, y, estimator=moe, n_experts=[1, 2]).best_params_
    {'n_experts': 2}
    """
    criterion = check_choice("criterion", criterion, criteria.CRITERIA)
    progress = Progress("select", check_switch("verbose", verbose))
    base = check_base(estimator)
    grid = grids.members(base, n_experts, settings)
    whole = {name: one for name, one in grid[0].items() if "__" not in name}
    first = grids.with_settings(base, whole)  # whose formula may name a column of weights
    rows = rows_of_grid(first, X, y, cv, sample_weight, params)
    rows = rows._replace(eic_draws=check_integer("eic_draws", eic_draws, 0))
    beside = folds.of_rows(rows.params)
    impossible = grids.refused(base, grid, X, y, rows.sample_weight, **beside)
    check_criterion(criterion, base, grid, impossible, rows, cv)
    kept = None if folder is None else _folder(folder, base, rows)
    if impossible:
        warn(f"Not fitted, being impossible: {grids.listed_refusals(impossible)}", UserWarning)
    return _selection(_members(base, grid, impossible, rows, kept, progress), criterion)


def check_base(estimator: Estimator) -> BaseMixture:
    """The estimator whose settings hold where a grid says nothing."""
    if estimator is None:
        return MixtureOfExperts(random_state=0)
    if not isinstance(estimator, BaseMixture):
        raise ValueError(f"estimator must be one of mixstat, got {estimator!r}.")
    if isinstance(estimator.random_state, np.random.RandomState):  # the same starts for all
        seed = int(estimator.random_state.randint(2**31))
        return grids.with_settings(estimator, {"random_state": seed})
    return estimator


def _folder(folder: Setting, base: BaseMixture, rows: RowsOfGrid) -> KeptMembers:
    if base.random_state is None:
        raise ValueError(
            "folder needs random_state to be an integer, so that a second call asks for the same "
            "fits; got random_state=None."
        )
    return KeptMembers(folder, rows)


def rows_of_grid(
    base: BaseMixture,
    X: Table,
    y: Response,
    cv: Splitter | None,
    sample_weight: Weights,
    params: Setting,
) -> RowsOfGrid:
    """What all members are fitted to, checked."""
    X, y, weights = without_named(X, y, sample_weight, base._formulas())
    further = check_params(params)
    check_same_rows(X=X, y=y, sample_weight=weights, **further)
    if cv is not None and y is None:
        raise ValueError("y must be given beside cv: folds are made of its rows, got None.")
    splits = [] if cv is None else folds.make(cv, base, X, y, further.get("groups"))
    if weights is None:
        return RowsOfGrid(X, y, None, further, splits, "")
    weight = check_weights(weights, count_rows(X))
    why = criteria.why_none_of_weights(weight)
    return RowsOfGrid(X, y, weight, further, splits, why)


def check_criterion(
    criterion: str,
    base: BaseMixture,
    grid: list[grids.Settings],
    impossible: list[grids.Refused],
    rows: RowsOfGrid,
    cv: Splitter | None,
) -> None:
    """Refuse a criterion that cannot compare these members."""
    if criterion in criteria.HELD_OUT and cv is None:
        raise ValueError(f"cv must be given for criterion={criterion!r}, such as cv=5; got None.")
    if criterion == "eic" and not rows.eic_draws:
        raise ValueError("eic_draws must be at least 1 for criterion='eic', such as 100; got 0.")
    if criterion in criteria.INFORMATION and rows.why_none:
        raise ValueError(f"criterion={criterion!r} must not be used here: {rows.why_none}.")
    out = [id(one.settings) for one in impossible]
    fitted = [grids.with_settings(base, one) for one in grid if id(one) not in out]
    if why := criteria.why_none_of_grid(criterion, fitted):
        raise ValueError(f"{why}.")


def _members(
    base: BaseMixture,
    grid: list[grids.Settings],
    impossible: list[grids.Refused],
    rows: RowsOfGrid,
    kept: KeptMembers | None,
    progress: Progress,
) -> list[Member]:
    """All members in the order of the grid."""
    why = {id(one.settings): one.reason for one in impossible}
    members: list[Member] = []
    for one in grid:
        if id(one) in why:
            member = Member(one, kind=IMPOSSIBLE, remark=why[id(one)])
        else:
            member = _member(base, one, rows, kept)
        members.append(member)
        _say(progress, member, len(members), len(grid))
    return members


def _member(
    base: BaseMixture, settings: grids.Settings, rows: RowsOfGrid, kept: KeptMembers | None
) -> Member:
    """A member from the folder, or fitted and then kept."""
    if kept is None:
        return fit_member(base, settings, rows)
    member = kept.find(base, settings)
    if member is None:
        member = fit_member(base, settings, rows)
        kept.keep(base, member)
    return member


def _say(progress: Progress, member: Member, number: int, n_members: int) -> None:
    found = "" if member.criteria is None else f", BIC {member.criteria.bic:.6g}"
    found += f", held out {member.mean_held_out:.6g}" if member.held_out else ""
    progress.say(
        f"{number} of {n_members}: {label(member.settings)}: {member.status}{found}, "
        f"{member.seconds:.1f} s"
    )


def _selection(members: list[Member], criterion: str) -> Selection:
    """The record of all members, with a warning where the winner is not to be trusted."""
    names = tuple(members[0].settings)
    table = table_of(members, names)
    best = best_row(table, criterion)
    if best is None:
        remarks = dict.fromkeys(one.remark for one in members if one.remark)
        raise ValueError(
            f"criterion={criterion!r} must apply to a member at least, and does to none: "
            f"{' '.join(remarks)}"
        )
    if not members[best].is_regular:
        warn(
            f"No member of the grid is a regular maximum. {label(members[best].settings)} is the "
            f"best of what there is: {members[best].remark}",
            ConvergenceWarning,
        )
    return Selection(
        table=table,
        fits=tuple(one.estimator for one in members),
        settings=tuple(one.settings for one in members),
        criterion=criterion,
        best_index_=best,
        setting_names=names,
    )
