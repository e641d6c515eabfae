"""ContextualMixtureOfExperts: its special cases, and scikit-learn's contract."""

import pickle

import numpy as np
import pandas as pd
import pytest
import sklearn
import statsmodels.api as sm
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, KFold, TimeSeriesSplit, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from mixstat import ContextualMixtureOfExperts, MixtureOfExperts
from mixstat.contextual import AlphaCertain, Gaussian, labels
from mixstat.gates import HierarchicalGate, TemperatureGate
from tests.sweeps import rest

TIGHT = {"rtol": 1e-10, "atol": 1e-10}
CONDITIONAL = "the check calls score_samples(X); a conditional density also needs y"
EXPECTED = {
    "check_methods_sample_order_invariance": CONDITIONAL,
    "check_methods_subset_invariance": CONDITIONAL,
    "check_sample_weight_equivalence_on_dense_data": "its 15 rows are fitted exactly, by a step",
}


# The checks fit tiny tables, where a warning is the right answer; see test_sklearn.
@pytest.mark.exhaustive  # the estimator without contexts is asked the same by default
@pytest.mark.filterwarnings("ignore::UserWarning")
@parametrize_with_checks(
    [
        ContextualMixtureOfExperts(
            [AlphaCertain("low", 0, (None, 0), 0.7), AlphaCertain("high", 0, (0, None), 0.9)]
        )
    ],
    expected_failed_checks=lambda estimator: EXPECTED,
)
def test_estimator_contract(estimator, check):
    check(estimator)


@pytest.mark.exhaustive
@pytest.mark.filterwarnings("ignore::UserWarning")
@parametrize_with_checks(
    [ContextualMixtureOfExperts(n_init=4)], expected_failed_checks=lambda estimator: EXPECTED
)
def test_estimator_contract_without_contexts(estimator, check):
    check(estimator)


def phases(rng, n=600, k=3):
    """Lines in two inputs, one for each of k phases that a gate drives; their true phases."""
    X = rng.uniform(-2, 2, (n, 2))
    logits = np.column_stack([(j - 1) * 1.5 * X[:, 1] for j in range(k)])
    z = np.argmax(logits + rng.gumbel(size=(n, k)), axis=1)
    y = np.array([1.0, 3, 0])[z] + np.array([2.0, -1, 0.2])[z] * X[:, 0]
    return X, y + 0.4 * rng.standard_normal(n), z


def moe(*args, **more):
    return ContextualMixtureOfExperts(*args, **({"n_init": 4, "random_state": 0} | more))


@pytest.mark.parametrize("possibility", [1.0, 0.3])
def test_possibilities_that_are_all_equal_give_the_plain_model(rng, possibility):
    X, y, _ = phases(rng)
    plain = MixtureOfExperts(3, n_init=4, random_state=0).fit(X, y)
    same = moe().fit(X, y, possibilities=np.full((len(y), 3), possibility))
    np.testing.assert_allclose(same.params, plain.params, **TIGHT)
    np.testing.assert_allclose(same.cov_params(), plain.cov_params(), **TIGHT)
    np.testing.assert_allclose(same.predict(X), plain.predict(X), **TIGHT)
    assert same.log_likelihood_ == pytest.approx(plain.log_likelihood_, abs=1e-10)


def test_possibilities_that_say_almost_nothing_give_the_plain_model_too(rng):
    """Through starts and kernels with possibilities, and with experts in their own order."""
    X, y, z = phases(rng)
    plain = MixtureOfExperts(3, n_init=4, random_state=0).fit(X, y)
    near = moe(alpha=1e-13).fit(X, y, possibilities=np.eye(3)[z])
    order = np.argsort(near.expert_means(X)[:, :, 0].mean(axis=0))
    assert near.problem_.batch.rows.log_possibility is not None
    np.testing.assert_allclose(near.expert_coef_[order], plain.expert_coef_, **TIGHT)
    np.testing.assert_allclose(near.scale_[order], plain.scale_, **TIGHT)
    np.testing.assert_allclose(near.gate_proba(X)[:, order], plain.gate_proba(X), **TIGHT)
    np.testing.assert_allclose(near.log_likelihood_, plain.log_likelihood_, **TIGHT)


