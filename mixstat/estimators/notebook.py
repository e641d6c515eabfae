"""What a notebook shows of a fit beside scikit-learn's diagram."""

from collections.abc import Callable
from functools import cache
from html import escape
from importlib.metadata import PackageNotFoundError, metadata

from sklearn.base import BaseEstimator

from mixstat.results import Certificate

PAGE = "api/generated/mixstat.{estimator_name}.html"  # of an estimator, under the site's address


@cache
def docs_address() -> str:
    """Address of an estimator's page, as a template; empty while the project states no site."""
    try:
        links = metadata("mixstat").get_all("Project-URL") or []
    except PackageNotFoundError:  # run from its sources
        return ""
    for link in links:
        name, _, address = link.partition(", ")
        if name.lower() == "documentation":
            return f"{address.rstrip('/')}/{PAGE}"
    return ""


def with_fit(estimator: BaseEstimator, diagram: Callable[[], str]) -> str:
    """scikit-learn's diagram with the fit below it; the plain text where it cannot be made."""
    try:
        drawn = diagram()
    except Exception:  # parts of the diagram are private to versions of scikit-learn
        drawn = f"<pre>{escape(repr(estimator))}</pre>"
    return drawn + fit_table(estimator)


def fit_table(estimator: BaseEstimator) -> str:
    """The certificate of a fit and what it rests on, as HTML; empty before a fit."""
    certificate = getattr(estimator, "certificate_", None)
    if not isinstance(certificate, Certificate):
        return ""
    shares = [f"{share:.1%}" for share in getattr(estimator, "expert_share_", ())]
    titles = list(getattr(estimator, "expert_titles_", ()))
    rows = {
        "certificate": str(certificate),
        "mean log-likelihood": f"{getattr(estimator, 'log_likelihood_', float('nan')):.6g}",
        "shares of experts": ", ".join(map(" ".join, zip(titles, shares, strict=True))),
    }
    cells = "".join(
        f'<tr><th scope="row" style="text-align: left; white-space: nowrap">{escape(name)}</th>'
        f'<td style="text-align: left">{escape(value)}</td></tr>'
        for name, value in rows.items()
    )
    return f'<table class="mixstat-fit"><tbody>{cells}</tbody></table>'
