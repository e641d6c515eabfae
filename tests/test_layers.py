"""Imports point down the layers, without circles, and importing mixstat stays light."""

import ast
import subprocess
import sys
from pathlib import Path

import mixstat

PACKAGE = Path(mixstat.__file__).parent
LAYERS = [
    "arguments",
    "validation",
    "datasets",
    "precision",
    "cache",
    "kernels",
    "threads",
    "progress",
    "results",
    "flat",
    "design",
    "batch",
    "linear",
    "step",
    "parts",
    "gates",
    "experts",
    "model",
    "likelihood",
    "derivatives",
    "measure",
    "predictive",
    "solvers",
    "inference",
    "plotting",
    "contextual",
    "estimators",
    "selection",
    "rates",
    "soft_sensors",
    "cli",
]


def _imports(path: Path) -> set[str]:
    """Modules of mixstat that a file imports, also inside functions and TYPE_CHECKING."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, f"relative import in {path}"
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
    return {name for name in found if name.startswith("mixstat.")}


def _modules() -> dict[str, Path]:
    paths = [p for p in PACKAGE.rglob("*.py") if p != PACKAGE / "__init__.py"]
    names = [".".join(("mixstat", *p.relative_to(PACKAGE).with_suffix("").parts)) for p in paths]
    return {n.removesuffix(".__init__"): p for n, p in zip(names, paths, strict=True)}


def test_every_module_has_a_layer():
    assert {name.split(".")[1] for name in _modules()} == set(LAYERS)


def test_imports_point_down():
    for name, path in _modules().items():
        own = LAYERS.index(name.split(".")[1])
        for target in _imports(path):
            assert LAYERS.index(target.split(".")[1]) <= own, f"{name} imports {target}"


def test_no_circle_between_modules():
    modules = _modules()
    graph = {name: (_imports(path) & set(modules)) - {name} for name, path in modules.items()}
    done: set[str] = set()
    while len(done) < len(graph):
        free = {n for n, needs in graph.items() if n not in done and needs <= done}
        assert free, f"import circle among {sorted(set(graph) - done)}"
        done |= free


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
