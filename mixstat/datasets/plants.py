"""Two plants of the soft sensor literature, read from a file that the user has.

Both come with Fortuna, L., Graziani, S., Rizzo, A. and Xibilia, M. G. (2007). Soft Sensors for
Monitoring and Control of Industrial Processes. Springer, London. Their licence is not stated, so
they are not part of mixstat.
"""

import hashlib
import os
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float
from sklearn.utils import Bunch

from mixstat.arguments import Folder, Setting
from mixstat.validation import check_switch

FOLDER = "MIXSTAT_DATA"  # environment variable


class Plant(NamedTuple):
    """What is known of a file."""

    title: str
    file: str  # inside the folder
    rows: int
    inputs: list[str]
    outputs: list[str]
    md5: str | None  # None where it is not known
    about: str


SRU = Plant(
    "sulfur recovery unit",
    "sru/SRU_data.txt",
    10081,
    ["u1", "u2", "u3", "u4", "u5"],
    ["y1", "y2"],
    "262a13741bdcd2a15bf0621f8e61326c",
    "u1: MEA gas flow; u2, u3: air flows; u4, u5: SWS gas flow and its air flow; y1: H2S and "
    "y2: SO2 in the tail gas. All are scaled to [0, 1] and in the order of time.",
)
DEBUTANIZER = Plant(
    "debutanizer column",
    "debutanizer/debutanizer_data.txt",
    2394,
    [f"u{j}" for j in range(1, 8)],
    ["y"],
    None,
    "u1: top temperature; u2: top pressure; u3: reflux flow; u4: flow to the next process; u5: "
    "sixth tray temperature; u6, u7: bottom temperatures; y: butane in the bottom product. All "
    "are scaled to [0, 1] and in the order of time.",
)


def load_sru(
    path: Setting = None,
    *,
    return_X_y: Setting = False,
    as_frame: Setting = False,
    verify: Setting = True,
) -> Any:
    """Sulfur recovery unit: five gas and air flows, H2S and SO2 in the tail gas.

    Parameters
    ----------
    path : path-like, default=None
        The file ``SRU_data.txt``, or a folder that has it or ``sru/SRU_data.txt``. None means
        the folder named by the environment variable ``MIXSTAT_DATA``.
    return_X_y : bool, default=False
        Return inputs and outputs alone.
    as_frame : bool, default=False
        Return pandas tables in place of arrays.
    verify : bool, default=True
        Refuse a file whose MD5 checksum is not 262a13741bdcd2a15bf0621f8e61326c. The shape is
        checked in any case.

    Returns
    -------
    sklearn.utils.Bunch, or a pair
        ``data`` (10081, 5), ``target`` (10081, 2) with columns y1 (H2S) and y2 (SO2),
        ``feature_names``, ``target_names`` and ``DESCR``; rows are in the order of time and
        all columns are scaled to [0, 1].

    Raises
    ------
    FileNotFoundError
        If there is no such file; the message tells where it can be had and put.
    ValueError
        If the file is not this data set.

    References
    ----------
    Fortuna, L., Graziani, S., Rizzo, A. and Xibilia, M. G. (2007). Soft Sensors for Monitoring
    and Control of Industrial Processes. Springer, London.

    Examples
    --------
    >>> from mixstat.datasets import load_sru
    >>> X, y = load_sru(return_X_y=True)  # doctest: +SKIP
    >>> X.shape, y.shape  # doctest: +SKIP
    ((10081, 5), (10081, 2))
    """
    return _load(SRU, path, return_X_y, as_frame, verify)


