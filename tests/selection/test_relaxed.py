"""Relaxed elastic nets: zeros of the path, coefficients of least squares."""

import numpy as np
import pytest

from mixstat import MixtureOfExperts
from mixstat.datasets import make_tent
from mixstat.selection import penalty_path, relax


@pytest.fixture(scope="module")
def tent():
    X, y = make_tent(1000, random_state=0)
    settings = {"gate_penalty": 1e-5, "l1_ratio": 0.9, "n_init": 3, "random_state": 0}
    moe = MixtureOfExperts(2, **settings)
    return X, y, penalty_path(moe, X, y, part="experts", n_strengths=6, ratio=0.05)


@pytest.mark.exhaustive
def test_irrelevant_inputs_are_zero_and_the_others_unshrunk(tent):
    X, y, path = tent
    best = relax(path, X, y).best_estimator_
    assert best.converged_
    np.testing.assert_array_equal(best.expert_coef_[:, 2:], 0.0)
    np.testing.assert_allclose(np.sort(best.expert_coef_[:, 1]), [-2, 2], atol=0.1)
    share = best.responsibilities(X, y)
    for k in range(2):  # weighted least squares on the input that is used
        root = np.sqrt(share[:, k])
        design = root[:, None] * np.column_stack([np.ones(len(X)), X[:, 0]])
        coef = np.linalg.lstsq(design, root * y, rcond=None)[0]
        np.testing.assert_allclose(best.expert_coef_[k, :2], coef, atol=1e-6)


@pytest.mark.exhaustive
def test_criterion_and_later_fits(tent):
    X, y, path = tent
    relaxed = relax(path, X, y)
    assert relaxed.used.shape == (len(relaxed.bic), 2, 4)
    assert relaxed.used[:, :, 0].all()
    assert relaxed.bic[relaxed.best_index_] == relaxed.bic.min()
    best = relaxed.best_estimator_
    np.testing.assert_allclose(relaxed.bic.min(), best.bic(X, y), rtol=1e-9)
    free = path.expert_coef[-1] != 0
    assert not free.all() or relaxed.used.all(axis=(1, 2)).any()
    held = np.isnan(np.diag(best.cov_params()))  # zeros are taken as known
    names = [best.parameter_names[j] for j in np.flatnonzero(held)]
    assert {"expert0:x1", "expert1:x2"} <= set(names)
    assert best.init == "auto"
    again = best.fit(X, y)
    assert (again.expert_coef_ != 0).sum() > (relaxed.used[relaxed.best_index_]).sum()


def test_a_ridge_has_no_zeros(tent):
    X, y, _ = tent
    moe = MixtureOfExperts(1, l1_ratio=0.0)
    path = penalty_path(moe, X, y, strengths=[0.1, 0.01])
    with pytest.raises(ValueError, match="l1_ratio > 0"):
        relax(path, X, y)


def test_a_path_of_experts_begins_where_their_slopes_end():
    # the gate's slopes, whose own penalty is weak, must not count as slopes of the path
    X, y = make_tent(1000, random_state=36)
    settings = {"gate_penalty": 1e-5, "l1_ratio": 0.9, "n_init": 4, "random_state": 36}
    moe = MixtureOfExperts(2, **settings)
    path = penalty_path(moe, X, y, part="experts", n_strengths=3, ratio=0.05)
    assert path.strengths[0] < 10
    assert not path.expert_coef[0][:, 1:].any()
    assert path.gate_coef[0][0, 1:].any()
    assert path.expert_coef[-1][:, 1].all()
