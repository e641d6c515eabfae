"""Counts over replicates, kept in small files so that a long run can stop and go on."""

import json
import warnings
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np

from mixstat.files import write_at_once

BLOCK = 10  # replicates after which the counts are written

Inside = Mapping[str, np.ndarray]  # of each kind of interval, which parameters it holds


@dataclass
class Tally:
    """In how many replicates intervals held each parameter."""

    replicates: int = 0
    unsound: int = 0
    """Replicates whose fit is not sound; they count for no interval."""
    inside: dict[str, list[int]] = field(default_factory=dict)
    """By kind of interval, for each parameter."""

    def add(self, found: Inside | None) -> None:
        """Count one more replicate; None is an unsound fit."""
        self.replicates += 1
        self.unsound += found is None
        for kind, held in (found or {}).items():
            before = self.inside.get(kind, [0] * len(held))
            self.inside[kind] = [count + int(one) for count, one in zip(before, held, strict=True)]

    @property
    def shares(self) -> dict[str, np.ndarray]:
        """Of the sound fits, by kind of interval, for each parameter."""
        sound = self.replicates - self.unsound
        return {kind: np.array(counts) / sound for kind, counts in self.inside.items()}


def counted(
    replicate: Callable[[int], Inside | None], replicates: int, path: Path | None = None
) -> Tally:
    """Counts of at least so many replicates, numbered from 0.

    With a path, those of an earlier run are gone on with and the new ones are written there.
    """
    there = path is not None and path.exists()
    tally = Tally(**json.loads(path.read_text())) if path is not None and there else Tally()
    while tally.replicates < replicates:
        last = min(tally.replicates + BLOCK, replicates)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for number in range(tally.replicates, last):
                tally.add(replicate(number))
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_at_once(path, json.dumps(asdict(tally)).encode())
    return tally
