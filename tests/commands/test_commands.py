"""Models in the shell: what commands print, write and refuse."""

import io
import re
import subprocess
import sys
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest

import mixstat
from mixstat import MixtureOfExperts, cli
from mixstat.commands.described import describe_columns
from mixstat.commands.tables import check_parquet
from tests.saving import cases
from tests.sweeps import rest

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A table as CSV and parquet, and models of several kinds."""
    place = tmp_path_factory.mktemp("shell")
    table = cases.rows()
    random = np.random.default_rng(0)
    table = table.assign(won=random.binomial(5, 0.5, len(table)), of=5)
    table = table.assign(lost=table["of"] - table["won"])
    table.to_csv(place / "data.csv", index=False)
    table.to_csv(place / "data.tsv", index=False, sep="\t")
    table.to_csv(place / "semicolons.csv", index=False, sep=";")
    table.to_parquet(place / "data.parquet")
    for name in ("formula", "named", "classes", "contexts", "missing"):
        mixstat.save(cases.case(name).moe, place / f"{name}.npz")
    return place


@pytest.fixture
def run(folder, capsys, monkeypatch):
    """Run a command in the folder; returns status, output and errors."""
    monkeypatch.chdir(folder)

    def go(*words: str) -> tuple[int, str, str]:
        status = cli.main(words)
        told = capsys.readouterr()
        return status, told.out, told.err

    return go


FORMULA = ("--formula", "y ~ x + group", "--gate", "~ w")


def test_fit_prints_and_writes(run, folder):
    status, out, _ = run("fit", "data.csv", *FORMULA, "-k", "2", "--seed", "0", "--out", "made")
    assert status == 0
    moe = MixtureOfExperts(2, formula="y ~ x + group", gate_formula="~ w", random_state=0)
    moe.fit(pd.read_csv(folder / "data.csv"))
    assert str(moe.summary()) in out
    assert str(moe.certificate_) in out
    made = folder / "made"
    names = {"model.npz", "summary.txt", "coefficients.csv", "figure.png"}
    assert {one.name for one in made.iterdir()} == names
    assert mixstat.load(made / "model.npz").params.tolist() == moe.params.tolist()
    table = pd.read_csv(made / "coefficients.csv")
    assert table["parameter"].tolist() == moe.parameter_names
    np.testing.assert_allclose(table["estimate"], moe.params)
    assert (made / "figure.png").read_bytes().startswith(b"\x89PNG")
    assert str(moe.summary()) in (made / "summary.txt").read_text()


def test_fit_without_a_folder_says_so(run):
    status, out, _ = run("fit", "data.tsv", "--formula", "y ~ 1", "-k", "1")
    assert status == 0
    assert out.endswith("--out DIR keeps the model, its coefficients and a figure.\n")


@pytest.mark.exhaustive
def test_fit_takes_what_stands_beside_a_formula(run, folder):
    status, *_ = run(
        *("fit", "data.parquet", "--formula", "count ~ x", "--gate", "~ 1", "--expert", "poisson"),
        *("--groups", "id", "--offset", "log_e", "--ridge", "0.01", "--out", "counts"),
    )
    assert status == 0
    moe = mixstat.load(folder / "counts" / "model.npz")
    schema = moe.fit_.request.schema
    assert (schema.groups.column, schema.offset.column) == ("id", "log_e")
    assert type(moe.model_.experts).__name__ == "PoissonExperts"
    status, out, _ = run("predict", "counts/model.npz", "data.csv")  # the offset is found
    table = pd.read_csv(folder / "data.csv")
    np.testing.assert_allclose(pd.read_csv(io.StringIO(out))["mean"], moe.predict(table))


@pytest.mark.exhaustive
def test_several_families_and_classes(run, folder):
    several = ("--expert", "zero", "--expert", "poisson")
    assert run("fit", "data.csv", "--formula", "count ~ x", *several, "--out", "mixed")[0] == 0
    assert mixstat.load(folder / "mixed" / "model.npz").n_experts_ == 2
    classes = ("--expert", "multinomial", "-k", "1")
    assert run("fit", "data.csv", "--formula", "group ~ x", *classes, "--out", "kinds")[0] == 0
    assert list(mixstat.load(folder / "kinds" / "model.npz").classes_) == ["north", "south", "west"]


def test_select_prints_and_writes(run, folder):
    held = ("--criterion", "held_out", "--folds", "3")
    status, out, _ = run(
        "select", "data.csv", "--formula", "y ~ x", "-k", "1", "2", *held, "--out", "chosen"
    )
    assert status == 0
    assert "K=2 is chosen by held_out among 2 members" in out
    made = folder / "chosen"
    assert mixstat.load(made / "model.npz").n_experts_ == 2
    assert pd.read_csv(made / "selection.csv")["n_experts"].tolist() == [1, 2]
    assert (made / "selection.png").stat().st_size > 5_000


def test_predict_writes_what_python_would(run, folder):
    options = ("--interval", "0.8", "--quantile", "0.5", "--shares", "--keep", "id")
    status, out, _ = run("predict", "named.npz", "data.csv", *options)
    assert status == 0
    told, (moe, X, *_) = pd.read_csv(io.StringIO(out)), cases.case("named")
    columns = ["id", "mean", "low", "high", "q0.5", "share_0", "share_1"]
    assert list(told) == columns
    np.testing.assert_allclose(told["mean"], moe.predict(X)[:, 0])
    ends = moe.predict_interval(X, 0.8)[:, 0]
    np.testing.assert_allclose(told[["low", "high"]], ends)
    np.testing.assert_allclose(told[["share_0", "share_1"]], moe.gate_proba(X))
    assert run("predict", "named.npz", "data.parquet", "--out", "told.parquet")[1] == ""
    again = pd.read_parquet(folder / "told.parquet")
    np.testing.assert_array_equal(again["mean"], moe.predict(X)[:, 0])


def test_predict_classes(run):
    status, out, _ = run("predict", "classes.npz", "data.csv")
    assert status == 0
    told, (moe, X, *_) = pd.read_csv(io.StringIO(out)), cases.case("classes")
    assert told["class"].tolist() == moe.predict(X).tolist()
    names = ["p_north", "p_south", "p_west"]
    np.testing.assert_allclose(told[names], moe.predict_proba(X))


def test_predict_reads_the_input(run, folder, monkeypatch):
    expected = run("predict", "classes.npz", "data.csv")[1]
    monkeypatch.setattr("sys.stdin", io.StringIO((folder / "data.csv").read_text()))
    assert run("predict", "classes.npz", "-")[1] == expected


class Page(HTMLParser):
    """What a page has."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.alts: list[str] = []
        self.sources: list[str] = []
        self.titles: list[str] = []

    def handle_starttag(self, tag, attrs):
        told = dict(attrs)
        if tag not in ("meta", "img", "link", "br"):
            self.open.append(tag)
        if tag == "img":
            self.alts.append(told["alt"])
        self.sources += [told[name] for name in ("src", "href") if name in told]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] == "h2":
            self.titles.append(data)


