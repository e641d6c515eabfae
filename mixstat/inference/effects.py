"""Marginal effects: how what is predicted moves with an input, through gate and experts."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy import stats

from mixstat.arguments import DataFrame, Setting, Table, as_frame
from mixstat.inference.covariances import ParameterCovariance
from mixstat.inference.diagnostics import own_features
from mixstat.inference.estimate import Estimate
from mixstat.inference.input_moves import (
    Move,
    find_inputs,
    moved_features,
    moves_of,
    typical_row,
)
from mixstat.inference.quantity import Quantity
from mixstat.inference.row_functions import Arrays, Evaluated, contrasts, evaluate, slopes
from mixstat.inference.summary import Block, Summary, summary_tables
from mixstat.inference.user_units import Means, means_of, row_index
from mixstat.numerics.quiet import quiet_methods
from mixstat.parts.labels import expert_title
from mixstat.validation import check_choice, check_open_share

PARTS = ("total", "gate", "experts")
WORDS = ("average", "means")
ROUNDING = 1e-12  # of a part beside the whole, where an input is in the other part alone


@quiet_methods
@dataclass(frozen=True, eq=False)
class MarginalEffects:
    """Effects of inputs, with errors; made by ``results.marginal_effects``.

    Examples
    --------
    >>> from mixstat import MixtureOfExperts
    >>> from mixstat.datasets import make_tent
    >>> X, y = make_tent(300, random_state=0)
    >>> moe = MixtureOfExperts(2, n_init=2, random_state=0).fit(X, y)
    >>> table = moe.inference(X, y).marginal_effects().summary_frame()
    >>> table[table["column"] == "x0"][["part", "estimate", "std_error"]].round(2)
          part  estimate  std_error
    0    total      0.13       0.04
    1     gate     -0.03       0.07
    2  experts      0.16       0.06
    """

    moves: tuple[Move, ...]
    """Of which input each effect is, and between which levels."""
    effects: tuple[Quantity, ...]
    """Of each move: parts (total, gate, experts) and outputs (3, c, r); shares (K, r); or experts'
    means (K, c, r). The last axis is that of rows, where effects are not averaged."""
    of: str
    """What moves: "mean", "probability", "share" or "expert"."""
    at: str
    """Where: "average", "means" or "rows"."""
    told: Means
    """Names of outputs or classes."""
    index: np.ndarray
    """Names of the rows."""
    facts: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]
    level: float
    """Confidence level, unless another one is asked for."""

    def summary_frame(self, level: Setting = None) -> DataFrame:
        """A row for each effect.

        Parameters
        ----------
        level : float, default=None
            Confidence level; None takes that of the results.

        Returns
        -------
        DataFrame
            Columns column, contrast, row (where effects are not averaged), of, expert, output,
            part ("total", "gate" or "experts"), estimate, std_error, z, p, low and high.
        """
        import pandas as pd

        share = self.level if level is None else check_open_share("level", level)
        pairs = zip(self.moves, self.effects, strict=True)
        table = pd.concat([self._long(*pair, share) for pair in pairs], ignore_index=True)
        return table if self.at == "rows" else table.drop(columns="row")

    def _long(self, move: Move, effect: Quantity, level: float) -> DataFrame:
        import pandas as pd

        shape, names = effect.value.shape, np.array(self.told.names, dtype=object)
        first = np.arange(shape[0]).reshape(-1, *[1] * (len(shape) - 1))
        by_output = names[None, :, None] if len(shape) == 3 else np.array("", dtype=object)
        parts = self.of in ("mean", "probability")
        named = np.array(self.told.experts).reshape(first.shape) if not parts else first
        places = {
            "row": self.index,
            "expert": np.array(None) if parts else named,
            "output": by_output,
            "part": np.array(PARTS, dtype=object)[first] if parts else np.array("total"),
        }
        ends = effect.conf_int(level)
        with np.errstate(divide="ignore", invalid="ignore"):
            z = effect.value / effect.std_error
        numbers = {
            "estimate": effect.value, "std_error": effect.std_error, "z": z,
            "p": 2 * stats.norm.sf(np.abs(z)), "low": ends[..., 0], "high": ends[..., 1],
        }  # fmt: skip
        columns = {n: np.broadcast_to(one, shape).ravel() for n, one in places.items()}
        head = {"column": move.input.name, "contrast": move.words, "row": None, "of": self.of}
        table = head | columns | {n: np.ravel(one) for n, one in numbers.items()}
        return pd.DataFrame(table)

    def summary(self, level: Setting = None) -> Summary:
        """A table in the layout of statsmodels, for each output, class or expert one.

        Parameters
        ----------
        level : float, default=None
            Confidence level; None takes that of the results.

        Returns
        -------
        statsmodels.iolib.summary.Summary
            Prints as text; ``as_html`` and ``as_latex`` give other forms.
        """
        share = self.level if level is None else check_open_share("level", level)
        frame = self.summary_frame(share)
        frame = _told(frame)
        keys = [key for key in ("expert", "output", "part") if frame[key].nunique() > 1]
        groups = frame.groupby(keys, sort=False) if keys else [((), frame)]
        blocks = [self._block(keys, group, table) for group, table in groups]
        title = f"Marginal effects on the {_words(self.of)}"
        return summary_tables(title, self.facts, blocks, self.notes, share)

    def _block(self, keys: list[str], group: tuple[object, ...], table: DataFrame) -> Block:
        pieces = [_piece(*pair) for pair in zip(keys, group, strict=True)]
        names = [
            row.column if row.contrast == "dy/dx" else f"{row.column}: {row.contrast}"
            for row in table.itertuples()
        ]
        if self.at == "rows":
            names = [f"{name} [{row}]" for name, row in zip(names, table["row"], strict=True)]
        title = ", ".join(pieces) or "effects"
        # names that people gave stay as they are
        named = table["output"].any() or ("expert" in keys and isinstance(group[0], str))
        return Block(
            title if named else title[:1].upper() + title[1:],
            names,
            table["estimate"].to_numpy(),
            table["std_error"].to_numpy(),
            ends=table[["low", "high"]].to_numpy(),
        )

    def __str__(self) -> str:
        return str(self.summary())


def _piece(key: str, value: object) -> str:
    """What a table of effects is of, in words."""
    if key == "expert":
        return expert_title(value)
    return f"through the {value}" if key == "part" and value != "total" else str(value)


def _told(frame: DataFrame) -> DataFrame:
    """Without lines for parts that an input is not in, and without parts where there is one."""
    size = frame[["estimate", "std_error"]].abs().max(axis=1)
    moves = size > ROUNDING * size.groupby([frame["column"], frame["contrast"]]).transform("max")
    kept = frame[moves] if moves.any() else frame
    return kept if kept["part"].nunique() > 2 else kept[kept["part"] == "total"]


def _words(of: str) -> str:
    return {
        "mean": "mean response",
        "probability": "probabilities of classes",
        "share": "shares of the gate",
        "expert": "experts' means",
    }[of]


def marginal_effects(
    estimate: Estimate,
    covariance: ParameterCovariance,
    at: Table,
    of: Setting,
    columns: Setting,
    level: float,
    remarks: tuple[str, ...],
    offset: Table = None,
) -> MarginalEffects:
    """Effects; see :meth:`RowResults.marginal_effects`."""
    told = means_of(estimate)
    word = told.word if of is None else check_choice("of", of, (told.word, "share", "expert"))
    if estimate.rows is None:
        raise ValueError(
            "X must be given to inference before effects are asked for: it tells which columns "
            "are binary or categories, and where averages are taken; got None."
        )
    own = _chosen(estimate.read(estimate.rows), estimate.counted)
    where, rows, index, weight = _places(estimate, own, at)
    known = _offset_at(estimate, at, offset)
    moves = tuple(moves_of(find_inputs(estimate, own, columns)))

    def effect(move: Move) -> Quantity:
        found = _evaluated(estimate, covariance, rows, move, weight, known)
        key = word if word in ("share", "expert") else "mean"
        return _quantity(found[key], covariance, told, key, level)

    facts = (
        ("Effects at", {"average": "average over rows", "means": "means"}.get(where, "given rows")),
        ("Covariance", covariance.title.partition(",")[0]),
        ("Observations", f"{estimate.total_weight:g}"),
    )
    effects = tuple(effect(move) for move in moves)
    notes = (*remarks, *_notes(moves, word), *_offset_notes(estimate, moves))
    return MarginalEffects(moves, effects, word, where, told, index, facts, notes, level)


def _notes(moves: tuple[Move, ...], of: str) -> list[str]:
    notes = []
    if any(move.low is not None for move in moves):
        notes.append("Of binary columns and categories: differences between levels.")
    if of in ("mean", "probability"):
        notes.append("The parts through the gate and through the experts add up to the total.")
    return notes


def _offset_notes(estimate: Estimate, moves: Sequence[Move]) -> list[str]:
    """Inputs that are in the offset too."""
    both = [name for name in estimate.offset_columns if name in {one.input.name for one in moves}]
    return [f"Effects of {name} leave the offset as it is." for name in dict.fromkeys(both)]


def _chosen(rows: Table, counted: Float[np.ndarray, " N"] | np.ndarray) -> Table:
    frame = as_frame(rows)
    return np.asarray(rows)[counted] if frame is None else frame[counted]


def _places(
    estimate: Estimate, own: Table, at: Table
) -> tuple[str, Table, np.ndarray, Float[np.ndarray, " n"] | None]:
    """Where effects are wanted: the word for it, rows, their names and their weights."""
    if isinstance(at, str):
        word = check_choice("at", at, WORDS)
        if word == "average":
            weight = estimate.row_weight
            return word, own, np.array(None), weight / weight.sum()
        return word, typical_row(estimate, own, estimate.row_weight), np.array(None), np.ones(1)
    try:
        rows = estimate.read(at)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"at must be 'average', 'means' or rows like those of X. {error}"
        ) from error
    frame = as_frame(rows)
    count = len(np.asarray(rows)) if frame is None else len(frame)
    return "rows", rows, row_index(at, count), None


def _evaluated(
    estimate: Estimate,
    covariance: ParameterCovariance,
    rows: Table,
    move: Move,
    weight: Float[np.ndarray, " n"] | None,
    offset: Float[np.ndarray, "n o"] | None,
) -> dict[str, Evaluated]:
    first, second = moved_features(estimate, rows, move)
    function: Callable[..., Arrays] = slopes if move.low is None else contrasts
    known = () if offset is None else (offset,)
    return evaluate(estimate, covariance, function, (*first.tables, *second.tables, *known), weight)


def _offset_at(estimate: Estimate, at: Table, offset: Table) -> Float[np.ndarray, "n o"] | None:
    """The offset of the rows where effects are wanted, as the fit sees it."""
    if not isinstance(at, str):
        return estimate.offset(at, offset)
    if offset is not None:
        raise ValueError(f"offset is for rows that are given in at; got at={at!r}.")
    own = own_features(estimate).offset
    if own is None or at == "average":
        return own
    return (estimate.row_weight @ own / estimate.row_weight.sum())[None]


def _quantity(
    found: Evaluated, covariance: ParameterCovariance, told: Means, key: str, level: float
) -> Quantity:
    """In the units of the response, with an axis of rows."""
    if found.value.ndim == (1 if key == "share" else 2):  # averaged
        draws = None if found.draws is None else found.draws[..., None]
        found = Evaluated(found.value[..., None], found.variance[..., None], draws)
    factor = 1.0 if key == "share" else told.factor[:, None]
    return found.quantity(covariance, level, factor=factor)
