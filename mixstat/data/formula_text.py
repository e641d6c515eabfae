"""What a person types as a formula: read by formulaic, refused in words of our own."""

import ast
import difflib
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from mixstat.data.formula_signs import has_dot, has_dot_in_call, outside_brackets

# of formulaic, which is loaded when a formula is read
Formula: TypeAlias = Any  # one side of a formula, as formulaic parses it

# beside those of formulaic; its exp10 is a tenth power
FUNCTIONS: dict[str, Callable[..., object]] = {
    "sqrt": np.sqrt,
    "abs": np.abs,
    "log1p": np.log1p,
    "expm1": np.expm1,
    "exp10": lambda x: np.power(10.0, x),
    "sin": np.sin,
    "cos": np.cos,
    "tan": np.tan,
    "tanh": np.tanh,
    "floor": np.floor,
    "ceil": np.ceil,
    "sign": np.sign,
}
# what people write in other places, and what stands for it here
ELSEWHERE = {
    "offset": "an offset is a term by itself on the right of formula, as in offset(log(e))",
    "exposure": "an exposure is a term by itself on the right of formula, as in exposure(e)",
    "ns": "a natural spline is cr(x, df=4)",
    "s": "splines are bs(x, df=5) and cr(x, df=4)",
    "te": "splines are bs(x, df=5) and cr(x, df=4)",
    "pd": "what pandas makes of some rows it does not repeat on others: make a column of it",
    "cut": "make a column of the classes, the same for all rows to come",
    "lag": "mixstat.soft_sensors.lag_rows makes columns of earlier rows",
    "factor": "categories are C(x)",
    "as_factor": "categories are C(x)",
    "cbind": "several outputs are written y1 + y2",
    "ifelse": "a choice is np.where(x > 0, x, 0)",
    "where": "a choice is np.where(x > 0, x, 0)",
    "ln": "the natural logarithm is log(x)",
    "power": "a power is I(x**2)",
    "square": "a power is I(x**2)",
}
OFFSETS = ("offset", "exposure")  # terms whose coefficient is known
NAMES = 12  # of columns that a message lists
COLOUR = re.compile(r"\x1b\[[0-9;]*m|[⧛⧚]")
QUOTED = re.compile(r"`([^`]*)`")
CONSTANTS = ("1", "Intercept")  # as a column, neither can be told from the constant


@dataclass(frozen=True)
class Words:
    """The names in a side of a formula."""

    columns: tuple[str, ...]
    """What must be a column of the table."""
    functions: tuple[str, ...]
    """What is called."""


def formulaic() -> Any:
    """The package, or where to find it."""
    try:
        import formulaic
    except ImportError as error:
        raise ImportError(
            "formula needs formulaic; install it with: pip install 'mixstat[formula]'"
        ) from error
    return formulaic


def split(
    formula: str, argument: str = "formula", columns: Sequence[str] = ()
) -> tuple[Formula, Formula]:
    """Left and right side of ``"y ~ x"``; ``.`` is all of ``columns`` but those on the left."""
    text = _check_text(formula, argument, "'y ~ x'")
    left, tilde, right = text.partition("~")
    if not tilde or not left.strip():
        raise ValueError(f"{argument} must have a response, as in 'y ~ x'; got {text!r}.")
    if "~" in right:
        raise ValueError(f"{argument} must have one '~', as in 'y ~ x'; got {text!r}.")
    if not right.strip():
        raise ValueError(
            f"{argument} must have features on the right, or 1 for a constant, as in 'y ~ 1'; "
            f"got {text!r}."
        )
    if has_dot(left):
        raise ValueError(f"{argument} must name each response, and not by '.'; got {text!r}.")
    parsed = _parse(text, argument, columns)
    sides = _one_part(parsed.lhs, text, argument), _one_part(parsed.rhs, text, argument)
    if any(factor.expr.isdigit() for factor in _factors(sides[0])):
        raise ValueError(
            f"{argument} must have only responses on the left (a sum is I(y + 1)); got {text!r}."
        )
    return sides


def right_side(formula: str, argument: str, columns: Sequence[str] = ()) -> Formula:
    """The right side of ``"~ x"``; ``.`` is all of ``columns``."""
    text = _check_text(formula, argument, "'~ x'")
    left, tilde, right = text.partition("~")
    if tilde and (left.strip() or "~" in right):
        raise ValueError(f"{argument} must have no response, as in '~ x'; got {text!r}.")
    if tilde and not right.strip():
        raise ValueError(f"{argument} must have features, or 1 for a constant; got {text!r}.")
    parsed = _parse(text, argument, columns)
    return _one_part(getattr(parsed, "rhs", parsed), text, argument)


def words(side: Formula) -> Words:
    """Names of the columns and functions of one side."""
    columns: list[str] = []
    called: list[str] = []
    for factor in _factors(side):
        kind = factor.eval_method.value
        if kind == "lookup":
            columns.append(str(factor.expr))
        elif kind == "python":
            inner = _words_of_code(str(factor.expr))
            columns += inner.columns
            called += inner.functions
    return Words(tuple(dict.fromkeys(columns)), tuple(dict.fromkeys(called)))


def categories(side: Formula) -> list[tuple[str, bool]]:
    """Columns that stand alone, or in C(...), which is told."""
    out: list[tuple[str, bool]] = []
    for factor in _factors(side):
        if factor.eval_method.value == "lookup":
            out.append((str(factor.expr), False))
        elif found := re.match(r"C\(\s*(?:`([^`]*)`|(\w+))\s*[,)]", str(factor.expr)):
            out.append((found[1] or found[2], True))
    return list(dict.fromkeys(out))


