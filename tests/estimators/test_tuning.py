"""Settings of parts by name, in searches, clones and notebooks; shares as features."""

import numpy as np
import pandas as pd
import pytest
from sklearn import config_context
from sklearn.base import clone
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import GridSearchCV, KFold
from sklearn.pipeline import make_pipeline

from mixstat import (
    ContextualMixtureOfExperts,
    ExpertShares,
    MixtureOfExperts,
    MixtureOfExpertsClassifier,
)
from mixstat.contextual import AlphaCertain, Trapezoidal
from mixstat.estimators import notebook
from mixstat.experts import REGISTRY as EXPERTS
from mixstat.experts import Censored, StudentTExperts, Truncated
from mixstat.gates import REGISTRY as GATES
from mixstat.gates import HierarchicalGate, TemperatureGate, TopKGate
from mixstat.parts.settings import Tunable
from mixstat.selection import held_out_shares, select
from mixstat.solvers import EM
from mixstat.solvers.registry import REGISTRY as SOLVERS

PARTS = {
    **{f"gate {name}": one for name, one in GATES.items()},
    **{f"expert {name}": one for name, one in EXPERTS.items()},
    **{f"solver {name}": one for name, one in SOLVERS.items()},
    "steps": TemperatureGate(temperature=[4, 2, 1]),
    "tree": HierarchicalGate(tree=((0, 1), 2)),
    "censored": Censored("weibull"),
    "truncated": Truncated("negative_binomial", lower=2),
    "certain": AlphaCertain("low", 0, (None, 0.0), 0.7),
    "trapezoidal": Trapezoidal("mid", 0, (0.0, 1.0, 2.0, 3.0), 0.5),
    "joined": AlphaCertain("low", 0, (None, 0.0)) & ~AlphaCertain("high", 1, (1.0, None)),
}


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    X = rng.uniform(-2, 2, size=(300, 1))
    up = rng.random(300) < 1 / (1 + np.exp(-4 * X[:, 0]))
    return X, np.where(up, 4 + X[:, 0], -4 - X[:, 0]) + 0.1 * rng.standard_normal(300)


@pytest.fixture(scope="module")
def fitted(data):
    return MixtureOfExperts(random_state=0).fit(*data)


@pytest.mark.fast
@pytest.mark.parametrize("name", PARTS)
def test_parts_are_cloned_by_their_settings(name):
    part = PARTS[name]
    again = clone(part)
    assert type(again) is type(part)
    assert repr(again) == repr(part)
    assert again.set_params(**part.get_params(deep=False)).get_params() == again.get_params()


@pytest.mark.fast
def test_a_part_with_other_settings_is_a_new_one():
    gate = TopKGate(k=2)
    assert gate.set_params(k=3).k == 3
    assert gate.k == 2
    joined = PARTS["joined"]
    assert isinstance(joined, Tunable)
    assert joined.set_params(parts__0__alpha=0.5).get_params()["parts__0__alpha"] == 0.5
    inner = Truncated("negative_binomial").set_params(expert="poisson", lower=3)
    assert repr(inner) == "Truncated(PoissonExperts(), lower=3)"


@pytest.mark.fast
def test_estimators_name_the_settings_of_their_parts():
    moe = MixtureOfExperts(gate=TopKGate(k=2), expert=["zero", StudentTExperts()], solver=EM())
    named = moe.get_params()
    assert (named["gate__k"], named["expert__1__df"], named["solver__accelerate"]) == (
        2,
        None,
        True,
    )
    again = clone(moe).set_params(gate__k=3, expert__1__df=4, solver__accelerate=False)
    assert again.gate.k == 3
    assert again.expert[1].df == 4
    assert again.solver == EM(accelerate=False)
    assert moe.gate.k == 2
    classes = MixtureOfExpertsClassifier(gate="top_p").set_params(gate__mass=0.5)
    assert classes.gate.mass == 0.5


@pytest.mark.fast
def test_a_name_stands_for_the_part_with_its_defaults():
    assert "gate__k" not in MixtureOfExperts(gate="top_k").get_params()
    moe = MixtureOfExperts().set_params(gate__temperature=0.5, gate="temperature", expert="t")
    assert moe.gate.temperature == 0.5
    assert moe.set_params(expert__df=4.0).expert.df == 4.0


@pytest.mark.fast
def test_contexts_are_named_by_number_or_name():
    contexts = [AlphaCertain("low", 0, (None, 0), 0.7), AlphaCertain("high", 0, (0, None), 0.9)]
    moe = ContextualMixtureOfExperts(contexts).set_params(
        contexts__0__alpha=0.5, contexts__high__alpha=0.6
    )
    assert [one.alpha for one in moe.contexts] == [0.5, 0.6]
    assert [one.alpha for one in contexts] == [0.7, 0.9]
    with pytest.raises(ValueError, match=r"contexts__mid must name a part .* 0 to 1, or .* 'high'"):
        moe.set_params(contexts__mid__alpha=0.5)


