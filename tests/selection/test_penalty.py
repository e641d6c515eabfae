"""Paths of penalties: where they begin, what they choose, what they refuse."""

from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from scipy.special import expit
from sklearn.linear_model import lasso_path
from sklearn.model_selection import KFold
from sklearn.preprocessing import StandardScaler

from mixstat import MixtureOfExperts, MixtureOfExpertsClassifier
from mixstat.results import Status
from mixstat.selection import penalty_path, relax

mpl.use("Agg")
QUICK: dict[str, Any] = {"n_init": 4, "random_state": 0}


@pytest.fixture(scope="module")
def two_lines():
    """Two experts that use one input each, and a gate that uses a third."""
    random = np.random.default_rng(1)
    X = random.standard_normal((400, 5)) * [1, 2, 0.3, 10, 1] + [0, 5, 1, 0, -1]
    up = random.random(400) < expit(2 * X[:, 0])
    y = np.where(up, 2 * X[:, 4] + 3, -0.5 * X[:, 1]) + 0.4 * random.standard_normal(400)
    return X, y


@pytest.fixture(scope="module")
def path(two_lines):
    return penalty_path(MixtureOfExperts(2, **QUICK), *two_lines)


@pytest.mark.exhaustive
def test_every_fit_is_certified_and_as_good_as_one_from_many_starts(two_lines, path):
    assert set(path.status) == {Status.CONVERGED}
    i = 10
    alone = MixtureOfExperts(
        2,
        expert_penalty=path.expert_penalty[i],
        gate_penalty=path.gate_penalty[i],
        **QUICK,
    ).fit(*two_lines)
    assert path.log_likelihood[i] == pytest.approx(alone.log_likelihood_, abs=1e-10)
    np.testing.assert_allclose(path.expert_coef[i], alone.expert_coef_, atol=1e-7)
    np.testing.assert_allclose(path.gate_coef[i], alone.gate_coef_, atol=1e-6)
    assert path.n_parameters[i] == alone.n_parameters_


def test_path_begins_where_slopes_enter(path):
    assert np.all(np.diff(path.strengths) < 0)
    assert path.strengths[-1] == pytest.approx(1e-3 * path.strengths[0])
    assert not path.expert_coef[0, :, 1:].any()
    assert not path.gate_coef[0, :, 1:].any()
    assert path.n_parameters[0] == 5
    assert path.n_parameters[-1] > 15


def test_one_expert_begins_at_the_lasso_of_scikit_learn(two_lines):
    """The largest strength is the largest covariance of an input with y, over its variance."""
    X, y = two_lines
    settings: dict[str, Any] = {"n_strengths": 4, "part": "experts"}
    path = penalty_path(MixtureOfExperts(1, **QUICK), X, y, **settings)
    alphas, _, _ = lasso_path(StandardScaler().fit_transform(X), (y - y.mean()) / y.std())
    assert path.strengths[0] == pytest.approx(alphas[0], rel=1e-6)
    below = penalty_path(
        MixtureOfExperts(1, **QUICK), X, y, strengths=path.strengths[0] * np.array([1, 0.999])
    )
    assert below.n_parameters.tolist() == [2, 3]
    # response and weights may be columns, which are then no inputs
    frame = pd.DataFrame(X, columns=list("abcde")).assign(y=y, n=2.0)
    inputs = frame[list("abcde")]
    moe, strengths = MixtureOfExperts(1, **QUICK), path.strengths[:2]
    named = penalty_path(moe, frame, "y", strengths=strengths, sample_weight="n", part="experts")
    known = penalty_path(moe, inputs, y, strengths=strengths, sample_weight=frame.n, part="experts")
    np.testing.assert_array_equal(named.expert_coef, known.expert_coef)
    assert relax(named, frame, "y", sample_weight="n").best_estimator_.n_features_in_ == 5


