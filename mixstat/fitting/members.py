"""The members of a batch of fits: how to get at each, check them, and stack some."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import equinox as eqx
import jax
import numpy as np
from jaxtyping import Float, PyTree

from mixstat.data import batch as batches
from mixstat.data.batch import Batch, Rows
from mixstat.model import Mixture
from mixstat.numerics.precision import AnyArray
from mixstat.numerics.threads import available_processors
from mixstat.objective.objective import Objective

SHARE = 4  # members for each lane of a queue, at least: fewer would leave lanes idle at its end
MEMBER_BYTES = 2**28  # data that the members of one queue may hold


class Member(NamedTuple):
    """What is a fit's own; leaves gain a leading axis where several are stacked."""

    start: Mixture
    rows: Rows | None = None  # None: those of the objective
    weight: Float[AnyArray, "c r"] | None = None  # None: those of the rows


def of_member(objective: Objective, member: Member) -> Objective:
    """The objective of one member, also inside jit."""
    rows = objective.batch.rows if member.rows is None else member.rows
    if member.weight is not None:
        rows = eqx.tree_at(lambda r: r.weight, rows, member.weight)
    return objective.replace(batch=eqx.tree_at(lambda b: b.rows, objective.batch, rows))


class Members:
    """How to get at each member, without holding all of them at once."""

    def __init__(
        self,
        objective: Objective,
        starts: Sequence[Mixture],
        weights: Float[np.ndarray, "M n"] | None,
        data: Sequence[Batch] | None,
        names: Sequence[object] | None,
    ) -> None:
        objective = objective.replace(draft=None)
        if data is not None and len(data):  # chunks that one member has and another has not
            n_chunks = max(int(d.n_chunks) for d in data)
            batch = eqx.tree_at(lambda b: b.n_chunks, data[0], np.asarray(n_chunks))
            objective = objective.replace(batch=batch)
        self.objective, self.starts, self.weights, self.data = objective, starts, weights, data
        given = {"starts": starts, "weights": weights, "data": data}
        counts = {name: len(part) for name, part in given.items() if part is not None}
        self.count = max(counts.values())
        if min(counts.values()) == 0 or not set(counts.values()) <= {1, self.count}:
            told = ", ".join(f"{c} {name}" for name, c in counts.items())
            raise ValueError(f"Members need as many starts, weights and data (or one): got {told}.")
        names = range(self.count) if names is None else names
        _check_alike("start", starts, objective.template, names)
        if data is not None:
            _check_alike("data", [d.rows for d in data], data[0].rows, names)
        self.shape = objective.batch.rows.weight.shape
        sharing = objective.batch.rows.sharing
        self._lead = None if sharing is None else np.ravel(sharing.lead)
        length = self.shape[0] * self.shape[1]
        if weights is not None and weights.shape[1] > length:
            raise ValueError(f"weights have {weights.shape[1]} columns for {length} rows of data.")
        own = [*jax.tree.leaves(starts[0]), *(jax.tree.leaves(data[0].rows) if data else [])]
        self.bytes = sum(leaf.nbytes for leaf in own) + (0 if weights is None else 8 * length)

    def start(self, i: int) -> Mixture:
        """The first model of a member."""
        return self.starts[i if len(self.starts) > 1 else 0]

    def batch(self, i: int) -> Batch:
        """The data of a member, before its weights."""
        if self.data is None:
            return self.objective.batch
        return self.data[i if len(self.data) > 1 else 0]

    def weight(self, i: int) -> tuple[Float[np.ndarray, "c r"], float] | None:
        """Weights of a member as the kernels see them, and their sum as given."""
        if self.weights is None:
            return None
        given = np.asarray(self.weights[i if len(self.weights) > 1 else 0], float)
        total = float(given.sum() if self._lead is None else given @ self._lead[: len(given)])
        return batches.lay_out_weight(given / total, *self.shape), total

    def own(self, i: int) -> Member:
        """All that is a member's own."""
        weight = self.weight(i)
        rows = self.batch(i).rows if self.data is not None else None
        return Member(self.start(i), rows, None if weight is None else weight[0])

    def alone(self, i: int) -> Objective:
        """A member's objective by itself."""
        batch, weight = self.batch(i), self.weight(i)
        if weight is not None:
            own = weight[0], np.asarray(weight[1])
            batch = eqx.tree_at(lambda b: (b.rows.weight, b.total_weight), batch, own)
        return self.objective.replace(batch=batch)

    def blocks(self, lanes: int) -> Iterator[range]:
        """Members that share a queue."""
        processors = available_processors()
        fitting = 2 ** int(np.log2(max(MEMBER_BYTES // self.bytes, 1)))
        least = min(max(SHARE * lanes, 2 * SHARE), fitting)
        size = int(np.clip(-(-self.count // processors), least, max(16 * least, 64)))
        n_blocks = -(-self.count // min(size, fitting))
        size = -(-self.count // n_blocks)  # blocks of about one size share a program
        for first in range(0, self.count, size):
            yield range(first, min(first + size, self.count))

    def stacked(self, block: range) -> Member:
        """The members of a block, padded by copies of its last to a power of two.

        So programs are shared by blocks of different lengths.
        """
        members = [self.own(i) for i in block]
        if self.data is not None:  # chunks that nobody uses are not copied
            used = _chunks_kept(int(self.objective.batch.n_chunks), self.shape)
            members = [_first_chunks(member, used) for member in members]
        members += [members[-1]] * (_power(len(members)) - len(members))
        return jax.tree.map(lambda *leaves: np.stack([np.asarray(a) for a in leaves]), *members)


def _first_chunks(member: Member, used: int) -> Member:
    rows, weight = jax.tree.map(lambda a: np.asarray(a)[:used], (member.rows, member.weight))
    return Member(member.start, rows, weight)


def _chunks_kept(used: int, shape: Sequence[int]) -> int:
    """Chunks that hold those in use: few different numbers, so that few programs are compiled."""
    chunks, length = shape
    least = 2 if used <= 2 else chunks if chunks * length <= batches.SMALL else _power(used)
    return min(least, chunks)


def _power(number: int) -> int:
    return int(2 ** np.ceil(np.log2(max(number, 1))))


def _check_alike(
    argument: str, trees: Sequence[PyTree], like: PyTree, names: Sequence[object]
) -> None:
    """Members of one batch have one structure and one shape."""
    wanted = [tuple(np.shape(leaf)) for leaf in jax.tree.leaves(like)]
    structure = jax.tree.structure(like)
    for name, tree in zip(names, trees, strict=False):
        seen = [tuple(np.shape(leaf)) for leaf in jax.tree.leaves(tree)]
        if jax.tree.structure(tree) != structure or seen != wanted:
            raise ValueError(
                f"Member {name} of the batch is not like the others: its {argument} has tables of "
                f"shape {seen}, wanted {wanted}. Fit it apart, or lay its rows out with the same "
                "room."
            )
