"""A call that is refused or interrupted leaves a fitted estimator exactly as it was."""

import importlib
import inspect
import os
import subprocess
import sys
from pathlib import Path

import jax
import numpy as np
import pytest

import mixstat
from tests.estimators.state import make, responses, rows, told
from tests.sweeps import first

KINDS = ("regressor", "classifier", "contextual")
X, Y = rows()
OTHER_X, OTHER_Y = rows(seed=1)


@pytest.fixture(scope="module", params=KINDS)
def fitted(request):
    """An estimator of each kind, what it says, and its kind."""
    y = responses(request.param, Y)
    moe = make(request.param).fit(X, y)
    return moe, told(moe, request.param, X, y), request.param


def unchanged(moe, before, kind: str) -> None:
    """Check that an estimator says what it said, and holds nothing else."""
    now = told(moe, kind, X, responses(kind, Y))
    assert [name for name in before if now[name] != before[name]] == []
    assert now.keys() == before.keys()
    assert {name for name in vars(moe) if name not in moe.get_params(deep=False)} == {"fit_"}


def with_nan(table):
    table = table.copy()
    table.iloc[3] = np.nan
    return table


REFUSED = {
    "contains NaN": lambda y: (with_nan(OTHER_X), y),
    "inconsistent numbers": lambda y: (OTHER_X, y[:-1]),
    "requires y": lambda y: (OTHER_X, None),
    "sample_weight must not be negative": lambda y: (OTHER_X[["a"]], y, -np.ones(len(y))),
    "inconsistent numbers of samples": lambda y: (OTHER_X[["a"]], y[:-1]),
    "a minimum of 2": lambda y: (OTHER_X[:1], y[:1]),
}


@pytest.mark.parametrize("message", REFUSED)
def test_a_refused_fit(fitted, message):
    moe, before, kind = fitted
    X_bad, y_bad, *weight = REFUSED[message](responses(kind, OTHER_Y))
    with pytest.raises(ValueError, match=message):
        moe.fit(X_bad, y_bad, sample_weight=weight[0] if weight else None)
    unchanged(moe, before, kind)


BAD_SETTINGS = [
    {"n_experts": 0},
    {"degree": -1},
    {"gate": "no such gate"},
    {"solver": "none"},
    {"expert_features": ["zz"]},
    {"gate_features": [7]},
    {"ridge": -1.0},
    {"init": np.zeros((3, 2))},
    {"l1_ratio": 2.0},
]


@pytest.mark.parametrize("settings", BAD_SETTINGS, ids=lambda one: next(iter(one)))
def test_a_refused_fit_after_other_settings(fitted, settings):
    moe, before, kind = fitted
    good = {name: moe.get_params(deep=False)[name] for name in settings}
    moe.set_params(**settings)
    relabelled = responses(kind, -OTHER_Y)
    if kind == "classifier":
        relabelled = np.where(relabelled == "yes", "other", "third")
    with pytest.raises(ValueError, match=next(iter(settings))):
        moe.fit(OTHER_X.rename(columns={"b": "c"}), relabelled)
    unchanged(moe, before, kind)  # also a summary, which tells of settings
    moe.set_params(**good)


def test_settings_of_knowledge_are_those_of_the_fit():
    y = responses("contextual", Y)
    moe = make("contextual").fit(X, y)
    before = told(moe, "contextual", X, y)
    moe.set_params(alpha=0.1, mapping={"left": 1, "right": 0}, contexts=None)
    unchanged(moe, before, "contextual")


def test_labels_stay_with_the_model_they_were_learned_with():
    """New labels of a fit that is refused must not be given to the old model's classes."""
    y = responses("classifier", Y)
    moe = make("classifier").fit(X, y)
    before = moe.predict(X)
    moe.set_params(expert_features=["zz"])
    with pytest.raises(ValueError, match="expert_features names column 'zz'"):
        moe.fit(X, np.where(y == "yes", "a", "b"))
    np.testing.assert_array_equal(moe.predict(X), before)
    assert moe.classes_.tolist() == ["no", "yes"]


