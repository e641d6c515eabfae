"""Scripts of a paper, imported as its folder's own."""

import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

from mixstat.rates.losses import LOSSES

FOLDER = Path(__file__).parents[2] / "paper_figs"


@contextmanager
def scripts_of(paper: str, names: tuple[str, ...]) -> Iterator[dict[str, ModuleType]]:
    """The modules of a folder, whose names other folders have too.

    Afterwards modules, paths and losses are as they were.
    """
    kept, losses = {name: sys.modules.pop(name, None) for name in names}, dict(LOSSES)
    before = list(sys.path)
    sys.path[:0] = [str(FOLDER / paper), str(FOLDER)]
    try:
        yield {name: importlib.import_module(name) for name in names}
    finally:
        LOSSES.clear()
        LOSSES.update(losses)
        sys.path[:] = before  # scripts put the folder there, too
        for name, module in kept.items():
            sys.modules.pop(name, None)
            if module is not None:
                sys.modules[name] = module
