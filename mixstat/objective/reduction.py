"""The one reduction: sums over all rows of a statistic of a model.

Inside a compiled program it is a loop over chunks of rows. Called from Python it compiles such
a loop, and hands ranges of chunks to all processors where there are many: the ranges depend on
the data alone, so that a sum does not depend on the machine. Where JAX has several devices, each
adds up its share of the chunks.
"""

import math
from collections.abc import Callable
from itertools import pairwise
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, PartitionSpec
from jaxtyping import Int, PyTree

from mixstat.data.batch import Batch, ReadBatch, Rows
from mixstat.numerics import precision
from mixstat.numerics.compiled import kernel, traced
from mixstat.numerics.precision import AnyArray
from mixstat.numerics.threads import in_threads

RANGE = 8  # chunks that a processor should be given at a time, at least
RANGES = 8
ROWS = "rows"  # the axis of the chunks, as devices know it
FEW = 2 * RANGE  # chunks from which on several processors pay, for derivatives,
MANY = 64  # and for sums so cheap that a program for them must be worth its compilation

Statistic = Callable[..., PyTree]


class Chunks(NamedTuple):
    """Tables whose first axis numbers the chunks, and how many of them are in use."""

    tables: PyTree
    n_chunks: Int[AnyArray, ""]

    @property
    def first_leaf(self) -> AnyArray:
        """A table, which tells the precision of all."""
        return jax.tree.leaves(self.tables)[0]


def chunks_of(batch: Batch, *beside: PyTree) -> Chunks:
    """The rows of a batch, or pairs of them and of tables in the same layout."""
    tables = (batch.rows, *beside) if beside else batch.rows
    return Chunks(tables, batch.n_chunks)


def total(
    statistic: Statistic,
    model: PyTree,
    data: Batch | Chunks,
    finish: Callable[[PyTree, PyTree], PyTree] | None = None,
    *,
    spread_from: int = MANY,
) -> PyTree:
    """Sum of ``statistic(model, chunk)`` over the chunks of the data.

    Memory does not grow with the number of rows: only sums are kept, in double precision
    whatever that of the rows.

    Parameters
    ----------
    statistic
        Function of a model and a chunk; a tree of arrays. Outside of compiled programs it must
        be a function of a module, since programs are kept by it.
    model
        A tree of parameters.
    data
        Rows in chunks.
    finish
        ``finish(model, sums)`` is returned in place of the sums; it is compiled along with them
        where they are not large, and must work on NumPy sums too.
    spread_from
        Chunks from which on all processors add up.
    """
    if isinstance(data, ReadBatch):
        return _of_blocks(statistic, model, data, finish, spread_from)
    chunks = data if isinstance(data, Chunks) else chunks_of(data)
    if traced((model, chunks)):
        sums = scan(statistic, model, chunks)
        return sums if finish is None else finish(model, sums)
    if not is_large(chunks, spread_from):
        return _whole(model, chunks, statistic=statistic, finish=finish)
    n_devices = _devices_for(chunks)
    if n_devices > 1:
        sums = _on_devices(model, chunks, statistic=statistic, mesh=_mesh(n_devices))
    else:
        sums = _in_ranges(statistic, model, chunks)
    return sums if finish is None else finish(model, sums)


def _of_blocks(
    statistic: Statistic,
    model: PyTree,
    data: ReadBatch,
    finish: Callable[[PyTree, PyTree], PyTree] | None,
    spread_from: int,
) -> PyTree:
    """:func:`total` of rows that are read block by block."""
    if traced(model):
        raise TypeError("Rows that are read in blocks are summed outside of compiled programs.")
    sums = None
    for block in data.read():
        part = total(statistic, model, block, spread_from=spread_from)
        part = jax.tree.map(np.asarray, part)
        sums = part if sums is None else jax.tree.map(_plus, sums, part)
    return sums if finish is None else finish(model, sums)


