"""BLAS keeps to one thread while a fit works on small matrices, and gets its threads back."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, current_thread

import jax.numpy as jnp
import pytest
import scipy.linalg  # noqa: F401  its BLAS is one of those that count
from threadpoolctl import ThreadpoolController, threadpool_limits

from mixstat.numerics.threads import SMALL_MATRIX, made_ahead, one_blas_thread

pytestmark = pytest.mark.fast


def threads() -> set[int]:
    return {
        one["num_threads"] for one in ThreadpoolController().info() if one["user_api"] == "blas"
    }


@pytest.fixture
def two_threads():
    with threadpool_limits(2, user_api="blas"):
        yield


def test_one_thread_inside_and_as_before_outside(two_threads):
    with one_blas_thread(SMALL_MATRIX):
        assert threads() == {1}
        with one_blas_thread(3):
            assert threads() == {1}
        assert threads() == {1}
    assert threads() == {2}
    with one_blas_thread(SMALL_MATRIX + 1):
        assert threads() == {2}


def test_an_error_gives_the_threads_back(two_threads):
    with pytest.raises(KeyError), one_blas_thread(3):
        raise KeyError
    assert threads() == {2}


def test_a_fit_in_another_thread_leaves_it_as_it_was(two_threads):
    barrier = Barrier(2, timeout=20)

    def other() -> None:
        with one_blas_thread(3):
            barrier.wait()  # both are inside
            barrier.wait()  # and now only this one

    with ThreadPoolExecutor(1) as pool:
        with one_blas_thread(3):
            running = pool.submit(other)
            barrier.wait()
            assert threads() == {1}
        barrier.wait()
        running.result()
    assert threads() == {2}


def test_at_most_one_item_is_made_ahead():
    made: list[tuple[int, str]] = []

    def items():
        for i in range(5):
            made.append((i, current_thread().name))
            yield i

    ahead = made_ahead(items())
    assert next(ahead) == 0
    assert next(ahead) == 1
    ahead.close()
    assert [i for i, _ in made] == [0, 1, 2]
    assert len({name for _, name in made} | {current_thread().name}) == 2
    assert list(made_ahead(items())) == list(range(5))
    assert list(made_ahead([])) == []


def test_an_error_while_an_item_is_made_comes_where_it_is_wanted():
    def items():
        yield 1
        raise KeyError("gone")

    ahead = made_ahead(items())
    assert next(ahead) == 1
    with pytest.raises(KeyError, match="gone"):
        next(ahead)
    assert list(ahead) == []


def test_items_are_made_in_float64():
    dtypes = [str(one.dtype) for one in made_ahead(jnp.ones(1) for _ in range(2))]
    assert dtypes == ["float64"] * 2
