"""A penalty on scales that vanish: what it is, and that every solver climbs on it."""

import warnings

import numpy as np
import pytest
from scipy.special import log_softmax
from scipy.stats import gamma, norm, t
from sklearn.exceptions import ConvergenceWarning

from mixstat import MixtureOfExperts
from mixstat.numerics.penalty import NoPenalty, Ridge
from mixstat.numerics.scale_penalty import ScalePenalty
from tests.sweeps import first

STRENGTH = 2.0


def line(n=60, seed=23):
    random = np.random.default_rng([n, seed])
    x = random.normal(size=(n, 1))
    return x, 1 + x[:, 0] + random.normal(size=n)


DENSITIES = {
    "gaussian": lambda y, eta, width: norm.logpdf(y, eta, width),
    "t": lambda y, eta, width: t.logpdf(y, 5.0, eta, width),
    "gamma": lambda y, eta, width: gamma.logpdf(y, width**-2, scale=np.exp(eta) * width**2),
}


def widths(moe):
    """Scales, or coefficients of variation."""
    return moe.shape_**-0.5 if hasattr(moe, "shape_") else np.ravel(moe.scale_)


def sample(family):
    x, y = line()
    return (x, np.exp(0.3 * y)) if family == "gamma" else (x, y)


def settings(family):
    from mixstat.experts import StudentTExperts

    return {"expert": StudentTExperts(df=5.0) if family == "t" else family, "random_state": 0}


@pytest.mark.parametrize("family", first(DENSITIES))
def test_the_maximum_is_that_of_a_likelihood_written_down_by_hand(family):
    X, y = sample(family)
    alone = widths(MixtureOfExperts(1, **settings(family)).fit(X, y))[0]
    moe = MixtureOfExperts(2, scale_penalty=STRENGTH, n_init=4, **settings(family)).fit(X, y)
    features = np.column_stack([np.ones(len(y)), X])

    def objective(vector):
        gate = np.column_stack([features @ vector[:2], np.zeros(len(y))])
        eta, width = features @ vector[2:6].reshape(2, 2).T, np.exp(vector[6:])
        terms = log_softmax(gate, axis=1) + DENSITIES[family](y[:, None], eta, width)
        ratio = (alone / width) ** 2
        taken = STRENGTH * np.sum(ratio - np.log(ratio) - 1)
        return np.logaddexp.reduce(terms, axis=1).sum() - taken

    first = np.ravel(moe.gate_coef_)[:2], np.ravel(moe.expert_coef_), np.log(widths(moe))
    place, step = np.concatenate(first), 1e-5 * np.eye(8)
    slopes = [(objective(place + e) - objective(place - e)) / 2e-5 for e in step]
    np.testing.assert_allclose(slopes, 0, atol=1e-6)
    assert moe.certificate_.is_regular


# L-BFGS may stand still by rounding, a little above the tolerance of the gradient
@pytest.mark.filterwarnings("ignore:No step raises:sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("solver", ["em", "newton", "lbfgs"])
@pytest.mark.parametrize("family", first(["gaussian", "gamma"]))
def test_solvers_meet(family, solver):
    X, y = sample(family)
    common = settings(family) | {"n_init": 4, "scale_penalty": 1.0}
    one, other = (MixtureOfExperts(2, solver=s, **common).fit(X, y) for s in ("auto", solver))
    assert other.log_likelihood_ == pytest.approx(one.log_likelihood_, abs=1e-8)


@pytest.mark.exhaustive
def test_one_expert_and_shared_scales_are_left_alone():
    X, y = line()
    alone = [MixtureOfExperts(1, scale_penalty=a).fit(X, y).scale_ for a in (0.0, 5.0)]
    np.testing.assert_allclose(*alone, rtol=1e-12)
    tied = [
        MixtureOfExperts(2, covariance="tied", scale_penalty=a, random_state=0, n_init=4).fit(X, y)
        for a in (0.0, 5.0)
    ]
    assert tied[0].log_likelihood_ == pytest.approx(tied[1].log_likelihood_, abs=1e-10)


@pytest.mark.exhaustive
@pytest.mark.parametrize("covariance", first(["full", "diagonal", "spherical"]))
def test_several_outputs(covariance):
    random = np.random.default_rng(7)
    x = random.uniform(-2, 2, size=(200, 1))
    slope = np.where(random.random(200) < 0.5, 1.0, -1.0)
    Y = np.column_stack([slope * x[:, 0], 3 * slope]) + 0.5 * random.normal(size=(200, 2))
    common = {"covariance": covariance, "random_state": 0, "n_init": 4}
    held = [
        MixtureOfExperts(2, scale_penalty=5.0, solver=solver, **common).fit(x, Y)
        for solver in ("auto", "em")
    ]
    assert held[0].certificate_.is_regular
    assert held[1].log_likelihood_ == pytest.approx(held[0].log_likelihood_, abs=1e-8)
    heavy = MixtureOfExperts(2, scale_penalty=1e7, **common)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # what is left may be a step
        heavy.fit(x, Y)
    alone = MixtureOfExperts(1, covariance=covariance).fit(x, Y)
    expected = np.linalg.slogdet(alone.covariance_[0])[1]
    for matrix in heavy.covariance_:  # so many rows at one regression's scales outweigh others
        assert np.linalg.slogdet(matrix)[1] == pytest.approx(expected, abs=1e-3)


@pytest.mark.exhaustive
def test_its_effect_falls_with_the_number_of_rows():
    changes = []
    for n in (100, 1000, 10_000):
        random = np.random.default_rng(n)
        x = random.uniform(-2, 2, n)
        y = np.where(random.random(n) < 0.5, 2 + x, -2 - x) + 0.4 * random.normal(size=n)
        free, held = (
            MixtureOfExperts(2, scale_penalty=a, random_state=0, n_init=3).fit(x[:, None], y)
            for a in (0.0, 1.0)
        )
        changes.append(np.max(np.abs(np.log(held.scale_ / free.scale_))))
    assert changes[0] > 5 * changes[1] > 25 * changes[2] > 0


@pytest.mark.parametrize("rest", ["none", "ridge"])
def test_derivatives_are_those_of_its_value(rest):
    random = np.random.default_rng(3)
    size = 4
    other = Ridge(np.diag([1.0, 2.0, 0.0, 0.5])) if rest == "ridge" else NoPenalty()
    weight, rate = np.array([0, 0.3, 0, 0.1]), np.array([0, 2.0, 0, -1.0])
    penalty = ScalePenalty(other, weight, rate, random.normal(size=size))
    point, e = random.normal(size=size), 1e-5 * np.eye(size)
    zero = np.zeros(size)
    slope = [(penalty.value(point + s) - penalty.value(point - s)) / 2e-5 for s in e]
    np.testing.assert_allclose(-penalty.gradient(point, zero), slope, atol=1e-8)
    turned = [penalty.gradient(point - s, zero) - penalty.gradient(point + s, zero) for s in e]
    matrix = penalty.information(np.zeros((size, size)), point)
    np.testing.assert_allclose(matrix, np.array(turned) / 2e-5, atol=1e-8)
    direction = random.normal(size=size)
    np.testing.assert_allclose(penalty.curve(direction, point), matrix @ direction)


def test_the_summary_tells_of_it():
    X, y = line()
    moe = MixtureOfExperts(2, scale_penalty=1.0, random_state=0, n_init=2).fit(X, y)
    assert "2 rows at the scale of one regression" in str(moe.summary())
