"""Features of more columns than rows, of columns that repeat, and of columns in odd units."""

import numpy as np
import pytest

from mixstat import MixtureOfExperts, MixtureOfExpertsClassifier
from mixstat.data.whiten import whiten

pytestmark = [
    pytest.mark.filterwarnings("ignore::mixstat.results.DesignWarning"),
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
]


def _design(seed):
    """Columns of any units and a constant, whose rank is known, and weights of the rows."""
    random = np.random.default_rng(seed)
    n, p = int(random.integers(1, 40)), int(random.integers(1, 60))
    X = random.standard_normal((n, p))
    if seed % 3 == 0:
        X = np.round(2 * X)
    if seed % 4 == 0:
        X = X[:, random.integers(p, size=p)]
    rank = np.linalg.matrix_rank(X - X.mean(axis=0), tol=1e-6)
    columns = np.column_stack([np.ones(n), X * 10.0 ** random.integers(-8, 9, size=p)])
    weight = random.random(n) + 0.1
    return columns, weight / weight.sum(), 1 + rank


@pytest.mark.fast
@pytest.mark.parametrize("block", range(10))
def test_features_are_as_many_as_the_rank_and_orthonormal(block):
    for seed in range(40 * block, 40 * (block + 1)):
        columns, weight, rank = _design(seed)
        whitening = whiten(columns, weight, constant=True)
        features = whitening.apply(columns)
        assert features.shape[1] == rank <= len(columns), seed
        gram = (features * weight[:, None]).T @ features
        np.testing.assert_allclose(gram, np.eye(rank), atol=1e-8, err_msg=str(seed))


@pytest.mark.fast
def test_without_rotation_every_column_that_varies_is_kept():
    for seed in range(100):
        columns, weight, _ = _design(seed)
        whitening = whiten(columns, weight, constant=True, rotate=False)
        varies = np.ptp(columns, axis=0) > 0
        np.testing.assert_array_equal(whitening.kept[1:], varies[1:])
        deviation = np.sqrt(weight @ whitening.apply(columns)[:, 1:] ** 2)
        np.testing.assert_allclose(deviation, 1.0)


@pytest.mark.fast
def test_clear_and_doubtful_designs_are_made_alike(rng):
    """The way by way of products and the one by the columns themselves are one map."""
    weight = np.full(50, 1 / 50)
    X = np.column_stack([np.ones(50), rng.standard_normal((50, 4))])
    near = np.column_stack([X, X[:, 1] + 0.01 * rng.standard_normal(50)])  # a share of 1e-4
    clear, doubtful = (whiten(columns, weight, constant=True) for columns in (X, near))
    np.testing.assert_allclose(doubtful.matrix[:5, :5], clear.matrix, rtol=1e-12, atol=1e-12)
    assert np.all(np.diag(doubtful.matrix) > 0)


@pytest.mark.exhaustive
@pytest.mark.parametrize("seed", range(3))
def test_fits_of_more_columns_than_rows_end(seed):
    random = np.random.default_rng(seed)
    X = random.standard_normal((20, 30)) * 10.0 ** random.integers(-8, 9, size=30)
    X[:, 7] = X[:, 2]
    y = X[:, 0] / X[:, 0].std() + 0.1 * random.standard_normal(20)
    settings = {"n_init": 2, "random_state": 0, "max_iter": 20}
    regressor = MixtureOfExperts(1, **settings).fit(X, y)
    several = MixtureOfExperts(2, gate_degree=1, expert_features=[0], **settings).fit(X, y)
    classifier = MixtureOfExpertsClassifier(1, **settings).fit(X, y > 0)
    for moe in (regressor, several, classifier):
        designs = moe.fit_.designs
        for design in (designs.experts, designs.gate):
            assert design.whitening.kept.sum() <= 20
        assert np.isfinite(moe.predict(X).astype(float)).all()
    np.testing.assert_allclose(regressor.predict(X), y, atol=1e-6)
