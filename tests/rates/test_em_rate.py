"""EM's own rate: the spectral radius of theory is what its steps are seen to do."""

import numpy as np
import pytest
from scipy import stats

from mixstat.data.batch import Rows
from mixstat.gates import SoftmaxGate
from mixstat.model import Mixture
from mixstat.numerics.precision import in_float64
from mixstat.rates import em_rate, find_truth
from mixstat.rates.catalogue import gaussian
from mixstat.rates.em_rate import EMRate, spectral_radius


@pytest.mark.exhaustive
def test_theory_is_what_is_observed():
    found = em_rate(find_truth("softmax-gaussian-mild"), 5000)
    assert abs(found.observed - found.at_fit) < 1e-4
    assert abs(found.at_truth - found.at_fit) < 0.1
    assert f"{found.observed:.4f} a step" in str(found)


@pytest.mark.exhaustive
def test_what_complete_data_do_not_determine_is_told():
    with pytest.raises(ValueError, match=r"complete data determine.*TemperatureGate"):
        em_rate(find_truth("temperature"), 500)


@in_float64
def test_the_spectral_radius_is_that_of_the_em_map():
    """Of two constants: derivatives of the map of EM itself, written out and by differences."""
    y = np.concatenate([stats.norm.ppf((np.arange(200) + 0.5) / 200) + m for m in (-1.5, 1.5)])
    rows = Rows(np.ones((1, 400)), np.ones((1, 400)), y[None], np.full(400, 1 / 400))
    gap, m, s = 0.0, np.array([-1.5, 1.5]), np.array([1.0, 1.0])

    def step(v):
        logit, means, scales = v[0], v[1:3], np.exp(v[3:])
        share = np.array([1 / (1 + np.exp(-logit)), 1 / (1 + np.exp(logit))])
        joint = share[:, None] * stats.norm.pdf(y, means[:, None], scales[:, None])
        resp = joint / joint.sum(axis=0)
        mass = resp.sum(axis=1)
        centre = resp @ y / mass
        spread = np.sqrt((resp * (y - centre[:, None]) ** 2).sum(axis=1) / mass)
        return np.concatenate([[np.log(mass[0] / mass[1])], centre, np.log(spread)])

    v = np.concatenate([[gap], m, np.log(s)])
    for _ in range(5000):
        v = step(v)
    h = 1e-5
    jacobian = np.column_stack([(step(v + h * e) - step(v - h * e)) / (2 * h) for e in np.eye(5)])
    model = Mixture(SoftmaxGate(v[:1, None]), gaussian(v[1:3], np.zeros((2, 0)), np.exp(v[3:])))
    wanted = np.max(np.abs(np.linalg.eigvals(jacobian)))
    np.testing.assert_allclose(spectral_radius(model, rows), wanted, rtol=1e-6)


@pytest.mark.fast
def test_steps_of_a_digit():
    assert EMRate(0.1, 0.1, np.sqrt(0.1)).steps_per_digit == pytest.approx(2.0)
