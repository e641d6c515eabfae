"""Settings of gates, experts and solvers."""

from collections.abc import Callable, Iterator
from typing import Any

import equinox as eqx
import numpy as np

from mixstat import MixtureOfExperts, experts, gates, solvers
from tests.bad_inputs.rows import Case, Row, rows
from tests.bad_inputs.values import NOT_SWITCHES, X, Y

# gates, experts and solvers

PARTS: list[tuple[str, Callable[..., object], dict[str, list[Any]]]] = [
    ("SoftmaxGate", gates.SoftmaxGate, {"coef": ["abc", None]}),
    ("SigmoidGate", gates.SigmoidGate, {"coef": ["abc", None]}),
    ("ModifiedSoftmaxGate", gates.ModifiedSoftmaxGate,
     {"coef": ["abc"], "function": ["x", None, 5]}),
    ("TopKGate", gates.TopKGate, {"coef": ["abc"], "k": [0, 3, 1.5, "two", True]}),
    ("TopPGate", gates.TopPGate, {"coef": ["abc"], "mass": [0.0, 1.5, "most", None, True]}),
    ("HierarchicalGate", gates.HierarchicalGate,
     {"coef": ["abc"], "tree": ["abc", (0, 2), (0,), 5, (0, 1, 1), ((0, "a"), 1)]}),
    ("SharedExpertGate", gates.SharedExpertGate,
     {"coef": ["abc"], "omega": ["abc"], "routing": ["x", None, 5], "n_shared": [0, 2, 1.5, "two"],
      "share": [0.0, 1.0, "half", None, True], "order": [(0,), (0, 2), "ab", 3]}),
    ("GaussianGate", gates.GaussianGate, {"logit": ["abc"], "inputs": ["abc"]}),
    ("TemperatureGate", gates.TemperatureGate,
     {"coef": ["abc"], "bias": ["abc"], "log_tau": ["abc"], "activation": ["x", 5],
      "temperature": [0.0, -1.0, "warm", (1.0, 2.0), np.nan, None, True]}),
    ("BinomialExperts", experts.BinomialExperts, {"coef": ["abc"], "trials": [0, -1, 1.5, "two"]}),
    ("GammaExperts", experts.GammaExperts, {"coef": ["abc"], "log_shape": ["abc"]}),
    ("PoissonExperts", experts.PoissonExperts, {"coef": ["abc"]}),
    ("NegativeBinomialExperts", experts.NegativeBinomialExperts,
     {"coef": ["abc"], "log_dispersion": ["abc"]}),
    ("BetaExperts", experts.BetaExperts, {"coef": ["abc"], "log_precision": ["abc"]}),
    ("InverseGaussianExperts", experts.InverseGaussianExperts,
     {"coef": ["abc"], "log_shape": ["abc"]}),
    ("OrderedExperts", experts.OrderedExperts,
     {"coef": ["abc"], "log_gap": ["abc"], "n_levels": [2, 2.5, "three", None],
      "noise": ["cauchy", None, 3]}),
    ("ExponentialExperts", experts.ExponentialExperts, {"coef": ["abc"]}),
    ("LognormalExperts", experts.LognormalExperts, {"coef": ["abc"], "log_scale": ["abc"]}),
    ("WeibullExperts", experts.WeibullExperts, {"coef": ["abc"], "log_scale": ["abc"]}),
    ("GaussianExperts", experts.GaussianExperts,
     {"coef": ["abc"], "log_scale": ["abc"], "shear": ["abc"], "covariance": ["round", None]}),
    ("StudentTExperts", experts.StudentTExperts,
     {"coef": ["abc"], "log_scale": ["abc"], "log_df": ["abc"],
      "df": [0.0, -1.0, "few", np.nan, np.inf, True]}),
    ("SkewNormalExperts", experts.SkewNormalExperts,
     {"coef": ["abc"], "log_scale": ["abc"], "slant": ["abc"]}),
    ("MixedExperts", experts.MixedExperts, {"parts": [5, ("gaussian",), "ab"]}),
    ("EM", solvers.EM, {"accelerate": NOT_SWITCHES, "exact_gate": NOT_SWITCHES, "stop": [5, "x"]}),
    ("LBFGS", solvers.LBFGS, {"history": [0, 1.5, "x", None]}),
]  # fmt: skip


