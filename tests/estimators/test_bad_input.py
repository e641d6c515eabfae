"""Every bad input names the argument, what was seen and what was wanted."""

import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.exceptions import ConvergenceWarning, NotFittedError

from mixstat import DesignWarning, MixtureOfExperts


def data(n=60, d=1):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((n, d))
    up = rng.random(n) < 1 / (1 + np.exp(-X[:, 0]))
    return X, np.where(up, 1 + X[:, 0], -1 - X[:, 0]) + 0.4 * rng.standard_normal(n)


@pytest.mark.fast
@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"n_experts": 0}, r"n_experts must be an integer >= 1, got 0"),
        ({"n_experts": 2.5}, r"n_experts must be an integer >= 1, got 2.5"),
        ({"degree": -1}, r"degree must be an integer >= 0, got -1"),
        ({"gate_degree": "1"}, r"gate_degree must be an integer >= 0"),
        ({"n_init": 0}, r"n_init must be 'auto' or an integer of 1 or more, got 0"),
        ({"n_init": 2.5}, r"n_init must be 'auto' or an integer of 1 or more, got 2.5"),
        ({"n_init": "many"}, r"n_init must be 'auto' or an integer of 1 or more, got 'many'"),
        ({"scale_penalty": -1.0}, r"scale_penalty must be a finite number >= 0, got -1.0"),
        ({"min_share": -0.1}, r"min_share must be a finite number >= 0, got -0.1"),
        ({"min_share": 0.6}, r"min_share must be at most one over .* experts, 0.5; got 0.6"),
        ({"min_share": "some"}, r"min_share must be a finite number >= 0, got 'some'"),
        ({"max_iter": 0}, r"max_iter must be an integer >= 1"),
        ({"tol": 0.0}, r"tol must be a finite number > 0, got 0.0"),
        ({"min_scale": -1}, r"min_scale must be a finite number > 0, got -1"),
        ({"ridge": -0.1}, r"ridge must be a finite number >= 0, got -0.1"),
        (
            {"solver": "adam"},
            r"solver must be one of 'auto', .*'newton_cg' or an object .* got 'adam'",
        ),
        ({"gate": "top"}, r"gate must be one of .*'softmax'.* got 'top'"),
        ({"covariance": "round"}, r"covariance must be one of"),
        ({"init": "magic"}, r"init must be one of 'auto', 'kmeans'"),
        ({"init": []}, r"init must be .* got shape \(0,\)"),
        ({"expert_features": 1.5}, r"expert_features must hold column names or positions, got 1.5"),
        ({"interactions": "no"}, r"interactions must be True or False, got 'no'"),
        ({"init": ("kmeans", "magic")}, r"init must be one of"),
        ({"init": np.zeros((60, 3))}, r"init must be .* got shape \(60, 3\)"),
        ({"init": np.full(60, 2)}, r"init labels must lie in 0..1, got 2..2"),
        (
            {"init": np.full((60, 2), -1.0)},
            r"init responsibilities must be finite and not negative",
        ),
        ({"init": np.zeros((60, 2))}, r"init responsibilities must have a positive entry"),
        ({"gate_features": ["w"]}, r"gate_features names column 'w'; X has x0"),
        ({"expert_features": [3]}, r"expert_features asks for column 3, but X has 1 columns"),
        ({"expert_features": [0.5]}, r"expert_features must hold column names or positions"),
    ],
)
def test_settings(settings, message):
    X, y = data()
    with pytest.raises(ValueError, match=message):
        MixtureOfExperts().set_params(**settings).fit(X, y)


@pytest.mark.fast
@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda X, y: (X[:, 0], y), "Expected 2D array, got 1D array"),
        (lambda X, y: (X, y[:-1]), "inconsistent numbers of samples"),
        (lambda X, y: (np.where(X > 2, np.nan, np.nan), y), "Input X contains NaN"),
        (lambda X, y: (X, np.append(y[1:], np.inf)), "y contains"),
        (lambda X, y: (X[:1], y[:1]), "minimum of 2 is required"),
        (lambda X, y: (X * 1e200, y), r"X has values up to .*; rescale it below 1e\+100"),
        (lambda X, y: (X, y * 1e300), r"y has values up to .*; rescale it below 1e\+100"),
    ],
)
def test_tables(change, message):
    with pytest.raises(ValueError, match=message):
        MixtureOfExperts().fit(*change(*data()))


