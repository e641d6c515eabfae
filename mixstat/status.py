"""Verdicts on a fit, and what each of them says."""

import enum


class Status(enum.IntEnum):
    """The verdict on a fit, or why it stopped; :attr:`message` says what to try.

    Examples
    --------
    >>> from mixstat.results import Status
    >>> [one.name for one in Status if one.is_high]
    ['CONVERGED', 'SEPARATED', 'COLLAPSED', 'EXACT']
    >>> print(Status.CONVERGED.message)
    The gradient of the mean log-likelihood is below tolerance.
    """

    RUNNING = 0
    CONVERGED = 1
    MAX_ITER = 2
    STALLED = 3
    NONFINITE = 4
    SEPARATED = 5
    COLLAPSED = 6
    SADDLE = 7
    JUMP = 8
    EXACT = 9

    @property
    def message(self) -> str:
        """What happened, and what helps."""
        return self.told(penalised=False)

    @property
    def is_high(self) -> bool:
        """Whether the likelihood is at a maximum there, or on its way above every regular one."""
        return self in (Status.CONVERGED, Status.SEPARATED, Status.EXACT, Status.COLLAPSED)

    def told(self, *, penalised: bool) -> str:
        """:attr:`message` of a fit that a penalty keeps from diverging, or of one without."""
        advice = _ADVICE.get(self)
        return _MESSAGES[self] + (f" {advice[penalised]}" if advice else "")

    def __str__(self) -> str:
        return self.name

    def __format__(self, spec: str) -> str:
        return format(self.name, spec)


_MESSAGES = {
    Status.RUNNING: "The solver has not finished.",
    Status.CONVERGED: "The gradient of the mean log-likelihood is below tolerance.",
    Status.MAX_ITER: (
        "The iteration limit was reached before the gradient vanished; raise max_iter."
    ),
    Status.STALLED: (
        "No step raises the log-likelihood any more, yet the gradient is above tolerance."
    ),
    Status.NONFINITE: (
        "The log-likelihood is not finite at the start; check the start and the scale of y."
    ),
    Status.SEPARATED: (
        "Some coefficients have no finite estimate: the log-likelihood keeps rising, by less and "
        "less, as they grow, because the best gate is a step that separates the experts "
        "perfectly, or an expert predicts its counts or classes perfectly. Predictions stand for "
        "rows like those of the fit."
    ),
    Status.COLLAPSED: (
        "The scale of an expert sits on its floor, and it rests on so few rows that chance "
        "explains it. The likelihood has no maximum there."
    ),
    Status.JUMP: (
        "The gate keeps only some experts, so the log-likelihood jumps where their logits tie. "
        "No step that was tried raises it, but its gradient in the gate need not vanish, and "
        "standard errors of the gate are rough."
    ),
    Status.EXACT: (
        "An expert fits many rows exactly: they are constant, or lie on its curve, or one output "
        "is determined by others. Its scale is on its floor, min_scale, and the log-likelihood is "
        "the one there. Predictions stand; standard errors of that expert do not."
    ),
    Status.SADDLE: (
        "The gradient vanishes at a point that is no maximum: some direction leads further up. "
        "Use solver='auto' or 'newton', which leave saddles, or other starts."
    ),
}

_ADVICE = {  # where nothing is shrunk, and where a penalty is set already
    Status.STALLED: (
        "Lower the degree, leave out features that nearly depend on others or add a small ridge.",
        "Lower the degree, leave out features that nearly depend on others or raise the penalty.",
    ),
    Status.SEPARATED: (
        "For finite coefficients add a ridge (ridge=1e-4, say) or use fewer features.",
        "The penalty keeps slopes finite but leaves constants free: an expert that is sure of one "
        "outcome has none, and the gate does its work. Fewer experts may do.",
    ),
    Status.COLLAPSED: (
        "Use fewer experts, more starts or a larger min_scale.",
        "Use a stronger penalty on the experts, since one that is weak beside the rows lets a "
        "scale vanish, fewer experts, more starts or a larger min_scale.",
    ),
}
ALONE = (
    "The only expert passes through all rows, having a coefficient for each. Use fewer features, "
    "a stronger L1 penalty or a larger min_scale."
)
