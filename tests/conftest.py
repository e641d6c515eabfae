"""Shared test settings: how programs are compiled and kept, float64, data folders."""

import gc
import hashlib
import json
import os
import re
import sys
import tempfile
import time
from pathlib import Path

import jax
import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from tests.shapes import check_shapes

check_shapes("mixstat")  # before anything of it is imported

from mixstat.numerics.cache import cache_programs  # noqa: E402
from mixstat.numerics.precision import float64  # noqa: E402
from mixstat.numerics.programs import forget  # noqa: E402

CACHE = os.environ.get("MIXSTAT_TEST_CACHE", str(Path(tempfile.gettempdir()) / "mixstat-jax-cache"))
jax.config.update("jax_compilation_cache_dir", CACHE)
jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)
# of this process, and of those that tests start
os.environ["MIXSTAT_CACHE"] = str(cache_programs(Path(CACHE) / "programs", megabytes=5000))
# threads of BLAS that wait for each other beside those of other workers double the time of a run
threadpool_limits(1, user_api="blas")
# every broadcast in the kernels is written out
jax.config.update("jax_numpy_rank_promotion", "raise")

# Most tests run a program once or twice on a few rows, so that compiling it is what they wait
# for: these options compile in a third of the time and run at half the speed. The emitters of
# fusions make a compiler of their own for each program.
RUN_ONCE = (
    "--xla_backend_optimization_level=0 --xla_cpu_parallel_codegen_split_count=1"
    " --xla_backend_extra_options=xla_cpu_disable_new_fusion_emitters"
)
ORDER = os.environ.get("MIXSTAT_TEST_ORDER", "")
END = time.monotonic() + float(os.environ.get("MIXSTAT_TEST_SECONDS", "inf"))
MAPS = Path("/proc/self/maps")
MANY_MAPS = 25_000  # Linux allows 65,530


# docstrings with a kind of model each, which has to be compiled, and a few that run by default
LONG = ("experts/", "gates/", "selection/ratio", "selection/columns", "selection/relaxed")
SHORT = ("experts/gaussian", "experts/poisson", "gates/softmax", "selection/ratio_table")


def pytest_configure(config: pytest.Config) -> None:
    """Compile for a single run, unless long tests or the shipped settings were asked for."""
    asked = re.sub(r"not \w+", "", config.getoption("markexpr"))
    long = any(marker in asked for marker in ("slow", "gpu", "bench"))
    if not long and os.environ.get("MIXSTAT_TEST_SHIPPED", "0") != "1":
        os.environ["XLA_FLAGS"] = f"{RUN_ONCE} {os.environ.get('XLA_FLAGS', '')}".strip()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files in an order of MIXSTAT_TEST_ORDER, if that is set: time may not reach the last ones.

    Docstrings that compile models of their own are run with the rest of each sweep.
    """
    for item in items:
        place = "/".join(item.path.with_suffix("").parts[-2:])
        if isinstance(item, pytest.DoctestItem) and place.startswith(LONG) and place not in SHORT:
            item.add_marker("exhaustive")
    if ORDER:
        items.sort(key=lambda item: hashlib.sha256(f"{ORDER} {item.path.name}".encode()).digest())


def pytest_runtest_setup() -> None:
    """Leave out what begins after MIXSTAT_TEST_SECONDS."""
    if time.monotonic() > END:
        pytest.skip("time was up")


def pytest_collection_finish() -> None:
    """Look for garbage rarely: most of what is alive are modules, tests and traced programs."""
    gc.freeze()
    gc.set_threshold(200_000, 10, 10)


@pytest.fixture(autouse=True, scope="module")
def few_programs():
    """Forget compiled programs before there are too many: a process may map only so much code."""
    yield
    if not MAPS.exists() or MAPS.read_bytes().count(b"\n") > MANY_MAPS:
        forget()
        jax.clear_caches()


@pytest.fixture(autouse=True)
def no_open_figures():
    """Close what a test has drawn."""
    yield
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")


@pytest.fixture
def x64():
    """Compute in float64, as the public doors do."""
    with float64():
        yield


@pytest.fixture
def rng():
    return np.random.default_rng(20240507)


def _folder(variable: str) -> Path:
    value = os.environ.get(variable)
    if not value or not Path(value).is_dir():
        pytest.skip(f"{variable} is not set to a folder")
    return Path(value)


@pytest.fixture(scope="session")
def oracle() -> Path:
    """Folder of known answers."""
    return _folder("MIXSTAT_ORACLE")


@pytest.fixture(scope="session")
def gold(oracle: Path) -> dict:
    """Fits whose exact maximum is known."""
    return json.loads((oracle / "gold.json").read_text())
