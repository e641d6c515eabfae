"""The same parameters and data get the same verdict, wherever it is asked."""

import numpy as np
import pytest

from mixstat.experts import REGISTRY as FAMILIES
from mixstat.experts import GaussianExperts
from mixstat.fitting.batch_of_fits import fit_many
from mixstat.gates import REGISTRY as GATES
from mixstat.gates import SoftmaxGate
from mixstat.inference.profile_walk import ascend
from mixstat.model import Mixture
from mixstat.numerics import parameter_vector
from mixstat.numerics.precision import float64
from mixstat.rates import RateStudy, Specification
from mixstat.rates.cells import make_task
from mixstat.rates.engine import solve_all
from mixstat.rates.inputs import Uniform
from mixstat.rates.law import Law, make_features
from mixstat.rates.truths import Truth
from mixstat.results import Status
from mixstat.solvers.certificate import GRADIENT_TOL, clearly_regular, judge
from mixstat.solvers.outcome import Outcome
from tests.contracts.verdict_problems import KINDS, At, Problem, Stay, estimator, problem

# mixtures for a few levels have no maximum on so few rows that rounding could not move
PAIRS = [("softmax", n) for n, family in FAMILIES.items() if family.alone and n != "ordered"]
# of two experts, one shared and one routed, there is nothing to choose
PAIRS += [(gate, "gaussian") for gate in GATES if gate not in ("softmax", "shared_expert")]
# gates like another one of two experts, and those whose programs take long
LATER = ("activation", "hierarchical", "top_p")
# parts of which the rest of the sweep has more, and those like one that runs by default
REST = ("lognormal", "exponential", "weibull", "inverse_gaussian", "beta", "skew_normal")
ALIKE = ("gamma", "t", "negative_binomial", "binomial", "poisson")
ALIKE += ("modified", "temperature", "top_k", "sigmoid")


def _marks(gate: str, family: str) -> tuple[pytest.MarkDecorator, ...]:
    slow = (pytest.mark.slow,) if gate in LATER else ()
    return (*slow, pytest.mark.exhaustive) if {gate, family} & {*REST, *ALIKE} else slow


CASES = [pytest.param(*pair, kind, marks=_marks(*pair)) for pair in PAIRS for kind in KINDS]

pytestmark = pytest.mark.filterwarnings("ignore")


def verdict(asked: Problem, model: Mixture, reason: Status = Status.CONVERGED) -> Status:
    """What the judge says of a model on the rows of a problem, given a reason to stop."""
    return judge(asked.objective, Outcome(model, reason, 0, 0)).status


def from_estimators(gate: str, family: str, kind: str, asked: Problem) -> dict[str, Status]:
    """Fits that end at the point, and one that starts there as a model."""
    at = At(tuple(asked.vector))
    there = estimator(gate, family, kind, solver=at, init=asked.label).fit(asked.X, asked.y)
    again = estimator(gate, family, kind, solver=Stay(), init=there).fit(asked.X, asked.y)
    assert there.converged_ == (there.status_ == Status.CONVERGED)
    return {
        "status_": there.status_,
        "certificate_": there.certificate_.status,
        "from a model": again.status_,
    }


def from_batches(asked: Problem) -> dict[str, Status]:
    """Members of batches that stay where they are."""
    objective, model = asked.objective, asked.model
    weights = np.ones((2, len(asked.y)))
    tables = {
        "one member": fit_many(objective, [model], solver=Stay()),
        "many members": fit_many(objective, [model] * 3, solver=Stay()),
        "data": fit_many(objective, [model], data=[objective.batch] * 2, solver=Stay()),
        "weights": fit_many(objective, [model], weights=weights, solver=Stay()),
    }
    for fits in tables.values():
        assert len(set(fits.table["status"])) == 1
    return {name: Status[str(fits.table["status"][-1])] for name, fits in tables.items()}


def from_a_study(asked: Problem) -> dict[str, Status]:
    """The row of a cell."""
    spec = Specification(2, solver=Stay())
    end = solve_all([asked.objective] * 2, [asked.model] * 2, spec)[1]
    assert end.certified == (end.status in ("CONVERGED", "JUMP"))
    return {"study": Status[end.status]}


