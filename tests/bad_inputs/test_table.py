"""Every bad value of a public argument is told by name, with what was seen and what is wanted."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.bad_inputs.rows import DECLARED, TYPE_CHECK, Row, fault
from tests.bad_inputs.table import table

pytestmark = pytest.mark.fast
ROWS = table()


def test_there_are_enough_rows():
    assert len(ROWS) >= 2000


@pytest.mark.parametrize("row", ROWS, ids=[row.name for row in ROWS])
def test_bad_value(row: Row):
    told = fault(row)
    if told == TYPE_CHECK:
        assert row.place in DECLARED
    else:
        assert not told


def test_fields_without_the_type_checks_of_tests():
    """Fields whose declared types tests check before the checks that people meet."""
    root = str(Path(__file__).parents[2])
    script = "from tests.bad_inputs.table import declared_faults; print(declared_faults())"
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": root, "MPLBACKEND": "agg"},
        timeout=300,
    )
    assert done.stdout.strip() == "[]", done.stdout + done.stderr
