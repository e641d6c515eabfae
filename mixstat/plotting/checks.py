"""Arguments of displays, refused before anything is drawn."""

import numbers
from typing import TypeVar

import numpy as np

from mixstat.arguments import Axes, Setting
from mixstat.validation import check_integer

Kind = TypeVar("Kind")


def check_axes(ax: Axes) -> None:
    """Axes of Matplotlib, or None for those of a new figure."""
    from matplotlib.axes import Axes as MatplotlibAxes

    if ax is not None and not isinstance(ax, MatplotlibAxes):
        raise ValueError(f"ax must be axes of Matplotlib or None, got {ax!r}.")


def check_all_axes(ax: Axes, count: int) -> np.ndarray:
    """So many axes of Matplotlib, as an array."""
    axes = np.ravel(ax)
    if len(axes) != count:
        raise ValueError(f"ax must hold {count} axes, one for each panel, or be None; got {ax!r}.")
    for one in axes:
        check_axes(one)
    return axes


def check_kind(name: str, value: object, kind: type[Kind], source: str) -> Kind:
    """Something that a certain call returns."""
    if not isinstance(value, kind):
        raise ValueError(f"{name} must be what {source} returns, got {value!r}.")
    return value


def check_answers(name: str, value: object, *questions: str) -> None:
    """Something that answers questions, such as a fitted estimator."""
    lacking = [question for question in questions if not hasattr(value, question)]
    if lacking:
        raise ValueError(
            f"{name} must have {', '.join(lacking)}, as what it is drawn from has; got {value!r}."
        )


def as_list(value: Setting) -> list[object]:
    """The members of a list or a tuple, or one thing alone."""
    return [*value] if isinstance(value, list | tuple) else [value]


def check_texts(name: str, value: Setting) -> list[str]:
    """A list of strings."""
    listed = as_list(value)
    texts = [one for one in listed if isinstance(one, str)]
    if len(texts) < len(listed) or isinstance(value, str):
        raise ValueError(f"{name} must be a list of strings, got {value!r}.")
    return texts


def check_slope(name: str, value: Setting) -> float:
    """A finite slope."""
    number = np.nan
    if isinstance(value, numbers.Real) and not isinstance(value, bool | np.bool_):
        number = float(value)
    if not np.isfinite(number):
        raise ValueError(f"{name} must be a slope, such as -0.5, or None; got {value!r}.")
    return number


def check_output(output: Setting, n_outputs: int) -> int:
    """The number of a response."""
    number = check_integer("output", output, 0)
    if number >= n_outputs:
        raise ValueError(f"output must be a number from 0 to {n_outputs - 1}, got {output!r}.")
    return number
