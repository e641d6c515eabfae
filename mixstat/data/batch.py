"""The data as the kernels see it: rows last, in chunks, padded to a few sizes."""

from collections.abc import Callable, Iterator

import equinox as eqx
import jax
import numpy as np
from jaxtyping import Float, Int

from mixstat.numerics.module import Module
from mixstat.numerics.precision import AnyArray, in_float64

CHUNK_BYTES = 2**21  # the largest per-row table of a chunk should stay in the second-level cache
MIN_ROWS, MAX_ROWS = 128, 4096
SMALL, MIDDLE = 2**13, 2**17  # rows up to which narrow tables have one shape
SHORT_CHUNK = 1024  # rows of a chunk of the smaller one
WASTE = 1.1  # rows computed for each that there is, where shorter chunks can help it
ROOM_BYTES = 2**25  # a table that would be larger in such a shape has one of its own


class Sharing(Module):
    """Which rows of a chunk belong together: one unknown expert for all rows of a unit."""

    number: AnyArray  # (r,) of the unit of each row; none goes on in another chunk
    lead: AnyArray  # (r,) one in a row of each unit, zero in the others

    def pooled(self, table: AnyArray) -> AnyArray:
        """Sums (K, r) over the rows of its unit, for each row."""
        sums = jax.ops.segment_sum(table.T, self.number, num_segments=len(self.number))
        return sums[self.number].T


class Rows(Module):
    """One chunk of rows (or, with a leading axis, all of them)."""

    Z: AnyArray  # (q, r) gate features
    Phi: AnyArray | None  # (p, r) expert features; None if they are those of the gate
    y: AnyArray  # (m, r) responses
    weight: AnyArray  # (r,) weights; they sum to one over the whole batch, padding has zero
    log_possibility: AnyArray | None = None  # (K, r) additive log possibility of contexts
    offset: AnyArray | None = None  # (o, r) known part of the experts' first predictors
    sharing: Sharing | None = None  # rows that share one expert; None where each has its own

    def feature(self, name: str) -> AnyArray:
        """Features by name: "Z" or "Phi"."""
        return self.Z if name == "Z" or self.Phi is None else self.Phi

    @property
    def once(self) -> AnyArray:
        """Weights (r,) with which log-likelihoods are added up: a unit counts once."""
        return self.weight if self.sharing is None else self.weight * self.sharing.lead

    def pooled(self, density: AnyArray) -> AnyArray:
        """Log densities (K, r) of all that a row shares its expert with."""
        return density if self.sharing is None else self.sharing.pooled(density)

    def stored(self, name: str) -> str:
        """The name under which features are stored: equal features have one name."""
        return "Z" if name == "Phi" and self.Phi is None else name


class Batch(Module):
    """All rows, as (chunks, ..., rows); chunks from ``n_chunks`` on are padding."""

    rows: Rows
    n_chunks: Int[AnyArray, ""]
    total_weight: Float[AnyArray, ""]  # sum of the weights as given: the effective sample size


class ReadBatch(Batch):
    """Rows that are read again for every sum over them; its own rows are those of one block.

    Weights of all blocks together sum to one.
    """

    read: Callable[[], Iterator[Batch]] = eqx.field(static=True)


def chunk_rows(width: int) -> int:
    """Rows of a chunk, at most: a power of two.

    ``width`` is the number of floats per row in the widest table a kernel makes.
    """
    fitting = CHUNK_BYTES // (8 * max(width, 1))
    return int(2 ** np.floor(np.log2(np.clip(fitting, MIN_ROWS, MAX_ROWS))))


