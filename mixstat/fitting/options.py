"""The parameters of an estimator that a fit needs, checked once and frozen."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from mixstat.arguments import Columns, Seed, Setting
from mixstat.fitting import starts
from mixstat.fitting.restrictions import Restrictions, read_restrictions
from mixstat.fitting.settings import check_degree, check_names, find_gate
from mixstat.gates.base import Gate
from mixstat.solvers.base import Solver
from mixstat.solvers.registry import find_solver
from mixstat.validation import (
    check_choice,
    check_integer,
    check_positive,
    check_seed,
    check_share,
    check_switch,
)

LARGEST_TOL = 0.1  # a gradient of that size is far from a maximum, in standardised units

# those that describe features; a formula does it in their place
FEATURE_SETTINGS = {
    "degree",
    "interactions",
    "expert_features",
    "gate_degree",
    "gate_features",
}


@dataclass(frozen=True, eq=False)
class Options:
    """Parameters of an estimator as they were when it was fitted, each of them checked."""

    n_experts: int
    degrees: np.ndarray
    """Degree of each expert's polynomial."""
    own_degrees: bool
    """Whether every expert was given a degree of its own."""
    interactions: bool
    expert_features: Columns
    gate: Gate
    gate_degree: int
    gate_features: Columns
    solver: Solver
    solver_name: str
    """In a word."""
    init: Setting
    n_init: int | str
    tol: float
    max_iter: int
    min_scale: float
    min_share: float
    max_scale_ratio: float
    scale_penalty: float
    precision: str
    ridge: float | None
    expert_penalty: float
    gate_penalty: float
    l1_ratio: float
    restrictions: Restrictions
    """What is held, or tied by equations."""
    random_state: Seed
    verbose: bool
    expert_names: tuple[str, ...] = ()
    """What people call the experts; empty where they gave no names."""

    @property
    def shrinks_experts(self) -> bool:
        """Whether a penalty on the slopes of the experts was asked for."""
        return bool(self.ridge or self.expert_penalty)

    @property
    def shrinks_gate(self) -> bool:
        """Whether one on those of the gate was."""
        return bool(self.ridge or self.gate_penalty)

    @property
    def penalises(self) -> bool:
        """Whether there is any penalty."""
        return self.shrinks_experts or self.shrinks_gate


def read_options(settings: Mapping[str, Setting], n_experts: Setting) -> Options:
    """Check an estimator's parameters, by name; ``n_experts`` is what its own one comes to."""
    k = check_integer("n_experts", n_experts, 1)
    options = Options(
        n_experts=k,
        degrees=check_degree(settings["degree"], k),
        own_degrees=np.ndim(settings["degree"]) > 0,  # type: ignore[arg-type]
        gate_degree=check_integer("gate_degree", settings["gate_degree"], 0),
        interactions=check_switch("interactions", settings["interactions"]),
        n_init=_n_init(settings["n_init"]),
        max_iter=check_integer("max_iter", settings["max_iter"], 1),
        tol=_small("tol", settings["tol"], LARGEST_TOL),
        min_scale=_small("min_scale", settings["min_scale"], 1.0),
        min_share=_min_share(settings["min_share"], k),
        # classes have no scale, and their estimator no such parameters
        max_scale_ratio=_scale_ratio(settings.get("max_scale_ratio")),
        scale_penalty=_strength("scale_penalty", {"scale_penalty": 0.0, **settings}),
        ridge=_ridge(settings["ridge"]),
        expert_penalty=_strength("expert_penalty", settings),
        gate_penalty=_strength("gate_penalty", settings),
        l1_ratio=check_share("l1_ratio", settings["l1_ratio"]),
        solver=find_solver(settings["solver"]),
        solver_name=_name(settings["solver"]),
        precision=check_choice("precision", settings["precision"], ("float64", "float32")),
        init=_init(settings["init"]),
        gate=find_gate(settings["gate"]),
        expert_features=settings["expert_features"],
        gate_features=settings["gate_features"],
        restrictions=read_restrictions(
            settings["constraints"], settings["common"], settings["frozen"], k
        ),
        random_state=settings["random_state"],
        verbose=_verbose(settings["verbose"]),
        expert_names=check_names(settings.get("expert_names"), k),  # contexts name their experts
    )
    check_switch("warm_start", settings["warm_start"])
    check_seed("random_state", options.random_state)
    _check_penalties(options)
    return options


def _name(solver: Setting) -> str:
    """A solver in a word: its name, or what kind of object it is."""
    return solver if isinstance(solver, str) else type(solver).__name__


def _min_share(value: Setting, n_experts: int) -> float:
    share = check_positive("min_share", value, zero=True)
    if not share * n_experts <= 1:
        raise ValueError(
            f"min_share must be at most one over the number of experts, {1 / n_experts:.3g}; "
            f"got {value!r}."
        )
    return share


def _scale_ratio(value: Setting) -> float:
    if value is None:
        return np.inf
    ratio = check_positive("max_scale_ratio", value)
    if ratio < 1:
        raise ValueError(
            f"max_scale_ratio must be None or a number >= 1, got {value!r}: it is that of the "
            "largest scale to the smallest."
        )
    return ratio


def _small(name: str, value: Setting, limit: float) -> float:
    """A positive number below a limit at which it would mean nothing."""
    number = check_positive(name, value)
    if number >= limit:
        raise ValueError(f"{name} must be a number below {limit:g}, got {value!r}.")
    return number


def _verbose(value: Setting) -> bool:
    if isinstance(value, bool | np.bool_):
        return bool(value)
    return check_integer("verbose", value, 0) > 0


def _ridge(value: Setting) -> float | None:
    return None if value is None else check_positive("ridge", value, zero=True)


def _strength(name: str, settings: Mapping[str, Setting]) -> float:
    return check_positive(name, settings[name], zero=True)


def _n_init(value: Setting) -> int | str:
    return "auto" if isinstance(value, str) and value == "auto" else _count("n_init", value)


def _count(name: str, value: Setting) -> int:
    """A positive integer; the message tells that it may be left to the search."""
    try:
        return check_integer(name, value, 1)
    except ValueError as error:
        raise ValueError(
            f"{name} must be 'auto' or an integer of 1 or more, got {value!r}."
        ) from error


def _init(init: Setting) -> Setting:
    return check_choice("init", init, ("auto", *starts.KINDS)) if isinstance(init, str) else init


def _check_penalties(options: Options) -> None:
    """Refuse penalties that the gate or the solver cannot have."""
    if options.gate_penalty and not options.gate.shrinkable:
        raise ValueError(
            "gate_penalty must be 0 for a gate with a learned temperature, whose slopes may "
            "shrink with it at no cost; hold the temperature fixed, as in "
            f"TemperatureGate(temperature=1.0). Got {options.gate_penalty!r}."
        )
    kinked = options.l1_ratio and (options.gate_penalty or options.expert_penalty)
    if kinked and options.solver.smooth:
        raise ValueError(
            "solver must be 'auto', 'em' or 'newton' with an L1 penalty, which has kinks; got "
            f"{options.solver_name}."
        )
