"""Fits to rows in blocks: a search on a sample, and passes over all of them."""

import warnings
from collections.abc import Callable, Iterator
from copy import copy
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from jaxtyping import Int
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state

from mixstat.arguments import Setting, Table, as_frame
from mixstat.data.alike_blocks import check_alike
from mixstat.data.blocks import Block, Blocks
from mixstat.data.design import MappedColumns
from mixstat.data.formula import FormulaColumns
from mixstat.estimators.by_block import counted_rows, no_rows, nonempty, weights_of
from mixstat.estimators.inferring import InferringMixture
from mixstat.fitting.block_fit import on_all_rows
from mixstat.fitting.checkpoint import Checkpoint
from mixstat.fitting.fit import Fit
from mixstat.fitting.options import Options
from mixstat.fitting.tables import TrainingRows
from mixstat.numerics.threads import made_ahead
from mixstat.results import report


class Sampled(NamedTuple):
    """What the first pass over blocks finds."""

    rows: Block
    """A sample of them."""
    total_weight: float
    count: int
    """Of the rows that count."""
    weighted: bool
    """Whether one of them counts other than once."""


def fit_of_blocks(
    moe: InferringMixture, blocks: Blocks, fit_sample: Callable[[Block], Fit], checkpoint: Setting
) -> Fit:
    """The fit to all rows: a search on a sample of them, and a few passes over all.

    Parameters
    ----------
    moe
        Whose settings hold; it is not changed.
    blocks
        The rows.
    fit_sample
        Its fit to some rows.
    checkpoint
        Path of a file that keeps where the fit has come to; None for none.
    """
    options = moe._options()
    _check_settings(moe, options)
    kept = None if checkpoint is None else Checkpoint(checkpoint)
    seed = int(check_random_state(options.random_state).randint(2**31))
    if kept is not None:
        seed = kept.seed(seed)
    sampled = _draw(blocks, seed)
    with warnings.catch_warnings():  # the verdict is that on all rows
        warnings.simplefilter("ignore", ConvergenceWarning)
        near = fit_sample(sampled.rows)
    _check_designs(near)
    knowing = copy(moe)
    knowing.fit_ = near

    def read() -> Iterator[TrainingRows]:
        count = 0
        for rows in counted_rows(knowing, blocks):
            count += len(rows.y)
            yield rows
        if count != sampled.count:
            raise ValueError(
                "X: Blocks must give the same rows each time they are read, got "
                f"{sampled.count} rows at first and {count} later."
            )

    fit = on_all_rows(replace(near, weighted=sampled.weighted), read, *sampled[1:3], kept)
    report(fit.maximum.certificate, ConvergenceWarning)
    return fit


def _check_settings(moe: InferringMixture, options: Options) -> None:
    """Refuse settings under which a fit to blocks would not be the fit to all rows at once."""
    shrunk = options.penalises or options.scale_penalty
    if shrunk:
        raise ValueError(
            "ridge, expert_penalty, gate_penalty and scale_penalty must be 0 for Blocks: penalties "
            "are in the units of all rows, which are not known before they are read."
        )
    if options.restrictions.any:
        raise ValueError(
            "constraints, common and frozen must be left out for Blocks, got "
            f"{'; '.join(options.restrictions.describe())}."
        )
    if not options.gate.continuous:
        raise ValueError(
            f"gate must be continuous for Blocks, got {type(options.gate).__name__}, whose search "
            "needs all rows at once."
        )
    if moe.missing != "raise":
        raise ValueError(f"missing must be 'raise' for Blocks, got {moe.missing!r}.")


def _check_designs(near: Fit) -> None:
    """Refuse formulas that learn from the rows, of which a sample would teach them."""
    for design in (near.designs.experts, near.designs.gate):
        source = design.source
        source = source.source if isinstance(source, MappedColumns) else source
        if isinstance(source, FormulaColumns) and any(source.spec.transform_state.values()):
            learning = [name for name, state in source.spec.transform_state.items() if state]
            raise ValueError(
                f"{source.argument} must not have {', '.join(learning)} for Blocks, which learns "
                "from all rows at once; write polynomials as I(x**2)."
            )


def _draw(blocks: Blocks, seed: int) -> Sampled:
    """A sample of the rows, each as likely as any other, in one pass."""
    random = np.random.default_rng(seed)
    kept: list[Block] = []
    keys = np.zeros(0)
    total, count, weighted = 0.0, 0, False
    first: Block | None = None
    for number, block in enumerate(made_ahead(nonempty(blocks))):
        first = block if first is None else first
        check_alike(first, block, number)
        weight = weights_of(block)
        total, count = total + float(weight.sum()), count + int((weight > 0).sum())
        weighted |= bool(np.any(weight[weight > 0] != 1))
        kept = [_joined([*kept, block._replace(sample_weight=weight)])]
        keys = np.append(keys, random.random(len(weight)))
        if len(keys) > blocks.sample:
            chosen = np.sort(np.argpartition(keys, blocks.sample)[: blocks.sample])
            kept, keys = [_taken(kept[0], chosen)], keys[chosen]
    if not kept:
        raise no_rows()
    if total == 0:
        raise ValueError("sample_weight must have a positive entry, got only zeros in all blocks.")
    return Sampled(kept[0], total, count, weighted)


def _joined(parts: list[Block]) -> Block:
    """Blocks as one."""
    if len(parts) == 1:
        return parts[0]
    return Block(*(_stacked(list(tables)) for tables in zip(*parts, strict=True)))


def _stacked(tables: list[Table]) -> Table:
    if tables[0] is None:
        return None
    if as_frame(tables[0]) is None:
        return np.concatenate([np.asarray(one) for one in tables])
    import pandas as pd

    return pd.concat(tables, ignore_index=True)  # type: ignore[arg-type]


def _taken(block: Block, rows: Int[np.ndarray, " m"]) -> Block:
    return Block(
        *(None if one is None else getattr(one, "iloc", np.asarray(one))[rows] for one in block)
    )