@pytest.mark.fast
@pytest.mark.parametrize(
    ("weight", "message"),
    [
        (np.full(60, -1.0), "sample_weight must not be negative, got -1"),
        (np.zeros(60), "sample_weight must have a positive entry"),
        (np.ones(59), r"sample_weight must have one entry for each of the 60 rows.*\(59,\)"),
        (np.full(60, np.nan), "sample_weight must be finite"),
    ],
)
def test_weights(weight, message):
    with pytest.raises(ValueError, match=message):
        MixtureOfExperts().fit(*data(), sample_weight=weight)


@pytest.mark.fast
def test_unfitted_use():
    with pytest.raises(NotFittedError):
        MixtureOfExperts().predict(data()[0])
    with pytest.raises(NotFittedError):
        MixtureOfExperts().summary()


def test_prediction_arguments():
    X, y = data()
    moe = MixtureOfExperts(random_state=0).fit(X, y)
    with pytest.raises(ValueError, match=r"coverage must lie .* 0 and 1, got 1\.5"):
        moe.predict_interval(X, coverage=1.5)
    with pytest.raises(ValueError, match="q must lie strictly between 0 and 1"):
        moe.predict_quantile(X, [0.5, 0.0])
    with pytest.raises(ValueError, match="n_samples must be an integer >= 1"):
        moe.sample_y(X, 0)
    with pytest.raises(ValueError, match="y must be given"):
        moe.score_samples(X)
    with pytest.raises(ValueError, match="y must have 1 outputs as in fit, got 2"):
        moe.score_samples(X, np.zeros((60, 2)))
    with pytest.raises(ValueError, match=r"2 features, but .* is expecting 1"):
        moe.predict(np.zeros((3, 2)))
    with pytest.raises(ValueError, match="init has 2 experts, n_experts=3"):
        MixtureOfExperts(3, init=moe).fit(X, y)
    with pytest.raises(ValueError, match="init was fitted with other features"):
        MixtureOfExperts(2, degree=2, init=moe).fit(X, y)


def test_constant_and_duplicated_columns_warn_by_name():
    X, y = data(200)
    wide = pd.DataFrame({"a": X[:, 0], "one": 1.0, "twice": 2 * X[:, 0]})
    with pytest.warns(DesignWarning, match="expert_features: one, twice is constant or"):
        moe = MixtureOfExperts(2, random_state=0).fit(wide, y)
    plain = MixtureOfExperts(2, random_state=0).fit(wide[["a"]], y)
    np.testing.assert_allclose(moe.predict(wide), plain.predict(wide[["a"]]), rtol=1e-9)
    np.testing.assert_array_equal(moe.expert_coef_[:, 2:], 0.0)
    assert moe.n_parameters_ == plain.n_parameters_


def test_fewer_rows_than_parameters_names_the_ridge():
    X, y = data(12, 6)
    wanted = "X has 12 distinct rows for 23 parameters.*ridge=1e-06 was added"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # which experts collapse is not asked
        with pytest.warns(DesignWarning, match=wanted):
            MixtureOfExperts(2, random_state=0).fit(X, y)


@pytest.mark.parametrize("solver", ["auto", "em", "lbfgs", "newton"])
def test_max_iter_is_kept(solver):
    X, y = data(200)
    with pytest.warns(ConvergenceWarning, match="raise max_iter"):
        moe = MixtureOfExperts(2, solver=solver, max_iter=2, random_state=0).fit(X, y)
    assert moe.n_iter_ <= 2


def test_max_iter_warns():
    X, y = data(200)
    with pytest.warns(ConvergenceWarning, match="raise max_iter") as caught:
        moe = MixtureOfExperts(2, max_iter=1, random_state=0).fit(X, y)
    assert caught[0].filename == __file__  # at the user's line, not inside the library
    assert not moe.converged_
    assert moe.status_.name == "MAX_ITER"


