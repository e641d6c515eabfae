"""Other processes and threads: right, or refused at once where JAX cannot compute."""

import subprocess
import sys

import pytest

from tests.sweeps import rest

SECONDS = 240  # that a script may take, compilation included
AT_ONCE = 10  # seconds in which a forked process must answer, on a busy machine

SETUP = """
import warnings
import numpy as np

warnings.filterwarnings("ignore", message=".*fork.*")
X = np.linspace(-1, 1, 60)[:, None]
y = np.where(np.arange(60) % 2, 2 + X[:, 0], -2 - X[:, 0]) + 0.1 * np.sin(50 * X[:, 0])


def slope(seed):
    from mixstat import MixtureOfExperts

    moe = MixtureOfExperts(2, n_init=1, random_state=seed).fit(X, y)
    return moe.expert_coef_[0, 1]
"""

FORK = """
import os
import time

slope(0)
read, write = os.pipe()
child = os.fork()
if child == 0:
    begun = time.time()
    try:
        slope(0)
        words = "fitted"
    except RuntimeError as error:
        words = str(error)
    os.write(write, f"{time.time() - begun:.3f} {words}".encode())
    os._exit(0)
os.close(write)
seconds, words = os.read(read, 10_000).decode().split(" ", 1)
assert float(seconds) < 5, seconds
assert "fork" in words and "loky" in words and "spawn" in words, words
assert np.isfinite(slope(0))  # the parent goes on
"""

BEFORE = """
import os
import mixstat.estimators.regressor

child = os.fork()
if child == 0:
    os._exit(0 if np.isfinite(slope(0)) else 1)
assert os.waitpid(child, 0)[1] == 0
"""

POOL = """
import time
from joblib import Parallel, delayed

expected = slope(0)
begun = time.time()
try:
    found = Parallel(2, backend={backend!r}, timeout=200)(delayed(slope)(0) for _ in range(2))
    assert np.allclose(found, expected, rtol=1e-8), (found, expected)
    print("fitted")
except RuntimeError as error:
    assert time.time() - begun < {at_once}, time.time() - begun
    assert "fork" in str(error), error
    print("refused")
"""


def _run(script):
    done = subprocess.run(
        [sys.executable, "-c", SETUP + script],
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there is no fork")


def test_a_fork_after_the_first_fit_is_told_what_to_do():
    _run(FORK)


def test_a_fork_before_the_first_fit_works():
    _run(BEFORE)


@pytest.mark.parametrize(
    ("backend", "expected"),
    [rest("loky", "fitted"), ("threading", "fitted"), ("multiprocessing", "refused")],
)
def test_backends_of_joblib(backend, expected):
    assert expected in _run(POOL.format(backend=backend, at_once=AT_ONCE))
