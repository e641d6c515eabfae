"""Compiled programs that are kept: by a call, by a variable, and from the command line."""

import os
import subprocess
import sys
import warnings
from errno import ENOSPC
from pathlib import Path

import numpy as np
import pytest

from mixstat import MixtureOfExperts, cache_programs, cli
from mixstat.numerics import cache, program_folder, programs

FIT = """
import sys
import numpy as np
{ask}
from mixstat import MixtureOfExperts
x = np.linspace(-1, 1, 40)
moe = MixtureOfExperts(1, verbose=1).fit(x[:, None], 2 * x + np.sin(50 * x))
print(moe.expert_coef_[0, 1].hex())
"""
WORDS = "compiling"


def _run(ask: str = "", **variables: str) -> list[str]:
    code = FIT.format(ask=ask)
    done = subprocess.run(
        [sys.executable, "-c", code], env=os.environ | variables, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert not done.stderr
    return done.stdout.splitlines()


def _fit() -> MixtureOfExperts:
    x = np.linspace(-1, 1, 40)
    return MixtureOfExperts(1).fit(x[:, None], 2 * x + np.sin(50 * x))


def test_programs_are_kept_by_call_and_found_by_variable(tmp_path):
    folder = tmp_path / "kept"
    first = _run(f"from mixstat import cache_programs; cache_programs({str(folder)!r})")
    kept = {path.name for path in folder.iterdir()}
    assert kept
    assert all(name.endswith(program_folder.SUFFIX) for name in kept)
    assert folder.stat().st_mode & 0o777 == 0o700
    assert any(WORDS in line for line in first)
    again = _run(MIXSTAT_CACHE=str(folder))
    assert not any(WORDS in line for line in again)  # all were found,
    assert again[-1] == first[-1]  # and say the same to the last bit
    assert {path.name for path in folder.iterdir()} == kept


def test_by_default_the_user_has_a_folder(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.delenv("MIXSTAT_CACHE")
    found = cache.from_environment()
    assert found is not None
    assert found.path == tmp_path / "mixstat" / "programs"
    monkeypatch.setenv("MIXSTAT_CACHE", "off")
    assert cache.from_environment() is None
    monkeypatch.setenv("MIXSTAT_CACHE", str(tmp_path / "mine"))
    found = cache.from_environment()
    assert found is not None
    assert found.path == tmp_path / "mine"


def test_a_file_is_no_folder(tmp_path):
    path = tmp_path / "file"
    path.write_text("")
    with pytest.raises(NotADirectoryError, match="folder must be a directory"):
        cache_programs(path)


def _fit_twice(folder: Path) -> list[MixtureOfExperts]:
    cache_programs(folder)
    fits = []
    for _ in range(2):
        programs.forget()
        fits.append(_fit())
    return fits


def _told_once(recorded: list[warnings.WarningMessage], words: str) -> None:
    told = [str(one.message) for one in recorded if "programs are not kept" in str(one.message)]
    assert len(told) == 1
    assert words in told[0]


@pytest.mark.parametrize("words", ["belongs to another user", "cannot be made", "No space"])
def test_a_folder_that_cannot_be_used_is_one_warning(words, folder, tmp_path, monkeypatch):
    if words == "belongs to another user":
        monkeypatch.setattr(os, "getuid", lambda: 12345)
    elif words == "cannot be made":
        (tmp_path / "file").write_text("")
        folder = tmp_path / "file" / "programs"
    else:

        def full(path, content):
            raise OSError(ENOSPC, "No space left on device")

        monkeypatch.setattr(program_folder, "write_at_once", full)
    with pytest.warns() as recorded:
        fits = _fit_twice(folder)
    assert all(moe.converged_ for moe in fits)
    _told_once(recorded, words)


def test_a_folder_that_others_may_write_is_not_used(folder):
    folder.chmod(0o777)
    with pytest.warns(match="may be written by other users"):
        cache_programs(folder)
    assert cache.folder_in_use() is None


def test_the_command_tells_and_clears(folder, capsys):
    _fit()
    (folder / "notes.txt").write_text("of the user")
    assert cli.main(["cache"]) == 0
    told = capsys.readouterr().out
    count = int(told.split()[0])
    assert count > 0
    assert str(folder) in told
    assert "of 500 MB" in told
    assert cli.main(["cache", "clear"]) == 0
    assert f"{count} programs deleted" in capsys.readouterr().out
    assert [path.name for path in folder.iterdir()] == ["notes.txt"]
    cache_programs(False)
    assert cli.main(["cache"]) == 0
    assert "No compiled programs are kept" in capsys.readouterr().out


def test_those_that_were_not_used_for_longest_leave_first(tmp_path):
    folder = program_folder.ProgramFolder(tmp_path, 1000)
    for i in range(4):
        assert folder.write(f"p{i}", bytes(200)) is None
        os.utime(tmp_path / f"p{i}{program_folder.SUFFIX}", (i, i))
    assert folder.read("p0") is not None  # counts as used now
    folder.write("p4", bytes(200))
    folder.write("p5", bytes(200))
    kept = {path.name.split(".")[0] for path in tmp_path.iterdir()}
    assert {"p0", "p5"} <= kept
    assert "p1" not in kept
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) <= 1000
    folder.write("large", bytes(1001))
    assert folder.read("large") is None


def test_what_killed_processes_leave_goes_in_time(tmp_path):
    folder = program_folder.ProgramFolder(tmp_path, 1000)
    names = [f"a{program_folder.SUFFIX}.{i}{program_folder.PART}" for i in range(2)]
    for name in names:
        (tmp_path / name).write_bytes(b"half")
    os.utime(tmp_path / names[0], (0, 0))
    folder.write("b", b"whole")
    assert {path.name for path in tmp_path.iterdir()} == {names[1], f"b{program_folder.SUFFIX}"}
