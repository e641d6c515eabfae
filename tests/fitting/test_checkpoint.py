"""A long fit goes on from its checkpoint to the same optimum; others and damaged ones are told."""

import errno
import json
import random
import signal
import subprocess
import sys

import numpy as np
import pytest

import mixstat.fitting.checkpoint
from mixstat import Blocks, MixtureOfExperts
from mixstat import MixtureOfExpertsClassifier as Classifier
from tests.fitting.test_blocks import table

ROWS = table(20_000)
X, Y = ROWS[["x", "w"]].to_numpy(), ROWS["y"].to_numpy()
BLOCK, BLOCKS = 3_000, 7  # as in test_blocks


def blocks_until(stop=None, reads=None):
    """Blocks whose reader fails after so many blocks, and counts them."""
    count = [0]
    whole = Blocks.of_arrays(X, Y, rows=BLOCK, sample=2_000)

    def read():
        for block in whole:
            count[0] += 1
            if count[0] == stop:
                raise InterruptedError("killed")
            if reads is not None:
                reads[:] = [count[0]]
            yield block

    return Blocks(read, sample=2_000)


def fit(blocks, path, **settings):
    moe = MixtureOfExperts(**{"n_experts": 2, "random_state": 0, **settings})
    return moe.fit(blocks, checkpoint=path)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A fit that nobody stopped, its checkpoint, and how many blocks it read."""
    path, reads = tmp_path_factory.mktemp("whole") / "fit.json", []
    return fit(blocks_until(reads=reads), path), path, reads[0]


def check_same(one, other):
    np.testing.assert_allclose(one.params, other.params, rtol=1e-9, atol=1e-10)
    np.testing.assert_allclose(one.cov_params(), other.cov_params(), rtol=1e-7, atol=1e-13)
    assert one.status_ == other.status_
    assert one.certificate_.sound == other.certificate_.sound


def test_a_fit_goes_on_where_it_was_stopped(whole, tmp_path):
    there, _, n_reads = whole
    path = tmp_path / "fit.json"
    with pytest.raises(InterruptedError):
        fit(blocks_until(4 * BLOCKS), path)
    kept = json.loads(path.read_text())["progress"]
    assert kept["status"] == "running"
    assert kept["n_passes"] >= 2
    reads = []
    again = fit(blocks_until(reads=reads), path)
    check_same(again, there)
    assert reads[0] < n_reads
    assert again.result_.n_passes >= there.result_.n_passes
    assert json.loads(path.read_text())["progress"]["status"] == "CONVERGED"
    check_same(fit(blocks_until(), path), there)  # and once more, from the end


def test_what_is_not_its_checkpoint_is_refused(whole, tmp_path):
    _, path, _ = whole
    content = path.read_bytes()

    def refused(blocks, match, written=content, **settings):
        place = tmp_path / "other.json"
        place.write_bytes(written)
        with pytest.raises(ValueError, match=match):
            fit(blocks, place, **settings)
        assert place.read_bytes() == written

    blocks = blocks_until()
    refused(blocks, "is of another model.*expert1:x0.*and this one is", n_experts=1)
    other = Blocks.of_arrays(X, Y[::-1].copy(), rows=BLOCK, sample=2_000)
    refused(other, r"other.json' is of other rows\. Give another path")
    last = Y.copy()
    last[-1] += 40  # a row that the sample does not have
    changed = Blocks.of_arrays(X, last, rows=BLOCK, sample=2_000)
    refused(changed, r"is of other rows: their log-likelihood was .*, and is ")
    refused(blocks, "is damaged, or no checkpoint", content[: len(content) // 2])
    other = content.replace(b'"CONVERGED"', b'"STALLED"')
    refused(blocks, "does not match its checksum", other)
    refused(blocks, "is damaged, or no checkpoint", b"")
    refused(blocks, "is damaged, or no checkpoint", b"[1, 2]")
    refused(blocks, "its format is 'a model'", b'{"format": "a model"}')
    newer = content.replace(b'"version": 1', b'"version": 2').replace(b'"0.1.0"', b'"9.0"')
    refused(blocks, "has format 2, written by mixstat 9.0; mixstat .* up to 1: update", newer)


def test_a_disk_that_fills_loses_nothing(whole, tmp_path, monkeypatch):
    there, _, _ = whole
    path = tmp_path / "fit.json"
    write, count = mixstat.fitting.checkpoint.write_at_once, [0]

    def full(place, content):
        count[0] += 1
        if count[0] > 1:
            raise OSError(errno.ENOSPC, "No space left on device")
        write(place, content)

    monkeypatch.setattr(mixstat.fitting.checkpoint, "write_at_once", full)
    with pytest.warns(RuntimeWarning, match="No space left.*the fit goes on") as told:
        check_same(fit(blocks_until(), path), there)
    assert len(told) == 1
    assert count[0] > 2
    assert [one.name for one in tmp_path.iterdir()] == ["fit.json"]
    monkeypatch.undo()
    check_same(fit(blocks_until(), path), there)


def test_where_there_can_be_none(tmp_path):
    with pytest.raises(ValueError, match="checkpoint must be left out for rows in memory"):
        MixtureOfExperts(1).fit(X[:50], Y[:50], checkpoint=tmp_path / "fit.json")
    with pytest.raises(ValueError, match="checkpoint must be left out for rows in memory"):
        Classifier(1).fit(X[:50], Y[:50] > 0, checkpoint=tmp_path / "fit.json")
    with pytest.raises(ValueError, match="checkpoint must be in a folder that exists"):
        fit(blocks_until(), tmp_path / "nowhere" / "fit.json")


KILLED = """
import os, signal, sys
from tests.fitting.test_checkpoint import blocks_until, fit
after, path = int(sys.argv[1]), sys.argv[2]
blocks = blocks_until()
read, count = blocks.read, 0
def dying():
    global count
    for block in read():
        count += 1
        if count == after:
            os.kill(os.getpid(), signal.SIGKILL)
        yield block
blocks.read = dying
fit(blocks, path)
"""


@pytest.mark.slow
def test_five_kills(whole, tmp_path):
    there, _, n_reads = whole
    path, chance = tmp_path / "fit.json", random.Random(0)
    for _ in range(5):
        after = chance.randint(BLOCKS, n_reads - 3 * BLOCKS)
        done = subprocess.run([sys.executable, "-c", KILLED, str(after), str(path)], check=False)
        assert done.returncode == -signal.SIGKILL
    assert path.exists()
    check_same(fit(blocks_until(), path), there)