def from_a_profile(asked: Problem) -> dict[str, Status]:
    """The value of the estimate in a profile of the first expert's constant."""
    row = np.zeros(len(asked.vector))
    row[parameter_vector.size(asked.model.gate)] = 1.0
    said = ascend(asked.objective, asked.vector, row, max_iter=0)[2]
    # of no step the reason to stop is that there was none, where the gradient does not vanish
    known = asked.objective.derivatives(asked.vector)
    arrived = asked.objective.norm(asked.vector, known.gradient) <= GRADIENT_TOL
    reason = Status.CONVERGED if arrived else Status.MAX_ITER
    assert said == verdict(asked, asked.model, reason)
    return {"profile": said} if arrived else {}


def from_updating(gate: str, family: str, kind: str, asked: Problem) -> dict[str, Status]:
    """A step with the rows of the fit, which leads nowhere from a stationary point."""
    at = At(tuple(asked.vector))
    moe = estimator(gate, family, kind, solver=at, init=asked.label).fit(asked.X, asked.y)
    moe.partial_fit(asked.X, asked.y)
    for name in ("status_", "certificate_", "converged_", "result_"):
        with pytest.raises(AttributeError, match="updated by partial_fit"):
            getattr(moe, name)
    again = estimator(gate, family, kind, solver=Stay(), init=moe).fit(asked.X, asked.y)
    return {"judged after an update": verdict(asked, moe.model_), "fitted again": again.status_}


# what a kind of problem is, where the parts do not make it another
USUAL = {
    "regular": {Status.CONVERGED},
    "separated": {Status.SEPARATED},
    "collapsed": {Status.COLLAPSED},
    "saddle": {Status.SADDLE},
    "overspecified": {Status.CONVERGED},
}
UNUSUAL = {
    # one expert suffices for single trials, so that the other loses its rows
    ("softmax", "multinomial", "overspecified"): {Status.SEPARATED},
    # no scale that could vanish; classes are predicted perfectly
    ("softmax", "poisson", "collapsed"): {Status.CONVERGED},
    ("softmax", "negative_binomial", "collapsed"): {Status.CONVERGED},
    ("softmax", "exponential", "collapsed"): {Status.CONVERGED},
    ("softmax", "binomial", "collapsed"): {Status.CONVERGED},
    ("softmax", "multinomial", "collapsed"): {Status.SEPARATED},
    # centres and spreads of two clusters are finite
    ("gaussian", "gaussian", "separated"): {Status.CONVERGED},
}
# Where a walk ends, and so its verdict, may hang on rounding: both sigmoids may vanish together,
# since their ratio tends to a softmax; a bounded logit may have to be approached from far away;
# shares jump. Doors agree all the same.
UNDECIDED = ("sigmoid", "activation", "top_k", "top_p")
# From slopes of 40 a walk of sigmoids may also end at an expert whose scale has vanished: of 60
# starts that differ by 1e-13 about a third do.
STEEP = {"sigmoid": {Status.COLLAPSED}}


@pytest.mark.parametrize(("gate", "family", "kind"), CASES)
def test_every_door_says_the_same(gate, family, kind):
    with float64():
        asked = problem(gate, family, kind)
        wanted = verdict(asked, asked.model)
        said = {
            **from_estimators(gate, family, kind, asked),
            **from_batches(asked),
            **from_a_study(asked),
            **from_a_profile(asked),
            **from_updating(gate, family, kind, asked),
        }
    assert said == dict.fromkeys(said, wanted)
    if gate not in UNDECIDED or kind == "separated":
        either = STEEP.get(gate, set()) if kind == "separated" else set()
        assert wanted in UNUSUAL.get((gate, family, kind), USUAL[kind]) | either


