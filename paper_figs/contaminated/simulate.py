"""A mixture that contaminates a known density (arXiv 2505.18455), with a softmax gate.

    python paper_figs/contaminated/simulate.py [--quick] [--only NAME ...] [--out FOLDER]

p(y | x) = (f0 + exp(s) N(y; tanh(eta . x), nu)) / (1 + exp(s)), s = beta . x + tau, of which f0 is
known and held. "a" has Laplace noise in f0; "b-i" and "b-ii" are the paper's Gaussian cases, in
which the expert approaches f0 in its mean, or in its variance; "b-ii-near" is b-ii around the mean
of f0, which the printed slopes suggest. The full run takes about ten minutes on one core.
"""

import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import information
import numpy as np
import pandas as pd
from experts import StandardNormal, TanhExperts

from mixstat.experts.mixed import MixedExperts
from mixstat.gates import SoftmaxGate
from mixstat.model import Mixture
from mixstat.rates import (
    Box,
    NearTruth,
    RateStudy,
    Specification,
    Truth,
    moving_truth,
    register_loss,
)
from mixstat.rates.claims import Claim
from mixstat.rates.law import Law, make_features

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

import laboratory  # noqa: E402

D, NU = 8, 1e-3  # inputs, and the variance of f0
E1 = np.eye(D)[0]  # its eta
BETA, TAU = np.full(D, 1 / np.sqrt(D)), 1.0
BOX = Box(
    gate_intercept=(-4, 6),
    gate_slope=(-3, 3),
    expert_intercept=(0, 0),
    expert_slope=(-3, 3),
    scale=(0.005, 0.5),
)
ERRORS = ("beta", "tau", "exp_tau", "eta", "nu")
PAPER = "arXiv 2505.18455"


def parameters(model: Mixture) -> dict[str, Any]:
    """Those of the paper; the first expert is the one that is estimated."""
    part: Any = model
    tau, beta = part.gate.coef[0, 0], part.gate.coef[0, 1:]
    own = part.experts.parts[0]
    variance = np.exp(2 * own.log_scale[0, 0, 0])
    eta = own.coef[0, 0, 1:]
    return {"beta": beta, "tau": tau, "exp_tau": np.exp(tau), "eta": eta, "nu": variance}


def _error(name: str, truth: Truth, law: Law) -> float:
    """Euclidean distance of one parameter."""
    gap = parameters(law.mixture)[name] - parameters(truth.mixture)[name]
    return float(np.linalg.norm(gap))


for _name in ERRORS:
    register_loss(_name, partial(_error, _name), title=f"error of {_name}")


def expert(eta: np.ndarray, variance: float, noise: str = "normal") -> TanhExperts:
    """One expert without an intercept; a Laplace scale has the stated variance too."""
    scale = np.sqrt(variance / 2 if noise == "laplace" else variance)
    coef = np.append(0.0, eta)[None, None, :]
    return TanhExperts(coef, np.full((1, 1, 1), np.log(scale)), noise=noise)


def truth(
    name: str, eta: np.ndarray, variance: float, noise: str, slopes: dict, mark: str = "seen"
) -> Truth:
    """A truth of the paper's form; the mark is that of the slopes."""
    gate = SoftmaxGate(np.append(TAU, BETA)[None, :])
    experts = MixedExperts((expert(eta, variance), expert(E1, NU, noise)))
    law = Law(Mixture(gate, experts), make_features(D, gate))
    claims = tuple(Claim("any", loss, slope, mark) for loss, slope in slopes.items())
    about = {"citation": PAPER, "mark": "seen", "box": BOX, "near": 0.1}
    return Truth(name, law, StandardNormal(D), claims=claims, **about)


ROOT = dict.fromkeys((*ERRORS, "hellinger"), -0.5)
# n^-1/2 over the distance to f0, n^-1/8, and over its square for exp(tau)
NEAR = dict.fromkeys(("beta", "eta", "nu"), -0.375)
NEAR |= {"hellinger": -0.5, "tau": -0.25, "exp_tau": -0.25}


def away(n: int) -> float:
    """What is left of the distance to f0 at a sample size."""
    return float(n**-0.125)


TRUTHS: dict[str, Callable[[int], Truth]] = {
    "a": lambda n: truth("a", -E1, NU, "laplace", ROOT),
    "b-i": lambda n: truth("b-i", E1 * (1 + away(n)), NU, "normal", NEAR),
    # the distance is at least 2 here, by which theory for fixed truths applies
    "b-ii": lambda n: truth("b-ii", -E1, NU * (1 + away(n)), "normal", ROOT, "derived"),
    "b-ii-near": lambda n: truth("b-ii-near", E1, NU * (1 + away(n)), "normal", NEAR, "derived"),
}
PRINTED = {  # the paper's slope of the gate's constant is that of tau or of exp(tau)
    "a": {"beta": -0.45, "tau": -0.52, "exp_tau": -0.52, "eta": -0.50, "nu": -0.54},
    "b-i": {"beta": -0.37, "tau": -0.23, "exp_tau": -0.23, "eta": -0.39, "nu": -0.35},
    "b-ii": {"beta": -0.39, "tau": -0.22, "exp_tau": -0.22, "eta": -0.37, "nu": -0.39},
}
PRINTED["b-ii-near"] = PRINTED["b-ii"]
SIZES = {False: (np.geomspace(1_000, 100_000, 7), 20), True: (np.geomspace(1_000, 10_000, 3), 6)}


def study(name: str, quick: bool) -> RateStudy:
    """Fits of the expert and its gate beside f0, which is held."""
    moving = moving_truth(TRUTHS[name])
    experts: Any = moving.mixture.experts
    known = experts.parts[1]
    values = {"coef": known.coef[0, 0], "scale": float(np.exp(known.log_scale[0, 0, 0]))}
    spec = Specification(2, frozen={1: values})
    sizes, n_replicates = SIZES[quick]
    start = NearTruth(moving.near, n_starts=2)
    rounded = [int(one) for one in np.round(sizes)]
    return RateStudy(moving, spec, rounded, n_replicates, start, [*ERRORS, "density"])


STUDIES: dict[str, Callable[[bool], RateStudy]] = {name: partial(study, name) for name in TRUTHS}


def by_information(_quick: bool, _folder: Path) -> dict[str, Any]:
    """Slopes that the information at the truths gives: at the sizes of the studies, and far out."""
    ends = {"here": (1_000, 100_000), "far": (10**14, 10**16)}
    return {
        name: {where: information.slopes(made, *pair) for where, pair in ends.items()}
        for name, made in TRUTHS.items()
    }


def summaries(results: dict, tables: dict[str, pd.DataFrame]) -> dict:
    """Printed slopes beside ours, and how often both starts of a data set agree."""
    agree = {name: float((table["starts_agreeing"] > 1).mean()) for name, table in tables.items()}
    return {"printed": laboratory.printed(results, PRINTED), "one_maximum": agree}


MORE = {"information": by_information}

if __name__ == "__main__":
    sys.exit(laboratory.main(HERE, str(__doc__), STUDIES, MORE, summaries))
