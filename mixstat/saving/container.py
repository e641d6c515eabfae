"""The file itself: a zip archive of JSON and arrays, each with a checksum.

Members are stored as they are, so that a reader never unpacks more than the file holds, and
``numpy.load`` opens the file too.
"""

import hashlib
import io
import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np

FORMAT = "mixstat model"
VERSION = 1  # of the format: one more whenever an older mixstat could not read a new file
HEAD, MODEL = "mixstat.json", "model.json"
DATE = (1980, 1, 1, 0, 0, 0)  # the same model makes the same file


class Content(NamedTuple):
    """What a file holds."""

    model: object
    """As JSON has it."""
    arrays: dict[str, np.ndarray]
    written_by: str
    """Version of mixstat."""


def pack(model: object, arrays: Mapping[str, np.ndarray], written_by: str) -> bytes:
    """A file of JSON and arrays, as bytes."""
    members = {MODEL: _json(model)}
    members |= {f"{name}.npy": _array(array) for name, array in arrays.items()}
    head = {
        "format": FORMAT,
        "version": VERSION,
        "written_by": written_by,
        "sha256": {name: _checksum(content) for name, content in members.items()},
    }
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as archive:
        for name, content in {HEAD: _json(head), **members}.items():
            archive.writestr(zipfile.ZipInfo(name, DATE), content)
    return packed.getvalue()


def unpack(content: bytes, path: Path, reader: str) -> Content:
    """What is in the bytes of a file; ValueError, with its path, if they are no whole model.

    ``reader`` is the version of mixstat that asks.
    """
    members = _members(content, path)
    head = _head(members.pop(HEAD, b""), path, reader)
    if {name: _checksum(one) for name, one in members.items()} != head["sha256"]:
        raise damaged(path, "what it holds does not match its checksums")
    try:
        model = json.loads(members.pop(MODEL))
        arrays = {name.removesuffix(".npy"): _read_array(one) for name, one in members.items()}
    except (KeyError, ValueError, RecursionError) as error:
        raise damaged(path, "its checksums are right, but it is not as save writes it") from error
    return Content(model, arrays, str(head.get("written_by")))


def damaged(path: Path, why: str) -> ValueError:
    """The error of a file that cannot be trusted."""
    return ValueError(f"path: {str(path)!r} is damaged, or no model file of mixstat: {why}.")


def _members(content: bytes, path: Path) -> dict[str, bytes]:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            infos = archive.infolist()
            if any(one.compress_type != zipfile.ZIP_STORED for one in infos):
                raise zipfile.BadZipFile("a member is compressed")
            members = {one.filename: archive.read(one) for one in infos}
    except Exception as error:  # whatever a damaged archive leads to
        raise damaged(path, "it cannot be unpacked") from error
    if len(members) < len(infos):
        raise damaged(path, "two members have one name")
    return members


def _head(content: bytes, path: Path, reader: str) -> dict[str, object]:
    """The member that says what the others are."""
    try:
        head = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise damaged(path, f"{HEAD} cannot be read") from error
    if not isinstance(head, dict) or head.get("format") != FORMAT:
        raise damaged(path, f"{HEAD} does not say {FORMAT!r}")
    version = head.get("version")
    if not isinstance(version, int) or version < 1:
        raise damaged(path, f"its version is {version!r}")
    if version > VERSION:
        raise ValueError(
            f"path: {str(path)!r} has format {version}, written by mixstat "
            f"{head.get('written_by')}; mixstat {reader} reads formats up to {VERSION}: "
            "update it with pip install -U mixstat."
        )
    return {"sha256": None, **head}


def _json(value: object) -> bytes:
    return json.dumps(value, allow_nan=False, separators=(",", ":")).encode()


def _array(array: np.ndarray) -> bytes:
    packed = io.BytesIO()
    np.lib.format.write_array(packed, array, allow_pickle=False)
    return packed.getvalue()


def _read_array(content: bytes) -> np.ndarray:
    return np.lib.format.read_array(io.BytesIO(content), allow_pickle=False)


def _checksum(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
