"""Rows with missing values: refused, or left out and told."""

import numpy as np
import pandas as pd
import pytest

from mixstat import MixtureOfExperts, MixtureOfExpertsClassifier

RNG = np.random.default_rng(3)
N = 60
DATA = pd.DataFrame({"x": RNG.normal(size=N), "w": RNG.normal(size=N)}, index=np.arange(N) + 100)
DATA["y"] = 1 + 2 * DATA.x + 0.3 * RNG.normal(size=N)
DATA["g"] = np.where(DATA.x + RNG.normal(size=N) > 0, "in", "out")
HOLES = DATA.copy()
HOLES.loc[103, "x"] = HOLES.loc[110, "w"] = np.nan
HOLES.loc[[120, 121, 103], "y"] = np.nan
HOLES.loc[130, "g"] = None
FULL = HOLES.dropna(subset=["x", "w", "y"])


def test_rows_that_lack_a_value_are_left_out_and_told():
    X, y = HOLES[["x", "w"]], HOLES["y"]
    moe = MixtureOfExperts(1, missing="drop").fit(X, y)
    known = MixtureOfExperts(1).fit(FULL[["x", "w"]], FULL["y"])
    assert moe.params == pytest.approx(known.params, abs=1e-12)
    assert moe.n_dropped_ == 4
    assert list(moe.kept_index_) == list(FULL.index)
    assert "4 of 60 rows have missing values and were left out, 3 of them without a response." in (
        str(moe.summary())
    )
    assert moe.bic(X, y) == pytest.approx(known.bic(FULL[["x", "w"]], FULL["y"]))
    assert moe.score(X, y) == pytest.approx(known.score(FULL[["x", "w"]], FULL["y"]))
    with pytest.raises(ValueError, match="NaN"):
        moe.predict(X)
    with pytest.raises(ValueError, match="NaN"):
        MixtureOfExperts(1).fit(X, y)


@pytest.mark.filterwarnings("ignore")
def test_arrays_weights_offsets_and_starts_lose_the_same_rows():
    X, y = HOLES[["x", "w"]].to_numpy(), HOLES["y"].to_numpy()
    weight, offset = np.linspace(1, 2, N), np.linspace(0, 1, N)
    weight[40], offset[41] = np.nan, np.nan
    start = (DATA.x > 0).astype(int).to_numpy()
    settings = {"gate_degree": 0, "max_iter": 3, "tol": 0.05}
    left = np.flatnonzero(np.isfinite(np.c_[X, y, weight, offset]).all(axis=1))
    moe = MixtureOfExperts(2, missing="drop", init=start, **settings)
    moe.fit(X, y, sample_weight=weight, offset=offset)
    known = MixtureOfExperts(2, init=start[left], **settings)
    known.fit(X[left], y[left], sample_weight=weight[left], offset=offset[left])
    assert moe.params == pytest.approx(known.params, abs=1e-12)
    assert list(moe.kept_index_) == list(left)


def test_only_columns_of_the_formula_count():
    moe = MixtureOfExperts(1, formula="y ~ x", missing="drop").fit(HOLES)
    assert moe.n_dropped_ == 3
    labels = MixtureOfExpertsClassifier(1, formula="g ~ x", missing="drop").fit(HOLES)
    assert labels.n_dropped_ == 2
    assert list(labels.classes_) == ["in", "out"]
    assert labels.score(HOLES) == labels.score(HOLES.dropna(subset=["x", "g"]))


def test_inference_takes_the_rows_that_were_given_to_fit():
    X, y, groups = HOLES[["x", "w"]], HOLES["y"], np.arange(N) // 5
    moe = MixtureOfExperts(1, missing="drop").fit(X, y)
    found = moe.inference(X, y, cov_type="cluster", groups=groups)
    left = FULL.index.to_numpy() - 100
    known = MixtureOfExperts(1).fit(FULL[["x", "w"]], FULL["y"])
    own = known.inference(FULL[["x", "w"]], FULL["y"], cov_type="cluster", groups=groups[left])
    assert np.asarray(found.bse) == pytest.approx(np.asarray(own.bse))
    assert len(found.get_prediction().mean) == len(left)


def test_nothing_is_left_out_of_whole_rows():
    moe = MixtureOfExperts(1, missing="drop").fit(DATA[["x", "w"]], DATA["y"])
    assert moe.n_dropped_ == 0
    assert "missing" not in str(moe.summary())
    moe.partial_fit(HOLES[["x", "w"]], HOLES["y"])
    assert moe.sum_of_weights_ == N + len(FULL)


def test_rows_that_lack_a_value_are_named_with_what_to_do():
    X, y = np.arange(20.0)[:, None], np.arange(20.0)
    holes, gap = X.copy(), y.copy()
    holes[[3, 5]], gap[7] = np.nan, np.nan
    with pytest.raises(ValueError, match=r"X contains NaN in row 3, 2 such .*'drop' leaves"):
        MixtureOfExperts(1).fit(holes, y)
    with pytest.raises(ValueError, match=r"y contains NaN in row 7, 1 such .*'drop' leaves"):
        MixtureOfExperts(1).fit(X, gap)
    moe = MixtureOfExperts(1, min_scale=1e-3).fit(X, y + np.sin(y))
    for frame in (holes, holes.tolist()):
        with pytest.raises(ValueError, match=r"X contains NaN in row 3, 2 such .*every input"):
            moe.predict(frame)