@pytest.mark.fast
@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"gate__k": 2}, "SoftmaxGate has no settings; got 'k'"),
        ({"gate": "top_k", "gate__j": 2}, "TopKGate has the settings k; got 'j'"),
        ({"gate": TopKGate, "gate__k": 2}, "state an object of settings"),
        ({"degree__k": 2}, "degree__k must be a setting of a part, and degree is 1"),
        ({"expert": ["t", "zero"], "expert__2__df": 2}, "by a number from 0 to 1"),
        ({"expert": ["t", "zero"], "expert__df": 2}, "a setting of one of the list's parts"),
        ({"gates__k": 2}, "Invalid parameter 'gates'"),
        ({"gait": 2}, "Invalid parameter 'gait'"),
    ],
)
def test_what_is_no_setting_is_refused_and_nothing_is_set(settings, message):
    moe = MixtureOfExperts()
    with pytest.raises(ValueError, match=message):
        moe.set_params(n_experts=5, **settings)
    if "Invalid" not in message:  # scikit-learn sets what comes before
        assert moe.get_params() == MixtureOfExperts().get_params()


@pytest.mark.exhaustive
def test_searches_set_the_settings_of_parts(data):
    X, y = data
    grid = {"gate__temperature": [0.5, "learned"]}
    moe = MixtureOfExperts(gate="temperature", n_init=2, random_state=0)
    search = GridSearchCV(moe, grid, cv=2, scoring=lambda m, X, y: m.score_samples(X, y).mean())
    best = search.fit(X, y).best_estimator_
    assert best.gate.temperature == search.best_params_["gate__temperature"]
    table = select(X, y, n_experts=[2], estimator=moe, gate__temperature=[0.5, "learned"])
    assert list(table.table["gate__temperature"]) == [0.5, "learned"]


def test_gate_shares_out_of_fold(data, fitted):
    X, y = data
    moe, cv = MixtureOfExperts(n_init=2, random_state=0), KFold(2)
    shares = held_out_shares(moe, X, y, cv=cv)
    train, test = next(cv.split(X))
    half = moe.fit(X[train], y[train])
    np.testing.assert_array_equal(shares[test], half.gate_proba(X[test]))
    given = held_out_shares(moe, X, y, of="responsibilities", cv=cv)
    np.testing.assert_array_equal(given[test], half.responsibilities(X[test], y[test]))


def test_gate_shares_are_features(data, fitted):
    X, y = data
    features = ExpertShares(FrozenEstimator(fitted)).fit(X, y)
    np.testing.assert_array_equal(features.transform(X), fitted.gate_proba(X))
    table = features.set_output(transform="pandas").transform(X)
    assert list(table.columns) == ["expert0", "expert1"]
    pipe = make_pipeline(ExpertShares(MixtureOfExperts(n_init=2)), LinearRegression())
    pipe.set_params(expertshares__estimator__random_state=0)
    assert pipe.fit(X, y).score(X, y) > 0.7


def test_responsibilities_are_features_where_a_formula_finds_y(data):
    X, y = data
    frame = pd.DataFrame({"x": X[:, 0], "y": y})
    moe = MixtureOfExperts(formula="y ~ x", n_init=2, random_state=0)
    shares = ExpertShares(moe, of="responsibilities").fit(frame)
    fitted = shares.estimator_
    np.testing.assert_array_equal(shares.transform(frame), fitted.responsibilities(frame))


@pytest.mark.fast
def test_what_has_no_shares_is_refused(data):
    with pytest.raises(TypeError, match="estimator must be a mixture of experts"):
        ExpertShares(LinearRegression()).fit(*data)
    with pytest.raises(ValueError, match="of must be 'gate' without a formula"):
        ExpertShares(MixtureOfExperts(), of="responsibilities").fit(*data)


def test_a_notebook_shows_the_certificate(fitted, monkeypatch):
    page = fitted._repr_html_()
    assert str(fitted.certificate_)[:20] in page
    assert "mixstat-fit" in fitted._repr_mimebundle_()["text/html"]
    assert "mixstat-fit" not in MixtureOfExperts()._repr_html_()
    with config_context(display="text"):
        assert list(fitted._repr_mimebundle_()) == ["text/plain"]
    monkeypatch.setattr("mixstat.estimators.tuned.docs_address", lambda: f"site/{notebook.PAGE}")
    assert 'href="site/api/generated/mixstat.MixtureOfExperts.html"' in fitted._repr_html_()


@pytest.mark.fast
def test_a_solver_is_no_estimator_inside():
    moe = MixtureOfExperts(solver=EM())
    assert moe._sk_visual_block_().kind == "single"
    assert "EM(accelerate=True" in moe._repr_html_()


@pytest.mark.fast
def test_a_diagram_that_cannot_be_made_is_text():
    def fails() -> str:
        raise ImportError

    assert "<pre>MixtureOfExperts()</pre>" in notebook.with_fit(MixtureOfExperts(), fails)


@pytest.mark.exhaustive
def test_true_and_false_are_single_trials(data):
    X = data[0]
    y = np.random.default_rng(1).random(300) < 1 / (1 + np.exp(-X[:, 0]))
    pairs = np.column_stack([y, ~y])
    moe = MixtureOfExperts(1, expert="binomial", random_state=0)
    alone, both = clone(moe).fit(X, y), clone(moe).fit(X, pairs)
    np.testing.assert_array_equal(alone.params, both.params)
    for method in ("score_samples", "cdf", "crps", "score"):
        wanted = getattr(both, method)(X, pairs)
        np.testing.assert_array_equal(getattr(alone, method)(X, y), wanted)
        np.testing.assert_array_equal(getattr(alone, method)(X, pairs), wanted)
    assert set(np.unique(alone.sample_y(X, random_state=0))) == {0.0, 1.0}
    two = MixtureOfExperts(2, expert="binomial", n_init=1, ridge=1e-3, random_state=0).fit(X, y)
    assert two.sample_y(X[:2], random_state=0).shape == (2, 1)
