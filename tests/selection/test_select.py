"""A grid of models in one call: its numbers, what it chooses, refuses and keeps."""

from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import KFold

from mixstat import ContextualMixtureOfExperts, MixtureOfExperts, MixtureOfExpertsClassifier
from mixstat.contextual import labels
from mixstat.gates import TopKGate
from mixstat.selection import Selection, select
from mixstat.selection.selected import best_row

mpl.use("Agg")
QUICK: dict[str, Any] = {"n_init": 4, "random_state": 0}
K12 = {"n_experts": [1, 2]}


@pytest.fixture(scope="module")
def two_lines():
    random = np.random.default_rng(3)
    X = random.uniform(-1, 1, (120, 1))
    y = np.where(random.random(120) < 0.5, 2 * X[:, 0], 3 - X[:, 0])
    return X, y + 0.3 * random.standard_normal(120)


@pytest.fixture(scope="module")
def chosen(two_lines) -> Selection:
    return select(*two_lines, estimator=MixtureOfExperts(gate_degree=0, **QUICK), cv=3, **K12)


def test_every_number_of_the_table(two_lines, chosen):
    X, y = two_lines
    n, row = len(y), chosen.table.iloc[1]
    moe = MixtureOfExperts(2, gate_degree=0, **QUICK).fit(X, y)
    total, d = moe.score_samples(X, y).sum(), moe.n_parameters_
    share = moe.responsibilities(X, y)
    entropy = -np.sum(share * np.log(share))
    wanted = {
        "log_likelihood": total,
        "n_parameters": d,
        "aic": moe.aic(X, y),
        "bic": moe.bic(X, y),
        "sabic": -2 * total + d * np.log((n + 2) / 24),
        "caic": -2 * total + d * (np.log(n) + 1),
        "icl": moe.bic(X, y) + 2 * entropy,
        "entropy": entropy,
    }
    for name, value in wanted.items():
        assert row[name] == pytest.approx(value, rel=1e-9), name
    assert row["status"] == "CONVERGED"
    assert row["regular"]
    assert row["seconds"] > 0


def test_held_out_density_is_that_of_the_folds(two_lines, chosen):
    X, y = two_lines
    seed = int(np.random.RandomState(0).randint(2**31))
    logs = []
    for train, test in KFold(3, shuffle=True, random_state=seed).split(X):
        moe = MixtureOfExperts(2, gate_degree=0, **QUICK).fit(X[train], y[train])
        logs.append(moe.score_samples(X[test], y[test]).mean())
    assert chosen.table["held_out"][1] == pytest.approx(np.mean(logs), rel=1e-9)
    error = np.std(logs, ddof=1) / np.sqrt(3)
    assert chosen.table["held_out_se"][1] == pytest.approx(error, rel=1e-9)


def test_the_winner_is_there(chosen):
    assert chosen.best_params_ == {"n_experts": 2}
    assert chosen.best_estimator_ is chosen.fits[1]
    assert chosen.best_estimator_.n_experts_ == 2
    told = repr(chosen)
    assert told.startswith("K=2 is chosen by bic among 2 members, of which 2 are regular maxima.")
    assert "CONVERGED" in told


def test_plot(chosen):
    display = chosen.plot()
    assert display.columns == ("bic", "icl", "held_out")
    (line,) = display.lines
    np.testing.assert_array_equal(line.n_experts, [1, 2])
    drawn = display.axes_[0].get_lines()[0]
    np.testing.assert_array_equal(drawn.get_ydata(), chosen.table["bic"])
    with pytest.raises(ValueError, match="ax must hold 3 axes"):
        chosen.plot(ax=display.axes_[:1])


def test_equals_what_flexmix_prints(oracle, gold):
    data = pd.read_csv(oracle / "flexmix_NPreg.csv")
    moe = MixtureOfExperts(degree=2, **QUICK)
    found = select(data[["x"]], data["yn"], estimator=moe, n_experts=[2], gate_degree=[0, 1])
    for i, name in enumerate(["NPreg_const", "NPreg_gate"]):
        for column in ("aic", "bic"):
            assert found.table[column][i] == pytest.approx(gold[name][column], abs=1e-6)
        assert found.table["n_parameters"][i] == gold[name]["df"]
    assert found.best_params_ == {"n_experts": 2, "gate_degree": 0}


PRINTED = ((("GNP", "CO2"), ("CO2_const", "CO2_gate")), (("NO", "Equivalence"), (None, "NO_gate")))


