"""A loaded model is the one that was saved, to the last bit."""

import os
import pickle
import re
import subprocess
import sys

import numpy as np
import pytest

import mixstat
from mixstat.experts import REGISTRY as FAMILIES
from mixstat.gates import REGISTRY as GATES
from mixstat.saving.reader import Reader
from mixstat.saving.writer import Writer
from tests.contracts import test_experts, test_gates
from tests.contracts.verdict_problems import estimator, inputs, labels, responses
from tests.saving.cases import MAKERS, case
from tests.sweeps import rest

pytestmark = pytest.mark.filterwarnings("ignore")
PAIRS = [(gate, "gaussian") for gate in GATES]
PAIRS += [("softmax", name) for name in FAMILIES if FAMILIES[name].alone and name != "gaussian"]
# every setting of a part is written and read below; fits of these have more to keep
SOON = [("gaussian", "gaussian"), ("hierarchical", "gaussian")]
SOON += [("softmax", name) for name in ("poisson", "multinomial")]
KEPT = ("formula", "classes", "contexts", "restricted", "updated")
SWEEP = [pair if pair in SOON else rest(*pair) for pair in PAIRS]


def again(moe, folder, **settings):
    """The estimator, saved and loaded; and that a second file of it is the same."""
    mixstat.save(moe, folder / "model.npz", **settings)
    loaded = mixstat.load(folder / "model.npz")
    mixstat.save(loaded, folder / "twin.npz", **settings)
    assert (folder / "model.npz").read_bytes() == (folder / "twin.npz").read_bytes()
    return loaded


def check_alike(moe, loaded, X, y):
    """All that is told without the rows of the fit is the same, and so is what is told of rows."""
    assert type(loaded) is type(moe)
    plain = [re.sub(" at 0x.*?,", ",", repr(one.get_params())) for one in (loaded, moe)]
    assert plain[0] == plain[1]
    np.testing.assert_array_equal(loaded.predict(X), moe.predict(X))
    np.testing.assert_array_equal(loaded.score_samples(X, y), moe.score_samples(X, y))
    assert loaded.params.tolist() == moe.params.tolist()
    assert loaded.parameter_names == moe.parameter_names
    if moe.fit_.search is not None:
        assert repr(loaded.certificate_) == repr(moe.certificate_)
        assert str(loaded.summary()) == str(moe.summary())
        np.testing.assert_array_equal(loaded.cov_params(), moe.cov_params())


@pytest.mark.parametrize("name", [n if n in KEPT else rest(n) for n in MAKERS])
def test_every_kind_of_fit(name, tmp_path):
    moe, X, y, _ = case(name)
    loaded = again(moe, tmp_path)
    # of how many rows experts are known is told of a model that has its rows
    check_alike(pickle.loads(pickle.dumps(moe)) if name == "restricted" else moe, loaded, X, y)
    if moe.fit_.search is not None:
        assert not loaded.fit_.has_rows
        assert moe.fit_.has_rows


@pytest.mark.parametrize(("gate", "family"), SWEEP)
def test_every_gate_and_family(gate, family, tmp_path):
    x = inputs("regular")
    label = labels(family, "regular", x)
    X, y = x[:, None], responses(family, "regular", x, label)
    if family == "ordered":
        y = np.digitize(y, [-1, 1])
    moe = estimator(gate, family, "regular", solver="em", init=label, max_iter=3).fit(X, y)
    check_alike(moe, again(moe, tmp_path), X, y)


@pytest.mark.parametrize("name", [n for n in test_gates.CASES if n != "own_activation"])
def test_every_setting_of_gates(name, x64):
    _check_part(test_gates.make(name, np.random.default_rng(0))[1])


@pytest.mark.parametrize("name", test_experts.CASES)
def test_every_setting_of_experts(name, x64):
    family, m = test_experts.CASES[name]
    _check_part(family.null(2, 3, m))


def _check_part(part):
    writer = Writer(rows=False)
    told = writer.value(part, "part")
    back = Reader(writer.arrays).value(told, "part")
    assert type(back) is type(part)
    assert repr(back) == repr(part)
    assert str(vars(back)) == str(vars(part))


@pytest.mark.parametrize("name", ["named", "contexts"])
def test_rows_are_taken_again_and_others_refused(name, tmp_path):
    moe, X, y, beside = case(name)
    loaded = again(moe, tmp_path)
    there = loaded.inference(X, y, **beside)
    assert str(there.summary()) == str(moe.inference().summary())
    with pytest.raises(ValueError, match="must be the rows of the fit"):
        loaded.inference(X, y + 1e-3, **beside)
    with pytest.raises(ValueError, match="not saved with a model"):
        loaded.profile(moe.parameter_names[0])


