"""Files that are written whole or not at all, and named by what is in them."""

import hashlib
import os
import uuid
from pathlib import Path

from mixstat.arguments import Setting

DIGITS = 32  # of a checksum


def as_folder(folder: Setting, name: str = "store") -> Path:
    """A path that is no file; ``name`` is that of the argument."""
    if not isinstance(folder, str | os.PathLike) or not str(folder) or "\0" in str(folder):
        raise ValueError(f"{name} must be the path of a folder, got {folder!r}.")
    path = Path(folder)
    if path.exists() and not path.is_dir():
        raise ValueError(f"{name} must be a folder, got the file {str(path)!r}.")
    return path


def as_file(file: Setting, name: str = "path") -> Path:
    """A path that is no folder; ``name`` is that of the argument."""
    if not isinstance(file, str | os.PathLike) or not str(file) or "\0" in str(file):
        raise ValueError(f"{name} must be the path of a file, got {file!r}.")
    path = Path(file)
    if path.is_dir():
        raise ValueError(f"{name} must be a file, got the folder {str(path)!r}.")
    return path


def checksum(content: bytes) -> str:
    """The beginning of the SHA-256 of some bytes."""
    return hashlib.sha256(content).hexdigest()[:DIGITS]


def write_at_once(path: Path, content: bytes) -> None:
    """Write a file under another name, flush it to the disk, then give it its name."""
    part = _write_beside(path, content)
    try:
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def create(path: Path, content: bytes) -> bool:
    """Write a file that does not exist, whole or not at all; False if another was first."""
    part = _write_beside(path, content)
    try:
        os.link(part, path)  # fails where the name is taken, unlike a renaming
    except FileExistsError:
        return False
    except OSError:  # a file system without links
        return _create_in_place(path, content)
    finally:
        part.unlink()
    return True


def _create_in_place(path: Path, content: bytes) -> bool:
    try:
        with path.open("xb") as file:
            file.write(content)
    except FileExistsError:
        return False
    return True


def _write_beside(path: Path, content: bytes) -> Path:
    """A file of this content under a name that nobody else uses; none where that fails."""
    part = path.with_name(f"{path.name}.{uuid.uuid4().hex}.part")
    try:
        with part.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    except BaseException:  # a full disk, which half a file would keep full
        part.unlink(missing_ok=True)
        raise
    return part


def set_aside(path: Path) -> None:
    """Rename a file so that it is not read again, if the folder may be written."""
    try:
        path.rename(path.with_name(f"{path.stem}.{uuid.uuid4().hex[:8]}.damaged"))
    except OSError:  # another run did, or the folder may only be read: it is never read as rows
        return
