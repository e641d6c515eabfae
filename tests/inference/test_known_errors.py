"""Standard errors against recorded ones, of maxima that are exact."""

import json

import numpy as np
import pandas as pd
import pytest

from mixstat import MixtureOfExperts, MixtureOfExpertsClassifier
from mixstat.inference import Clustered
from tests.oracles.test_gold import FITS, _matching

CLASSES = "sim_multinom_K2C3"
ALL = FITS | {CLASSES: (["x"], 1, ["w"], "y", 2)}
KINDS = {"se_hessian": "observed", "se_sandwich": "robust", "se_opg": "opg"}


def recorded(fit: dict, k: int, what: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Recorded numbers as gate (k - 1, q), experts (k, ...) and log deviations."""

    def rows(prefix: str) -> list[list[float]]:
        named = [key for key in fit["params"] if key.startswith(prefix)]
        owners = dict.fromkeys(key.split(":")[0] for key in named)
        return [
            [fit["params"][key][what] for key in named if key.split(":")[0] == owner]
            for owner in owners
        ]

    gate, experts, scales = rows("gate"), rows("expert"), rows("log_sigma")
    return np.array(gate), np.reshape(experts, (k, -1)), np.ravel(scales)


def fitted(oracle, gold, name):
    """An estimator at the recorded maximum; regressions start from the recorded lines."""
    inputs, degree, gate, response, k = ALL[name]
    data = pd.read_csv(oracle / gold[name]["data"])
    X, y = data[list(dict.fromkeys(inputs + gate))].astype(float), data[response]
    settings = {"expert_features": inputs, "gate_features": gate, "random_state": 0}
    if name == CLASSES:
        # theirs are log odds against the first class
        return MixtureOfExpertsClassifier(k, classes=[2, 3, 1], n_init=8, **settings).fit(X, y)
    powers = [X[inputs] ** (r + 1) for r in range(degree)]
    design = np.column_stack([np.ones(len(X)), *powers])
    _, lines, scales = recorded(gold[name], k, "est")
    nearest = np.argmin(np.abs(y.to_numpy() - lines @ design.T) / np.exp(scales)[:, None], axis=0)
    return MixtureOfExperts(k, degree=degree, init=nearest, **settings).fit(X, y)


@pytest.mark.parametrize("name", ALL)
def test_three_kinds_of_errors_of_known_maxima(oracle, gold, name):
    moe, fit, k = fitted(oracle, gold, name), gold[name], ALL[name][4]
    assert abs(moe.inference().llf - fit["loglik"]) < 1e-6
    order = _matching(moe.expert_coef_.reshape(k, -1), recorded(fit, k, "est")[1])
    q = moe.gate_coef_.shape[1]
    for what, cov_type in KINDS.items():
        results = moe.inference(cov_type=cov_type)
        gate, experts, scales = recorded(fit, k, what)
        error = results.std_errors
        first = (k - 1) * q
        mine = error[first : first + experts.size].reshape(experts.shape)
        np.testing.assert_allclose(mine[order], experts, rtol=1e-6)
        if len(scales):
            np.testing.assert_allclose(error[first + experts.size :][order], scales, rtol=1e-6)
        # their reference is their first expert: a difference of two of our gate rows
        for theirs in range(1, k):
            contrast = rows_of(order[theirs], k, q, error) - rows_of(order[0], k, q, error)
            test = results.t_test(contrast)
            np.testing.assert_allclose(test.std_error, gate[theirs - 1], rtol=1e-6)


def rows_of(expert: int, k: int, q: int, error: np.ndarray) -> np.ndarray:
    """The gate's coefficients of an expert, as rows of a matrix of hypotheses."""
    out = np.zeros((q, len(error)))
    if expert < k - 1:
        out[:, expert * q : (expert + 1) * q] = np.eye(q)
    return out


@pytest.fixture(scope="module")
def students(oracle):
    data = pd.read_csv(oracle / "latents_study_hours.csv")
    moe = MixtureOfExperts(2, gate_degree=0, n_init=4, random_state=0)
    return moe.fit(data[["hours"]], data["score"]), data


OURS = {
    "expert0:1": "expert1:1",
    "expert0:hours": "expert1:hours",
    "expert1:1": "expert0:1",
    "expert1:hours": "expert0:hours",
    "log_scale:0": "log_scale1",
    "log_scale:1": "log_scale0",
    "logit of class 1 against 0": "gate0:1",
}


def test_four_kinds_of_errors_of_latents(oracle, students):
    moe, data = students
    known = json.loads((oracle / "latents.json").read_text())["mixture_rows"]
    names = [OURS[name] for name in known["names"]]
    plain = Clustered(small_sample="none")
    kinds = {"se": "observed", "se_sandwich": "robust", "se_opg": "opg", "se_cluster": plain}
    np.testing.assert_allclose(moe.inference().params[names], known["params"], rtol=1e-6)
    for what, cov_type in kinds.items():
        groups = data["student"] if cov_type is plain else None
        results = moe.inference(cov_type=cov_type, groups=groups)
        np.testing.assert_allclose(results.bse[names], known[what], rtol=1e-6)
        assert abs(results.llf - known["ll"]) < 1e-6


def test_clusters_have_the_usual_factor_by_default(students):
    moe, data = students
    plain = moe.inference(cov_type=Clustered(small_sample="none"), groups=data["student"])
    usual = moe.inference(cov_type="cluster", groups=data["student"])
    np.testing.assert_allclose(usual.bse, np.sqrt(150 / 149) * plain.bse, rtol=1e-12)
    assert "150 clusters, times G / (G - 1)" in str(usual.summary())
