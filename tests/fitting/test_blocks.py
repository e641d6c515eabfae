"""Rows that are read in blocks: the same optimum as in memory, and what is refused."""

import numpy as np
import pandas as pd
import pytest

import mixstat
from mixstat import Blocks, ContextualMixtureOfExperts, MixtureOfExperts
from mixstat import MixtureOfExpertsClassifier as Classifier
from mixstat.data.batch import ReadBatch
from mixstat.data.blocks import Block
from mixstat.objective.reduction import total


def table(n, seed=0):
    """Two crossing lines, counts and a category."""
    random = np.random.default_rng(seed)
    x, w = random.uniform(-1, 1, (2, n))
    up = random.random(n) < 1 / (1 + np.exp(-2 * w))
    return pd.DataFrame(
        {
            "x": x,
            "w": w,
            "y": np.where(up, 1 + 2 * x, -x) + 0.4 * random.standard_normal(n),
            "count": random.poisson(np.exp(np.where(up, 2 + x, -x))),
            "site": random.choice(["a", "b"], n),
            "weight": random.integers(0, 3, n).astype(float),
        }
    )


def check_same(there, here):
    """Parameters, errors and likelihoods as in memory, and a verdict of its own."""
    np.testing.assert_allclose(there.params, here.params, rtol=1e-8, atol=1e-9)
    np.testing.assert_allclose(there.cov_params(), here.cov_params(), rtol=1e-7, atol=1e-12)
    assert there.log_likelihood_ == pytest.approx(here.log_likelihood_, rel=1e-12)
    conditional = here.conditional_log_likelihood_
    assert there.conditional_log_likelihood_ == pytest.approx(conditional, rel=1e-12)
    assert there.sum_of_weights_ == pytest.approx(here.sum_of_weights_)
    assert there.n_parameters_ == here.n_parameters_
    assert there.certificate_.status == here.certificate_.status
    assert there.certificate_.gradient_norm < 1e-8


@pytest.fixture(scope="module")
def both():
    """A fit in memory and one in blocks, and their rows."""
    rows = table(20_000)
    X, y = rows[["x", "w"]].to_numpy(), rows["y"].to_numpy()
    here = MixtureOfExperts(2, random_state=0).fit(X, y)
    blocks = Blocks.of_arrays(X, y, rows=3_000, sample=2_000)
    return here, MixtureOfExperts(2, random_state=0).fit(blocks), X, y


def test_the_same_optimum_as_in_memory(both):
    here, there, *_ = both
    check_same(there, here)
    assert there.converged_
    assert there.certificate_.sound
    assert "Observations:                   20000" in str(there.summary())
    assert not there.fit_.has_rows


def test_questions_about_blocks(both):
    _, there, X, y = both
    blocks = Blocks.of_arrays(X, y, rows=7_000)
    np.testing.assert_allclose(there.predict(blocks), there.predict(X), rtol=1e-12)
    logs = there.score_samples(blocks)
    np.testing.assert_allclose(logs, there.score_samples(X, y), rtol=1e-10)
    np.testing.assert_allclose(there.gate_proba(blocks), there.gate_proba(X), rtol=1e-12)
    with pytest.raises(ValueError, match="predict of Blocks takes nothing beside them"):
        there.predict(blocks, return_std=True)


def test_rows_in_memory_are_known_again(both, tmp_path):
    here, there, X, y = both
    mixstat.save(there, tmp_path / "model.npz")
    loaded = mixstat.load(tmp_path / "model.npz")
    robust = loaded.inference(X, y, cov_type="robust").bse
    np.testing.assert_allclose(robust, here.inference(cov_type="robust").bse, rtol=1e-8)
    with pytest.raises(ValueError, match="must be the rows of the fit"):
        loaded.inference(X, y[::-1])


def test_it_learns_on_from_all_rows(both):
    here, there, X, y = both
    taught = [clone_of(one).partial_fit(X[:500], y[:500]) for one in (here, there)]
    np.testing.assert_allclose(taught[1].params, taught[0].params, rtol=1e-9, atol=1e-10)


def clone_of(moe):
    """An estimator with the same fit."""
    import copy

    return copy.copy(moe)


