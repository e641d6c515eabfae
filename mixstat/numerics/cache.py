"""Where compiled programs are kept, so that the next process need not compile them again."""

import os
import warnings
from pathlib import Path

from mixstat.arguments import Setting
from mixstat.numerics.program_folder import ProgramFolder, default_path
from mixstat.validation import check_integer

VARIABLE = "MIXSTAT_CACHE"
OFF = "off"
MEGABYTES = 500
MEGABYTE = 10**6


class _Chosen:
    """The folder of this process."""

    folder: ProgramFolder | None = None
    decided = False  # by a call, or at the first use
    checked = False


def cache_programs(folder: Setting = None, megabytes: Setting = MEGABYTES) -> Path | None:
    """Choose where compiled programs are kept, or keep none.

    Programs are kept from the start, in the user's cache folder, so that only the first fit of a
    kind of model waits for the compiler, and not the first of each process. The environment
    variable ``MIXSTAT_CACHE`` says the same as this function: a folder, or ``off``. Programs that
    depend on functions that people wrote are not kept, nor are those of a GPU.

    Parameters
    ----------
    folder : path or False, optional
        By default ``mixstat/programs`` in the user's cache folder: that of ``XDG_CACHE_HOME`` or
        ``~/.cache`` on Linux, ``~/Library/Caches`` on macOS, ``%LOCALAPPDATA%`` on Windows. False
        keeps none.
    megabytes : int, default=500
        How much may be kept. Programs that have not been used for longest leave first.

    Returns
    -------
    pathlib.Path or None
        The folder.

    Raises
    ------
    NotADirectoryError
        If ``folder`` is a file.

    Notes
    -----
    A folder must be the user's own and not be open for others to write, since programs are
    run: one that is not, or that cannot be written, is told of in one warning, and programs are
    then compiled as if there were none. A program is found by all that it depends on: mixstat's
    source, versions, processor, options and shapes. Damaged files are never run. The command
    ``mixstat cache`` tells what is kept, ``mixstat cache clear`` deletes it.

    Examples
    --------
    >>> from mixstat import cache_programs
    >>> cache_programs("programs", megabytes=100)  # doctest: +SKIP
    PosixPath('/home/me/programs')
    >>> cache_programs(False)  # doctest: +SKIP
    """
    size = check_integer("megabytes", megabytes, 1)
    _Chosen.folder, _Chosen.decided, _Chosen.checked = None, True, False
    if folder is False:
        return None
    if folder is None:
        folder = default_path()
    if not isinstance(folder, str | os.PathLike) or not str(folder) or "\0" in str(folder):
        raise ValueError(f"folder must be the path of a folder, or False; got {folder!r}.")
    path = Path(folder).absolute()
    if path.exists() and not path.is_dir():
        raise NotADirectoryError(f"folder must be a directory, got the file {path}.")
    _Chosen.folder = ProgramFolder(path, size * MEGABYTE)
    folder_in_use()
    return path


def folder_in_use() -> ProgramFolder | None:
    """The folder of this process, if it has one that can be used."""
    if not _Chosen.decided:
        _Chosen.folder, _Chosen.decided = from_environment(), True
    if _Chosen.folder is not None and not _Chosen.checked:
        _Chosen.checked = True
        why = _Chosen.folder.unfit()
        if why is not None:
            give_up(why)
    return _Chosen.folder


def from_environment() -> ProgramFolder | None:
    """What ``MIXSTAT_CACHE`` asks for; the default where it is not set."""
    asked = os.environ.get(VARIABLE, "")
    if asked.lower() == OFF:
        return None
    try:
        path = Path(asked).absolute() if asked else default_path()
    except (OSError, RuntimeError):  # nobody's home is known
        return None
    return ProgramFolder(path, MEGABYTES * MEGABYTE)


def give_up(why: str) -> None:
    """Keep nothing from now on, and say so once."""
    if _Chosen.folder is None:
        return
    path, _Chosen.folder = _Chosen.folder.path, None
    warnings.warn(
        f"Compiled programs are not kept: {path} {why}. Name another folder by cache_programs or "
        f"{VARIABLE}, or turn this off by {VARIABLE}={OFF}.",
        stacklevel=2,
    )


def describe() -> str:
    """What is kept, in one line."""
    folder = folder_in_use()
    if folder is None:
        return "No compiled programs are kept."
    sizes = [size for _, size, _ in folder.programs()]
    limit = folder.most_bytes / MEGABYTE
    return f"{len(sizes)} programs, {sum(sizes) / MEGABYTE:.1f} of {limit:g} MB, in {folder.path}"


def clear() -> str:
    """Delete what is kept; says so in one line."""
    folder = folder_in_use()
    if folder is None:
        return "No compiled programs are kept."
    count = len(folder.programs())
    folder.clear()
    return f"{count} programs deleted from {folder.path}"
