"""Kept programs: what their names hold, what is never run, and many processes at once."""

import os
import pickle
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mixstat.experts import GaussianExperts
from mixstat.experts.student import StudentTExperts
from mixstat.gates import ModifiedSoftmaxGate, SoftmaxGate
from mixstat.model import Mixture
from mixstat.numerics import compiled, program_code, program_keys, programs
from mixstat.solvers import em

fast = pytest.mark.fast


def _mixture(experts=None, gate=None, n_experts: int = 2) -> Mixture:
    gate = (gate or SoftmaxGate()).null(n_experts, 2)
    return Mixture(gate, (experts or GaussianExperts()).null(n_experts, 2, 1))


def _name(model: Mixture, function=em.run, options=None, **fixed: object) -> str:
    leaves, tree = jax.tree.flatten({"start": model})
    kinds = tuple(map(programs.kind_of, leaves))
    return program_keys.name_of(function, tree, kinds, fixed, options or {})


@fast
def test_a_name_holds_all_that_matters(x64, monkeypatch):
    model = _mixture()
    names = {
        _name(model),
        _name(model, em.begin),
        _name(model, options={"xla_option": False}),
        _name(model, options={"xla_option": True}),
        _name(model, accelerate=True),
        _name(model, accelerate=1),
        _name(model, accelerate=None),
        _name(model, statistic=em.begin),
        _name(_mixture(n_experts=3)),
        _name(_mixture(StudentTExperts())),
        _name(_mixture(StudentTExperts(df=3.0))),
        _name(_mixture(StudentTExperts(df=4.0))),
        _name(_mixture(gate=ModifiedSoftmaxGate(function="tanh"))),
        _name(_mixture(gate=ModifiedSoftmaxGate(function="sin"))),
        _name(jax.tree.map(lambda a: np.asarray(a, np.float32), model)),
    }
    with jax.enable_x64(False):
        names.add(_name(model))
    with jax.default_matmul_precision("float32"):
        names.add(_name(model))
    monkeypatch.setattr(program_keys, "surroundings", lambda: "another version")
    names.add(_name(model))
    assert len(names) == 18
    monkeypatch.undo()
    assert _name(_mixture()) in names  # and nothing else


@fast
@pytest.mark.parametrize(
    "part", ["source_stamp", "processor", "available", "_version", "XLA_FLAGS"]
)
def test_surroundings_hold_source_versions_and_processor(part, x64, monkeypatch):
    program_keys.surroundings.cache_clear()
    before = program_keys.surroundings()
    program_keys.surroundings.cache_clear()
    assert program_keys.surroundings() == before
    program_keys.surroundings.cache_clear()
    if part == "XLA_FLAGS":
        monkeypatch.setenv("XLA_FLAGS", "--xla_of_another_process")
    else:
        monkeypatch.setattr(program_keys, part, lambda *_: "another")
    try:
        assert program_keys.surroundings() != before
    finally:
        program_keys.surroundings.cache_clear()


@fast
def test_a_change_of_the_source_is_another_name(tmp_path, monkeypatch):
    (tmp_path / "inside").mkdir()
    monkeypatch.setattr(program_keys, "PACKAGE", tmp_path)
    stamps = [program_keys.source_stamp()]
    for name, words in (("a.py", "1"), ("a.py", "2"), ("inside/b.py", "2"), ("inside/c.py", "")):
        (tmp_path / name).write_text(words)
        stamps.append(program_keys.source_stamp())
    assert len(set(stamps)) == 5
    (tmp_path / "notes.txt").write_text("")
    assert program_keys.source_stamp() == stamps[-1]


@dataclass(frozen=True)
class Foreign:
    size: int = 1


def double(x):
    return 2 * x


@fast
@pytest.mark.parametrize("value", [double, lambda x: x, partial(double, 1), Foreign(), object(),
                                   jnp.tanh, np.array([None])])  # fmt: skip
def test_what_has_no_lasting_name_has_no_program(value, x64):
    with pytest.raises(program_keys.NotKept):
        program_keys.text(value)
    if callable(value):
        with pytest.raises(program_keys.NotKept):
            _name(_mixture(gate=ModifiedSoftmaxGate(function=value)))
        with pytest.raises(program_keys.NotKept):
            _name(_mixture(), value)


def _begun(model: Mixture) -> list[np.ndarray]:
    return [np.asarray(leaf) for leaf in jax.tree.leaves(em._begin(model))]


def _loads(model: Mixture) -> tuple[list[np.ndarray], int]:
    """The answer, and how many programs were loaded for it."""
    loaded = []
    live = [True]

    def count(event: str, _: float, **__: object) -> None:
        if live[0] and event == programs.LOADED:
            loaded.append(event)

    jax.monitoring.register_event_duration_secs_listener(count)
    programs.forget()
    answer = _begun(model)
    live[0] = False
    return answer, len(loaded)


def _same(one: list[np.ndarray], other: list[np.ndarray]) -> bool:
    return all(a.dtype == b.dtype and np.array_equal(a, b) for a, b in zip(one, other, strict=True))


@fast
def test_a_program_is_loaded_as_it_was_made(folder, x64):
    first, loaded = _loads(_mixture())
    assert loaded == 0
    kept = list(folder.iterdir())
    assert len(kept) == 1
    again, loaded = _loads(_mixture())
    assert loaded == 1
    assert _same(first, again)
    state = em._begin(_mixture())
    assert isinstance(state, em.EMState)
    assert isinstance(state.model.gate, SoftmaxGate)
    assert list(folder.iterdir()) == kept


