"""Predictions with errors: means, experts' means, shares of the gate, probabilities, quantiles."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from mixstat.arguments import DataFrame, Setting, Table
from mixstat.inference.covariances import ParameterCovariance
from mixstat.inference.estimate import Estimate
from mixstat.inference.quantile_errors import quantiles_at
from mixstat.inference.quantity import Quantity
from mixstat.inference.row_functions import evaluate, predicted
from mixstat.inference.user_units import Means, features_of, means_of, row_index
from mixstat.numerics.quiet import quiet_methods
from mixstat.validation import check_open_share, check_probability


@quiet_methods
@dataclass(frozen=True, eq=False)
class PredictionResults:
    """What is predicted at rows, with errors; made by ``results.get_prediction``.

    Errors are those of the estimates: how far a mean may be off, not how far a response may be
    from its mean, which quantiles tell. Intervals of shares and of probabilities are made on the
    logit scale, those of means of counts and of positive responses on the log scale, so that they
    stay in range.

    Examples
    --------
    >>> from mixstat import MixtureOfExperts
    >>> from mixstat.datasets import make_tent
    >>> X, y = make_tent(300, random_state=0)
    >>> moe = MixtureOfExperts(2, n_init=2, random_state=0).fit(X, y)
    >>> prediction = moe.inference(X, y).get_prediction([[0.2, 0.5, 0.5]])
    >>> prediction.mean.round(2), prediction.se_mean.round(2)
    (array([0.4]), array([0.01]))
    """

    means: Quantity
    """Conditional mean, or probability of each class (c, n)."""
    experts: Quantity
    """The same under each expert (K, c, n)."""
    shares: Quantity
    """Gate probabilities (K, n)."""
    quantiles: Quantity | None
    """Of the response (m, n, Q), where levels were asked for."""
    quantile_levels: Float[np.ndarray, " Q"]
    """Those levels."""
    told: Means
    """Names of outputs or classes, and what means are."""
    index: np.ndarray
    """Names of the rows."""
    level: float
    """Confidence level, unless another one is asked for."""

    @property
    def mean(self) -> Float[np.ndarray, "n ..."]:
        """Conditional means (n,), or (n, m) of several outputs and (n, C) of classes."""
        return self._shaped(self.means.value)

    @property
    def se_mean(self) -> Float[np.ndarray, "n ..."]:
        """Their standard errors."""
        return self._shaped(self.means.std_error)

    @property
    def predicted_mean(self) -> Float[np.ndarray, "n ..."]:
        """The same as :attr:`mean`, by the name that statsmodels has for it."""
        return self.mean

    def conf_int(self, level: Setting = None) -> Float[np.ndarray, "n ..."]:
        """Confidence intervals of the means, with both ends on a last axis.

        Parameters
        ----------
        level : float, default=None
            Confidence level; None takes that of the results.

        Returns
        -------
        ndarray of shape (n, 2), (n, m, 2) or (n, C, 2)
            Lower and upper ends.
        """
        return self._shaped(self.means.conf_int(self._level(level)))

    def summary_frame(self, level: Setting = None) -> DataFrame:
        """All that is predicted, a row for each number.

        Parameters
        ----------
        level : float, default=None
            Confidence level; None takes that of the results.

        Returns
        -------
        DataFrame
            Columns row, of ("mean" or "probability", "expert", "share", "quantile"), expert,
            output (or class), quantile, estimate, std_error, low and high.
        """
        import pandas as pd

        share, output = self._level(level), np.array(self.told.names, dtype=object)
        row, expert = self.index, np.array(self.told.experts)
        word = self.told.word
        parts = [
            _long(self.means, share, word, row=row[None], output=output[:, None]),
            _long(
                self.experts,
                share,
                "expert",
                row=row[None, None],
                expert=expert[:, None, None],
                output=output[None, :, None],
            ),
            _long(self.shares, share, "share", row=row[None], expert=expert[:, None]),
        ]
        if self.quantiles is not None:
            places = {"row": row[None, :, None], "output": output[:, None, None]}
            asked = self.quantile_levels[None, None]
            parts.append(_long(self.quantiles, share, "quantile", **places, quantile=asked))
        return pd.concat(parts, ignore_index=True)

    def __str__(self) -> str:
        return self.summary_frame().to_string()

    def _level(self, level: Setting) -> float:
        return self.level if level is None else check_open_share("level", level)

    def _shaped(self, table: Float[np.ndarray, "c n ..."]) -> Float[np.ndarray, "n ..."]:
        """Rows first; no axis of outputs for one."""
        return table[0] if self.told.names == [""] else np.moveaxis(table, 0, 1)


def _long(quantity: Quantity, level: float, of: str, **places: np.ndarray) -> DataFrame:
    """A row for each number, with what it belongs to."""
    import pandas as pd

    shape, ends = quantity.value.shape, quantity.conf_int(level)
    columns: dict[str, object] = {
        "row": None,
        "of": of,
        "expert": None,
        "output": "",
        "quantile": np.nan,
    }
    for name, place in places.items():
        columns[name] = np.broadcast_to(place, shape).ravel()
    numbers = {
        "estimate": quantity.value,
        "std_error": quantity.std_error,
        "low": ends[..., 0],
        "high": ends[..., 1],
    }
    return pd.DataFrame(columns | {name: np.ravel(one) for name, one in numbers.items()})


def get_prediction(
    estimate: Estimate,
    covariance: ParameterCovariance,
    X: Table,
    quantiles: Setting,
    level: float,
    offset: Table = None,
) -> PredictionResults:
    """Predictions at rows; see :meth:`RowResults.get_prediction`."""
    levels = np.zeros(0) if quantiles is None else check_probability("quantiles", quantiles)
    told = means_of(estimate)
    if len(np.ravel(levels)) and told.word == "probability":
        raise ValueError(
            f"quantiles must be None for classes, which have no order; got {quantiles!r}."
        )
    features = features_of(estimate, X, offset)
    found = evaluate(estimate, covariance, predicted, features.tables)
    units = {"location": told.location[:, None], "factor": told.factor[:, None]}
    scales = {"scale": told.scale, "top": told.top}
    asked = np.ravel(levels)
    return PredictionResults(
        means=found["mean"].quantity(covariance, level, **units, **scales),
        experts=found["expert"].quantity(covariance, level, **units, **scales),
        shares=found["share"].quantity(covariance, level, scale="logit"),
        quantiles=quantiles_at(estimate, covariance, features, asked, level)
        if len(asked)
        else None,
        quantile_levels=asked,
        told=told,
        index=row_index(X, len(features.Z)),
        level=level,
    )
