"""The truths that studies know by name: published settings, and milder ones of our own.

Letters of the comments: b and w are a gate's intercepts and slopes, c, Gamma and pi centres,
covariances and weights of a Gaussian gate.
"""

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np

from mixstat.experts.base import Experts
from mixstat.experts.gaussian import GaussianExperts
from mixstat.experts.multinomial import MultinomialExperts
from mixstat.gates.base import Gate
from mixstat.gates.gaussian import GaussianGate
from mixstat.gates.modified import ModifiedSoftmaxGate
from mixstat.gates.sigmoid import SigmoidGate
from mixstat.gates.softmax import SoftmaxGate
from mixstat.gates.sparse import TopKGate
from mixstat.gates.temperature import TemperatureGate
from mixstat.model import Mixture
from mixstat.parts.normal import Normals
from mixstat.rates.box import Box
from mixstat.rates.inputs import Clusters, Grid, InputLaw, Lattice, Uniform
from mixstat.rates.law import Law, make_features
from mixstat.rates.regression import RegressionFunction
from mixstat.rates.truths import NEAR, Claim, Truth

SG = "Nguyen, Nguyen and Ho (2023), NeurIPS, arXiv 2305.03288"
GG = "Nguyen, Nguyen, Nguyen and Ho (2024), AISTATS, arXiv 2305.07572"
ML = "Nguyen, Akbarian, Nguyen and Ho (2024), ICML, arXiv 2310.14188"
DS = "Nguyen, Akbarian and Ho (2024), ICML, arXiv 2401.13875"
MJ = "Mendes and Jiang (2011), arXiv 1110.2058"
TOP_K = "Nguyen, Akbarian, Yan and Ho (2024), ICLR, arXiv 2309.13850"
SIGMOID = "Nguyen, Ho and Rinaldo (2024), NeurIPS, arXiv 2405.13997"

DENSITY = (Claim("any", "hellinger", -0.5, "seen"), Claim("any", "total_variation", -0.5, "seen"))
EXACT = Claim("exact", "voronoi_exact", -0.5, "seen")
OVER = Claim("over", "voronoi_over", -0.5, "seen")
GAUSSIAN_CELLS = (  # parameters of a cell that two atoms share
    Claim("over", "error_gate_shared", -0.125, "derived"),
    Claim("over", "error_intercept_shared", -0.125, "derived"),
    Claim("over", "error_slope_shared", -0.25, "derived"),
    Claim("over", "error_variance_shared", -0.25, "derived"),
)
FULL = (EXACT, OVER, *GAUSSIAN_CELLS, *DENSITY)
MILD_BOX = Box(
    gate_intercept=(-4.0, 4.0),
    gate_slope=(-8.0, 8.0),
    expert_intercept=(-6.0, 6.0),
    expert_slope=(-6.0, 6.0),
    scale=(0.1, 3.0),
    temperature=(0.1, 4.0),
    weight=(-4.0, 4.0),
    centre=(-4.0, 4.0),
    spread=(0.2, 3.0),
)

NARROW_BOX = Box(  # for truths whose atoms are a tenth apart
    expert_intercept=(-4.0, 4.0),
    expert_slope=(-4.0, 4.0),
    scale=(0.01, 2.0),
    weight=(-4.0, 4.0),
    centre=(-2.0, 2.0),
    spread=(0.02, 2.0),
)


Numbers: TypeAlias = Sequence[float | int] | np.ndarray


def gaussian(
    intercepts: Numbers, slopes: Numbers | Sequence[Sequence[float | int]], scales: Numbers
) -> GaussianExperts:
    """Linear Gaussian experts of one output from their parameters, expert by expert."""
    k = len(intercepts)
    coef = np.column_stack([np.asarray(intercepts, float), np.reshape(slopes, (k, -1))])
    log_scale = np.log(np.asarray(scales, float))[:, None]
    return GaussianExperts(coef[:, None, :], log_scale, np.zeros((k, 0)))


