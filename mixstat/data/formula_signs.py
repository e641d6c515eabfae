"""Signs in the text of a formula: brackets, quotes, and the dot that stands for columns."""

import re

DOT = re.compile(r"(?<![\w.)\]])\.(?![\w.(\[])")  # by itself it stands for all other columns
PAIRS = {")": "(", "]": "[", "}": "{"}


def has_dot(formula: str) -> bool:
    """Whether ``.`` stands for columns."""
    return DOT.search(_without_quotes(formula)) is not None


def outside_brackets(formula: str, argument: str) -> str:
    """The text outside of brackets and quotes, which must be closed."""
    text = _without_quotes(formula)
    opened: list[str] = []
    outside: list[str] = []
    for sign in text:
        if sign in PAIRS.values():
            opened.append(sign)
        elif sign in PAIRS:
            if not opened or opened.pop() != PAIRS[sign]:
                raise ValueError(f"{argument} closes a {sign!r} that is not open: {formula!r}.")
            outside.append("_")
        elif not opened:
            outside.append(sign)
    if opened:
        raise ValueError(f"{argument} must close its {opened[-1]!r}, got {formula!r}.")
    return "".join(outside)


def _without_quotes(formula: str) -> str:
    return re.sub(r"'[^']*'|\"[^\"]*\"|`[^`]*`", "_", formula)


def has_dot_in_call(formula: str) -> bool:
    """Whether ``.`` stands by itself within a function or within brackets that are no sum."""
    text = _without_quotes(formula)
    dots = {found.start() for found in DOT.finditer(text)}
    inside: list[bool] = []  # of each bracket that is open
    for i, sign in enumerate(text):
        if sign in PAIRS.values():
            inside.append(sign != "(" or re.search(r"\w\s*$", text[:i]) is not None)
        elif sign in PAIRS:
            inside.pop()
        elif i in dots and any(inside):
            return True
    return False
