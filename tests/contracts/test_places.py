"""One place for each thing that must not be said twice, by reading the sources."""

import ast
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest

import mixstat
from mixstat.experts import REGISTRY as FAMILIES
from mixstat.gates import REGISTRY as GATES

pytestmark = pytest.mark.fast

PACKAGE = Path(mixstat.__file__).parent
PARTS = ("gates/", "experts/", "parts/")
VERDICTS = {"SEPARATED", "COLLAPSED", "EXACT", "SADDLE"}
KINDS = {
    cls.__name__ for part in (GATES, FAMILIES) for one in part.values() for cls in type(one).__mro__
}
KINDS -= {"object", "ABC", "Generic", "Module"}


@cache
def sources() -> dict[str, ast.Module]:
    """Every module of the package by its path."""
    paths = sorted(PACKAGE.rglob("*.py"))
    return {path.relative_to(PACKAGE).as_posix(): ast.parse(path.read_text()) for path in paths}


def functions(tree: ast.AST, name: str = "") -> Iterator[tuple[str, ast.AST]]:
    """Every node with the function or class it stands in, outermost first."""
    for child in ast.iter_child_nodes(tree):
        named = isinstance(child, ast.FunctionDef | ast.ClassDef)
        inside = f"{name}.{child.name}".strip(".") if named else name
        yield inside, child
        yield from functions(child, inside)


def places(matches: Callable[[ast.AST], bool], skip: tuple[str, ...] = ()) -> set[str]:
    """Where a pattern stands, as "file: function"."""
    return {
        f"{file}: {where}"
        for file, tree in sources().items()
        if not file.startswith(skip or ("-",))
        for where, node in functions(tree)
        if matches(node)
    }


def compares(node: ast.AST, operators: tuple[type, ...], *words: str) -> bool:
    """Whether a comparison by one of some operators speaks of any of some words."""
    if not isinstance(node, ast.Compare) or not isinstance(node.ops[0], operators):
        return False
    return any(word in ast.unparse(node) for word in words)


def names_in(node: ast.AST) -> set[str]:
    """Names and last parts of attributes."""
    seen = {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}
    return seen | {n.attr for n in ast.walk(node) if isinstance(n, ast.Attribute)}


def test_a_penalty_is_valued_by_itself():
    """Its numbers are read nowhere else, so that its value cannot be made again."""

    def reads(node: ast.AST) -> bool:
        numbers = ("square", "l1", "ridge")
        return (
            isinstance(node, ast.Attribute)
            and node.attr in numbers
            and "penalt" in ast.unparse(node.value)
        )

    assert places(reads, ("numerics/penalty.py",)) == set()


def test_held_by_a_bound_is_said_once():
    """A parameter on a bound whose gradient points out of it."""

    def says(node: ast.AST) -> bool:
        return (
            isinstance(node, ast.BinOp)
            and isinstance(node.op, ast.BitAnd)
            and compares(node.left, (ast.LtE, ast.GtE, ast.Eq), "lower", "upper", "bound")
            and compares(node.right, (ast.LtE, ast.GtE, ast.Lt, ast.Gt), "gradient", "slope")
        )

    assert places(says) == {"numerics/bounds.py: free_to_rise"}


def test_the_gradient_is_projected_once():
    def projects(node: ast.AST) -> bool:
        if not isinstance(node, ast.Call) or len(node.args) != 3:
            return False
        named = ast.unparse(node.func).endswith("where")
        return named and ast.unparse(node.args[1]).endswith("gradient")

    assert places(projects) == {
        "objective/objective.py: Objective.projected",
        # of the parameters that step, which are fewer where others would leave the box
        "solvers/newton_batched.py: _damped",
    }


def test_the_newton_decrement_is_computed_once():
    """Half of gradient times a full step; and nobody else makes what carries it."""

    def halves(node: ast.AST) -> bool:
        if not isinstance(node, ast.BinOp) or not isinstance(node.op, ast.Mult):
            return False
        text = ast.unparse(node)
        return text.startswith("0.5 * float(") and "gradient @ step" in text and "+" not in text

    assert places(halves) == {
        "solvers/certificate.py: curvature_of",
        # the gain of a step that need not be the full one
        "solvers/trust_region.py: trust_region_step",
    }
    assert calls_of("Curvature") == {"solvers/certificate.py: curvature_of"}


def calls_of(name: str) -> set[str]:
    """Where something is called by its name."""

    def matches(node: ast.AST) -> bool:
        return isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] == name

    return places(matches)


def test_only_the_judge_gives_verdicts():
    def verdict(node: ast.AST) -> bool:
        text = isinstance(node, ast.Constant) and node.value in VERDICTS
        return text or (isinstance(node, ast.Attribute) and node.attr in VERDICTS)

    assert places(verdict, ("results.py", "status.py")) == {
        "solvers/certificate.py: _certificate",
        "solvers/certificate.py: _status",
        # compares with a verdict
        "rates/engine.py: Ended.arrived",
    }
    assert calls_of("Certificate") == {"solvers/certificate.py: _certificate"}
    assert calls_of("FitResult") == {"solvers/certificate.py: judge"}


