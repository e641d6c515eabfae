"""Features: what they are, and that coefficients come back in the user's units."""

import jax
import numpy as np
import pytest
from sklearn.preprocessing import PolynomialFeatures

from mixstat.data import batch as batches
from mixstat.data import polynomial
from mixstat.data.design import Design, PolynomialColumns

pytestmark = pytest.mark.fast


@pytest.mark.parametrize("degree", [0, 1, 2, 4])
def test_monomials_equal_those_of_sklearn(rng, degree):
    X = rng.standard_normal((20, 3))
    theirs = PolynomialFeatures(degree)
    columns = theirs.fit_transform(X)
    exponents = polynomial.powers(3, degree)
    np.testing.assert_array_equal(exponents, theirs.powers_)
    np.testing.assert_allclose(polynomial.monomials(X, exponents), columns, rtol=1e-13)
    names = polynomial.names(exponents, ["a", "b", "c"])
    assert names == list(theirs.get_feature_names_out(["a", "b", "c"]))


def test_without_interactions_there_are_only_powers(rng):
    exponents = polynomial.powers(2, 3, interactions=False)
    assert polynomial.names(exponents, ["a", "b"]) == ["1", "a", "b", "a^2", "b^2", "a^3", "b^3"]


@pytest.mark.parametrize("interactions", [True, False])
def test_shift_map_is_the_binomial_theorem(rng, interactions):
    X = rng.standard_normal((30, 3))
    exponents = polynomial.powers(3, 3, interactions=interactions)
    location, scale = rng.standard_normal(3), rng.uniform(0.5, 2, 3)
    moved = polynomial.monomials((X - location) / scale, exponents)
    mapped = polynomial.monomials(X, exponents) @ polynomial.shift_map(exponents, location, scale).T
    np.testing.assert_allclose(mapped, moved, rtol=1e-10, atol=1e-12)


def _fitted(X, degree, weight=None, **kinds):
    exponents = polynomial.powers(X.shape[1], degree, **kinds)
    names = [f"x{j}" for j in range(X.shape[1])]
    design = Design(PolynomialColumns(np.arange(X.shape[1]), exponents, names))
    weight = np.full(len(X), 1 / len(X)) if weight is None else weight / weight.sum()
    return design, design.fit(X, weight), weight


@pytest.mark.parametrize("degree", [1, 3, 8])
def test_features_are_orthonormal_and_the_constant_stays(rng, degree):
    X = rng.uniform(1880, 2015, (200, 1))
    _, features, weight = _fitted(X, degree, rng.uniform(0.1, 1, 200))
    gram = (features * weight[:, None]).T @ features
    np.testing.assert_allclose(gram, np.eye(degree + 1), atol=1e-10)
    np.testing.assert_array_equal(features[:, 0], 1.0)


def test_coefficients_map_back_to_raw_monomials(rng):
    X = rng.standard_normal((100, 2)) * [3, 0.1] + [5, -2]
    design, features, _ = _fitted(X, 2)
    coef = rng.standard_normal(features.shape[1])
    raw = polynomial.monomials(X, polynomial.powers(2, 2)) @ (coef @ design.to_user)
    np.testing.assert_allclose(raw, features @ coef, rtol=1e-9, atol=1e-9)
    np.testing.assert_array_equal(design.transform(X), features)


def test_constant_and_duplicated_columns_are_named_and_dropped(rng):
    x = rng.standard_normal(50)
    X = np.column_stack([x, np.full(50, 3.3), rng.standard_normal(50), 2 * x - 1])
    design, features, _ = _fitted(X, 1)
    assert design.dependent == ["x1", "x3"]
    assert features.shape[1] == 3
    np.testing.assert_array_equal(design.to_user[:, [2, 4]], 0.0)


def test_a_row_does_not_depend_on_its_company(rng):
    X = rng.standard_normal((40, 3))
    design, features, _ = _fitted(X, 3)
    one = np.vstack([design.transform(X[i : i + 1]) for i in range(40)])
    np.testing.assert_allclose(one, features, rtol=0, atol=1e-12)


def test_rows_are_in_double_precision_whatever_the_caller_computes_in():
    table = np.arange(12.0).reshape(6, 2)
    data = batches.build(table, table, table[:, :1])
    assert {leaf.dtype for leaf in jax.tree.leaves(data.rows)} == {np.dtype(np.float64)}
    draft = batches.single(data)
    assert {leaf.dtype for leaf in jax.tree.leaves(draft.rows)} == {np.dtype(np.float32)}
    assert draft.total_weight.dtype == np.float64
