"""A folder of compiled programs: private, limited in size, and shared by many processes."""

import os
import sys
import time
from contextlib import suppress
from pathlib import Path

from mixstat.files import write_at_once

SUFFIX = ".program"
PART = ".part"  # of files that are being written
STALE_S = 3600.0  # age at which such a file has been left by a process that was killed
LOOK_AGAIN = 50  # programs written between two looks at what other processes have kept
ROOM = 0.9  # of the limit that is left in use once old programs have gone


def default_path() -> Path:
    """Where the platform keeps what can be made again."""
    home = Path.home()
    if sys.platform == "darwin":
        base = home / "Library" / "Caches"
    elif os.name == "nt":
        base = Path(os.environ.get("LOCALAPPDATA") or home / "AppData" / "Local")
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or home / ".cache")
    return base / "mixstat" / "programs"


class ProgramFolder:
    """Contents by name. Reading and writing never raise what a folder may cause."""

    def __init__(self, path: Path, most_bytes: int) -> None:
        self.path, self.most_bytes = path, most_bytes
        self.room = -1  # bytes that may still be written; below zero: look
        self.written = 0

    def unfit(self) -> str | None:
        """Why programs cannot be kept here, or None; makes the folder if there is none."""
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            seen = self.path.stat()
        except OSError as error:
            return f"cannot be made ({error.strerror or error})"
        if hasattr(os, "getuid"):
            if seen.st_uid != os.getuid():
                return "belongs to another user"
            if seen.st_mode & 0o022:
                return "may be written by other users"
        if not os.access(self.path, os.W_OK | os.X_OK):
            return "cannot be written"
        return None

    def read(self, name: str) -> bytes | None:
        """What was kept under a name, which now counts as used; None if there is nothing."""
        path = self._file(name)
        try:
            with path.open("rb") as file:
                seen = os.fstat(file.fileno())
                if hasattr(os, "getuid") and seen.st_uid != os.getuid():
                    return None
                content = file.read()
        except (OSError, MemoryError):
            return None
        with suppress(OSError):
            os.utime(path)
        return content

    def write(self, name: str, content: bytes) -> str | None:
        """Keep a content, whole or not at all; why that failed, or None."""
        if len(content) > self.most_bytes:
            return None
        self.written += 1
        if self.room < len(content) or self.written % LOOK_AGAIN == 0:
            self._make_room(len(content))
        try:
            write_at_once(self._file(name), content)
        except OSError as error:
            return f"cannot be written ({error.strerror or error})"
        self.room -= len(content)
        return None

    def discard(self, name: str) -> None:
        """Take away a content that is of no use."""
        _remove(self._file(name))

    def programs(self) -> list[tuple[float, int, Path]]:
        """When each program was last used, its bytes and its file; the oldest first."""
        return sorted(self._files(SUFFIX))

    def clear(self) -> None:
        """Take away all programs, and no other file."""
        for _, _, path in self._files(SUFFIX, SUFFIX + PART):
            _remove(path)
        self.room = -1

    def _file(self, name: str) -> Path:
        return self.path / f"{name}{SUFFIX}"

    def _files(self, *endings: str) -> list[tuple[float, int, Path]]:
        found: list[tuple[float, int, Path]] = []
        with suppress(OSError), os.scandir(self.path) as entries:
            for entry in entries:
                # files being written are called NAME.program.UNIQUE.part
                kind = SUFFIX + PART if entry.name.endswith(PART) else SUFFIX
                if SUFFIX not in entry.name or kind not in endings:
                    continue
                with suppress(OSError):  # another process has taken it away
                    seen = entry.stat()
                    found.append((seen.st_mtime, seen.st_size, Path(entry.path)))
        return found

    def _make_room(self, size: int) -> None:
        """Take away what has not been used for longest, and what killed processes have left."""
        for modified, _, path in self._files(SUFFIX + PART):
            if modified < time.time() - STALE_S:
                _remove(path)
        kept = self.programs()
        in_use = sum(one for _, one, _ in kept)
        if in_use + size > self.most_bytes:
            for _, one, path in kept:
                if in_use + size <= ROOM * self.most_bytes:
                    break
                _remove(path)
                in_use -= one
        self.room = max(self.most_bytes - in_use, 0)


def _remove(path: Path) -> None:
    with suppress(OSError):
        path.unlink()
