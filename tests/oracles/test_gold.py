"""Fits whose exact maximum is known to ten digits and agrees with R."""

import numpy as np
import pandas as pd
import pytest
from sklearn.exceptions import ConvergenceWarning

from mixstat import MixtureOfExperts
from tests.sweeps import first

# name: expert features, degree, gate features, response, experts
FITS = {
    "NregFix": (["x2", "x1"], 1, ["w"], "y", 3),
    "NPreg_const": (["x"], 2, [], "yn", 2),
    "NPreg_gate": (["x"], 2, ["x"], "yn", 2),
    "CO2_const": (["GNP"], 1, [], "CO2", 2),
    "CO2_gate": (["GNP"], 1, ["GNP"], "CO2", 2),
    "NO_gate": (["NO"], 1, ["NO"], "Equivalence", 2),
    "tone_const": (["stretchratio"], 1, [], "tuned", 2),
    "sim_gauss_K3": (["x"], 2, ["x", "w"], "y", 3),
}


# independent starts alone: the default search goes on to a higher maximum than the recorded one
STARTS = {"tone_const": 12}


def _fit(oracle, gold, name, seed, n_init="auto"):
    inputs, degree, gate, response, k = FITS[name]
    data = pd.read_csv(oracle / gold[name]["data"])
    X = data[list(dict.fromkeys(inputs + gate))].astype(float)
    moe = MixtureOfExperts(
        k,
        degree=degree,
        expert_features=inputs,
        gate_features=gate,
        n_init=n_init,
        random_state=seed,
    )
    return moe.fit(X, data[response]), X, data[response]


def _recorded(gold, name, k, what):
    """Recorded numbers as gate (k, q), experts (k, p) and log deviations (k,)."""
    params = gold[name]["params"]

    def rows(prefix: str) -> list[list[float]]:
        return [
            [v[what] for key, v in params.items() if key.startswith(f"{prefix}{j + 1}:")]
            for j in range(k)
        ]

    gate = rows("gate")
    gate[0] = [0.0] * len(gate[1])
    log_sigma = [params[f"log_sigma{j + 1}"][what] for j in range(k)]
    return np.array(gate), np.array(rows("expert")), np.array(log_sigma)


def _matching(mine: np.ndarray, theirs: np.ndarray) -> np.ndarray:
    """For each recorded expert, the number of ours."""
    distance = np.abs(theirs[:, None, :] - mine[None, :, :]).sum(axis=2)
    order = distance.argmin(axis=1)
    assert sorted(order) == list(range(len(mine)))
    return order


@pytest.mark.parametrize("seed", first(range(3)))
@pytest.mark.parametrize("name", FITS)
def test_the_search_reaches_the_known_maximum(oracle, gold, name, seed):
    moe, X, y = _fit(oracle, gold, name, seed, STARTS.get(name, "auto"))
    known = gold[name]
    assert moe.certificate_.search.starts <= 30
    assert moe.converged_
    assert moe.certificate_.gradient_norm <= 1e-8
    assert abs(moe.log_likelihood_ - known["loglik"] / known["n_obs"]) <= 1e-10
    assert moe.n_parameters_ == known["df"]
    np.testing.assert_allclose(moe.aic(X, y), known["aic"], rtol=1e-10)
    np.testing.assert_allclose(moe.bic(X, y), known["bic"], rtol=1e-10)

    gate, experts, log_sigma = _recorded(gold, name, moe.n_experts, "est")
    order = _matching(moe.expert_coef_, experts)
    np.testing.assert_allclose(moe.expert_coef_[order], experts, rtol=0, atol=1e-6)
    np.testing.assert_allclose(np.log(moe.scale_[order]), log_sigma, rtol=0, atol=1e-6)
    own = moe.gate_coef_[order]
    np.testing.assert_allclose(own - own[:1], gate - gate[:1], rtol=0, atol=1e-6)


def test_a_narrow_line_across_a_wide_one_is_found(oracle, gold):
    """A third of the tones are tuned to the ratio itself, which few random starts notice."""
    for seed in range(3):
        moe, _, y = _fit(oracle, gold, "tone_const", seed)
        assert len(y) * moe.log_likelihood_ > gold["tone_const"]["loglik"] + 4
        line = int(np.argmin(moe.scale_))
        np.testing.assert_allclose(moe.expert_coef_[line], [0, 1], atol=0.01)
        assert moe.certificate_.is_regular


@pytest.mark.parametrize("name", FITS)
def test_standard_errors_from_the_observed_information(oracle, gold, name):
    moe, _, _ = _fit(oracle, gold, name, 0, STARTS.get(name, "auto"))
    k = moe.n_experts
    gate, experts, _ = _recorded(gold, name, k, "est")
    order = _matching(moe.expert_coef_, experts)
    gate_se, expert_se, sigma_se = _recorded(gold, name, k, "se_hessian")
    covariance = moe.cov_params()
    error = np.sqrt(np.diag(covariance))
    q = gate.shape[1]
    start = (k - 1) * q
    mine = error[start : start + experts.size].reshape(experts.shape)
    np.testing.assert_allclose(mine[order], expert_se, rtol=1e-6)
    np.testing.assert_allclose(error[start + experts.size :][order], sigma_se, rtol=1e-6)

    # their reference is their first expert: a difference of two of our gate rows
    def row(j: int) -> np.ndarray:
        out = np.zeros((q, len(error)))
        if j < k - 1:
            out[:, j * q : (j + 1) * q] = np.eye(q)
        return out

    for theirs in range(1, k):
        contrast = row(order[theirs]) - row(order[0])
        got = np.sqrt(np.diag(contrast @ covariance @ contrast.T))
        np.testing.assert_allclose(got, gate_se[theirs], rtol=1e-6)


def test_near_separated_gate_is_reported(oracle):
    """Yearly temperatures: the two-expert gate is all but a step, and the fit says so."""
    data = pd.read_csv(oracle / "meteorits_tempanomalies.csv")
    X, y = data[["Year"]].astype(float), data["AnnualAnomaly"]
    for seed in range(3):
        with pytest.warns(ConvergenceWarning, match="The gate of expert 0 diverges"):
            moe = MixtureOfExperts(2, random_state=seed).fit(X, y)
    assert moe.status_.name == "SEPARATED"
    assert moe.certificate_.diverging_gate == (0,)
    assert np.isnan(moe.cov_params()[0, 0])
    assert np.all(np.isfinite(moe.gate_coef_))