@pytest.mark.parametrize("name", ["named", "missing"])
def test_rows_are_kept_where_they_are_asked_for(name, tmp_path):
    moe, X, y, _ = case(name)
    loaded = again(moe, tmp_path, rows=True)
    check_alike(moe, loaded, X, y)
    assert str(loaded.inference().summary()) == str(moe.inference().summary())
    if name == "missing":
        np.testing.assert_array_equal(loaded.kept_index_, moe.kept_index_)


def test_labels_of_rows_are_rows(tmp_path):
    moe = case("missing").moe
    loaded = again(moe, tmp_path)
    assert loaded.n_dropped_ == moe.n_dropped_ == 2
    with pytest.raises(AttributeError, match="kept_index_"):
        _ = loaded.kept_index_


def test_no_number_of_the_rows_is_in_a_file(tmp_path):
    moe, X, y, _ = case("named")
    mixstat.save(moe, tmp_path / "model.npz")
    content = (tmp_path / "model.npz").read_bytes()
    numbers = np.concatenate([np.ravel(X), np.ravel(y)])
    own = numbers[numbers != np.round(numbers)]
    assert len(own) > 100
    assert [one for one in own if one.tobytes() in content] == []
    mixstat.save(moe, tmp_path / "model.npz", rows=True)
    assert len((tmp_path / "model.npz").read_bytes()) > 2 * len(content)


def test_a_loaded_model_learns_on(tmp_path):
    moe, X, y, _ = case("updated")
    loaded = again(moe, tmp_path)
    twin = again(moe, tmp_path)
    loaded.partial_fit(X[:5], y[:5])
    assert loaded.params.tolist() == twin.partial_fit(X[:5], y[:5]).params.tolist()
    assert loaded.params.tolist() != moe.params.tolist()


def test_formulas_know_their_levels(tmp_path):
    moe, X, *_ = case("formula")
    loaded = again(moe, tmp_path)
    one = X[:1]  # centres, knots and levels are those of the fit
    np.testing.assert_array_equal(loaded.predict(one), moe.predict(X)[:1])
    with pytest.raises(ValueError, match="group has the category east, which the fit has not seen"):
        loaded.predict(X.assign(group="east"))
    assert loaded.formula_ == moe.formula_
    loaded.expert_design_.source.names[1] = "poly(x, 3)[1]"
    with pytest.raises(ValueError, match=r"formula must have the columns 1, poly\(x, 3\)"):
        loaded.predict(one)


def test_an_estimator_as_a_start_is_kept(tmp_path):
    first, X, y, _ = case("updated")
    moe = mixstat.MixtureOfExperts(2, init=first).fit(X, y)
    loaded = again(moe, tmp_path)
    np.testing.assert_array_equal(loaded.init.predict(X), first.predict(X))


def test_numpy_opens_a_file(tmp_path):
    moe = case("named").moe
    mixstat.save(moe, tmp_path / "model.npz")
    with np.load(tmp_path / "model.npz") as opened:
        np.testing.assert_array_equal(opened["fit.model.gate.coef"], moe.model_.gate.coef)
        assert b'"format":"mixstat model"' in opened["mixstat.json"]


@pytest.mark.parametrize("broken", ["os.fsync", "pathlib.Path.replace"])
def test_a_full_disk_leaves_the_old_file(broken, tmp_path, monkeypatch):
    path = tmp_path / "model.npz"
    mixstat.save(case("named").moe, path)
    before = path.read_bytes()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(broken, full)
    with pytest.raises(OSError, match="No space left"):
        mixstat.save(case("classes").moe, path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_kill_leaves_the_old_file(tmp_path):
    code = (
        "import os, pathlib, sys\n"
        "from mixstat.files import write_at_once\n"
        "os.fsync = lambda _: os.kill(os.getpid(), 9)\n"
        "write_at_once(pathlib.Path(sys.argv[1]), b'new' * 10_000)\n"
    )
    path = tmp_path / "model.npz"
    path.write_bytes(b"old")
    done = subprocess.run([sys.executable, "-c", code, str(path)], check=False)
    assert done.returncode == -9
    assert path.read_bytes() == b"old"


def test_it_may_be_written_anywhere_that_a_path_says(tmp_path):
    moe = case("named").moe
    for path in (tmp_path / "no suffix", str(tmp_path / "text.model"), os.fspath(tmp_path / "é")):
        mixstat.save(moe, path)
        assert mixstat.load(path).n_experts_ == 2
