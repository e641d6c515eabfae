"""Linear hypotheses as people write them: a matrix, or equations between names of parameters."""

import ast
import operator
import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

OPERATORS: dict[type[ast.operator], Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
}


class Constraints(NamedTuple):
    """Rows of a matrix, and what they times the parameters are equal to."""

    matrix: Float[np.ndarray, "r E"]
    value: Float[np.ndarray, " r"]
    names: tuple[str, ...]


def read_constraints(
    hypotheses: object,
    names: Sequence[str],
    value: object = None,
    *,
    argument: str = "hypotheses",
) -> Constraints:
    """Linear hypotheses, checked.

    Parameters
    ----------
    hypotheses
        Text such as "expert0:x = expert1:x, gate0:x = 0" (no equals sign means zero), a list of
        such, or a matrix with a column for each parameter.
    names
        Of the parameters.
    value
        What the rows of a matrix are equal to; zero by default.
    argument
        What messages call the hypotheses.
    """
    if isinstance(hypotheses, str):
        hypotheses = [hypotheses]
    if isinstance(hypotheses, list | tuple) and all(isinstance(h, str) for h in hypotheses):
        if value is not None:
            raise ValueError(f"value is for a matrix of hypotheses, got {value!r} beside text.")
        return _parsed(list(hypotheses), names, argument)
    try:
        matrix = np.atleast_2d(np.asarray(hypotheses, float))  # type: ignore[arg-type]
    except (TypeError, ValueError):
        matrix = np.zeros((0, 0))
    if matrix.ndim != 2 or matrix.shape[1] != len(names) or not np.isfinite(matrix).all():
        raise ValueError(
            "hypotheses must be text with names of parameters, or a finite matrix with a column "
            f"for each of the {len(names)} parameters; got {_seen(hypotheses)}."
        )
    return Constraints(matrix, _values(value, len(matrix)), _words(matrix, names))


def _seen(hypotheses: object) -> str:
    shape = np.shape(hypotheses) if isinstance(hypotheses, np.ndarray) else None
    return repr(hypotheses) if shape is None else f"shape {shape}"


def _values(value: object, count: int) -> Float[np.ndarray, " r"]:
    if value is None:
        return np.zeros(count)
    try:
        numbers = np.broadcast_to(np.asarray(value, float), (count,))  # type: ignore[arg-type]
    except (TypeError, ValueError):
        numbers = np.full(count, np.nan)
    if not np.isfinite(numbers).all():
        raise ValueError(f"value must be a finite number for each of {count} rows, got {value!r}.")
    return np.array(numbers)


def _words(matrix: np.ndarray, names: Sequence[str]) -> tuple[str, ...]:
    """A row of a matrix as a sum of names."""
    words = []
    for row in matrix:
        parts = []
        for weight, name in zip(row, names, strict=True):
            if weight != 0:
                sign = "-" if weight < 0 else "+"
                size = "" if abs(weight) == 1 else f"{abs(weight):g} * "
                parts.append(f"{sign} {size}{name}")
        text = " ".join(parts)
        words.append(text.removeprefix("+ ") or "0")
    return tuple(words)


def coded(text: str, names: Sequence[str]) -> list[str]:
    """Statements that commas part, with codes for names, which may hold any letters."""
    order = sorted(range(len(names)), key=lambda j: -len(names[j]))
    pattern = re.compile("|".join(re.escape(names[j]) for j in order))
    place = {name: j for j, name in enumerate(names)}
    return pattern.sub(lambda found: f"_p{place[found.group()]}_", text).split(",")


def shown(code: str, names: Sequence[str]) -> str:
    """A statement with names in the place of their codes."""
    return " ".join(re.sub(r"_p(\d+)_", lambda found: names[int(found.group(1))], code).split())


def _parsed(texts: list[str], names: Sequence[str], argument: str) -> Constraints:
    """Equations between names."""
    rows, told = [], []
    for text in texts:
        for equation in coded(text, names):
            left, _, right = equation.partition("=")
            sides = (read_side(side, text, names, argument) for side in (left, right or "0"))
            rows.append(next(sides) - next(sides))
            told.append(shown(equation, names))
    table = np.stack(rows)
    return Constraints(table[:, :-1], 0.0 - table[:, -1], tuple(told))


def read_side(code: str, text: str, names: Sequence[str], argument: str) -> Float[np.ndarray, " e"]:
    """Coefficients of the parameters, and the constant last."""
    wrong = ValueError(
        f"{argument} must be linear equations between names of parameters, such as "
        f"'{names[0]} = 0'; got {text!r}. Names are {', '.join(names[:8])}"
        + (" and others." if len(names) > 8 else ".")
    )
    try:
        tree = ast.parse(code.strip(), mode="eval").body
    except SyntaxError:
        raise wrong from None
    result = _evaluate(tree, len(names))
    if result is None or not np.isfinite(result).all():
        raise wrong
    return result


def _evaluate(node: ast.AST, size: int) -> Float[np.ndarray, " e"] | None:
    """An affine function as its coefficients; None for what is none."""
    out = np.zeros(size + 1)
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        out[-1] = node.value
        return out
    if isinstance(node, ast.Name) and (found := re.fullmatch(r"_p(\d+)_", node.id)):
        out[int(found.group(1))] = 1.0
        return out
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.UAdd):
        inner = _evaluate(node.operand, size)
        return inner if inner is None or isinstance(node.op, ast.UAdd) else -inner
    if not isinstance(node, ast.BinOp):
        return None
    left, right = _evaluate(node.left, size), _evaluate(node.right, size)
    if left is None or right is None:
        return None
    if type(node.op) in OPERATORS:
        return OPERATORS[type(node.op)](left, right)
    if isinstance(node.op, ast.Div) and not right[:-1].any() and right[-1] != 0:
        return left / right[-1]
    if isinstance(node.op, ast.Mult):
        number, other = (left, right) if not left[:-1].any() else (right, left)
        return None if number[:-1].any() else number[-1] * other
    return None