@pytest.mark.parametrize("solver", ["auto", "em", "newton", "lbfgs"])
def test_crisp_contexts_are_separate_regressions_and_a_multinomial_logit(rng, solver):
    X, y, z = phases(rng)
    weight = rng.uniform(0.5, 2, len(y))
    fit = moe(labels("phase", [0, 1, 2]), solver=solver, tol=1e-8 if solver == "auto" else 1e-7)
    fit.fit(X, y, sample_weight=weight, context_data={"phase": z})
    assert fit.converged_
    design = sm.add_constant(X)
    for k in range(3):
        mine = z == k
        line = sm.WLS(y[mine], design[mine], weight[mine]).fit()
        np.testing.assert_allclose(fit.expert_coef_[k], line.params, rtol=1e-6, atol=1e-6)
        variance = np.average(line.resid**2, weights=weight[mine])
        assert fit.scale_[k] == pytest.approx(np.sqrt(variance), rel=1e-6)
    unweighted = moe(labels("phase", [0, 1, 2])).fit(X, y, context_data={"phase": z})
    logit = sm.MNLogit((z + 1) % 3, design).fit(disp=0, method="newton", tol=1e-12)
    # statsmodels' base class is the first, which is our reference, expert 2
    np.testing.assert_allclose(
        unweighted.gate_coef_[:2], np.asarray(logit.params).T, rtol=1e-6, atol=1e-6
    )
    errors = np.sqrt(np.diag(unweighted.cov_params()))[:6]
    np.testing.assert_allclose(errors, np.asarray(logit.bse).T.ravel(), rtol=1e-6)


def test_impossible_is_impossible_even_for_outliers(rng):
    X, y, z = phases(rng)
    y[0] += 1e4
    fit = moe(labels("phase", [0, 1, 2])).fit(X, y, context_data={"phase": z})
    proba = fit.context_proba(X, y, context_data={"phase": z})
    np.testing.assert_array_equal(proba, np.eye(3)[z])
    assert np.all(np.isfinite(fit.cov_params()))


def test_experts_are_those_of_their_contexts_in_any_order(rng):
    X, y, z = phases(rng)
    first = moe(labels("phase", [0, 1, 2], 0.8)).fit(X, y, context_data={"phase": z})
    again = moe(labels("phase", [2, 0, 1], 0.8)).fit(X, y, context_data={"phase": z})
    assert again.expert_contexts_ == ["2", "0", "1"]
    np.testing.assert_allclose(again.expert_coef_, first.expert_coef_[[2, 0, 1]], rtol=1e-7)
    np.testing.assert_allclose(again.gate_proba(X), first.gate_proba(X)[:, [2, 0, 1]], rtol=1e-6)
    np.testing.assert_allclose(first.expert_coef_[:, 1], [2, -1, 0.2], atol=0.15)


def test_rows_that_differ_in_their_context_alone_are_different_rows(rng):
    """Two levels at one x: told apart by their contexts, also where rows are equal."""
    y = np.repeat([0.0, 1.0, 0.0], [40, 40, 20]) + np.tile([-0.1, 0.1], 50)
    first = np.repeat([1.0, 0.0, 0.0], [40, 40, 20])
    table = np.column_stack([first, 1 - first])
    fit = moe(degree=0, gate_degree=0).fit(np.zeros((100, 1)), y, possibilities=table)
    np.testing.assert_allclose(fit.expert_coef_[:, 0], [0.0, 40 / 60], atol=1e-8)
    np.testing.assert_allclose(fit.gate_proba([[0.0]])[0], [0.4, 0.6], atol=1e-8)


def test_weights_equal_repeated_rows_and_rows_without_weight_need_no_context(rng):
    X, y, z = phases(rng, 300)
    weight = rng.integers(0, 3, len(y))
    table = np.where(np.eye(3)[z] == 1, 1.0, 0.2) * (weight > 0)[:, None]
    weighted = moe().fit(X, y, table, sample_weight=weight)
    rows = np.repeat(np.arange(len(y)), weight)
    repeated = moe().fit(X[rows], y[rows], table[rows])
    np.testing.assert_allclose(weighted.params, repeated.params, rtol=1e-8, atol=1e-9)
    assert weighted.ignorance_ == pytest.approx(np.log(1.4))
    assert weighted.ignorance_ == pytest.approx(repeated.ignorance_)


def test_log_likelihoods_are_what_they_say(rng):
    X, y, z = phases(rng)
    table = np.where(np.eye(3)[z] == 1, 1.0, 0.1)
    fit = moe().fit(X, y, table)
    means = fit.expert_means(X)[:, :, 0]
    density = np.exp(-0.5 * ((y[:, None] - means) / fit.scale_) ** 2)
    joint = fit.gate_proba(X) * density / (fit.scale_ * np.sqrt(2 * np.pi))
    weighted = np.log(np.sum(table * joint, axis=1)).mean()
    assert fit.log_likelihood_ == pytest.approx(weighted, rel=1e-12)
    assert fit.conditional_log_likelihood_ == pytest.approx(fit.score_samples(X, y).mean())
    total = len(y) * fit.conditional_log_likelihood_
    assert fit.bic(X, y) == pytest.approx(-2 * total + fit.n_parameters_ * np.log(len(y)))
    shares = table * joint / np.sum(table * joint, axis=1, keepdims=True)
    np.testing.assert_allclose(fit.context_proba(X, y, table), shares, rtol=1e-9, atol=1e-14)
    text = str(fit.summary())
    assert "weighted by possibilities" in text
    assert "Expert 1, context 1 (share" in text


