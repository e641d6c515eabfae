"""BLAS keeps to one thread while a fit works on small matrices, and gets its threads back."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
import scipy.linalg  # noqa: F401  its BLAS is one of those that count
from threadpoolctl import ThreadpoolController, threadpool_limits

from mixstat.numerics.threads import SMALL_MATRIX, one_blas_thread

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
