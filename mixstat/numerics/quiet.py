"""NumPy's floating point warnings, which are a caller's setting and not ours."""

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

import numpy as np

P = ParamSpec("P")
R = TypeVar("R")


def quiet(function: Callable[P, R]) -> Callable[P, R]:
    """Run ``function`` without floating point warnings or errors, whatever ``np.seterr`` says.

    A share that is too small for a number is zero, and a mean that is too large for one infinite.
    """

    @wraps(function)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> R:
        with np.errstate(all="ignore"):
            return function(*args, **kwargs)

    return wrapped
