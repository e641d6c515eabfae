"""Where fits begin, and what the table of starts tells."""

import numpy as np
import pytest

from mixstat import MixtureOfExperts
from mixstat.fitting import starts


def data(n=300):
    rng = np.random.default_rng(2)
    X = rng.uniform(-2, 2, (n, 1))
    first = rng.random(n) < 0.5
    return X, np.where(first, 1 + X[:, 0], -1 - X[:, 0]) + 0.3 * rng.standard_normal(n), first


@pytest.mark.parametrize("kind", starts.KINDS)
def test_every_kind_alone_finds_the_maximum(kind):
    X, y, _ = data()
    known = MixtureOfExperts(2, random_state=0).fit(X, y)
    moe = MixtureOfExperts(2, init=kind, n_init=8, random_state=1).fit(X, y)
    assert set(moe.starts_["start"]) == {kind}
    assert moe.log_likelihood_ == pytest.approx(known.log_likelihood_, abs=1e-12)


def test_table_has_a_row_for_every_start():
    X, y, _ = data()
    moe = MixtureOfExperts(3, n_init=9, random_state=0).fit(X, y)
    table = moe.starts_
    assert len(table) == 9
    assert moe.certificate_.starts_finished == table["finished"].sum()
    done = table[table["finished"] & ~table["degenerate"]]
    assert done["log_likelihood"].max() == pytest.approx(moe.log_likelihood_, abs=1e-9)
    short = table["log_likelihood_short"]
    assert np.all(table["log_likelihood"][table["finished"]] >= short[table["finished"]] - 1e-9)
    near = np.abs(done["log_likelihood"] - moe.log_likelihood_) < 1e-7
    assert moe.certificate_.starts_agreeing == near.sum()


@pytest.mark.parametrize("form", ["labels", "responsibilities", "estimator"])
def test_a_start_of_your_own(form):
    X, y, first = data()
    known = MixtureOfExperts(2, random_state=0).fit(X, y)
    init = {
        "labels": first.astype(int),
        "responsibilities": np.column_stack([~first, first]) * 0.8 + 0.1,
        "estimator": known,
    }[form]
    moe = MixtureOfExperts(2, init=init).fit(X, y)
    assert len(moe.starts_) == 1
    np.testing.assert_allclose(moe.expert_coef_, known.expert_coef_, atol=1e-9)
    if form == "estimator":
        assert moe.n_iter_ <= 4


def test_responsibilities_of_rows_without_weight_are_ignored():
    X, y, first = data()
    weight = np.ones(len(y))
    weight[:50] = 0
    labels = first.astype(int)
    one = MixtureOfExperts(2, init=labels).fit(X, y, sample_weight=weight)
    two = MixtureOfExperts(2, init=labels[50:]).fit(X[50:], y[50:])
    np.testing.assert_allclose(one.expert_coef_, two.expert_coef_, rtol=1e-10)


def test_warm_start_begins_at_the_previous_fit():
    X, y, _ = data()
    moe = MixtureOfExperts(2, warm_start=True, random_state=0).fit(X, y)
    before = moe.expert_coef_
    moe.fit(3 * X + 1, y)  # other units: the start is carried over in the user's units
    assert list(moe.starts_["start"]) == ["warm"]
    np.testing.assert_allclose(moe.expert_coef_[:, 1], before[:, 1] / 3, rtol=1e-8)


def test_warm_start_of_another_shape_begins_anew():
    X, y, _ = data()
    moe = MixtureOfExperts(2, warm_start=True, n_init=5, random_state=0).fit(X, y)
    moe.set_params(degree=2).fit(X, y)
    assert len(moe.starts_) == 5


def test_an_estimator_of_a_larger_sample_starts_close():
    X, y, _ = data(3000)
    half = MixtureOfExperts(2, random_state=0).fit(X[:1500], y[:1500])
    full = MixtureOfExperts(2, init=half).fit(X, y)
    assert full.n_iter_ <= 6


@pytest.mark.exhaustive
def test_large_tables_are_started_on_a_sample():
    """More rows than starts look at: still certified on all of them, whatever their order."""
    rng = np.random.default_rng(5)
    n = 3 * starts.SAMPLE
    X = rng.standard_normal((n, 1))
    y = np.where(rng.random(n) < 0.4, 2 + X[:, 0], -X[:, 0]) + 0.5 * rng.standard_normal(n)
    moe = MixtureOfExperts(2, random_state=0).fit(X, y)
    assert moe.converged_
    np.testing.assert_allclose(moe.score_samples(X, y).mean(), moe.log_likelihood_, rtol=1e-12)
    order = rng.permutation(n)
    again = MixtureOfExperts(2, random_state=0).fit(X[order], y[order])
    np.testing.assert_allclose(again.expert_coef_, moe.expert_coef_, rtol=1e-10, atol=1e-10)


def test_verbose_tells_of_progress(capsys):
    X, y, _ = data()
    MixtureOfExperts(2, n_init=3, random_state=0, verbose=1).fit(X, y)
    lines = capsys.readouterr().out.splitlines()
    assert "300 rows, 2 experts, 8 parameters, 3 starts" in lines[0]
    assert any("start 0 (kmeans): log-likelihood" in line for line in lines)
    assert "below tolerance" in lines[-1]
    MixtureOfExperts(2, n_init=3, random_state=0).fit(X, y)
    assert capsys.readouterr().out == ""
