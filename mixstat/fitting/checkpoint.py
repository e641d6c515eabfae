"""Where a long fit has come to, in a file from which it goes on after a kill."""

import hashlib
import json
import warnings
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path

import equinox as eqx
import numpy as np
from jaxtyping import Float

import mixstat
from mixstat.arguments import Setting
from mixstat.files import as_file, write_at_once
from mixstat.fitting.fit import Fit
from mixstat.numerics import parameter_vector
from mixstat.objective.objective import Derivatives, Objective
from mixstat.validation import check_integer

FORMAT, VERSION = "mixstat checkpoint", 1
SAME = 1e-8  # relative difference of log-likelihoods of the same rows, for another machine


@dataclass(frozen=True)
class Progress:
    """The best parameters so far, and what they are of."""

    seed: int
    """Of the sample."""
    model: str
    """What is fitted: the names of its parts and parameters."""
    sample: str
    """Checksum of the sample, in whose units parameters are."""
    rows: int
    sum_of_weights: float
    status: str
    """"running", or the verdict on the end."""
    n_passes: int
    """Over all rows, since the beginning."""
    log_likelihood: float
    """Mean over all rows, in internal units."""
    vector: list[float]
    """Internal parameters."""


class Checkpoint:
    """A file that is written whole or not at all, each time a pass finds better parameters."""

    def __init__(self, path: Setting) -> None:
        self.path = as_file(path, "checkpoint")
        if not self.path.parent.is_dir():
            raise ValueError(f"checkpoint must be in a folder that exists, got {str(self.path)!r}.")
        self.progress = _read(self.path) if self.path.exists() else None
        self._warned, self._seed = False, 0

    def seed(self, fresh: int) -> int:
        """Of the sample: that of the fit that is gone on with, or a fresh one."""
        self._seed = fresh if self.progress is None else self.progress.seed
        return self._seed

    def write(self, progress: Progress) -> None:
        """Keep where the fit is; a disk that cannot take it is told of, and the fit goes on."""
        self.progress = progress
        content = asdict(progress)
        head = {"format": FORMAT, "version": VERSION, "written_by": mixstat.__version__}
        text = json.dumps({**head, "sha256": _digest(content), "progress": content}, indent=1)
        try:
            write_at_once(self.path, text.encode())
        except OSError as error:
            if not self._warned:
                warnings.warn(
                    f"checkpoint: {str(self.path)!r} cannot be written ({error}); what it held is "
                    "still there, and the fit goes on.",
                    RuntimeWarning,
                    stacklevel=2,
                )
            self._warned = True

    def start(self, near: Fit, rows: int, sum_of_weights: float) -> Progress:
        """Where a fit begins: where the file says, if it is of this model and these rows."""
        fresh = Progress(
            seed=self._seed,
            model=_described(near),
            sample=near.checksums.rows,
            rows=rows,
            sum_of_weights=sum_of_weights,
            status="running",
            n_passes=0,
            log_likelihood=-np.inf,
            vector=parameter_vector.to_vector(near.model).tolist(),
        )
        if self.progress is None:
            return fresh
        for name, of in {"model": "another model", "sample": "other rows"}.items():
            seen, wanted = getattr(self.progress, name), getattr(fresh, name)
            if seen != wanted:
                told = f": {seen}, and this one is {wanted}" if name == "model" else ""
                raise _foreign(self.path, of, told)
        if self.progress.rows != rows:
            raise _foreign(self.path, "other rows", f", {self.progress.rows} of them")
        return replace(self.progress, status="running")


class WatchedObjective(Objective):
    """An objective that tells of the derivatives it was asked for."""

    tell: Callable[[np.ndarray, Derivatives], None] = eqx.field(static=True, kw_only=True)

    def derivatives(self, vector: Float[np.ndarray, " D"]) -> Derivatives:
        """Objective, gradient and Hessian at a point, in one pass."""
        known = super().derivatives(vector)
        self.tell(np.asarray(vector), known)
        return known


def watched(objective: Objective, checkpoint: Checkpoint, start: Progress) -> WatchedObjective:
    """An objective whose best point so far is kept in a file.

    The first look is at the start, which must be as good as it was.
    """
    best = [start]

    def tell(vector: np.ndarray, known: Derivatives) -> None:
        now = best[0]
        first = now is start and np.isfinite(start.log_likelihood)
        if first and not np.isclose(known.value, start.log_likelihood, rtol=SAME, atol=SAME):
            told = f": their log-likelihood was {start.log_likelihood}, and is {known.value}"
            raise _foreign(checkpoint.path, "other rows", told)
        better = known.value > now.log_likelihood or first
        best[0] = replace(now, n_passes=now.n_passes + 1)
        if better:
            point = {"log_likelihood": known.value, "vector": vector.tolist()}
            best[0] = replace(best[0], **point)
            checkpoint.write(best[0])

    told = {one.name: getattr(objective, one.name) for one in fields(objective)}
    return WatchedObjective(**told, tell=tell)


def _described(fit: Fit) -> str:
    gate, experts = type(fit.model.gate).__name__, type(fit.model.experts).__name__
    parameters = ", ".join(fit.parameter_names)
    return f"{fit.request.title} with {gate}, {experts} and the parameters {parameters}"


def _foreign(path: Path, of: str, told: str) -> ValueError:
    return ValueError(
        f"checkpoint: {str(path)!r} is of {of}{told}. Give another path, or delete the file."
    )


def _digest(content: object) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _read(path: Path) -> Progress:
    """What a file says; ValueError if it is no whole checkpoint that this version knows."""
    try:
        head = json.loads(path.read_bytes())
        if head["format"] != FORMAT:
            raise ValueError(f"its format is {head['format']!r}")
        version, written_by = check_integer("version", head["version"], 1), head["written_by"]
        if version <= VERSION and head["sha256"] != _digest(head["progress"]):
            raise ValueError("what it holds does not match its checksum")
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise ValueError(
            f"checkpoint: {str(path)!r} is damaged, or no checkpoint of mixstat: {error}. Give "
            "another path, or delete the file."
        ) from error
    if version > VERSION:
        raise ValueError(
            f"checkpoint: {str(path)!r} has format {version}, written by mixstat {written_by}; "
            f"mixstat {mixstat.__version__} reads formats up to {VERSION}: update it with pip "
            "install -U mixstat."
        )
    known = {one.name for one in fields(Progress)}
    return Progress(**{name: value for name, value in head["progress"].items() if name in known})
