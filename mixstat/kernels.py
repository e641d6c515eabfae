"""Compilation of the kernels: quick to compile for small data, quick to run for large."""

import threading
from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

import jax
from jax.core import Tracer

Function = TypeVar("Function", bound=Callable[..., Any])

# Below this many numbers in the arguments a run is shorter than what the compiler's loop fusion
# costs: without it programs compile in half the time and run up to 1.5 times longer.
SMALL = 200_000
OPTION = "xla_cpu_use_fusion_emitters"
QUICK: dict[str, bool | int | str] = {OPTION: False}
refused = threading.Event()  # set by a compiler that does not know the option


def kernel(*static: str) -> Callable[[Function], Function]:
    """Decorator like ``jax.jit``, with the named arguments static."""

    def decorate(function: Function) -> Function:
        thorough = jax.jit(function, static_argnames=static)
        quick = jax.jit(function, static_argnames=static, compiler_options=QUICK)

        @wraps(function)
        def call(*args: Any, **settings: Any) -> Any:
            # compiler options can only be given where nothing is being traced
            leaves = jax.tree.leaves(args)
            if not refused.is_set() and _is_small(leaves) and jax.default_backend() == "cpu":
                try:
                    return quick(*args, **settings)
                except jax.errors.JaxRuntimeError as error:
                    if OPTION not in str(error):
                        raise
                    refused.set()
            return thorough(*args, **settings)

        return call  # pyright: ignore[reportReturnType]

    return decorate


def _is_small(leaves: list[Any]) -> bool:
    if any(isinstance(leaf, Tracer) for leaf in leaves):
        return False
    return sum(getattr(leaf, "size", 1) for leaf in leaves) < SMALL