def load_debutanizer(
    path: Setting = None, *, return_X_y: Setting = False, as_frame: Setting = False
) -> Any:
    """Debutanizer column: seven temperatures, pressures and flows, butane in the bottom product.

    Parameters
    ----------
    path : path-like, default=None
        The file ``debutanizer_data.txt``, or a folder that has it or
        ``debutanizer/debutanizer_data.txt``. None means the folder named by the environment
        variable ``MIXSTAT_DATA``.
    return_X_y : bool, default=False
        Return inputs and output alone.
    as_frame : bool, default=False
        Return pandas tables in place of arrays.

    Returns
    -------
    sklearn.utils.Bunch, or a pair
        ``data`` (2394, 7), ``target`` (2394,), ``feature_names``, ``target_names`` and
        ``DESCR``; rows are in the order of time. No checksum is known: shape alone is checked.

    Raises
    ------
    FileNotFoundError
        If there is no such file; the message tells where it can be had and put.
    ValueError
        If the file has another shape.

    References
    ----------
    Fortuna, L., Graziani, S., Rizzo, A. and Xibilia, M. G. (2007). Soft Sensors for Monitoring
    and Control of Industrial Processes. Springer, London.

    Examples
    --------
    >>> from mixstat.datasets import load_debutanizer
    >>> X, y = load_debutanizer(return_X_y=True)  # doctest: +SKIP
    >>> X.shape, y.shape  # doctest: +SKIP
    ((2394, 7), (2394,))
    """
    return _load(DEBUTANIZER, path, return_X_y, as_frame, False)


def _load(
    plant: Plant, path: Setting, return_X_y: Setting, as_frame: Setting, verify: Setting
) -> Any:
    switches = {"return_X_y": return_X_y, "as_frame": as_frame, "verify": verify}
    for name, value in switches.items():
        check_switch(name, value)
    if path is not None and not isinstance(path, str | os.PathLike):
        raise ValueError(f"path must be that of a file or folder, got {path!r}.")
    file = _find(plant, path)
    if verify and plant.md5 is not None:
        seen = hashlib.md5(file.read_bytes(), usedforsecurity=False).hexdigest()
        if seen != plant.md5:
            raise ValueError(
                f"{file} has MD5 {seen}, wanted {plant.md5}: it is another version of the "
                f"{plant.title} data, or was edited. verify=False reads it all the same."
            )
    width = len(plant.inputs) + len(plant.outputs)
    table = _numbers(file, width)
    if len(table) != plant.rows:
        raise ValueError(
            f"{file} has {len(table)} rows of {width} numbers; the {plant.title} data have "
            f"{plant.rows}."
        )
    X, y = table[:, : len(plant.inputs)], table[:, len(plant.inputs) :]
    data, target = _tables(plant, X, y) if as_frame else (X, y[:, 0] if y.shape[1] == 1 else y)
    if return_X_y:
        return data, target
    return Bunch(
        data=data,
        target=target,
        feature_names=list(plant.inputs),
        target_names=list(plant.outputs),
        DESCR=f"{plant.title}. {plant.about} (Fortuna et al. 2007)",
    )


def _find(plant: Plant, path: Folder | None) -> Path:
    name = Path(plant.file)
    root = os.environ.get(FOLDER) if path is None else path
    if root is not None:
        root = Path(root).expanduser()
        for file in (root, root / name, root / name.name):
            if file.is_file():
                return file
    where = f"{FOLDER} is not set" if root is None else f"nothing was found at {root}"
    raise FileNotFoundError(
        f"The {plant.title} data are not part of mixstat and {where}. They come with the book "
        "Soft Sensors for Monitoring and Control of Industrial Processes (Fortuna et al. 2007, "
        f"Springer). Give the path of {name.name}, or put it at {name} in a folder and set the "
        f"environment variable {FOLDER} to that folder."
    )


def _numbers(file: Path, width: int) -> Float[np.ndarray, "n w"]:
    """The lines that hold ``width`` numbers; what stands above them is a title."""
    lines = file.read_text().splitlines()
    first = next((i for i, line in enumerate(lines) if _is_row(line, width)), None)
    if first is None:
        raise ValueError(f"{file} has no line of {width} numbers.")
    return np.loadtxt(lines[first:], ndmin=2)


def _is_row(line: str, width: int) -> bool:
    words = line.split()
    try:
        return len(words) == width and all(np.isfinite(float(word)) for word in words)
    except ValueError:
        return False


def _tables(plant: Plant, X: np.ndarray, y: np.ndarray) -> tuple[Any, Any]:
    import pandas as pd

    frame = pd.DataFrame(X, columns=list(plant.inputs))
    target = pd.DataFrame(y, columns=list(plant.outputs))
    return frame, target[plant.outputs[0]] if y.shape[1] == 1 else target
