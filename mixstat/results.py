"""What a fit returns: the verdict on it, how far it is from a maximum, and what is odd about it."""

import sys
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from jaxtyping import Bool, Float

from mixstat.entries import Entries
from mixstat.evidence import SearchEvidence
from mixstat.status import ALONE, Status

STEEP_GATE = 10.0  # logits per standardised unit at which a gate is nearly a step
SINGULAR = 1e-10  # information per row below which a direction is not estimable
MOST_LETTERS = 400  # of a warning
_MORE = "print(certificate_) tells the rest."


@dataclass(frozen=True)
class Certificate:
    """How well the returned parameters satisfy the conditions of a maximum.

    All numbers are in standardised units (orthonormal features, y with unit deviation).

    Examples
    --------
    >>> from mixstat import MixtureOfExperts
    >>> from mixstat.datasets import make_tent
    >>> X, y = make_tent(300, random_state=0)
    >>> moe = MixtureOfExperts(2, n_init=2, random_state=0).fit(X, y)
    >>> moe.certificate_.status.name, moe.certificate_.sound
    ('CONVERGED', True)
    >>> moe.certificate_.starts_agreeing, moe.certificate_.starts_finished
    (2, 2)
    >>> moe.certificate_.steep_gate
    (0,)
    """

    status: Status
    gradient_norm: float
    """Largest component of the (projected) gradient of the mean log-likelihood."""
    newton_decrement: float
    """Gain in mean log-likelihood that a full Newton step predicts."""
    min_eigenvalue: float
    """Smallest eigenvalue of the information per row, over parameters not on a bound and without
    directions in which the gate does not change by its nature."""
    binding_floors: tuple[int, ...] = ()
    """Experts whose scale sits on its floor."""
    diverging_gate: tuple[int, ...] = ()
    """Experts whose gate coefficients grow without limit (separation)."""
    advice: str = ""
    """What a diverging gate of this kind may mean."""
    diverging_experts: tuple[int, ...] = ()
    """Experts whose own coefficients grow without limit (perfect prediction)."""
    steep_gate: tuple[int, ...] = ()
    """Experts whose gate rises by more than ten logits per unit: close to a step, but finite."""
    coinciding_experts: tuple[tuple[int, int], ...] = ()
    """Pairs of experts with the same conditional density."""
    thin_experts: tuple[int, ...] = ()
    """Experts that rest on fewer effective rows than they need."""
    spurious_experts: tuple[int, ...] = ()
    """Experts on few rows, which explain them no better than one found by chance."""
    narrow_experts: tuple[int, ...] = ()
    """Others whose scale is smaller beside the largest than ``max_scale_ratio`` allows."""
    invariances: tuple[str, ...] = ()
    """Changes of the gate's parameters that never change the model, in words."""
    undetermined: tuple[str, ...] = ()
    """Names of parameters that these data do not determine for another reason."""
    empty_levels: tuple[tuple[str, int], ...] = ()
    """Columns of two values, and experts without a row that has the larger one."""
    single_trials: bool = False
    """Whether responses are single trials, and no input moves the shares of several experts."""
    penalised: bool = False
    """Whether a penalty was set that keeps slopes from diverging."""
    n_experts: int = 0
    """Number of experts."""
    search: SearchEvidence | None = None
    """Evidence on the search; None where none was made."""

    @property
    def starts_finished(self) -> int:
        """Independent starts that were run to the end."""
        return 1 if self.search is None else self.search.starts

    @property
    def starts_agreeing(self) -> int:
        """Of these, how many reached the returned log-likelihood."""
        return 1 if self.search is None else self.search.met_best

    @property
    def is_regular(self) -> bool:
        """Whether the point is a maximum with nothing degenerate about it."""
        return self.status == Status.CONVERGED and len(self.remarks()) == 0

    @property
    def sound(self) -> bool:
        """A regular maximum, found often enough to trust that no better one was missed."""
        return self.is_regular and (self.search is None or self.search.enough)

    def __str__(self) -> str:
        """The verdict in sentences."""
        told = self.remarks() or [self.status.message]
        told += [] if self.search is None else [self.search.sentence()]
        return " ".join([f"{self.status.name}{', sound' if self.sound else ''}.", *told])

    def notes(self) -> list[str]:
        """Sentences that explain a sound fit; no reason to warn."""
        notes = [
            f"{words[:1].upper()}{words[1:]}: the likelihood is the same for all such values, so "
            "they have no standard errors (nan), and they are not counted as a parameter."
            for words in self.invariances
        ]
        if self.search is not None and not self.search.enough:
            notes.append(
                "A better maximum may have been missed, so the fit is not called sound. "
                f"{self.search.sentence()}"
            )
        if self.single_trials:
            notes.append(
                "One trial a row and constant shares: such mixtures are hardly identified, and "
                "estimates may be far off whatever their errors say (Follmann and Lambert 1991). "
                "Let the gate depend on an input, or gather rows into trials."
            )
        if not self.steep_gate:
            return notes
        return [
            *notes,
            f"The gate of expert {_names(self.steep_gate)} is close to a step (more than "
            f"{STEEP_GATE:g} logits per standardised unit): near separation, where standard "
            "errors of its coefficients understate how far they could lie.",
        ]

    def _message(self) -> str:
        """What happened and what helps."""
        searched = self.search is not None and self.search.rejected > 0
        if self.coinciding_experts and searched and self.status == Status.SADDLE:
            return (
                "No maximum with so many experts counts: each that was found has an expert on few "
                "rows that chance explains. The best model of fewer experts is returned."
            )
        if self.status == Status.SEPARATED and self.empty_levels and not self.diverging_experts:
            return self._told_levels()
        if self.status == Status.COLLAPSED and self.n_experts == 1:
            return ALONE
        return self.status.told(penalised=self.penalised)

    def _told_levels(self) -> str:
        """Which levels of factors an expert has no rows of, and what follows."""
        told = listed([f"{column} belongs to expert {k}" for column, k in self.empty_levels], 3)
        return (
            f"No row with {told}: the expert has no estimate for that level, and the gate none "
            "that is finite. Predictions stand. Join the level to another one, or add a ridge."
        )

    def remarks(self) -> list[str]:
        """Sentences on everything a person should know before trusting the fit."""
        arrived = self.status in (Status.CONVERGED, Status.JUMP)
        remarks = [] if arrived else [self._message()]
        few = {*self.thin_experts, *self.spurious_experts, *self.narrow_experts}
        exact = tuple(k for k in self.binding_floors if k not in few)
        collapsed = tuple(k for k in self.binding_floors if k in few)
        if exact:
            remarks.append(f"Expert {_names(exact)} fits its rows exactly.")
        if collapsed:
            remarks.append(f"The scale of expert {_names(collapsed)} is on its floor.")
        if self.diverging_gate:
            remarks.append(f"The gate of expert {_names(self.diverging_gate)} diverges.")
            remarks += [self.advice] if self.advice else []
        if self.diverging_experts:
            named = _names(self.diverging_experts)
            remarks.append(f"Coefficients of expert {named} diverge.")
        if self.coinciding_experts:
            pairs = listed([f"{i} and {j}" for i, j in self.coinciding_experts], 3)
            remarks.append(f"Experts {pairs} coincide; fewer experts fit as well.")
        if self.status == Status.CONVERGED and self.min_eigenvalue < SINGULAR:
            which = listed(self.undetermined) or "some combination of parameters"
            remarks.append(
                f"The data do not determine {which}: the log-likelihood is flat in a direction "
                f"there (eigenvalue {self.min_eigenvalue:.1e} of the information)."
            )
        if self.empty_levels and self.status != Status.SEPARATED:
            remarks.append(self._told_levels())
        return [*remarks, *self._of_few_rows()]

    def _of_few_rows(self) -> list[str]:
        """Experts for whose sake the maximum does not count."""
        remarks: list[str] = []
        if self.thin_experts:
            remarks.append(
                f"Expert {_names(self.thin_experts)} rests on too few rows to be trusted "
                "(weights count as numbers of rows)."
            )
        if self.spurious_experts:
            remarks.append(
                f"Expert {_names(self.spurious_experts)} rests on few rows and explains them no "
                "better than chance would: this maximum is spurious."
            )
        if self.narrow_experts:
            remarks.append(
                f"The scale of expert {_names(self.narrow_experts)} is smaller beside the largest "
                "than max_scale_ratio allows."
            )
        return remarks