def check_page(content: str) -> Page:
    """A page that is whole, needs nothing else, and says what its figures show."""
    page = Page()
    page.feed(content)
    assert page.open == []
    assert all(len(alt) > 30 for alt in page.alts)
    assert all(source.startswith(("data:image/png;base64,", "#")) for source in page.sources)
    assert '<html lang="en">' in content
    return page


SECTIONS = ["Data", "Fit", "Certificate", "Experts", "Effects", "Diagnostics", "Along the inputs"]
REPORTS = [
    ("formula", (), 6),
    rest("classes", ("--response", "group"), 4),
    rest("missing", (), 6),
]


@pytest.mark.parametrize(("name", "options", "figures"), REPORTS)
def test_report_on_the_rows_of_the_fit(name, options, figures, run, folder):
    status, out, _ = run("report", f"{name}.npz", _rows_of(name, folder), *options)
    assert (status, out) == (0, "report.html\n")
    page = check_page(content := (folder / "report.html").read_text())
    assert page.titles == SECTIONS
    assert len(page.alts) >= figures
    assert "is left out" not in content
    moe = cases.case(name).moe
    assert moe.certificate_.status.name in content
    for parameter in moe.parameter_names:
        assert parameter.replace("&", "&amp;") in content


def _rows_of(name, folder) -> str:
    if name != "missing":
        return "data.csv"
    table = cases.rows()
    table.loc[[4, 7], "w"] = np.nan
    table.to_csv(folder / "gaps.csv", index=False)
    return "gaps.csv"


def test_report_on_other_rows(run, folder):
    pd.read_csv(folder / "data.csv")[::-1].to_csv(folder / "other.csv", index=False)
    assert run("report", "contexts.npz", "other.csv", "--out", "other.html")[0] == 0
    page = check_page(content := (folder / "other.html").read_text())
    assert page.titles == SECTIONS
    assert "What needs the rows of the fit is left out" in content
    assert "Mean share of each expert in these rows" in content
    assert "mean log density" in content


