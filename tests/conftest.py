"""Shared test settings: a compilation cache that outlives the run, float64, data folders."""

import json
import os
import tempfile
from pathlib import Path

import jax
import numpy as np
import pytest

from mixstat.precision import float64

CACHE = os.environ.get("MIXSTAT_TEST_CACHE", str(Path(tempfile.gettempdir()) / "mixstat-jax-cache"))
jax.config.update("jax_compilation_cache_dir", CACHE)
jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)
# every broadcast in the kernels is written out
jax.config.update("jax_numpy_rank_promotion", "raise")


@pytest.fixture(autouse=True, scope="module")
def few_programs():
    """Forget compiled programs between modules: a process may map only so many pieces of code."""
    yield
    jax.clear_caches()


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
