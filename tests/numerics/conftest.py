"""A folder of compiled programs for a test alone."""

from collections.abc import Iterator
from contextlib import contextmanager

import jax
import pytest
from jax.experimental.compilation_cache import compilation_cache

from mixstat import cache_programs
from mixstat.numerics import cache, programs


@contextmanager
def without_cache_of_jax() -> Iterator[None]:
    """Where the compiler makes what is not kept: JAX would have kept it from an earlier run."""
    jax.config.update("jax_enable_compilation_cache", False)
    compilation_cache.reset_cache()
    try:
        yield
    finally:
        jax.config.update("jax_enable_compilation_cache", True)
        compilation_cache.reset_cache()


@pytest.fixture
def folder(tmp_path):
    """Where this test keeps programs; none are in memory before and after."""
    chosen = cache._Chosen
    before = chosen.folder, chosen.decided, chosen.checked
    programs.forget()
    with without_cache_of_jax():
        yield cache_programs(tmp_path / "programs")
    programs.forget()
    chosen.folder, chosen.decided, chosen.checked = before
