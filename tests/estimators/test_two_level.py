"""Two levels: classes of units, and experts of rows within them."""

import pickle

import numpy as np
import pandas as pd
import pytest
from scipy import special, stats
from sklearn.base import clone

from mixstat import MixtureOfExperts, TwoLevelMixtureOfExperts
from mixstat.fitting.two_level_objective import TwoLevelObjective
from mixstat.numerics import parameter_vector
from mixstat.solvers.newton import Newton

RNG = np.random.default_rng(8)
UNITS, EACH = 60, 5
UNIT = np.repeat(np.arange(UNITS), EACH)
N = len(UNIT)
W = RNG.normal(size=UNITS)[UNIT]
OFTEN = (RNG.random(UNITS) < special.expit(1.5 * W[::EACH]))[UNIT]
X = np.c_[RNG.uniform(-1, 1, size=N), RNG.normal(size=N), W]
FIRST = RNG.random(N) < special.expit(np.where(OFTEN, 1.5, -1.5) + X[:, 1])
Y = np.where(FIRST, -2 + X[:, 0], 2 - X[:, 0]) + 0.7 * RNG.normal(size=N)
SETTINGS = {
    "expert_features": [0], "gate_features": [1], "unit_features": [2], "n_init": 1,
    "random_state": 0,
}  # fmt: skip


@pytest.fixture(scope="module")
def model() -> TwoLevelMixtureOfExperts:
    return TwoLevelMixtureOfExperts(2, 2, **SETTINGS).fit(X, Y, groups=UNIT)


def brute(params: np.ndarray, unit: np.ndarray) -> np.ndarray:
    """Log of share of a class times density of all rows of each unit (U, H), by loops."""
    a, b, low, high, slope, c0, d0, c1, d1, s0, s1 = params
    out = []
    for one in np.unique(unit):
        rows, of_classes = unit == one, []
        x, z, w, y = X[rows, 0], X[rows, 1], X[rows, 2][0], Y[rows]
        share = special.expit(a + b * w)
        for constant, of_class in ((low, share), (high, 1 - share)):
            first = special.expit(constant + slope * z)
            each = first * stats.norm.pdf(y, c0 + d0 * x, np.exp(s0))
            each += (1 - first) * stats.norm.pdf(y, c1 + d1 * x, np.exp(s1))
            of_classes.append(np.log(of_class) + np.log(each).sum())
        out.append(of_classes)
    return np.array(out)


def test_the_density_of_a_unit_is_a_mixture_of_products_of_mixtures(model):
    joint = brute(model.params, UNIT)
    logs = special.logsumexp(joint, axis=1)
    assert model.converged_
    assert model.certificate_.gradient_norm < 1e-8
    assert model.log_likelihood_ == pytest.approx(logs.mean(), rel=1e-12)
    assert model.score_samples(X, Y, groups=UNIT) == pytest.approx(logs, rel=1e-10)
    shares = special.softmax(joint, axis=1)[UNIT]
    assert model.class_responsibilities(X, Y, groups=UNIT) == pytest.approx(shares, abs=1e-10)
    k = model.n_parameters_
    assert k == 11
    assert model.aic(X, Y, groups=UNIT) == pytest.approx(-2 * logs.sum() + 2 * k)
    assert model.bic(X, Y, groups=UNIT) == pytest.approx(-2 * logs.sum() + k * np.log(UNITS))
    of_rows = model.bic(X, Y, groups=UNIT, count="rows")
    assert of_rows == pytest.approx(-2 * logs.sum() + k * np.log(N))


@pytest.mark.exhaustive
def test_errors_are_those_of_differences_of_the_likelihood(model):
    at, step = model.params, 1e-4
    moves = step * np.eye(len(at))

    def slopes(params: np.ndarray) -> np.ndarray:
        """Of each unit, by central differences (U, E)."""
        logs = [special.logsumexp(brute(params + one, UNIT), axis=1) for one in (*moves, *-moves)]
        return ((np.array(logs[: len(at)]) - logs[len(at) :]) / (2 * step)).T

    scores = slopes(at)
    information = -np.array([(slopes(at + one) - slopes(at - one)).sum(axis=0) for one in moves])
    bread = np.linalg.inv(information / (2 * step))
    assert model.estimates().std_error.to_numpy() == pytest.approx(
        np.sqrt(np.diag(bread)), rel=1e-4
    )
    robust = np.sqrt(np.diag(bread @ scores.T @ scores @ bread))
    assert model.estimates("robust").std_error.to_numpy() == pytest.approx(robust, rel=1e-4)
    assert np.diag(model.cov_params()) == pytest.approx(model.estimates().std_error ** 2)