@pytest.mark.parametrize(("gate", "family", "kind"), CASES)
def test_a_batch_that_walks_says_what_the_judge_does(gate, family, kind):
    """Also where it skips the judge."""
    with float64():
        asked = problem(gate, family, kind)
        row = asked.fits.table[0]
        alone = asked.fits.result(0)
    if kind == "saddle":  # found by EM, whose ends are judged when somebody asks
        assert np.isnan(row["gradient_norm"])
        return
    assert row["status"] == alone.status.name == alone.certificate.status.name
    assert asked.fits.certified[0] == (alone.status == Status.CONVERGED)


def points_around(asked: Problem, random: np.random.Generator, count: int) -> list[np.ndarray]:
    """Points near and far, some with parameters on their bounds."""
    objective, size = asked.objective, len(asked.vector)
    bounds = [np.where(np.isfinite(b), b, 0.0) for b in (objective.lower, objective.upper)]
    bounded = [np.isfinite(b) for b in (objective.lower, objective.upper)]
    points = [asked.vector]
    for scale in np.logspace(-4, 1.5, count - 1):
        vector = asked.vector + scale * random.standard_normal(size)
        for bound, is_there in zip(bounds, bounded, strict=True):
            vector = np.where(is_there & (random.random(size) < 0.1), bound, vector)
        points.append(np.asarray(objective.clip(vector)))
    return points


def compare(asked: Problem, vector: np.ndarray) -> tuple[bool, Status] | None:
    """The cheap test and the judge at a point, as if its gradient were small."""
    objective = asked.objective
    known = objective.derivatives(vector)
    if not known.finite:
        return None
    free = objective.free(vector, known.gradient)
    norm = float(objective.norm(vector, known.gradient))
    smallest = float(np.linalg.eigvalsh(-known.hessian[np.ix_(free, free)])[0])
    outcome = Outcome(objective.model(vector), Status.CONVERGED, 0, 0, known)
    clear = clearly_regular(objective, vector, norm, smallest, tol=norm)
    return clear, judge(objective, outcome, tol=norm).status


@pytest.mark.exhaustive
def test_what_is_clearly_regular_is_so_to_the_judge():
    """At any point: the cheap test can never say more than the judge, by construction.

    Eigenvalues interlace. Those of the slopes of a part, apart from directions that change
    nothing, are no smaller than the least of all free parameters, and in units of logits they
    shrink by the square of the largest unit at most. Where that is above what counts as flat, no
    direction is left in which to diverge. Floors are looked at in both.
    """
    random, counts = np.random.default_rng(4), {True: 0, False: 0}
    rest = {*LATER, *REST}
    with float64():
        for gate, family in [p for p in PAIRS if GATES[p[0]].continuous and not {*p} & rest]:
            for asked in (problem(gate, family, kind) for kind in KINDS):
                for vector in points_around(asked, random, 10):
                    clear, status = compare(asked, vector) or (False, Status.NONFINITE)
                    assert not clear or status == Status.CONVERGED, (gate, family, vector)
                    counts[clear] += 1
    assert counts[True] > 80
    assert counts[False] > 300


@pytest.mark.exhaustive
def test_a_study_of_a_steep_truth_certifies_what_the_judge_does():
    gate = SoftmaxGate(np.array([[0.0, 25.0]]))
    coef, scale = np.array([[[1.0, 1.0]], [[-1.0, -1.0]]]), np.array([[0.5], [0.5]])
    experts = GaussianExperts(coef, np.log(scale), np.zeros((2, 0)))
    law = Law(Mixture(gate, experts), make_features(1, gate))
    study = RateStudy(Truth("steep", law, Uniform(-1.0, 1.0), "", "derived"), 2, [60], 6)
    table = study.run(progress=False)
    columns = [name for name in table if name.startswith("param ")]
    with float64():
        for row in table.to_dict("records"):
            objective = make_task(study.plan, 60, row["replicate"]).objective
            vector = np.array([row[name] for name in columns])
            known = objective.derivatives(vector)
            outcome = Outcome(objective.model(vector), Status.CONVERGED, 0, 0, known)
            status = judge(objective, outcome).status
            assert row["status"] == status.name
            assert row["converged"] == (status == Status.CONVERGED)
    assert 0 < table["converged"].sum() < 6
