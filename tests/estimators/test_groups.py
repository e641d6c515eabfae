"""Units: rows that share one unknown expert, such as the visits of a patient."""

import pickle

import numpy as np
import pandas as pd
import pytest
from scipy import special, stats

from mixstat import (
    ContextualMixtureOfExperts,
    MixtureOfExperts,
    MixtureOfExpertsClassifier,
    experts,
)
from mixstat.data.units import numbered
from mixstat.inference import Bootstrap
from mixstat.numerics import parameter_vector
from mixstat.numerics.precision import in_float64
from mixstat.objective.derivatives import derivatives
from tests.sweeps import first

RNG = np.random.default_rng(4)
UNITS, EACH = 40, 4
UNIT = np.repeat(np.arange(UNITS), EACH)
W = RNG.normal(size=UNITS)[UNIT]
X = np.c_[RNG.uniform(-1, 1, size=len(UNIT)), W]
UP = (RNG.random(UNITS) < special.expit(W[::EACH]))[UNIT]
MEAN = np.where(UP, 1 + X[:, 0], 0.5 - X[:, 0])
Y = MEAN + 0.7 * RNG.normal(size=len(UNIT))
COUNTS = RNG.poisson(np.exp(MEAN)).astype(float)
SETTINGS = {"expert_features": [0], "gate_features": [1], "n_init": 2, "random_state": 0}


@pytest.fixture(scope="module")
def moe() -> MixtureOfExperts:
    return MixtureOfExperts(2, **SETTINGS).fit(X, Y, groups=UNIT)


def brute(moe: MixtureOfExperts, unit: np.ndarray) -> np.ndarray:
    """Log of share times density of all rows of each unit (U, K), by loops."""
    out = []
    for one in np.unique(unit):
        rows = unit == one
        a, b = moe.gate_coef_[0] @ np.array([1.0, X[rows][0, 1]]), 0.0
        prior = np.array([a, b]) - np.logaddexp(a, b)
        mean = moe.expert_coef_[:, :1] + moe.expert_coef_[:, 1:] * X[rows, 0]
        out.append(prior + stats.norm.logpdf(Y[rows], mean, moe.scale_[:, None]).sum(axis=1))
    return np.array(out)


def test_densities_are_multiplied_over_the_rows_of_a_unit(moe):
    joint = brute(moe, UNIT)
    logs = special.logsumexp(joint, axis=1)
    assert moe.converged_
    assert moe.log_likelihood_ == pytest.approx(logs.mean(), rel=1e-12)
    assert moe.score_samples(X, Y, groups=UNIT) == pytest.approx(logs, rel=1e-10)
    shares = np.exp(joint - logs[:, None])
    assert moe.responsibilities(X, Y, groups=UNIT) == pytest.approx(shares[UNIT], abs=1e-10)
    assert moe.expert_share_ == pytest.approx(shares.mean(axis=0))
    k = moe.n_parameters_
    assert moe.bic(X, Y, groups=UNIT) == pytest.approx(-2 * logs.sum() + k * np.log(UNITS))
    of_rows = moe.bic(X, Y, groups=UNIT, count="rows")
    assert of_rows == pytest.approx(-2 * logs.sum() + k * np.log(len(UNIT)))
    assert moe.aic(X, Y, groups=UNIT) == pytest.approx(-2 * logs.sum() + 2 * k)


@pytest.mark.filterwarnings("ignore")  # of experts that ask too much of so few rows
@pytest.mark.parametrize("expert", first(["gaussian", "poisson", "t", ["gaussian", "t"]], 2))
def test_derivatives_are_those_of_the_likelihood(expert):
    y = COUNTS if expert == "poisson" else Y
    moe = MixtureOfExperts(2, expert=expert, **SETTINGS | {"n_init": 1})
    moe.fit(X, y, groups=UNIT, sample_weight=1.0 + UNIT % 3)
    check_derivatives(moe)


