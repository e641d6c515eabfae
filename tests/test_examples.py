"""Everything on the page of the API that people call shows in its docstring how."""

import importlib
import inspect
import re
from pathlib import Path

import pytest

pytestmark = pytest.mark.fast

API = Path(__file__).parents[1] / "docs" / "api" / "index.rst"
NAME = re.compile(r"^   (mixstat\.[\w.]+)$", re.M)
# where else they are shown
WITHOUT = {
    "mixstat.gates.TemperatureGate": "guide/gates",
    "mixstat.inference.covariances.base.Covariance": "extending",
    "mixstat.inference.covariances.base.ParameterCovariance": "extending",
    "mixstat.inference.estimate.Estimate": "guide/inference",
    "mixstat.rates.Rate": "fit_rate",
    "mixstat.selection.ColumnSearch": "select_columns",
}
PARTS = "\nParts\n-----\n"  # from here on the page is for those who write their own


def _called():
    text = API.read_text()
    return NAME.findall(text[: text.index(PARTS)])


def _looked_up(name):
    module, last = name.rsplit(".", 1)
    return getattr(importlib.import_module(module), last)


@pytest.mark.parametrize("name", sorted(set(_called()) - set(WITHOUT)))
def test_a_docstring_shows_how_it_is_used(name):
    told = inspect.getdoc(_looked_up(name)) or ""
    assert "Examples\n--------" in told
    assert "\n>>> " in told


def test_what_is_without_is_on_the_page():
    assert set(WITHOUT) < set(_called())
    for name in WITHOUT:
        assert ">>> " not in (inspect.getdoc(_looked_up(name)) or "")
