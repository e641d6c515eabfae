"""Models written as formulas."""

import warnings

import numpy as np
import pandas as pd
import pytest

from mixstat import DesignWarning, MixtureOfExperts

pytest.importorskip("formulaic")


@pytest.fixture
def frame(rng):
    n = 300
    x, w = rng.uniform(1, 3, n), rng.standard_normal(n)
    first = rng.random(n) < 1 / (1 + np.exp(-2 * w))
    y = np.where(first, 1 + x**2, 3 - x) + 0.5 * rng.standard_normal(n)
    return pd.DataFrame({"y": y, "x": x, "w": w, "group": np.where(x > 2, "b", "a")})


def test_formula_equals_columns(frame):
    formula = MixtureOfExperts.from_formula(
        "y ~ x + I(x**2)", gate="~ w", data=frame, n_experts=2, random_state=0
    )
    columns = MixtureOfExperts(
        2, degree=2, expert_features=["x"], gate_features=["w"], random_state=0
    ).fit(frame[["x", "w"]], frame["y"])
    np.testing.assert_allclose(formula.expert_coef_, columns.expert_coef_, rtol=1e-9)
    np.testing.assert_allclose(formula.gate_coef_, columns.gate_coef_, rtol=1e-9, atol=1e-12)
    assert formula.expert_names_ == ["1", "x", "I(x ** 2)"]
    assert formula.gate_names_ == ["1", "w"]


def test_methods_take_data_frames(frame):
    moe = MixtureOfExperts.from_formula("y ~ x", gate="~ w", data=frame, random_state=0)
    assert moe.predict(frame).shape == (300,)
    np.testing.assert_allclose(moe.score_samples(frame).mean(), moe.log_likelihood_, rtol=1e-10)
    np.testing.assert_allclose(moe.score_samples(frame, frame["y"]), moe.score_samples(frame))
    assert moe.responsibilities(frame).shape == moe.gate_proba(frame).shape == (300, 2)
    assert moe.bic(frame) > moe.aic(frame)
    assert "I(x" not in str(moe.summary())
    without = frame.drop(columns="y")
    np.testing.assert_array_equal(moe.predict(without), moe.predict(frame))
    assert moe.predict_interval(without).shape == (300, 2)


def test_transforms_keep_their_state(frame):
    """poly() and categories on new rows are those of the training rows."""
    moe = MixtureOfExperts.from_formula("y ~ poly(x, 2) + group", data=frame, random_state=0)
    np.testing.assert_allclose(moe.predict(frame.iloc[:1]), moe.predict(frame)[:1], rtol=1e-10)


def test_gate_defaults_to_the_experts_features_and_one_is_constant(frame):
    same = MixtureOfExperts.from_formula("y ~ x", data=frame, random_state=0)
    assert same.gate_names_ == ["1", "x"]
    constant = MixtureOfExperts.from_formula("y ~ x", gate="~ 1", data=frame, random_state=0)
    assert np.ptp(constant.gate_proba(frame), axis=0).max() < 1e-14


def test_without_an_intercept(frame):
    """Lines through the origin: no constant is smuggled in."""
    moe = MixtureOfExperts.from_formula("y ~ 0 + x", gate="~ w", data=frame, random_state=0)
    assert moe.expert_names_ == ["x"]
    at_zero = frame.assign(x=0.0)
    np.testing.assert_allclose(moe.predict(at_zero), 0.0, atol=1e-12)
    assert moe.converged_


@pytest.mark.fast
def test_bad_formulas(frame):
    with pytest.raises(ValueError, match="formula names z, which is not a column of data; data"):
        MixtureOfExperts.from_formula("y ~ z", data=frame)
    with pytest.raises(ValueError, match="gate_formula names z, which is not a column"):
        MixtureOfExperts.from_formula("y ~ x", gate="~ z", data=frame)
    with pytest.raises(ValueError, match="formula must have a response"):
        MixtureOfExperts.from_formula("~ x", data=frame)
    with pytest.raises(ValueError, match="gate_formula must have no response"):
        MixtureOfExperts.from_formula("y ~ x", gate="y ~ w", data=frame)
    with pytest.raises(TypeError, match="needs a data frame"):
        MixtureOfExperts.from_formula("y ~ x", data=frame.to_numpy())
    with pytest.raises(ValueError, match="degree cannot be set beside a formula"):
        MixtureOfExperts.from_formula("y ~ x", data=frame, degree=2)
    frame.loc[3, "x"] = np.nan
    with pytest.raises(ValueError, match=r"formula could not be evaluated: .*null"):
        MixtureOfExperts.from_formula("y ~ x", data=frame)