def test_perfectly_separable_gate_is_reported():
    x = np.concatenate([np.linspace(-2, -1, 40), np.linspace(1, 2, 40)])
    y = np.sign(x) + 0.1 * np.random.default_rng(0).standard_normal(80)
    with pytest.warns(ConvergenceWarning, match="separates the experts perfectly"):
        moe = MixtureOfExperts(2, degree=0, random_state=0).fit(x[:, None], y)
    assert moe.certificate_.diverging_gate == (0,)
    assert np.all(np.isfinite(moe.gate_coef_))
    ridged = MixtureOfExperts(2, degree=0, ridge=1e-3, random_state=0).fit(x[:, None], y)
    assert ridged.status_.name == "CONVERGED"


def test_expert_collapsing_on_one_point_is_reported():
    """Only one start, which puts an expert on two rows."""
    X, y = data(60)
    labels = np.ones(60, int)
    labels[:2] = 0
    with pytest.warns(ConvergenceWarning, match="scale of expert . is on its floor"):
        moe = MixtureOfExperts(2, gate_degree=0, init=labels).fit(X, y)
    assert moe.status_.name == "COLLAPSED"
    assert np.all(np.isfinite(moe.scale_))
    assert np.isnan(moe.cov_params()).any()
    assert "floor" in str(moe.summary())


def test_coinciding_experts_are_reported():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((100, 1))
    y = X[:, 0] + rng.standard_normal(100)
    twins = np.full((100, 2), 0.5)
    with pytest.warns(ConvergenceWarning, match="coincide"):
        moe = MixtureOfExperts(2, solver="em", init=twins).fit(X, y)
    assert moe.certificate_.coinciding_experts == ((0, 1),)


def test_outputs_that_determine_each_other_are_reported():
    X, y = data(100)
    for copies in (np.column_stack([y, 2 * y + 1]), np.column_stack([y > 0, y <= 0]) * 1.0):
        with pytest.warns(ConvergenceWarning, match="one output is determined by others"):
            moe = MixtureOfExperts(2, n_init=4, random_state=0).fit(X, copies)
        assert np.all(np.isfinite(moe.covariance_))
        assert np.all(np.isfinite(moe.predict(X)))


def test_saddle_is_its_own_status():
    X, y = data(200)
    with pytest.warns(ConvergenceWarning, match="some direction leads further up"):
        moe = MixtureOfExperts(2, solver="em", init=np.full((200, 2), 0.5)).fit(X, y)
    assert moe.status_.name == "SADDLE"
    assert not moe.converged_


def test_a_failed_fit_leaves_the_earlier_one():
    X, y = data(200)
    moe = MixtureOfExperts(random_state=0).fit(X, y)
    before = moe.predict(X[:3])
    with pytest.raises(ValueError, match="init must be"):
        moe.set_params(init=np.zeros(3)).fit(X * 100 + 5, y)
    np.testing.assert_array_equal(moe.predict(X[:3]), before)
    fresh = MixtureOfExperts(init=np.zeros(3))
    with pytest.raises(ValueError, match="init must be"):
        fresh.fit(X, y)
    with pytest.raises(NotFittedError):
        fresh.cov_params()


def test_refit_with_one_output_forgets_the_covariance_of_two():
    X, y = data(200)
    moe = MixtureOfExperts(random_state=0).fit(X, np.column_stack([y, X[:, 0] ** 2 - y**2]))
    assert moe.covariance_.shape == (2, 2, 2)
    assert not hasattr(moe.fit(X, y), "covariance_")


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda moe, X, y: moe.predict_interval(X, [0.5, 0.9]), "coverage must be one number"),
        (lambda moe, X, y: moe.bic(X, y, -np.ones(len(y))), "sample_weight must not be negative"),
        (lambda moe, X, y: moe.aic(X, y, np.ones(3)), "sample_weight must have one entry"),
    ],
)
def test_calls(call, message):
    X, y = data()
    moe = MixtureOfExperts(random_state=0).fit(X, y)
    with pytest.raises((ValueError, TypeError), match=message):
        call(moe, X, y)


@pytest.mark.fast
def test_unfitted_estimator_as_a_start():
    X, y = data()
    with pytest.raises(ValueError, match="init is an estimator that is not fitted"):
        MixtureOfExperts(init=MixtureOfExperts()).fit(X, y)