@pytest.mark.parametrize(
    "settings",
    [
        {"expert": "poisson"},
        rest({"expert": "t"}),
        rest({"gate": "gaussian"}),
        rest({"gate": TemperatureGate(temperature=0.5)}),
        rest({"gate": HierarchicalGate(tree=((0, 1), 2))}),
        rest({"degree": [0, 1, 2]}),
        {"expert_penalty": 0.02, "gate_penalty": 0.01},
        rest({"expert_penalty": 0.02, "l1_ratio": 0.5}),
        rest({"gate": "top_k"}),
    ],
    ids=str,
)
def test_every_gate_and_family_takes_contexts(rng, settings):
    X, y, z = phases(rng, 300)
    if settings.get("expert") == "poisson":
        y = rng.poisson(np.exp(0.3 * y))
    told = np.where(rng.random(len(z)) < 0.1, (z + 1) % 3, z)
    fit = moe(labels("phase", [0, 1, 2], 0.9), n_init=2, **settings)
    fit.fit(X, y, context_data={"phase": told})
    assert fit.converged_ or fit.status_.name == "JUMP"
    kept = np.mean(fit.context_proba(X, y, context_data={"phase": told}).argmax(axis=1) == told)
    assert kept > 0.8  # expert k is that of context k
    assert (
        fit.log_likelihood_ < fit.score_samples(X, y).mean() or settings.get("gate") == "gaussian"
    )


@pytest.mark.exhaustive
def test_mapping(rng):
    X, y, z = phases(rng)
    data = {"phase": z, "row": np.arange(len(y))}
    names = labels("phase", [0, 1, 2], 0.9)
    joined = moe(names, n_experts=2, mapping={"0": 0, "1": 0, "2": 1})
    joined.fit(X, y, context_data=data)
    assert joined.expert_contexts_ == ["0 or 1", "2"]
    by_hand = np.column_stack([np.where(z < 2, 1, 0.1), np.where(z == 2, 1, 0.1)])
    known = moe().fit(X, y, by_hand)
    np.testing.assert_allclose(joined.params, known.params, rtol=1e-7, atol=1e-8)
    more = moe(names, n_experts=4, mapping={"0": 0, "1": [1, 3], "2": 1}, n_init=2)
    more.fit(X, y, context_data=data)
    assert more.expert_contexts_ == ["0", "1 or 2", "any", "1"]


@pytest.mark.fast
@pytest.mark.parametrize(
    ("settings", "arguments", "message"),
    [
        ({"contexts": labels("p", [0, 1]) + labels("p", [1])}, {}, "different names, got 1 twice"),
        (
            {"contexts": [Gaussian("a", "z", 0, 1), Gaussian("b", 0, 0, 1)]},
            {},
            "on='z' is not among",
        ),
        ({"contexts": labels("p", [0, 2])}, {}, r"impossible for \d+ rows \(\d+, .*\.\.\.\)"),
        ({}, {"possibilities": np.full((600, 2), 1.5)}, "between 0 and 1, got 1.5 in row 0"),
        ({}, {"possibilities": np.full((600, 2), np.nan)}, "between 0 and 1, got nan"),
        ({}, {"possibilities": np.ones((600, 2, 1))}, r"got shape \(600, 2, 1\)"),
        ({}, {"possibilities": np.ones((599, 2))}, r"the 600 rows of X .* got shape \(599, 2\)"),
        ({}, {"possibilities": np.array([["a"] * 2] * 600)}, "possibilities must hold numbers"),
        ({"n_experts": 2}, {"possibilities": np.ones((600, 3))}, "there are 3 contexts .* mapping"),
        ({"n_experts": 4}, {"possibilities": np.ones((600, 3))}, "there are 3 contexts .* mapping"),
        ({"contexts": labels("p", [0, 1]), "mapping": {"0": 0}}, {}, "mapping must be a dict with"),
        (
            {"contexts": labels("p", [0, 1]), "mapping": {"0": 0, "1": 2}},
            {},
            "numbers of experts from 0 to 1, got 2",
        ),
        ({"alpha": 1.5}, {}, "alpha must lie between 0 and 1, got 1.5"),
        ({"contexts": labels("p", [0, 1])}, {"possibilities": np.ones((600, 2))}, "not both"),
        ({"contexts": 3}, {}, "must be a list of contexts"),
        (
            {"normalise": False},
            {"possibilities": np.full((600, 2), 0.5)},
            "no context has possibility 1 for 600 rows",
        ),
    ],
)
def test_bad_input(rng, settings, arguments, message):
    X, y, z = phases(rng)
    with pytest.raises(ValueError, match=message):
        moe(**settings).fit(X, y, context_data={"p": np.minimum(z, 1)}, **arguments)


