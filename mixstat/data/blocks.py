"""Rows that do not fit into memory: read block by block, as often as they are asked for."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple, cast

from mixstat.arguments import Response, Setting, Table, Weights, count_rows
from mixstat.data.dask_parts import check_parts, parts_of
from mixstat.data.table_files import dataset_at, tables_of
from mixstat.validation import check_integer

BLOCK = 2**17  # rows, which are a few megabytes
SAMPLE = 100_000  # rows for the starts


class Block(NamedTuple):
    """Some of the rows."""

    X: Table
    y: Response = None
    sample_weight: Weights = None


class Blocks:
    """Rows in blocks: what ``fit``, ``predict`` and ``score_samples`` take in place of X.

    A fit searches on a sample that is drawn in one pass, and then maximises the likelihood of all
    rows in a few more; the memory that it takes is that of a block and of the sample.

    Parameters
    ----------
    read : callable
        Returns an iterator of blocks, from the beginning each time it is called. A block is X, or
        a tuple (X, y) or (X, y, sample_weight), as the estimator takes them.
    sample : int, default=100_000
        Rows of the sample on which the search for the maximum begins.

    Examples
    --------
    >>> import numpy as np
    >>> from mixstat import Blocks, MixtureOfExperts
    >>> def read():  # three files, say
    ...     for seed in range(3):
    ...         rng = np.random.default_rng(seed)
    ...         X = rng.uniform(-1, 1, size=(500, 1))
    ...         up = rng.random(500) < 0.5
    ...         yield X, np.where(up, 2 + X[:, 0], -X[:, 0]) + 0.2 * rng.standard_normal(500)
    >>> moe = MixtureOfExperts(2, random_state=0).fit(Blocks(read, sample=800))
    >>> moe.converged_, moe.sum_of_weights_
    (True, 1500.0)
    """

    def __init__(self, read: Setting, *, sample: Setting = SAMPLE) -> None:
        if not callable(read):
            raise TypeError(
                "read must be a function that returns a new iterator of blocks each time it is "
                f"called, so that rows can be read again; got {type(read).__name__}."
            )
        self.read = cast(Callable[[], Iterable[Any]], read)
        self.sample = check_integer("sample", sample, 2)

    def __iter__(self) -> Iterator[Block]:
        """The blocks, from the first on."""
        for block in self.read():
            yield Block(*block) if isinstance(block, tuple) else Block(block)

    @classmethod
    def of_arrays(
        cls,
        X: Table,
        y: Response = None,
        sample_weight: Weights = None,
        *,
        rows: Setting = BLOCK,
        sample: Setting = SAMPLE,
    ) -> "Blocks":
        """Slices of arrays, such as ``numpy.memmap``, that are never copied as a whole.

        Parameters
        ----------
        X, y, sample_weight : array-like of n rows
            As ``fit`` takes them.
        rows : int, default=131_072
            Rows of a block.
        sample : int, default=100_000
            Rows of the sample on which the search begins.

        Returns
        -------
        Blocks
            The rows.
        """
        step, n = check_integer("rows", rows, 1), _n_rows("X", X)
        for name, one in {"y": y, "sample_weight": sample_weight}.items():
            if one is not None and _n_rows(name, one) != n:
                raise ValueError(f"{name} must have the {n} rows of X, got {count_rows(one)}.")

        def read() -> Iterator[Block]:
            for first in range(0, n, step):
                part = slice(first, first + step)
                yield Block(*(_slice(one, part) for one in (X, y, sample_weight)))

        return cls(read, sample=sample)

    @classmethod
    def of_files(
        cls,
        path: Setting,
        *,
        inputs: Setting,
        response: Setting = None,
        weight: Setting = None,
        rows: Setting = BLOCK,
        sample: Setting = SAMPLE,
    ) -> "Blocks":
        """Columns of a file, or of all files of a folder, of parquet or CSV; needs pyarrow.

        Parameters
        ----------
        path : str or path-like
            A file or a folder, whose files end in .parquet or .csv.
        inputs : list of str
            Names of the columns of X, in their order.
        response : str or list of str, default=None
            Name of the column of y, or of several; rows that are only predicted need none.
        weight : str, default=None
            Name of the column of row weights.
        rows : int, default=131_072
            Rows of a block, at most.
        sample : int, default=100_000
            Rows of the sample on which the search begins.

        Returns
        -------
        Blocks
            The rows.
        """
        step, chosen = check_integer("rows", rows, 1), _names("inputs", inputs)
        outputs = [] if response is None else _names("response", response)
        weights = [] if weight is None else _names("weight", weight)
        data = dataset_at(path)
        columns = [*chosen, *outputs, *weights]
        for argument, names in {"inputs": chosen, "response": outputs, "weight": weights}.items():
            _check_columns(argument, names, data.schema.names)

        def read() -> Iterator[Block]:
            for table in tables_of(data, columns, step):
                y = table[response] if isinstance(response, str) else table[outputs]
                known = table[weights[0]].to_numpy() if weights else None
                yield Block(table[chosen], y if outputs else None, known)

        return cls(read, sample=sample)

    @classmethod
    def of_dask(
        cls,
        X: Setting,
        y: Setting = None,
        sample_weight: Setting = None,
        *,
        sample: Setting = SAMPLE,
    ) -> "Blocks":
        """Partitions of Dask arrays or data frames, one after the other.

        Each is made by the scheduler of Dask, which also makes it again where a worker dies.

        Parameters
        ----------
        X, y, sample_weight : collections of Dask
            With the same partitions; as ``fit`` takes them.
        sample : int, default=100_000
            Rows of the sample on which the search begins.

        Returns
        -------
        Blocks
            The rows.
        """
        tables = {"X": X, "y": y, "sample_weight": sample_weight}
        check_parts(tables)

        def read() -> Iterator[Block]:
            return (Block(*rows) for rows in parts_of(tables))

        return cls(read, sample=sample)


def _n_rows(name: str, table: Table) -> int:
    if not getattr(table, "shape", ()):
        raise TypeError(
            f"{name} must be an array or a data frame, got {table!r} ({type(table).__name__})."
        )
    return count_rows(table)


def _slice(table: Table, part: slice) -> Table:
    if table is None:
        return None
    frame = getattr(table, "iloc", table)
    return frame[part]  # type: ignore[index]


def _names(argument: str, value: Setting) -> list[str]:
    names = [value] if isinstance(value, str) else value
    if not isinstance(names, Sequence) or not all(isinstance(one, str) for one in names):
        raise ValueError(f"{argument} must be a list of names of columns, got {value!r}.")
    if not names:
        raise ValueError(f"{argument} must name a column, got {value!r}.")
    return list(names)


def _check_columns(argument: str, names: Sequence[str], known: Sequence[str]) -> None:
    for name in names:
        if name not in known:
            raise ValueError(
                f"{argument} names {name!r}, which is not a column of the files; they have "
                f"{', '.join(known[:12])}."
            )
