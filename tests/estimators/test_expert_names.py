"""Names of experts in everything that is told of them; the numbers are those without names."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone

import mixstat
from mixstat import ExpertShares, MixtureOfExperts
from mixstat.plotting import (
    CoefficientDisplay,
    EffectsDisplay,
    GateDisplay,
    GateReliabilityDisplay,
    RootogramDisplay,
)
from mixstat.selection.grid import with_settings
from mixstat.selection.pruning import prune

NAMES = ["steady", "in <transit>"]
SETTINGS = {"n_init": 2, "random_state": 0}
RNG = np.random.default_rng(5)
X = RNG.uniform(-1, 1, (300, 1))
UP = RNG.random(300) < 1 / (1 + np.exp(-3 * X[:, 0]))
Y = np.where(UP, 1 + X[:, 0], -1 - X[:, 0]) + 0.2 * RNG.normal(size=300)


@pytest.fixture(scope="module")
def moe():
    return MixtureOfExperts(2, expert_names=NAMES, **SETTINGS).fit(X, Y)


@pytest.fixture(scope="module")
def results(moe):
    return moe.inference(X, Y)


@pytest.fixture(scope="module")
def bare():
    return MixtureOfExperts(2, **SETTINGS).fit(X, Y)


def test_names_change_no_number(moe, bare):
    assert moe.params.tolist() == bare.params.tolist()
    assert moe.parameter_names == bare.parameter_names
    assert moe.expert_titles_ == NAMES
    assert bare.expert_titles_ == ["expert 0", "expert 1"]


def test_summaries_and_notebooks(moe, results):
    for text in (str(moe.summary()), str(results)):
        assert "Expert 0, steady (share" in text
        assert "Names of experts: 0 is steady, 1 is in <transit>." in text
    assert "in &lt;transit&gt; " in moe._repr_html_()


def test_every_table_has_names_where_it_had_numbers(moe, bare, results):
    numbered = bare.inference(X, Y)
    word = dict(enumerate(NAMES))

    def check(named, plain):
        whole = plain["part"] != "gate" if "part" in plain else np.ones(len(plain), bool)
        wanted = [word.get(one, one) if own else one for one, own in zip(plain["expert"], whole)]
        pd.testing.assert_frame_equal(named.drop(columns="expert"), plain.drop(columns="expert"))
        assert {str(one) for one in named["expert"]} == {str(one) for one in wanted}
        known = [one for one in zip(named["expert"], wanted) if not pd.isna(one[1])]
        assert all(one == other for one, other in known)

    for tables in zip(_tables(results), _tables(numbered), strict=True):
        check(*tables)
    covered = [one.interval_coverage(X, Y, by_expert=True) for one in (moe, bare)]
    check(*covered)
    assert numbered.expert_diagnostics().index.tolist() == [0, 1]


def _tables(results):
    return (
        results.summary_frame(),
        results.expert_diagnostics().reset_index(),
        results.posterior_rootogram(),
        results.gate_reliability(),
        results.get_prediction(X[:2]).summary_frame(),
        results.marginal_effects(of="expert").summary_frame(),
    )


def test_effects_are_told_by_name(results):
    effects = results.marginal_effects(of="share")
    assert "steady" in str(effects)
    assert "expert" not in str(effects).lower()
    drawn = EffectsDisplay.from_effects(effects)
    assert [one.name for one in drawn.panels[0].series] == NAMES


def test_displays(moe, results):
    assert GateDisplay.from_estimator(moe, X).names == NAMES
    histograms = RootogramDisplay.from_results(results)
    assert [one.get_title() for one in histograms.axes_] == NAMES
    reliability = GateReliabilityDisplay.from_results(results)
    assert set(reliability.ax_.get_legend_handles_labels()[1]) >= set(NAMES)
    panels = CoefficientDisplay.from_results(results).panels
    assert [one.name for one in panels[0].series] == NAMES
    assert [one.name for one in panels[1].series] == ["equation 0"]


def test_copies_files_and_other_numbers_of_experts(moe, tmp_path):
    assert clone(moe).get_params()["expert_names"] == NAMES
    mixstat.save(moe, tmp_path / "model.npz")
    loaded = mixstat.load(tmp_path / "model.npz")
    assert loaded.expert_titles_ == NAMES
    assert str(loaded.summary()) == str(moe.summary())
    assert with_settings(moe, {"n_experts": 3}).expert_names is None
    assert with_settings(moe, {"n_experts": 2}).expert_names == NAMES
    least = float(moe.expert_share_.min()) + 1e-3
    pruned = prune(moe, X, Y, min_share=least).best_estimator_
    assert pruned.expert_titles_ == [NAMES[int(np.argmax(moe.expert_share_))]]


def test_columns_of_shares(moe, bare):
    for given, wanted in ((moe, NAMES), (bare, ["expert0", "expert1"])):
        shares = ExpertShares(clone(given))
        shares.estimator_ = given
        assert shares.get_feature_names_out().tolist() == wanted