def test_a_failed_fit_leaves_the_earlier_one(rng):
    X, y, z = phases(rng, 200)
    fit = moe(labels("p", [0, 1, 2], 0.9), n_init=1).fit(X, y, context_data={"p": z})
    before = fit.predict(X)
    with pytest.raises(ValueError, match="not among"):
        fit.fit(X, y)
    np.testing.assert_array_equal(fit.predict(X), before)
    assert fit.context_names_ == ("0", "1", "2")


def test_clone_pickle_set_params_and_names(rng):
    X, y, z = phases(rng, 300)
    frame = pd.DataFrame(X, columns=["load", "valve"])
    peak = AlphaCertain("peak", "y", (2.0, None), 0.9)
    low = AlphaCertain("low", "valve", (None, 0.0), 0.7) & AlphaCertain("calm", "y", (None, 2.0))
    rest = ~peak
    fit = moe([peak, low.named("low"), rest.named("rest")], n_init=2).fit(frame, y)
    assert fit.expert_contexts_ == ["peak", "low", "rest"]
    assert list(fit.feature_names_in_) == ["load", "valve"]
    back = pickle.loads(pickle.dumps(fit))
    np.testing.assert_array_equal(back.predict(frame), fit.predict(frame))
    again = clone(fit).fit(frame, y)
    np.testing.assert_array_equal(again.params, fit.params)
    other = clone(fit).set_params(alpha=0.5, n_init=1).fit(frame, y)
    assert other.log_likelihood_ > fit.log_likelihood_
    copied = moe(n_init=2).fit(frame, y, pd.DataFrame({"a": z == 0, "b": z > 0}))
    assert copied.context_names_ == ("a", "b")


def test_formula(rng):
    X, y, z = phases(rng, 300)
    frame = pd.DataFrame({"a": X[:, 0], "b": X[:, 1], "y": y, "phase": z})
    contexts = [*labels("phase", [0, 1], 0.9), AlphaCertain("low", "y", (None, 1.0), 0.9)]
    settings = {"n_init": 2, "random_state": 0}
    fit = ContextualMixtureOfExperts.from_formula(
        "y ~ a", frame, gate="~ b", contexts=contexts, **settings
    )
    known = moe(contexts, n_init=2, expert_features=["a"], gate_features=["b"])
    known.fit(frame[["a", "b"]], y, context_data={"phase": z})
    np.testing.assert_allclose(fit.params, known.params, rtol=1e-8, atol=1e-10)
    told, wanted = fit.conflict(frame), known.conflict(frame[["a", "b"]], y, None, None, frame)
    assert told.plain == pytest.approx(wanted.plain, rel=1e-8)
    np.testing.assert_allclose(told.contradiction, wanted.contradiction, atol=1e-7)


def test_pipelines_and_cross_validation_take_rows_of_the_knowledge(rng):
    X, y, z = phases(rng, 300)
    table = np.where(np.eye(3)[z] == 1, 1.0, 0.1)
    data = pd.DataFrame({"phase": z})
    with sklearn.config_context(enable_metadata_routing=True):
        direct = moe(n_init=1).set_fit_request(possibilities=True)
        out = cross_validate(
            direct, X, y, cv=KFold(3), params={"possibilities": table}, return_estimator=True
        )
        train = np.arange(100, 300)
        alone = moe(n_init=1).fit(X[train], y[train], table[train])
        np.testing.assert_array_equal(out["estimator"][0].params, alone.params)
        assert out["test_score"][0] == pytest.approx(alone.score(X[:100], y[:100]))

        named = moe(labels("phase", [0, 1, 2]), n_init=1).set_fit_request(context_data=True)
        pipe = make_pipeline(StandardScaler(), named)
        pipe.fit(X, y, context_data=data)
        assert pipe[-1].converged_
        grid = {"contextualmixtureofexperts__alpha": [0.5, 0.9]}
        search = GridSearchCV(pipe, grid, cv=TimeSeriesSplit(2)).fit(X, y, context_data=data)
        assert search.best_estimator_[-1].context_names_ == ("0", "1", "2")
    # without routing, arguments of fit reach a pipeline by the name of its step
    pipe = make_pipeline(StandardScaler(), moe(n_init=1))
    pipe.fit(X, y, contextualmixtureofexperts__possibilities=table)
    np.testing.assert_allclose(pipe.predict(X), moe(n_init=1).fit(X, y, table).predict(X))
