"""Compilation of the kernels, set for a short wait before the first result."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import jax
from jax.core import Tracer
from jaxtyping import PyTree

from mixstat.numerics.programs import TRACED, Options, Programs, simple

careful: ContextVar[bool] = ContextVar("careful", default=False)

P = ParamSpec("P")
R = TypeVar("R")

# Without the CPU compiler's newer loop fusion, programs compile in half the time and in less
# memory, and whole fits of the benchmarks run as fast. One piece of code at a time is
# an eighth less work than several side by side.
QUICK: Options = {"xla_cpu_use_fusion_emitters": False, "xla_cpu_parallel_codegen_split_count": "1"}
refused = threading.Event()  # set by a compiler that does not know the options


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

    Programs are kept for later processes. Within :func:`lasting` they are compiled with care.
    """

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        plain = jax.jit(function, static_argnames=static)
        programs = Programs(function, static)

        @wraps(function)
        def call(*args: P.args, **named: P.kwargs) -> R:
            # what is being traced becomes a part of another program, and takes no options
            answer: Any = _answer(programs, args, named) if simple() else TRACED
            return plain(*args, **named) if answer is TRACED else answer

        return call

    return decorate


def _answer(programs: Programs, args: tuple[object, ...], named: dict[str, object]) -> Any:
    """What the program that suits the arguments says; TRACED within another one."""
    if careful.get() or refused.is_set():
        return programs.call(args, named, {})
    try:
        return programs.call(args, named, QUICK)
    except jax.errors.JaxRuntimeError as error:
        if not any(option in str(error) for option in QUICK):
            raise
        refused.set()
        return programs.call(args, named, {})
