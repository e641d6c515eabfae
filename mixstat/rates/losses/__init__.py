"""Losses of a fit against a truth. A new loss is one function and one line of the registry."""

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import numpy as np

from mixstat.arguments import Setting
from mixstat.model import Mixture
from mixstat.rates.checks import check_instance, check_names, short
from mixstat.rates.law import Law
from mixstat.rates.losses import stated
from mixstat.rates.losses.density import divergences
from mixstat.rates.losses.errors import block_errors, error_columns, function_errors
from mixstat.rates.losses.voronoi import VoronoiLoss
from mixstat.rates.truths import Truth

Columns = dict[str, np.ndarray]  # name and (R,) values


class Loss(NamedTuple):
    """A loss as a study sees it."""

    columns: Callable[[Truth, Sequence[Law]], Columns]
    """Named values for fitted laws."""
    suits: Callable[[Truth, Mixture], str]
    """Why a model like the second cannot be compared with the truth; empty if it can."""
    title: str


def measure_of(mixture: Mixture) -> tuple[str, str]:
    """The kind of mixing measure, as gate and experts declare it."""
    return mixture.gate.measure, mixture.experts.measure


def voronoi_of(truth: Mixture, *, exact: bool) -> VoronoiLoss:
    """The Voronoi loss stated for this kind of gate and experts.

    Raises
    ------
    ValueError
        If none is.
    """
    losses = stated.STATED.get(measure_of(truth))
    if losses is None:
        reason = _unstated(truth)
        raise ValueError(f"{reason}.")
    return losses.exact if exact else losses.over


def _unstated(truth: Mixture) -> str:
    """Why there is no Voronoi loss; empty if there is one."""
    if measure_of(truth) in stated.STATED:
        return ""
    gate, experts = type(truth.gate).__name__, type(truth.experts).__name__
    return f"no Voronoi loss is stated for {gate} with {experts}"


def _only(measure: tuple[str, str], words: str) -> Callable[[Mixture], str]:
    """Why a truth is of another kind than ``measure``."""
    return lambda truth: "" if measure_of(truth) == measure else f"it is for {words}"


_softmax_gaussian = _only(("softmax", "gaussian"), "softmax gates and Gaussian experts")
_plain_temperature = _only(
    ("temperature", "gaussian"),
    "gates with a temperature and no activation, and Gaussian experts",
)


def _same_kind(truth: Truth, model: Mixture, more: Callable[[Mixture], str]) -> str:
    """Why atoms of the model cannot be laid on those of the truth."""
    if not truth.is_mixture:
        return f"the truth {truth.name!r} is no mixture, so there are no atoms to compare"
    pairs = [(truth.mixture.gate, model.gate), (truth.mixture.experts, model.experts)]
    for true, own in pairs:
        if not true.is_like(own):
            return f"atoms of {type(own).__name__} and {type(true).__name__} differ in kind"
    shapes = [np.shape(m.experts.groups()[0].coef)[1:] for m in (truth.mixture, model)]
    if shapes[0] != shapes[1]:
        return "experts have other features than the true ones"
    return more(truth.mixture)


def _atoms(
    find: Callable[[Mixture], VoronoiLoss],
    more: Callable[[Mixture], str],
    title: str,
    plain: bool = False,
) -> Callable[[str], Loss]:
    """A Voronoi loss, made for the name of its column."""

    def make(name: str) -> Loss:
        def columns(truth: Truth, laws: Sequence[Law]) -> Columns:
            loss = find(truth.mixture)
            value = loss.plain if plain else loss
            return {name: value(truth.mixture, [law.mixture for law in laws])}

        return Loss(columns, lambda truth, model: _same_kind(truth, model, more), title)

    return make


def _density(truth: Truth, laws: Sequence[Law]) -> Columns:
    table = np.array([divergences(truth, law) for law in laws]).reshape(len(laws), 6)
    names = ("hellinger", "total_variation", "kl")
    each = [*names, *(f"{name}_error" for name in names)]
    return dict(zip(each, table.T, strict=True))


def _one_output(truth: Truth, model: Mixture) -> str:
    return "" if model.experts.n_outputs == 1 else "distances of densities need one output"


def _errors(truth: Truth, laws: Sequence[Law]) -> Columns:
    exact = truth.n_experts == laws[0].mixture.n_experts
    loss, fitted = voronoi_of(truth.mixture, exact=exact), [law.mixture for law in laws]
    found = block_errors(loss, truth.mixture, fitted)
    if loss is stated.TEMPERATURE:  # w and w / temperature have each their own translation
        ratio = stated.ratio_loss(stated.SOFTMAX_EXACT if exact else stated.SOFTMAX_OVER)
        own = block_errors(ratio, truth.mixture, fitted)
        found |= {k: v for k, v in own.items() if k.startswith("error_ratio_")}
    return found


def _functions(truth: Truth, laws: Sequence[Law]) -> Columns:
    exact = truth.n_experts == laws[0].mixture.n_experts
    return function_errors(voronoi_of(truth.mixture, exact=exact), truth, laws)


def _with_atoms(truth: Truth, model: Mixture) -> str:
    return _same_kind(truth, model, _unstated)