@pytest.mark.exhaustive
def test_lines_that_cross_are_found_although_constants_see_no_gradient():
    """y = x or -x: at the constants all gradients are near zero by symmetry."""
    random = np.random.default_rng(0)
    X = random.uniform(-1, 1, (500, 2))
    y = np.where(random.random(500) < 0.5, 1, -1) * X[:, 0] + 0.1 * random.standard_normal(500)
    path = penalty_path(MixtureOfExperts(2, **QUICK), X, y, n_strengths=12)
    assert not path.expert_coef[0, :, 1:].any()
    best = path.best_estimator_.expert_coef_
    np.testing.assert_allclose(best[:, 1], [-1, 1] if best[0, 1] < 0 else [1, -1], atol=0.1)
    assert path.strengths[0] > 0.3


def test_bic_and_cross_validation_recover_the_inputs_in_use(two_lines, path):
    X, y = two_lines
    best = path.best_estimator_
    total = -2 * len(y) * path.log_likelihood
    np.testing.assert_allclose(path.criterion, total + np.log(len(y)) * path.n_parameters)
    assert path.criterion[path.best_index_] == path.criterion.min()
    assert path.best_strength_ == path.strengths[path.best_index_]
    assert best.bic(X, y) == pytest.approx(path.criterion.min(), rel=1e-9)
    assert best.expert_penalty == path.expert_penalty[path.best_index_]
    assert best.init == "auto"
    aic = penalty_path(
        MixtureOfExperts(2, **QUICK), X, y, strengths=path.strengths, criterion="aic"
    )
    np.testing.assert_allclose(aic.criterion, total + 2 * path.n_parameters)
    assert aic.best_strength_ <= path.best_strength_
    # the gate depends on the first input alone
    assert np.flatnonzero(best.gate_coef_[0, 1:]).tolist() == [0]


def test_cross_validation_is_the_mean_held_out_log_likelihood(two_lines):
    X, y = two_lines
    weight = np.random.default_rng(0).uniform(0.5, 1.5, len(y))
    cv = KFold(3, shuffle=True, random_state=0)
    settings: dict[str, Any] = {
        "strengths": [0.3, 0.05],
        "criterion": "cv",
        "cv": cv,
        "sample_weight": weight,
    }
    path = penalty_path(MixtureOfExperts(2, **QUICK), X, y, **settings)
    scores = []
    for train, test in cv.split(X):
        moe = MixtureOfExperts(2, expert_penalty=0.05, gate_penalty=0.05, **QUICK)
        moe.fit(X[train], y[train], sample_weight=weight[train])
        scores.append(np.average(moe.score_samples(X[test], y[test]), weights=weight[test]))
    assert path.criterion[1] == pytest.approx(-np.mean(scores), abs=1e-9)
    assert path.criterion_error is not None
    assert path.criterion_error[1] == pytest.approx(np.std(scores, ddof=1) / np.sqrt(3), abs=1e-9)
    assert path.best_index_ == 1


def test_parts_and_proportions(two_lines):
    X, y = two_lines
    own = MixtureOfExperts(2, expert_penalty=2.0, gate_penalty=0.05, **QUICK)
    both = penalty_path(own, X, y, strengths=[0.1])
    assert (both.expert_penalty[0], both.gate_penalty[0]) == pytest.approx((0.2, 0.005))
    gate = penalty_path(own, X, y, strengths=[0.1], part="gate")
    assert (gate.expert_penalty[0], gate.gate_penalty[0]) == pytest.approx((2.0, 0.005))
    experts = penalty_path(MixtureOfExperts(2, **QUICK), X, y, strengths=[0.1], part="experts")
    assert (experts.expert_penalty[0], experts.gate_penalty[0]) == (0.1, 0.0)
    assert np.all(experts.gate_coef[0, 0] != 0)
    assert own.expert_penalty == 2.0


@pytest.mark.exhaustive
def test_classifier_on_a_data_frame():
    random = np.random.default_rng(5)
    X = random.standard_normal((300, 3))
    y = np.where(random.random(300) < expit(1.5 * X[:, 0]), "yes", "no")
    frame = pd.DataFrame(X, columns=["a", "b", "c"])
    settings: dict[str, Any] = {"criterion": "cv", "cv": 3, "n_strengths": 5, "part": "experts"}
    path = penalty_path(MixtureOfExpertsClassifier(1, **QUICK), frame, pd.Series(y), **settings)
    assert path.best_estimator_.expert_coef_.shape == (1, 4)
    assert abs(path.best_estimator_.expert_coef_[0, 1]) > 0.5
    assert path.best_estimator_.predict(frame).shape == (300,)


