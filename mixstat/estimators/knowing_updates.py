"""New rows of a mixture that is told of contexts."""

from typing import TypeVar

import numpy as np
from jaxtyping import Float

from mixstat.alignment import check_same_rows
from mixstat.arguments import Response, Setting, Table, Weights
from mixstat.contextual.table import log_possibility
from mixstat.estimators.knowing import KnowingMixture
from mixstat.fitting.tables import TrainingRows
from mixstat.hints import hinting

Learner = TypeVar("Learner", bound="UpdatingKnowingMixture")


class UpdatingKnowingMixture(KnowingMixture):
    """``partial_fit`` of contextual mixtures; not to be used directly."""

    @hinting
    def partial_fit(  # type: ignore[override]
        self: Learner,
        X: Table,
        y: Response = None,
        sample_weight: Weights = None,
        *,
        forgetting: Setting = 1.0,
        offset: Table = None,
        possibilities: Table = None,
        context_data: Table = None,
    ) -> Learner:
        """Update a fitted model by one step with new rows; without a fit, fit to them.

        As :meth:`MixtureOfExperts.partial_fit`, with what is known of the contexts of the new rows.

        Parameters
        ----------
        X, y, sample_weight, forgetting
            As there.
        offset
            None: there is none.
        possibilities, context_data
            As in :meth:`fit`, of the new rows. An empty dict as ``context_data`` asks for contexts
            that are stated on inputs, the response or time alone. If both are left out, nothing
            is known of the new rows.

        Returns
        -------
        ContextualMixtureOfExperts
            This estimator.

        Raises
        ------
        ValueError
            If ``forgetting`` is out of range, rows are not like those of the fit, or what is told
            of contexts is not as :meth:`fit` wants it.
        """
        told = {"possibilities": possibilities, "context_data": context_data}
        self.fit_ = self._learned(X, y, sample_weight, forgetting, offset, **told)
        return self

    def _log_possibility(
        self, X: Table, rows: TrainingRows, possibilities: Table = None, context_data: Table = None
    ) -> Float[np.ndarray, "n K"] | None:
        if possibilities is None and context_data is None:
            return None
        if self.contexts is not None and possibilities is not None:
            raise ValueError("give contexts or possibilities, not both: contexts make their own.")
        check_same_rows(X=X, possibilities=possibilities, context_data=context_data)
        known = self._possibility(X, rows.responses, possibilities, context_data, rows.weight)
        return log_possibility(known)