def test_report_of_contexts(run, folder):
    told = cases.rows().assign(day=pd.date_range("2024-01-01", periods=cases.N, freq="D"))
    told.to_parquet(folder / "days.parquet")
    assert run("report", "contexts.npz", "days.parquet")[0] == 0
    assert "is left out" not in (folder / "report.html").read_text()


def test_report_wants_the_weights_of_the_fit(run, folder):
    pd.read_csv(folder / "data.csv").assign(weight=0.5 + cases.rows()["w"]).to_csv(
        folder / "weighted.csv", index=False
    )
    assert run("report", "named.npz", "weighted.csv", "--weights", "weight")[0] == 0
    assert "is left out" not in (folder / "report.html").read_text()


def test_a_model_of_an_array(run, folder):
    table = cases.rows()[["x", "w", "y"]]
    moe = MixtureOfExperts(1).fit(table[["x", "w"]].to_numpy(), table["y"].to_numpy())
    mixstat.save(moe, folder / "array.npz")
    table.to_csv(folder / "three.csv", index=False)
    table[["x", "w"]].to_csv(folder / "two.csv", index=False)
    out = run("predict", "array.npz", "two.csv")[1]
    np.testing.assert_allclose(
        pd.read_csv(io.StringIO(out))["mean"], moe.predict(table[["x", "w"]].to_numpy())
    )
    assert run("report", "array.npz", "three.csv", "--response", "y")[0] == 0
    assert run("report", "array.npz", "three.csv")[2].startswith(
        "mixstat: --response must name the column that the model predicts"
    )


def test_pages_escape_what_they_are_told(run, folder):
    name = '<b>"&'
    table = cases.rows().rename(columns={"x": name})
    table.to_csv(folder / "odd.csv", index=False)
    moe = MixtureOfExperts(1).fit(table[[name]], table["y"])
    mixstat.save(moe, folder / "odd.npz")
    assert run("report", "odd.npz", "odd.csv")[0] == 0
    check_page(content := (folder / "report.html").read_text())
    assert "<b>" not in content
    assert "&lt;b&gt;" in content


def test_columns_are_described():
    described = describe_columns(cases.case("formula").moe, cases.rows()).set_index("column")
    roles = {"x": "input of experts and gate", "w": "input of experts", "log_e": "offset"}
    roles |= {"count": "response", "group": "input of experts and gate"}
    assert described["role"].to_dict() == roles
    assert described.loc["group", "values"] == "3: north, south, west"
    assert described.loc["x", "mean"] == pytest.approx(0, abs=1e-12)


FIT = ("fit", "data.csv", "--formula")


