"""How often the default search finds the best maximum, and how often chance is called a maximum."""

import json
import shutil
import subprocess
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np

from .classical import data_sets
from .kept import Kept
from .text import Table, number

ROWS, DESIGNS, SEEDS = 400, 10, 3
FULL_DESIGNS = 20
KNOWN, FULL_KNOWN = 100, 1000  # starts from which the best maximum is taken to be known
NEAR = 1e-3  # of the log-likelihood, within which two ends are one
NULLS = {60: 40, 150: 20}  # data sets of one line, by rows
FULL_NULLS = {60: 200, 150: 200}
FLEXMIX_STARTS = 10
R = shutil.which("Rscript")
GROUPS = 10  # data sets of every kind with a small group that is real

Sample = tuple[np.ndarray, np.ndarray]


class Found(NamedTuple):
    """What one call found."""

    log_likelihood: float
    sound: bool
    seconds: float


def design(i: int) -> Sample:
    """Random mixtures of two to five lines in one to five inputs, with softmax gates."""
    random = np.random.default_rng([ROWS, i])
    d, k = 1 + i % 5, int(random.integers(2, 6))
    X = random.normal(size=(ROWS, d))
    features = np.column_stack([np.ones(ROWS), X])
    logits = features @ random.normal(size=(d + 1, k))
    share = np.exp(logits - logits.max(axis=1, keepdims=True))
    share /= share.sum(axis=1, keepdims=True)
    label = (random.random((ROWS, 1)) > np.cumsum(share, axis=1)).sum(axis=1).clip(0, k - 1)
    coef, scale = 1.5 * random.normal(size=(k, d + 1)), random.uniform(0.3, 1.0, k)
    return X, np.sum(features * coef[label], axis=1) + scale[label] * random.normal(size=ROWS)


def one_line(n: int, seed: int) -> Sample:
    """A regression without groups."""
    random = np.random.default_rng([n, seed])
    x = random.normal(size=(n, 1))
    return x, 1 + x[:, 0] + random.normal(size=n)


def outliers(seed: int, scale: float) -> Sample:
    """Five of a hundred rows far above the line."""
    random = np.random.default_rng([5, seed])
    x = random.normal(size=(100, 1))
    y = 1 + x[:, 0] + random.normal(size=100)
    y[:5] = 8 + scale * random.normal(size=5)
    return x, y


def narrow(seed: int, share: float, scale: float) -> Sample:
    """A line with little noise across one with more."""
    random = np.random.default_rng([90, seed])
    x = random.uniform(-2, 2, size=(150, 1))
    some = random.random(150) < share
    noise = random.normal(size=150)
    return x, np.where(some, 2 - x[:, 0] + scale * noise, 1 + x[:, 0] + noise)


REAL: dict[str, Callable[[int], Sample]] = {
    "5 outliers, scale .1": lambda seed: outliers(seed, 0.1),
    "5 outliers, scale 1": lambda seed: outliers(seed, 1.0),
    "15 of 150 rows, scale .1": lambda seed: narrow(seed, 0.1, 0.1),
    "45 of 150 rows, scale .1": lambda seed: narrow(seed, 0.3, 0.1),
    "45 of 150 rows, scale .3": lambda seed: narrow(seed, 0.3, 0.3),
}


def show(*, full: bool, keep: Path | None = None) -> None:
    """Print the tables, a line at a time; ``keep`` is a folder for what is finished."""
    warnings.simplefilter("ignore")
    kept = Kept(keep)
    _show_designs(kept, full=full)
    _show_classical(kept, full=full)
    _show_nulls(kept, FULL_NULLS if full else NULLS)
    _show_groups()


def _fit(n_experts: int, sample: Sample, seed: int, **settings: object) -> Found:
    from mixstat import MixtureOfExperts

    moe = MixtureOfExperts(n_experts, random_state=seed, **settings)  # type: ignore[arg-type]
    before = time.process_time()
    moe.fit(*sample)
    seconds = time.process_time() - before
    proof = moe.certificate_
    proper = not (proof.thin_experts or proof.spurious_experts)
    height = len(sample[1]) * moe.log_likelihood_
    return Found(height if proper else -np.inf, proof.sound, seconds)


class Tally:
    """Calls on several data sets, as they compare with the best that is known."""

    def __init__(self, before: dict[object, float], kept: Kept) -> None:
        self.calls = self.sound = self.reached = self.missed_and_sound = self.falls = 0
        self.best = 0  # calls that reached the best of the starts and of all calls
        self.seconds: list[float] = []
        self._before = before  # log-likelihoods with one expert fewer
        self._kept = kept

    def add(self, name: object, n_experts: int, sample: Sample, known: int) -> None:
        """Fit with some seeds, and from many starts."""
        fit = partial(_fit, n_experts, sample)
        many = Found(*self._kept(f"{name} {n_experts} {known}", partial(fit, 99, n_init=known)))
        calls = self._kept(f"{name} {n_experts}", lambda: [fit(seed) for seed in range(SEEDS)])
        found = [Found(*answer) for answer in calls]
        best = max(many.log_likelihood, *(one.log_likelihood for one in found))
        for one in found:
            reached = one.log_likelihood >= many.log_likelihood - NEAR
            self.reached += reached
            self.best += one.log_likelihood >= best - NEAR
            self.sound += one.sound
            self.missed_and_sound += one.sound and not reached
            self.seconds.append(one.seconds)
        self.calls += len(found)
        self.falls += found[0].log_likelihood < self._before.get(name, -np.inf) - NEAR
        self._before[name] = found[0].log_likelihood

    @property
    def cells(self) -> tuple[object, ...]:
        """What a row of the table says."""
        missed = self.calls - self.reached
        told = (self.reached, self.calls, self.best, self.sound, missed, self.missed_and_sound)
        return (*told, number(float(np.median(self.seconds))), self.falls)