def check_same_errors(there, here, blocks, X, y, weight=None):
    """Errors of each kind that sums over rows are enough for, and all that is told beside them."""
    for kind in ("observed", "opg", "robust", "sampling"):
        read = there.inference(blocks, cov_type=kind)
        known = here.inference(X, y, cov_type=kind, sample_weight=weight)
        np.testing.assert_allclose(read.bse, known.bse, rtol=1e-8, err_msg=kind)
        assert read.remarks == known.remarks
        assert read.icl == pytest.approx(known.icl, rel=1e-9)
    means = [one.get_prediction(X[:9]).se_mean for one in (read, known)]
    np.testing.assert_allclose(*means, rtol=1e-8)


def test_errors_from_sums_over_blocks(both):
    here, there, X, y = both
    blocks = Blocks.of_arrays(X, y, rows=7_000)
    check_same_errors(there, here, blocks, X, y)
    check_same_errors(here, here, blocks, X, y)  # a fit in memory knows its rows in blocks
    results = there.inference(blocks)
    for question in (results.influence, lambda: results.score_test(X[:, 0])):
        with pytest.raises(ValueError, match="needs all rows in memory"):
            question()
    with pytest.raises(ValueError, match="'hac' needs all rows in memory"):
        there.inference(blocks, cov_type="hac")
    with pytest.raises(ValueError, match="groups must be left out beside Blocks"):
        there.inference(blocks, cov_type="cluster", groups=y)
    with pytest.raises(ValueError, match="must be the rows of the fit"):
        there.inference(Blocks.of_arrays(X, y[::-1], rows=7_000))


def test_a_classifier():
    rows = table(4_000, seed=5)
    X, y = rows[["x", "w"]], np.where(rows["count"] > 1, "many", "few")
    blocks = Blocks.of_arrays(X, y, rows=900, sample=1_500)
    there, here = (Classifier(1, random_state=0).fit(*one) for one in ((blocks,), (X, y)))
    check_same(there, here)
    assert list(there.classes_) == ["few", "many"]
    assert np.array_equal(there.predict(blocks), here.predict(X))
    np.testing.assert_allclose(there.predict_proba(blocks), here.predict_proba(X), rtol=1e-7)
    np.testing.assert_allclose(there.score_samples(blocks), here.score_samples(X, y), rtol=1e-7)
    np.testing.assert_allclose(
        there.inference(blocks, cov_type="robust").bse,
        here.inference(X, y, cov_type="robust").bse,
        rtol=1e-7,
    )


@pytest.mark.parametrize("kind", ["parquet", "csv"])
def test_files_with_weights(kind, tmp_path):
    rows = table(3_000, seed=1)
    for i, part in enumerate(np.array_split(np.arange(3_000), 3)):
        write = getattr(rows.iloc[part], f"to_{kind}")
        write(tmp_path / f"part-{i}.{kind}", index=False)
    (tmp_path / "README").write_text("other files are not read")
    blocks = Blocks.of_files(
        tmp_path, inputs=["x", "w"], response="y", weight="weight", rows=500, sample=1_000
    )
    there = MixtureOfExperts(2, random_state=0).fit(blocks)
    here = MixtureOfExperts(2, random_state=0)
    here.fit(rows[["x", "w"]], rows["y"], sample_weight=rows["weight"])
    check_same(there, here)
    assert there.fit_.weighted
    assert list(there.feature_names_in_) == ["x", "w"]
    np.testing.assert_allclose(there.predict(blocks), here.predict(rows[["x", "w"]]), rtol=1e-7)
    if kind == "parquet":
        check_same_errors(there, here, blocks, rows[["x", "w"]], rows["y"], rows["weight"])


