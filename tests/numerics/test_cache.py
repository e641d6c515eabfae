"""The cache of compiled programs, by a call and by an environment variable."""

import os
import subprocess
import sys

import pytest

from mixstat import cache_programs

FIT = """
import sys
import numpy as np
{ask}
from mixstat import MixtureOfExperts
x = np.linspace(-1, 1, 40)
moe = MixtureOfExperts(1).fit(x[:, None], 2 * x + np.sin(50 * x))
print(moe.expert_coef_[0, 1])
"""


def _run(ask: str, **variables: str) -> float:
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("JAX_", "MIXSTAT_CACHE"))}
    code = FIT.format(ask=ask)
    done = subprocess.run(
        [sys.executable, "-c", code], env=clean | variables, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return float(done.stdout)


def test_programs_are_kept_by_call_and_found_by_variable(tmp_path):
    folder = tmp_path / "programs"
    first = _run(f"from mixstat import cache_programs; cache_programs({str(folder)!r})")
    kept = {path.name for path in folder.iterdir() if path.name.endswith("-cache")}
    assert kept
    assert _run("", MIXSTAT_CACHE=str(folder)) == first
    again = {path.name for path in folder.iterdir() if path.name.endswith("-cache")}
    assert again == kept  # all were found


def test_a_file_is_no_folder(tmp_path):
    path = tmp_path / "file"
    path.write_text("")
    with pytest.raises(NotADirectoryError, match="folder must be a directory"):
        cache_programs(path)
