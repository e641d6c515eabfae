"""Sets of responses, one for each row."""

from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Bool, Float, Int
from sklearn.utils.validation import check_array

from mixstat.arguments import Axes, DataFrame, Response, Setting, Table
from mixstat.estimators.formula_rows import as_labels
from mixstat.kinds import check_length, check_numbers, check_outputs
from mixstat.plotting.sets import PredictionSetDisplay

TOLD = 3  # intervals of a row that are written out


@dataclass(frozen=True, eq=False, repr=False)
class _Sets:
    """What sets of all kinds have."""

    level: float
    """The share of new rows whose response they are to hold."""
    guarantee: str
    """What holds of that in samples of any size."""
    least_log_density: Float[np.ndarray, " n"] = field(repr=False)
    """Log density from which on a response is in the set; NaN where several fits rank it."""
    region: Int[np.ndarray, " n"] = field(repr=False)
    """The expert that is most probable given x, where sets were made for each; else 0."""

    def __len__(self) -> int:
        return len(self.region)

    @property
    def length(self) -> Float[np.ndarray, " n"]:
        """Size of each set."""
        raise NotImplementedError

    def contains(self, y: Response) -> Bool[np.ndarray, " n"]:
        """Whether each set holds the response of its row.

        Parameters
        ----------
        y : array-like of shape (n,)
            Responses.

        Returns
        -------
        ndarray of shape (n,)
            True where it does.
        """
        raise NotImplementedError

    def summary_frame(self) -> DataFrame:
        """A row for each set.

        Returns
        -------
        DataFrame
            With the size, the set in words, and the region.
        """
        raise NotImplementedError

    def coverage_by_region(self, y: Response) -> DataFrame:
        """Share of the rows of each region whose response is in its set, and mean sizes.

        Parameters
        ----------
        y : array-like of shape (n,)
            Responses.

        Returns
        -------
        DataFrame
            A row for each region: rows, coverage, its standard error, mean_length.
        """
        import pandas

        held = self.contains(y)
        table = pandas.DataFrame(
            {"region": self.region, "coverage": held.astype(float), "mean_length": self.length}
        )
        groups = table.groupby("region")
        found = groups.mean()
        found.insert(0, "rows", groups.size())
        share = found["coverage"]
        found.insert(2, "std_error", np.sqrt(share * (1 - share) / found["rows"]))
        return found

    def __repr__(self) -> str:
        size = float(np.mean(self.length)) if len(self) else np.nan
        return (
            f"{len(self)} sets at level {self.level:g}, of mean size {size:.4g}. {self.guarantee}"
        )


@dataclass(frozen=True, eq=False, repr=False)
class IntervalSets(_Sets):
    """Unions of intervals of a real response or of counts, one for each row.

    Examples
    --------
    >>> from mixstat import MixtureOfExperts
    >>> from mixstat.conformal import ConformalPredictor
    >>> from mixstat.datasets import make_tent
    >>> X, y = make_tent(300, random_state=0)
    >>> moe = MixtureOfExperts(2, n_init=2, random_state=0)
    >>> predictor = ConformalPredictor(moe, random_state=0).fit(X, y)
    >>> sets = predictor.predict_set([[0.2, 0.5, 0.5], [0.5, 0.5, 0.5]])
    >>> sets.ends.round(2)
    array([[0.24, 0.53],
           [0.78, 1.11]])
    """

    intervals: np.ndarray = field(repr=False)
    """Structured, with the fields ``row``, ``lower`` and ``upper``: every interval of every row,
    ends included, sorted. A row without any has the empty set."""
    discrete: bool
    """Whether the response is a count, so that an interval holds the counts between its ends."""
    response: str = "response"
    """Name of the response."""

    @property
    def n_intervals(self) -> Int[np.ndarray, " n"]:
        """Number of intervals of each row."""
        return np.bincount(self.intervals["row"], minlength=len(self))

    @property
    def length(self) -> Float[np.ndarray, " n"]:
        """Total length of each set; of counts how many there are in it."""
        each = self.intervals["upper"] - self.intervals["lower"] + float(self.discrete)
        return np.bincount(self.intervals["row"], weights=each, minlength=len(self)).astype(float)

    @property
    def ends(self) -> Float[np.ndarray, "n 2"]:
        """The interval from the smallest to the largest response of each set; NaN if empty."""
        found = np.full((len(self), 2), np.nan)
        row, first = np.unique(self.intervals["row"], return_index=True)
        last = np.append(first[1:], len(self.intervals)) - 1 if len(first) else first
        found[row, 0] = self.intervals["lower"][first]
        found[row, 1] = self.intervals["upper"][last]
        return found

    def contains(self, y: Response) -> Bool[np.ndarray, " n"]:
        """Whether each set holds the response of its row.

        Parameters
        ----------
        y : array-like of shape (n,)
            Responses.

        Returns
        -------
        ndarray of shape (n,)
            True where it does.
        """
        values = _numbers(y, len(self))
        row = self.intervals["row"]
        held = (self.intervals["lower"] <= values[row]) & (values[row] <= self.intervals["upper"])
        return np.bincount(row[held], minlength=len(self)) > 0

    def summary_frame(self) -> DataFrame:
        """A row for each set.

        Returns
        -------
        DataFrame
            Columns ``n_intervals``, ``length``, ``lower`` and ``upper`` (of the whole set),
            ``set`` in words, and ``region``.
        """
        import pandas

        words: list[list[str]] = [[] for _ in range(len(self))]
        for row, lower, upper in self.intervals:
            words[row].append(_written(lower, upper, discrete=self.discrete))
        table = {
            "n_intervals": self.n_intervals,
            "length": self.length,
            "lower": self.ends[:, 0],
            "upper": self.ends[:, 1],
            "set": [_listed(each) for each in words],
            "region": self.region,
        }
        return pandas.DataFrame(table)

    def plot(
        self, X: Table, y: Response = None, feature: Setting = 0, *, ax: Axes = None
    ) -> PredictionSetDisplay:
        """Draw the sets over one input.

        Parameters
        ----------
        X : array-like of shape (n, d)
            The inputs that the sets were made for.
        y : array-like of shape (n,), default=None
            Responses, those outside of their sets in another colour.
        feature : int or str, default=0
            Position or name of the input.
        ax : matplotlib Axes, default=None
            Where to draw; None means those of a new figure.

        Returns
        -------
        PredictionSetDisplay
            The display, with ``ax_`` and ``figure_``.
        """
        return PredictionSetDisplay.from_sets(self, X, y, feature, ax=ax)