@pytest.mark.fast
@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("fit", "no.csv", "--formula", "y ~ x"), "DATA must be a file, and there is none at"),
        (("fit", ".", "--formula", "y ~ x"), "DATA must be a file, got the folder"),
        (("fit", "", "--formula", "y ~ x"), "DATA must be the path of a file, got ''"),
        (("fit", "bad.csv", "--formula", "y ~ x"), "DATA 'bad.csv' cannot be read as CSV: "),
        (("fit", "bad.parquet", "--formula", "y ~ x"), "cannot be read as parquet: "),
        (("fit", "empty.csv", "--formula", "y ~ x"), "cannot be read as CSV: No columns"),
        (("fit", "header.csv", "--formula", "y ~ x"), "must have rows below the names"),
        (("fit", "semicolons.csv", "--formula", "y ~ x"), "give --separator ';'"),
        ((*FIT, "y ~ z"), "--formula names z, which is not a column of data"),
        ((*FIT, "y ~ (x"), "--formula"),
        ((*FIT, "y ~ x", "--gate", "~ v"), "--gate names v, which is not a column"),
        ((*FIT, "y ~ x", "--weights", "v"), "--weights names 'v', which is not a column"),
        ((*FIT, "y ~ x", "--offset", "v"), "--offset names 'v', which is not a column"),
        ((*FIT, "y ~ x", "--groups", "v"), "--groups names 'v', which is not a column"),
        ((*FIT, "y ~ x", "--expert", "poison"), "--expert must be one of 'gaussian'"),
        ((*FIT, "y ~ x", "--gate-kind", "soft"), "--gate-kind must be one of 'softmax'"),
        ((*FIT, "y ~ x", "-k", "0"), "--experts must be an integer >= 1, got 0"),
        ((*FIT, "y ~ x", "--missing", "skip"), "--missing must be one of"),
        ((*FIT, "y ~ x", "--ridge", "-1"), "--ridge must be"),
        ((*FIT, "y ~ x", "--seed", "-1"), "--seed must be"),
        ((*FIT, "y ~ x", "--out", "data.csv"), "--out must be a folder, got the file"),
        (
            (*FIT, "group ~ x", "--expert", "multinomial", "--offset", "w"),
            "--offset is not for classes",
        ),
        (("select", "data.csv", "--formula", "y ~ x", "-k", "0"), "--experts must be"),
        (("select", "data.csv", "--formula", "y ~ x", "--criterion", "best"), "--criterion must"),
        (("select", "data.csv", "--formula", "y ~ x", "--folds", "1"), "--folds must"),
        (("predict", "no.npz", "data.csv"), "MODEL must be a file, and there is none at 'no.npz'"),
        (("predict", "data.csv", "data.csv"), "MODEL: 'data.csv' is damaged, or no model file"),
        (("predict", "named.npz", "header.csv"), "must have rows below the names"),
        (("predict", "named.npz", "bad.csv"), "cannot be read as CSV"),
        (
            ("predict", "named.npz", "short.csv"),
            "MODEL names 'log_e', which is not a column of DATA",
        ),
        (("predict", "formula.npz", "short.csv"), "--formula names log_e"),
        (("predict", "named.npz", "data.csv", "--keep", "idd"), "(did you mean id?)"),
        (("predict", "named.npz", "data.csv", "--interval", "2"), "--interval must"),
        (("predict", "named.npz", "data.csv", "--quantile", "2"), "--quantile must"),
        (("predict", "named.npz", "data.csv", "--out", "no/x.csv"), "folder that exists"),
        (("predict", "classes.npz", "data.csv", "--interval", "0.9"), "--interval must be left"),
        (("report", "named.npz", "short.csv"), "MODEL names 'y', which is not a column"),
        (("report", "named.npz", "data.csv", "--out", "no/x.html"), "folder that exists"),
        (("report", "named.npz", "data.csv", "--response", "z"), "--response names 'z'"),
        (("report", "named.npz", "data.csv", "--weights", "z"), "--weights names 'z'"),
    ],
)
def test_errors_are_one_line(words, message, run, folder):
    (folder / "bad.csv").write_text("a,b\n1,2\n1,2,3\n")
    (folder / "bad.parquet").write_text("a,b\n")
    (folder / "empty.csv").write_text("")
    (folder / "header.csv").write_text("y,x\n")
    (folder / "short.csv").write_text("x,w\n1,2\n2,3\n")
    status, out, error = run(*words)
    assert (status, out) == (2, "")
    assert message in error
    assert error.startswith("mixstat: ")
    assert error.count("\n") == 1


@pytest.mark.fast
def test_parquet_says_what_it_needs(run, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    status, _, error = run("fit", "data.parquet", "--formula", "y ~ x")
    assert status == 2
    assert "DATA is a parquet file, which needs pyarrow; install it with: pip install" in error
    with pytest.raises(ImportError, match="--out is a parquet file, which needs pyarrow"):
        check_parquet("--out")


@pytest.mark.fast
def test_the_version_is_told(run, capsys):
    with pytest.raises(SystemExit) as ended:
        run("--version")
    assert ended.value.code == 0
    assert capsys.readouterr().out == f"mixstat {mixstat.__version__}\n"


@pytest.mark.fast
def test_an_interrupted_fit_does_not_promise_to_go_on(run, monkeypatch):
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("mixstat.commands.fitting.read_table", interrupt)
    assert run(*FIT, "y ~ x") == (130, "", "mixstat: interrupted.\n")


def test_a_reader_may_close_the_pipe(folder):
    """As head does."""
    long = pd.concat([cases.rows()] * 400)
    long.to_csv(folder / "long.csv", index=False)
    words = ["predict", str(folder / "classes.npz"), str(folder / "long.csv")]
    command = [sys.executable, "-m", "mixstat.cli", *words]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True) as writing:
        assert writing.stdout is not None
        assert writing.stderr is not None
        assert writing.stdout.readline() == "class,p_north,p_south,p_west\n"
        writing.stdout.close()
        assert writing.stderr.read() == ""
    assert writing.returncode == 0


@pytest.mark.fast
def test_every_command_has_help(capsys):
    for command in ("fit", "select", "predict", "report"):
        with pytest.raises(SystemExit) as ended:
            cli.main([command, "--help"])
        assert ended.value.code == 0
        told = capsys.readouterr().out
        assert re.search("DATA", told)
        assert "--separator" in told
