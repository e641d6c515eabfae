"""Graphs of ONNX tell what the methods of the model tell."""

import numpy as np
import pytest

import mixstat
from mixstat import MixtureOfExperts
from mixstat import MixtureOfExpertsClassifier as Classifier

RANDOM = np.random.default_rng(0)
X = RANDOM.uniform(-1, 1, (400, 2))
UP = RANDOM.random(400) < 1 / (1 + np.exp(-2 * X[:, 1]))
REAL = 50 + 5 * np.where(UP, 1 + X[:, 0], -X[:, 0]) + RANDOM.standard_normal(400)
COUNT = RANDOM.poisson(np.exp(np.where(UP, 2 + X[:, 0], -X[:, 0])))
NAMED = RANDOM.choice(["a", "b", "c"], 400)


def told(moe, path):
    onnxruntime = pytest.importorskip("onnxruntime")
    mixstat.to_onnx(moe, path)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    names = ["mean", "gate_proba", "expert_means"]
    return dict(zip(names, session.run(names, {"X": X[:50]}), strict=True))


@pytest.mark.parametrize(
    ("settings", "y"),
    [
        ({}, REAL),
        ({"degree": 2, "gate_features": [1]}, REAL),
        ({"gate_degree": 0}, np.stack([REAL, COUNT], axis=1)),
        ({"expert": "poisson"}, COUNT),
        ({"expert": "gamma", "n_experts": 1}, COUNT + 1.0),
    ],
)
def test_a_regressor(settings, y, tmp_path):
    pytest.importorskip("onnx")
    moe = MixtureOfExperts(**{"n_experts": 2, "random_state": 0, "n_init": 1, **settings})
    found = told(moe.fit(X, y), tmp_path / "model.onnx")
    assert found["mean"].dtype == np.float64
    np.testing.assert_allclose(found["mean"], moe.predict(X[:50]), rtol=1e-9)
    np.testing.assert_allclose(found["gate_proba"], moe.gate_proba(X[:50]), rtol=1e-9)
    each = moe.expert_means(X[:50])
    np.testing.assert_allclose(found["expert_means"], each.reshape(found["expert_means"].shape))


def test_a_classifier(tmp_path):
    pytest.importorskip("onnx")
    moe = Classifier(1, random_state=0).fit(X, NAMED)
    found = told(moe, tmp_path / "model.onnx")
    np.testing.assert_allclose(found["mean"], moe.predict_proba(X[:50]), rtol=1e-9)
    np.testing.assert_allclose(found["expert_means"], moe.expert_proba(X[:50]), rtol=1e-9)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"gate": "gaussian"}, "must have a softmax gate, got GaussianGate"),
        ({"expert": "t"}, "must have one of GaussianExperts, .*, got StudentTExperts"),
    ],
)
def test_models_that_no_graph_tells_are_refused(settings, message, tmp_path):
    moe = MixtureOfExperts(1, n_init=1, random_state=0, **settings).fit(X[:, :1], REAL)
    with pytest.raises(TypeError, match=message):
        mixstat.to_onnx(moe, tmp_path / "model.onnx")


def test_without_onnx_the_error_says_what_to_install(monkeypatch, tmp_path):
    monkeypatch.setitem(__import__("sys").modules, "onnx", None)
    moe = MixtureOfExperts(1).fit(X[:, :1], REAL)
    with pytest.raises(ImportError, match=r"pip install 'mixstat\[onnx\]'"):
        mixstat.to_onnx(moe, tmp_path / "model.onnx")
