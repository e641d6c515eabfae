"""Functions compiled for the shapes that they are given, or loaded where they were kept."""

import inspect
import threading
import time
from collections.abc import Callable, Hashable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any
from weakref import WeakSet

import jax
import jax.monitoring
import numpy as np
from jax.core import Tracer
from jaxtyping import PyTree

from mixstat.numerics import cache, program_code, program_keys
from mixstat.numerics.program_keys import Structure

LOADED = "/mixstat/program_loaded_duration"  # the event of a program found in the folder

ASKED = "/jax/compilation_cache/compile_requests_use_cache"
FOUND = "/jax/compilation_cache/cache_hits"

told: ContextVar[Callable[[str], None] | None] = ContextVar("told", default=None)

TRACED = object()  # in place of an answer, where a program is being made around the call

Options = dict[str, bool | str]
Kind = tuple[Hashable, ...]

_all: "WeakSet[Programs]" = WeakSet()


@contextmanager
def telling(say: Callable[[str], None]) -> Iterator[None]:
    """Where people are told of each program that has to be compiled."""
    before = told.set(say)
    try:
        yield
    finally:
        told.reset(before)


def forget() -> None:
    """Let go of all programs in memory."""
    for one in list(_all):
        one.known.clear()


def simple() -> bool:
    """Whether programs are made by this module: on one processor, in JAX's usual ways."""
    config = jax.config
    return (
        jax.default_backend() == "cpu"
        and not config.jax_disable_jit  # pyright: ignore[reportAttributeAccessIssue]
        and not config.jax_debug_nans  # pyright: ignore[reportAttributeAccessIssue]
        and not config.jax_debug_infs  # pyright: ignore[reportAttributeAccessIssue]
        and jax.local_device_count() == 1
    )


def kind_of(leaf: object) -> Kind:
    """What a program must know of an argument: shape, precision, and whether it yields."""
    if isinstance(leaf, np.ndarray | np.generic):
        return leaf.shape, leaf.dtype
    if isinstance(leaf, jax.Array):
        yields = leaf.weak_type  # pyright: ignore[reportAttributeAccessIssue]
        return (leaf.shape, leaf.dtype, *(("yields",) if yields else ()))  # else as NumPy's
    return (type(leaf).__name__,)


class _Watch(threading.local):
    """What JAX reports while this thread compiles."""

    events: list[str] | None = None

    def note(self, event: str, **_: object) -> None:
        if self.events is not None:
            self.events.append(event)


_watch = _Watch()
jax.monitoring.register_event_listener(_watch.note)


@contextmanager
def watched() -> Iterator[list[str]]:
    """The names of what JAX reports inside."""
    before, _watch.events = _watch.events, []
    try:
        yield _watch.events
    finally:
        _watch.events = before


def is_new(events: list[str]) -> bool:
    """Whether the compiler has made a program, of which JAX reports ``events``.

    One that JAX's own cache has found lacks its code when it is taken apart again.
    """
    config = jax.config
    own = config.jax_enable_compilation_cache and config.jax_compilation_cache_dir  # pyright: ignore[reportAttributeAccessIssue]
    return FOUND not in events and (ASKED in events or not own)


class Programs:
    """The programs of one function."""

    def __init__(self, function: Callable[..., PyTree], static: tuple[str, ...]) -> None:
        self.function, self.static = function, static
        self.names = tuple(inspect.signature(function).parameters)
        self.known: dict[Hashable, jax.stages.Compiled] = {}
        self.lock = threading.RLock()
        _all.add(self)

    def call(self, args: tuple[object, ...], named: Mapping[str, object], options: Options) -> Any:
        """The function's answer; TRACED if another program is being made of it."""
        given = {**dict(zip(self.names, args)), **named}
        fixed = {name: given.pop(name) for name in self.static if name in given}
        leaves, tree = jax.tree.flatten(given)
        if any(isinstance(leaf, Tracer) for leaf in leaves):
            return TRACED
        config = jax.config
        place = (
            tree,
            tuple(map(kind_of, leaves)),
            tuple(fixed.items()),
            tuple(options.items()),
            config.jax_enable_x64,  # pyright: ignore[reportAttributeAccessIssue]
            config.jax_default_matmul_precision,  # pyright: ignore[reportAttributeAccessIssue]
        )
        program = self.known.get(place)
        if program is None:
            with self.lock:  # threads that want the same program wait for it
                program = self.known.get(place)
                if program is None:
                    program = self._load_or_compile(place[1], tree, leaves, fixed, options)
                    self.known[place] = program
        return program(*leaves)

    def _load_or_compile(
        self,
        kinds: tuple[Kind, ...],
        tree: Structure,
        leaves: list[object],
        fixed: dict[str, object],
        options: Options,
    ) -> jax.stages.Compiled:
        kept = cache.folder_in_use()
        try:
            name = program_keys.name_of(self.function, tree, kinds, fixed, options)
        except program_keys.NotKept:
            kept, name = None, ""
        program = None if kept is None else _load(kept, name)
        if program is None:
            with watched() as events:
                program = self._compile(tree, leaves, fixed, options)
            if kept is not None and is_new(events):
                _keep(kept, name, program, len(leaves))
        return program

    def _compile(
        self,
        tree: Structure,
        leaves: list[object],
        fixed: dict[str, object],
        options: Options,
    ) -> jax.stages.Compiled:
        def flat(*leaves):
            return self.function(**jax.tree.unflatten(tree, leaves), **fixed)

        flat.__name__ = self.function.__name__
        say = told.get()
        if say is not None:
            say(f"compiling {flat.__name__.strip('_')}")
        return jax.jit(flat).lower(*leaves).compile(compiler_options=options or None)


def _load(kept: cache.ProgramFolder, name: str) -> jax.stages.Compiled | None:
    """A program from its file, None where there is none of any use."""
    content = kept.read(name)
    if content is None:
        return None
    begin = time.perf_counter()
    try:
        program = program_code.from_bytes(content, name)
    except Exception:  # whatever it is, compiling helps
        kept.discard(name)
        return None
    jax.monitoring.record_event_duration_secs(LOADED, time.perf_counter() - begin)
    return program


def _keep(kept: cache.ProgramFolder, name: str, program: jax.stages.Compiled, count: int) -> None:
    try:
        content = program_code.to_bytes(program, count, name)
    except Exception:  # such as one with constants, or that calls back
        return
    why = kept.write(name, content)
    if why is not None:
        cache.give_up(why)