def clusters(
    weights: Numbers, centres: Numbers, variances: Numbers, n_inputs: int = 1
) -> GaussianGate:
    """A Gaussian gate of round clusters, each centre repeated in all inputs."""
    k = len(weights)
    logit = np.log(np.asarray(weights[:-1], float) / weights[-1])[:, None]
    where = np.tile(np.reshape(centres, (k, 1, 1)), (1, n_inputs, 1)).astype(float)
    log_scale = np.tile(0.5 * np.log(np.reshape(variances, (k, 1))), (1, n_inputs))
    shear = np.zeros((k, n_inputs * (n_inputs - 1) // 2))
    return GaussianGate(logit, Normals(where, log_scale, shear))


def truth(
    name: str,
    gate: Gate,
    experts: Experts,
    inputs: InputLaw,
    citation: str,
    mark: str,
    claims: tuple[Claim, ...],
    *,
    box: Box | None = None,
    near: float = NEAR,
    note: str = "",
) -> Truth:
    """A truth whose model is linear in the inputs."""
    law = Law(Mixture(gate, experts), make_features(inputs.n_inputs, gate))
    return Truth(name, law, inputs, citation, mark, claims, box, near, note)


def _mild(
    name: str,
    gate: Gate,
    citation: str,
    claims: tuple[Claim, ...],
    *,
    box: Box = MILD_BOX,
    note: str = "",
) -> Truth:
    """Two lines that cross, on [-3, 3], under some gate; chosen here."""
    experts = gaussian([1.0, -1.0], [1.5, -1.5], [0.5, 0.7])
    inputs = Uniform(-3, 3)
    return truth(name, gate, experts, inputs, citation, "derived", claims, box=box, note=note)


def softmax_gaussian() -> list[Truth]:
    """The published truth, whose gate is nearly a step, and a milder one."""
    steep = truth(
        "softmax-gaussian",
        SoftmaxGate(np.array([[-8.0, 25.0]])),  # b = (-8, 0), w = (25, 0)
        gaussian([15.0, -5.0], [-20.0, 20.0], [0.3, 0.4]),
        Grid(0, 1),
        SG,
        "seen",
        FULL,
        box=Box((-20.0, 20.0), (-60.0, 60.0), (-40.0, 40.0), (-40.0, 40.0), (0.05, 3.0)),
        note="inputs are an even grid in every data set",
    )
    gate = SoftmaxGate(np.array([[0.5, 2.0]]))
    return [steep, _mild("softmax-gaussian-mild", gate, f"following {SG}", FULL)]


def gaussian_gate() -> list[Truth]:
    """The four published models (a centre at zero in type II), and a milder one."""
    published = []
    for kind, centre, b, v in (
        ("I", -0.1, 0.340454, 0.0088767),
        ("II", 0.0, 0.3, 0.0011678),
    ):
        for d in (1, 2):
            gate = clusters([0.3, 0.4, 0.3], [centre, 0.1, 0.5], [0.042824, 0.0175, 0.01], d)
            slopes = np.repeat([[0.404540], [-0.714286], [0.0]], d, axis=1)
            experts = gaussian([b, -0.328571, 0.2], slopes, np.sqrt([v, 0.0264286, 0.0175]))
            claims = (EXACT, OVER, *DENSITY)
            note = "covariances of the inputs are taken to be multiples of one" if d > 1 else ""
            name = f"gaussian-gate-{kind}-{d}d"
            inputs = Clusters(gate)
            made = truth(
                name,
                gate,
                experts,
                inputs,
                GG,
                "seen",
                claims,
                box=NARROW_BOX,
                near=0.03,
                note=note,
            )
            published.append(made)
    mild = clusters([0.5, 0.5], [-1.0, 1.0], [0.64, 0.64])
    experts = gaussian([1.0, -1.0], [1.5, -1.5], [0.5, 0.7])
    law = Clusters(mild)
    about = (f"following {GG}", "derived", (EXACT, OVER, *DENSITY))
    return [*published, truth("gaussian-gate-mild", mild, experts, law, *about, box=MILD_BOX)]


def multinomial() -> list[Truth]:
    """Three classes; in regime 2 the second expert does not depend on the inputs.

    In regime 1 with the plain gate standard errors at n rows are below about 19 / sqrt(n).
    """
    first = [[3.0, -1.5], [-1.5, 1.5]]  # per class: intercept and slope
    regimes = {1: [[-1.5, -1.0], [1.5, 1.0]], 2: [[-1.0, 0.0], [0.5, 0.0]]}
    gates = {"": SoftmaxGate(np.array([[0.0, 3.0]])), "-modified": ModifiedSoftmaxGate(
        np.array([[0.0, 3.0]]), function="tanh"
    )}  # fmt: skip
    claims = {
        1: (
            Claim("exact", "voronoi_exact", -0.5, "recall"),
            Claim("over", "voronoi_over", -0.5, "recall"),
        ),
        2: (Claim("over", "voronoi_over", None, "recall"),),
    }
    # whatever the gate, two experts without inputs whose shares keep their ratio are like one
    # with their mean probabilities, so that their intercepts cannot be known
    split = Claim("over", "voronoi_over", None, "derived")
    box = Box((-4.0, 4.0), (-6.0, 6.0), (-5.0, 5.0), (-6.0, 6.0))
    listed = []
    for regime, second in regimes.items():
        for suffix, gate in gates.items():
            experts = MultinomialExperts(np.array([first, second]), n_classes=3)
            own = (claims[1][0], split) if suffix and regime == 2 else claims[regime]
            stated = (*own, *DENSITY)
            about = (f"following {ML}", "derived", stated)
            name = f"multinomial-{regime}{suffix}"
            listed.append(truth(name, gate, experts, Lattice(-3, 3), *about, box=box))
    return listed


def temperature() -> list[Truth]:
    """Gates with a temperature: without an activation, and with one that repairs its rates."""
    plain = TemperatureGate(np.array([[0.5, 2.0]]), np.zeros((0, 1)), np.zeros((1, 1)))
    nothing = (
        Claim("any", "error_gate_single", None, "recall"),
        Claim("any", "error_temperature_single", None, "recall"),
        Claim("exact", "voronoi_ratio_exact", -0.5, "derived"),
        *DENSITY,
    )
    ray = "only the gate's coefficients over the temperature can be estimated"
    listed = [_mild("temperature", plain, f"following {DS}", nothing, note=ray)]
    positive = Box(
        (-2.0, 2.0), (0.0, 8.0), (-6.0, 6.0), (-6.0, 6.0), scale=(0.1, 3.0), temperature=(0.02, 2.0)
    )
    note = (
        "odd activations give the same two-expert gate for (w1, w2) and (-w2, -w1): the box keeps "
        "slopes positive"
    )
    # slopes, bias and temperature: where an activation is flat its slope is poorly known, so that
    # standard errors at n rows are about 10 / sqrt(n) of the parameter itself
    settings = {
        "tanh": ([[2.0], [0.5]], 0.2, 0.15),
        "sigmoid": ([[3.5], [0.5]], 0.2, 0.1),
        "sin": ([[1.5], [0.4]], 0.4, 0.4),
    }
    for activation, (slopes, bias, tau) in settings.items():
        gate = TemperatureGate(
            np.array(slopes), np.full((1, 1), bias), np.full((1, 1), np.log(tau)),
            activation=activation,
        )  # fmt: skip
        claims = (
            Claim("exact", "voronoi_exact", -0.5, "second hand"),
            Claim("over", "voronoi_over", -0.5, "second hand"),
            *DENSITY,
        )
        name = f"activation-{activation}"
        listed.append(_mild(name, gate, f"following {DS}", claims, box=positive, note=note))
    return listed


def smooth(X: np.ndarray) -> np.ndarray:
    """sin(4 pi x) (x + 1/2)."""
    return np.sin(4 * np.pi * X[:, 0]) * (0.5 + X[:, 0])


def rough(X: np.ndarray) -> np.ndarray:
    """Weierstrass' function with Hoelder exponent 3/4, down to periods of 1/128."""
    j = np.arange(8)
    return np.cos(2 * np.pi * X[:, :1] * 2.0 ** j[None, :]) @ 2.0 ** (-0.75 * j)


def regression() -> list[Truth]:
    """Functions that mixtures of m polynomial experts approximate."""
    claims = (Claim("any", "kl", -1.0, "seen"),)
    about = (Uniform(0, 1), f"following {MJ}", "derived", claims)
    note = "the slope holds until the bias of m experts is reached"
    return [
        Truth("polynomial-smooth", RegressionFunction(smooth, 0.3), *about, note=note),
        Truth("polynomial-rough", RegressionFunction(rough, 0.3, pieces=256), *about, note=note),
    ]


def further() -> list[Truth]:
    """A sparse gate and one whose experts do not compete."""
    top = TopKGate(np.array([[0.5, 1.0], [0.5, -1.0]]), k=2)
    experts = gaussian([1.0, -1.0, 3.0], [1.5, -1.5, 0.0], [0.5, 0.7, 0.4])
    three = truth(
        "top-k", top, experts, Uniform(-3, 3), f"following {TOP_K}", "derived", DENSITY,
        box=MILD_BOX,
    )  # fmt: skip
    sigmoid = SigmoidGate(np.array([[0.5, 2.0], [0.0, -1.0]]))
    return [three, _mild("sigmoid", sigmoid, f"following {SIGMOID}", DENSITY)]
