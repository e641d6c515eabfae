"""Compiled programs kept on disk, so that the next process need not compile them again."""

import os
from pathlib import Path

from mixstat.arguments import Setting

VARIABLE = "MIXSTAT_CACHE"


def cache_programs(folder: Setting = None) -> Path:
    """Keep compiled programs in ``folder``; later processes that ask for it load them.

    The same happens where the environment variable ``MIXSTAT_CACHE`` names a folder. It sets
    JAX's compilation cache, for all programs of this process. Nothing is kept unless asked for.

    Parameters
    ----------
    folder : path, optional
        By default ``mixstat`` in the user's cache folder (``XDG_CACHE_HOME`` or ``~/.cache``).

    Returns
    -------
    pathlib.Path
        The folder.

    Raises
    ------
    NotADirectoryError
        If ``folder`` is a file.
    """
    import jax

    if folder is None:
        folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "mixstat"
    if not isinstance(folder, str | os.PathLike):
        raise ValueError(f"folder must be the path of a folder, got {folder!r}.")
    path = Path(folder)
    if path.exists() and not path.is_dir():
        raise NotADirectoryError(f"folder must be a directory, got the file {path}.")
    path.mkdir(parents=True, exist_ok=True)
    jax.config.update("jax_compilation_cache_dir", str(path))
    # small programs too: together they are what people wait for
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
    jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)
    return path


def from_environment() -> None:
    """Follow ``MIXSTAT_CACHE``, where it is set."""
    if os.environ.get(VARIABLE):
        cache_programs(os.environ[VARIABLE])