@dataclass(frozen=True, eq=False, repr=False)
class LabelSets(_Sets):
    """Sets of classes, one for each row.

    Examples
    --------
    >>> from mixstat import MixtureOfExpertsClassifier
    >>> from mixstat.conformal import ConformalPredictor
    >>> from mixstat.datasets import make_tent
    >>> X, y = make_tent(300, random_state=0)
    >>> moe = MixtureOfExpertsClassifier(1)
    >>> predictor = ConformalPredictor(moe, random_state=0).fit(X, X[:, 0] > y)
    >>> sets = predictor.predict_set([[0.2, 0.5, 0.5], [0.67, 0.5, 0.5], [0.9, 0.5, 0.5]])
    >>> sets.summary_frame()["set"].tolist()
    ['False', 'True', 'True']
    """

    members: Bool[np.ndarray, "n C"] = field(repr=False)
    """Which classes are in each set."""
    classes: np.ndarray
    """Their labels."""

    @property
    def length(self) -> Float[np.ndarray, " n"]:
        """Number of classes in each set."""
        return self.members.sum(axis=1).astype(float)

    @property
    def labels(self) -> list[np.ndarray]:
        """The classes of each set."""
        return [self.classes[row] for row in self.members]

    def contains(self, y: Response) -> Bool[np.ndarray, " n"]:
        """Whether each set holds the class of its row.

        Parameters
        ----------
        y : array-like of shape (n,)
            Classes.

        Returns
        -------
        ndarray of shape (n,)
            True where it does; a class that the fit does not know is in no set.
        """
        labels = as_labels(y)
        check_length("y", labels, len(self))
        return np.any(self.members & (labels[:, None] == self.classes[None, :]), axis=1)

    def summary_frame(self) -> DataFrame:
        """A row for each set.

        Returns
        -------
        DataFrame
            Columns ``length``, ``set`` in words, and ``region``.
        """
        import pandas

        words = [_listed([str(one) for one in row]) for row in self.labels]
        return pandas.DataFrame({"length": self.length, "set": words, "region": self.region})


def _numbers(y: Response, n: int) -> Float[np.ndarray, " n"]:
    """One number for each row."""
    check_numbers("y", y)
    check_outputs("y", y)
    check_length("y", y, n)
    values = check_array(y, ensure_2d=False, dtype=np.float64, input_name="y")
    if values.size != n:
        raise ValueError(f"y must have one response for each row, got the shape {values.shape}.")
    return values.reshape(n)


def _written(lower: float, upper: float, *, discrete: bool) -> str:
    if discrete:
        return f"{lower:g}" if lower == upper else f"{lower:g}..{upper:g}"
    return f"[{lower:.4g}, {upper:.4g}]"


def _listed(words: list[str]) -> str:
    """The first of some pieces, and how many more there are."""
    more = len(words) - TOLD
    told = ", ".join(words[:TOLD]) or "empty"
    return told if more <= 0 else f"{told} and {more} more"
