"""Everything that a person may type as a formula, or hand in as its table."""

from collections.abc import Callable, Iterator, Mapping

import numpy as np

from mixstat import ContextualMixtureOfExperts, MixtureOfExperts, MixtureOfExpertsClassifier
from tests.bad_inputs.rows import Case, Row, rows
from tests.bad_inputs.values import DATA, NOT_EVALUATED, NOT_FORMULAS, NOT_FRAMES, N, method


def of_formulas() -> Iterator[Row]:
    """Everything that a person may type as a formula, or hand in as its table."""
    for cls in (MixtureOfExperts, MixtureOfExpertsClassifier, ContextualMixtureOfExperts):
        made = _from_formula(cls)
        left = "g" if cls is MixtureOfExpertsClassifier else "y"
        frames = [one for one in NOT_FRAMES if left == "y" or one.seen != "y has a null"]
        yield from rows(
            f"{cls.__name__}.from_formula",
            made,
            {"formula": f"{left} ~ x", "data": DATA},
            {
                "formula": [_with_response(one, left) for one in NOT_FORMULAS],
                "gate_formula": [
                    "",
                    "y ~ x",
                    "~",
                    "~ (x",
                    Case("~ z", "names z"),
                    "~ x | w",
                    5,
                    Case("~ 0", "no columns"),
                    f"~ {left}",
                    "~ sqrt((.))",
                    "~ .[0]",
                ],
                "gate": [Case("softmx", "names softmx"), 5, Case("~ z", "names z")],
                "gate_kind": ["softmx", 5],
                "sample_weight": ["v", Case(-np.ones(N), "-1"), Case("g", "'(in|out)'")],
                "offset": ["v", Case("g", "'(in|out)'|numbers|classifier")],
                "groups": ["v", Case(np.zeros((N, 2)), r"\(30, 2\)|classifier|Contextual")],
                "known_experts": ["v", Case(np.full(N, 9), r"9 in row 0|\(30,\)")],
                "settings": [Case({"degree": 2}, "degree"), Case({"k": 2}, "k")],
                "data": frames,
            },
        )
    for formula, told in NOT_EVALUATED.items():
        call = lambda f=formula: MixtureOfExperts(1, formula=f).fit(DATA)  # noqa: E731
        yield Row("MixtureOfExperts", "formula", formula, told, call, ValueError)
    new = [one for one in NOT_FRAMES if one.seen not in ("1 row", "y has a null")]
    new.append(Case(DATA.assign(g="on"), "category on.*it saw"))
    for row in rows("MixtureOfExperts.predict", method("formula", "predict"), {}, {"X": new}):
        yield row._replace(argument="formula")


def _with_response(formula: object, left: str) -> object:
    """A bad formula with another response than y."""
    return formula.replace("y", left) if isinstance(formula, str) else formula


def _from_formula(cls: type) -> Callable[[], Callable[..., object]]:
    def made(settings: Mapping[str, object] | None = None, **given: object) -> object:
        return cls.from_formula(**given, **(settings or {}))

    return lambda: made