def test_refused_updates(fitted):
    moe, before, kind = fitted
    y = responses(kind, OTHER_Y)
    bad_rows = (
        ("contains NaN", with_nan(OTHER_X), y),
        ("feature names", OTHER_X[["a"]], y),
        ("inconsistent numbers", OTHER_X, y[:-1]),
    )
    for message, bad_X, bad_y in bad_rows:
        with pytest.raises(ValueError, match=message):
            moe.partial_fit(bad_X, bad_y)
    with pytest.raises(ValueError, match="forgetting"):
        moe.partial_fit(OTHER_X, y, forgetting=2.0)
    with pytest.raises(ValueError, match="sample_weight"):
        moe.partial_fit(OTHER_X, y, sample_weight=-np.ones(len(y)))
    if kind != "classifier":
        with pytest.raises(ValueError, match="rescale it below"):
            moe.partial_fit(OTHER_X, 1e200 * y)
    unchanged(moe, before, kind)


def test_an_update_with_other_classes_changes_nothing():
    y = responses("classifier", Y)
    moe = make("classifier").fit(X, y)
    before = told(moe, "classifier", X, y)
    with pytest.raises(ValueError, match="classes must be those of the fit"):
        moe.partial_fit(X[:20], y[::-1][:20], classes=["no", "third"], forgetting=0.9)
    unchanged(moe, before, "classifier")


def test_a_first_update_that_is_refused_leaves_no_fit():
    moe = make("classifier")
    with pytest.raises(ValueError, match="the first call must hold rows of every class"):
        moe.partial_fit(X, responses("classifier", Y), classes=["no", "yes", "maybe"])
    assert not hasattr(moe, "classes_")
    assert not hasattr(moe, "n_features_in_")
    assert "fit_" not in vars(moe)


def test_updated_models_stay_as_they_were_too(fitted):
    _, before, kind = fitted
    y = responses(kind, Y)
    learner = make(kind).fit(X, y).partial_fit(OTHER_X[:30], responses(kind, OTHER_Y)[:30])
    after = told(learner, kind, X, y)
    assert after["expert_coef_"] != before["expert_coef_"]
    assert "certificate_" not in after
    with pytest.raises(
        AttributeError, match="certificate_ is of a fit, and this model was updated"
    ):
        _ = learner.certificate_
    for call in (learner.fit, learner.partial_fit):
        with pytest.raises(ValueError, match="contains NaN"):
            call(with_nan(X), y)
    unchanged(learner, after, kind)


INNER = {
    "fit": [
        "estimators.door.validate_data",
        "estimators.base.read_options",
        "estimators.base.fit_rows",
        "estimators.base.report",
        "fitting.search.make_tables",
        "fitting.task.given_start",
        "fitting.search.start_rows",
        "fitting.search.first_models",
        "fitting.search._fixed_number",
        "fitting.search.examined",
        "fitting.findings.conditions",
        "fitting.tables.check_magnitude",
    ],
    "partial_fit": [
        "fitting.fit.collect",
        "estimators.updating.advance",
        "estimators.updating.updated",
    ],
}


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("call", INNER)
def test_an_interrupt_inside(fitted, monkeypatch, call, when):
    moe, before, kind = fitted
    y = responses(kind, OTHER_Y)
    names = [
        n for n in INNER[call] if not (kind == "contextual" and n == "estimators.base.read_options")
    ]
    for name in names:
        place, _, function = name.rpartition(".")
        module = importlib.import_module(f"mixstat.{place}")
        with monkeypatch.context() as patch:
            patch.setattr(module, function, _interrupted(getattr(module, function), when))
            with pytest.raises(KeyboardInterrupt):
                getattr(moe, call)(OTHER_X, y)
        unchanged(moe, before, kind)


def _interrupted(function, when: str):
    def interrupted(*args, **kwargs):
        if when == "after":
            function(*args, **kwargs)
        raise KeyboardInterrupt

    return interrupted


