"""A shared expert beside routed ones (DeepSeekMoE, arXiv 2505.10860): its four theorems.

    python paper_figs/shared_expert/simulate.py [--quick] [--only NAME ...] [--out FOLDER]

p(y | x) is half of a mixture with weights omega and half of one with a gate: a softmax in
"softmax-relu" (theorem 1) and "softmax-linear" (theorem 2), normalised sigmoids in "sigmoid-sparse"
(theorem 3) and "sigmoid-dense" (theorem 4). One shared expert is fitted by two and two routed ones
by three. The full run takes about ten minutes on one core.
"""

import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import losses
import numpy as np
import pandas as pd
from parts import NearAtoms, ReluExperts

from mixstat.experts.base import Experts
from mixstat.experts.gaussian import GaussianExperts
from mixstat.experts.mixed import MixedExperts
from mixstat.gates import SharedExpertGate
from mixstat.model import Mixture
from mixstat.rates import Box, RateStudy, Specification, Truth, Uniform, register_loss
from mixstat.rates.claims import Claim
from mixstat.rates.law import Law, make_features

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

import laboratory  # noqa: E402

PAPER = "arXiv 2505.10860"
LIMITS: dict[str, Any] = {
    "gate_intercept": (-4, 4),
    "gate_slope": (-10, 10),
    "expert_intercept": (-5, 5),
    "expert_slope": (-20, 20),
    "scale": (0.1, 2.0),
}
INSIDE = {"kink": (0, 0), "outer": (-12, 12)}  # of a two-layer expert
WEIGHT = {"shared_weight": (-6, 6)}
SIZES = {False: (np.geomspace(1_000, 9_655, 3), 12), True: (np.geomspace(500, 2_000, 2), 4)}
PRINTED = {
    "softmax-relu": {"D1_raw": -0.45048, "D1_product": -0.45048},
    "softmax-linear": {"D2": -0.51708},
    "sigmoid-sparse": {"D3_raw": -0.46028, "D3_product": -0.46028},
    "sigmoid-dense": {"D4_shared_raw": -0.54959, "D4_shared_product": -0.54959},
}
SHARES = ("softmax-relu", "sigmoid-sparse")  # whose routed experts have the slopes of two layers
OWN = {
    "D1_raw": losses.first("raw"),
    "D1_product": losses.first("rise"),
    "D2": losses.second,
    "D3_raw": losses.third("raw"),
    "D3_product": losses.third("rise"),
    "D4_shared_raw": losses.shared_only("raw"),
    "D4_shared_product": losses.shared_only("rise"),
    "shares": losses.shares,
}
for _name, _function in OWN.items():
    register_loss(_name, _function)


def relu(outer: float, inner: float, variance: float) -> ReluExperts:
    """outer ReLU(inner x)."""
    one = np.full((1, 1, 1), 1.0)
    coef = np.array([[[0.0, inner]]])
    return ReluExperts(coef, outer * one, 0.5 * np.log(variance) * one)


def line(slope: float, intercept: float, variance: float) -> GaussianExperts:
    """Slope x + intercept."""
    coef = np.array([[[intercept, slope]]])
    return GaussianExperts(coef, np.array([[0.5 * np.log(variance)]]), np.zeros((1, 0)))


BENT = (relu(4.0, -12.0, 0.4), relu(4.0, 12.0, 0.4))
STRAIGHT = (line(8.0, 2.0, 0.4), line(-6.0, 1.0, 0.4))
BIAS = (-0.5, 0.5)
# the shared expert, the routed ones, their gate, the slopes of its two scores
MODELS: dict[str, tuple[Experts, tuple[Experts, ...], str, tuple[float, float]]] = {
    "softmax-relu": (relu(-8.0, 6.0, 0.25), BENT, "softmax", (5.0, 0.0)),
    "softmax-linear": (line(2.0, 0.0, 0.2), STRAIGHT, "softmax", (5.0, 0.0)),
    "sigmoid-sparse": (relu(-8.0, 6.0, 0.25), BENT, "sigmoid", (0.0, 0.0)),
    "sigmoid-dense": (relu(-8.0, 6.0, 0.25), STRAIGHT, "sigmoid", (5.0, 5.0)),
}


def truth(name: str) -> Truth:
    """A truth of the paper; what theory states is stated of its own losses."""
    shared, routed, routing, slopes = MODELS[name]
    scores = np.column_stack([BIAS, slopes])
    coef = (scores - scores[-1])[:-1] if routing == "softmax" else scores
    empty = SharedExpertGate(routing=routing).null(3, 2)
    gate = SharedExpertGate(coef, empty.omega, routing=routing, order=empty.order)
    law = Law(Mixture(gate, MixedExperts((shared, *routed))), make_features(1, gate))
    claims = tuple(Claim("over", loss, -0.5, "seen") for loss in PRINTED[name])
    if name != "sigmoid-dense":  # where fits have a limit that is not the truth
        claims += (Claim("over", "hellinger", -0.5, "recall"),)
    others = WEIGHT if name == "softmax-linear" else WEIGHT | INSIDE
    box = Box(**LIMITS, others=others)
    return Truth(name, law, Uniform(-3, 3), PAPER, "seen", claims=claims, box=box)


def study(name: str, quick: bool) -> RateStudy:
    """Two shared and three routed experts fitted to one and two."""
    true = truth(name)
    shared, routed, routing, _ = MODELS[name]
    families = MixedExperts(tuple(type(one)() for one in (shared, shared, *routed, routed[0])))
    gate = SharedExpertGate(routing=routing, n_shared=2)
    spec = Specification(5, gate=gate, experts=families)
    sizes, n_replicates = SIZES[quick]
    rounded = [int(n) for n in np.round(sizes)]
    own = [*PRINTED[name], *(["shares"] if name in SHARES else []), "density"]
    return RateStudy(true, spec, rounded, n_replicates, NearAtoms(0.2, n_starts=3), own)


STUDIES: dict[str, Callable[[bool], RateStudy]] = {name: partial(study, name) for name in MODELS}


def summaries(results: dict, tables: dict[str, pd.DataFrame]) -> dict[str, Any]:
    """Printed slopes beside ours, and how often starts of a data set agree."""
    agree = {name: float((table["starts_agreeing"] > 1).mean()) for name, table in tables.items()}
    return {"printed": laboratory.printed(results, PRINTED), "one_maximum": agree}


if __name__ == "__main__":
    sys.exit(laboratory.main(HERE, str(__doc__), STUDIES, summaries=summaries))