def test_display_shows_standardised_slopes(two_lines, path):
    import matplotlib.pyplot as plt

    X, y = two_lines
    display = path.plot()
    titles = [title for title, _, _ in display.panels]
    assert titles == ["expert 0", "expert 1", "gate: expert 0 against 1"]
    assert display.panels[0][1] == ["x0", "x1", "x2", "x3", "x4"]
    wanted = path.expert_coef[:, 1, 1:] * X.std(axis=0) / y.std()
    np.testing.assert_allclose(display.panels[1][2], wanted, atol=1e-12)
    np.testing.assert_allclose(display.panels[2][2], path.gate_coef[:, 0, 1:] * X.std(axis=0))
    marked = display.axes_[0].get_lines()[0].get_xdata()
    assert marked[0] == path.best_strength_
    plt.close(display.figure_)
    with pytest.raises(ValueError, match="ax must hold 3 axes, one for each panel"):
        path.plot(ax=plt.figure().gca())
    plt.close("all")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"strengths": [0.1, -1.0]}, "strengths must be finite and not negative"),
        ({"strengths": [np.nan]}, "strengths must be finite and not negative"),
        ({"strengths": []}, r"strengths must be a list of numbers, got shape \(0,\)"),
        ({"strengths": 0.1}, r"strengths must be a list of numbers, got shape \(\)"),
        ({"n_strengths": 1}, "n_strengths must be an integer >= 2, got 1"),
        ({"ratio": 2.0}, "ratio must lie between 0 and 1, got 2.0"),
        ({"ratio": 0.0}, "ratio must be a finite number > 0"),
        ({"part": "expert"}, "part must be one of 'both', 'experts', 'gate'; got 'expert'"),
        ({"criterion": "icl"}, "criterion must be one of 'bic', 'aic', 'cv'; got 'icl'"),
        ({"criterion": "cv", "cv": 1}, "cv must lie between 2 and the 400 rows of X, got 1"),
        ({"criterion": "cv", "cv": 401}, "cv must lie between 2 and the 400 rows of X, got 401"),
        ({"criterion": "cv", "cv": 2.5}, "cv must be an integer or have a method split, got 2.5"),
        ({"sample_weight": np.ones(3)}, "sample_weight must have one entry for each"),
    ],
)
def test_bad_arguments(two_lines, settings, message):
    with pytest.raises(ValueError, match=message):
        penalty_path(MixtureOfExperts(2, **QUICK), *two_lines, **settings)


def test_what_has_no_path(two_lines):
    X, y = two_lines
    with pytest.raises(ValueError, match="strengths must be given with l1_ratio=0"):
        penalty_path(MixtureOfExperts(2, l1_ratio=0.0, **QUICK), X, y)
    with pytest.raises(ValueError, match="part='gate' has no slopes"):
        penalty_path(MixtureOfExperts(2, gate_degree=0, **QUICK), X, y, part="gate")
    with pytest.raises(ValueError, match="estimator must be one of mixstat, got KFold"):
        penalty_path(KFold(), X, y)
    with pytest.raises(ValueError, match="gate_penalty must be 0 for a gate with a learned"):
        penalty_path(MixtureOfExperts(2, gate="temperature", **QUICK), X, y)


@pytest.mark.exhaustive
def test_rare_class_and_folds():
    X = np.random.default_rng(0).standard_normal((60, 1))
    y = np.repeat(["a", "b"], [57, 3])
    moe = MixtureOfExpertsClassifier(1, **QUICK)
    with pytest.raises(ValueError, match="cv=5 needs as many rows of each class; class b has 3"):
        penalty_path(moe, X, y, criterion="cv")
    ordered = KFold(3)  # the last fold holds every row of one class
    with pytest.raises(ValueError, match=r"y has no row .* with class b"):
        penalty_path(moe, X, y, criterion="cv", cv=ordered, strengths=[0.1])