@pytest.mark.parametrize("call", ["fit", "partial_fit"])
def test_an_interrupt_at_any_call(fitted, call):
    """An interrupt at calls that are spread over all calls where fits are made."""
    moe, before, kind = fitted
    y = responses(kind, OTHER_Y)
    first, second, third = (make(kind).fit(X, responses(kind, Y)) for _ in range(3))
    # the first may make programs; what the third keeps of a call that is interrupted at its end, as
    # others are below, is not asked for again
    _calls(lambda: getattr(first, call)(OTHER_X, y), stop=None)
    n_calls = _calls(lambda: getattr(second, call)(OTHER_X, y), stop=None)
    with pytest.raises(KeyboardInterrupt):
        _calls(lambda: getattr(third, call)(OTHER_X, y), stop=n_calls)
    n_calls = _calls(lambda: getattr(third, call)(OTHER_X, y), stop=None)
    assert n_calls >= 16
    for stop in np.unique(np.linspace(1, n_calls, 8).astype(int)):
        with pytest.raises(KeyboardInterrupt):
            _calls(lambda: getattr(moe, call)(OTHER_X, y), stop=stop)
        unchanged(moe, before, kind)


HOME = tuple(str(Path(mixstat.__file__).parent / room) for room in ("estimators", "fitting"))


def _calls(question, *, stop: int | None) -> int:
    """Count the calls within those rooms; interrupt the one with number ``stop``."""
    count = 0

    def watch(frame, event, argument):
        nonlocal count
        code = frame.f_code
        # what is raised while a generator is closed is lost, whatever it is
        generates = code.co_flags & inspect.CO_GENERATOR
        if event == "call" and code.co_filename.startswith(HOME) and not generates:
            count += 1
            if count == stop:
                raise KeyboardInterrupt

    sys.setprofile(watch)
    try:
        question()
    finally:
        sys.setprofile(None)
    return count


SIGNALLED = """
import os, signal, sys, threading, time
import numpy as np
from tests.estimators.state import make, responses, rows, told

signal.signal(signal.SIGINT, signal.default_int_handler)  # background jobs ignore it
kind, rounds = sys.argv[1], int(sys.argv[2])
tables = [rows(seed) for seed in (0, 1)]
tables = [(X, responses(kind, y)) for X, y in tables]
X, y = tables[0]
moe = make(kind, n_init=3)
says = [told(moe.fit(*table), kind, X, y) for table in tables]
begun = time.perf_counter()
moe.fit(*tables[1])
lasted = time.perf_counter() - begun
random = np.random.default_rng(int(sys.argv[3]))
now, interrupted = 1, 0
for _ in range(rounds):
    done = False
    delay = float(random.uniform(0, lasted))
    timer = threading.Timer(delay, os.kill, (os.getpid(), signal.SIGINT))
    try:
        timer.start()  # a signal may come before it returns
        moe.fit(*tables[1 - now])
        done = True
        timer.join()
        time.sleep(0.05)
    except KeyboardInterrupt:
        pass
    timer.join()
    saying = told(moe, kind, X, y)
    # a signal between the assignment and the return of fit leaves the new fit, which is whole
    assert saying == says[1 - now] or (not done and saying == says[now]), "neither old nor new"
    interrupted += saying == says[now]
    now = now if saying == says[now] else 1 - now
print(interrupted)
"""


@pytest.mark.parametrize("kind", first(KINDS))
def test_signals_at_random_moments(kind):
    cache = jax.config.values["jax_compilation_cache_dir"]
    root = str(Path(__file__).parents[2])
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join([root, os.environ.get("PYTHONPATH", "")]),
        "JAX_COMPILATION_CACHE_DIR": str(cache),
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
        "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
    }
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", SIGNALLED, kind, "8", "0"],
        capture_output=True,
        text=True,
        env=environment,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout.split()[-1]) >= 3
