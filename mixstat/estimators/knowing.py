"""What mixtures have that are told of contexts: knowledge in fits, and questions about it."""

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Bool, Float
from scipy.special import softmax
from sklearn.utils.validation import check_is_fitted

from mixstat.alignment import check_same_rows
from mixstat.arguments import Response, Setting, Table, Weights
from mixstat.contextual.knowledge import ExpertContexts, Knowledge
from mixstat.contextual.records import Records, index_of
from mixstat.contextual.table import check_contexts, log_possibility
from mixstat.estimators.conflict import Conflict, measure
from mixstat.estimators.grouping import shown
from mixstat.estimators.parameters import check_one_parameter
from mixstat.estimators.prediction import RegressionMixture
from mixstat.estimators.report import profile_of
from mixstat.estimators.told import column_names, informed, n_columns, stated
from mixstat.fitting.fit import Fit
from mixstat.fitting.options import Options, read_options
from mixstat.fitting.tables import TrainingRows
from mixstat.hints import check_known, hinting
from mixstat.numerics.quiet import quiet
from mixstat.validation import check_share, check_switch

if TYPE_CHECKING:
    from mixstat.inference.profile import ProfileLikelihood
    from mixstat.inference.results import InferenceResults

TOLD = ("possibilities", "context_data")  # arguments that tell of contexts


