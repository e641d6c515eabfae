"""The shapes that signatures state are checked while tests run."""

import importlib
import sys

import numpy as np
import pytest

from tests.shapes import check_shapes

pytestmark = pytest.mark.fast

MODULE = """
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float


@dataclass
class Pair:
    x: Float[np.ndarray, " n"]
    y: Float[np.ndarray, " n"]


def product(X: Float[np.ndarray, "n d"], b: Float[np.ndarray, " d"]) -> Float[np.ndarray, " n"]:
    return X @ b if len(b) > 1 else X


def rows(X: Float[np.ndarray, "n d"], b: Float[np.ndarray, " d"]) -> Iterator[float]:
    yield from X @ b


def of_rows(X: Float[np.ndarray, "n d"]) -> Float[np.ndarray, " n"]:
    return np.array([sum(rows(part, np.ones(X.shape[1]))) for part in (X, X[:1])])[: len(X)]


def doubled(number: int) -> int:
    return 2 * number
"""


@pytest.fixture
def module(tmp_path, monkeypatch):
    """A module that states shapes, imported with checks."""
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "meta_path", list(sys.meta_path))
    (tmp_path / "stated_shapes.py").write_text(MODULE)
    check_shapes("stated_shapes")
    yield importlib.import_module("stated_shapes")
    del sys.modules["stated_shapes"]


def test_shapes_that_agree_pass(module):
    assert module.product(np.ones((3, 2)), np.ones(2)).tolist() == [2.0, 2.0, 2.0]
    assert len(module.Pair(np.ones(2), np.zeros(2)).x) == 2


@pytest.mark.parametrize("b", [np.ones(3), np.ones((2, 1)), np.ones(2, dtype=int), [1.0, 1.0]])
def test_arguments_of_another_shape_are_refused(module, b):
    with pytest.raises(Exception, match="product"):
        module.product(np.ones((3, 2)), b)


def test_a_result_of_another_shape_is_refused(module):
    with pytest.raises(Exception, match="product"):
        module.product(np.ones((3, 1)), np.ones(1))


def test_fields_of_another_shape_are_refused(module):
    with pytest.raises(Exception, match="Pair"):
        module.Pair(np.ones(2), np.ones(3))


def test_a_generator_has_sizes_of_its_own(module):
    assert module.of_rows(np.ones((2, 2))).tolist() == [4.0, 2.0]
    with pytest.raises(Exception, match="rows"):
        module.rows(np.ones((3, 2)), np.ones(3))


def test_signatures_without_a_shape_are_left_alone(module):
    assert not hasattr(module.doubled, "__wrapped__")


def test_the_package_is_checked():
    from mixstat.gates.softmax import SoftmaxGate

    checks = [
        name for name in vars(SoftmaxGate) if hasattr(getattr(SoftmaxGate, name), "__wrapped__")
    ]
    assert checks, "no method of a gate is checked"


def test_a_package_that_is_imported_already_is_refused():
    with pytest.raises(RuntimeError, match="numpy was imported before"):
        check_shapes("numpy")
