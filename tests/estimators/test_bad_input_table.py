"""Every bad value of a public argument is told by name, with what was seen and what is wanted."""

import re
import warnings

import pytest

from tests.estimators.bad_inputs import Row, seen_in, table

pytestmark = pytest.mark.fast
ROWS = table()
WANTED = re.compile(
    r"must|wanted|needs?\b|did you mean|has no|not supported|contains|require|one of|cannot be|"
    r"names|could not|not fitted|give|inconsistent|expect|asks for .* but|rescale|is not among|"
    r"stated in|closes|not part of|impossible|reach"
)


def test_there_are_enough_rows():
    assert len(ROWS) >= 400


@pytest.mark.parametrize("row", ROWS, ids=[row.name for row in ROWS])
def test_bad_value(row: Row):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises(row.kind) as caught:
            row.call()
    message = str(caught.value)
    assert row.argument in message or _known_otherwise(row, message)
    assert seen_in(message, row), message
    assert WANTED.search(message), message


# arguments that are told by what they stand for
TOLD_AS = {
    "gate_kind": "^gate must",
    "settings": "degree|'k'",
    "data": "^formula",
    "values": "on=|^context",
    "possibilities": "contexts",
    "params": r"fit\(\)",
    "model": "not fitted",
    "formula": "^y must",
}


def _known_otherwise(row: Row, message: str) -> bool:
    return bool(re.search(TOLD_AS.get(row.argument, "$^"), message))