@pytest.mark.parametrize("kind", ["parquet", "csv"])
def test_files_that_are_damaged_or_unlike_are_named(kind, tmp_path):
    def write(rows, name):
        getattr(rows, f"to_{kind}")(tmp_path / f"{name}.{kind}", index=False)

    def read():
        return list(Blocks.of_files(tmp_path, inputs=["x", "w"], response="y"))

    write(ROWS, "a")
    write(ROWS[:0], "b")
    write(ROWS[["y", "w", "x"]], "c")
    assert [len(block.X) for block in read()] == [400, 400]
    write(ROWS[["x", "y"]], "d")
    with pytest.raises(ValueError, match=rf"d.{kind}' must have the column 'w'.*it has x, y"):
        read()
    write(ROWS.assign(w="much"), "d")
    with pytest.raises((TypeError, ValueError), match=rf"d.{kind}' (has values of type|cannot)"):
        read()
    write(ROWS, "d")
    whole = (tmp_path / f"d.{kind}").read_bytes()
    line = whole.rindex(b",", 0, whole.rindex(b",")) if kind == "csv" else len(whole) // 2
    (tmp_path / f"d.{kind}").write_bytes(whole[:line])
    with pytest.raises(ValueError, match=rf"d.{kind}' cannot be read, or is damaged"):
        read()


@pytest.mark.parametrize(
    ("settings", "response"),
    [
        ({"expert": "poisson"}, "count"),
        ({"gate": "gaussian"}, "y"),
        ({"formula": "y ~ x + site", "gate_formula": "~ w"}, None),
    ],
)
def test_other_models(settings, response):
    rows = table(3_000, seed=2)
    moe = MixtureOfExperts(2, random_state=0, n_init=2, **settings)
    if response is None:
        check_same(
            clone_of(moe).fit(Blocks.of_arrays(rows, rows=700, sample=1_000)),
            clone_of(moe).fit(rows),
        )
        return
    X, y = rows[["x", "w"]], rows[response]
    blocks = Blocks.of_arrays(X, y, rows=700, sample=1_000)
    check_same(clone_of(moe).fit(blocks), clone_of(moe).fit(X, y))


def test_a_sample_is_as_likely_from_every_block():
    from mixstat.estimators.blocked import _draw

    X = np.arange(1_000.0)[:, None]
    counts = np.zeros(1_000)
    for seed in range(200):
        drawn = _draw(Blocks.of_arrays(X, X[:, 0], rows=90, sample=100), seed)
        assert len(drawn.rows.X) == 100
        counts[drawn.rows.X[:, 0].astype(int)] += 1
        assert (drawn.total_weight, drawn.count, drawn.weighted) == (1_000, 1_000, False)
    halves = counts.reshape(4, 250).sum(axis=1)  # 5,000 each, deviation 61
    assert np.all(np.abs(halves - 5_000) < 250)


def test_blocks_are_not_summed_inside_a_program(both):
    import jax

    _, there, *_ = both
    batch = there.fit_.search.objective.batch
    data = ReadBatch(batch.rows, batch.n_chunks, batch.total_weight, lambda: iter([]))
    with pytest.raises(TypeError, match="outside of compiled programs"):
        jax.jit(lambda model: total(lambda m, _: m.gate.coef, model, data))(there.model_)


ROWS = table(400)
X, Y = ROWS[["x", "w"]], ROWS["y"]


def blocks_of(*parts):
    return Blocks(lambda: iter(parts), sample=300)


@pytest.mark.parametrize(
    ("moe", "blocks", "message"),
    [
        (MixtureOfExperts(2, ridge=0.1), blocks_of((X, Y)), "ridge, expert_penalty"),
        (MixtureOfExperts(2, common=["x"]), blocks_of((X, Y)), "constraints, common and frozen"),
        (MixtureOfExperts(2, gate="top_k"), blocks_of((X, Y)), "gate must be continuous"),
        (MixtureOfExperts(2, missing="drop"), blocks_of((X, Y)), "missing must be 'raise'"),
        (MixtureOfExperts(1), blocks_of(), "X must have rows, got Blocks without any"),
        (
            MixtureOfExperts(1),
            blocks_of((X, Y), (X[["w", "x"]], Y)),
            "block 1 has the columns w, x",
        ),
        (MixtureOfExperts(1), blocks_of((X, Y), (X.to_numpy(), Y)), "2 columns without names"),
        (MixtureOfExperts(1), blocks_of((X, Y), X), "y: block 1 has none, and block 0 1 column"),
        (
            MixtureOfExperts(1),
            blocks_of((X, Y), (X.assign(x=X["x"].astype(str)), Y)),
            "block 1 has text in the column x, and block 0 numbers",
        ),
        (MixtureOfExperts(1), blocks_of((X, Y), (X.assign(x=np.nan), Y)), "NaN"),
        (MixtureOfExperts(1), blocks_of((X, Y, -Y)), "sample_weight"),
        (
            MixtureOfExperts(1, formula="y ~ poly(x, 2)"),
            blocks_of(ROWS),
            r"formula must not have poly\(x, 2\) for Blocks",
        ),
        (Classifier(1), blocks_of((X, Y)), "y must hold labels of classes"),
        (ContextualMixtureOfExperts(n_experts=1), blocks_of((X, Y)), "Blocks"),
    ],
)
def test_what_cannot_be_fitted_is_refused(moe, blocks, message):
    with pytest.raises((TypeError, ValueError), match=message):
        moe.fit(blocks)
    assert not hasattr(moe, "fit_")


