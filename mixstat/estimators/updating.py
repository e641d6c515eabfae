"""Learning from new rows one step at a time, without the old ones."""

from dataclasses import replace
from typing import TypeVar

import numpy as np
from jaxtyping import Float

from mixstat.arguments import Response, Setting, Table, Weights
from mixstat.estimators.inferring import InferringMixture
from mixstat.fitting.fit import Fit
from mixstat.fitting.online_em import advance
from mixstat.fitting.tables import TrainingRows
from mixstat.hints import hinting
from mixstat.numerics import parameter_vector
from mixstat.numerics.precision import in_float64
from mixstat.validation import check_positive

Learner = TypeVar("Learner", bound="UpdatingMixture")


class UpdatingMixture(InferringMixture):
    """``partial_fit``; not to be used directly."""

    def _new_fit(
        self,
        X: Table,
        y: Response,
        sample_weight: Weights,
        *,
        offset: Table = None,
        groups: Table = None,
        known_experts: Table = None,
    ) -> Fit:
        """The fit to rows from the beginning."""
        raise NotImplementedError

    @hinting
    def partial_fit(
        self: Learner,
        X: Table,
        y: Response = None,
        sample_weight: Weights = None,
        *,
        forgetting: Setting = 1.0,
        offset: Table = None,
    ) -> Learner:
        """Update a fitted model by one step with new rows; without a fit, fit to them.

        The step is an EM step on new rows and on the expected statistics of all earlier ones,
        which are not needed again (online EM). Features and their units, penalties and the
        number of experts stay those of the fit.

        Parameters
        ----------
        X : array-like of shape (n, d)
            New inputs, in the order of time.
        y : array-like of shape (n,) or (n, m)
            Their responses; may be left out for a model made from a formula.
        sample_weight : array-like of shape (n,), default=None
            Row weights as in ``fit``.
        forgetting : float, default=1.0
            Factor, above 0 and at most 1, by which the weight of everything before a row
            shrinks when the row comes. About ``1 / (1 - forgetting)`` rows are remembered.
        offset : array-like of shape (n,) or (n, m), or str, default=None
            Offset of these rows, where ``fit`` was given one; a column that it took is found by
            itself.

        Returns
        -------
        MixtureOfExperts or MixtureOfExpertsClassifier
            This estimator.

        Raises
        ------
        ValueError
            If ``forgetting`` is out of range, or rows are not like those of the fit.

        Notes
        -----
        The updated model is no certified maximum: attributes that describe the fit
        (``certificate_``, ``log_likelihood_`` and so on) are removed, and standard errors are
        not to be had until ``fit`` is called. New rows of a fit with known experts are taken as
        rows of which nothing is known.

        References
        ----------
        Cappe, O. and Moulines, E. (2009). On-line expectation-maximization algorithm for latent
        data models. J. R. Statist. Soc. B 71, 593-613.
        """
        self.fit_ = self._learned(X, y, sample_weight, forgetting, offset)
        return self

    def _learned(
        self,
        X: Table,
        y: Response,
        sample_weight: Weights,
        forgetting: Setting,
        offset: Table,
        **known: Table,
    ) -> Fit:
        """The fit, taught by new rows; one from the beginning if there is none."""
        factor = check_positive("forgetting", forgetting)
        if factor > 1:
            raise ValueError(f"forgetting must be at most 1, got {forgetting!r}.")
        if not self.__sklearn_is_fitted__():
            return self._new_fit(X, y, sample_weight, offset=offset, **known)
        if self.fit_.request.schema.groups is not None:
            raise ValueError("groups: a fit with groups cannot be updated; fit needs all rows.")
        if self.fit_.request.options.restrictions.any:
            raise ValueError(
                "constraints: a fit with constraints (or common, frozen) cannot be updated; fit "
                "needs all rows."
            )
        if self.fit_.model.experts.in_part:
            raise ValueError(
                "missing: a fit to rows that lack outputs cannot be updated; fit needs all rows."
            )
        X, y, sample_weight, offset = self._complete(X, y, sample_weight, offset)
        read, response = self._read_pairs(X, y)
        weight = self._weights(X, sample_weight, len(response))
        decay = factor ** np.arange(len(weight) - 1, -1, -1)
        rows = TrainingRows(read, response, weight * decay, offset=self._offset(X, offset))
        rows = replace(rows, log_possibility=self._log_possibility(X, rows, **known))
        return updated(self.fit_, rows, factor ** len(weight))

    def _log_possibility(self, X: Table, rows: TrainingRows) -> Float[np.ndarray, "n K"] | None:
        """What is known of the experts of new rows."""
        return None


@in_float64
def updated(fit: Fit, rows: TrainingRows, memory: float) -> Fit:
    """The fit after one step with new rows; earlier ones keep ``memory`` of their weight."""
    kept = fit.sums_of_rows()
    known = rows.log_possibility
    batch = fit.lay_out(rows.X, rows.responses, rows.weight, known, offset=rows.offset)
    model, sums = advance(fit.model, kept.sums, batch, np.asarray(memory), kept.rules)
    if not np.all(np.isfinite(parameter_vector.to_vector(model))):
        raise ValueError("X or y is too far from the rows of the fit: the step is not finite.")
    return replace(
        fit,
        model=parameter_vector.as_numpy(model),
        sum_of_weights=float(sums.weight),
        search=None,
        memory=replace(kept, sums=parameter_vector.as_numpy(sums)),
    )
