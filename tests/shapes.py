"""Shapes that signatures state, checked while tests run.

Only functions and classes that state a shape are checked: the import hook of jaxtyping checks every
call of every function, twice, which took a fifth of the time of a run.
"""

import ast
import inspect
import sys
from collections.abc import Sequence
from functools import wraps
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, SourceFileLoader
from types import CodeType, ModuleType
from typing import Any

from beartype import beartype
from jaxtyping import jaxtyped

NAME = "_shapes_checked"  # of the decorator, in each module


def check_shapes(package: str) -> None:
    """Check the shapes that the modules of a package state, from its first import on."""
    if package in sys.modules:
        raise RuntimeError(f"{package} was imported before its shapes could be checked")
    sys.meta_path.insert(0, _Finder(package))


def _checked(stated: Any) -> Any:
    # the __init__ of a dataclass; what makes a generator is to be checked when it is called
    if isinstance(stated, type) or inspect.isgeneratorfunction(stated):
        return jaxtyped(stated, typechecker=beartype)
    checking = beartype(stated)

    @wraps(stated)
    def within(*args: Any, **settings: Any) -> Any:
        with jaxtyped("context"):  # sizes hold for one call; errors stay as they are
            return checking(*args, **settings)

    return within


class _Finder(MetaPathFinder):
    def __init__(self, package: str) -> None:
        self.package = package

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """What the other finders find, to be loaded with checks."""
        if fullname.partition(".")[0] != self.package:
            return None
        for finder in sys.meta_path:
            spec = None if finder is self else finder.find_spec(fullname, path, target)
            if spec is not None:
                if type(spec.loader) is SourceFileLoader:
                    spec.loader = _Loader(spec.loader.name, spec.loader.path)
                return spec
        return None


class _Loader(SourceFileLoader):
    def get_code(self, fullname: str) -> CodeType:
        """Compiled from the source; kept byte code knows of no checks."""
        path = self.get_filename(fullname)
        tree = ast.parse(self.get_data(path), path)
        return compile(_Marked().visit(tree), path, "exec", dont_inherit=True)

    def exec_module(self, module: ModuleType) -> None:
        """Run the module, with the decorator among its names."""
        setattr(module, NAME, _checked)
        super().exec_module(module)


class _Marked(ast.NodeTransformer):
    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        """Innermost: what other decorators return has no annotations."""
        self.generic_visit(node)
        every = [
            argument.annotation for argument in ast.walk(node.args) if isinstance(argument, ast.arg)
        ]
        if _states_shape(*every, node.returns):
            node.decorator_list.append(_decorator(node))
        return node

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        """Outermost: after ``@dataclass``."""
        self.generic_visit(node)
        if _states_shape(
            *(line.annotation for line in node.body if isinstance(line, ast.AnnAssign))
        ):
            node.decorator_list.insert(0, _decorator(node))
        return node


def _decorator(node: ast.FunctionDef | ast.ClassDef) -> ast.expr:
    return ast.copy_location(ast.Name(NAME, ast.Load()), node)


def _states_shape(*annotations: ast.expr | None) -> bool:
    """Whether one of them has a part such as ``Float[Array, "n d"]``."""
    parts = (part for one in annotations if one is not None for part in ast.walk(one))
    return any(
        isinstance(part, ast.Subscript)
        and isinstance(part.slice, ast.Tuple)
        and any(
            isinstance(entry, ast.Constant) and isinstance(entry.value, str)
            for entry in part.slice.elts
        )
        for part in parts
    )
