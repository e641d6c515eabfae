"""The extended information criterion."""

from typing import Any

import numpy as np
import pytest

from mixstat import MixtureOfExperts
from mixstat.inference.covariances.resampling import of_rows
from mixstat.selection import select
from mixstat.selection.extended import extended

N = 120
QUICK: dict[str, Any] = {"gate_degree": 0, "n_init": 4, "random_state": 0}


@pytest.fixture(scope="module")
def two_lines():
    random = np.random.default_rng(3)
    X = random.uniform(-1, 1, (N, 1))
    y = np.where(random.random(N) < 0.5, 2 * X[:, 0], 3 - X[:, 0])
    return X, y + 0.3 * random.standard_normal(N)


@pytest.mark.exhaustive
def test_the_bias_is_that_of_single_refits(two_lines):
    """Mean of l*(theta*) - l*(theta) + l(theta) - l(theta*), with each refit made by itself."""
    X, y = two_lines
    moe = MixtureOfExperts(2, **QUICK).fit(X, y)
    found = extended(moe.fit_, np.ones(N), 4, np.random.default_rng(7))
    drawn = of_rows(np.ones(N), 4, np.random.default_rng(7))
    own, biases = moe.score_samples(X, y), []
    for counts in drawn:
        again = MixtureOfExperts(2, **QUICK).fit(X, y, sample_weight=counts)
        logs = again.score_samples(X, y)
        biases.append(counts @ logs - counts @ own + own.sum() - logs.sum())
    assert found.n_counted == 4
    assert found.bias == pytest.approx(np.mean(biases), rel=1e-6)


@pytest.mark.exhaustive
def test_of_one_regression_it_is_about_the_number_of_parameters():
    random = np.random.default_rng(0)
    X = random.standard_normal((400, 2))
    y = X[:, 0] + random.standard_normal(400)
    moe = MixtureOfExperts(1).fit(X, y)
    found = extended(moe.fit_, np.ones(400), 200, np.random.default_rng(1))
    assert found.n_counted == 200
    assert found.bias == pytest.approx(moe.n_parameters_, rel=0.2)


@pytest.mark.exhaustive
def test_it_chooses_in_a_grid(two_lines):
    X, y = two_lines
    moe = MixtureOfExperts(**QUICK)
    found = select(X, y, estimator=moe, n_experts=[1, 2], eic_draws=50, criterion="eic")
    assert found.best_params_ == {"n_experts": 2}
    row = found.table.iloc[1]
    assert row["eic"] == pytest.approx(row["aic"], abs=8)
    assert row["eic"] != row["aic"]
    assert found.plot().columns[0] == "eic"
    without = select(X, y, estimator=moe, n_experts=[1])
    assert np.isnan(without.table["eic"][0])


@pytest.mark.fast
def test_draws_must_be_asked_for(two_lines):
    with pytest.raises(ValueError, match="eic_draws must be at least 1 for criterion='eic'"):
        select(*two_lines, criterion="eic")


@pytest.mark.exhaustive
def test_draws_that_lose_an_expert_are_told():
    """An expert on a dozen rows, which many draws leave out."""
    random = np.random.default_rng(0)
    X = np.linspace(-1, 1, N)[:, None]
    y = X[:, 0] + 0.3 * random.standard_normal(N)
    y[:9] = 6 + 0.3 * random.standard_normal(9)
    moe = MixtureOfExperts(
        gate_degree=0, degree=[0, 1], init=(np.arange(N) >= 9) * 1, min_share=0.07
    )
    found = select(X, y, estimator=moe, n_experts=[2], eic_draws=40)
    assert "of 40 draws lost an expert" in found.table["remark"][0]
