"""A model written as a formula is an estimator like others, and never sees its response."""

import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.inspection import permutation_importance
from sklearn.model_selection import GridSearchCV, cross_val_predict, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from mixstat import ContextualMixtureOfExperts, MixtureOfExperts, MixtureOfExpertsClassifier
from mixstat.contextual import labels
from mixstat.selection import penalty_path

pytest.importorskip("formulaic")
LINE = {"formula": "y ~ x", "n_experts": 1, "random_state": 0}


@pytest.fixture(scope="module")
def noise():
    """A response that nothing explains."""
    rng = np.random.default_rng(0)
    columns = {"y": rng.normal(size=120), "x": rng.normal(size=120), "w": rng.uniform(1, 2, 120)}
    return pd.DataFrame(columns | {"g": rng.choice(["a", "b"], 120)})


def test_cross_validation_never_sees_the_response(noise):
    short = MixtureOfExperts.from_formula("y ~ x", data=noise, n_experts=1, random_state=0)
    plain = MixtureOfExperts(1, random_state=0)
    honest = cross_val_score(plain, noise[["x"]], noise["y"], cv=3)
    assert honest.max() < 0.1
    for scores in (
        cross_val_score(short, noise, noise["y"], cv=3),
        cross_val_score(short, noise, cv=3),
        cross_val_score(short, noise.drop(columns="y"), noise["y"], cv=3),
    ):
        np.testing.assert_allclose(scores, honest, atol=1e-9)


@pytest.mark.exhaustive
def test_the_formula_is_kept(noise):
    short = MixtureOfExperts.from_formula(
        "y ~ x", data=noise, gate="~ 1", gate_kind="sigmoid", n_experts=1, random_state=0
    )
    long = MixtureOfExperts(1, formula="y ~ x", gate_formula="~ 1", gate="sigmoid", random_state=0)
    assert repr(short) == repr(long)
    for same in (clone(short), long, pickle.loads(pickle.dumps(short)), short):
        np.testing.assert_array_equal(same.fit(noise).predict(noise), short.predict(noise))
    assert short.set_params(formula="y ~ x + w").fit(noise).expert_names_ == ["1", "x", "w"]
    assert short.formula_ == "y ~ x + w"


def test_a_search_over_formulas(noise):
    data = noise.assign(y=noise["x"] ** 2 + 0.1 * noise["y"])
    search = GridSearchCV(MixtureOfExperts(**LINE), {"formula": ["y ~ x", "y ~ I(x**2)"]}, cv=3)
    assert search.fit(data, data["y"]).best_params_ == {"formula": "y ~ I(x**2)"}
    assert search.predict(data.drop(columns="y")).shape == (120,)


def test_inputs_are_the_columns_on_the_right(noise):
    moe = MixtureOfExperts(**LINE, gate_formula="~ w").fit(noise)
    assert list(moe.feature_names_in_) == ["x", "w"]
    assert moe.n_features_in_ == 2
    other = noise.assign(y=1e6 * noise["y"], g="c")
    np.testing.assert_array_equal(moe.predict(other), moe.predict(noise[["w", "x"]]))
    importance = permutation_importance(moe, noise, noise["y"], n_repeats=2, random_state=0)
    assert importance.importances_mean[0] == importance.importances_mean[3] == 0


@pytest.mark.fast
@pytest.mark.parametrize(
    ("formulas", "argument"),
    [
        ({"formula": "y ~ x + y"}, "formula"),
        ({"formula": "log(y) ~ I(y**2)"}, "formula"),
        ({"formula": "y ~ bs(y, df=4)"}, "formula"),
        ({"formula": "y + w ~ w:x"}, "formula"),
        ({"formula": "y ~ x", "gate_formula": "~ y"}, "gate_formula"),
        ({"formula": "y ~ x", "gate_formula": "~ center(`y`)"}, "gate_formula"),
    ],
)
def test_a_response_is_no_input(noise, formulas, argument):
    with pytest.raises(ValueError, match=f"^{argument} must not have the response"):
        MixtureOfExperts(1, **formulas).fit(noise)


def test_a_response_beside_the_table(noise):
    """It stands for the left side, and must be it where the table has its columns."""
    rng = np.random.default_rng(1)
    moe = MixtureOfExperts(1, formula="log(w) ~ x", random_state=0)
    own = moe.fit(noise).params
    np.testing.assert_allclose(moe.fit(noise, np.log(noise["w"])).params, own)
    np.testing.assert_allclose(moe.fit(noise[["x"]], np.log(noise["w"])).params, own)
    with pytest.raises(ValueError, match=r"y must be the left side of the formula 'log\(w\) ~ x'"):
        moe.fit(noise, noise["w"])
    with pytest.raises(ValueError, match=r"y must be the left side .* got the column w as it"):
        moe.score(noise, noise["w"])
    assert moe.score(noise) == moe.score(noise, np.log(noise["w"]))
    with pytest.raises(ValueError, match="y must be the left side"):
        MixtureOfExperts(**LINE).fit(noise, rng.permutation(noise["y"]))