def test_predictions_of_new_units_and_of_units_with_earlier_rows(model):
    a, b, low, high, slope, c0, d0, c1, d1, *_ = model.params
    prior = np.c_[special.expit(a + b * W), special.expit(-a - b * W)]
    assert model.class_gate_proba(X) == pytest.approx(prior, abs=1e-12)
    first = special.expit(np.c_[low + slope * X[:, 1], high + slope * X[:, 1]])
    share = np.sum(prior * first, axis=1)
    assert model.gate_proba(X)[:, 0] == pytest.approx(share, abs=1e-12)
    means = c0 + d0 * X[:, 0], c1 + d1 * X[:, 0]
    expected = share * means[0] + (1 - share) * means[1]
    assert model.predict(X) == pytest.approx(expected, abs=1e-10)
    # the first four rows of each unit tell of the fifth, but not of that of unit 1000
    early = np.arange(N) % EACH < EACH - 1
    last, who = X[~early], UNIT[~early].copy()
    who[0] = 1000
    known = model.predict(last, groups=who, history=(X[early], Y[early], UNIT[early]))
    classes = model.class_responsibilities(X[early], Y[early], groups=UNIT[early])[:: EACH - 1]
    share = np.sum(np.vstack([prior[~early][:1], classes[1:]]) * first[~early], axis=1)
    expected = share * means[0][~early] + (1 - share) * means[1][~early]
    assert known == pytest.approx(expected, abs=1e-10)
    ends = model.predict_quantile(last, [0.05, 0.95])
    assert np.mean((Y[~early] > ends[:, 0]) & (Y[~early] < ends[:, 1])) > 0.8


def test_responsibilities_of_rows_know_the_class_of_their_unit(model):
    share = model.responsibilities(X, Y, groups=UNIT)
    assert share.sum(axis=1) == pytest.approx(1.0)
    assert model.expert_share_ == pytest.approx(share.mean(axis=0))
    low, high, slope, c0, d0, c1, d1, s0, s1 = model.params[2:]
    z, x = X[:, 1], X[:, 0]
    dense = stats.norm.logpdf(Y, c0 + d0 * x, np.exp(s0)) - stats.norm.logpdf(
        Y, c1 + d1 * x, np.exp(s1)
    )
    within = special.expit(np.c_[low + slope * z + dense, high + slope * z + dense])
    classes = model.class_responsibilities(X, Y, groups=UNIT)
    assert share[:, 0] == pytest.approx(np.sum(classes * within, axis=1), abs=1e-10)


def test_one_class_is_the_mixture_of_rows():
    rows = MixtureOfExperts(2, expert_features=[0], gate_features=[1], random_state=0).fit(X, Y)
    settings = SETTINGS | {"unit_features": ()}
    model = TwoLevelMixtureOfExperts(2, 1, **settings).fit(X, Y, groups=UNIT)
    assert model.params == pytest.approx(rows.params, abs=1e-7)
    assert model.log_likelihood_ * UNITS == pytest.approx(rows.log_likelihood_ * N, rel=1e-12)
    error = np.sqrt(np.diag(rows.cov_params()))
    assert model.estimates().std_error.to_numpy() == pytest.approx(error, rel=1e-6)


