"""Files of models, and rows in blocks."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import mixstat
from mixstat import MixtureOfExperts
from tests.bad_inputs.rows import Case, Row, rows
from tests.bad_inputs.values import DATA, NOT_SWITCHES, X, Y, fitted

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
    yield from rows(
        "to_onnx",
        lambda: _to_onnx,
        {"estimator": None, "path": FOLDER / "nowhere" / "model.onnx"},
        {
            "estimator": [5, "moe", MixtureOfExperts, {}],
            "path": [*NOT_FILES, Case(FOLDER / "nowhere" / "model.onnx", "nowhere")],
        },
    )
    yield from rows("load", lambda: mixstat.load, {}, {"path": NOT_FILES})


def _save(estimator: object, **rest: object) -> None:
    mixstat.save(fitted("regressor") if estimator is None else estimator, **rest)


def _to_onnx(estimator: object, **rest: object) -> None:
    mixstat.to_onnx(fitted("regressor") if estimator is None else estimator, **rest)


def of_blocks() -> Iterator[Row]:
    """Rows that are read in blocks."""
    sample, names = [1, 2.5, "many", None], [5, [], [1], Case(["zz"], "'zz'")]
    yield from rows(
        "Blocks", lambda: mixstat.Blocks, {"read": list}, {"read": [X, 5, None], "sample": sample}
    )
    some, bad = mixstat.Blocks.of_arrays(X, Y), [one for one in NOT_FILES if one is not None]
    for name, cls in (
        ("MixtureOfExperts.fit", MixtureOfExperts),
        ("MixtureOfExpertsClassifier.fit", mixstat.MixtureOfExpertsClassifier),
    ):
        yield from rows(name, lambda cls=cls: cls(1).fit, {"X": some}, {"checkpoint": bad})
    collection = type("Collection", (), {"to_delayed": lambda self: [0, 1]})
    fewer = type("Fewer", (), {"to_delayed": lambda self: [0]})
    yield from rows(
        "Blocks.of_dask",
        lambda: mixstat.Blocks.of_dask,
        {"X": collection()},
        {
            "X": [X, 5, None],
            "y": [5, Case(fewer(), "2 partitions of X, got 1")],
            "sample_weight": [5, Case(fewer(), "2 partitions of X, got 1")],
            "sample": sample,
        },
    )
    counts = [0, 2.5, "many", None]
    yield from rows(
        "Blocks.of_arrays",
        lambda: mixstat.Blocks.of_arrays,
        {"X": X, "y": Y},
        {
            "X": [5, None, "table", Case([[1.0]], "list")],
            "y": [5, "y", Case(Y[:3], "3")],
            "sample_weight": [5, "w", Case(Y[:3], "3")],
            "rows": counts,
            "sample": sample,
        },
    )
    DATA.drop(columns="when").to_csv(FOLDER / "mixstat-rows.csv", index=False)
    yield from rows(
        "Blocks.of_files",
        lambda: mixstat.Blocks.of_files,
        {"path": FOLDER / "mixstat-rows.csv", "inputs": ["x"], "response": "y"},
        {
            "path": [5, None, "nowhere.csv", FOLDER / "nowhere"],
            "inputs": [*names, None],
            "response": names,
            "weight": names,
            "rows": counts,
            "sample": sample,
        },
    )
