"""What people see of the engine: precision, memory, few compilations, large data."""

import jax
import numpy as np
import pytest

from mixstat import MixtureOfExperts
from mixstat.data import batch as batches
from mixstat.fitting import search
from mixstat.numerics import parameter_vector
from mixstat.solvers import em, plan, subsample
from tests.benchmarks.compiled import counted
from tests.solvers import problems


def _two_lines(n, seed=0):
    random = np.random.default_rng(seed)
    x = random.uniform(-3, 3, n)
    up = random.random(n) < 1 / (1 + np.exp(-0.5 - 2 * x))
    y = np.where(up, 1 + 1.5 * x, -1 - 1.5 * x) + np.where(up, 0.5, 0.7) * random.standard_normal(n)
    return x[:, None], y, up.astype(int)


def test_single_precision_ends_at_the_same_maximum():
    X, y, labels = _two_lines(3000)
    for init in ("auto", labels):
        double, single = (
            MixtureOfExperts(2, init=init, n_init=3, random_state=0, precision=precision).fit(X, y)
            for precision in ("float64", "float32")
        )
        assert single.certificate_.gradient_norm <= 1e-8
        np.testing.assert_allclose(single.log_likelihood_, double.log_likelihood_, atol=1e-12)
        np.testing.assert_allclose(single.expert_coef_, double.expert_coef_, atol=1e-8)
        assert single.result_.note == ""


def test_single_precision_that_rounding_stops_says_so(monkeypatch):
    X, y, labels = _two_lines(500)
    monkeypatch.setattr(em, "check_rule", lambda rule: None)  # a gain that is never so small
    monkeypatch.setattr(plan, "DRAFT_TOL", -1.0)
    monkeypatch.setattr(plan, "BASIN_TOL", -1.0)
    moe = MixtureOfExperts(2, init=labels, precision="float32").fit(X, y)
    assert moe.converged_
    assert moe.certificate_.gradient_norm <= 1e-8
    assert "In single precision EM ended" in moe.result_.note


def test_sums_of_single_rows_are_double(x64):
    task, start = problems.make("separated")
    single = task.replace(batch=batches.single(task.batch))
    rule = em.StopRule(1e-5, 0.0, 50)
    near, exact = (em.run(objective, start, rule) for objective in (single, task))
    assert near.value.dtype == np.float64
    np.testing.assert_allclose(float(near.value), float(exact.value), rtol=1e-5)
    with pytest.raises(ValueError, match="precision must be one of"):
        MixtureOfExperts(2, precision="half").fit(*_two_lines(50)[:2])


def test_memory_that_runs_out_shortens_chunks(monkeypatch):
    X, y, labels = _two_lines(5000)
    seen, real = [], search._fixed_number

    def hungry(task, chosen, settings):
        seen.append(settings["objective"].batch.rows.weight.shape[1])
        if seen[-1] > 256:
            raise jax.errors.JaxRuntimeError("RESOURCE_EXHAUSTED: Out of memory")
        return real(task, chosen, settings)

    whole = MixtureOfExperts(2, init=labels).fit(X, y)
    monkeypatch.setattr(search, "_fixed_number", hungry)
    moe = MixtureOfExperts(2, init=labels).fit(X, y)
    assert seen == [1024, 1024, 1024, 512, 256]
    np.testing.assert_allclose(moe.log_likelihood_, whole.log_likelihood_, atol=1e-12)


def test_memory_that_is_not_there_is_an_error_with_sizes(monkeypatch):
    def never(*args, **kwargs):
        raise MemoryError("no")

    monkeypatch.setattr(search, "_fixed_number", never)
    X, y, labels = _two_lines(5000)
    with pytest.raises(MemoryError, match=r"X with 5000 rows: .* MiB .*Hessian of 8 parameters"):
        MixtureOfExperts(2, init=labels).fit(X, y)


def test_many_sizes_share_few_programs():
    with counted() as programs:
        for n in np.unique(np.geomspace(100, 1e5, 14).astype(int)).tolist():
            X, y, labels = _two_lines(n)
            MixtureOfExperts(2, init=labels).fit(X, y)
    assert 0 < len(programs) <= 12


def test_a_sample_leads_to_the_maximum_on_all_rows(monkeypatch):
    X, y, labels = _two_lines(70_000)
    samples = []
    real = subsample.from_sample

    def watched(*args):
        samples.append(real(*args))
        return samples[-1]

    monkeypatch.setattr(subsample, "from_sample", watched)
    monkeypatch.setattr(subsample, "LEAST_WORK", 0)
    quick = MixtureOfExperts(2, init=labels).fit(X, y)
    assert samples[0] is not None
    monkeypatch.setattr(subsample, "LEAST_STRIDE", 10**9)
    slow = MixtureOfExperts(2, init=labels).fit(X, y)
    assert quick.certificate_.gradient_norm <= 1e-8
    np.testing.assert_allclose(quick.log_likelihood_, slow.log_likelihood_, atol=1e-13)
    np.testing.assert_allclose(quick.expert_coef_, slow.expert_coef_, atol=1e-9)
    assert quick.result_.n_passes < slow.result_.n_passes


@pytest.mark.parametrize(("n", "step"), [(5000, 4), (700, 8), (4096, 4)])
def test_a_sample_holds_every_row_of_its_stride(x64, n, step):
    random = np.random.default_rng(0)
    y, weight = random.standard_normal((n, 1)), random.uniform(0.5, 2, n)
    Z = np.column_stack([np.ones(n), np.arange(n)])
    data = batches.build(Z, Z, y, weight, width=batches.CHUNK_BYTES // 8 // 128)
    thin = subsample.sample(data, step)
    rows, shares = np.asarray(thin.rows.Z)[:, 1].ravel(), np.asarray(thin.rows.weight).ravel()
    kept = shares > 0
    assert sorted(rows[kept].astype(int)) == list(range(0, n, step))
    np.testing.assert_allclose(shares.sum(), 1.0)
    np.testing.assert_allclose(float(thin.total_weight), weight[::step].sum())
    order = np.argsort(rows[kept])
    wanted = weight[::step] / weight[::step].sum()
    np.testing.assert_allclose(shares[kept][order], wanted, rtol=1e-12)
    assert parameter_vector.size(thin.rows) < parameter_vector.size(data.rows) or n < 1000