def test_infinity_and_unseen_categories_are_refused(frame):
    moe = MixtureOfExperts.from_formula("y ~ x + group", gate="~ w", data=frame, random_state=0)
    with pytest.raises(ValueError, match="formula could not be evaluated"):
        moe.predict(frame.assign(group="c"))
    with pytest.raises(ValueError, match="formula: y contains NaN or infinity"):
        MixtureOfExperts.from_formula("y ~ x", data=frame.assign(y=np.inf))
    frame.loc[0, "x"] = np.inf
    with pytest.raises(ValueError, match="formula: x contains NaN or infinity"):
        MixtureOfExperts.from_formula("y ~ x", data=frame)


@pytest.mark.fast
def test_other_bad_formulas(frame):
    with pytest.raises(ValueError, match="the response must be numeric"):
        MixtureOfExperts.from_formula("group ~ x", data=frame)
    with pytest.raises(ValueError, match="gate_formula has no columns; write 1 for a constant"):
        MixtureOfExperts.from_formula("y ~ x", gate="~ 0", data=frame)
    with pytest.raises(ValueError, match=r"formula names nonsense|formula could not be evaluated"):
        MixtureOfExperts.from_formula("y ~ nonsense(x)", data=frame)


def test_ridge_shrinks_every_column_where_there_is_no_constant(frame):
    free, shrunk = (
        MixtureOfExperts.from_formula("y ~ 0 + x", data=frame, n_experts=1, ridge=r)
        for r in (0.0, 1.0)
    )
    assert abs(shrunk.expert_coef_[0, 0]) < 0.9 * abs(free.expert_coef_[0, 0])


def test_score_reads_the_response_from_the_frame(frame):
    moe = MixtureOfExperts.from_formula("y ~ x", gate="~ w", data=frame, random_state=0)
    assert moe.score(frame) == moe.score(frame, frame["y"]) > 0.1


@pytest.mark.parametrize(
    "formula", ["y ~ kind", "y ~ C(kind)", "y ~ C(kind, levels=['a', 'b', 'c'])"]
)
def test_declared_categories_that_were_not_seen_are_refused(frame, formula):
    """They would be predicted as the first one."""
    kind = pd.Categorical(frame["group"], categories=["a", "b", "c"])
    moe = MixtureOfExperts(1, formula=formula, gate_formula="~ kind", random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DesignWarning)  # a level of the formula without rows
        moe.fit(frame.assign(kind=kind))
    new = frame.assign(kind=pd.Categorical(["c"] * len(frame), categories=["a", "b", "c"]))
    with pytest.raises(ValueError, match=r"kind has the category c, .* it saw (a, b|b, a)"):
        moe.predict(new)
    assert moe.predict(new.assign(kind="b")).shape == (300,)
    if "levels" not in formula:
        assert not any("c" in name.rpartition("[")[2] for name in moe.expert_names_)


@pytest.mark.parametrize(
    "formula",
    [
        "y ~ sqrt(x)",
        "y ~ abs(w) + log1p(x)",
        "y ~ exp10(x)",
        "y ~ number",
        "y ~ count",
        "y ~ words",
    ],
)
def test_functions_and_kinds_of_columns(frame, formula):
    data = frame.assign(
        number=frame["x"].astype(object),
        count=pd.array(range(len(frame)), dtype="Int64"),
        words=frame["group"].astype("string"),
    )
    moe = MixtureOfExperts(1, formula=formula, random_state=0).fit(data)
    assert len(moe.expert_names_) == 3 if "abs" in formula else 2
    np.testing.assert_allclose(moe.predict(data[::-1])[::-1], moe.predict(data), rtol=1e-12)


@pytest.mark.fast
def test_powers_of_ten_are_powers_of_ten(frame):
    moe = MixtureOfExperts(1, formula="y ~ exp10(x)", random_state=0).fit(frame)
    column = moe.expert_design_.source.columns(frame)[:, 1]
    np.testing.assert_allclose(column, 10.0 ** frame["x"])


@pytest.mark.fast
def test_long_tables_are_not_listed_whole(frame):
    wide = pd.concat([frame, pd.DataFrame(0.0, frame.index, [f"c{j}" for j in range(500)])], axis=1)
    with pytest.raises(ValueError, match=r"names z, .* and 492 more") as caught:
        MixtureOfExperts(1, formula="y ~ z").fit(wide)
    assert len(str(caught.value)) < 300
