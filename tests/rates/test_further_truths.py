"""Truths by a sampler and a density, truths that move with n, formulas, and experts held."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from mixstat import MixtureOfExperts
from mixstat.rates import (
    Observed,
    RateStudy,
    Specification,
    StoreMismatchError,
    Truth,
    Uniform,
    divergences,
    find_truth,
    from_fit,
    from_sampler,
    moving_truth,
)
from mixstat.rates.cells import make_task

MILD = find_truth("softmax-gaussian-mild")
LINES = {
    "gate_intercept": [0.5, 0.0],
    "gate_slope": [2.0, 0.0],
    "expert_intercept": [1.0, -1.0],
    "scale": [0.5, 0.7],
}


def log_density(X, y):
    at = MILD.law.at(X)
    mean, scale = at.eta[:, 0], np.exp(at.eta[:, 1])
    return np.log((at.share * stats.norm.pdf(y, mean, scale)).sum(axis=0))


def sampler(X, random):
    return MILD.law.at(X).sample(1, random)[0, :, 0]


@pytest.fixture(scope="module")
def sampled() -> Truth:
    return from_sampler(MILD.inputs, sampler, log_density)


def moving(n):
    return Truth.of(Uniform(-3, 3), **LINES, expert_slope=[1.5, -1.5 + n**-0.125])


def test_a_sampled_truth_is_the_mixture_that_it_samples(sampled):
    law = moving(10**6).law
    close = divergences(sampled, law, Observed(np.linspace(-2, 2, 9)[:, None]))
    stated = divergences(MILD, law, Observed(np.linspace(-2, 2, 9)[:, None]))
    # total variation has kinks where the densities cross, which no panel ends at
    np.testing.assert_allclose(close[:3], stated[:3], rtol=2e-3)
    np.testing.assert_array_equal(sampled.sample(20, 3)[1], MILD.sample(20, 3)[1])


@pytest.mark.exhaustive
def test_a_study_of_a_sampled_truth(sampled, tmp_path):
    def study(truth):
        return RateStudy(truth, 2, [60, 90], 2, losses=["hellinger"], seed=3)

    table = study(sampled).run(tmp_path, progress=False)
    assert table["hellinger"].between(0.0, 0.4).all()
    study(sampled).run(tmp_path, progress=False)
    other = from_sampler(
        MILD.inputs, lambda X, r: r.normal(0, 1, len(X)), lambda X, y: stats.norm.logpdf(y)
    )
    with pytest.raises(StoreMismatchError, match="truth"):
        study(other).run(tmp_path, progress=False)


@pytest.mark.fast
@pytest.mark.parametrize(
    ("law", "shift", "values"),
    [
        (stats.norm(0, 1), 0.3, None),
        (stats.norm(0, 1.3), 0.0, None),
        (stats.laplace(0, 0.7), 0.0, None),
        (stats.poisson(2.3), 0.0, range(40)),
    ],
)
def test_a_density_of_another_law_is_found(law, shift, values):
    draws = stats.norm(0, 1) if values is None else stats.poisson(2.0)

    def own(X, random):
        return draws.rvs(len(X), random_state=random) + shift * np.sign(X[:, 0])

    logs = law.logpmf if values else law.logpdf
    with pytest.raises(ValueError, match="must be of one distribution"):
        from_sampler(Uniform(-1, 1), own, lambda X, y: logs(y), values=values)


@pytest.mark.fast
@pytest.mark.parametrize(
    ("own", "logs", "words"),
    [
        (lambda X, r: r.normal(size=len(X)), lambda X, y: stats.norm.logpdf(y) + 1, "got 2.718"),
        (lambda X, r: r.normal(size=3), lambda X, y: y, "sampler must return a number for each"),
        (lambda X, r: r.normal(size=len(X)), lambda X, y: y * np.nan, "log_density must return"),
        (lambda X, r: r.normal(size=len(X)), lambda X: 0.0, "log_density must .* TypeError"),
        (lambda X, r: np.full(len(X), np.inf), lambda X, y: y, "sampler must return finite"),
    ],
)
def test_faulty_functions_are_told_when_the_truth_is_made(own, logs, words):
    with pytest.raises(ValueError, match=words):
        from_sampler(Uniform(-1, 1), own, logs)


@pytest.mark.fast
@pytest.mark.parametrize(
    "law", [stats.cauchy(), stats.uniform(-1, 2), stats.lognorm(1.0), stats.t(3)]
)
def test_laws_of_other_shapes_agree_with_themselves(law):
    from_sampler(
        Uniform(-1, 1), lambda X, r: law.rvs(len(X), random_state=r), lambda X, y: law.logpdf(y)
    )


def test_a_truth_that_moves_is_the_one_of_each_size(tmp_path):
    truth = moving_truth(moving)
    study = RateStudy(truth, 2, [60, 90], 2, losses=["hellinger"], seed=3)
    table = study.run(tmp_path, progress=False)
    for n in (60, 90):
        still = RateStudy(moving(n), 2, [n], 2, losses=["hellinger"], seed=3).run(progress=False)
        assert still["hellinger"].tolist() == table["hellinger"][table["n"] == n].tolist()
    other = moving_truth(lambda n: moving(max(n, 1000)))
    with pytest.raises(StoreMismatchError, match="moves"):
        RateStudy(other, 2, [60], 2, losses=["hellinger"], seed=3).run(tmp_path, progress=False)


@pytest.mark.fast
def test_a_truth_may_not_change_its_shape():
    def grows(n):
        return moving(n) if n < 2000 else Truth.of(Uniform(-3, 3, 2), **LINES, expert_slope=np.ones((2, 2)), )  # fmt: skip  # noqa: E501

    with pytest.raises(ValueError, match=r"gate_slope|one shape"):
        moving_truth(grows).at_size(5000)


def test_an_expert_that_is_held_keeps_its_values():
    held = {0: {"coef": [1.0, 1.5], "scale": 0.5}}
    study = RateStudy(
        MILD, Specification(2, frozen=held), [90], 2, losses=["hellinger", "voronoi"], seed=3
    )
    table = study.run(progress=False)
    assert table["converged"].all()
    names = ["param expert0:1", "param expert0:x1", "param log_scale0"]
    np.testing.assert_allclose(table[names], np.tile([1.0, 1.5, np.log(0.5)], (2, 1)))
    task = make_task(study.plan, 90, 0)
    assert (~task.objective.varying).sum() == 3
    assert study.fingerprint()["specification"]["frozen"]["0"]["coef"] == [1.0, 1.5]


@pytest.mark.fast
@pytest.mark.parametrize(
    ("frozen", "words"),
    [
        ({2: {"coef": [1.0]}}, "frozen must have numbers of experts from 0 to 1"),
        ({0: {"coef": [1.0]}}, r"frozen\[0\]\['coef'\] must have 2 values"),
        ({0: {"df": 3.0}}, r"frozen\[0\] must name what the expert has"),
        ({0: {"scale": -1.0}}, r"frozen\[0\]\['scale'\] must be positive"),
    ],
)
def test_what_cannot_be_held_is_told(frozen, words):
    with pytest.raises(ValueError, match=words):
        RateStudy(MILD, Specification(2, frozen=frozen), [90], 2)


def test_a_fitted_formula_is_a_truth():
    X, y = MILD.sample(200, 0)
    frame = pd.DataFrame({"y": y, "x": X[:, 0], "site": np.where(np.arange(200) % 3, "a", "b")})
    moe = MixtureOfExperts.from_formula(
        "y ~ x + C(site)", frame, gate="x", n_init=1, random_state=0
    )
    truth = from_fit(moe, frame)
    np.testing.assert_allclose(truth.law.at(truth.inputs.X).mean()[0], moe.predict(frame))
    assert truth.inputs.n_inputs == 5
    rows, drawn = truth.sample(50, 1)
    assert rows.shape == (50, 5)
    assert drawn.shape == (50,)
    RateStudy(truth, 2, [300], 1, losses=["hellinger"]).fingerprint()
