"""Quick runs of the contextual figures: numbers as expected, figures drawn."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import mixstat

FOLDER = Path(__file__).parents[2] / "paper_figs" / "contextual"
DATA = Path(os.environ.get("MIXSTAT_DATA", "")) / "sru" / "SRU_data.txt"


def _run(script: str, *arguments: str) -> str:
    command = [sys.executable, str(FOLDER / script), *arguments]
    paths = [str(Path(mixstat.__file__).parents[1]), os.environ.get("PYTHONPATH", "")]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(paths)}
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_tent(tmp_path):
    told = _run("simulate.py", "--quick", "--only", "tent", "--out", str(tmp_path))
    assert told.endswith("all as expected\n")
    results = json.loads((tmp_path / "results.json").read_text())
    assert results["tent"]["share_good"] == 1
    assert results["tent"]["largest_rmse"] <= 0.105
    _run("plot.py", "--out", str(tmp_path))
    assert {p.name for p in tmp_path.glob("*.png")} == {"tent.png"}


@pytest.mark.exhaustive
def test_batch_process(tmp_path):
    told = _run("simulate.py", "--quick", "--only", "batch", "--out", str(tmp_path))
    assert told.endswith("all as expected\n")
    batch = json.loads((tmp_path / "results.json").read_text())["batch"]
    assert batch["mean_contextual"] > max(batch["mean_plain"], batch["mean_stated"]) + 0.05
    _run("plot.py", "--out", str(tmp_path))
    assert {p.name for p in tmp_path.glob("*.png")} == {"batch.png"}


@pytest.mark.slow
@pytest.mark.skipif(not DATA.is_file(), reason="MIXSTAT_DATA has no SRU data")
def test_sulfur_recovery(tmp_path):
    told = _run("simulate.py", "--quick", "--only", "sru", "--out", str(tmp_path))
    assert told.endswith("all as expected\n")
    _run("plot.py", "--out", str(tmp_path))
    assert (tmp_path / "sru_time.png").exists()