@in_float64
def check_derivatives(moe: MixtureOfExperts) -> None:
    """Against central differences, near the maximum."""
    objective = moe.problem_
    at = parameter_vector.to_vector(moe.model_)
    at = objective.clip(at + np.linspace(-0.2, 0.3, len(at)))
    value, gradient, hessian = derivatives(objective.model(at), objective.batch)
    step = 1e-5 * np.eye(len(at))
    values = [[objective.value(at + s * one) for s in (1, -1)] for one in step]
    slopes = [[objective.value_and_gradient(at + s * one)[1] for s in (1, -1)] for one in step]
    assert objective.value(at) == pytest.approx(float(value), rel=1e-12)
    assert np.asarray(gradient) == pytest.approx(
        np.array([a - b for a, b in values]) / 2e-5, abs=1e-7
    )
    assert np.asarray(hessian) == pytest.approx(
        np.array([a - b for a, b in slopes]) / 2e-5, abs=1e-6
    )


@pytest.mark.parametrize("solver", ["em", "lbfgs", "newton", "newton_cg"])
def test_every_solver_ends_at_the_same_maximum(moe, solver):
    settings = SETTINGS | {"solver": solver, "init": moe, "max_iter": 20000}
    other = MixtureOfExperts(2, **settings).fit(X, Y, groups=UNIT)
    assert other.log_likelihood_ == pytest.approx(moe.log_likelihood_, rel=1e-9)
    assert other.expert_coef_ == pytest.approx(moe.expert_coef_, abs=1e-4)


def test_units_of_one_row_are_no_units():
    alone = MixtureOfExperts(2, **SETTINGS).fit(X, Y, groups=np.arange(len(Y)))
    known = MixtureOfExperts(2, **SETTINGS).fit(X, Y)
    assert alone.log_likelihood_ == pytest.approx(known.log_likelihood_, rel=1e-12)
    assert alone.params == pytest.approx(known.params, abs=1e-8)
    assert alone.cov_params() == pytest.approx(known.cov_params(), abs=1e-8)


def test_weights_are_repeated_units_and_order_is_free(moe):
    times = (np.arange(UNITS) % 3)[UNIT]
    weighted = MixtureOfExperts(
        2, init=moe, **{k: SETTINGS[k] for k in ("expert_features", "gate_features")}
    )
    weighted.fit(X, Y, groups=UNIT, sample_weight=times)
    rows = np.concatenate([np.flatnonzero(times > one) for one in (0, 1)])
    copies = np.concatenate([UNIT[times > one] + 1000 * one for one in (0, 1)])
    order = RNG.permutation(len(rows))
    rows, copies = rows[order], copies[order]
    repeated = MixtureOfExperts(
        2, init=moe, **{k: SETTINGS[k] for k in ("expert_features", "gate_features")}
    )
    repeated.fit(X[rows], Y[rows], groups=copies)
    assert weighted.params == pytest.approx(repeated.params, abs=1e-7)
    assert weighted.cov_params() == pytest.approx(repeated.cov_params(), abs=1e-7)
    assert weighted.sum_of_weights_ == repeated.sum_of_weights_ == times[::EACH].sum()
    mine = weighted.inference(X, Y, groups=UNIT, sample_weight=times, cov_type="robust")
    yours = repeated.inference(X[rows], Y[rows], groups=copies, cov_type="robust")
    assert np.asarray(mine.bse) == pytest.approx(np.asarray(yours.bse), rel=1e-6)


def test_earlier_rows_of_a_unit_tell_of_its_expert(moe):
    posterior = special.softmax(brute(moe, UNIT), axis=1)
    new, labels = X[[0, 5, 9]], np.array([UNIT[0], UNIT[5], 999])
    found = moe.predict(new, groups=labels, history=(X, Y, UNIT))
    means = moe.expert_means(new)[:, :, 0]
    shares = np.r_[posterior[labels[:2]], moe.gate_proba(new[2:])]
    assert found == pytest.approx(np.sum(shares * means, axis=1))
    assert found[2] == pytest.approx(moe.predict(new)[2])
    middle = moe.predict_quantile(new, 0.5, groups=labels, history=(X, Y, UNIT))
    ends = moe.predict_interval(new, groups=labels, history=(X, Y, UNIT))
    assert np.all((ends[:, 0] < middle) & (middle < ends[:, 1]))


