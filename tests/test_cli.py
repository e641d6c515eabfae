"""The command: what it prints, writes and refuses."""

import os
import subprocess
import sys

import pytest

from mixstat import cli
from mixstat.rates import studies
from mixstat.rates.registry import truths
from mixstat.rates.store import Store


@pytest.fixture
def tiny(monkeypatch):
    """Quick studies of a second or two."""
    monkeypatch.setattr(studies, "QUICK", ([60, 90, 120], 3))
    monkeypatch.setattr(studies, "SIZES", {})


def test_the_package_is_the_command_too():
    asked = [sys.executable, "-m", "mixstat", "--version"]
    told = subprocess.run(asked, capture_output=True, text=True, check=True)
    assert told.stdout.startswith("mixstat ")


@pytest.mark.parametrize(
    ("line", "ways"),
    [
        ("mixstat ", {"fit", "select", "predict", "report", "cache", "rates"}),
        ("mixstat rates r", {"run"}),
        ("mixstat fit --gate", {"--gate", "--gate-kind"}),
    ],
)
def test_the_shell_is_told_how_a_line_may_go_on(line, ways, tmp_path):
    pytest.importorskip("argcomplete")
    answer = tmp_path / "ways"
    asked = {
        "_ARGCOMPLETE": "1",
        "_ARGCOMPLETE_IFS": "\n",
        "_ARGCOMPLETE_STDOUT_FILENAME": str(answer),
        "COMP_LINE": line,
        "COMP_POINT": str(len(line)),
    }
    subprocess.run([sys.executable, "-m", "mixstat"], env=os.environ | asked, check=True)
    told = {way.strip() for way in answer.read_text().splitlines()}
    assert ways <= told
    assert len(told - ways) == 0 or line == "mixstat "


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
    assert cli.main(["rates", "plot", str(tmp_path), "--median", "--loss", "voronoi"]) == 0
    out = capsys.readouterr().out
    assert "median voronoi_exact: slope" in out
    assert "theory -0.5: " in out
    assert "A slope agrees with a stated one if" in out
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


MILD = ["rates", "run", "softmax-gaussian-mild/exact", "--quick", "--silent", "--store"]


@pytest.mark.fast
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["rates", "run", "nothing", "--store", "x"], "name must be one of"),
        (
            ["rates", "run", "softmax-gausian/over", "--store", "x"],
            "got 'softmax-gausian/over'; did you mean 'softmax-gaussian/over'",
        ),
        ([*MILD, "{file}"], "store must be a folder, got the file"),
        ([*MILD, "{file}/below"], "store must be a folder that can be written, got"),
        ([*MILD, "/proc/nowhere"], "store must be a folder that can be written, got"),
        ([*MILD, ""], "store must be the path of a folder, got ''"),
        ([*MILD, "{empty}"], "study.json is damaged"),
        ([*MILD, "{half}"], "study.json is damaged"),
        ([*MILD, "x", "--workers", "0"], "workers must be an integer >= 1, got 0"),
        ([*MILD, "x", "--seed", "-1"], "seed must be an integer >= 0, got -1"),
        (["rates", "plot", "nowhere"], "store must be a folder with study.json"),
        (["rates", "plot", "{file}"], "store must be a folder, got the file"),
        (["rates", "plot", "{empty}"], "study.json is damaged"),
        (["rates", "plot", "{half}"], "study.json is damaged"),
        (["rates", "plot", "{begun}"], "holds no fits yet"),
    ],
)
def test_errors_are_one_line(arguments, message, capsys, tmp_path):
    places = {name: tmp_path / name for name in ("file", "empty", "half", "begun")}
    places["file"].write_text("x")
    for name, text in (("empty", "{}"), ("half", '{"study": {"seed"')):
        places[name].mkdir()
        (places[name] / "study.json").write_text(text)
    Store(places["begun"], studies.named_study(MILD[2], quick=True).fingerprint())
    assert cli.main([argument.format(**places) for argument in arguments]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.startswith("mixstat: ")
    assert error.count("\n") == 1


@pytest.mark.fast
def test_an_interruption_is_one_line(monkeypatch, capsys, tmp_path):
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("mixstat.rates.study.fit_cell", interrupt)
    assert cli.main([*MILD, str(tmp_path)]) == 130
    assert capsys.readouterr().err == "mixstat: interrupted; the same command goes on from here.\n"


@pytest.mark.fast
def test_a_full_disk_is_one_line(monkeypatch, capsys, tmp_path):
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device", "cells/n1")

    monkeypatch.setattr("mixstat.rates.study.fit_cell", full)
    assert cli.main([*MILD, str(tmp_path)]) == 2
    assert "No space left on device: 'cells/n1'" in capsys.readouterr().err


def test_a_reader_may_close_the_pipe():
    command = [sys.executable, "-u", "-m", "mixstat.cli", "rates", "list"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True) as listing:
        assert listing.stdout is not None
        assert listing.stderr is not None
        assert listing.stdout.readline().startswith("softmax-gaussian/exact")
        listing.stdout.close()
        assert listing.stderr.read() == ""
    assert listing.returncode == 0


@pytest.mark.fast
def test_arguments_are_needed(capsys):
    with pytest.raises(SystemExit):
        cli.main(["rates", "run"])
    assert "--store" in capsys.readouterr().err


@pytest.mark.exhaustive
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
