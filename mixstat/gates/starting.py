"""How starts of a gate begin that an M-step from responsibilities does not serve."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np

SomeGate = TypeVar("SomeGate")


@dataclass(frozen=True)
class Starting(Generic[SomeGate]):
    """What a gate with several hills, jumps or a schedule tells those who make starts.

    By default a start is one M-step from its responsibilities and nothing else.
    """

    dense: SomeGate | None = None
    """A null gate that is continuous and has one hill, which starts use first."""
    adopt: Callable[[SomeGate], SomeGate] | None = None
    """Parameters of a fitted dense gate in this one; None to climb towards its shares."""
    scatter: Callable[[np.random.Generator], SomeGate] | None = None
    """Where a climb begins, for gates whose null is stationary or one of many hills."""
    stages: tuple[SomeGate, ...] = ()
    """Gates whose fixed parameters are those of each stage of a schedule."""

    @property
    def plain(self) -> bool:
        """Whether a start is an M-step from its responsibilities and nothing else."""
        return self.dense is None and self.scatter is None and not self.stages
