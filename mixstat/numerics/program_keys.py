"""Names of compiled programs, which hold everything that a program depends on.

A program may be used again where all of it is the same: mixstat's own source, versions,
processor, settings of the compiler, structure, shapes, and values that are fixed at compilation.
"""

import enum
import hashlib
import os
import platform
import sys
from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import fields, is_dataclass
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from types import FunctionType
from typing import Any, TypeAlias

import jax
import numpy as np

PACKAGE = Path(__file__).parents[1]
LIBRARIES = ("jax", "jaxlib", "numpy", "scipy", "equinox", "opt_einsum", "ml_dtypes")
OWN = "mixstat."
COMPILER = ("XLA_", "PJRT_", "NPROC", "TF_")  # variables that it reads
# modules whose classes stand in trees, and do not change without a change of a version above
KNOWN = ("mixstat", "builtins", "jax", "jaxlib", "numpy", "equinox", "collections", "enum")
# settings of JAX on which no program depends, and that differ between equal processes
ASIDE = ("cache", "log", "trace", "traceback", "coordination", "distributed", "profiler")

Structure: TypeAlias = Any  # of a tree, by jax.tree.structure; it has no type of its own


class NotKept(Exception):
    """Why a program is not kept: it depends on something that has no lasting name."""


def name_of(
    function: Callable[..., object],
    tree: Structure,
    kinds: Iterable[Hashable],
    fixed: Mapping[str, object],
    options: Mapping[str, object],
) -> str:
    """The name of a program.

    Parameters
    ----------
    function
        What was compiled; a function of a module of mixstat.
    tree, kinds
        Structure of its arguments; shape and precision of each array.
    fixed
        Arguments whose values are compiled in.
    options
        Of the compiler.

    Raises
    ------
    NotKept
        If a value has no lasting name, such as a function that people wrote.
    """
    parts = (
        surroundings(),
        settings(),
        place(function),
        structure(tree),
        text(tuple(kinds)),
        text(dict(fixed)),
        text(dict(options)),
    )
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


@lru_cache(maxsize=1)
def surroundings() -> str:
    """What does not change while a process lives."""
    libraries = [f"{name} {_version(name)}" for name in LIBRARIES]
    device = jax.devices()[0]
    return repr(
        (
            source_stamp(),
            sys.version,
            libraries,
            platform.system(),
            platform.machine(),
            processor(),
            available(),
            device.platform,
            device.client.platform_version,
            {name: value for name, value in os.environ.items() if name.startswith(COMPILER)},
        )
    )


def _version(library: str) -> str:
    try:
        return version(library)
    except PackageNotFoundError:
        return "none"


def available() -> int:
    """Processors of this process, among which the compiler divides what it makes."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def source_stamp() -> str:
    """A checksum of all of mixstat's own source."""
    stamp = hashlib.sha256()
    for path in sorted(PACKAGE.rglob("*.py")):
        content = path.read_bytes()
        stamp.update(f"{path.relative_to(PACKAGE).as_posix()} {len(content)}\n".encode())
        stamp.update(content)
    return stamp.hexdigest()


def processor() -> str:
    """The processor's model and what it can do, for which programs are made."""
    try:
        lines = Path("/proc/cpuinfo").read_text().split("\n\n")[0].splitlines()
    except OSError:
        return platform.processor()
    wanted = ("vendor_id", "cpu family", "model", "stepping", "flags", "Features", "CPU part")
    return "\n".join(line for line in lines if line.startswith(wanted))


def settings() -> str:
    """JAX's settings, as they are in this thread."""
    found = {
        name: getattr(jax.config, name, value)
        for name, value in jax.config.values.items()
        if not any(word in name for word in ASIDE)
    }
    return repr(sorted((name, repr(value)) for name, value in found.items()))


def structure(tree: Structure) -> str:
    """A tree's nodes: their classes, and what they hold beside arrays."""
    node = tree.node_data()
    if node is None:
        # a single leaf, or one that is empty
        return f"leaf{tree.num_leaves}"
    kind, beside = node
    return f"{text(kind)}{text(beside)}[{','.join(structure(part) for part in tree.children())}]"


def text(value: object) -> str:
    """A value in words that mean the same in every process."""
    kind = type(value)
    if value is None or kind in (bool, int, float, complex, str, bytes):
        return f"{kind.__name__} {value!r}"
    if isinstance(value, type | FunctionType):
        return _found(value)
    if isinstance(value, enum.Enum):
        return f"{_found(kind)}.{value.name}"
    if kind in (tuple, list):
        return f"{kind.__name__}({','.join(map(text, value))})"  # pyright: ignore[reportArgumentType]
    if kind is dict:
        return f"dict({','.join(f'{text(k)}:{text(v)}' for k, v in value.items())})"  # pyright: ignore[reportAttributeAccessIssue]
    if isinstance(value, np.dtype):
        return f"dtype {value.name}"
    if isinstance(value, np.ndarray | np.generic):
        if value.dtype.hasobject:
            raise NotKept("an array of objects")
        content = hashlib.sha256(np.ascontiguousarray(value).tobytes()).hexdigest()
        return f"array {value.dtype.name} {value.shape} {content}"
    return _record(value)


def _record(value: object) -> str:
    """A record by its class and its fields."""
    kind = type(value)
    if isinstance(value, tuple):
        return f"{_found(kind)}({','.join(map(text, value))})"
    if is_dataclass(value) and not callable(value):
        held = {field.name: getattr(value, field.name) for field in fields(value)}
        if "wrapper_fields" in held:  # of older versions of Equinox, in the order of a set
            held["wrapper_fields"] = tuple(sorted(held["wrapper_fields"], key=lambda pair: pair[0]))
        return f"{_found(kind)}{text(held)}"
    if kind.__module__.startswith("equinox.") and not vars(value):
        return _found(kind)  # its mark of what a record lacks
    if kind is object:
        return _mark(value)
    raise NotKept(f"a {kind.__module__}.{kind.__qualname__}")


def _mark(value: object) -> str:
    """An object without fields by the place where older versions of Equinox keep it as a mark."""
    for name, module in list(sys.modules.items()):
        if name.split(".")[0] == "equinox":
            for word, held in vars(module).items():
                if held is value:
                    return f"{name}:{word}"
    raise NotKept("an object without a place")


def place(function: Callable[..., object]) -> str:
    """Module and name of a function of mixstat."""
    name = f"{function.__module__}:{getattr(function, '__qualname__', '<unnamed>')}"
    if not name.startswith(OWN) or "<" in name:
        raise NotKept(name)
    return name


def _found(value: type | FunctionType) -> str:
    """A class or a function of mixstat by its place, if it is what stands there."""
    if value is type(None):
        return "None"
    known = KNOWN if isinstance(value, type) else ("mixstat",)
    module = value.__module__ or ""
    at = sys.modules.get(module)
    if module.split(".")[0] not in known or getattr(at, value.__qualname__, None) is not value:
        raise NotKept(f"{module}.{value.__qualname__}")
    return f"{module}:{value.__qualname__}"
