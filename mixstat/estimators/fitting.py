"""From tables to the certified maximum: which starts, on which rows, by which solver."""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import numpy as np
from sklearn.utils import check_random_state

from mixstat import batch as batches
from mixstat import flat
from mixstat.design.design import Design
from mixstat.estimators.context_starts import start_rows, within_contexts
from mixstat.estimators.data import Tables, choose_strengths, to_internal
from mixstat.model import Mixture
from mixstat.precision import in_float64
from mixstat.results import FitResult
from mixstat.solvers import problem as problems
from mixstat.solvers import starts
from mixstat.solvers.multistart import Start, first_models, multistart
from mixstat.solvers.problem import Strengths
from mixstat.validation import check_choice


class Fitted(NamedTuple):
    """The outcome of a fit."""

    result: FitResult
    starts: np.ndarray  # a row per start
    share: np.ndarray  # (K,) of the weight
    strengths: Strengths  # of the penalty that was used
    n_parameters: int  # free and, under an L1 penalty, not zero
    problem: problems.Problem


@in_float64
def maximise(
    settings: Any,
    tables: Tables,
    null: Mixture,
    given: Start | None,
    log: Callable[[str], None],
    *,
    fixed: np.ndarray | None = None,
    units: float = 0.0,
) -> Fitted:
    """Run the starts; return the winner and what else a person may ask for.

    Parameters
    ----------
    settings
        An estimator: its solver, starts, tolerances and seed.
    tables
        Rows that count.
    null
        A model of the right shape in which experts are alike.
    given
        The user's start, or None to make starts.
    log
        Told of progress, a line at a time.
    fixed
        Parameters to be held at their value in ``null``.
    units
        Taken from every log-likelihood told or tabled: the log of the units of the data.
    """
    attempt = partial(_attempt, settings, tables, null, given, log, fixed=fixed, units=units)
    longest = batches.MAX_ROWS
    while True:
        try:
            return attempt(longest=longest)
        except (MemoryError, jax.errors.JaxRuntimeError) as error:
            if not _out_of_memory(error):
                raise
            longest //= 2
            if longest < batches.MIN_ROWS:
                raise MemoryError(_too_large(tables, null)) from error
        log(f"out of memory: going on with at most {longest} rows at a time")


def _out_of_memory(error: Exception) -> bool:
    return isinstance(error, MemoryError) or "RESOURCE_EXHAUSTED" in str(error)


def _too_large(tables: Tables, null: Mixture) -> str:
    n, size = len(tables.y), flat.size(null)
    columns = tables.y.shape[1] + tables.Phi.shape[1] + 1
    columns += 0 if tables.Z is tables.Phi else tables.Z.shape[1]
    return (
        f"Out of memory for X with {n} rows: the rows take {8 * n * columns / 2**20:.0f} MiB "
        f"({columns} columns), a Hessian of {size} parameters {8 * size**2 / 2**20:.0f} MiB, and "
        f"shorter chunks of rows, down to {batches.MIN_ROWS}, did not help. Fit a sample of the "
        "rows, a lower degree or fewer experts."
    )


def _attempt(
    settings: Any,
    tables: Tables,
    null: Mixture,
    given: Start | None,
    log: Callable[[str], None],
    *,
    fixed: np.ndarray | None,
    units: float,
    longest: int,
) -> Fitted:
    """One try, with chunks of at most ``longest`` rows."""
    n_rows, k = len(tables.y), null.n_experts
    seed = _seed(settings)
    sample = known = None
    if given is None or n_rows <= starts.SAMPLE:
        sample, known = start_rows(tables)
    distinct = n_rows if sample is None else min(n_rows, len(sample.y))
    strengths = choose_strengths(settings, distinct, flat.size(null))
    options = {
        "min_scale": settings.min_scale,
        "strengths": strengths,
        "constants": (tables.gate_constant, tables.expert_constant),
        "fixed": fixed,
    }
    data = tables.lay_out(null, longest=longest)
    problem = problems.make(null, data, **options)
    if settings.precision == "float32" and settings.solver == "auto":
        problem = problem._replace(draft=batches.single(data))
    if given is not None or sample is None:
        short, chosen = problem, [given] if given is not None else []
    else:
        same = tables._replace(**sample._asdict(), log_possibility=known)
        room = n_rows if n_rows <= starts.SAMPLE else 0
        short = problems.make(null, same.lay_out(null, room=room, longest=longest), **options)
        chosen = made_starts(settings, sample, k, seed)
        if known is not None:
            chosen = within_contexts(chosen, known, sample.weight, lead=settings.init == "auto")
    log(f"{n_rows} rows, {k} experts, {flat.size(null)} parameters, {len(chosen)} starts")
    result, table = multistart(
        problem,
        short,
        first_models(short, null, chosen, np.random.default_rng(seed + 1)),
        solver=settings.solver,
        tol=settings.tol,
        max_iter=settings.max_iter,
        log=log,
        units=units,
    )
    used = problem.varying & ~zeroed(problem, result.model)
    share = np.asarray(result.mass)
    # a direction that never changes the model is no parameter
    n_parameters = int(used.sum()) - len(result.model.gate.invariances())
    return Fitted(result, table, share, strengths, n_parameters, problem)


