"""Derivatives of columns in an input."""

import numpy as np
import pytest

from mixstat.data.design import Design, MappedColumns, PolynomialColumns
from mixstat.data.inputs import differences
from mixstat.data.polynomial import powers

pytestmark = pytest.mark.fast


@pytest.fixture
def X(rng):
    return rng.uniform(1, 3, size=(50, 3))


def polynomials():
    return PolynomialColumns(np.array([0, 2]), powers(2, 3), ["a", "c"])


def test_polynomials_have_closed_forms(X):
    design = Design(polynomials())
    design.fit(X, np.full(50, 1 / 50))
    for column in range(3):
        slopes = design.slopes(X, column, 1.0)
        known = differences(design.transform, X, column, 0.5)
        np.testing.assert_allclose(slopes, known, rtol=1e-8, atol=1e-8)
    assert not design.slopes(X, 1, 1.0).any()


def test_functions_of_the_inputs(X):
    source = MappedColumns(polynomials(), np.sqrt, "root", constant=True)
    source.fit(X, np.full(50, 1 / 50))
    slopes = source.slopes(X, 0, 1.0)
    np.testing.assert_allclose(slopes[:, 1], 0.5 / np.sqrt(X[:, 0]), rtol=1e-9)


def test_one_side_where_the_other_is_not_defined(X):
    highest = X[:, 1].max()

    def inside(table):
        if table[:, 1].max() > highest:
            raise ValueError("beyond")
        return np.exp(table[:, 1:2])

    slopes = differences(inside, X, 1, 0.5)
    np.testing.assert_allclose(slopes, np.exp(X[:, 1:2]), rtol=1e-9)

    def nowhere(table):
        raise ValueError("nowhere")

    with pytest.raises(ValueError, match="nowhere"):
        differences(nowhere, X, 1, 0.5)