HEADS = (
    *(("experts", 7), ("reached", 8), ("of", 4), ("best", 5), ("sound", 6), ("missed", 7)),
    *(("and sound", 9), ("CPU s", 6), ("falls", 6)),
)


def _show_designs(kept: Kept, *, full: bool) -> None:
    known = FULL_KNOWN if full else KNOWN
    designs = [design(i) for i in range(FULL_DESIGNS if full else DESIGNS)]
    table = Table(
        f"Default search: {len(designs)} designs of {ROWS} rows, {SEEDS} seeds; reached: the best "
        f"admissible end of {known} starts; best: the best of these and of all calls",
        (*HEADS, ("flexmix s", 9)),
    )
    before: dict[object, float] = {}
    for k in range(2, 6):
        tally = Tally(before, kept)
        spent: list[float] = []
        for i, sample in enumerate(designs):
            tally.add(f"design {i}", k, sample, known)
            if R is not None:
                spent.append(kept(f"flexmix {i} {k}", partial(_flexmix, k, sample)))
        table.row(k, *tally.cells, number(float(np.median(spent))) if spent else None)
    print("\nfalls: designs where one more expert ends lower than one fewer (the same seed)")
    print(f"flexmix: CPU seconds of {FLEXMIX_STARTS} random starts, median; - where R has none")


def _show_classical(kept: Kept, *, full: bool) -> None:
    known = FULL_KNOWN if full else KNOWN
    sets = list(data_sets())
    table = Table(f"The same on {len(sets)} data sets that people know", HEADS)
    before: dict[object, float] = {}
    for k in (2, 3):
        tally = Tally(before, kept)
        for name, X, y in sets:
            tally.add(name, k, (X, y), known)
        table.row(k, *tally.cells)


def _flexmix(n_experts: int, sample: Sample) -> float:
    """CPU seconds of ten random starts of flexmix."""
    assert R is not None
    X, y = sample
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "rows"
        np.column_stack([X, y]).T.tofile(file)
        size = map(str, (len(y), X.shape[1], n_experts, FLEXMIX_STARTS))
        command = [R, str(Path(__file__).with_name("search.R")), str(file), *size]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)["cpu"]


def _show_nulls(kept: Kept, nulls: dict[int, int]) -> None:
    table = Table(
        "One line, no groups: what is found with one to three experts",
        (
            *(("rows", 5), ("data sets", 9), ("sound of 2, 3", 13), ("narrow, few, sound", 18)),
            ("BIC picks one", 13),
        ),
    )
    for n, count in nulls.items():
        found = [kept(f"line {n} {seed}", partial(_null, n, seed)) for seed in range(count)]
        sound, spurious, right = np.sum(found, axis=0)
        table.row(n, count, int(sound), int(spurious), f"{right} of {count}")


def _null(n: int, seed: int) -> tuple[int, int, int]:
    """Sound fits of two and three experts, those on few rows with little noise, BIC's choice."""
    from mixstat import MixtureOfExperts

    X, y = one_line(n, seed)
    fits = [MixtureOfExperts(k, random_state=0).fit(X, y) for k in (1, 2, 3)]
    sound = [moe for moe in fits[1:] if moe.certificate_.sound]
    ratios = [float(np.min(moe.scale_) / np.max(moe.scale_)) for moe in sound]
    few = [float(np.min(moe.expert_share_)) * n < 10 for moe in sound]
    spurious = sum(ratio < 0.1 and small for ratio, small in zip(ratios, few, strict=True))
    return len(sound), spurious, int(np.argmin([moe.bic(X, y) for moe in fits]) == 0)


def _show_groups() -> None:
    table = Table(
        "Small groups that are real, two experts",
        (("group", 26), ("data sets", 9), ("kept", 5), ("sound", 6)),
    )
    for name, kept, sound in _groups():
        table.row(name, GROUPS, kept, sound)


def _groups() -> Iterator[tuple[str, int, int]]:
    for name, make in REAL.items():
        found = [_fit(2, make(seed), 0) for seed in range(GROUPS)]
        alone = [_fit(1, make(seed), 0).log_likelihood for seed in range(GROUPS)]
        kept = sum(f.log_likelihood > one + 5 for f, one in zip(found, alone, strict=True))
        yield name, kept, sum(f.sound for f in found)
