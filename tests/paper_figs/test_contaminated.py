"""Contaminated mixtures: the family with a mean of tanh, the truths, one small study, figures."""

import json
import sys

import numpy as np
import pandas as pd
import pytest
from scipy import integrate, stats

from mixstat.numerics.precision import in_float64
from mixstat.rates import evaluate
from tests.paper_figs.scripts import FOLDER, scripts_of

MODULES = ("laboratory", "drawing", "experts", "information", "simulate", "plot")


@pytest.fixture(scope="module")
def scripts():
    with scripts_of("contaminated", MODULES) as modules:
        yield modules


@pytest.mark.fast
@pytest.mark.parametrize(("noise", "law"), [("normal", stats.norm), ("laplace", stats.laplace)])
@in_float64
def test_experts_are_those_of_scipy(scripts, noise, law):
    experts = scripts["experts"].TanhExperts(np.ones((1, 1, 2)), np.ones((1, 1, 1)), noise=noise)
    y, eta = np.array([[0.3, -1.2]]), np.array([[[0.4, -0.7], [-0.2, 0.5]]])
    wanted = law.logpdf(y[0], np.tanh(eta[0, 0]), np.exp(eta[0, 1]))
    np.testing.assert_allclose(experts.link(eta, y)[0], wanted, rtol=1e-12)
    np.testing.assert_allclose(experts.marginals(eta).logpdf(y)[0, 0], wanted, rtol=1e-12)


@pytest.mark.fast
@in_float64
def test_information_is_the_variance_of_the_score(scripts):
    experts = scripts["experts"].TanhExperts(np.ones((1, 1, 2)), np.ones((1, 1, 1)))
    y, step = np.linspace(-9, 9, 4001)[None, :], 1e-5

    def at(mean, log_scale):
        eta = np.broadcast_to(np.array([mean, log_scale])[None, :, None], (1, 2, y.shape[1]))
        return np.asarray(experts.link(eta, y))[0], eta

    middle, eta = at(0.4, -0.2)
    ends = [(at(0.4 + a, -0.2 + b)[0], at(0.4 - a, -0.2 - b)[0]) for a, b in step * np.eye(2)]
    score = np.array([(up - down) / (2 * step) for up, down in ends])
    wanted = integrate.simpson(score[:, None] * score[None, :] * np.exp(middle), x=y[0])
    found = np.asarray(experts.information(eta, y))[0, :, :, 0]
    np.testing.assert_allclose(found, wanted, atol=1e-6)


@pytest.mark.fast
def test_truths_move_as_the_paper_says(scripts):
    simulate = scripts["simulate"]
    left = 0.5  # n^-1/8 at 256
    known = {
        "a": (-1.0, 1.0), "b-i": (1 + left, 1.0), "b-ii": (-1.0, 1 + left),
        "b-ii-near": (1.0, 1 + left),
    }  # fmt: skip
    for name, (eta, ratio) in known.items():
        truth = simulate.TRUTHS[name](256)
        found = simulate.parameters(truth.mixture)
        np.testing.assert_allclose(found["eta"], eta * np.eye(8)[0])
        assert found["nu"] == pytest.approx(1e-3 * ratio)
        assert all(v == 0 for e in simulate.ERRORS for v in evaluate(e, truth, truth.law)[e])
        X, y = truth.sample(20_000, 0)
        share = 1 / (1 + np.exp(-(X.sum(axis=1) / np.sqrt(8) + 1)))
        part = truth.law.at(X)
        np.testing.assert_allclose(part.share[0], share)
        # draws have the stated mean
        gap = y - share * np.tanh(eta * X[:, 0]) - (1 - share) * np.tanh(X[:, 0])
        assert abs(gap.mean()) < 4 * gap.std() / np.sqrt(len(gap))
    laplace = simulate.TRUTHS["a"](256).mixture.experts.parts[1]
    assert 2 * np.exp(2 * laplace.log_scale[0, 0, 0]) == pytest.approx(1e-3)  # its variance


def log_density(simulate, truth, X, y, point):
    """By the formula, of the parameters (tau, beta, eta, nu)."""
    tau, beta, eta, nu = point[0], point[1:9], point[9:17], point[17]
    odds = np.exp(tau + X @ beta)
    f0 = truth.law.at(X).experts.parts[1].marginals(truth.law.at(X).eta[1:]).pdf(y[None, None])
    own = stats.norm.pdf(y, np.tanh(X @ eta), np.sqrt(nu))
    return np.log((f0[0, 0] + odds * own) / (1 + odds))


