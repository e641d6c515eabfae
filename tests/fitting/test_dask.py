"""Rows in collections of Dask, two worker processes, and what is run on them."""

import os
import signal
import sys

import numpy as np
import pandas as pd
import pytest

from mixstat import Blocks, MixtureOfExperts
from tests.fitting.test_blocks import check_same, check_same_errors, table
from tests.rates.killed import study as small_study

pytest.importorskip("dask.dataframe")
distributed = pytest.importorskip("distributed")

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::DeprecationWarning")
N, CHUNK = 40_000, 5_000


@pytest.fixture(scope="module")
def client():
    """Of two processes."""
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None
        ) as cluster,
        distributed.Client(cluster) as one,
    ):
        yield one


@pytest.fixture(scope="module")
def both():
    """Rows, and the fit to them in memory."""
    rows = table(N)
    X, y = rows[["x", "w"]], rows["y"]
    return X, y, MixtureOfExperts(2, random_state=0).fit(X, y)


def arrays(X, y):
    import dask.array as da

    return da.from_array(X.to_numpy(), (CHUNK, 1)), da.from_array(y.to_numpy(), CHUNK)


def frames(X, y):
    import dask.dataframe as dd

    frame = dd.from_pandas(pd.concat([X, y], axis=1), chunksize=CHUNK)
    return frame[["x", "w"]], frame["y"]


@pytest.mark.parametrize("collections", [arrays, frames])
def test_the_same_optimum_from_the_cluster(client, both, collections):
    X, y, here = both
    blocks = Blocks.of_dask(*collections(X, y), sample=2_000)
    there = MixtureOfExperts(2, random_state=0).fit(blocks)
    check_same(there, here)
    if collections is frames:
        check_same_errors(there, here, blocks, X, y)
        assert list(there.feature_names_in_) == ["x", "w"]
    np.testing.assert_allclose(there.predict(blocks), here.predict(X), rtol=1e-7)
    np.testing.assert_allclose(there.score_samples(blocks), here.score_samples(X, y), rtol=1e-7)


def test_partitions_without_rows_are_passed_over(client, both):
    X, y, _ = both
    inputs, response = frames(X, y)
    positive = inputs["x"] > inputs["x"].partitions[0].max().compute()  # none of the first
    blocks = Blocks.of_dask(inputs[positive], response[positive], sample=2_000)
    rows = X["x"] > X["x"][:CHUNK].max()
    assert len(MixtureOfExperts(1).fit(X, y).predict(blocks)) == rows.sum()


def test_collections_with_other_partitions_are_refused(both):
    X, y, _ = both
    inputs, response = arrays(X, y)
    with pytest.raises(ValueError, match="y must have the 8 partitions of X, got 4"):
        Blocks.of_dask(inputs, response.rechunk(2 * CHUNK))


def test_a_study_runs_on_the_cluster(client):
    found = small_study().run(backend=client, batch_size=5, progress=False)
    pd.testing.assert_frame_equal(found, small_study().run(progress=False))


def test_a_search_runs_on_the_cluster(client, both):
    import joblib
    from sklearn.model_selection import GridSearchCV

    X, y, _ = both
    search = GridSearchCV(MixtureOfExperts(random_state=0), {"n_experts": [1, 2]}, cv=2)
    with joblib.parallel_config("dask"):
        search.fit(X[:500], y[:500])
    assert search.best_params_ == {"n_experts": 2}


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL")
def test_workers_that_die_cost_a_retry(client, both):
    X, y, here = both
    blocks = Blocks.of_dask(*arrays(X, y), sample=2_000)
    read, count = blocks.read, [0]

    def killing():
        for block in read():
            count[0] += 1
            if count[0] in (3, 9, 14, 20, 26):
                worker = next(iter(client.run(os.getpid).values()))
                os.kill(worker, signal.SIGKILL)
            yield block

    blocks.read = killing
    check_same(MixtureOfExperts(2, random_state=0).fit(blocks), here)
    assert count[0] > 26
