"""What all estimators share: from parameters and checked rows to a fit."""

import inspect
from dataclasses import replace
from typing import ClassVar

import numpy as np
from jaxtyping import Bool
from sklearn.exceptions import ConvergenceWarning

from mixstat.arguments import Columns, Response, Seed, Setting, Table, Weights
from mixstat.contextual.knowledge import ExpertContexts
from mixstat.estimators.formulas import FormulaMixture
from mixstat.estimators.missing import IN_PART, WAYS, find_missing, taken
from mixstat.experts.base import Experts
from mixstat.fitting.fit import Fit
from mixstat.fitting.options import Options, read_options
from mixstat.fitting.schema import MissingRows, Request, Schema
from mixstat.fitting.search import fit_rows
from mixstat.fitting.settings import find_gate
from mixstat.fitting.tables import TrainingRows
from mixstat.hints import check_known
from mixstat.results import report
from mixstat.validation import check_choice


class BaseMixture(FormulaMixture):
    """Fitting; not to be used directly."""

    _ways: ClassVar[tuple[str, ...]] = WAYS
    """What ``missing`` may be."""

    # constructor parameters of every estimator, set by the leaves and checked by a fit
    n_experts: Setting
    degree: Setting
    interactions: Setting
    expert_features: Columns
    gate: Setting
    gate_degree: Setting
    gate_features: Columns
    solver: Setting
    init: Setting
    n_init: Setting
    tol: Setting
    max_iter: Setting
    min_scale: Setting
    min_share: Setting
    precision: Setting
    ridge: Setting
    expert_penalty: Setting
    gate_penalty: Setting
    l1_ratio: Setting
    constraints: Setting
    common: Setting
    frozen: Setting
    warm_start: Setting
    random_state: Seed
    verbose: Setting

    def __new__(cls, *settings: Setting, **named: Setting):
        """Refuse parameters that do not exist before Python does, with the one that was meant."""
        known = inspect.signature(cls.__init__).parameters
        if not any(one.kind is one.VAR_KEYWORD for one in known.values()):
            check_known(cls.__name__, named, list(known)[1:])
        return super().__new__(cls)

    def fit(self, X: Table, y: Response = None, sample_weight: Weights = None) -> "BaseMixture":
        """Find the maximum likelihood estimate."""
        raise NotImplementedError

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
    ) -> Fit:
        """The fit to rows; slopes in ``zeros`` are held at zero. Nothing here is changed."""
        raise NotImplementedError

    def _missing_rows(self, X: Table, y: Response, *others: Table) -> MissingRows | None:
        """Rows that lack a value, where those are to be left out."""
        way = check_choice("missing", self.missing, self._ways)
        if way == "raise":
            return None
        ways = {"in_part": way == IN_PART, "alone": find_gate(self.gate).joint}
        return find_missing(X, y, others, self._formulas(), **ways)

    @staticmethod
    def _of_kept_rows(options: Options, schema: Schema) -> Options:
        """The parameters with a start of the rows that are kept."""
        if schema.missing is None:
            return options
        return replace(options, init=taken(options.init, schema.missing.kept))

    def _options(self) -> Options:
        """The parameters, checked."""
        return read_options(self.get_params(deep=False), self.n_experts)

    def _fitted(
        self,
        options: Options,
        family: Experts,
        schema: Schema,
        rows: TrainingRows,
        *,
        zeros: Bool[np.ndarray, "K p"] | None = None,
        contexts: ExpertContexts | None = None,
    ) -> Fit:
        """The fit to checked rows, with a warning of everything odd about it."""
        warm = self.warm_start and self.__sklearn_is_fitted__()
        request = Request(
            options=options,
            family=family,
            schema=schema,
            title=type(self).__name__,
            before=self.fit_.user_model if warm else None,
            zeros=zeros,
            contexts=contexts,
        )
        fit = fit_rows(request, rows)
        report(fit.maximum.certificate, ConvergenceWarning)
        return fit