def test_columns_and_formulas_name_the_units(moe):
    data = pd.DataFrame({"x": X[:, 0], "w": W, "who": [f"unit {one}" for one in UNIT], "y": Y})
    ways = [
        MixtureOfExperts(2, formula="y ~ x", gate_formula="~ w", n_init=2, random_state=0).fit(
            data, groups="who"
        ),
        MixtureOfExperts(2, **SETTINGS).fit(data.drop(columns="y"), data["y"], groups="who"),
    ]
    for other, frame in zip(ways, (data, data.drop(columns="y")), strict=True):
        assert other.params == pytest.approx(moe.params, abs=1e-6)
        assert list(other.feature_names_in_) == ["x", "w"]
        assert other.predict(frame) == pytest.approx(moe.predict(X))
        shares = other.responsibilities(frame, data["y"])
        assert shares == pytest.approx(moe.responsibilities(X, Y, groups=UNIT), abs=1e-6)
    assert "Units" in str(ways[0].summary())


def test_inference_counts_units(moe):
    results = moe.inference(X, Y, groups=UNIT)
    assert results.estimate.scores.shape == (UNITS, len(moe.params))
    assert np.abs(results.estimate.scores.mean(axis=0)).max() < 1e-8
    assert np.asarray(results.bse) == pytest.approx(np.sqrt(np.diag(moe.cov_params())))
    assert results.estimate.log_densities.mean() == pytest.approx(moe.log_likelihood_)
    assert len(results.fitted_means()) == len(Y)
    assert results.posterior_entropy().shape == (UNITS,)
    assert results.expert_diagnostics()["rows"].sum() == pytest.approx(UNITS)
    drawn = moe.inference(cov_type=Bootstrap(n_draws=20, random_state=0))
    assert np.all(np.asarray(drawn.bse) > 0)
    effects = results.marginal_effects().summary_frame()
    step = 1e-5 * np.array([1.0, 0.0])
    slope = (moe.predict(X + step) - moe.predict(X - step)).mean() / 2e-5
    assert effects.query("column == 'x0' and part == 'total'")["estimate"].iloc[0] == pytest.approx(
        slope, rel=1e-6
    )


def test_a_bootstrap_draws_units(moe):
    times = RNG.multinomial(UNITS, np.full(UNITS, 1 / UNITS)).astype(float)
    drawn = moe.inference().estimate.refit(weights=times[None])
    settings = {name: SETTINGS[name] for name in ("expert_features", "gate_features")}
    known = MixtureOfExperts(2, init=moe, **settings)
    known.fit(X, Y, groups=UNIT, sample_weight=times[UNIT])
    estimate = moe.inference().estimate
    assert estimate.in_user_units(drawn.vectors)[0] == pytest.approx(known.params, abs=1e-6)


def test_a_saved_model_is_given_its_units_again(moe):
    again = pickle.loads(pickle.dumps(moe))
    found = again.inference(X, Y, groups=UNIT)
    assert np.asarray(found.bse) == pytest.approx(np.sqrt(np.diag(moe.cov_params())))
    with pytest.raises(ValueError, match="must be the rows of the fit"):
        again.inference(X, Y, groups=np.roll(np.repeat(np.arange(2 * UNITS), 2), 0))
    profile = again.profile("expert0:x0", n_points=3, X=X, y=Y, groups=UNIT)
    assert profile.log_likelihood.max() == pytest.approx(UNITS * moe.log_likelihood_)


