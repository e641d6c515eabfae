"""Rows in blocks as estimators read them, and questions that are asked of each block."""

from collections.abc import Callable, Iterator
from functools import wraps
from typing import Any, Protocol, TypeVar, cast, runtime_checkable

import numpy as np
from jaxtyping import Float

from mixstat.arguments import Response, Setting, Table, count_rows
from mixstat.data.blocks import Block, Blocks
from mixstat.fitting.tables import TrainingRows
from mixstat.numerics.threads import made_ahead
from mixstat.validation import check_weights


@runtime_checkable
class PairReader(Protocol):
    """An estimator that checks rows."""

    def _read_pairs(self, X: Table, y: Response) -> tuple[Table, Float[np.ndarray, "n c"]]: ...


Method = TypeVar("Method", bound=Callable[..., Any])


def in_blocks(*, with_response: bool = False) -> Callable[[Method], Method]:
    """A method about rows that takes Blocks too, and joins what it tells of each block."""

    def decorate(method: Method) -> Method:
        @wraps(method)
        def asked(self: object, X: Table, *args: object, **kwargs: object) -> object:
            if not isinstance(X, Blocks):
                return method(self, X, *args, **kwargs)
            if args or kwargs:
                raise ValueError(
                    f"X: {method.__name__} of Blocks takes nothing beside them, got {len(args)} "
                    f"more arguments and {list(kwargs)}; blocks bring their responses."
                )
            told = [
                method(self, block.X, block.y) if with_response else method(self, block.X)
                for block in made_ahead(nonempty(X))
            ]
            if not told:
                raise no_rows()
            return np.concatenate(told)

        return cast(Method, asked)

    return decorate


def nonempty(blocks: Blocks) -> Iterator[Block]:
    """Blocks that have rows."""
    return (block for block in blocks if count_rows(block.X))


def no_rows() -> ValueError:
    """The error of blocks without any."""
    return ValueError("X must have rows, got Blocks without any.")


def weights_of(block: Block) -> Float[np.ndarray, " n"]:
    """Weights of the rows of a block, checked; all may be zero."""
    return check_weights(block.sample_weight, count_rows(block.X), all_rows=False)


def counted_rows(moe: PairReader, blocks: Blocks) -> Iterator[TrainingRows]:
    """Rows of each block that count, which must be like those of a fit."""
    for number, block in enumerate(nonempty(blocks)):
        try:
            table, response = moe._read_pairs(block.X, block.y)
            rows = TrainingRows(table, response, weights_of(block)).without_zero_weights()
        except (TypeError, ValueError) as error:
            raise type(error)(f"block {number}: {error}") from error
        if len(rows.y):
            yield rows


def check_alone(**beside: object) -> None:
    """Refuse what blocks bring themselves, or what cannot be given with them."""
    for name, one in beside.items():
        if one is not None:
            raise ValueError(
                f"{name} must be left out beside Blocks, which bring responses and weights (and "
                f"cannot have offsets, groups or known experts); got {type(one).__name__}."
            )


def check_no_checkpoint(checkpoint: Setting) -> None:
    """Refuse a checkpoint where there is nothing long to keep."""
    if checkpoint is not None:
        raise ValueError(
            "checkpoint must be left out for rows in memory; it is for Blocks "
            f"(Blocks.of_arrays(X, y) makes some), got {checkpoint!r}."
        )
