"""What builds the site, and scripts that pages show, hold no tests of their own; data of pages."""

import os
from pathlib import Path

import pandas as pd
import pytest

collect_ignore = ["conf.py", "guide/own_study.py", "mathml.py"]


# pages that fit models of many kinds, each of which has to be compiled
LONG = ("choice.rst", "data.rst", "experts.rst", "gates.rst", "rates.rst")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long pages are run with the rest of each sweep."""
    for item in items:
        if item.path.parent.name == "guide" and item.path.name in LONG:
            item.add_marker("exhaustive")


@pytest.fixture(scope="session")
def study_hours() -> pd.DataFrame:
    """The example data of the R package latents, which is not part of this one."""
    path = Path(os.environ.get("MIXSTAT_ORACLE", "")) / "latents_study_hours.csv"
    if not path.is_file():
        pytest.skip("MIXSTAT_ORACLE is not set to a folder with the data of latents")
    return pd.read_csv(path)