@pytest.mark.parametrize(("columns", "names"), PRINTED)
def test_equals_what_mixtools_and_moeclust_maximise(oracle, gold, columns, names):
    """MoEClust prints BIC with the other sign; mixtools prints the log-likelihood alone."""
    inputs, response = columns
    data = pd.read_csv(oracle / gold[names[1]]["data"])
    moe = MixtureOfExperts(n_init=8, random_state=0)
    settings: dict[str, Any] = {"n_experts": [2], "gate_degree": [0, 1]}
    found = select(data[[inputs]].astype(float), data[response], estimator=moe, **settings)
    for i, name in enumerate(names):
        if name is not None:
            known, row = gold[name], found.table.iloc[i]
            assert row["log_likelihood"] == pytest.approx(known["loglik"], abs=1e-7)
            assert row["aic"] == pytest.approx(known["aic"], abs=1e-6)
            assert row["bic"] == pytest.approx(known["bic"], abs=1e-6)
            assert row["n_parameters"] == known["df"]


@pytest.mark.exhaustive
def test_equals_what_latents_prints(oracle):
    """To the half of a hundredth that it is rounded to, and by which its fits are short.

    Its ICL is printed to whole numbers. With three and four experts its fits are short of the
    maximum where the log-likelihood is flat, and the entropy of the responsibilities is not.
    """
    data = pd.read_csv(oracle / "latents_study_hours.csv")
    moe = MixtureOfExperts(gate_degree=0, random_state=0)
    found = select(data[["hours"]], data["score"], estimator=moe, n_experts=[1, 2, 3, 4])
    printed = [6510.32, 6335.63, 6340.65, 6354.49]
    np.testing.assert_allclose(found.table["bic"], printed, atol=0.01)
    np.testing.assert_allclose(found.table["icl"][:2], [6510, 7030], atol=0.5)
    np.testing.assert_allclose(found.table["icl"][2:], [7272, 7460], atol=2)
    assert found.table["regular"].all()
    assert found.best_params_ == {"n_experts": 2}


def test_one_standard_error_rule_and_fits_that_are_not_regular():
    table = pd.DataFrame(
        {
            "bic": [3.0, 2.0, 1.0],
            "held_out": [-1.0, -0.9, -0.5],
            "held_out_se": [0.1, 0.2, 0.1],
            "n_parameters": [3, 7, 11],
            "regular": [True, True, False],
        }
    )
    assert best_row(table, "bic") == 1
    assert best_row(table, "held_out") == 1
    assert best_row(table, "one_se") == 0
    table["regular"] = False
    assert best_row(table, "bic") == 2
    table["bic"] = np.nan
    assert best_row(table, "bic") is None


def test_no_regular_member_warns():
    X = np.linspace(-1, 1, 30)[:, None]
    y = (X[:, 0] > 0).astype(int)  # separated
    moe = MixtureOfExpertsClassifier(random_state=0)
    with pytest.warns(ConvergenceWarning, match="No member of the grid is a regular maximum"):
        found = select(X, y, estimator=moe, n_experts=[1])
    assert found.table["status"][0] == "SEPARATED"
    assert "The winner is not sound" in found.summary()


def test_impossible_members_are_told_before_anything_is_fitted(two_lines, monkeypatch):
    fitted: list[int] = []
    monkeypatch.setattr(MixtureOfExperts, "fit", lambda *_, **__: fitted.append(1))
    with pytest.raises(ValueError, match=r"gate=nonsense is possible in no member .*K=1, gate"):
        select(*two_lines, gate=["softmax", "nonsense"], **K12)
    with pytest.raises(ValueError, match=r"^y must hold counts"):
        select(*two_lines, expert=["poisson"], **K12)
    with pytest.raises(ValueError, match=r"No member .* possible\. \(K=1, gate=Top"):
        select(*two_lines, gate=[TopKGate(k=3)], **K12)
    with pytest.raises(ValueError, match="different units"):
        select(two_lines[0], np.arange(120), expert=["gaussian", "poisson"], **K12)
    with pytest.raises(ValueError, match="cannot compare a Gaussian gate"):
        select(*two_lines, gate=["softmax", "gaussian"], **K12)
    with pytest.raises(TypeError, match="did you mean gate"):
        select(*two_lines, gating=["softmax"], **K12)
    assert not fitted


def test_members_on_the_edge_of_a_grid_are_told_in_their_rows(two_lines):
    moe = MixtureOfExperts(gate_degree=0, **QUICK)
    told = r"K=1, gate=TopKGate\(k=2\)\): k must be at most"
    with pytest.warns(UserWarning, match=told) as warned:
        found = select(*two_lines, estimator=moe, n_experts=[1, 2], gate=[TopKGate(k=2)])
    assert warned[0].filename == __file__  # the line that asked
    assert found.fits[0] is None
    assert found.table["status"][0] == "IMPOSSIBLE"
    assert found.table["remark"][0].startswith("k must be at most")
    assert found.best_index_ == 1


