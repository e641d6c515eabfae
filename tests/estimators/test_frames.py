"""Frames as people have them: text, categories, booleans, and columns that are told by name."""

import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from mixstat import ContextualMixtureOfExperts, MixtureOfExperts, MixtureOfExpertsClassifier
from mixstat.plotting import FittedMeanDisplay
from mixstat.rates import from_fit
from mixstat.selection import select

RNG = np.random.default_rng(3)
N = 160
FRAME = pd.DataFrame(
    {
        "x": RNG.normal(size=N),
        "on": RNG.random(N) < 0.5,
        "site": RNG.choice(["B", "A", "C"], N),
        "dose": pd.Categorical(RNG.choice(["low", "high"], N), ["none", "low", "high"]),
    },
    index=np.arange(N) + 1000,
)
SHIFT = FRAME.site.map({"A": 0.0, "B": 1.0, "C": -1.0}) + 0.5 * FRAME.on
UP = RNG.random(N) < 0.5
Y = (np.where(UP, 3 + FRAME.x, -1 - FRAME.x) + SHIFT + 0.4 * RNG.normal(size=N)).rename("y")
HAND = pd.get_dummies(
    FRAME.assign(dose=FRAME.dose.cat.remove_unused_categories()), drop_first=True
).astype(float)
CODED = {"site_B": "site[B]", "site_C": "site[C]", "dose_high": "dose[high]"}
SETTINGS = {"n_init": 1, "random_state": 0, "gate_features": ["x"]}


@pytest.fixture(scope="module")
def moe() -> MixtureOfExperts:
    return MixtureOfExperts(2, **SETTINGS).fit(FRAME, Y)


def test_a_frame_is_fitted_as_columns_of_0_and_1_made_by_hand(moe):
    hand = MixtureOfExperts(2, **SETTINGS).fit(HAND, Y)
    assert moe.converged_
    assert moe.expert_names_ == ["1", *(CODED.get(name, name) for name in HAND.columns)]
    assert moe.params == pytest.approx(hand.params, abs=1e-10)
    assert moe.log_likelihood_ == pytest.approx(hand.log_likelihood_, abs=1e-12)
    assert moe.predict(FRAME) == pytest.approx(hand.predict(HAND), abs=1e-10)
    assert moe.bic(FRAME, Y) == pytest.approx(hand.bic(HAND, Y), abs=1e-8)
    assert list(moe.feature_names_in_) == list(FRAME.columns)
    assert moe.n_features_in_ == 4
    assert moe.levels_ == {"site": ("A", "B", "C"), "dose": ("low", "high")}
    assert hand.levels_ == {}
    assert "Reference levels: site A, dose low." in str(moe.summary())
    mine, theirs = (
        moe.inference(FRAME, Y, cov_type="robust"),
        hand.inference(HAND, Y, cov_type="robust"),
    )
    assert mine.bse.to_numpy() == pytest.approx(theirs.bse.to_numpy(), rel=1e-8)


def test_a_category_that_is_chosen_by_name_brings_all_its_columns():
    settings = SETTINGS | {"expert_features": ["x", "site"], "gate_features": "dose", "degree": 2}
    moe = MixtureOfExperts(1, **settings).fit(FRAME, Y)
    # squares of columns of 0 and 1, and products within a category, are left out
    names = ["1", "x", "site[B]", "site[C]", "x^2", "x site[B]", "x site[C]"]
    assert moe.expert_names_ == names
    assert moe.gate_names_ == ["1", "dose[high]"]
    x, B, C = (HAND[one] for one in ("x", "site_B", "site_C"))
    hand = np.linalg.lstsq(np.c_[x**0, x, B, C, x**2, x * B, x * C], Y)[0]
    assert moe.expert_coef_[0] == pytest.approx(hand, abs=1e-10)


def test_levels_of_the_order_in_which_people_put_them():
    other = FRAME.assign(site=pd.Categorical(FRAME.site, ["C", "B", "A"]))
    moe = MixtureOfExperts(1, **SETTINGS).fit(other, Y)
    assert moe.levels_["site"] == ("C", "B", "A")
    swapped = MixtureOfExperts(1, **SETTINGS).fit(FRAME, Y)
    assert moe.predict(other) == pytest.approx(swapped.predict(FRAME), abs=1e-10)
    # the same text under another dtype is the same level
    assert moe.predict(FRAME) == pytest.approx(moe.predict(other), abs=1e-12)


