"""Losses of a fit against a truth. A new loss is one function and one line of the registry."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from mixstat.experts.gaussian import GaussianExperts
from mixstat.experts.multinomial import MultinomialExperts
from mixstat.gates.gaussian import GaussianGate
from mixstat.gates.softmax import LinearSoftmaxGate
from mixstat.gates.sparse import SparseGate
from mixstat.gates.temperature import TemperatureGate
from mixstat.model import Mixture
from mixstat.rates.law import Law
from mixstat.rates.losses import stated
from mixstat.rates.losses.density import divergences
from mixstat.rates.losses.errors import block_errors, function_errors
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


def voronoi_of(truth: Mixture, *, exact: bool) -> VoronoiLoss:
    """The Voronoi loss stated for this kind of gate and experts.

    Raises
    ------
    ValueError
        If none is.
    """
    gate, experts = truth.gate, truth.experts
    classes = isinstance(experts, MultinomialExperts)
    if not classes and not isinstance(experts, GaussianExperts):
        raise ValueError(f"no Voronoi loss is stated for {type(experts).__name__}.")
    if isinstance(gate, LinearSoftmaxGate | SparseGate):
        if classes:
            return stated.MULTINOMIAL
        return stated.SOFTMAX_EXACT if exact else stated.SOFTMAX_OVER
    if isinstance(gate, GaussianGate) and not classes:
        zero = bool(np.any(np.all(gate.coefficients() == 0, axis=1)))
        over = stated.GAUSSIAN_OVER_ZERO if zero else stated.GAUSSIAN_OVER
        return stated.GAUSSIAN_EXACT if exact else over
    if isinstance(gate, TemperatureGate) and not classes:
        if gate.activation is None:
            return stated.TEMPERATURE
        return stated.ACTIVATION_EXACT if exact else stated.ACTIVATION_OVER
    named = f"{type(gate).__name__} with {type(experts).__name__}"
    raise ValueError(f"no Voronoi loss is stated for {named}.")


def _plain_temperature(truth: Mixture) -> str:
    gate = truth.gate
    plain = isinstance(gate, TemperatureGate) and gate.activation is None
    return "" if plain else "it is for gates with a temperature and no activation"


def _softmax_gaussian(truth: Mixture) -> str:
    gaussian = isinstance(truth.experts, GaussianExperts)
    fine = gaussian and isinstance(truth.gate, LinearSoftmaxGate | SparseGate)
    return "" if fine else "it is for softmax gates and Gaussian experts"


def _stated(truth: Mixture) -> str:
    try:
        voronoi_of(truth, exact=True)
    except ValueError as error:
        return str(error)
    return ""


def _same_kind(truth: Truth, model: Mixture, more: Callable[[Mixture], str]) -> str:
    """Why atoms of the model cannot be laid on those of the truth."""
    if not truth.is_mixture:
        return f"the truth {truth.name!r} is no mixture, so there are no atoms to compare"
    pairs = [(truth.mixture.gate, model.gate), (truth.mixture.experts, model.experts)]
    for true, own in pairs:
        if type(true) is not type(own):
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
    return _same_kind(truth, model, _stated)


LOSSES: dict[str, Loss] = {
    "voronoi_exact": _atoms(
        lambda t: voronoi_of(t, exact=True), _stated, "Voronoi loss, exact-specified"
    )("voronoi_exact"),
    "voronoi_over": _atoms(
        lambda t: voronoi_of(t, exact=False), _stated, "Voronoi loss, over-specified"
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


# columns by which a loss may be asked for
COLUMNS = {
    "hellinger": "density",
    "total_variation": "density",
    "kl": "density",
    "expert_function": "functions",
    "cell_function": "functions",
}


def resolve(names: Sequence[str], truth: Truth, model: Mixture) -> tuple[str, ...]:
    """Entries of the registry, from their names, names of columns, or "voronoi".

    Raises
    ------
    ValueError
        If a loss is unknown, or not defined for such a fit of such a truth.
    """
    found = []
    for asked in names:
        name = COLUMNS.get(asked, asked)
        if name == "voronoi":
            exact = truth.is_mixture and truth.n_experts == model.n_experts
            name = "voronoi_exact" if exact else "voronoi_over"
        if name not in LOSSES:
            known = ", ".join([*LOSSES, *COLUMNS, "voronoi"])
            raise ValueError(f"losses must be of {known}; got {asked!r}.")
        reason = LOSSES[name].suits(truth, model)
        if reason:
            raise ValueError(f"loss {asked!r} cannot be used for {truth.name!r}: {reason}.")
        found.append(name)
    return tuple(dict.fromkeys(found))


def evaluate(names: Sequence[str], truth: Truth, laws: Sequence[Law]) -> Columns:
    """Columns of several losses for fitted laws of one shape.

    Raises
    ------
    ValueError
        If a loss is unknown or not defined for these models.
    """
    found: Columns = {}
    for name in resolve(names, truth, laws[0].mixture):
        found |= LOSSES[name].columns(truth, laws)
    return found


def default_losses(truth: Truth, model: Mixture) -> tuple[str, ...]:
    """All losses that suit, of the two Voronoi losses the one for this number of experts."""
    names = ["density"]
    if not _with_atoms(truth, model):
        exact = model.n_experts == truth.n_experts
        names += ["voronoi_exact" if exact else "voronoi_over", "errors", "functions"]
    if truth.is_mixture and not _same_kind(truth, model, _plain_temperature):
        names.append("voronoi_ratio_exact" if exact else "voronoi_ratio_over")
    return tuple(names)
