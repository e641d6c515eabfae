"""NumPy's floating point warnings, which are a caller's setting and not ours."""

from collections.abc import Callable
from functools import cached_property, wraps
from types import FunctionType
from typing import ParamSpec, TypeVar

import numpy as np

P = ParamSpec("P")
R = TypeVar("R")
C = TypeVar("C", bound=type)


def quiet(function: Callable[P, R]) -> Callable[P, R]:
    """Run ``function`` without floating point warnings or errors, whatever ``np.seterr`` says.

    A share that is too small for a number is zero, and a mean that is too large for one infinite.
    """

    @wraps(function)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> R:
        with np.errstate(all="ignore"):
            return function(*args, **kwargs)

    return wrapped


def quiet_methods(kind: C) -> C:
    """Make every public method and property that a class defines ``quiet``."""
    for name, member in list(vars(kind).items()):
        if name.startswith("_"):
            continue
        if isinstance(member, FunctionType):
            setattr(kind, name, quiet(member))
        elif isinstance(member, property) and member.fget is not None:
            setattr(kind, name, property(quiet(member.fget), doc=member.__doc__))
        elif isinstance(member, cached_property):
            member.func = quiet(member.func)
    return kind