@fast
def test_a_damaged_file_is_never_looked_into(folder, x64, monkeypatch):
    first, _ = _loads(_mixture())
    [path] = folder.iterdir()
    whole = path.read_bytes()
    name = path.name.split(".")[0]
    with monkeypatch.context() as patch:
        patch.setattr(pickle, "loads", lambda *_: pytest.fail("unpickled"))
        for content in (b"", whole[:60], whole[:-1], whole + b"x", whole.replace(b"1", b"2", 1)):
            with pytest.raises(ValueError, match="not the bytes"):
                program_code.from_bytes(content, name)
        with pytest.raises(ValueError, match="not the bytes"):
            program_code.from_bytes(whole, "0" * len(name))
    path.write_bytes(whole[: len(whole) // 2])
    again, loaded = _loads(_mixture())
    assert loaded == 0
    assert _same(first, again)
    assert _loads(_mixture())[1] == 1  # it was made anew


@fast
def test_a_program_of_another_model_is_not_run(folder, x64):
    _loads(_mixture())
    [path] = folder.iterdir()
    content = path.read_bytes()
    path.unlink()
    first, _ = _loads(_mixture(StudentTExperts()))
    [other] = folder.iterdir()
    other.write_bytes(content)  # sealed under the name of the first
    again, loaded = _loads(_mixture(StudentTExperts()))
    assert loaded == 0
    assert _same(first, again)


@fast
def test_what_jax_has_found_is_not_kept(folder, x64):
    """It would lack its code: a program is kept by who has made it."""
    with programs.watched() as events:
        jax.monitoring.record_event(programs.ASKED)
        assert programs.is_new(events)
        jax.monitoring.record_event(programs.FOUND)
        assert not programs.is_new(events)
    jax.config.update("jax_enable_compilation_cache", True)
    assert not programs.is_new([])  # JAX's cache is there, and nobody knows what it did
    jax.config.update("jax_enable_compilation_cache", False)
    assert programs.is_new([])


@fast
def test_programs_that_cannot_be_kept_are_compiled(folder, x64, monkeypatch):
    def refuses(*_: object) -> bytes:
        raise ValueError("with constants")

    monkeypatch.setattr(program_code, "to_bytes", refuses)
    first, _ = _loads(_mixture())
    assert _same(first, _loads(_mixture())[0])
    assert not list(folder.iterdir())

    @compiled.kernel()
    def local(x):
        return x + 1

    assert local(jnp.ones(2))[0] == 2.0


@fast
def test_arrays_of_numpy_and_jax_share_a_program(x64):
    model = _mixture()
    assert _name(model) == _name(jax.tree.map(jnp.asarray, model))
    yielding = jax.jit(lambda: jnp.asarray(1.0))()  # of Python's number, gives way to others
    assert yielding.weak_type
    assert programs.kind_of(yielding) != programs.kind_of(np.asarray(1.0))


@fast
def test_people_are_told_of_compilations(folder, x64):
    said: list[str] = []
    for _ in range(2):
        with programs.telling(said.append):
            _loads(_mixture())
    assert said == ["compiling begin"]


@fast
def test_jax_debugs_in_its_own_way(x64):
    with jax.debug_nans(True):
        assert not programs.simple()
    with jax.disable_jit():
        assert not programs.simple()
        assert _begun(_mixture())


@pytest.mark.slow
def test_a_thousand_damaged_files(folder, x64):
    """A byte changed, bytes lost, bytes of others: never run, and the answers stay right."""
    first, _ = _loads(_mixture())
    [path] = folder.iterdir()
    whole = bytearray(path.read_bytes())
    name = path.name.split(".")[0]
    random = np.random.default_rng(0)
    for i in range(1000):
        content = bytearray(whole)
        at = int(random.integers(len(content)))
        if i % 3 == 0:
            content[at] ^= int(random.integers(1, 256))
        elif i % 3 == 1:
            content = content[:at]
        else:
            content[at:] = random.bytes(len(content) - at + int(random.integers(1, 9)))
        with pytest.raises(ValueError, match="not the bytes"):
            program_code.from_bytes(bytes(content), name)
        if i % 100 == 0:
            path.write_bytes(content)
            again, loaded = _loads(_mixture())
            assert loaded == 0
            assert _same(first, again)


FIT = """
import numpy as np
from mixstat import MixtureOfExperts
rng = np.random.default_rng(0)
x = rng.uniform(-1, 1, 300)
y = np.where(x > 0, x, -2 * x) + 0.1 * rng.normal(size=300)
print(MixtureOfExperts(2, n_init=2, random_state=0).fit(x[:, None], y).log_likelihood_.hex())
"""


def _process(folder: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", FIT],
        env=os.environ | {"MIXSTAT_CACHE": str(folder)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.slow
def test_eight_processes_at_once_and_killed_ones(tmp_path):
    random = np.random.default_rng(0)
    for _ in range(6):  # killed while they write
        process = _process(tmp_path)
        seen = len(list(tmp_path.iterdir()))
        while len(list(tmp_path.iterdir())) == seen and process.poll() is None:
            time.sleep(0.001)
        time.sleep(0.05 * random.random())
        process.send_signal(signal.SIGKILL)
        process.communicate()
    together = [_process(tmp_path) for _ in range(8)]
    answers = [process.communicate() for process in together]
    assert not any(error for _, error in answers)
    assert len({answer for answer, _ in answers}) == 1
    assert answers[0][0]
