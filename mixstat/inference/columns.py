"""Several results side by side, a column each."""

import numpy as np

from mixstat.arguments import DataFrame, Setting
from mixstat.inference.comparison import as_results, check_names
from mixstat.inference.results import InferenceResults
from mixstat.validation import check_integer, check_switch

STARS = ((0.01, "***"), (0.05, "**"), (0.1, "*"))


def summary_col(
    results: Setting, *, names: Setting = None, digits: Setting = 4, stars: Setting = False
) -> DataFrame:
    """Estimates of several fits side by side, with standard errors in brackets below them.

    Parameters
    ----------
    results : list of InferenceResults
        Results of ``inference``, or fitted estimators.
    names : list of str, default=None
        What to call them; None calls them "model 0", "model 1" and so on.
    digits : int, default=4
        Significant digits.
    stars : bool, default=False
        Mark p values below .1, .05 and .01 by one to three stars.

    Returns
    -------
    DataFrame
        Texts: two rows a parameter, then numbers of the fits. ``to_latex``, ``to_html`` and
        ``to_string`` of pandas write it out.

    Examples
    --------
    >>> from mixstat import MixtureOfExperts
    >>> from mixstat.datasets import make_tent
    >>> from mixstat.inference import summary_col
    >>> X, y = make_tent(300, random_state=0)
    >>> moe = MixtureOfExperts(2, n_init=2, random_state=0).fit(X, y)
    >>> line = MixtureOfExperts(1).fit(X, y)
    >>> table = summary_col([line, moe], names=["line", "tent"], digits=2)
    >>> table.loc[["expert0:x0"]]
                             line     tent
    expert0:x0 estimate     0.033      1.9
               std_error  (0.058)  (0.053)
    """
    import pandas as pd

    if not isinstance(results, list | tuple) or not results:
        raise ValueError(f"results must be a list of results of inference, got {results!r}.")
    models = [as_results("results", one) for one in results]
    called = check_names(names, len(models))
    places, marked = check_integer("digits", digits, 1), check_switch("stars", stars)
    rows = list(dict.fromkeys(name for one in models for name in one.names))
    index = [(name, what) for name in rows for what in ("estimate", "std_error")]
    columns = {
        title: pd.Series(_column(one, places, marked), dtype=object)
        for title, one in zip(called, models, strict=True)
    }
    facts = [(fact, "") for fact in _facts(models[0])]
    order = pd.MultiIndex.from_tuples([*index, *facts])
    table = pd.DataFrame(columns).reindex(order)
    return table.fillna("")


def _column(one: InferenceResults, digits: int, stars: bool) -> dict[tuple[str, str], str]:
    p = np.asarray(one.pvalues)
    cells: dict[tuple[str, str], str] = {}
    for j, name in enumerate(one.names):
        mark = next((mark for cut, mark in STARS if stars and p[j] < cut), "")
        cells[name, "estimate"] = f"{one.estimate.params[j]:.{digits}g}{mark}"
        cells[name, "std_error"] = f"({one.std_errors[j]:.{digits}g})"
    return cells | {(fact, ""): told for fact, told in _facts(one).items()}


def _facts(one: InferenceResults) -> dict[str, str]:
    return {
        "Covariance": one.cov_type,
        "Observations": f"{one.nobs:g}",
        "Experts": str(one.estimate.model.n_experts),
        "Parameters": str(one.df_model),
        "Log-likelihood": f"{one.llf:.4f}",
        "AIC": f"{one.aic:.4f}",
        "BIC": f"{one.bic:.4f}",
        "ICL": f"{one.icl:.4f}",
    }