def _plus(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    return np.asarray(one + other)


def is_large(data: Batch | Chunks, spread_from: int = MANY) -> bool:
    """Whether several processors are worth their while."""
    return int(data.n_chunks) >= spread_from


def scan(statistic: Statistic, model: PyTree, chunks: Chunks, first: AnyArray | int = 0) -> PyTree:
    """:func:`total` of the chunks from ``first`` on, as a loop inside a compiled program."""

    def chunk(i):
        return jax.tree.map(lambda table: table[i], chunks.tables)

    model = precision.like(model, chunks.first_leaf)
    statistic = jax.jit(statistic, inline=True)  # traced once, for its shapes and in the loop
    shapes = jax.eval_shape(statistic, model, chunk(0))
    wide = jax.tree.map(lambda s: precision.wide(s.dtype), shapes)
    if chunks.first_leaf.shape[0] == 1:
        return jax.tree.map(lambda sum_, kind: sum_.astype(kind), statistic(model, chunk(0)), wide)
    zero = jax.tree.map(lambda s, kind: jnp.zeros(s.shape, kind), shapes, wide)

    def add(i, sums):
        return jax.tree.map(jnp.add, sums, statistic(model, chunk(i)))

    return jax.lax.fori_loop(first, chunks.n_chunks, add, zero)


def scan_and_keep(statistic: Statistic, model: PyTree, chunks: Chunks) -> tuple[PyTree, AnyArray]:
    """:func:`scan` of the first part of a pair; the second, a table of each chunk, is kept."""
    model = precision.like(model, chunks.first_leaf)

    def chunk(i):
        return jax.tree.map(lambda table: table[i], chunks.tables)

    statistic = jax.jit(statistic, inline=True)
    sums, table = jax.eval_shape(statistic, model, chunk(0))
    zero = jax.tree.map(lambda s: jnp.zeros(s.shape, precision.wide(s.dtype)), sums)
    blank = jnp.zeros((chunks.first_leaf.shape[0], *table.shape), table.dtype)

    def add(i, carry):
        new, rows = statistic(model, chunk(i))
        return jax.tree.map(jnp.add, carry[0], new), carry[1].at[i].set(rows)

    return jax.lax.fori_loop(0, chunks.n_chunks, add, (zero, blank))


def each_row(function: Callable[[PyTree, Rows], PyTree], model: PyTree, rows: Rows) -> PyTree:
    """``function(model, chunk)`` of every chunk, kept: leaves gain a leading axis of chunks."""
    return jax.lax.map(lambda chunk: function(model, chunk), rows)


@kernel("statistic", "finish")
def _whole(
    model: PyTree,
    chunks: Chunks,
    *,
    statistic: Statistic,
    finish: Callable[[PyTree, PyTree], PyTree] | None,
) -> PyTree:
    sums = scan(statistic, model, chunks)
    return sums if finish is None else finish(model, sums)


@kernel("statistic")
def _range(
    model: PyTree, tables: PyTree, first: AnyArray, last: AnyArray, *, statistic: Statistic
) -> PyTree:
    return scan(statistic, model, Chunks(tables, last), first)


def _devices_for(chunks: Chunks) -> int:
    """Devices of this host that can have equal shares of the tables."""
    return math.gcd(len(chunks.first_leaf), jax.local_device_count())


def _mesh(n_devices: int) -> Mesh:
    return Mesh(np.array(jax.local_devices()[:n_devices]), (ROWS,))


@kernel("statistic", "mesh")
def _on_devices(model: PyTree, chunks: Chunks, *, statistic: Statistic, mesh: Mesh) -> PyTree:
    """Sums of the chunks, of which each device has a share."""

    def share(model: PyTree, tables: PyTree, n_chunks: AnyArray) -> PyTree:
        length = jax.tree.leaves(tables)[0].shape[0]
        own = jnp.clip(n_chunks - jax.lax.axis_index(ROWS) * length, 0, length)
        return jax.lax.psum(scan(statistic, model, Chunks(tables, own)), ROWS)

    parts = (PartitionSpec(), PartitionSpec(ROWS), PartitionSpec())
    # sums begin at the same zero everywhere and differ from there on, which the check refuses
    spread = jax.shard_map(
        share, mesh=mesh, in_specs=parts, out_specs=PartitionSpec(), check_vma=False
    )
    return spread(model, *chunks)


def _in_ranges(statistic: Statistic, model: PyTree, chunks: Chunks) -> PyTree:
    """Sums of ranges of chunks on all processors, added up in their order."""
    n_chunks = int(chunks.n_chunks)
    cuts = np.linspace(0, n_chunks, min(n_chunks // RANGE, RANGES) + 1).astype(int).tolist()

    def sums_of(ends: tuple[int, int]) -> PyTree:
        first, last = (np.asarray(end) for end in ends)
        sums = _range(model, chunks.tables, first, last, statistic=statistic)
        return jax.tree.map(np.asarray, sums)

    parts = in_threads(sums_of, list(pairwise(cuts)))
    return jax.tree.map(lambda *leaves: np.asarray(sum(leaves[1:], start=leaves[0])), *parts)
