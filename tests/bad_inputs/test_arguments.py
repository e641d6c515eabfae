"""Every public argument stands in the table of bad inputs, or in a list of exceptions here."""

import importlib
import inspect
import re
from collections.abc import Iterator

import pytest

from tests.bad_inputs.table import table

pytestmark = pytest.mark.fast
MODULES = [
    "mixstat", "mixstat.gates", "mixstat.experts", "mixstat.contextual", "mixstat.selection",
    "mixstat.datasets", "mixstat.soft_sensors", "mixstat.plotting", "mixstat.solvers",
    "mixstat.rates",
    "mixstat.inference", "mixstat.conformal",
]  # fmt: skip
# what needs no row, as a pattern of "place(argument)", and why
EXCEPTIONS = {
    r"(Certificate|FitResult|Status|DesignWarning)\b.*": "made by a fit and read by people",
    r"(Comparison|Delta|InferenceResults|InvalidTest|LinearTest)\(.*": "returned, not made",
    r"(Influence|MarginalEffects|PredictionResults)\(.*": "returned, not made",
    r"(ReportedParameters|VuongTest|WaldTest)\(.*": "returned, not made",
    r"ReportedParameters\.get\(.*": "those of a mapping",
    r"\w+\.(fit|middle|middle_of|factor|describe)\((estimate|scores|groups)\)": "between parts",
    r"(AlphaPath|PenaltyPath|RelaxedPath|InputReport|PossibilityTable)\(.*": "returned, not made",
    r"(Dendrogram|ExpertBound|Scorer|Selection)\(.*": "returned, not made",
    r"(BootstrapTest|ColumnSearch)\(.*": "returned, not made",
    r"(AdaptiveSets|IntervalSets|LabelSets|Pruning|SlopeHeuristic)\(.*": "returned, not made",
    r"\w+Display\(.*": "drawn by their from_ methods",
    r"\w+Display\.plot\(ax\)": "axes that from_ methods check too",
    r"(PenaltyPath|InputReport|Selection)\.plot\(.*|\w+\.from_\w+\((ax|n_inputs)\)": "as displays",
    r"SlopeHeuristic\.plot\(.*": "as displays",
    r"\w+\.([gs]et_params|set_\w+_request|set_output|fit_[tp]\w+)\(.*": "scikit-learn's",
    r"(EM|LBFGS|Newton|NewtonCG|Plan|Solver)\.(check|fit|run|unmet_need)\(.*": "between parts",
    r"find_solver\(more\)": "names that other registries add",
    r"StopRule\.(count|index)\(.*": "those of a tuple",
    r"\w+\.(at|named|plot)\(.*": "those of Context, for all contexts",
    r"\w+\.possibility\(records\)|PossibilityTable\.of_experts\(.*": "between parts",
    r"PossibilityTable\.plot\(ax\)|Possibility\w+\(on\)": "as displays",
    r"Complement\(on\)|labels\(on\)": "checked where a table is made",
    r"relax\((X|y|sample_weight|params)\)": "rows of a path, checked by the same doors",
    r"lag_rows\(others\)": "compared with X in test_alignment",
    r"(LaggedFeatures|InputRange)\.fit\(y\)|ExpertShares\.get_feature_names_out\(.*": "not used",
    r"(penalty|alpha)_path\((y|cv)\)": "checked by fit, and by the same function",
    r"ProfileDisplay\.from_estimator\(settings\)": "those of profile",
    r"MultinomialExperts\(coef\)": "made by the classifier",
    r"PointMass\(places\)|Heteroscedastic\((scale_slopes|columns)\)": "made by null",
    r"(Rate|MissRate)\(.*": "made by a study and read by people",
    r"(Clusters|Grid|Lattice|Observed|Uniform)\.(nodes|sample)\(.*": "by truths, which check",
    r"(NearTruth|PublishedStart|RandomStart)\.(check|first)\(.*": "between parts",
    r"Box\.(check|limits|within)\(.*|RegressionFunction\.breaks\(.*": "between parts",
    r"Specification\.\w+\(truth\)": "between parts",
}


def public() -> Iterator[tuple[str, str, str]]:
    """Class (or nothing), place and argument of everything that is public."""
    for name in MODULES:
        module = importlib.import_module(name)
        for word in module.__all__:
            thing = getattr(module, word)
            if inspect.isclass(thing):
                yield from _of_class(word, thing)
            elif callable(thing):
                yield from (("", word, argument) for argument in _arguments(thing))


def _of_class(word: str, cls: type) -> Iterator[tuple[str, str, str]]:
    yield from ((word, word, argument) for argument in _arguments(cls))
    if cls.__module__.startswith(("mixstat.gates", "mixstat.experts")):
        return  # methods of parts are called by other parts
    for name, method in inspect.getmembers(cls, callable):
        if not name.startswith("_") and not hasattr(Exception, name):
            place = f"{word}.{name}"
            yield from ((word, place, one) for one in _arguments(method) if one != "self")


def _arguments(thing: object) -> list[str]:
    try:
        return list(inspect.signature(thing).parameters)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return []


def test_every_public_argument_is_tested_or_excused():
    rows = {(row.place, row.argument) for row in table()}
    lacking = [
        f"{place}({argument})"
        for _, place, argument in public()
        if (place, argument) not in rows
        and not any(re.fullmatch(pattern, f"{place}({argument})") for pattern in EXCEPTIONS)
    ]
    assert lacking == []


def test_every_exception_is_needed():
    places = [f"{place}({argument})" for _, place, argument in public()]
    unused = [one for one in EXCEPTIONS if not any(re.fullmatch(one, place) for place in places)]
    assert unused == []