def check_names(side: Formula, columns: Sequence[str], argument: str) -> list[str]:
    """Columns that a side needs; refuse what the table or formulas do not have."""
    named = words(side)
    known = (set(FUNCTIONS) | set(formulaic().transforms.TRANSFORMS)) - set(ELSEWHERE)
    for name in named.functions:
        if name not in known:
            raise ValueError(_unknown_function(name, known, argument))
    check_no_constant(named.columns, argument)
    missing = [name for name in named.columns if name not in columns]
    if missing:
        for name in missing:
            if name in ELSEWHERE:
                raise ValueError(_unknown_function(name, known, argument))
        raise ValueError(
            f"{argument} names {', '.join(missing)}, which is not a column of data"
            f"{_near(missing, columns)}; data has {listed(columns)}."
        )
    return [name for name in columns if name in named.columns]


def check_no_constant(columns: Iterable[str], argument: str) -> None:
    """Refuse names of columns by which formulas call the constant."""
    for name in columns:
        if name in CONSTANTS:
            raise ValueError(
                f"{argument} names the column {name!r}, which formulas take for the constant; give "
                "it another name."
            )


def listed(names: Iterable[object], most: int = NAMES) -> str:
    """The first of some names, and how many there are beside."""
    shown = [str(name) for name in names]
    rest = f" and {len(shown) - most} more" if len(shown) > most else ""
    return ", ".join(shown[:most]) + rest


def plainly(error: Exception) -> str:
    """What an error of another package says, in one line without colours."""
    if found := re.search(r"`(.+)` contains null values", str(error)):
        return f"{found[1]} contains NaN or infinity, where finite numbers are wanted"
    lines = [line for line in COLOUR.sub("", str(error)).splitlines() if line.strip()]
    return lines[0].strip().rstrip(".") if lines else type(error).__name__


def _unknown_function(name: str, known: Iterable[str], argument: str) -> str:
    near = difflib.get_close_matches(name, sorted(known), 1)
    hint = ELSEWHERE.get(name, f"did you mean {near[0]}?" if near else "")
    return (
        f"{argument} names {name}, which is no function of formulas{f' ({hint})' if hint else ''}; "
        f"they know {', '.join(sorted(known, key=str.lower))}. Of other functions make a column."
    )


def _near(missing: Sequence[str], columns: Sequence[str]) -> str:
    found = [difflib.get_close_matches(name, list(columns), 1) for name in missing]
    near = [names[0] for names in found if names]
    return f" (did you mean {', '.join(near)}?)" if near else ""


def _check_text(formula: str, argument: str, wanted: str) -> str:
    if not formula.strip():
        raise ValueError(f"{argument} must be a formula such as {wanted}, got {formula!r}.")
    outside = outside_brackets(formula, argument)
    if "|" in outside:
        raise ValueError(
            f"{argument} must have no '|': the gate's features are a formula of their own, "
            f"gate_formula; got {formula!r}."
        )
    if found := re.search(r"[<>!]=?|==", outside):
        raise ValueError(
            f"{argument} must have comparisons inside I(...), as in I(y > 0), not {found[0]!r}; "
            f"got {formula!r}."
        )
    if "=" in outside:
        raise ValueError(f"{argument} must have '~' in place of '=', got {formula!r}.")
    check_no_constant(("1" for _ in re.finditer(r"`\s*1\s*`", formula)), argument)
    if has_dot_in_call(formula):
        raise ValueError(
            f"{argument} must name the columns inside a function, where '.' stands for none; got "
            f"{formula!r}."
        )
    return formula


def _parse(text: str, argument: str, columns: Sequence[str]) -> Any:
    known = {"__formulaic_variables_available__": columns}
    try:
        return formulaic().Formula(text, _context=known)
    except Exception as error:
        raise ValueError(f"{argument} {text!r} cannot be read: {plainly(error)}.") from error


def _one_part(side: Formula, text: str, argument: str) -> Formula:
    if not hasattr(side, "__iter__") or isinstance(side, tuple) or hasattr(side, "rhs"):
        raise ValueError(f"{argument} must have one part on each side, got {text!r}.")
    return side


def _factors(side: Formula) -> Iterable[Any]:
    return (factor for term in side for factor in term.factors)


def _words_of_code(code: str) -> Words:
    """Names in an expression of Python, in which backticks quote columns."""
    quoted: dict[str, str] = {}

    def hold(found: re.Match[str]) -> str:
        quoted[f"quoted_{len(quoted)}"] = found[1]
        return f"quoted_{len(quoted) - 1}"

    tree = ast.parse(QUOTED.sub(hold, code).strip(), mode="eval")
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    called = [call.func for call in calls if isinstance(call.func, ast.Name)]
    names = [n for n in ast.walk(tree) if isinstance(n, ast.Name) and n not in called]
    columns = [quoted.get(n.id, n.id) for n in names if n.id not in ("np", "contr")]
    for call in calls:  # Q("my column")
        if isinstance(call.func, ast.Name) and call.func.id == "Q":
            columns += [str(one.value) for one in call.args if isinstance(one, ast.Constant)]
    return Words(tuple(columns), tuple(quoted.get(n.id, n.id) for n in called))
