"""A simulated semi-batch polymerisation: phases are known, and so is what matters in each."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int
from sklearn.utils import Bunch

from mixstat.arguments import Seed, Setting
from mixstat.validation import (
    check_integer,
    check_positive,
    check_seed,
    check_share,
    check_switch,
)

PHASES = ["heating", "dosing", "finishing", "cooling"]
INPUTS = ["temperature", "jacket", "monomer", "initiator", "stirrer", "pressure"]
ABOUT = (
    "Simulated semi-batch polymerisation, one row a minute. temperature and jacket: of the "
    "reactor and its jacket (degrees C); monomer (kg/min) and initiator (g/min): flows; stirrer: "
    "speed (rpm); pressure (bar). The response is a quality index whose linear law changes from "
    "phase to phase; phase, stated_phase (what the operators noted), batch and minute tell each "
    "row's place."
)


class Recipe(NamedTuple):
    """Set points and time constants, an entry for each phase."""

    minutes: tuple[float, ...] = (30.0, 60.0, 40.0, 30.0)
    temperature: tuple[float, ...] = (80.0, 80.0, 84.0, 40.0)  # degrees C
    lag: tuple[float, ...] = (12.0, 6.0, 6.0, 15.0)  # minutes, of the temperature
    monomer: tuple[float, ...] = (0.0, 2.0, 0.0, 0.0)  # kg/min
    initiator: tuple[float, ...] = (0.0, 10.0, 6.0, 0.0)  # g/min


RECIPE = Recipe()
# law of each phase: constant, then a slope for each input measured from NOMINAL
NOMINAL = np.array([80.0, 80.0, 2.0, 8.0, 120.0, 2.0])
LAWS = np.array(
    [
        [3.0, 0.05, 0.00, 0.0, 0.00, 0.0, 0.0],  # heating: temperature
        [5.0, 0.00, 0.00, 1.5, 0.15, 0.0, 0.0],  # dosing: both flows
        [5.0, 0.25, 0.00, 0.0, 0.40, 0.0, 0.0],  # finishing: temperature and initiator
        [6.0, 0.02, 0.03, 0.0, 0.00, 0.0, 0.0],  # cooling: temperature and jacket
    ]
)
BEND = 6e-4  # of the law of heating: no line fits a reaction that sets in


def make_batch_process(
    n_batches: Setting = 6,
    *,
    noise: Setting = 0.4,
    wrong_labels: Setting = 0.0,
    as_frame: Setting = False,
    random_state: Seed = None,
) -> Bunch:
    """Simulate batches that run through heating, dosing, finishing and cooling.

    With S, F and G the set points of a phase, e standard normal draws and one step a minute::

        temperature   T += (S - T) / lag + 0.6 e
        jacket        J  = T + 0.5 (S - T) + 0.8 e
        monomer flow  f += (F a - f) / 3 + 0.15 u e,   a = 1 + 0.15 e of the batch
        initiator     g += (G b - g) / 3 + 0.60 u e,   b likewise
        stirrer       r += (120 - r) / 10 + 2 e
        pressure      p  = 1 + 0.01 (T - 20) + 0.2 f + 0.05 e
        response      y  = law of the phase, linear in the inputs, + noise e,
                           and 0.0006 (T - 80)^2 more during heating

    Flows are not negative, u is 1 where the set point is positive and 0.2 elsewhere, and S
    differs between batches by a deviation of 1.5. Each phase lasts 0.8 to 1.2 times its usual
    time (30, 60, 40 and 30 minutes). The reactor starts at 25 degrees.

    Parameters
    ----------
    n_batches : int, default=6
        Number of batches, of 160 rows on average.
    noise : float, default=0.4
        Standard deviation of the noise, in units of y.
    wrong_labels : float, default=0.0
        Share of rows whose stated phase is a wrong one, from 0 to 1.
    as_frame : bool, default=False
        Return inputs, batch, minute and both phases as one pandas table ``frame``, with phases
        by name, and ``data`` and ``target`` as pandas tables.
    random_state : int, RandomState or None, default=None
        Seed of the simulation.

    Returns
    -------
    sklearn.utils.Bunch
        ``data`` (n, 6), ``target`` (n,), ``phase`` and ``stated_phase`` (n,) integers,
        ``batch`` (n,), ``minute`` (n,) since the start of the batch, ``coef`` (4, 7) the linear
        law of each phase (constant first, in the units of the inputs), ``feature_names``,
        ``phase_names`` and ``DESCR``.

    Raises
    ------
    ValueError
        If a number is out of range.

    Examples
    --------
    >>> from mixstat.datasets import make_batch_process
    >>> process = make_batch_process(2, random_state=0)
    >>> process.phase_names
    ['heating', 'dosing', 'finishing', 'cooling']
    """
    count = check_integer("n_batches", n_batches, 1)
    deviation = check_positive("noise", noise, zero=True)
    share = check_share("wrong_labels", wrong_labels)
    check_switch("as_frame", as_frame)
    random = check_seed("random_state", random_state)
    runs = [_one_batch(random) for _ in range(count)]
    X = np.concatenate([inputs for _, inputs in runs])
    phase = np.concatenate([phases for phases, _ in runs])
    coef = LAWS.copy()
    coef[:, 0] -= coef[:, 1:] @ NOMINAL
    mean = coef[phase, 0] + np.sum(coef[phase, 1:] * X, axis=1)
    mean += np.where(phase == 0, BEND * (X[:, 0] - NOMINAL[0]) ** 2, 0.0)
    y = mean + deviation * random.standard_normal(len(X))
    process = Bunch(
        data=X,
        target=y,
        phase=phase,
        stated_phase=_stated(phase, share, random),
        batch=np.repeat(np.arange(count), [len(phases) for phases, _ in runs]),
        minute=np.concatenate([np.arange(len(phases)) for phases, _ in runs]),
        coef=coef,
        feature_names=list(INPUTS),
        phase_names=list(PHASES),
        DESCR=ABOUT,
    )
    return _framed(process) if as_frame else process


def _one_batch(
    random: np.random.RandomState,
) -> tuple[Int[np.ndarray, " n"], Float[np.ndarray, "n 6"]]:
    """Phases and inputs of one batch, minute by minute."""
    minutes = np.round(np.array(RECIPE.minutes) * random.uniform(0.8, 1.2, len(PHASES)))
    phase = np.repeat(np.arange(len(PHASES)), minutes.astype(int))
    goal = np.array(RECIPE.temperature) + 1.5 * random.standard_normal(len(PHASES))
    monomer, initiator = 1 + 0.15 * random.standard_normal(2)
    draws = random.standard_normal((len(phase), len(INPUTS)))
    T, f, g, r = 25.0, 0.0, 0.0, 120.0
    rows = []
    for p, e in zip(phase, draws, strict=True):
        T += (goal[p] - T) / RECIPE.lag[p] + 0.6 * e[0]
        jacket = T + 0.5 * (goal[p] - T) + 0.8 * e[1]
        f = _flow(f, RECIPE.monomer[p] * monomer, 0.15 * e[2])
        g = _flow(g, RECIPE.initiator[p] * initiator, 0.6 * e[3])
        r += (120 - r) / 10 + 2 * e[4]
        pressure = 1 + 0.01 * (T - 20) + 0.2 * f + 0.05 * e[5]
        rows.append((T, jacket, f, g, r, pressure))
    return phase, np.array(rows)


def _flow(now: float, goal: float, push: float) -> float:
    unrest = 1.0 if goal > 0 else 0.2  # a closed valve hardly moves
    return max(now + (goal - now) / 3 + unrest * push, 0.0)


def _stated(
    phase: Int[np.ndarray, " n"], wrong: float, random: np.random.RandomState
) -> Int[np.ndarray, " n"]:
    """Phases as noted: a given share of rows, drawn at random, has one of the others."""
    stated = phase.copy()
    rows = random.permutation(len(phase))[: round(wrong * len(phase))]
    stated[rows] = (stated[rows] + random.randint(1, len(PHASES), len(rows))) % len(PHASES)
    return stated


def _framed(process: Bunch) -> Bunch:
    import pandas as pd

    frame = pd.DataFrame(process.data, columns=process.feature_names)
    target = pd.Series(process.target, name="quality")
    place = pd.DataFrame({"batch": process.batch, "minute": process.minute})
    names = np.array(process.phase_names, dtype=object)
    for column in ("phase", "stated_phase"):
        place[column] = names[process[column]]
    return Bunch(**process | {"data": frame, "target": target, "frame": frame.join(place)})