def test_what_does_not_suit_units_is_refused(moe):
    settings = {"expert_features": [0], "n_init": 1, "random_state": 0}
    with pytest.raises(ValueError, match=r"constant within each unit .* but x0 varies in unit 0"):
        MixtureOfExperts(2, n_init=1).fit(X, Y, groups=UNIT)
    with pytest.raises(ValueError, match="sample_weight must be the same for all rows of a unit"):
        MixtureOfExperts(2, gate_features=[1], **settings).fit(
            X, Y, groups=UNIT, sample_weight=np.arange(len(Y)) + 1.0
        )
    with pytest.raises(ValueError, match="x1 varies in unit 0"):
        moe.score_samples(X + RNG.normal(size=X.shape), Y, groups=UNIT)
    with pytest.raises(ValueError, match="groups must be given, as they were to fit"):
        moe.responsibilities(X, Y)
    with pytest.raises(ValueError, match="groups must be left out without history"):
        moe.predict(X, groups=UNIT)
    with pytest.raises(ValueError, match="the number of different rows"):
        MixtureOfExperts(3, gate_degree=0, **settings).fit(X, Y, groups=UNIT // 20)
    with pytest.raises(ValueError, match="for GaussianGate"):
        MixtureOfExperts(2, gate="gaussian", gate_features=[1], **settings).fit(X, Y, groups=UNIT)
    with pytest.raises(ValueError, match="groups need precision='float64'"):
        MixtureOfExperts(2, gate_degree=0, precision="float32", **settings).fit(X, Y, groups=UNIT)
    with pytest.raises(ValueError, match="cannot be updated"):
        moe.partial_fit(X, Y)
    with pytest.raises(ValueError, match="cov_type must not be 'cluster'"):
        moe.inference(X, Y, groups=UNIT, cov_type="cluster")
    with pytest.raises(ValueError, match="a fit with groups cannot be asked"):
        moe.inference().influence()
    with pytest.raises(TypeError, match="has no argument 'groups'"):
        MixtureOfExpertsClassifier(1).fit(X, UP, groups=UNIT)
    with pytest.raises(TypeError, match="has no argument 'groups'"):
        ContextualMixtureOfExperts(n_experts=1).fit(X, Y, groups=UNIT)


@pytest.mark.exhaustive
def test_offsets_several_outputs_and_missing_values_go_with_units():
    both = np.c_[Y, MEAN + RNG.normal(size=len(Y))]
    two = MixtureOfExperts(2, **SETTINGS).fit(X, both, groups=UNIT)
    assert two.log_likelihood_ == pytest.approx(
        two.score_samples(X, both, groups=UNIT).mean(), rel=1e-10
    )
    holes, offset = COUNTS.copy(), 0.1 * X[:, 0]
    holes[[3, 8]] = np.nan
    left = np.isfinite(holes)
    counts = MixtureOfExperts(2, expert="poisson", missing="drop", **SETTINGS)
    counts.fit(X, holes, groups=UNIT, offset=offset)
    known = MixtureOfExperts(2, expert="poisson", **SETTINGS)
    known.fit(X[left], holes[left], groups=UNIT[left], offset=offset[left])
    assert counts.params == pytest.approx(known.params, abs=1e-10)
    assert counts.bic(X, holes, groups=UNIT, offset=offset) == pytest.approx(
        known.bic(X[left], holes[left], groups=UNIT[left], offset=offset[left])
    )
    hits = np.minimum(COUNTS, 4)
    trials = MixtureOfExperts(2, expert=experts.BinomialExperts(trials=4), **SETTINGS)
    assert trials.fit(X, hits, groups=UNIT).converged_


def test_units_are_numbered_as_they_come():
    assert list(numbered(np.array(["b", "a", "b", "c"]))) == [0, 1, 0, 2]


def test_folds_keep_units_together_and_criteria_count_them():
    from mixstat.selection import folds, select

    estimator = MixtureOfExperts(**SETTINGS)
    found = select(X, Y, estimator=estimator, n_experts=[1, 2], cv=4, params={"groups": UNIT})
    moe, numbers = found.fits[1], found.table.iloc[1]
    assert numbers["bic"] == pytest.approx(moe.bic(X, Y, groups=UNIT))
    shares = moe.responsibilities(X, Y, groups=UNIT)[::EACH]
    assert numbers["entropy"] == pytest.approx(special.entr(shares).sum())
    splits = folds.make(4, estimator, X, Y, UNIT)
    held_out = []
    for train, test in splits:
        assert not set(UNIT[train]) & set(UNIT[test])
        fold = MixtureOfExperts(2, **SETTINGS).fit(X[train], Y[train], groups=UNIT[train])
        held_out.append(fold.score_samples(X[test], Y[test], groups=UNIT[test]).mean())
    assert numbers["held_out"] == pytest.approx(np.mean(held_out))
