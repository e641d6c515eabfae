"""Questions about rows in blocks: what is told of each block, joined."""

from collections.abc import Callable, Iterator
from functools import wraps
from typing import Any, TypeVar, cast

import numpy as np

from mixstat.arguments import Table, count_rows
from mixstat.data.blocks import Block, Blocks

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
                for block in nonempty(X)
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