def test_weights_are_numbers_of_units_and_the_order_of_rows_does_not_matter(model):
    twice = UNIT % 3 == 0
    other = np.where(twice, UNIT + 1000, -1)[twice]
    repeated = np.vstack([X, X[twice]]), np.r_[Y, Y[twice]], np.r_[UNIT, other]
    known = clone(model).fit(*repeated[:2], groups=repeated[2])
    order = np.random.default_rng(0).permutation(N)
    weight = (1.0 + twice)[order]
    weighted = clone(model).fit(X[order], Y[order], weight, groups=UNIT[order])
    assert weighted.params == pytest.approx(known.params, abs=1e-7)
    assert weighted.estimates().std_error.to_numpy() == pytest.approx(
        known.estimates().std_error.to_numpy(), rel=1e-6
    )
    assert weighted.log_likelihood_ == pytest.approx(known.log_likelihood_, rel=1e-12)


def test_frames_formulas_categories_and_files(model):
    frame = pd.DataFrame(X, columns=["x", "z", "w"]).assign(y=Y, who=UNIT)
    formulas = {"formula": "y ~ x", "gate_formula": "~ z", "unit_formula": "~ w"}
    written = TwoLevelMixtureOfExperts(**formulas, n_init=1, random_state=0)
    written = pickle.loads(pickle.dumps(written.fit(frame, groups="who")))
    assert written.params == pytest.approx(model.params, abs=1e-7)
    assert written.predict(frame) == pytest.approx(model.predict(X), abs=1e-7)
    assert written.class_responsibilities(frame).shape == (N, 2)
    frame["kind"] = np.where(W > 0, "up", "down")
    settings = SETTINGS | {"expert_features": "x", "gate_features": "z", "unit_features": "kind"}
    coded = TwoLevelMixtureOfExperts(**settings).fit(frame, "y", groups="who")
    assert list(coded.feature_names_in_) == ["x", "z", "w", "kind"]
    assert coded.parameter_names[:2] == ["class0:1", "class0:kind[up]"]
    text = str(coded.summary())
    assert "Units: class 0 against 1" in text
    assert "kind[up]" in text


def test_counts_come_from_classes_too():
    counts = np.random.default_rng(1).poisson(np.exp(np.where(FIRST, 2.0, 0.0)))
    settings = SETTINGS | {"expert_features": [], "gate_degree": 0}
    model = TwoLevelMixtureOfExperts(expert="poisson", **settings).fit(X, counts, groups=UNIT)
    assert model.converged_
    assert np.sort(model.expert_coef_[:, 0]) == pytest.approx([0, 2], abs=0.2)


@pytest.mark.exhaustive
def test_a_class_without_rows_of_an_expert_is_told():
    first = OFTEN & FIRST
    y = np.where(first, -9.0, 9.0) + RNG.normal(size=N)
    settings = SETTINGS | {"expert_features": [], "gate_degree": 0}
    with pytest.warns(UserWarning, match="no finite estimate"):
        model = TwoLevelMixtureOfExperts(**settings).fit(X, y, groups=UNIT)
    assert model.status_.name == "SEPARATED"
    assert not model.converged_


def test_derivatives_of_the_objective(model):
    kept = []

    class Watching(Newton):
        def run(self, objective, start, *, tol, max_iter):
            kept.append((objective, start))
            return super().run(objective, start, tol=tol, max_iter=max_iter)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("mixstat.fitting.two_level.Newton", Watching)
        clone(model).fit(X, Y, groups=UNIT)
    objective, start = kept[0]
    assert isinstance(objective, TwoLevelObjective)
    at = parameter_vector.to_vector(start)
    known, steps = objective.derivatives(at), 1e-5 * np.eye(len(at))
    slopes = [(objective.value(at + one) - objective.value(at - one)) / 2e-5 for one in steps]
    assert known.gradient == pytest.approx(np.array(slopes), abs=1e-8)
    turns = [objective.value_and_gradient(at + one)[1] for one in steps]
    turns = [(turn - objective.value_and_gradient(at - one)[1]) / 2e-5
             for turn, one in zip(turns, steps, strict=True)]  # fmt: skip
    assert known.hessian == pytest.approx(np.array(turns), abs=1e-7)
    assert objective.hessian_product(at, steps[0]) == pytest.approx(known.hessian[0] * 1e-5)
    whole, without = objective.value(at), objective.gains(start)
    assert without.shape == (2,)
    assert (without < whole + 100).all()
    assert (without > 0).all()