def test_a_member_that_cannot_be_fitted_is_told_in_its_row(two_lines, monkeypatch):
    fit = MixtureOfExperts.fit

    def refusing(self, *rows, **weights):
        if self.n_experts == 1:
            raise ValueError("no such fit")
        return fit(self, *rows, **weights)

    monkeypatch.setattr(MixtureOfExperts, "fit", refusing)
    found = select(*two_lines, estimator=MixtureOfExperts(gate_degree=0, **QUICK), **K12)
    assert list(found.table["status"]) == ["FAILED", "CONVERGED"]
    assert found.table["remark"][0] == "no such fit"


def test_criteria_that_do_not_apply_say_why(two_lines):
    X, y = two_lines
    weight = np.linspace(0.5, 1.5, len(y))
    moe = MixtureOfExperts(gate_degree=0, **QUICK)
    with pytest.raises(ValueError, match=r"criterion='bic' must not be used here: .*no counts"):
        select(X, y, estimator=moe, sample_weight=weight, n_experts=[1])
    with pytest.raises(ValueError, match="does to none: No criteria: a ridge shrinks slopes"):
        select(X, y, estimator=moe, ridge=0.1, n_experts=[1])
    found = select(
        X, y, estimator=moe, sample_weight=weight, n_experts=[1], cv=2, criterion="held_out"
    )
    assert np.isnan(found.table["bic"][0])
    assert "no counts" in found.table["remark"][0]
    assert np.isfinite(found.table["held_out"][0])
    with pytest.raises(ValueError, match="cv must be given for criterion='one_se'"):
        select(X, y, criterion="one_se", n_experts=[1])


def test_weights_by_name_beside_formulas(two_lines):
    X, y = two_lines
    frame = pd.DataFrame({"x": X[:, 0], "y": y, "w": np.arange(120) % 3 + 1})
    formulas = ["y ~ 1", "y ~ x"]
    moe = MixtureOfExperts(n_init=2, random_state=0)
    found = select(frame, estimator=moe, formula=formulas, sample_weight="w", n_experts=[1])
    plain = MixtureOfExperts(1).fit(X, y, sample_weight=frame["w"])
    wanted = plain.bic(X, y, sample_weight=frame["w"])
    assert found.table["bic"][1] == pytest.approx(wanted, rel=1e-9)


@pytest.mark.exhaustive
def test_contexts_state_the_number_of_experts(two_lines):
    X, y = two_lines
    known = pd.DataFrame({"g": np.where(y > 1.5, "high", "low")})
    moe = ContextualMixtureOfExperts(labels("g", ["low", "high"], 0.9), **QUICK)
    found = select(
        X, y, estimator=moe, degree=[0, 1], gate_degree=0, params={"context_data": known}, cv=2
    )
    assert found.best_params_ == {"n_experts": None, "degree": 1, "gate_degree": 0}
    assert np.isfinite(found.table["held_out"]).all()


def test_whole_weights_count_rows(two_lines):
    X, y = two_lines
    moe = MixtureOfExperts(gate_degree=0, **QUICK)
    twice = select(X, y, estimator=moe, sample_weight=np.full(120, 2), n_experts=[1])
    repeated = select(np.vstack([X, X]), np.tile(y, 2), estimator=moe, n_experts=[1])
    for name in ("bic", "icl", "sabic"):
        assert twice.table[name][0] == pytest.approx(repeated.table[name][0], rel=1e-9)


def test_a_folder_keeps_members_and_knows_its_rows(two_lines, tmp_path, monkeypatch, capsys):
    X, y = two_lines
    calls: list[int] = []
    fit = MixtureOfExperts.fit

    def counted(self, *rows, **weights):
        calls.append(self.n_experts)
        return fit(self, *rows, **weights)

    monkeypatch.setattr(MixtureOfExperts, "fit", counted)
    moe = MixtureOfExperts(gate_degree=0, **QUICK)
    settings: dict[str, Any] = {"estimator": moe, "folder": tmp_path / "kept", "verbose": True}
    first = select(X, y, n_experts=[1], **settings)
    again = select(X, y, n_experts=[1], **settings)
    assert calls == [1]
    pd.testing.assert_frame_equal(first.table, again.table)
    np.testing.assert_array_equal(
        first.best_estimator_.predict(X), again.best_estimator_.predict(X)
    )
    select(X, y + 1, n_experts=[1], **settings)  # other rows
    select(X, y, n_experts=[1], tol=1e-7, **settings)  # another setting
    assert calls == [1, 1, 1]
    for path in (tmp_path / "kept").glob("*.member"):
        path.write_bytes(path.read_bytes()[:-1])
    select(X, y, n_experts=[1], **settings)
    assert calls == [1, 1, 1, 1]
    assert len(list((tmp_path / "kept").glob("*.damaged"))) == 1
    assert "[select] 1 of 1: K=1: CONVERGED, BIC" in capsys.readouterr().out
    with pytest.raises(ValueError, match="folder needs random_state to be an integer"):
        select(X, y, estimator=MixtureOfExperts(), folder=tmp_path)
