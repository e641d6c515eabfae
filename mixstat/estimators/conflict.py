"""How far stated possibilities and data disagree."""

import warnings
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float, Int
from scipy.special import logsumexp

from mixstat.fitting.fit import Fit
from mixstat.fitting.search import fit_rows
from mixstat.fitting.tables import TrainingRows


@dataclass(frozen=True)
class Conflict:
    """What knowledge costs in likelihood, and where the data speak against it.

    Examples
    --------
    >>> from mixstat import ContextualMixtureOfExperts
    >>> from mixstat.contextual import AlphaCertain
    >>> from mixstat.datasets import make_tent
    >>> X, y = make_tent(300, random_state=0)
    >>> rise = AlphaCertain("rise", on=0, inside=(None, 0.6), alpha=0.9)
    >>> fall = AlphaCertain("fall", on=0, inside=(0.4, None), alpha=0.9)
    >>> moe = ContextualMixtureOfExperts([rise, fall], n_init=2, random_state=0).fit(X, y)
    >>> conflict = moe.conflict(X, y)
    >>> conflict.names, len(conflict.rows())
    (['rise', 'fall'], 0)
    >>> conflict.table
    array([[133.,   0.],
           [  0., 113.],
           [ 29.,  25.]])
    """

    log_likelihood: float
    """Weighted mean of ``log sum_k poss_k pi_k f_k`` at the contextual fit."""
    gate_alone: float
    """Weighted mean of log p(y | x) at the same parameters, without the possibilities."""
    plain: float
    """Weighted mean of log p(y | x) at the fit without contexts, with as many experts."""
    contradiction: Float[np.ndarray, " n"]
    """``1 - sum_k r_k poss_k`` of each row, with responsibilities r from x and y alone: 1 where
    the data put a row wholly into experts whose contexts are impossible. The mean of
    ``log(1 - contradiction)`` is ``log_likelihood - gate_alone``."""
    stated: Int[np.ndarray, " n"]
    """The most possible expert of each row; -1 where several are."""
    found: Int[np.ndarray, " n"]
    """The most responsible expert of each row, by x and y alone."""
    table: Float[np.ndarray, "S K"]
    """Weight of rows by stated expert and found expert; the last row has those in which several
    experts are most possible."""
    names: list[str]
    """Contexts of the experts."""

    @property
    def cost(self) -> float:
        """Mean log-likelihood that the knowledge costs: ``plain - log_likelihood``."""
        return self.plain - self.log_likelihood

    def rows(self, above: float = 0.5) -> Int[np.ndarray, " r"]:
        """Rows that contradict their contexts, worst first.

        Parameters
        ----------
        above : float, default=0.5
            Contradiction beyond which a row is listed.

        Returns
        -------
        ndarray of shape (r,)
            Row numbers.
        """
        order = np.argsort(-self.contradiction, kind="stable")
        return order[self.contradiction[order] > above]

    def __str__(self) -> str:
        width = max(map(len, [*self.names, "several"]))
        lines = [
            "Log-likelihood per row",
            f"  with possibilities   {self.log_likelihood: .6f}",
            f"  gate alone           {self.gate_alone: .6f}",
            f"  without contexts     {self.plain: .6f}   (knowledge costs {self.cost:.6f})",
            f"Rows with contradiction above 0.5: {len(self.rows())} of {len(self.stated)}",
            "Weight by stated (down) and found (across) expert",
            " ".join([" " * width, *(f"{name:>{width}}" for name in self.names)]),
        ]
        for name, row in zip([*self.names, "several"], self.table, strict=True):
            lines.append(" ".join([f"{name:>{width}}", *(f"{w:{width}.6g}" for w in row)]))
        return "\n".join(lines)


def measure(fit: Fit, rows: TrainingRows, possibility: Float[np.ndarray, "n K"]) -> Conflict:
    """Conflict of a contextual fit with possibilities of its experts on rows."""
    weight, y = rows.weight, rows.responses
    logs = logsumexp(fit.log_joint(rows.X, y), axis=1)
    responsibility = fit.responsibilities(rows.X, y)
    agreement = np.sum(responsibility * possibility, axis=1)
    with np.errstate(divide="ignore"):
        joint = np.log(responsibility) + np.log(possibility)
    plain = logsumexp(_without_contexts(fit, rows).log_joint(rows.X, y), axis=1)
    best = possibility == possibility.max(axis=1, keepdims=True)
    stated = np.where(best.sum(axis=1) == 1, best.argmax(axis=1), -1)
    found = responsibility.argmax(axis=1)
    table = np.zeros((fit.n_experts + 1, fit.n_experts))
    np.add.at(table, (stated, found), weight)
    contexts = fit.request.contexts
    return Conflict(
        log_likelihood=float(np.average(logs + logsumexp(joint, axis=1), weights=weight)),
        gate_alone=float(np.average(logs, weights=weight)),
        plain=float(np.average(plain, weights=weight)),
        contradiction=1.0 - agreement,
        stated=stated,
        found=found,
        table=table,
        names=[] if contexts is None else list(contexts.of_experts),
    )


def _without_contexts(fit: Fit, rows: TrainingRows) -> Fit:
    """The better of the fits without contexts from the usual starts and from this fit."""
    options = replace(fit.request.options, init="auto")
    usual = replace(fit.request, options=options, before=None, contexts=None)
    near = replace(usual, before=fit.user_model)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fits = [fit_rows(request, rows) for request in (usual, near)]
    certified = [plain for plain in fits if plain.maximum.is_certified]
    return max(certified or fits, key=lambda plain: plain.conditional_log_likelihood)