def test_new_rows_must_be_like_those_of_the_fit(moe):
    with pytest.raises(ValueError, match=r"X\['site'\] must hold levels .*A, B, C.*'D' in row 2"):
        moe.predict(FRAME[:3].assign(site=["A", "B", "D"]))
    with pytest.raises(ValueError, match=r"X\['dose'\].*'none' in row 0"):
        moe.predict(FRAME[:1].assign(dose="none"))
    with pytest.raises(TypeError, match=r"X must be a data frame.*site.*ndarray"):
        moe.predict(FRAME.to_numpy())
    with pytest.raises(ValueError, match="feature names"):
        moe.predict(FRAME.drop(columns="on"))
    with pytest.raises(ValueError, match=r"X\['site'\] must have a level.*row 1"):
        moe.predict(FRAME[:2].assign(site=["A", None]))
    with pytest.raises(ValueError, match=r"X\['x'\] must hold numbers, got 'a'"):
        moe.predict(FRAME[:2].assign(x=["a", "b"]))
    # what the gate does not see, it is not asked
    assert moe.gate_proba(FRAME[:1].assign(site="D")).shape == (1, 2)


def test_missing_levels_are_missing_values():
    holes = FRAME.assign(site=FRAME.site.mask(FRAME.index % 10 == 3))
    holes["count"] = pd.array([None, *range(1, N)], dtype="Int64")
    with pytest.raises(ValueError, match=r"missing value.*16 in all; missing='drop'"):
        MixtureOfExperts(1).fit(holes.drop(columns="count"), Y)
    moe = MixtureOfExperts(1, missing="drop").fit(holes, Y)
    full = holes.dropna()
    assert moe.n_dropped_ == N - len(full) == 17
    known = MixtureOfExperts(1).fit(full, Y[full.index])
    assert moe.params == pytest.approx(known.params, abs=1e-12)
    assert moe.score(holes, Y) == pytest.approx(known.score(full, Y[full.index]))


def test_nullable_booleans_and_numbers_are_numbers():
    nullable = FRAME.convert_dtypes()
    assert str(nullable.on.dtype) == "boolean"
    moe = MixtureOfExperts(1).fit(nullable, Y)
    assert moe.params == pytest.approx(MixtureOfExperts(1).fit(FRAME, Y).params, abs=1e-12)


def test_response_weights_offset_and_units_by_name():
    frame = FRAME[["x", "site"]].assign(y=Y, w=1.0 + (FRAME.x > 0), e=FRAME.x**2)
    frame["who"] = np.arange(N) // 2
    settings = SETTINGS | {"gate_degree": 0}
    moe = MixtureOfExperts(2, **settings)
    with pytest.raises(ValueError, match="sample_weight must be the same"):
        moe.fit(frame, "y", "w", offset="e", groups="who")
    frame["w"] = 1.0 + frame.who % 2
    moe.fit(frame, "y", "w", offset="e", groups="who")
    assert list(moe.feature_names_in_) == ["x", "site"]
    known = MixtureOfExperts(2, **settings)
    X = frame[["x", "site"]]
    known.fit(X, Y, frame.w, offset=frame.e, groups=frame.who)
    assert moe.params == pytest.approx(known.params, abs=1e-12)
    criterion = known.bic(X, Y, frame.w, offset=frame.e, groups=frame.who)
    assert moe.bic(frame, sample_weight="w") == pytest.approx(criterion)
    assert moe.predict(frame) == pytest.approx(known.predict(X, offset=frame.e))
    assert moe.score(frame) == pytest.approx(known.score(X, Y, offset=frame.e))
    own = moe.inference(frame, sample_weight="w")
    assert own.bse.to_numpy() == pytest.approx(moe.inference().bse.to_numpy(), rel=1e-8)


def test_classes_by_name_and_their_probabilities():
    frame = FRAME.assign(label=np.where(Y > 1, "in", "out"), w=2.0)
    moe = MixtureOfExpertsClassifier(1).fit(frame, "label", "w")
    hand = MixtureOfExpertsClassifier(1).fit(HAND, frame.label)
    assert moe.predict_proba(frame) == pytest.approx(hand.predict_proba(HAND), abs=1e-10)
    assert moe.score(frame) == moe.score(frame, "label") == hand.score(HAND, frame.label)
    effects = moe.inference(frame, sample_weight="w").marginal_effects().summary_frame()
    assert set(effects.contrast[effects["column"] == "dose"]) == {"high - low"}


