"""What is drawn, as far as displays look at it; the packages that make it import this one."""

from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float

from mixstat.arguments import DataFrame, Response, Setting, Table
from mixstat.fitting.fit import Fit
from mixstat.inference.profile import ProfileLikelihood


@runtime_checkable
class Gated(Protocol):
    """A fitted estimator with a gate."""

    def gate_proba(self, X: Table, /) -> Float[np.ndarray, "n K"]:
        """Gate shares."""
        ...


@runtime_checkable
class Regressor(Gated, Protocol):
    """A fitted estimator of a response."""

    def predict(self, X: Table, /) -> np.ndarray:
        """Conditional means (n,) or (n, m)."""
        ...

    def predict_interval(self, X: Table, coverage: float, /) -> np.ndarray:
        """Both ends of an interval, (n, 2) or (n, m, 2)."""
        ...

    def expert_means(self, X: Table, /) -> Float[np.ndarray, "n K m"]:
        """Mean of each expert."""
        ...


@runtime_checkable
class Profiled(Protocol):
    """A fitted estimator whose parameters have profiles."""

    def profile(self, name: Setting, /, **settings: Setting) -> ProfileLikelihood:
        """Profile likelihood of a parameter."""
        ...


@runtime_checkable
class HoldsFit(Protocol):
    """A fitted estimator."""

    @property
    def fit_(self) -> Fit:
        """Its fit."""
        ...


@runtime_checkable
class Path(Protocol):
    """Fits along a path of penalties."""

    @property
    def strengths(self) -> Float[np.ndarray, " s"]:
        """Factor of the penalties of each fit."""
        ...

    @property
    def expert_coef(self) -> Float[np.ndarray, "s ..."]:
        """Coefficients of the experts."""
        ...

    @property
    def gate_coef(self) -> Float[np.ndarray, "s ..."]:
        """Coefficients of the gate."""
        ...

    @property
    def best_strength_(self) -> float:
        """The strength that was chosen."""
        ...

    @property
    def best_estimator_(self) -> HoldsFit:
        """The fit that was chosen."""
        ...


@runtime_checkable
class Compared(Protocol):
    """Members of a grid of models."""

    @property
    def table(self) -> DataFrame:
        """A row a member."""
        ...

    @property
    def criterion(self) -> str:
        """What chose."""
        ...

    @property
    def best_index_(self) -> int:
        """Row of the winner."""
        ...

    @property
    def setting_names(self) -> tuple[str, ...]:
        """Columns that are settings, n_experts first."""
        ...


@runtime_checkable
class Effects(Protocol):
    """Effects of inputs on the response in each context."""

    @property
    def contexts(self) -> list[str]:
        """Names of the contexts."""
        ...

    @property
    def features(self) -> list[str]:
        """Names of the inputs."""
        ...

    @property
    def coef(self) -> Float[np.ndarray, "K p"]:
        """Coefficients."""
        ...

    @property
    def low(self) -> Float[np.ndarray, "K p"]:
        """Lower ends of their intervals."""
        ...

    @property
    def high(self) -> Float[np.ndarray, "K p"]:
        """Upper ends."""
        ...

    @property
    def deviation(self) -> Float[np.ndarray, "K p"]:
        """Standard deviation of each input within each context."""
        ...

    @property
    def effect(self) -> Float[np.ndarray, "K p"]:
        """Coefficients times deviations."""
        ...

    @property
    def share(self) -> Float[np.ndarray, " K"]:
        """Share of the rows in each context."""
        ...

    @property
    def level(self) -> float:
        """Level of the intervals."""
        ...


@runtime_checkable
class Slope(Protocol):
    """A loss over sample sizes, and the power law fitted to it."""

    @property
    def loss(self) -> str:
        """Name of the loss."""
        ...

    @property
    def statistic(self) -> str:
        """What was taken over replicates."""
        ...

    @property
    def sizes(self) -> np.ndarray:
        """Sample sizes."""
        ...

    @property
    def mean(self) -> np.ndarray:
        """Mean loss at each size."""
        ...

    @property
    def deviation(self) -> np.ndarray:
        """Its standard deviation over replicates."""
        ...

    @property
    def centre(self) -> np.ndarray:
        """The statistic at each size."""
        ...

    @property
    def n_replicates(self) -> np.ndarray:
        """How many losses there are at each size."""
        ...

    @property
    def middle(self) -> np.ndarray:
        """Quantiles of the loss at each size, (2, s)."""
        ...

    @property
    def ends(self) -> np.ndarray:
        """Interval of the statistic at each size, (2, s)."""
        ...

    @property
    def slope(self) -> float:
        """The exponent."""
        ...

    @property
    def interval(self) -> tuple[float, float]:
        """Interval of the exponent."""
        ...

    def line(self, n: np.ndarray | float, /) -> np.ndarray | np.floating:
        """The power law at sizes ``n``."""
        ...


@runtime_checkable
class SetsOfIntervals(Protocol):
    """Unions of intervals, one for each row."""

    @property
    def intervals(self) -> np.ndarray:
        """Structured, with ``row``, ``lower`` and ``upper``."""
        ...

    @property
    def level(self) -> float:
        """Coverage they are made for."""
        ...

    @property
    def response(self) -> str:
        """Name of the response."""
        ...

    def contains(self, y: Response, /) -> np.ndarray:
        """Whether each holds the response of its row."""
        ...

    def __len__(self) -> int: ...


@runtime_checkable
class Priced(Protocol):
    """Members of a grid, and what a parameter costs."""

    @property
    def method(self) -> str:
        """How that was learned."""
        ...

    @property
    def minimal(self) -> float:
        """The least price."""
        ...

    @property
    def n_parameters(self) -> np.ndarray:
        """Of each member."""
        ...

    @property
    def log_likelihood(self) -> np.ndarray:
        """Of each member."""
        ...

    @property
    def rows(self) -> np.ndarray:
        """Of the members in a table."""
        ...

    @property
    def plateau(self) -> tuple[int, int]:
        """Which prices led to the choice."""
        ...

    @property
    def best_index_(self) -> int:
        """Row of the winner."""
        ...