def shape(
    n: int, width: int, floats: int, *, compact: bool = False, longest: int = MAX_ROWS
) -> tuple[int, int]:
    """Chunks and rows of each for ``n`` rows of ``floats`` numbers.

    Programs are compiled for shapes, so that narrow tables have few of them: all up to 8,192
    rows one, and all up to 131,072 rows another; loops end with the last chunk that is used.
    ``compact`` tables are padded to a power of two chunks and no further.
    """
    r = min(chunk_rows(width), longest)
    for room, most in ((SMALL, SHORT_CHUNK), (MIDDLE, r)):
        if n <= room and not compact and 8 * floats * room <= ROOM_BYTES:
            length = min(r, most)
            return room // length, length
    r = min(r, max(MIN_ROWS, int(2 ** np.ceil(np.log2(max(n, 1))))))
    while r > SHORT_CHUNK and -(-n // r) * r > WASTE * n:
        r //= 2
    return padded_chunks(-(-n // r)), r


def padded_chunks(n_chunks: int) -> int:
    """Chunks allocated: powers of two up to 32, then multiples of 32."""
    if n_chunks <= 32:
        return int(2 ** np.ceil(np.log2(max(n_chunks, 1))))
    return 32 * -(-n_chunks // 32)


@in_float64
def build(
    Z: Float[np.ndarray, "n q"],
    Phi: Float[np.ndarray, "n p"],
    y: Float[np.ndarray, "n m"],
    weight: Float[np.ndarray, " n"] | None = None,
    log_possibility: Float[np.ndarray, "n K"] | None = None,
    *,
    offset: Float[np.ndarray, "n o"] | None = None,
    unit: Int[np.ndarray, " n"] | None = None,
    width: int = 1,
    room: int = 0,
    compact: bool = False,
    longest: int = MAX_ROWS,
) -> Batch:
    """Lay rows out once for the kernels, in double precision whatever the caller computes in.

    Parameters
    ----------
    Z, Phi, y, weight, log_possibility
        Rows first, as a person has them. Weights are scaled to sum to one, so that every sum
        over rows is a mean.
    offset
        What is added to the experts' first predictors: one column, or one for each of them.
    unit
        Numbers of the units, from 0 on, of rows that share one expert. All rows then lie in one
        chunk, and a sum over them is a mean over units, whose weights are those of their rows.
    width
        Floats per row of the widest table made from a chunk; it sets the chunk's length.
    room
        Pad as if there were at least this many rows, to share a compiled program.
    compact
        Pad to a power of two chunks at most, for a batch of which many are kept.
    longest
        Rows of a chunk, at most; fewer need less memory.
    """
    floats = Z.shape[1] + y.shape[1] + (0 if Phi is Z else Phi.shape[1]) + 1
    given = np.ones(len(y)) if weight is None else weight
    lead = np.ones(len(y)) if unit is None else leads(unit)
    total_weight = np.sum(given * lead)
    if unit is None:
        chunks, r = shape(max(len(y), room), width, floats, compact=compact, longest=longest)
    else:
        chunks, r = 1, max(MIN_ROWS, int(2 ** np.ceil(np.log2(max(len(y), room)))))
    n_chunks, length = -(-len(y) // r), chunks * r

    def put(table: np.ndarray) -> np.ndarray:
        return _lay_out(table, length, r)

    rows = Rows(
        Z=put(Z),
        Phi=None if Phi is Z else put(Phi),
        y=put(y),
        weight=_pad(given / total_weight, length, 0.0).reshape(-1, r),
        log_possibility=None if log_possibility is None else put(log_possibility),
        offset=None if offset is None else put(offset),
        sharing=None if unit is None else _lay_out_units(unit, lead, r),
    )
    return jax.device_put(Batch(rows, np.asarray(n_chunks), np.asarray(total_weight)))


@in_float64
def single(batch: Batch) -> Batch:
    """The same rows in single precision."""

    def short(table: AnyArray) -> np.ndarray:
        whole = np.issubdtype(np.asarray(table).dtype, np.integer)
        return np.asarray(table) if whole else np.asarray(table, np.float32)

    rows = jax.tree.map(short, batch.rows)
    return jax.device_put(Batch(rows, batch.n_chunks, batch.total_weight))


def lay_out_like(batch: Batch, table: Float[np.ndarray, "n k"]) -> Float[np.ndarray, "c k r"]:
    """Another table on the rows of ``batch``, in its layout."""
    chunks, r = batch.rows.weight.shape
    return _lay_out(table, chunks * r, r)


def lay_out_weight(weight: Float[np.ndarray, " n"], chunks: int, r: int) -> np.ndarray:
    """Weights of rows in the layout (chunks, r); padding has none."""
    return _pad(weight, chunks * r, 0.0).reshape(chunks, r)


def leads(unit: Int[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
    """One in the first row of each unit, zero in the others."""
    lead = np.zeros(len(unit))
    lead[np.unique(unit, return_index=True)[1]] = 1.0
    return lead


def unit_numbers(batch: Batch) -> Int[np.ndarray, " n"] | None:
    """The unit of each row that counts; None where each row has an expert of its own."""
    rows = batch.rows
    if rows.sharing is None:
        return None
    return np.ravel(np.asarray(rows.sharing.number))[np.ravel(np.asarray(rows.weight)) > 0]


def _lay_out_units(
    unit: Int[np.ndarray, " n"], lead: Float[np.ndarray, " n"], length: int
) -> Sharing:
    """Units of one chunk; each row of padding is one by itself, which never counts."""
    n, count = len(unit), int(unit.max()) + 1
    number = np.concatenate([unit, count + np.arange(length - n)]).astype(np.int32)
    return Sharing(number[None], _pad(lead, length, 0.0)[None])


def take_rows(table: Float[AnyArray, "c k r"], n: int) -> Float[np.ndarray, "n k"]:
    """Undo the layout: the first n rows, rows first."""
    flat = np.moveaxis(np.asarray(table), 1, 2).reshape(-1, table.shape[1])
    return flat[:n]


def _pad(table: np.ndarray, length: int, fill: float | None) -> np.ndarray:
    """Pad rows, by ``fill`` or (None) by copies of the first row, which is always valid data."""
    out = np.empty((length, *table.shape[1:]))
    out[: len(table)] = table
    out[len(table) :] = table[:1] if fill is None else fill
    return out


def _lay_out(table: np.ndarray, length: int, r: int) -> np.ndarray:
    padded = _pad(table, length, None)
    return np.ascontiguousarray(np.moveaxis(padded.reshape(-1, r, table.shape[1]), 1, 2))