class KnowingMixture(RegressionMixture):
    """Fits with knowledge of contexts, and questions about it; not to be used directly."""

    # constructor parameters, set by the leaf
    contexts: Setting
    mapping: Setting
    alpha: Setting
    normalise: Setting

    @property
    def context_names_(self) -> tuple[str, ...]:
        """Names of the contexts."""
        return _contexts(self.fit_).names

    @property
    def expert_contexts_(self) -> list[str]:
        """What each expert stands for."""
        return _contexts(self.fit_).of_experts

    @property
    def ignorance_(self) -> float:
        """Mean log of the sum of the possibilities of all contexts."""
        return _contexts(self.fit_).ignorance

    def _knowledge(self) -> Knowledge:
        """The parameters that state knowledge, checked."""
        if self.mapping is not None and not isinstance(self.mapping, dict):
            raise ValueError(
                "mapping must be a dict with the expert or experts of each context, got "
                f"{self.mapping!r}."
            )
        return Knowledge(
            contexts=None if self.contexts is None else tuple(check_contexts(self.contexts)),
            mapping=self.mapping,
            alpha=check_share("alpha", self.alpha),
            normalise=check_switch("normalise", self.normalise),
        )

    def _contextual_options(self, knowledge: Knowledge, possibilities: Table) -> Options:
        """The other parameters, checked; contexts count the experts where nothing else does."""
        n_experts = self.n_experts
        if n_experts is None and knowledge.contexts is not None:
            n_experts = len(knowledge.contexts)
        elif n_experts is None:
            n_experts = 2 if possibilities is None else n_columns(possibilities)
        self._family()
        return read_options(self.get_params(deep=False), n_experts)

    def _new_fit(
        self,
        X: Table,
        y: Response,
        sample_weight: Weights,
        *,
        zeros: Bool[np.ndarray, "K p"] | None = None,
        offset: Table = None,
        groups: Table = None,
        known_experts: Table = None,
        possibilities: Table = None,
        context_data: Table = None,
    ) -> Fit:
        if known_experts is not None:
            raise ValueError(
                "known_experts must be left out of a ContextualMixtureOfExperts, whose fit takes "
                f"possibilities; got {shown(known_experts)}."
            )
        if self.contexts is not None and possibilities is not None:
            raise ValueError("give contexts or possibilities, not both: contexts make their own.")
        check_same_rows(X=X, possibilities=possibilities, context_data=context_data)
        knowledge = self._knowledge()
        options = self._contextual_options(knowledge, possibilities)
        rows, schema = self._training_rows(X, y, sample_weight, offset, groups)
        if rows.unit is not None:
            raise ValueError(
                "groups must be left out of ContextualMixtureOfExperts; MixtureOfExperts takes it."
            )
        if rows.offset is not None:
            raise ValueError(
                "offset must be left out of a ContextualMixtureOfExperts, and of its formula; "
                "MixtureOfExperts takes it."
            )
        records = Records(
            rows.X, rows.y, context_data, names=column_names(schema), time=index_of(X)
        )
        table = stated(knowledge, possibilities, records)
        rows, contexts = informed(rows, knowledge, table, options)
        return self._fitted(options, self._family(), schema, rows, zeros=zeros, contexts=contexts)

    def _possibility(
        self,
        X: Table,
        y: Float[np.ndarray, "n m"],
        possibilities: Table,
        context_data: Table,
        weight: Float[np.ndarray, " n"],
    ) -> Float[np.ndarray, "n K"]:
        """Possibilities of the experts on new rows, with responses that were checked."""
        fit, read = self.fit_, self._read(X)
        names = column_names(fit.request.schema)
        records = Records(read, y, context_data, names=names, time=index_of(X))
        knowledge = _contexts(fit).knowledge
        table = stated(knowledge, possibilities, records)
        _, known = knowledge.of_experts(table, weight, fit.n_experts)
        return np.ones((len(y), fit.n_experts)) if known is None else np.exp(known)

    def _on_own_rows(
        self,
        X: Table,
        y: Response,
        sample_weight: Weights,
        offset: Table = None,
        groups: Table = None,
        **knowledge: Table,
    ) -> Fit:
        check_known("fit()", knowledge, ["X", "y", *TOLD, "sample_weight"])
        possibilities, context_data = (knowledge.get(name) for name in TOLD)
        table, response = self._read_pairs(X, y, sample_weight=sample_weight, **knowledge)
        self._offset(X, offset)  # there is none, and no units
        self._units(X, groups)
        weight = self._weights(X, sample_weight, len(response))
        rows = TrainingRows(table, response, weight)
        told = any(one is not None for one in knowledge.values())
        if self.fit_.maximum.knows_contexts and (told or not self.fit_.has_rows):
            known = self._possibility(X, response, possibilities, context_data, weight)
            rows = replace(rows, log_possibility=log_possibility(known))
        return self.fit_.on_rows(rows)

    @quiet
    def profile(
        self,
        name: Setting,
        grid: Setting = None,
        *,
        n_points: Setting = 21,
        level: Setting = 0.95,
        X: Table = None,
        y: Response = None,
        sample_weight: Weights = None,
        possibilities: Table = None,
        context_data: Table = None,
    ) -> "ProfileLikelihood":
        """Profile likelihood of one parameter, as :meth:`MixtureOfExperts.profile`.

        Parameters
        ----------
        name, grid, n_points, level
            As there.
        X, y, sample_weight, possibilities, context_data
            What was given to :meth:`fit`, for a model that was saved (and so lost it).

        Returns
        -------
        ProfileLikelihood
            Of the likelihood that was maximised.
        """
        check_is_fitted(self)
        given = {"possibilities": possibilities, "context_data": context_data}
        fit = self.fit_
        if any(one is not None for one in (X, y, *given.values())):
            fit = self._on_own_rows(X, y, sample_weight, **given)
        check_one_parameter(name, fit.parameter_names)
        return profile_of(fit, name, grid, n_points, level)

    @hinting
    @quiet
    def inference(
        self,
        X: Table = None,
        y: Response = None,
        *,
        cov_type: Setting = "observed",
        groups: Table = None,
        possibilities: Table = None,
        sample_weight: Weights = None,
        context_data: Table = None,
        level: Setting = 0.95,
    ) -> "InferenceResults":
        """Standard errors of a chosen kind, intervals, tests and a summary.

        Possibilities are taken as known.

        Parameters
        ----------
        X, y, possibilities, sample_weight, context_data
            The rows of the fit, in their order; others are refused. They may be left out unless
            the model was saved (and so lost its rows).
        cov_type, groups, level
            As in :meth:`MixtureOfExperts.inference`.

        Returns
        -------
        InferenceResults
            As of :meth:`MixtureOfExperts.inference`.
        """
        check_is_fitted(self)
        told = {"possibilities": possibilities, "context_data": context_data}
        if X is None and any(one is not None for one in told.values()):
            raise ValueError("possibilities and context_data are for X and y; got X=None.")
        estimate = self._estimate(X, y, sample_weight, **told)
        return self._inferred(estimate, X, cov_type, groups, level)

    @hinting
    @quiet
    def context_proba(
        self,
        X: Table,
        y: Response = None,
        possibilities: Table = None,
        context_data: Table = None,
    ) -> np.ndarray:
        """Probability of each expert given x, y and what is known of the context.

        Parameters
        ----------
        X, y, possibilities, context_data
            Rows as for :meth:`fit`; ``responsibilities`` needs X and y alone, ``gate_proba`` X.

        Returns
        -------
        ndarray of shape (n, n_experts)
            Rows sum to one.
        """
        others = {"possibilities": possibilities, "context_data": context_data}
        read, response = self._read_pairs(X, y, **others)
        weight = np.ones(len(response))
        known = self._possibility(X, response, possibilities, context_data, weight)
        return softmax(self.fit_.log_joint(read, response) + log_possibility(known), axis=1)

    @hinting
    @quiet
    def conflict(
        self,
        X: Table,
        y: Response = None,
        possibilities: Table = None,
        sample_weight: Weights = None,
        context_data: Table = None,
    ) -> Conflict:
        """How far the knowledge contradicts the data.

        Fits the model without contexts (from as many starts, and from this fit) to compare.

        Parameters
        ----------
        X, y, possibilities, sample_weight, context_data
            Rows as for :meth:`fit`.

        Returns
        -------
        Conflict
            Log-likelihoods with and without the knowledge, and the rows that contradict it.
        """
        check_is_fitted(self)
        others = {"possibilities": possibilities, "context_data": context_data}
        read, response = self._read_pairs(X, y, sample_weight=sample_weight, **others)
        weight = self._weights(X, sample_weight, len(response))
        known = self._possibility(X, response, possibilities, context_data, weight)
        return measure(self.fit_, TrainingRows(read, response, weight), known)


def _contexts(fit: Fit) -> ExpertContexts:
    """What a fit was told of contexts, which a contextual one always was."""
    contexts = fit.request.contexts
    assert contexts is not None
    return contexts