LOSSES: dict[str, Loss] = {
    "voronoi_exact": _atoms(
        lambda t: voronoi_of(t, exact=True), _unstated, "Voronoi loss, exact-specified"
    )("voronoi_exact"),
    "voronoi_over": _atoms(
        lambda t: voronoi_of(t, exact=False), _unstated, "Voronoi loss, over-specified"
    )("voronoi_over"),
    "voronoi_code": _atoms(
        lambda t: stated.SOFTMAX_CODE, _softmax_gaussian, "Voronoi loss, block by block"
    )("voronoi_code"),
    "voronoi_code_untranslated": _atoms(
        lambda t: stated.SOFTMAX_CODE,
        _softmax_gaussian,
        "Voronoi loss of the authors' code, without the translation",
        plain=True,
    )("voronoi_code_untranslated"),
    "voronoi_ratio_exact": _atoms(
        lambda t: stated.ratio_loss(stated.SOFTMAX_EXACT),
        _plain_temperature,
        "Voronoi loss in w / temperature, exact-specified",
    )("voronoi_ratio_exact"),
    "voronoi_ratio_over": _atoms(
        lambda t: stated.ratio_loss(stated.SOFTMAX_OVER),
        _plain_temperature,
        "Voronoi loss in w / temperature, over-specified",
    )("voronoi_ratio_over"),
    "density": Loss(_density, _one_output, "Hellinger, total variation, Kullback-Leibler"),
    "errors": Loss(_errors, _with_atoms, "largest error of each block of parameters"),
    "functions": Loss(_functions, _with_atoms, "error of the experts' functions"),
}


# columns by which a loss may be asked for, and losses by which a column may
COLUMNS = {
    "hellinger": "density",
    "total_variation": "density",
    "kl": "density",
    "expert_function": "functions",
    "cell_function": "functions",
}
VORONOI = "voronoi"  # the one for the number of fitted experts
BLOCK = "error_"  # beginning of the columns of "errors"
UNCERTAINTY = "_error"  # end of the columns that hold an error of integration


def origin(column: str) -> str:
    """The loss that a column belongs to, by the name it may be asked for; or its own name."""
    if column.startswith(BLOCK):
        return "errors"
    if column in ("voronoi_exact", "voronoi_over"):
        return VORONOI
    return COLUMNS.get(column.removesuffix(UNCERTAINTY), column)


def is_loss(column: str) -> bool:
    """Whether a column of a study's table holds a loss."""
    return not column.endswith(UNCERTAINTY) and origin(column) in {*LOSSES, VORONOI}


def find_column(columns: Sequence[str], asked: Setting) -> str:
    """The column of a table by its name, or by that of a loss which has one column there.

    Raises
    ------
    ValueError
        If there is none, or if there are several.
    """
    if isinstance(asked, str) and asked in columns:
        return asked
    own = [c for c in columns if is_loss(c)]
    found = [c for c in own if origin(c) == asked]
    if len(found) == 1:
        return found[0]
    if found:
        raise ValueError(f"loss={asked!r} has the columns {', '.join(found)}: name one of them.")
    known = ", ".join(own or [c for c in columns if not c.startswith("param ")])
    raise ValueError(f"loss must be a column of the table ({known}); got {short(asked)}.")


def resolve(names: Setting, truth: Truth, model: Mixture) -> tuple[str, ...]:
    """Entries of the registry, from their names, names of columns, or "voronoi".

    Raises
    ------
    ValueError
        If a loss is unknown, or not defined for such a fit of such a truth.
    """
    found: list[str] = []
    for asked in check_names("losses", names):
        name = _entry(asked, truth, model)
        if name not in LOSSES:
            known = ", ".join([*LOSSES, *COLUMNS, VORONOI])
            raise ValueError(f"losses must be of {known}; got {asked!r}.")
        reason = LOSSES[name].suits(truth, model)
        if not reason and asked.startswith(BLOCK) and asked not in error_columns(truth.mixture):
            reason = f"its blocks are those of {', '.join(error_columns(truth.mixture))}"
        if reason:
            raise ValueError(f"loss {asked!r} cannot be used for {truth.name!r}: {reason}.")
        found.append(name)
    return tuple(dict.fromkeys(found))


def _entry(asked: str, truth: Truth, model: Mixture) -> str:
    """The entry of the registry that a loss or a column of it belongs to."""
    name = asked if asked in LOSSES else origin(asked)
    if name != VORONOI:
        return name
    exact = truth.is_mixture and truth.n_experts == model.n_experts
    return "voronoi_exact" if exact else "voronoi_over"


def evaluate(names: Setting, truth: Setting, laws: Setting) -> Columns:
    """Columns of several losses for fitted laws of one shape.

    Raises
    ------
    ValueError
        If a loss is unknown or not defined for these models.

    Examples
    --------
    >>> from mixstat.rates import evaluate, find_truth
    >>> mild, steep = find_truth("softmax-gaussian-mild"), find_truth("softmax-gaussian")
    >>> found = evaluate(["voronoi", "kl"], mild, [mild.law, steep.law])
    >>> found["voronoi_exact"].round()
    array([ 0., 53.])
    """
    truth = check_instance("truth", truth, Truth, "a Truth")
    given = list(laws) if isinstance(laws, Iterable) and not isinstance(laws, Law) else [laws]
    wanted = "a law, such as truth.law"
    fitted = [check_instance("each of laws", law, Law, wanted) for law in given or [None]]
    found: Columns = {}
    for name in resolve(names, truth, fitted[0].mixture):
        found |= LOSSES[name].columns(truth, fitted)
    return found


def default_losses(truth: Truth, model: Mixture) -> tuple[str, ...]:
    """All losses that suit, of the two Voronoi losses the one for this number of experts."""
    exact = truth.is_mixture and model.n_experts == truth.n_experts
    names = [] if _one_output(truth, model) else ["density"]
    if not _with_atoms(truth, model):
        names += ["voronoi_exact" if exact else "voronoi_over", "errors", "functions"]
    if not _same_kind(truth, model, _plain_temperature):
        names.append("voronoi_ratio_exact" if exact else "voronoi_ratio_over")
    return tuple(names)