def _names(experts: tuple[int, ...]) -> str:
    return listed(experts)


def listed(items: Sequence[object], most: int = 8) -> str:
    """The first of some names or numbers, and how many more there are."""
    rest = len(items) - most
    told = ", ".join(str(one) for one in items[:most])
    return told + (f" and {rest} more" if rest > 0 else "")


@dataclass(frozen=True)
class FitResult:
    """Where a solver ended, as it was judged.

    Examples
    --------
    >>> from mixstat import MixtureOfExperts
    >>> from mixstat.datasets import make_tent
    >>> X, y = make_tent(300, random_state=0)
    >>> moe = MixtureOfExperts(2, n_init=2, random_state=0).fit(X, y)
    >>> moe.result_.status.name, moe.result_.mass.round(2)
    ('CONVERGED', array([0.54, 0.46]))
    """

    model: Any
    log_likelihood: float
    """Weighted mean of log p(y | x) at ``model``, in the units the solver saw."""
    status: Status
    n_iter: int
    n_passes: int
    """Passes over the data."""
    certificate: Certificate
    information: Float[np.ndarray, "D D"] | Entries | None = field(default=None, repr=False)
    """Observed information per unit of weight in the parameter vector (ridge included)."""
    free: Bool[np.ndarray, " D"] | None = field(default=None, repr=False)
    """Parameters that no bound, and no kink of the penalty, holds."""
    note: str = ""
    """What a person should know of the way to ``model``."""
    mass: Float[np.ndarray, " K"] | None = field(default=None, repr=False)
    """Share of the weight that each expert is responsible for."""
    invariant: Float[np.ndarray, "D F"] | None = field(default=None, repr=False)
    """Orthonormal directions in which the model does not change, whatever the data."""
    across: Float[np.ndarray, "D m"] | None = field(default=None, repr=False)
    """Orthonormal directions in which equations between parameters let nothing move."""


class DesignWarning(UserWarning):
    """Columns that carry no information, or more parameters than rows."""


def report(certificate: Certificate, category: type[Warning]) -> None:
    """Turn everything odd about a fit into one warning, or as much as is read."""
    remarks = certificate.remarks()
    if not remarks:
        return
    told = " ".join(remarks)
    for count in range(len(remarks) - 1, 0, -1):
        if len(told) <= MOST_LETTERS:
            break
        told = " ".join([*remarks[:count], _MORE])
    warn(told, category)


def warn(message: str, category: type[Warning]) -> None:
    """Warn at the line outside mixstat that called into it."""
    if len(message) > MOST_LETTERS:
        message = message[: MOST_LETTERS - 4].rsplit(" ", 1)[0] + " ..."
    frame, level, outside = sys._getframe(1), 2, 3  # pyright: ignore[reportPrivateUsage]
    while frame.f_back is not None:
        frame, level = frame.f_back, level + 1
        package = frame.f_globals.get("__name__", "").split(".")[0]
        # run-time type checks may wrap the outermost call
        if package == "mixstat" or (package == "jaxtyping" and outside == level):
            outside = level + 1
    warnings.warn(message, category, stacklevel=outside)
