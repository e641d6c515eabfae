"""From ignorance to certainty: the path of alpha, its choice, and conflict with the data."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.model_selection import KFold

from mixstat import ContextualMixtureOfExperts, MixtureOfExperts
from mixstat.contextual import AlphaCertain, labels
from mixstat.selection import alpha_path, penalty_path
from tests.sweeps import first


def phases(rng, n=600, wrong=0.0):
    """Lines of three phases, their true phases, and stated ones of which some are wrong."""
    X = rng.uniform(-2, 2, (n, 2))
    logits = np.outer(X[:, 1], [-2.0, 0.0, 2.0])
    z = np.argmax(logits + rng.gumbel(size=(n, 3)), axis=1)
    y = np.array([1.0, 3, 0])[z] + np.array([2.0, -1, 0.2])[z] * X[:, 0]
    stated = np.where(rng.random(n) < wrong, (z + rng.integers(1, 3, n)) % 3, z)
    return X, y + 0.4 * rng.standard_normal(n), z, stated


def moe(**more):
    contexts = labels("phase", [0, 1, 2])
    return ContextualMixtureOfExperts(contexts, **({"n_init": 3, "random_state": 0} | more))


@pytest.mark.exhaustive
def test_the_path_leads_monotonically_from_plain_to_crisp(rng):
    X, y, _, stated = phases(rng, wrong=0.2)
    data = {"phase": stated}
    path = alpha_path(moe(), X, y, alphas=np.linspace(0, 1, 11), params={"context_data": data})
    assert np.all(np.diff(path.log_likelihood) < 0)
    assert np.all(np.diff(path.ignorance) < 0)
    assert {status.name for status in path.status} == {"CONVERGED"}
    plain = MixtureOfExperts(3, n_init=3, random_state=0).fit(X, y)
    assert path.log_likelihood[0] == pytest.approx(plain.log_likelihood_, abs=1e-10)
    assert path.ignorance[0] == pytest.approx(np.log(3))
    crisp = moe().fit(X, y, context_data=data)
    assert path.log_likelihood[-1] == pytest.approx(crisp.log_likelihood_, abs=1e-10)
    assert path.ignorance[-1] == 0.0
    # predictions lose as knowledge that is partly wrong is trusted more
    assert np.all(np.diff(path.conditional_log_likelihood) < 0)


@pytest.mark.parametrize("wrong", first([0.2, 0.05, 0.4]))
def test_likelihood_finds_how_many_labels_are_wrong(rng, wrong):
    """Labels wrong at rate e among C, evenly, have 1 - alpha = (e / (C - 1)) / (1 - e)."""
    X, y, z, stated = phases(rng, 900, wrong)
    rate = np.mean(stated != z)
    truth = 1 - rate / 2 / (1 - rate)
    alphas = np.linspace(truth - 0.2, min(truth + 0.2, 1), 9)
    path = alpha_path(moe(), X, y, alphas=alphas, params={"context_data": {"phase": stated}})
    assert abs(path.best_alpha_ - truth) < 0.06
    # contexts recovered better than stated, and better than from the data alone
    best = path.best_estimator_
    found = best.context_proba(X, y, context_data={"phase": stated}).argmax(axis=1)
    assert np.mean(found == z) > np.mean(stated == z)
    assert np.mean(found == z) >= np.mean(best.responsibilities(X, y).argmax(axis=1) == z) - 0.005


def test_blocks_of_held_out_rows_choose_too(rng):
    X, y, _, stated = phases(rng, 450, wrong=0.3)
    data = pd.DataFrame({"phase": stated})
    given = {"alphas": [0.3, 1.0], "params": {"context_data": data}, "criterion": "cv"}
    path = alpha_path(moe(n_init=1), X, y, cv=3, **given)
    assert path.best_alpha_ == 0.3
    assert path.criterion_error is not None
    # an integer means blocks of successive rows
    same = alpha_path(moe(n_init=1), X, y, cv=KFold(3), **given)
    np.testing.assert_array_equal(path.criterion, same.criterion)
    train = np.arange(150, 450)
    fold = moe(n_init=1, alpha=0.3).fit(X[train], y[train], context_data=data.iloc[train])
    first = alpha_path(moe(n_init=1), X, y, cv=[(train, np.arange(150))], **given)
    assert first.criterion[0] == pytest.approx(-fold.score_samples(X[:150], y[:150]).mean())


@pytest.mark.exhaustive
def test_strengths_of_elastic_nets_are_chosen_with_contexts(rng):
    X, y, _, stated = phases(rng, 450, wrong=0.1)
    X = np.column_stack([X, rng.standard_normal((len(y), 2))])
    data = pd.DataFrame({"phase": stated})
    given = {"part": "experts", "n_strengths": 6, "ratio": 0.01}
    path = penalty_path(moe(alpha=0.9), X, y, params={"context_data": data}, **given)
    best = path.best_estimator_
    assert best.converged_
    assert best.context_names_ == ("0", "1", "2")
    # BIC of the possibility-weighted likelihood
    total = len(y) * best.log_likelihood_
    wanted = -2 * total + best.n_parameters_ * np.log(len(y))
    assert path.criterion[path.best_index_] == pytest.approx(wanted, rel=1e-12)
    assert not path.expert_coef[0][:, 1:].any()
    assert np.all(best.expert_coef_[:2, 1] != 0)
    assert np.mean(best.expert_coef_[:, 3:] == 0) >= 0.5  # inputs that do not matter
    alone = clone(best).fit(X, y, context_data=data)
    np.testing.assert_allclose(alone.expert_coef_, best.expert_coef_, atol=1e-6)
    blocks = penalty_path(
        moe(alpha=0.9, n_init=1), X, y, params={"context_data": data}, criterion="cv",
        cv=KFold(2), strengths=[0.3, 0.01], part="experts",
    )  # fmt: skip
    assert blocks.best_strength_ == 0.01


def test_conflict_measures_what_knowledge_costs_and_names_the_rows(rng):
    X, y, z, stated = phases(rng, wrong=0.1)
    given = {"context_data": {"phase": stated}}
    fit = moe(alpha=0.95).fit(X, y, **given)
    told = fit.conflict(X, y, **given)
    assert told.log_likelihood == pytest.approx(fit.log_likelihood_, abs=1e-12)
    assert told.gate_alone == pytest.approx(fit.conditional_log_likelihood_, abs=1e-12)
    plain = MixtureOfExperts(3, n_init=3, random_state=0).fit(X, y)
    assert told.plain == pytest.approx(plain.log_likelihood_, abs=1e-10)
    assert told.plain >= told.gate_alone > told.log_likelihood
    difference = np.mean(np.log1p(-told.contradiction))
    assert difference == pytest.approx(told.log_likelihood - told.gate_alone, abs=1e-12)
    rows = told.rows()
    assert np.all(np.diff(told.contradiction[rows]) <= 0)
    wrong = np.flatnonzero(stated != z)
    assert np.mean(np.isin(rows, wrong)) > 0.75
    assert np.mean(np.isin(wrong, rows)) > 0.75
    assert told.table.sum() == len(y)
    np.testing.assert_array_equal(told.table[:3].sum(axis=1), np.bincount(stated))
    assert f"{len(rows)} of 600" in str(told)
    # knowledge that is right costs what it rules out by chance alone, and contradicts little
    right = moe(alpha=0.95).fit(X, y, context_data={"phase": z})
    agreed = right.conflict(X, y, context_data={"phase": z})
    assert agreed.cost < 0.5 * told.cost
    assert len(agreed.rows()) < 0.5 * len(rows)


def test_contexts_on_the_response_are_recognised_from_the_inputs(rng):
    """Peaks are stated on y, which is not known when the model predicts."""
    X = rng.uniform(0, 1, (500, 1))
    y = np.where(X[:, 0] > 0.7, 2 + 3 * X[:, 0], X[:, 0]) + 0.1 * rng.standard_normal(500)
    peak = AlphaCertain("peak", "y", (2.0, None), 0.9)
    normal = AlphaCertain("normal", "y", (None, 2.0), 0.9)
    fit = ContextualMixtureOfExperts([peak, normal], n_init=2, random_state=0)
    with pytest.warns(UserWarning, match="diverge|step"):  # inputs tell peaks for certain
        fit.fit(X, y)
    np.testing.assert_allclose(fit.expert_coef_, [[2, 3], [0, 1]], atol=0.2)
    assert fit.score(X, y) > 0.99


@pytest.mark.fast
@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"alphas": [0.5, 1.2]}, "alphas must be numbers between 0 and 1"),
        ({"criterion": "bic"}, "criterion must be one of"),
        ({"params": None}, "'phase' is not among"),
        ({"cv": 1, "criterion": "cv"}, "k-fold|cv must"),
    ],
)
def test_bad_input(rng, settings, message):
    X, y, z, _ = phases(rng, 60)
    given = {"params": {"context_data": {"phase": z}}, "alphas": [0.5]} | settings
    with pytest.raises(ValueError, match=message):
        alpha_path(moe(n_init=1), X, y, **given)


@pytest.mark.fast
def test_there_must_be_knowledge(rng):
    X, y, *_ = phases(rng, 60)
    with pytest.raises(ValueError, match="there is no knowledge"):
        alpha_path(ContextualMixtureOfExperts(), X, y)
    with pytest.raises(ValueError, match="must be a ContextualMixtureOfExperts"):
        alpha_path(MixtureOfExperts(), X, y)
