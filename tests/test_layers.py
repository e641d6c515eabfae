"""Imports point down the layers, without circles, and importing mixstat stays light."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

import mixstat

pytestmark = pytest.mark.fast

PACKAGE = Path(mixstat.__file__).parent

# A module belongs to the longest prefix, and imports from its own layer or from those above it
# in this table.
LAYERS = [
    "mixstat.arguments",
    "mixstat.alignment",
    "mixstat.hints",
    "mixstat.kinds",
    "mixstat.files",
    "mixstat.validation",
    "mixstat.evidence",
    "mixstat.entries",
    "mixstat.status",
    "mixstat.results",
    "mixstat.datasets",
    "mixstat.numerics",
    "mixstat.data.scaling",
    "mixstat.data.polynomial",
    "mixstat.data.whiten",
    "mixstat.data",
    "mixstat.parts",
    "mixstat.gates.blocks",
    "mixstat.gates.identification",
    "mixstat.gates.starting",
    "mixstat.gates.base",
    "mixstat.gates",
    "mixstat.experts.base",
    "mixstat.experts",
    "mixstat.plotting.checks",
    "mixstat.plotting.base",
    "mixstat.plotting.possibility",
    "mixstat.contextual",
    "mixstat.model",
    "mixstat.predictive",
    "mixstat.objective",
    "mixstat.solvers",
    "mixstat.inference",
    "mixstat.fitting",
    "mixstat.plotting",
    "mixstat.estimators",
    "mixstat.saving",
    "mixstat.selection",
    "mixstat.conformal",
    "mixstat.rates",
    "mixstat.soft_sensors",
    "mixstat.commands",
    "mixstat.cli",
    "mixstat.__main__",
]

# packages that no module imports before they are needed
HEAVY = {
    "dask",
    "distributed",
    "formulaic",
    "matplotlib",
    "onnx",
    "pandas",
    "pyarrow",
    "statsmodels",
    "tqdm",
}


class Forbidden(NamedTuple):
    """Modules that never import others, whatever their layers."""

    modules: str
    others: str
    allowed: tuple[str, ...] = ()  # of the others


FORBIDDEN = [
    Forbidden("mixstat.gates", "mixstat.experts"),
    Forbidden("mixstat.experts", "mixstat.gates"),
    # no concrete gate or family in what is written for all of them
    *(
        Forbidden(modules, f"mixstat.{parts}", (f"mixstat.{parts}.base", f"mixstat.{parts}.blocks"))
        for modules in (
            "mixstat.model",
            "mixstat.objective",
            "mixstat.predictive",
            "mixstat.solvers",
            "mixstat.inference",
        )
        for parts in ("gates", "experts")
    ),
    # computation never draws; the methods that do belong to the doors
    *(
        Forbidden(modules, "mixstat.plotting")
        for modules in (
            "mixstat.datasets",
            "mixstat.numerics",
            "mixstat.data",
            "mixstat.parts",
            "mixstat.experts",
            "mixstat.gates",
            "mixstat.objective",
            "mixstat.solvers",
            "mixstat.inference",
            "mixstat.fitting",
            "mixstat.estimators",
            "mixstat.rates",
        )
    ),
    Forbidden("mixstat.plotting", "mixstat.estimators"),
    Forbidden("mixstat.contextual", "mixstat.estimators"),
    Forbidden("mixstat.rates", "mixstat.estimators"),
    Forbidden("mixstat.rates", "mixstat.selection"),
    Forbidden("mixstat.soft_sensors", "mixstat.rates"),
]


def _below(name: str, prefix: str) -> bool:
    return f"{name}.".startswith(f"{prefix}.")


def _layer(name: str) -> int:
    """Place of a module's layer: that of its longest prefix."""
    prefixes = [prefix for prefix in LAYERS if _below(name, prefix)]
    assert prefixes, f"{name} has no layer"
    return LAYERS.index(max(prefixes, key=len))


def _at_import(node: ast.AST) -> Iterator[ast.AST]:
    """What runs when a module is imported: no function, nothing for type checkers alone."""
    for child in ast.iter_child_nodes(node):
        typing = isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test)
        if not typing and not isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield child
            yield from _at_import(child)


def _names(nodes: Iterator[ast.AST]) -> set[str]:
    """Modules, and names in them, that statements import."""
    names = set()
    for node in nodes:
        if isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, f"relative import of {node.module}"
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
    return names


def _imports(path: Path) -> set[str]:
    """Modules of mixstat that a file imports, also inside functions and TYPE_CHECKING."""
    names = _names(ast.walk(ast.parse(path.read_text())))
    return {name for name in names if name.startswith("mixstat.")}


def _modules() -> dict[str, Path]:
    paths = [p for p in PACKAGE.rglob("*.py") if p != PACKAGE / "__init__.py"]
    names = [".".join(("mixstat", *p.relative_to(PACKAGE).with_suffix("").parts)) for p in paths]
    return {n.removesuffix(".__init__"): p for n, p in zip(names, paths, strict=True)}


MODULES = _modules()


def test_every_module_has_a_layer_and_every_layer_a_module():
    layers = {_layer(name) for name in MODULES}
    assert [LAYERS[i] for i in sorted(layers)] == LAYERS


def test_imports_point_down():
    for name, path in MODULES.items():
        package = path.name == "__init__.py"  # which shows what its own modules hold
        for target in _imports(path):
            down = _layer(target) <= _layer(name) or (package and _below(target, name))
            assert down, f"{name} imports {target}"


@pytest.mark.parametrize("pair", FORBIDDEN, ids=lambda pair: f"{pair.modules}-{pair.others}")
def test_forbidden_pairs(pair):
    importers = [name for name in MODULES if _below(name, pair.modules)]
    assert importers
    assert any(_below(name, pair.others) for name in MODULES)
    found = [
        f"{name} imports {target}"
        for name in importers
        for target in _imports(MODULES[name])
        if _below(target, pair.others) and not any(_below(target, one) for one in pair.allowed)
    ]
    assert not found


def test_no_circle_between_modules():
    graph = {name: (_imports(path) & set(MODULES)) - {name} for name, path in MODULES.items()}
    done: set[str] = set()
    while len(done) < len(graph):
        free = {n for n, needs in graph.items() if n not in done and needs <= done}
        assert free, f"import circle among {sorted(set(graph) - done)}"
        done |= free


def test_heavy_packages_are_imported_where_they_are_used():
    for name, path in MODULES.items():
        roots = {
            target.partition(".")[0] for target in _names(_at_import(ast.parse(path.read_text())))
        }
        assert not roots & HEAVY, f"importing {name} imports {roots & HEAVY}"


def test_import_is_light_and_changes_nothing():
    code = """
import sys, jax
import sklearn.base  # brings pandas along, where that is installed
before, loaded = jax.config.values.copy(), set(sys.modules)
import mixstat
assert not {m for m in set(sys.modules) - loaded if not m.startswith("mixstat")}
from mixstat import MixtureOfExperts
assert jax.config.values == before
heavy = {"matplotlib", "pandas", "dask", "statsmodels", "formulaic", "sklearn.cluster"}
assert not heavy & (set(sys.modules) - loaded)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