# a status outside of solvers is compared with, or stands for
STATUS_ELSEWHERE = {
    "fitting/multistart.py: ",  # ends that arrived, a tuple to compare with
    "inference/profile.py: profile_likelihood",  # values that are still to be looked at
    "fitting/batch_of_fits.py: _em_block",  # EM's reason to stop, from its number
    "fitting/batch_of_fits.py: _plan_block",  # Newton's
    "fitting/multistart.py: Search._short_runs",  # EM's, for the table of starts
    "fitting/fit_table.py: FitTable.result",  # a row's, from its name
    "saving/reader.py: _status",  # a saved one's, from its name
}


def test_outside_solvers_a_status_is_only_compared_with():
    def compared(tree: ast.AST) -> set[ast.AST]:
        return {n for c in ast.walk(tree) if isinstance(c, ast.Compare) for n in ast.walk(c)}

    made = set()
    for file, tree in sources().items():
        if file.startswith("solvers/") or file in {"results.py", "status.py"}:
            continue
        inside = compared(tree)
        for where, node in functions(tree):
            member = isinstance(node, ast.Attribute) and ast.unparse(node.value) == "Status"
            number = isinstance(node, ast.Call | ast.Subscript) and (
                ast.unparse(node.func if isinstance(node, ast.Call) else node.value) == "Status"
            )
            annotation = number and "Status" not in names_in(node)
            if (member or number) and node not in inside and not annotation:
                made.add(f"{file}: {where}")
    assert made == STATUS_ELSEWHERE


# what asks for a kind of gate or expert outside of gates/, experts/ and parts/, and why
KINDS_ASKED = {
    "fitting/settings.py: find_gate": "a user's argument: a name or a gate",
    "fitting/settings.py: find_experts": "a user's argument: a list of families",
    "fitting/settings.py: _family": "a user's argument: a name or a family",
    "rates/numbers.py: find_family": "a user's argument: a list of families",
    "rates/numbers.py: _family": "a user's argument: a name or a family",
    "estimators/formulas.py: _gate_words": "a user's argument: a formula, a name or a gate",
    "contextual/table.py: assign": "the number of an expert in a user's mapping",
    "selection/merging.py: _softmax_of_normals": "the one pair whose atoms are averaged here",
    "objective/derivatives.py: _mean_products": "whether a table is stored as sparse",
    "saving/onnx_file.py: _check": "another format has operators for some kinds alone",
}


def asks_kind(node: ast.AST) -> bool:
    """Whether isinstance, hasattr, getattr or type(...) asks what a gate or a family is."""
    if isinstance(node, ast.Compare):  # type(gate) is ..., gate.__class__ == ...
        text = ast.unparse(node)
        return ("type(" in text or "__class__" in text) and bool(names_in(node) & KINDS)
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
        return False
    if node.func.id not in ("isinstance", "issubclass", "hasattr", "getattr") or len(node.args) < 2:
        return False
    asked, about = node.args[:2]
    part = names_in(asked) & {"gate", "gates", "experts", "expert", "family", "families", "part"}
    return bool(part or names_in(about) & KINDS)


def test_nobody_asks_for_a_kind_of_gate_or_expert():
    assert {"Gate", "Experts", "SoftmaxGate", "GaussianExperts", "Part"} <= KINDS
    assert places(asks_kind, PARTS) == set(KINDS_ASKED)


# what asks for a kind of penalty outside of its module, and why
PENALTIES_ASKED = {
    "solvers/base.py: Solver.unmet_need": "what a solver needs of an objective",
    "solvers/plan.py: Plan._from_sample": "the stages that suit an objective",
    "solvers/plan.py: Plan._on_all_rows": "the stages that suit an objective",
    "objective/narrow.py: suits": "kinks hold slopes that a working set leaves out",
    "fitting/batch_of_fits.py: suits": "what the queues need of an objective",
    "inference/profile.py: _check_smooth": "what a profile needs of an objective",
    "inference/comparison.py: likelihood_ratio": "what a likelihood ratio needs of an objective",
    "experts/base.py: Experts.penalty_value": "without one there is no stack to map over",
    "parts/normal_step.py: m_step": "without one the step has a closed form",
    "parts/normal_step.py: _turn": "without one the step has a closed form",
    "solvers/certificate.py: _is_shrunk": "advice is not to set what is set",
}


def asks_penalty(node: ast.AST) -> bool:
    """Whether a kind of penalty is asked for, or whether there is one."""
    if isinstance(node, ast.Attribute):
        return node.attr in ("absent", "kinked")
    if isinstance(node, ast.Compare) and any(isinstance(op, ast.Is | ast.IsNot) for op in node.ops):
        left = ast.unparse(node.left).lower().split(".")[-1]
        return left in ("penalty", "penalties", "shrink", "shrinkage")
    if isinstance(node, ast.Call) and ast.unparse(node.func) in ("isinstance", "hasattr"):
        return bool(names_in(node) & {"NoPenalty", "Ridge", "ElasticNet", "Penalty", "penalty"})
    return False


def test_nobody_asks_for_a_kind_of_penalty():
    themselves = tuple(f"numerics/{own}.py" for own in ("penalty", "scale_penalty", "sparse_ridge"))
    assert places(asks_penalty, themselves) == set(PENALTIES_ASKED)