def test_weights_by_the_name_of_their_column(noise):
    moe = MixtureOfExperts(**LINE)
    by_name = moe.fit(noise, sample_weight="w").params
    np.testing.assert_array_equal(moe.fit(noise, sample_weight=noise["w"]).params, by_name)
    short = MixtureOfExperts.from_formula(
        "y ~ x", data=noise, n_experts=1, random_state=0, sample_weight="w"
    )
    np.testing.assert_array_equal(short.params, by_name)
    assert moe.bic(noise, sample_weight="w") == moe.bic(noise, sample_weight=noise["w"])
    assert moe.score(noise, sample_weight="w") == moe.score(noise, sample_weight=noise["w"])
    with pytest.raises(ValueError, match="sample_weight names 'v', which is not a column of data"):
        moe.fit(noise, sample_weight="v")
    with pytest.raises(ValueError, match="names 'w', which is not a column of X"):
        MixtureOfExperts(1).fit(noise[["x"]], noise["y"], sample_weight="w")


@pytest.mark.parametrize("change", [clone, lambda moe: pickle.loads(pickle.dumps(moe))])
def test_a_dot_is_all_other_columns(noise, change):
    dotted = change(MixtureOfExperts(1, formula="y ~ .", random_state=0)).fit(noise)
    named = MixtureOfExperts(1, formula="y ~ x + w + g", random_state=0).fit(noise)
    moe = change(dotted) if change is not clone else dotted
    assert moe.formula == moe.formula_ == "y ~ ."
    assert list(moe.feature_names_in_) == ["x", "w", "g"]
    np.testing.assert_array_equal(moe.params, named.params)
    new = noise.assign(more=1.0, y="unknown")[["g", "more", "y", "w", "x"]]
    for table in (noise, new, noise[["w", "g", "x"]]):
        np.testing.assert_array_equal(moe.predict(table), named.predict(noise))
    with pytest.raises(ValueError, match="formula names w, which is not a column of data"):
        moe.predict(noise[["x", "g"]])
    refitted = clone(moe).fit(new.assign(y=noise["y"], more=noise["x"] ** 2))
    assert list(refitted.feature_names_in_) == ["g", "more", "w", "x"]
    np.testing.assert_allclose(
        clone(moe).fit(noise.drop(columns="y"), noise["y"]).params, named.params
    )


@pytest.mark.parametrize(
    ("short", "long"),
    [
        ({"formula": "y ~ . - g"}, {"formula": "y ~ x + w"}),
        ({"formula": "y ~ (. - g)**2"}, {"formula": "y ~ x * w"}),
        ({"formula": "log(w) ~ x:. + 0"}, {"formula": "log(w) ~ x:y + x:g + x + 0"}),
        (
            {"formula": "y ~ x", "gate_formula": "~ ."},
            {"formula": "y ~ x", "gate_formula": "~ x + w + g"},
        ),
        ({"formula": "y + w ~ ."}, {"formula": "y + w ~ x + g"}),
    ],
)
def test_a_dot_stands_where_columns_stand(noise, short, long):
    short, long = (
        MixtureOfExperts(1, random_state=0, **formulas).fit(noise) for formulas in (short, long)
    )
    np.testing.assert_allclose(short.predict(noise), long.predict(noise), rtol=1e-9)
    assert set(short.gate_names_) == set(long.gate_names_)
    assert set(short.feature_names_in_) == set(long.feature_names_in_)


def test_a_dot_in_cross_validation_and_from_formula(noise):
    honest = cross_val_score(MixtureOfExperts(1), noise[["x", "w"]], noise["y"], cv=3)
    few = noise[["w", "y", "x"]]
    short = MixtureOfExperts.from_formula("y ~ .", few, gate="~ .", n_experts=1, random_state=0)
    for scores in (cross_val_score(short, few, cv=3), cross_val_score(short, few, few["y"], cv=3)):
        np.testing.assert_allclose(scores, honest, atol=1e-9)
    moe = MixtureOfExpertsClassifier(1, formula="g ~ .", random_state=0).fit(noise)
    assert list(moe.feature_names_in_) == ["y", "x", "w"]
    moe = MixtureOfExperts(1, formula="y ~ .")
    with pytest.raises(ValueError, match=r"sample_weight names 'w', which '\.' makes an input too"):
        moe.fit(noise, sample_weight="w")
    with pytest.raises(ValueError, match=r"sample_weight names 'w', which '\.' makes an input too"):
        penalty_path(moe, noise, noise["y"], sample_weight="w")
    named = MixtureOfExperts(1, formula="y ~ x + g").fit(noise, sample_weight="w")
    dotted = MixtureOfExperts(1, formula="y ~ . - w").fit(noise, sample_weight="w")
    np.testing.assert_array_equal(named.params, dotted.params)