@pytest.mark.fast
@pytest.mark.parametrize("name", ["a", "b-i"])
def test_scores_are_differences_of_the_log_density(scripts, name):
    simulate, information = scripts["simulate"], scripts["information"]
    truth = simulate.TRUTHS[name](256)
    X, y = truth.sample(40, 1)
    known = simulate.parameters(truth.mixture)
    point = np.concatenate([[known["tau"]], known["beta"], known["eta"], [known["nu"]]])
    found = information.scores(truth, X, y)
    for j, step in enumerate([*(1e-6,) * 17, 1e-9]):
        move = step * np.eye(18)[j]
        up, down = (log_density(simulate, truth, X, y, point + s * move) for s in (1, -1))
        np.testing.assert_allclose(found[:, j], (up - down) / (2 * step), rtol=1e-4, atol=1e-4)


@pytest.mark.fast
def test_slopes_by_the_information(scripts):
    simulate, information = scripts["simulate"], scripts["information"]
    fixed = information.slopes(simulate.TRUTHS["a"], 10**3, 10**5)
    assert set(fixed) == set(simulate.ERRORS)
    np.testing.assert_allclose(list(fixed.values()), -0.5, atol=1e-12)
    near = information.slopes(simulate.TRUTHS["b-ii-near"], 10**14, 10**16)
    assert near["beta"] == pytest.approx(-0.375, abs=0.01)


def test_a_small_study_ends_at_maxima_near_the_truth(scripts):
    simulate = scripts["simulate"]
    study = simulate.study("b-ii", True)
    study.sample_sizes, study.n_replicates = [1000], 2
    table = study.run(progress=False)
    assert table["converged"].all()
    assert (table["starts_agreeing"] == 2).all()
    assert np.all(table[["beta", "tau"]] < 0.6)
    assert np.all(table[["eta", "nu"]] < [0.03, 3e-4])
    f0 = table[["param expert1:1", "param expert1:x1", "param log_scale1", "param expert0:1"]]
    np.testing.assert_allclose(f0.iloc[0], [0.0, 1.0, 0.5 * np.log(1e-3), 0.0])


def test_figures_and_what_is_printed(scripts, monkeypatch, tmp_path):
    simulate, plot, laboratory = (scripts[name] for name in ("simulate", "plot", "laboratory"))
    random = np.random.default_rng(0)
    n = np.repeat([1000, 100_000], 8)
    losses = (*simulate.ERRORS, "hellinger")
    columns = {loss: random.uniform(1, 1.2, 16) / np.sqrt(n) for loss in losses}
    table = pd.DataFrame({"n": n, "converged": True, "starts_agreeing": 2, **columns})
    tables = dict.fromkeys(simulate.STUDIES, table)
    rates = {loss: laboratory.rates_of(table, loss) for loss in losses}
    results = {name: {"rates": rates} for name in tables}
    told = simulate.summaries(results, tables)
    said = {name: one["beta"]["verdict"] for name, one in told["printed"].items()}
    assert said == {"a": "agrees", "b-i": "steeper", "b-ii": "steeper", "b-ii-near": "steeper"}
    assert told["one_maximum"]["a"] == 1
    results["information"] = {
        name: {"here": dict.fromkeys(simulate.ERRORS, -0.5)} for name in simulate.TRUTHS
    }
    (tmp_path / "results.json").write_text(json.dumps(results))
    monkeypatch.setattr(plot.laboratory, "tables", lambda out: dict(tables))
    monkeypatch.setattr(sys, "argv", ["plot.py", "--out", str(tmp_path)])
    plot.main()
    assert {path.name for path in tmp_path.glob("*.png")} == {"errors.png", "slopes.png"}


@pytest.mark.fast
@pytest.mark.parametrize(("kind", "quick"), [("full", False), ("quick", True)])
def test_expectations_are_of_parts_that_there_are(scripts, kind, quick):
    simulate = scripts["simulate"]
    wanted = json.loads((FOLDER / "contaminated" / "expected.json").read_text())[kind]
    parts = {entry["value"].split("/")[0] for entry in wanted}
    assert set(simulate.STUDIES) <= parts <= {*simulate.STUDIES, *simulate.MORE, "summary"}
    prints = [json.dumps(make(quick).fingerprint()) for make in simulate.STUDIES.values()]
    assert len(set(prints)) == len(prints)
