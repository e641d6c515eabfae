"""Compilation: the quick programs, and what happens where a compiler refuses their option."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mixstat.numerics import compiled

pytestmark = pytest.mark.fast


@compiled.kernel("power")
def raised(x, *, power):
    return jnp.sum(x**power)


def test_kernels_compute_and_differentiate(x64):
    x = jnp.arange(3.0)
    assert raised(x, power=2) == 5.0
    np.testing.assert_array_equal(jax.grad(lambda v: raised(v, power=2))(x), 2 * x)
    np.testing.assert_array_equal(jax.vmap(lambda v: raised(v, power=1))(x[:, None]), x)


def test_a_compiler_that_refuses_the_option_gets_none(x64, monkeypatch):
    monkeypatch.setattr(compiled, "QUICK", {"xla_no_such_option": False})

    @compiled.kernel()
    def total(x):
        return jnp.sum(x)

    try:
        assert total(jnp.ones(4)) == 4.0
        assert compiled.refused.is_set()
        assert total(jnp.ones(5)) == 5.0
    finally:
        compiled.refused.clear()


def test_other_errors_pass(x64):
    @compiled.kernel()
    def broken(x):
        raise ValueError("inside")

    with pytest.raises(ValueError, match="inside"):
        broken(jnp.ones(2))
