"""Comparing fits: criteria side by side, likelihood ratios, and Vuong's test."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from scipy import stats

from mixstat.arguments import DataFrame, Setting
from mixstat.inference.hypotheses import InvalidTest, WaldTest
from mixstat.inference.results import InferenceResults
from mixstat.validation import check_choice

SAME = 1e-10  # relative difference of log densities below which models are one
OF_K = (
    "The models differ in the number of experts: under H0 parameters of the larger one are not "
    "determined, so the statistic is not chi-squared and p is only a guide. Compare BIC or ICL, or "
    "simulate from the smaller model."
)
CORRECTIONS = ("none", "aic", "bic")


@dataclass(frozen=True, eq=False)
class VuongTest:
    """Which of two models that are not nested is closer to the truth.

    Examples
    --------
    >>> from mixstat import MixtureOfExperts
    >>> from mixstat.datasets import make_tent
    >>> from mixstat.inference import compare
    >>> X, y = make_tent(300, random_state=0)
    >>> moe = MixtureOfExperts(2, n_init=2, random_state=0).fit(X, y)
    >>> line = MixtureOfExperts(1).fit(X, y)
    >>> test = compare(line, moe, names=["line", "tent"]).vuong()
    >>> round(test.statistic, 1)
    -26.1
    """

    statistic: float
    """Standard normal if both are equally close; positive if the first is closer."""
    names: tuple[str, str]
    """Of the models."""
    correction: str
    """What is taken for the numbers of parameters: "none", "aic" or "bic"."""

    @property
    def pvalue(self) -> float:
        """Two-sided."""
        return float(2 * stats.norm.sf(abs(self.statistic)))

    @property
    def is_valid(self) -> bool:
        """Whether the test could be made."""
        return True

    def __str__(self) -> str:
        first, second = self.names
        closer = first if self.statistic > 0 else second
        return (
            f"Vuong test (correction {self.correction}). H0: {first} and {second} are equally "
            f"close to the truth. z = {self.statistic:.3f}, p = {self.pvalue:.4g}; {closer} is "
            "closer. For models that are neither nested nor overlap in the truth."
        )


@dataclass(frozen=True, eq=False)
class Comparison:
    """Fits to the same rows side by side; made by :func:`compare`.

    Examples
    --------
    >>> from mixstat import MixtureOfExperts
    >>> from mixstat.datasets import make_tent
    >>> from mixstat.inference import compare
    >>> X, y = make_tent(300, random_state=0)
    >>> moe = MixtureOfExperts(2, n_init=2, random_state=0).fit(X, y)
    >>> line = MixtureOfExperts(1).fit(X, y)
    >>> both = compare(line, moe, names=["line", "tent"])
    >>> both.summary_frame()[["df", "llf"]].round(1)
          df    llf
    line   5  -59.5
    tent  14  285.7
    """

    results: tuple[InferenceResults, ...]
    """Of the fits, in their order."""
    names: tuple[str, ...]
    """Of the fits."""

    def summary_frame(self) -> DataFrame:
        """Criteria of each fit.

        Returns
        -------
        DataFrame
            Rows by name, with columns n_experts, df, llf, aic, bic and icl; small criteria are
            good.
        """
        import pandas as pd

        rows = [
            {
                "n_experts": one.estimate.model.n_experts,
                "df": one.df_model,
                "llf": one.llf,
                "aic": one.aic,
                "bic": one.bic,
                "icl": one.icl,
            }
            for one in self.results
        ]
        return pd.DataFrame(rows, index=list(self.names))

    def likelihood_ratio(
        self, small: Setting = None, large: Setting = None
    ) -> WaldTest | InvalidTest:
        """Likelihood ratio test of a fit that is a special case of another one.

        Whether it is one is for the caller to know.

        Parameters
        ----------
        small, large : str, default=None
            Names of the fits; None takes those with the fewest and the most parameters.

        Returns
        -------
        WaldTest or InvalidTest
            Twice the difference of the log-likelihoods, chi-squared if the smaller model is true;
            with a caution where the numbers of experts differ.
        """
        order = np.argsort([one.df_model for one in self.results], kind="stable")
        few = self._place("small", small, int(order[0]))
        many = self._place("large", large, int(order[-1]))
        return likelihood_ratio(self.results[few], self.results[many], self.names[few])

    def vuong(
        self, first: Setting = None, second: Setting = None, correction: Setting = "none"
    ) -> VuongTest | InvalidTest:
        """Vuong's test of two fits that are not nested.

        Parameters
        ----------
        first, second : str, default=None
            Names of the fits; None takes the first two.
        correction : {"none", "aic", "bic"}, default="none"
            What is taken from the log-likelihoods for the numbers of parameters.

        Returns
        -------
        VuongTest or InvalidTest
            Positive if the first fit is closer to the truth.

        References
        ----------
        Vuong, Q. H. (1989). Likelihood ratio tests for model selection and non-nested hypotheses.
        Econometrica 57, 307-333.
        """
        i, j = self._place("first", first, 0), self._place("second", second, 1)
        word = check_choice("correction", correction, CORRECTIONS)
        return vuong(self.results[i], self.results[j], (self.names[i], self.names[j]), word)

    def _place(self, argument: str, name: Setting, otherwise: int) -> int:
        if name is None:
            return otherwise
        return self.names.index(check_choice(argument, name, self.names))

    def __str__(self) -> str:
        return self.summary_frame().to_string()


def compare(*fits: Setting, names: Setting = None) -> Comparison:
    """Fits to the same rows side by side, with tests between them.

    Parameters
    ----------
    *fits : InferenceResults
        At least two results of ``inference``, or fitted estimators.
    names : list of str, default=None
        What to call them; None calls them "model 0", "model 1" and so on.

    Returns
    -------
    Comparison
        Criteria, likelihood ratio and Vuong's test.

    Raises
    ------
    ValueError
        If there are fewer than two fits, or they are not of the same rows.

    Examples
    --------
    >>> from mixstat import MixtureOfExperts
    >>> from mixstat.datasets import make_tent
    >>> from mixstat.inference import compare
    >>> X, y = make_tent(300, random_state=0)
    >>> moe = MixtureOfExperts(2, n_init=2, random_state=0).fit(X, y)
    >>> line = MixtureOfExperts(1).fit(X, y)
    >>> both = compare(line, moe, names=["line", "tent"])
    >>> both.summary_frame()["bic"].idxmin()
    'tent'
    >>> print(both.likelihood_ratio().caution)
    The models differ in the number of experts: ...
    """
    results = tuple(as_results("fits", one) for one in fits)
    if len(results) < 2:
        raise ValueError(f"fits must be at least two, got {len(results)}.")
    for pair in combinations(results, 2):
        _check_rows(*pair)
    return Comparison(results, check_names(names, len(results)))


def as_results(argument: str, fit: Setting) -> InferenceResults:
    """Results of inference, or those of an estimator that can have some."""
    if isinstance(fit, InferenceResults):
        return fit
    ask = getattr(fit, "inference", None)
    if callable(ask) and not isinstance(fit, type):
        found = ask()
        if isinstance(found, InferenceResults):
            return found
    raise ValueError(f"{argument} must be results of inference or fitted estimators, got {fit!r}.")


def check_names(names: Setting, count: int) -> tuple[str, ...]:
    """A different name for each of some fits."""
    if names is None:
        return tuple(f"model {i}" for i in range(count))
    listed = names if isinstance(names, list | tuple) else [names]
    if len(listed) != count or not all(isinstance(one, str) for one in listed):
        raise ValueError(f"names must be a text for each of the {count} fits, got {names!r}.")
    if len(set(listed)) < count:
        raise ValueError(f"names must differ, got {names!r}.")
    return tuple(str(one) for one in listed)


def _check_rows(one: InferenceResults, other: InferenceResults) -> None:
    """Refuse fits that cannot be of the same rows."""
    mine, yours = one.estimate, other.estimate
    if mine.n_rows != yours.n_rows or not np.allclose(mine.weight, yours.weight):
        raise ValueError(
            f"fits must be of the same rows and weights, got {mine.n_rows} rows of weight "
            f"{mine.total_weight:g} and {yours.n_rows} of weight {yours.total_weight:g}."
        )
    a, b = mine.response, yours.response
    if a is not None and b is not None and not np.array_equal(a, b):
        raise ValueError("fits must be of the same responses y, got others.")


def likelihood_ratio(
    small: InferenceResults, large: InferenceResults, name: str = "the smaller model"
) -> WaldTest | InvalidTest:
    """Twice the difference of two log-likelihoods."""
    null, title = f"{name} is true", "Likelihood ratio test"
    df = large.df_model - small.df_model
    if df <= 0:
        reason = f"The larger model has {large.df_model} parameters, the other {small.df_model}."
        return InvalidTest(reason, null, title)
    for one in (small, large):
        if not one.estimate.objective.penalty.absent:
            return InvalidTest("A fit is penalised, so it is no maximum.", null, title)
    gain = 2 * (large.llf - small.llf)
    if gain < -1e-6 * (1 + abs(small.llf)):
        reason = (
            f"The larger model has the smaller log-likelihood ({large.llf:.4f} and "
            f"{small.llf:.4f}): it is not nested, or its fit is no global maximum."
        )
        return InvalidTest(reason, null, title)
    same = small.estimate.model.n_experts == large.estimate.model.n_experts
    return WaldTest(max(gain, 0.0), df, null, title, "" if same else OF_K)


def vuong(
    first: InferenceResults, second: InferenceResults, names: Sequence[str], correction: str
) -> VuongTest | InvalidTest:
    """Mean difference of the log densities of rows over its standard error."""
    weight = first.estimate.weight
    gap = first.estimate.log_densities - second.estimate.log_densities
    total = weight.sum()
    mean = weight @ gap / total
    variance = weight @ (gap - mean) ** 2 / total
    if variance <= (SAME * (1 + np.abs(first.estimate.log_densities).max())) ** 2:
        null = f"{names[0]} and {names[1]} are equally close to the truth"
        return InvalidTest("Both models say the same of every row.", null, "Vuong test")
    price = {"none": 0.0, "aic": 1.0, "bic": 0.5 * np.log(total)}[correction]
    taken = price * (first.df_model - second.df_model)
    statistic = (total * mean - taken) / np.sqrt(total * variance)
    return VuongTest(float(statistic), (names[0], names[1]), correction)
