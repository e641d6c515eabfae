"""The command: what it prints, writes and refuses."""

import subprocess
import sys

import pytest

from mixstat import cli
from mixstat.rates import studies
from mixstat.rates.catalogue import truths


@pytest.fixture
def tiny(monkeypatch):
    """Quick studies of a second or two."""
    monkeypatch.setattr(studies, "QUICK", ([60, 90, 120], 3))
    monkeypatch.setattr(studies, "SIZES", {})


@pytest.mark.fast
def test_list_names_every_truth(capsys):
    assert cli.main(["rates", "list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert {line.split("/")[0] for line in lines} == set(truths())
    assert "multinomial-2-modified/over" in {line.split()[0] for line in lines}


def test_run_then_plot(tiny, tmp_path, capsys):
    command = ["rates", "run", "softmax-gaussian-mild/exact", "--quick", "--silent"]
    for _ in range(2):  # the second run finds all done
        assert cli.main([*command, "--store", str(tmp_path)]) == 0
        assert "9 fits, 100 % certified" in capsys.readouterr().out
    assert cli.main(["rates", "plot", str(tmp_path), "--median", "--loss", "voronoi_exact"]) == 0
    out = capsys.readouterr().out
    assert "median voronoi_exact: slope" in out
    assert "theory -0.5" in out
    assert (tmp_path / "rate-voronoi_exact.png").stat().st_size > 5_000
    assert cli.main([*command, "--store", str(tmp_path), "--seed", "1"]) == 2
    assert "seed is 0 there and 1 here" in capsys.readouterr().err


def test_a_study_of_a_regression_function(tiny, tmp_path, capsys):
    name = "polynomial-smooth/m2-k1"
    assert studies.named_study(name, quick=True).spec.degree == 1
    command = ["rates", "run", name, "--quick", "--silent", "--store", str(tmp_path)]
    assert cli.main(command) == 0
    assert cli.main(["rates", "plot", str(tmp_path), "--loss", "kl"]) == 0
    assert "mean kl: slope" in capsys.readouterr().out


@pytest.mark.fast
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["rates", "run", "nothing", "--store", "x"], "name must be one of"),
        (["rates", "plot", "nowhere"], "store must be a folder with study.json"),
    ],
)
def test_errors_are_one_line(arguments, message, capsys):
    assert cli.main(arguments) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


@pytest.mark.fast
def test_arguments_are_needed(capsys):
    with pytest.raises(SystemExit):
        cli.main(["rates", "run"])
    assert "--store" in capsys.readouterr().err


@pytest.mark.fast
def test_every_named_study_can_be_made():
    for name in studies.study_names():
        study = studies.named_study(name, quick=True)
        assert study.losses
        assert study.fingerprint()["truth"]["name"] == name.partition("/")[0]


def test_the_command_starts_light():
    code = """
import sys
import mixstat.cli
mixstat.cli.parser()
assert not {"jax", "pandas", "pyarrow", "matplotlib", "tqdm"} & set(sys.modules)
import sklearn.base  # brings pandas along, where that is installed
loaded = set(sys.modules)
import mixstat.rates.study
assert not {"pandas", "pyarrow", "matplotlib", "tqdm"} & (set(sys.modules) - loaded)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
