"""Stores: one owner, and never a row that is not as it was written."""

import multiprocessing
import queue
import shutil
import threading
from pathlib import Path

import numpy as np
import pytest

from mixstat.rates.fitted import RateWarning
from mixstat.rates.store import Store, StoreMismatchError, read_fingerprint

STUDY = {"seed": 0, "truth": {"name": "a", "parameters": [0.5, -1.25]}, "losses": ["kl"]}
PAIRS = [(n, r) for n in (60, 90) for r in range(6)]


def rows(n: int, replicates: range, seed: int = 0) -> list[dict]:
    """Rows that tell n, the replicate and the seed."""
    return [
        {"n": n, "replicate": r, "status": "CONVERGED", "kl": seed + n + r / 7} for r in replicates
    ]


def fill(folder: Path, seed: int = 0) -> Store:
    store = Store(folder, STUDY | {"seed": seed})
    for n in (60, 90):
        for first in (0, 3):
            store.write(rows(n, range(first, first + 3), seed))
    return store


@pytest.fixture(scope="module")
def sources(tmp_path_factory) -> tuple[Path, Path]:
    """The stores of two studies."""
    folders = tmp_path_factory.mktemp("one"), tmp_path_factory.mktemp("other")
    for seed, folder in enumerate(folders):
        fill(folder, seed)
    return folders


def right(table) -> bool:
    return all(row.kl == row.n + row.replicate / 7 for row in table.itertuples())


@pytest.mark.fast
def test_what_was_written_is_read(tmp_path):
    store = fill(tmp_path)
    table = store.read()
    assert list(zip(table["n"], table["replicate"], strict=True)) == PAIRS
    assert right(table)
    assert store.missing(PAIRS) == []
    assert read_fingerprint(tmp_path) == STUDY
    assert not list(tmp_path.rglob("*.part"))


def flip(content: bytearray, random: np.random.Generator) -> bytes:
    for _ in range(random.integers(1, 4)):
        content[random.integers(len(content))] ^= 1 << random.integers(8)
    return bytes(content)


def spread(content: bytearray, random: np.random.Generator) -> bytes:
    at, length = random.integers(len(content)), random.integers(1, 200)
    content[at : at + length] = random.bytes(int(length))
    return bytes(content)


CHANGES = {
    "flipped": flip,
    "overwritten": spread,
    "cut": lambda content, random: bytes(content[: random.integers(len(content))]),
    "emptied": lambda content, random: b"",
    "zeros": lambda content, random: bytes(len(content)),
    "longer": lambda content, random: bytes(content) + random.bytes(int(random.integers(1, 50))),
    "noise": lambda content, random: random.bytes(len(content)),
    "a piece lost": lambda content, random: bytes(content[:100] + content[101:]),
}


