"""What a formula has learnt from the rows of a fit, without the objects of formulaic.

A formula is kept as its text and read again. Texts are expressions that predictions evaluate,
so a file may only have expressions that can do nothing but arithmetic.
"""

import ast

import numpy as np

from mixstat.data.design import MappedColumns
from mixstat.data.formula import FormulaColumns
from mixstat.data.formula_text import FUNCTIONS, QUOTED, Formula, formulaic
from mixstat.fitting.fit import Fit
from mixstat.fitting.schema import Formulas

# of Python; calls and attributes are looked at one by one
HARMLESS = (
    *(ast.Expression, ast.Name, ast.Constant, ast.Load, ast.keyword),
    *(ast.UnaryOp, ast.BinOp, ast.BoolOp, ast.Compare, ast.IfExp),
    *(ast.unaryop, ast.operator, ast.boolop, ast.cmpop),
    *(ast.Tuple, ast.List, ast.Dict),
)
OF_NUMPY = ("where", "clip", "pi", "e", "inf")  # beside functions of single numbers


def learnt(columns: FormulaColumns) -> dict[str, object]:
    """What is kept of the columns of a formula."""
    encodings = {
        expression: (kind.value, {name: one for name, one in state.items() if name != "contrasts"})
        for expression, (kind, state) in columns.spec.encoder_state.items()
    }
    return {
        "argument": columns.argument,
        "names": list(columns.names),
        "constant": columns.constant,
        "levels": dict(columns.levels),
        "transforms": columns.spec.transform_state,
        "encodings": encodings,
    }


def reconnect(fit: Fit) -> None:
    """Give a fit that was read what no file holds: functions, and formulas that are parsed."""
    designs, formulas = fit.designs, fit.request.schema.formulas
    sides: dict[str, Formula] = {}
    if formulas is not None:
        check_harmless(formulas)
        sides = {source.argument: source.right for source in formulas.sources()}
    mapped = fit.request.options.gate.feature_map()
    for source, function in ((designs.experts.source, None), (designs.gate.source, mapped)):
        inner = source
        if isinstance(source, MappedColumns):
            source.function, inner = function, source.source
        if isinstance(inner, FormulaColumns) and "encodings" in vars(inner):  # not yet
            _relearn(inner, sides[inner.argument])


def _relearn(columns: FormulaColumns, right: Formula) -> None:
    """Give columns their formula again, with what it has learnt."""
    kinds = formulaic().parser.types.Factor.Kind
    kept = vars(columns)
    encodings = kept.pop("encodings")
    columns.right = right
    columns.spec = formulaic().ModelSpec(
        formula=right,
        na_action="raise",
        output="pandas",
        transform_state=kept.pop("transforms"),
        encoder_state={name: (kinds(kind), state) for name, (kind, state) in encodings.items()},
    )


def check_harmless(formulas: Formulas) -> None:
    """Refuse formulas that could do other things than arithmetic when they are evaluated."""
    sides = [formulas.response, *(source.right for source in formulas.sources())]
    sides += [term.side for term in formulas.offsets]
    for side in sides:
        for term in side:
            for factor in term.factors:
                if factor.eval_method.value == "python":
                    _check_code(str(factor.expr))


def _check_code(code: str) -> None:
    tree = ast.parse(QUOTED.sub("quoted", code).strip(), mode="eval")
    for node in ast.walk(tree):
        if not (isinstance(node, HARMLESS) or _is_known(node)):
            raise ValueError(
                f"a model file may have no formula with {ast.unparse(node)!r} (in {code!r}), but "
                "arithmetic, functions of formulas, and functions of NumPy that act on single "
                "numbers: make a column of it."
            )


def _is_known(node: ast.AST) -> bool:
    """Whether a call or an attribute is one of those that formulas are made for."""
    if isinstance(node, ast.Call):
        called = node.func
        named = isinstance(called, ast.Name) and called.id in _functions()
        return named or isinstance(called, ast.Attribute)
    if not isinstance(node, ast.Attribute) or not isinstance(node.value, ast.Name):
        return False
    if node.value.id == "contr":
        return not node.attr.startswith("_")
    found = getattr(np, node.attr, None)
    return node.value.id == "np" and (node.attr in OF_NUMPY or isinstance(found, np.ufunc))


def _functions() -> set[str]:
    return set(FUNCTIONS) | set(formulaic().transforms.TRANSFORMS)