def test_rows_that_cannot_be_read_twice_are_refused():
    once = iter([(X, Y)])
    with pytest.raises(ValueError, match=r"Blocks without any|must give the same rows each time"):
        MixtureOfExperts(1).fit(Blocks(lambda: once, sample=300))
    fewer = iter([[(X, Y), (X, Y)], [(X, Y)], [(X, Y)], [(X, Y)]])
    with pytest.raises(ValueError, match="got 800 rows at first and 400 later"):
        MixtureOfExperts(1).fit(Blocks(lambda: next(fewer), sample=300))
    with pytest.raises(ValueError, match="y must be left out beside Blocks"):
        MixtureOfExperts(1).fit(blocks_of((X, Y)), Y)


def test_a_category_that_the_sample_lacks_is_named():
    other = ROWS.assign(site="c")
    moe = MixtureOfExperts(1, formula="y ~ x + site")
    blocks = Blocks(lambda: iter([ROWS] * 9 + [other[:1]]), sample=20)
    with pytest.raises(ValueError, match="site has the category c, which the fit has not seen"):
        moe.fit(blocks)


def test_a_class_that_the_sample_lacks_is_named():
    blocks = Blocks(
        lambda: iter([(X, ROWS["site"])] * 9 + [(X[:1], ROWS["site"][:1] + "c")]), sample=20
    )
    with pytest.raises(ValueError, match=r"block 9: y has the label [ab]c, which is not"):
        Classifier(1, random_state=1).fit(blocks)


def test_a_block_may_have_no_weight_but_not_all_of_them():
    none = np.zeros(len(Y))
    there = MixtureOfExperts(1).fit(blocks_of((X, Y), (X, Y + 9, none)))
    np.testing.assert_allclose(there.params, MixtureOfExperts(1).fit(X, Y).params, atol=1e-9)
    with pytest.raises(ValueError, match=r"sample_weight must have a positive entry.*all blocks"):
        MixtureOfExperts(1).fit(blocks_of((X, Y, none)))


def test_a_block_may_be_a_tuple_or_rows_alone():
    kinds = list(Blocks(lambda: [X, (X, Y), (X, Y, Y)]))
    assert [type(one) for one in kinds] == [Block] * 3
    assert [one.y is None for one in kinds] == [True, False, False]


@pytest.mark.slow
def test_a_million_rows_from_parquet(tmp_path):
    rows = table(1_000_000, seed=3)
    for i in range(4):
        rows[i * 250_000 : (i + 1) * 250_000].to_parquet(tmp_path / f"{i}.parquet")
    blocks = Blocks.of_files(tmp_path, inputs=["x", "w"], response="y")
    there = MixtureOfExperts(2, random_state=0).fit(blocks)
    here = MixtureOfExperts(2, random_state=0).fit(rows[["x", "w"]], rows["y"])
    check_same(there, here)
    assert there.result_.n_passes <= 15
    robust = there.inference(blocks, cov_type="robust").bse
    known = here.inference(rows[["x", "w"]], rows["y"], cov_type="robust").bse
    np.testing.assert_allclose(robust, known, rtol=1e-8)