@pytest.mark.parametrize("name", ["1", 1, "Intercept"])
def test_a_column_is_never_taken_for_the_constant(noise, name):
    table = noise.rename(columns={"w": name})
    with pytest.raises(ValueError, match="which formulas take for the constant"):
        MixtureOfExperts(1, formula="y ~ .").fit(table)
    assert MixtureOfExperts(1, formula="y ~ x").fit(table).expert_names_ == ["1", "x"]


def test_strings_of_arrow(noise):
    pytest.importorskip("pyarrow")
    arrow = noise.convert_dtypes(dtype_backend="pyarrow")
    moe = MixtureOfExperts(1, formula="y ~ x + g", random_state=0)
    here = moe.fit(noise).predict(noise)
    np.testing.assert_array_equal(moe.predict(arrow), here)
    np.testing.assert_array_equal(moe.fit(arrow).predict(noise), here)


def test_classes(noise):
    moe = MixtureOfExpertsClassifier(1, formula="g ~ x", random_state=0)
    honest = cross_val_score(MixtureOfExpertsClassifier(1), noise[["x"]], noise["g"], cv=3)
    np.testing.assert_allclose(cross_val_score(moe, noise, noise["g"], cv=3), honest)
    assert moe.fit(noise).score(noise) == moe.score(noise.drop(columns="g"), noise["g"])
    assert set(cross_val_predict(moe, noise, noise["g"], cv=3)) <= {"a", "b"}
    assert clone(moe).set_params(formula="C(g) ~ x").fit(noise).classes_.tolist() == ["a", "b"]
    signs = clone(moe).set_params(formula="I(y > 0) ~ x").fit(noise)
    assert signs.score(noise) == np.mean(signs.predict(noise) == (noise["y"] > 0))
    with pytest.raises(ValueError, match="formula must have one column of labels on the left"):
        clone(moe).set_params(formula="g + w ~ x").fit(noise)
    with pytest.raises(ValueError, match="y must be the left side"):
        moe.fit(noise, np.where(noise["g"] == "a", "b", "a"))


def test_contexts(noise):
    contexts = labels("g", ["a", "b"], 0.8)
    moe = ContextualMixtureOfExperts(contexts, formula="y ~ x", n_init=1, random_state=0)
    whole = moe.fit(noise).params
    np.testing.assert_allclose(moe.fit(noise.drop(columns="y"), noise["y"]).params, whole)
    assert cross_val_score(moe, noise, noise["y"], cv=2).max() < 0.1
    table = np.where(noise["g"].to_numpy()[:, None] == ["a", "b"], 1.0, 0.2)
    free = clone(moe).set_params(contexts=None).fit(noise, possibilities=table)
    np.testing.assert_allclose(free.params, whole, rtol=1e-6, atol=1e-8)


def test_pipelines(noise):
    scaler = StandardScaler().set_output(transform="pandas")
    pipe = make_pipeline(scaler, MixtureOfExperts(**LINE)).fit(noise[["x"]], noise["y"])
    plain = MixtureOfExperts(**LINE).fit(noise)
    np.testing.assert_allclose(pipe.predict(noise[["x"]]), plain.predict(noise), rtol=1e-9)
    with pytest.raises(TypeError, match="in a pipeline call set_output"):
        make_pipeline(StandardScaler(), MixtureOfExperts(**LINE)).fit(noise[["x"]], noise["y"])


@pytest.mark.exhaustive
def test_updates_and_paths(noise):
    moe = MixtureOfExperts(**LINE).partial_fit(noise[:100]).partial_fit(noise[100:])
    assert moe.predict(noise).shape == (120,)
    path = penalty_path(
        MixtureOfExperts(1, formula="y ~ x + g", random_state=0), noise, noise["y"], n_strengths=3
    )
    assert path.best_estimator_.formula == "y ~ x + g"


@pytest.mark.fast
def test_features_are_described_once(noise):
    for described in ({"degree": 2}, {"gate_features": ["x"]}, {"interactions": False}):
        with pytest.raises(ValueError, match=f"{next(iter(described))} cannot be set beside"):
            MixtureOfExperts(**LINE, **described).fit(noise)
    with pytest.raises(ValueError, match="formula must be given beside gate_formula"):
        MixtureOfExperts(gate_formula="~ x").fit(noise)
    with pytest.raises(ValueError, match="give the gate's features in gate_formula alone"):
        MixtureOfExperts.from_formula("y ~ x", noise, gate="~ x", gate_formula="~ w")
    with pytest.raises(ValueError, match="give the kind of gate in gate alone"):
        MixtureOfExperts.from_formula("y ~ x", noise, gate="softmax", gate_kind="sigmoid")
