"""The study of the user guide: own truth, own loss, killed and resumed, a figure and a table."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from mixstat.rates.store import Store, read_fingerprint
from tests.conftest import CACHE

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "docs" / "guide" / "own_study.py"


def start(folder: Path) -> subprocess.Popen:
    own = {"PYTHONPATH": str(ROOT), "MPLBACKEND": "agg", "JAX_COMPILATION_CACHE_DIR": str(CACHE)}
    return subprocess.Popen(
        [sys.executable, str(SCRIPT)],
        cwd=folder,
        env=os.environ | own,
        stdout=subprocess.PIPE,
        text=True,
    )


def test_fifteen_lines_survive_a_kill(tmp_path):
    assert len(SCRIPT.read_text().splitlines()) <= 15
    first = start(tmp_path)
    cells = tmp_path / "own-study" / "cells"
    end = time.monotonic() + 300
    while first.poll() is None and not list(cells.glob("*.parquet")) and time.monotonic() < end:
        time.sleep(0.02)
    first.send_signal(signal.SIGKILL)
    first.communicate()
    kept = {path.name: path.read_bytes() for path in cells.glob("*.parquet")}
    assert kept
    second = start(tmp_path)
    told, _ = second.communicate(timeout=300)
    assert second.returncode == 0
    assert all((cells / name).read_bytes() == content for name, content in kept.items())
    folder = tmp_path / "own-study"
    assert len(Store(folder, read_fingerprint(folder)).read()) == 24
    assert (tmp_path / "own.pdf").read_bytes().startswith(b"%PDF")
    assert told.startswith(r"\begin{tabular}")
    assert r"mean\_gap & mean & $-0." in told


def test_it_does_not_run_where_tests_are_looked_for(tmp_path):
    look = [sys.executable, "-m", "pytest", "-q", "--collect-only", str(SCRIPT.parent)]
    done = subprocess.run(look, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    assert not [path for path in tmp_path.iterdir() if path.name.startswith("own")]
