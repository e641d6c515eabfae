"""Mixtures of binomial and Poisson regressions whose maximum flexmix knows, and of classes."""

import numpy as np
import pandas as pd
import pytest

from mixstat import MixtureOfExperts, MixtureOfExpertsClassifier
from mixstat.results import Status


def test_binomial_mixture(oracle):
    data = pd.read_csv(oracle / "flexmix_BregFix.csv")
    data["w"] = data["w"].astype(float)
    settings = {"expert_features": ["x"], "gate_features": ["w"], "random_state": 0}
    moe = MixtureOfExperts(3, expert="binomial", **settings).fit(
        data[["x", "w"]], data[["yes", "no"]]
    )
    assert moe.status_ == Status.CONVERGED
    assert moe.log_likelihood_ * len(data) == pytest.approx(-425.2919686233, rel=1e-10)
    assert moe.score_samples(data[["x", "w"]], data[["yes", "no"]]).sum() == pytest.approx(
        -425.2919686233, rel=1e-10
    )


@pytest.mark.exhaustive
def test_poisson_mixture_with_a_gate_close_to_separation(oracle):
    data = pd.read_csv(oracle / "flexmix_patent.csv")
    X = data[["lgRD", "RDS"]].astype(float)
    moe = MixtureOfExperts(
        3, expert="poisson", expert_features=["lgRD"], gate_features=["RDS"], random_state=0
    ).fit(X, data["Patents"])
    assert moe.status_ == Status.CONVERGED
    assert moe.log_likelihood_ * len(data) == pytest.approx(-197.6750214, abs=1e-6)
    slopes = moe.gate_coef_[:, 1]
    apart = slopes[:, None] - slopes[None, :]
    assert np.abs(apart + 41.08).min() < 0.05
    assert moe.certificate_.steep_gate
    assert "near separation" in str(moe.summary())


def _recorded(gold):
    params = gold["sim_multinom_K2C3"]["params"]
    return {
        what: {name: entry[what] for name, entry in params.items()}
        for what in ("est", "se_hessian")
    }


def test_multinomial_mixture(oracle, gold):
    known = gold["sim_multinom_K2C3"]
    data = pd.read_csv(oracle / known["data"])
    X, y = data[["x", "w"]], data["y"]
    first, *others = np.sort(y.unique())
    moe = MixtureOfExpertsClassifier(
        2,
        expert_features=["x"],
        gate_features=["w"],
        classes=[*others, first],  # their reference is the first class
        random_state=0,
    ).fit(X, y)
    assert moe.status_ == Status.CONVERGED
    assert abs(moe.log_likelihood_ - known["loglik"] / known["n_obs"]) <= 1e-10
    assert moe.n_parameters_ == known["df"]
    np.testing.assert_allclose(moe.bic(X, y), known["bic"], rtol=1e-10)
    recorded = _recorded(gold)
    error = np.sqrt(np.diag(moe.cov_params()))
    names = moe.parameter_names
    theirs = {}
    for what in ("est", "se_hessian"):
        table = recorded[what]
        theirs[what] = np.array(
            [[table[f"expert{k}:class{c}:{f}"] for c in (2, 3) for f in ("1", "x")] for k in (1, 2)]
        )
    mine = moe.expert_coef_.reshape(2, -1)
    order = np.abs(theirs["est"][:, None] - mine[None]).sum(axis=2).argmin(axis=1)
    assert sorted(order) == [0, 1]
    np.testing.assert_allclose(mine[order], theirs["est"], rtol=0, atol=1e-6)
    expert_error = error[[n.startswith("expert") for n in names]].reshape(2, -1)
    np.testing.assert_allclose(expert_error[order], theirs["se_hessian"], rtol=1e-6)
    # two experts: their only gate equation is ours or its negative
    gate = [recorded["est"][f"gate2:{f}"] for f in ("1", "w")]
    np.testing.assert_allclose(
        moe.gate_coef_[order[1]] - moe.gate_coef_[order[0]], gate, rtol=0, atol=1e-6
    )
    gate_error = [recorded["se_hessian"][f"gate2:{f}"] for f in ("1", "w")]
    np.testing.assert_allclose(error[:2], gate_error, rtol=1e-6)
