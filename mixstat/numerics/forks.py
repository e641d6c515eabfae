"""Processes made by a fork after JAX has started, in which nothing can be computed."""

import os
import threading

from jax._src import xla_bridge  # no public name tells whether JAX has started

WORDS = (
    "This process was made by fork after JAX had started, and the threads that JAX computes with "
    "did not come along, so that it would wait for ever. Start processes in another way: joblib's "
    "backend 'loky' (its default), multiprocessing.get_context('spawn'), or threads; or fork "
    "before anything is computed."
)

_stranded = threading.Event()  # set in a child that JAX cannot work in


def check_not_forked() -> None:
    """Refuse to compute where it would never end."""
    if _stranded.is_set():
        raise RuntimeError(WORDS)


def _after_fork_in_child() -> None:
    if xla_bridge.backends_are_initialized():
        _stranded.set()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)