def zeroed(problem: problems.Problem, model: Mixture) -> np.ndarray:
    """(D,) which parameters an L1 penalty holds at zero."""
    vector = flat.to_vector(model)
    if problem.shrink is None or problem.shrink.l1 is None:
        return np.zeros(len(vector), bool)
    return (vector == 0) & (problem.shrink.l1 > 0)


def _seed(settings: Any) -> int:
    """A number from the estimator's seed."""
    return int(check_random_state(settings.random_state).randint(2**31))


def made_starts(settings: Any, sample: starts.StartRows, k: int, seed: int) -> list[Start]:
    """Starts of the kinds asked for, from a seed."""
    if isinstance(settings.init, str):
        kinds = starts.KINDS if settings.init == "auto" else (settings.init,)
    else:
        kinds = tuple(settings.init)
    made = starts.responsibilities(sample, k, kinds, np.random.default_rng(seed))
    n = settings.n_init if k > 1 else 1  # one expert has one maximum
    return [Start(*next(made)) for _ in range(n)]


def given_start(
    init: Any,
    before: Mixture | None,
    tables: Tables,
    designs: tuple[Design, Design],
    null: Mixture,
    kept: np.ndarray,
) -> Start | None:
    """The user's start, if there is one: responsibilities, labels or a fitted model.

    ``before`` is the model of a warm start, in the user's units; it is used if its shape still
    fits. ``kept`` marks the rows of the user's table that count.
    """
    if before is not None and same_shape(before, designs, null, tables):
        return Start("warm", model=to_internal(before, tables, *designs))
    if hasattr(init, "fit") and not hasattr(init, "user_model_"):
        raise ValueError(
            "init is an estimator that is not fitted (cloning, as in cross-validation, unfits "
            "it); give labels or responsibilities instead."
        )
    if hasattr(init, "user_model_"):
        if init.user_model_.n_experts != null.n_experts:
            raise ValueError(
                f"init has {init.user_model_.n_experts} experts, n_experts={null.n_experts}."
            )
        if not same_shape(init.user_model_, designs, null, tables):
            raise ValueError(
                "init was fitted with other features, outputs or covariance: its experts use "
                f"{', '.join(init.expert_names_)} and its gate {', '.join(init.gate_names_)}."
            )
        return Start("model", model=to_internal(init.user_model_, tables, *designs))
    words = [init] if isinstance(init, str) else init
    if isinstance(words, tuple | list) and words and all(isinstance(k, str) for k in words):
        for kind in words if words is init else ():
            check_choice("init", kind, starts.KINDS)
        return None
    return Start("given", given_responsibilities(init, null.n_experts, kept))


def same_shape(
    model: Mixture, designs: tuple[Design, Design], null: Mixture, tables: Tables
) -> bool:
    """Whether a model in the user's units has the columns and parameters of this fit."""
    expert, gate = designs
    like = Mixture(
        null.gate.in_units(np.eye(*gate.to_user.shape)),
        null.experts.in_units(
            np.zeros(len(tables.location)),
            np.ones(len(tables.location)),
            np.eye(*expert.to_user.shape),
        ),
    )
    shapes = [[leaf.shape for leaf in jax.tree.leaves(tree)] for tree in (model, like)]
    kinds = [jax.tree.structure(tree) for tree in (model, like)]
    return shapes[0] == shapes[1] and kinds[0] == kinds[1]


def given_responsibilities(init: Any, n_experts: int, kept: np.ndarray) -> np.ndarray:
    """The user's start as responsibilities of the rows that count (positive weight)."""
    array = np.asarray(init)
    n = len(kept)
    if array.shape == (n,) and np.issubdtype(array.dtype, np.integer):
        if array.min() < 0 or array.max() >= n_experts:
            raise ValueError(
                f"init labels must lie in 0..{n_experts - 1}, got {array.min()}..{array.max()}."
            )
        return starts.one_hot(array[kept], n_experts)
    if array.shape != (n, n_experts):
        raise ValueError(
            "init must be 'auto', a kind of start, a fitted estimator, integer labels of shape "
            f"({n},) or responsibilities of shape ({n}, {n_experts}); got shape {array.shape}."
        )
    array = array.astype(float)
    if not np.all(np.isfinite(array)) or array.min() < 0:
        raise ValueError("init responsibilities must be finite and not negative.")
    totals = array.sum(axis=1, keepdims=True)
    if np.any(totals <= 0):
        raise ValueError("init responsibilities must have a positive entry in every row.")
    return (array / totals)[kept]