def test_tools_of_scikit_learn_take_frames(moe):
    again = pickle.loads(pickle.dumps(moe))
    assert again.predict(FRAME) == pytest.approx(moe.predict(FRAME), abs=0)
    assert clone(moe).get_params()["gate_features"] == ["x"]
    one = MixtureOfExperts(1)
    scores = cross_val_score(one, FRAME, Y, cv=3, error_score="raise")
    assert scores == pytest.approx(cross_val_score(one, HAND, Y, cv=3), abs=1e-9)
    features = {"expert_features": [["x"], ["x", "site"]]}
    grid = GridSearchCV(one, features, cv=3, error_score="raise").fit(FRAME, Y)
    assert grid.best_params_["expert_features"] == ["x", "site"]
    piped = make_pipeline(FunctionTransformer(lambda X: X.assign(x=2 * X.x)), one).fit(FRAME, Y)
    assert piped.predict(FRAME) == pytest.approx(one.fit(FRAME, Y).predict(FRAME), abs=1e-10)


def test_effects_are_differences_between_levels(moe):
    effects = moe.inference(FRAME, Y).marginal_effects().summary_frame()
    total = effects[effects.part == "total"].set_index(["column", "contrast"]).estimate
    assert list(total.index) == [
        ("x", "dy/dx"), ("on", "1 - 0"), ("site", "B - A"), ("site", "C - A"),
        ("dose", "high - low"),
    ]  # fmt: skip
    two = (moe.predict(FRAME.assign(site=level)) for level in ("C", "A"))
    assert total["site", "C - A"] == pytest.approx(np.mean(next(two) - next(two)), abs=1e-12)
    typical = moe.inference(FRAME, Y).marginal_effects(at="means", columns=["site"])
    assert np.isfinite(typical.summary_frame()["std_error"]).all()
    hand = MixtureOfExperts(2, **SETTINGS).fit(HAND, Y).inference(HAND, Y).marginal_effects()
    slopes = hand.summary_frame().query("column == 'x' and part == 'total'")
    mine = effects.query("column == 'x' and part == 'total'")
    numbers = ["estimate", "std_error"]
    assert mine[numbers].to_numpy() == pytest.approx(slopes[numbers].to_numpy(), rel=1e-8)


def test_displays_run_over_levels(moe):
    display = FittedMeanDisplay.from_estimator(moe, FRAME, feature="site")
    labels = [one.get_text() for one in display.ax_.get_xticklabels()]
    assert labels == ["A", "B", "C"]


@pytest.mark.exhaustive
def test_selection_and_contexts_take_frames():
    frame = FRAME.assign(y=Y, w=1.0 + (FRAME.x > 0))
    one = MixtureOfExperts(1)
    chosen = select(
        frame, "y", estimator=one, n_experts=[1], degree=[1, 2], sample_weight="w", cv=3
    )
    assert list(chosen.best_estimator_.feature_names_in_) == list(FRAME.columns)
    known = np.c_[UP, ~UP].astype(float)
    moe = ContextualMixtureOfExperts(n_experts=2, **SETTINGS).fit(FRAME, Y, possibilities=known)
    hand = ContextualMixtureOfExperts(n_experts=2, **SETTINGS).fit(HAND, Y, possibilities=known)
    assert moe.params == pytest.approx(hand.params, abs=1e-10)
    assert moe.context_proba(FRAME, Y, known) == pytest.approx(known, abs=1e-9)


def test_a_fit_on_categories_is_a_truth_of_its_columns(moe):
    truth = from_fit(moe, FRAME)
    means = truth.law.at(truth.inputs.X).mean()[0]
    np.testing.assert_allclose(means, moe.predict(FRAME))


def test_one_level_is_the_constant():
    moe = MixtureOfExperts(1).fit(FRAME.assign(site="A"), Y)
    assert "site" not in " ".join(moe.expert_names_)
    assert moe.levels_["site"] == ("A",)


def test_frames_of_polars_are_those_of_pandas():
    polars = pytest.importorskip("polars")
    frame = polars.DataFrame({name: FRAME[name].tolist() for name in ("x", "site")})
    moe = MixtureOfExperts(1).fit(frame.with_columns(polars.Series("y", Y.to_numpy())), "y")
    known = MixtureOfExperts(1).fit(FRAME[["x", "site"]], Y)
    assert moe.params == pytest.approx(known.params, abs=1e-12)
    assert moe.predict(frame) == pytest.approx(known.predict(FRAME[["x", "site"]]), abs=1e-12)
