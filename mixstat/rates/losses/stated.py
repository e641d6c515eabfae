"""The Voronoi losses that papers state, and the one that a paper's scripts compute."""

from collections.abc import Sequence
from typing import NamedTuple

from mixstat.rates.losses.cells import rbar
from mixstat.rates.losses.voronoi import Group, VoronoiLoss, always, half, one, square

EXPERT = ("slope", "intercept", "variance")
ALL = ("gate", *EXPERT)
SG = "arXiv 2305.03288"
SOFTMAX_EXACT = VoronoiLoss(((ALL, one),), ((ALL, one),), EXPERT, "gate", True, SG)
SOFTMAX_OVER = VoronoiLoss(
    ((ALL, one),),
    ((("gate", "intercept"), rbar), (("slope", "variance"), half)),
    EXPERT,
    "gate",
    True,
    SG,
)
# the authors' scripts add up the lengths of the blocks, one by one
CODE = "code of arXiv 2305.03288"
SOFTMAX_CODE = SOFTMAX_OVER._replace(
    single=tuple(((name,), one) for name in ALL),
    shared=tuple(
        ((name,), power) for name, power in zip(ALL, (rbar, half, rbar, half), strict=True)
    ),
    source=CODE,
    same_total=False,
)
GG = "arXiv 2305.07572"
CLUSTERED = ("centre", "spread", *EXPERT)
GAUSSIAN_EXACT = VoronoiLoss(((CLUSTERED, one),), ((CLUSTERED, one),), CLUSTERED, None, False, GG)
GAUSSIAN_OVER = GAUSSIAN_EXACT._replace(
    shared=(
        (("centre",), rbar),
        (("spread",), half),
        (("slope",), square),
        (("intercept",), rbar),
        (("variance",), half),
    )
)
# a true centre at zero (type II) slows the expert's slope down
GAUSSIAN_OVER_ZERO = GAUSSIAN_OVER._replace(
    shared=(*(g for g in GAUSSIAN_OVER.shared if g[0] != ("slope",)), (("slope",), half))
)
ML = "following arXiv 2310.14188"
CLASSES = ("gate", "slope", "intercept")
MULTINOMIAL = VoronoiLoss(
    tuple(((name,), one) for name in CLASSES),
    tuple(((name,), square) for name in CLASSES),
    CLASSES,
    "gate",
    True,
    ML,
)
DS = "following arXiv 2401.13875 and 2402.03226"
HEATED = ("gate", "temperature", *EXPERT)
ACTIVATION_OVER = VoronoiLoss(
    ((HEATED, one),),
    (
        (("gate",), square),
        (("temperature",), square),
        (("slope",), square),
        (("intercept",), rbar),
        (("variance",), half),
    ),
    HEATED,
    None,
    True,
    DS,
)
ACTIVATION_EXACT = ACTIVATION_OVER._replace(shared=((HEATED, one),))


def ratio_loss(loss: VoronoiLoss) -> VoronoiLoss:
    """The loss of a softmax gate in w / temperature, all that a plain one can know."""

    def swap(groups: tuple[Group, ...]) -> tuple[Group, ...]:
        return tuple(
            (tuple("ratio" if name == "gate" else name for name in names), power)
            for names, power in groups
        )

    return loss._replace(
        single=swap(loss.single), shared=swap(loss.shared), moves="ratio", source="mixstat"
    )


def single_exponent(names: Sequence[str], power: float, moves: str | None, source: str):
    """The loss of negative results: one exponent for every parameter in every cell."""
    groups = tuple(((name,), always(power)) for name in names)
    return VoronoiLoss(groups, groups, tuple(names), moves, True, source)


# negative results hold for every exponent; one is shown
TEMPERATURE = single_exponent(HEATED, 1.0, "gate", "following arXiv 2401.13875")


class Stated(NamedTuple):
    """The losses of one kind of mixing measure."""

    exact: VoronoiLoss
    over: VoronoiLoss


# by the measures that a gate and a family of experts declare
STATED: dict[tuple[str, str], Stated] = {
    ("softmax", "gaussian"): Stated(SOFTMAX_EXACT, SOFTMAX_OVER),
    ("softmax", "multinomial"): Stated(MULTINOMIAL, MULTINOMIAL),
    ("gaussian", "gaussian"): Stated(GAUSSIAN_EXACT, GAUSSIAN_OVER),
    ("gaussian, a centre at zero", "gaussian"): Stated(GAUSSIAN_EXACT, GAUSSIAN_OVER_ZERO),
    ("temperature", "gaussian"): Stated(TEMPERATURE, TEMPERATURE),
    ("activation", "gaussian"): Stated(ACTIVATION_EXACT, ACTIVATION_OVER),
}
