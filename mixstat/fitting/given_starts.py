"""Starts of a fit: those a person gives, and those that are made."""

from collections.abc import Iterator

import jax
import numpy as np
from jaxtyping import Bool, Float

from mixstat.arguments import Setting
from mixstat.data.design import Design
from mixstat.data.scaling import Scaling
from mixstat.fitting import starts
from mixstat.fitting.first_models import NULL, Start
from mixstat.fitting.options import Options
from mixstat.fitting.schema import Request
from mixstat.fitting.tables import Tables
from mixstat.fitting.units import Designs, to_internal
from mixstat.kinds import check_numbers
from mixstat.model import Mixture
from mixstat.validation import check_choice

FIXED = 12  # starts where their number is left open but cannot adapt


def endless_starts(
    options: Options, sample: starts.StartRows, n_experts: int, seed: int
) -> Iterator[tuple[str, Float[np.ndarray, "n K"]]]:
    """Starts of the kinds asked for, from a seed."""
    if isinstance(options.init, str):
        kinds = starts.KINDS if options.init == "auto" else (options.init,)
    else:
        kinds = tuple(options.init)  # type: ignore[arg-type]
    return starts.responsibilities(sample, n_experts, kinds, np.random.default_rng(seed))


def made_starts(
    options: Options, sample: starts.StartRows, n_experts: int, seed: int
) -> list[Start]:
    """As many of them as were asked for."""
    made = endless_starts(options, sample, n_experts, seed)
    count = FIXED if isinstance(options.n_init, str) else options.n_init
    if n_experts > 1:
        return [Start(*next(made)) for _ in range(count)]
    # one expert has one maximum, if no penalty that is in units of its scale makes others
    null = Start(NULL, np.ones((len(sample.y), 1)))
    return [Start(*next(made)), *([null] if options.shrinks_experts else [])]


def given_start(
    request: Request,
    tables: Tables,
    designs: Designs,
    null: Mixture,
    counted: Bool[np.ndarray, " n"],
) -> Start | None:
    """The user's start, if there is one: responsibilities, labels or a fitted model.

    A warm start is used if its shape still fits. ``counted`` marks the rows of the user's table
    that count.
    """
    before, init = request.before, request.options.init
    if before is not None and same_shape(before, designs, null, tables):
        return Start("warm", model=to_internal(before, designs, tables.units))
    if hasattr(init, "fit"):
        return Start("model", model=_given_model(init, tables, designs, null))
    if _are_kinds(init):
        return None
    return Start("given", given_responsibilities(init, null.n_experts, counted))


def _are_kinds(init: Setting) -> bool:
    """Whether ``init`` names one kind of start or several."""
    words = [init] if isinstance(init, str) else init
    if not isinstance(words, tuple | list) or not words:
        return False
    if not all(isinstance(kind, str) for kind in words):
        return False
    for kind in words if words is init else ():
        check_choice("init", kind, starts.KINDS)
    return True


def _given_model(init: Setting, tables: Tables, designs: Designs, null: Mixture) -> Mixture:
    """The model of an estimator that was given as a start."""
    fit = getattr(init, "fit_", None)
    if fit is None:
        raise ValueError(
            "init is an estimator that is not fitted (cloning, as in cross-validation, unfits "
            "it); give labels or responsibilities instead."
        )
    if fit.n_experts != null.n_experts:
        raise ValueError(f"init has {fit.n_experts} experts, n_experts={null.n_experts}.")
    if not same_shape(fit.user_model, designs, null, tables):
        raise ValueError(
            "init was fitted with other features, outputs or covariance: its experts use "
            f"{', '.join(fit.designs.experts.names)} and its gate "
            f"{', '.join(fit.designs.gate.names)}."
        )
    return to_internal(fit.user_model, designs, tables.units)


def same_shape(model: Mixture, designs: Designs, null: Mixture, tables: Tables) -> bool:
    """Whether a model in the user's units has the columns and parameters of this fit."""
    n_outputs = len(tables.units.location)
    like = Mixture(
        null.gate.in_units(_blank(designs.gate)),
        null.experts.in_units(np.zeros(n_outputs), np.ones(n_outputs), _blank(designs.experts)),
    )
    shapes = [[leaf.shape for leaf in jax.tree.leaves(tree)] for tree in (model, like)]
    kinds = [jax.tree.structure(tree) for tree in (model, like)]
    return shapes[0] == shapes[1] and kinds[0] == kinds[1]


def _blank(design: Design) -> np.ndarray | Scaling:
    """A map of the shape of the design's."""
    to_user = design.to_user
    return to_user if isinstance(to_user, Scaling) else np.eye(*to_user.shape)


def given_responsibilities(
    init: Setting, n_experts: int, counted: Bool[np.ndarray, " n"]
) -> Float[np.ndarray, "r K"]:
    """The user's start as responsibilities of the rows that count (positive weight)."""
    array = np.asarray(check_numbers("init", init))
    n = len(counted)
    if array.shape == (n,) and np.issubdtype(array.dtype, np.integer):
        if array.min() < 0 or array.max() >= n_experts:
            raise ValueError(
                f"init labels must lie in 0..{n_experts - 1}, got {array.min()}..{array.max()}."
            )
        return starts.one_hot(array[counted], n_experts)
    if array.shape != (n, n_experts):
        raise ValueError(
            "init must be 'auto', a kind of start, a fitted estimator, integer labels of shape "
            f"({n},) or responsibilities of shape ({n}, {n_experts}); got shape {array.shape}."
        )
    array = array.astype(float)
    if np.any(wrong := ~(np.isfinite(array) & (array >= 0))):
        raise ValueError(
            f"init responsibilities must be finite and not negative, got {array[wrong][0]}."
        )
    totals = array.sum(axis=1, keepdims=True)
    if np.any(totals <= 0):
        row = int(np.argmax(totals[:, 0] <= 0))
        raise ValueError(
            f"init responsibilities must have a positive entry in every row; row {row} has none."
        )
    return (array / totals)[counted]
