"""All that a fitted estimator says, in a form that compares bit for bit."""

import dataclasses
import enum

import numpy as np
import pandas as pd

from mixstat import ContextualMixtureOfExperts, MixtureOfExperts, MixtureOfExpertsClassifier
from mixstat.contextual import AlphaCertain

SETTINGS = {"ridge": 1e-3, "n_init": 1, "random_state": 0}
REGRESSION = ("predict", "expert_means", "predict_interval", "sample_y")
QUESTIONS = {
    "regressor": (*REGRESSION, "gate_proba", "predict_expert"),
    "classifier": ("predict", "predict_proba", "expert_proba", "gate_proba"),
    "contextual": (*REGRESSION, "gate_proba"),
}
OF_PAIRS = {
    "regressor": ("responsibilities", "score_samples", "aic", "bic", "score", "cdf"),
    "classifier": ("responsibilities", "score_samples", "bic", "score"),
    "contextual": ("responsibilities", "score_samples", "score", "context_proba"),
}


def rows(seed: int = 0, n: int = 120) -> tuple[pd.DataFrame, np.ndarray]:
    """Inputs with names, and two crossing lines."""
    random = np.random.default_rng(seed)
    X = pd.DataFrame(random.uniform(-1, 1, (n, 2)), columns=["a", "b"])
    side = np.where(X["a"] + 0.3 * random.standard_normal(n) > 0, 1.0, -1.0)
    return X, (side * X["b"] + 0.1 * random.standard_normal(n)).to_numpy()


def labels(y: np.ndarray) -> np.ndarray:
    """Classes with names, by the size of y and some noise."""
    noise = np.random.default_rng(1).standard_normal(len(y))
    return np.where(y + 0.2 * noise > 0, "yes", "no")


def make(kind: str, **settings):
    """An estimator that is not fitted, of one of three kinds."""
    settings = SETTINGS | settings
    if kind == "regressor":
        return MixtureOfExperts(2, **settings)
    if kind == "classifier":
        return MixtureOfExpertsClassifier(2, **settings)
    contexts = [
        AlphaCertain("left", on="a", inside=(None, 0.2), alpha=0.8),
        AlphaCertain("right", on="a", inside=(-0.2, None), alpha=0.8),
    ]
    return ContextualMixtureOfExperts(contexts, **settings)


def responses(kind: str, y: np.ndarray) -> np.ndarray:
    """Responses as the kind of estimator wants them."""
    return labels(y) if kind == "classifier" else y


def told(moe, kind: str, X: pd.DataFrame, y: np.ndarray) -> dict[str, object]:
    """Every public fitted attribute and the answer of every method, or why there is none."""
    names = [n for n in dir(moe) if n.endswith("_") and not n.startswith("_") and n != "fit_"]
    out = {name: _asked(lambda name=name: getattr(moe, name)) for name in names}
    for name in ("params", "parameter_names"):
        out[name] = _asked(lambda name=name: getattr(moe, name))
    for name in QUESTIONS[kind]:
        out[name] = _asked(lambda name=name: getattr(moe, name)(X))
    for name in OF_PAIRS[kind]:
        out[name] = _asked(lambda name=name: getattr(moe, name)(X, y))
    out["cov_params"] = _asked(moe.cov_params)
    out["identified"] = _asked(moe.identified)
    out["summary"] = _asked(lambda: moe.summary().as_text())
    return out


def _asked(question) -> object:
    try:
        return plain(question())
    except AttributeError as error:
        return str(error)


def plain(value: object) -> object:
    """A value as nested tuples of plain things: arrays are their bytes."""
    if value is None or isinstance(value, str | bytes | bool | int | enum.Enum):
        return value
    if isinstance(value, float):
        return value.hex()
    if isinstance(value, list | tuple):
        return tuple(map(plain, value))
    if isinstance(value, dict):
        return tuple((key, plain(one)) for key, one in value.items())
    if hasattr(value, "__array__"):
        array = np.asarray(value)
        content = array.tolist() if array.dtype.hasobject else array.tobytes()
        return str(array.dtype), array.shape, content
    if dataclasses.is_dataclass(value):
        return tuple(
            (one.name, plain(getattr(value, one.name))) for one in dataclasses.fields(value)
        )
    if hasattr(value, "__dict__"):
        return type(value).__name__, plain(vars(value))
    return repr(value)
