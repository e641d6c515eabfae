"""A bad value of an argument, and what the answer to it must tell."""

import re
import warnings
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple


class Case(NamedTuple):
    """A bad value with what the message tells of it."""

    value: object
    seen: str
    """A regular expression."""


class Row(NamedTuple):
    """One bad value of one argument."""

    place: str
    argument: str
    value: object
    seen: str | None
    """What the message tells of the value; None for the value itself."""
    call: Callable[[], object]
    kind: type[Exception] | tuple[type[Exception], ...]

    @property
    def name(self) -> str:
        """Of the test."""
        return f"{self.place}({self.argument}={str(self.value)[:30]!r})"


def rows(
    place: str,
    target: Callable[[], Callable[..., object]],
    good: Mapping[str, object],
    bad: Mapping[str, list[Any]],
    *,
    kind: Any = (TypeError, ValueError),
) -> Iterator[Row]:
    """A row for each bad value: a call with it in the place of a good one."""
    for argument, values in bad.items():
        for value in values:
            given, seen = value if isinstance(value, Case) else (value, None)

            def call(argument=argument, given=given):
                return target()(**{**good, argument: given})

            yield Row(place, argument, given, seen, call, kind)


def fault(row: Row) -> str:
    """What is wrong with the answer to a bad value; empty if nothing is."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            row.call()
    except row.kind as error:
        message = str(error)
    except Exception as error:
        return f"{row.name} raises {type(error).__name__}: {error}"
    else:
        return f"{row.name} is accepted"
    if TYPE_CHECK in message:
        return TYPE_CHECK
    told = re.search(TOLD_AS.get(row.argument, "$^"), message)
    if not told and row.argument not in message:
        return f"{row.name} is not told by name: {message}"
    if not _seen_in(message, row):
        return f"{row.name} is not shown: {message}"
    if not WANTED.search(message):
        return f"{row.name} does not tell what is wanted: {message}"
    return ""


def _seen_in(message: str, row: Row) -> bool:
    """Whether a message tells what was seen."""
    if row.seen is not None:
        return re.search(row.seen, message) is not None
    texts = [repr(row.value), str(row.value), type(row.value).__name__]
    if isinstance(row.value, list | tuple | dict):  # one of what it holds may be told
        texts += [repr(one) for one in row.value] + [repr(list(row.value))]
    return any(text in message for text in texts)


WANTED = re.compile(
    r"must|wanted|needs?\b|did you mean|has no|not supported|contains|require|one of|cannot be|"
    r"names|could not|not fitted|give|inconsistent|expect|asks for .* but|rescale|is not among|"
    r"stated in|closes|not part of|impossible|reach"
)
# arguments that are told by what they stand for
TOLD_AS = {
    "gate_kind": "^gate must",
    "settings": "degree|'k'|level|backend|window|nonsense",
    "data": "^formula",
    "values": "on=|^context",
    "possibilities": "contexts",
    "params": r"fit\(\)",
    "model": "not fitted",
    "formula": "^y must",
    "gate": "^gate_formula",
    "numbers": "scale|df|expert_slope",
    "names": "^losses",
    "name": "^truth",
}
# where fields are declared with their types, which tests check before anything else
DECLARED = {
    *("AlphaCertain", "Complement", "Context", "Function", "Gaussian", "Joined", "Stated"),
    *("Trapezoidal", "Triangular", "EM", "LBFGS", "GaussianExperts", "MixedExperts"),
    *("MultinomialExperts", "ModifiedSoftmaxGate", "TemperatureGate", "SharedExpertGate"),
    *("OrderedExperts", "Truncated"),
    *("Box", "Specification", "Truth", "RegressionFunction"),
    *("NearTruth", "PublishedStart", "RandomStart"),
    *("Bootstrap", "Clustered", "HAC", "SamplingWeights", "Sandwich"),
    *("InferenceResults.delta", "InferenceResults.user_delta"),
}
TYPE_CHECK = "Type-check error"
