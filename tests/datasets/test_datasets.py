"""Loaders refuse what is not their data; simulators have the truth that they tell."""

import os

import numpy as np
import pytest

from mixstat.datasets import load_debutanizer, load_sru, make_batch_process, make_tent

pytestmark = pytest.mark.fast


def _write(path, table, title="Scaled data\n\n"):
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = "\n".join("  ".join(f"{v:.7e}" for v in row) for row in table)
    path.write_text(title + lines + "\n")
    return path


def test_absent_file_says_what_to_do(monkeypatch, tmp_path):
    monkeypatch.delenv("MIXSTAT_DATA", raising=False)
    with pytest.raises(FileNotFoundError, match=r"MIXSTAT_DATA is not set.*sru/SRU_data\.txt"):
        load_sru()
    monkeypatch.setenv("MIXSTAT_DATA", str(tmp_path))
    with pytest.raises(FileNotFoundError, match="nothing was found at"):
        load_debutanizer()


def test_another_file_is_refused(tmp_path, rng):
    file = _write(tmp_path / "SRU_data.txt", rng.random((20, 7)))
    with pytest.raises(ValueError, match=r"MD5 .* wanted 262a13741bdcd2a15bf0621f8e61326c"):
        load_sru(file)
    with pytest.raises(ValueError, match=r"20 rows of 7 numbers; .* 10081"):
        load_sru(file, verify=False)
    with pytest.raises(ValueError, match="no line of 8 numbers"):
        load_debutanizer(file)


@pytest.mark.parametrize("root", [".", "debutanizer", "debutanizer/debutanizer_data.txt"])
def test_debutanizer_is_read_from_file_or_folder(tmp_path, rng, root):
    table = rng.random((2394, 8))
    _write(tmp_path / "debutanizer" / "debutanizer_data.txt", table)
    X, y = load_debutanizer(tmp_path / root, return_X_y=True)
    np.testing.assert_allclose(X, table[:, :7], rtol=1e-6)
    np.testing.assert_allclose(y, table[:, 7], rtol=1e-6)


def test_frames(tmp_path, rng):
    pytest.importorskip("pandas")
    file = _write(tmp_path / "debutanizer_data.txt", rng.random((2394, 8)), title="")
    plant = load_debutanizer(file, as_frame=True)
    assert list(plant.data.columns) == plant.feature_names
    assert plant.target.name == "y"
    process = make_batch_process(1, as_frame=True, random_state=0)
    assert list(process.frame.columns[-4:]) == ["batch", "minute", "phase", "stated_phase"]
    assert set(process.frame.phase) == set(process.phase_names)


@pytest.mark.skipif(not os.environ.get("MIXSTAT_DATA"), reason="MIXSTAT_DATA is not set")
def test_sru():
    plant = load_sru()
    assert plant.data.shape == (10081, 5)
    assert plant.target.shape == (10081, 2)
    np.testing.assert_allclose(plant.data[0, 0], 0.66311319)
    np.testing.assert_allclose(plant.target[0], [0.083362383, 0.19147575])


def test_tent_has_its_mean_and_noise():
    X, y = make_tent(20000, n_irrelevant=1, noise=0.1, random_state=0)
    x = X[:, 0]
    residual = y - np.where(x < 0.5, 2 * x, 2 - 2 * x)
    assert X.shape == (20000, 2)
    assert abs(residual.mean()) < 4 * 0.1 / np.sqrt(20000)
    assert abs(residual.std() - 0.1) < 4 * 0.1 / np.sqrt(40000)
    assert X.min() >= 0
    assert X.max() <= 1


def test_batch_process_follows_its_laws():
    process = make_batch_process(20, noise=0.1, random_state=0)
    X, phase = process.data, process.phase
    mean = process.coef[phase, 0] + np.sum(process.coef[phase, 1:] * X, axis=1)
    residual = process.target - mean - np.where(phase == 0, 6e-4 * (X[:, 0] - 80) ** 2, 0.0)
    assert abs(residual.std() - 0.1) < 4 * 0.1 / np.sqrt(2 * len(X))
    assert np.all(np.diff(phase)[np.diff(process.batch) == 0] >= 0)  # phases in their order
    np.testing.assert_array_equal(process.minute[np.diff(process.batch, prepend=-1) > 0], 0)
    flow = X[:, process.feature_names.index("monomer")]
    assert flow[phase == 1].mean() > 1.5 > 0.5 > flow[phase != 1].mean()
    np.testing.assert_array_equal(process.stated_phase, phase)


def test_stated_phases_are_wrong_as_often_as_asked():
    process = make_batch_process(3, wrong_labels=0.2, random_state=1)
    wrong = np.mean(process.stated_phase != process.phase)
    assert abs(wrong - 0.2) < 1 / len(process.phase)
    assert set(np.unique(process.stated_phase)) == {0, 1, 2, 3}


def test_seeds_and_bad_input():
    np.testing.assert_array_equal(make_tent(5, random_state=3)[1], make_tent(5, random_state=3)[1])
    first, second = (make_batch_process(1, random_state=s).target for s in (0, 1))
    assert not np.array_equal(first[:50], second[:50])
    with pytest.raises(ValueError, match="n_irrelevant must be an integer >= 0"):
        make_tent(10, n_irrelevant=-1)
    with pytest.raises(ValueError, match="wrong_labels must lie between 0 and 1"):
        make_batch_process(1, wrong_labels=1.5)