PARAMETERS = (
    "coef",
    "bias",
    "log_tau",
    "logit",
    "inputs",
    "log_shape",
    "log_scale",
    "log_dispersion",
    "log_precision",
    "log_gap",
    "shear",
    "omega",
    "log_df",
    "slant",
)


COUNTS = ("BinomialExperts", "PoissonExperts", "NegativeBinomialExperts")


def _beside_points(**given: Any) -> object:
    """A fit of a point mass beside a family."""
    return MixtureOfExperts(2, expert=[experts.PointMass(**given), "gaussian"]).fit(X, Y)


def _made(make: Callable[..., Any], given: dict[str, Any]) -> object:
    """A part of some settings; parameters are replaced in one that was made without them."""
    ((name, value),) = given.items()
    if name not in PARAMETERS:
        return make(**given)
    return eqx.tree_at(lambda part: getattr(part, name), make(), value)


def of_parts() -> Iterator[Row]:
    """Settings of gates, experts and solvers."""
    for name, make, bad in PARTS:
        if name.endswith("Gate"):
            setting = "gate"
        else:
            setting = "expert" if name.endswith("Experts") else "solver"
        y = np.abs(np.round(Y)) + 1 if name in COUNTS else Y**2 + 1
        y = np.arange(len(Y)) % 3.0 if name == "OrderedExperts" else y

        def fit(make=make, setting=setting, y=y, **given):
            return MixtureOfExperts(2, **{setting: _made(make, given)}).fit(X, y)

        yield from rows(name, lambda fit=fit: fit, {}, bad)
    bad = {"n_classes": [1, "two", 2.5]}
    yield from rows("MultinomialExperts", lambda: experts.MultinomialExperts, {}, bad)
    yield from rows(
        "Censored",
        lambda: experts.Censored,
        {},
        {"expert": [Case("ordered", "OrderedExperts"), "x", None, 5]},
    )
    yield from rows(
        "Truncated",
        lambda: experts.Truncated,
        {"expert": "poisson"},
        {
            "expert": [Case("ordered", "OrderedExperts"), "x", None, 5],
            "lower": [0, -1, 1.5, "one", True, 101],
            "upper": [0, -5, 2.5, "two", True, 102],
        },
    )
    yield from rows(
        "Truncated",
        lambda: experts.Truncated,
        {"expert": "gamma", "lower": 1.0, "upper": 2.0},
        {"lower": [0.0, -1.0, np.nan, 2.0, 3.0, "one"], "upper": [0.0, np.inf, "two"]},
    )
    bad = {
        "expert": [Case("gamma", "GammaExperts"), "x", None, 5],
        "scale_features": ["x", 0, True, [1.5], [None], [True]],
    }
    yield from rows("Heteroscedastic", lambda: experts.Heteroscedastic, {"expert": "gaussian"}, bad)
    bad = {"at": ["x", None, np.nan, Case(np.inf, "inf"), True, Case(2.0, "got 2")]}
    yield from rows("PointMass", lambda: _beside_points, {}, bad)
    rules = {
        "absolute": [-1.0, "x", np.nan], "relative": [-1.0, "x", np.nan],
        "max_iter": [0, "x", 1.5], "gate": [-1.0, "x"],
    }  # fmt: skip

    def fit(**given):
        return MixtureOfExperts(2, solver=solvers.EM(stop=solvers.StopRule(**given))).fit(X, Y)

    yield from rows("StopRule", lambda: fit, {}, rules)
    bad = {"solver": ["adam", None, 1]}
    yield from rows("find_solver", lambda: solvers.find_solver, {}, bad)