def harm(folder: Path, foreign: Path, random: np.random.Generator) -> None:
    """Change, swap, rename, remove, replace or add a file."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    one, other = (files[i] for i in random.permutation(len(files))[:2])
    cells = sorted((foreign / "cells").iterdir())
    cell = cells[random.integers(len(cells))]
    kind = random.integers(14)
    if kind == 0:  # two files change places
        content = one.read_bytes()
        one.write_bytes(other.read_bytes())
        other.write_bytes(content)
    elif kind == 1:
        shutil.copy(one, other)
    elif kind == 2:
        one.unlink()
    elif kind == 3:  # of another study, under its own name or under one of ours
        shutil.copy(cell, folder / "cells" / cell.name)
    elif kind == 4:
        shutil.copy(cell, one)
    elif kind == 5:
        shutil.copy(foreign / "study.json", folder / "study.json")
    elif kind == 6:
        (folder / "cells" / f"n{random.integers(10**9):09d}-more.parquet").write_bytes(b"PAR1")
    else:
        named = list(CHANGES)
        change = CHANGES[named[random.integers(len(named))]]
        one.write_bytes(change(bytearray(one.read_bytes()), random))


def opened(folder: Path) -> Store | str:
    """The store with its damaged cells set aside, or why it is refused."""
    try:
        store = Store(folder, STUDY)
        store.read()
    except ValueError as error:
        return str(error)
    return store


@pytest.mark.filterwarnings("ignore::mixstat.rates.fitted.RateWarning")
@pytest.mark.exhaustive
def test_a_thousand_corruptions_never_make_a_wrong_row(sources, tmp_path):
    random = np.random.default_rng(0)
    refused = recomputed = 0
    for i in range(1000):
        folder = tmp_path / str(i)
        shutil.copytree(sources[0], folder)
        harm(folder, sources[1], random)
        store = opened(folder)
        if isinstance(store, str):
            assert str(folder) in store
            refused += 1
            continue
        missing, table = store.missing(PAIRS), store.read()
        assert right(table)
        assert len(table) + len(missing) == len(PAIRS)
        recomputed += bool(missing)
        for n, r in missing:
            store.write(rows(n, range(r, r + 1)))
        assert store.missing(PAIRS) == []
        assert right(store.read())
        shutil.rmtree(folder)
    assert refused > 100
    assert recomputed > 300


@pytest.mark.fast
def test_a_damaged_cell_is_told_and_set_aside(tmp_path):
    store = fill(tmp_path)
    path = sorted(store.cells.iterdir())[1]
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.warns(RateWarning, match=rf"damaged and set aside.*{path.name}"):
        assert store.missing(PAIRS) == [(60, 3), (60, 4), (60, 5)]
    assert store.damaged == [path.name]
    assert not path.exists()
    assert len(list(store.cells.glob("*.damaged"))) == 1
    store.read()  # which is told once


@pytest.mark.fast
def test_a_cell_of_another_study_is_named(sources, tmp_path):
    store = fill(tmp_path)
    cell = next((sources[1] / "cells").iterdir())
    shutil.copy(cell, store.cells)
    with pytest.raises(StoreMismatchError, match=rf"{cell.name} belongs .* seed is 1 there and 0"):
        store.read()


@pytest.mark.fast
def test_the_fingerprint_of_another_study_does_not_adopt_cells(sources, tmp_path):
    fill(tmp_path)
    shutil.copy(sources[1] / "study.json", tmp_path)
    with pytest.raises(StoreMismatchError, match="seed is 1 there and 0 here"):
        Store(tmp_path, STUDY)
    with pytest.raises(StoreMismatchError, match=r"parquet belongs .* seed is 0 there and 1 here"):
        Store(tmp_path, STUDY | {"seed": 1}).read()


@pytest.mark.fast
@pytest.mark.parametrize("text", ["", "{", "{}", "[]", "null", "7", '{"study": {}}', "\0\xff"])
def test_what_is_no_fingerprint_is_refused(tmp_path, text):
    (tmp_path / "study.json").write_text(text)
    with pytest.raises(ValueError, match=r"study.json is damaged, or no fingerprint of a study"):
        read_fingerprint(tmp_path)
    with pytest.raises(ValueError, match=r"study.json is damaged"):
        Store(tmp_path, STUDY)


def _begin(folder: Path, seed: int, gate, answers) -> None:
    """Begin a study when the others do, and write its cells if the store is ours."""
    gate.wait()
    try:
        fill(folder, seed)
    except StoreMismatchError:
        answers.put((seed, False))
    else:
        answers.put((seed, True))


def _check_owner(folder: Path, answers: dict[int, bool]) -> None:
    owner = read_fingerprint(folder)["seed"]
    assert {seed for seed, wrote in answers.items() if wrote} == {owner}
    table = Store(folder, STUDY | {"seed": owner}).read()
    assert len(table) == len(PAIRS)
    assert np.array_equal(table["kl"], owner + table["n"] + table["replicate"] / 7)


@pytest.mark.fast
def test_threads_that_begin_at_once_have_one_owner(tmp_path):
    for i in range(20):
        gate, answers = threading.Barrier(4), queue.Queue()
        threads = [
            threading.Thread(target=_begin, args=(tmp_path / str(i), seed, gate, answers))
            for seed in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        _check_owner(tmp_path / str(i), dict(answers.get() for _ in range(4)))


@pytest.mark.exhaustive
def test_processes_that_begin_at_once_have_one_owner(tmp_path):
    context = multiprocessing.get_context("spawn")
    gate, answers = context.Barrier(3), context.Queue()
    processes = [
        context.Process(target=_begin, args=(tmp_path / "s", seed, gate, answers))
        for seed in range(3)
    ]
    for process in processes:
        process.start()
    found = dict(answers.get(timeout=120) for _ in range(3))
    for process in processes:
        process.join()
    _check_owner(tmp_path / "s", found)


@pytest.mark.fast
def test_a_file_system_without_links_still_has_one_owner(tmp_path, monkeypatch):
    def refused(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr("mixstat.files.os.link", refused)
    fill(tmp_path)
    with pytest.raises(StoreMismatchError):
        fill(tmp_path, 1)
    assert right(Store(tmp_path, STUDY).read())


@pytest.mark.fast
def test_places_that_are_no_store(tmp_path):
    file = tmp_path / "file"
    file.write_text("x")
    with pytest.raises(ValueError, match="store must be a folder, got the file"):
        Store(file, STUDY)
    with pytest.raises(ValueError, match="store must be a folder that can be written, got"):
        Store(file / "below", STUDY)
    with pytest.raises(ValueError, match="store must be a folder that can be written, got"):
        Store("/proc/nowhere", STUDY)
    with pytest.raises(ValueError, match=r"store must be a folder with study\.json"):
        read_fingerprint(tmp_path / "none")
    for wrong in (3, None, "", "a\0b"):
        with pytest.raises(ValueError, match="store must be the path of a folder"):
            Store(wrong, STUDY)
