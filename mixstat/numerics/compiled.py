"""Compilation of the kernels, set for a short wait before the first result."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from typing import ParamSpec, TypeVar

import jax
from jax.core import Tracer
from jaxtyping import PyTree

from mixstat.numerics.cache import from_environment

from_environment()

careful: ContextVar[bool] = ContextVar("careful", default=False)

P = ParamSpec("P")
R = TypeVar("R")

# Without the CPU compiler's newer loop fusion, programs compile in half the time and in less
# memory, and whole fits of the benchmarks run as fast.
OPTION = "xla_cpu_use_fusion_emitters"
QUICK: dict[str, bool | int | str] = {OPTION: False}
refused = threading.Event()  # set by a compiler that does not know the option


@contextmanager
def lasting(yes: bool = True) -> Iterator[None]:
    """Where programs run so long that they are worth twice the time to compile.

    Passes then take a quarter less.
    """
    before = careful.set(yes)
    try:
        yield
    finally:
        careful.reset(before)


def traced(tree: PyTree) -> bool:
    """Whether a function is being compiled around the caller."""
    return any(isinstance(leaf, Tracer) for leaf in jax.tree.leaves(tree))


def kernel(*static: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Decorator like ``jax.jit``, with the named arguments static.

    Within :func:`lasting` programs are compiled with care.
    """

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        plain = jax.jit(function, static_argnames=static)
        quick = jax.jit(function, static_argnames=static, compiler_options=QUICK)

        @wraps(function)
        def call(*args: P.args, **settings: P.kwargs) -> R:
            # compiler options can only be given where nothing is being traced
            if (
                not careful.get()
                and not traced(args)
                and not refused.is_set()
                and jax.default_backend() == "cpu"
            ):
                try:
                    return quick(*args, **settings)
                except jax.errors.JaxRuntimeError as error:
                    if OPTION not in str(error):
                        raise
                    refused.set()
            return plain(*args, **settings)

        return call

    return decorate
