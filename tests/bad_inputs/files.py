"""Files of models."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import mixstat
from mixstat import MixtureOfExperts
from tests.bad_inputs.rows import Case, Row, rows
from tests.bad_inputs.values import NOT_SWITCHES, fitted

FOLDER = Path(tempfile.gettempdir())
NOT_FILES = [5, None, "", b"model.npz", Case("a\0b", "x00"), Case(FOLDER, "folder")]


def of_files() -> Iterator[Row]:
    """Saving and loading."""
    yield from rows(
        "save",
        lambda: _save,
        {"estimator": None, "path": FOLDER / "nowhere" / "model.npz"},
        {
            "estimator": [5, "moe", MixtureOfExperts, {}],
            "path": [*NOT_FILES, Case(FOLDER / "nowhere" / "model.npz", "nowhere")],
            "rows": NOT_SWITCHES,
        },
    )
    yield from rows("load", lambda: mixstat.load, {}, {"path": NOT_FILES})


def _save(estimator: object, **rest: object) -> None:
    mixstat.save(fitted("regressor") if estimator is None else estimator, **rest)
