"""Fits of regressors: families of experts, and rows as fits and questions take them."""

from dataclasses import replace
from typing import TypeVar

import numpy as np
from jaxtyping import Bool, Float
from sklearn.base import RegressorMixin
from sklearn.utils import Tags
from sklearn.utils.validation import check_array

from mixstat.alignment import check_same_rows
from mixstat.arguments import Response, Setting, Table, Weights, count_rows
from mixstat.data.blocks import Blocks
from mixstat.data.categories import as_pandas
from mixstat.data.formula import check_frame
from mixstat.estimators.blocked import fit_of_blocks
from mixstat.estimators.by_block import check_alone, check_no_checkpoint
from mixstat.estimators.covering import CoveringMixture
from mixstat.estimators.door import enter
from mixstat.estimators.formula_rows import agreed_y, check_transformed, read_numbers
from mixstat.estimators.grouping import HISTORY, check_history, known_shares, read_units
from mixstat.estimators.known_experts import told
from mixstat.estimators.missing import IN_PART, WAYS, check_in_part, filled, taken, with_holes
from mixstat.estimators.named import named_in, named_responses, response_of, told_weights
from mixstat.estimators.offsets import (
    Offset,
    check_dotted,
    check_exposure,
    read_offset,
    source_of,
    without_columns,
)
from mixstat.experts.base import Experts
from mixstat.experts.gaussian import COVARIANCES
from mixstat.experts.marginal_gaussian import MarginalGaussianExperts
from mixstat.fitting.fit import Fit
from mixstat.fitting.options import Options
from mixstat.fitting.schema import Schema
from mixstat.fitting.settings import find_experts
from mixstat.fitting.tables import TrainingRows
from mixstat.hints import hinting
from mixstat.kinds import check_length, check_numbers, check_outputs
from mixstat.predictive import Predictive
from mixstat.validation import (
    check_choice,
)

Fitted = TypeVar("Fitted", bound="RegressionFits")


class RegressionFits(RegressorMixin, CoveringMixture):
    """Fits of a regressor; not to be used directly."""

    _ways = (*WAYS, IN_PART)

    expert: Setting  # constructor parameters, set by the leaves
    covariance: Setting

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.target_tags.single_output = True
        tags.target_tags.multi_output = True
        return tags

    def _options(self) -> Options:
        options = super()._options()
        self._family()
        return options

    def _family(self) -> Experts:
        """The family of experts, without parameters."""
        covariance = check_choice("covariance", self.covariance, COVARIANCES)
        family = find_experts(self.expert, covariance)
        if self.missing == IN_PART:
            check_in_part(family, self._formulas())
        return family

    @hinting
    def fit(
        self: Fitted,
        X: Table,
        y: Response = None,
        sample_weight: Weights = None,
        *,
        offset: Table = None,
        groups: Table = None,
        known_experts: Table = None,
        checkpoint: Setting = None,
    ) -> Fitted:
        """Find the maximum likelihood estimate.

        Parameters
        ----------
        X : array-like of shape (n, d), or Blocks
            Inputs. Text and categories of a data frame are coded: a column of 0 and 1 for each
            level but the first, named as in ``site[B]``; dates are refused.
            :class:`mixstat.Blocks` are rows that do not fit into memory, with their responses
            and weights.
        y : array-like of shape (n,) or (n, m), str, or list of str
            Responses: real numbers, of several outputs for Gaussian experts; counts; positive
            numbers for gamma experts; for binomial experts two columns, successes and
            failures, successes alone where ``trials`` is set, or True and False. Beside
            ``formula`` it may be left out; where X has the columns of the left side it must
            equal them. A name takes that column of a data frame, or a list those of several
            responses, which are then no inputs.
        sample_weight : array-like of shape (n,) or str, default=None
            A row of weight 2 counts as two equal rows; a row of weight 0 does not count. The
            sum of the weights is the sample size of standard errors and of ``bic``. A name
            takes that column of a data frame, which is then no input.
        offset : array-like of shape (n,) or (n, m), or str, default=None
            What is added to the experts' linear predictors with a coefficient of one, such as
            the log of an exposure of counts; in units of y for Gaussian and t experts (of
            each output). A name takes that column of a data frame, which is then no input.
            Formulas have ``offset(log(e))`` and ``exposure(e)``.
        groups : array-like of shape (n,) or str, default=None
            Unit of each row, such as a patient with several visits, or the column of a data
            frame that tells it, which is then no input. All rows of a unit share one unknown
            expert; the gate sees columns that are constant within units. Units are what is
            independent: the sample size of errors and of ``bic``.
        known_experts : array-like of shape (n,) or (n, n_experts), or str, default=None
            What is known of the experts of rows: numbers from 0 on, with NaN, None or -1 where
            they are not known (or the column of a data frame that has them, which is then no
            input); or for each expert whether it is possible, or how far, between 0 and 1.
            A row in which the experts S are possible adds ``log p(y, z in S | x) =
            log sum_S pi_k f_k``; degrees multiply their terms, and are divided by the largest
            of their row. Experts keep these numbers. Rows of a unit must agree.
        checkpoint : str or path-like, default=None
            For :class:`mixstat.Blocks`: a file that keeps the best parameters so far, written
            after each pass. A fit that was killed goes on from it when it is called again.

        Returns
        -------
        MixtureOfExperts
            This estimator.

        Raises
        ------
        ValueError
            If an argument has a wrong shape, type or range, if y cannot be a response of these
            experts, or if the gate does not suit ``n_experts`` or its features.

        Warns
        -----
        ConvergenceWarning
            If the result is not a certified maximum; the message says why.
        DesignWarning
            If columns are constant or dependent, or rows are fewer than parameters.
        """
        if isinstance(X, Blocks):
            check_alone(
                y=y,
                sample_weight=sample_weight,
                offset=offset,
                groups=groups,
                known_experts=known_experts,
            )
            self.fit_ = fit_of_blocks(self, X, lambda one: self._new_fit(*one), checkpoint)
            return self
        check_no_checkpoint(checkpoint)
        self.fit_ = self._new_fit(
            X, y, sample_weight, offset=offset, groups=groups, known_experts=known_experts
        )
        return self

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
        options, known = self._options(), source_of(known_experts)
        inputs = X if self._formulas() is not None else without_columns(X, known)
        rows, schema = self._training_rows(inputs, y, sample_weight, offset, groups)
        rows, schema = told(rows, schema, X, known_experts, known, options.n_experts)
        options = self._of_kept_rows(options, schema)
        family = self._family()
        if self.missing == IN_PART and (options.gate.joint or rows.responses.shape[1] > 1):
            family = MarginalGaussianExperts(covariance=self.covariance)  # type: ignore[arg-type]
        return self._fitted(options, family, schema, rows, zeros=zeros)

    def _training_rows(
        self,
        X: Table,
        y: Response,
        sample_weight: Weights,
        offset: Table = None,
        groups: Table = None,
    ) -> tuple[TrainingRows, Schema]:
        """The rows of a fit, checked, and what they look like."""
        beside = {"sample_weight": sample_weight, "offset": offset, "groups": groups}
        check_same_rows(X=X, y=y, init=self.init, **beside)
        formulas, family = self._formulas(), self._family()
        X = as_pandas(X) if formulas is None else X
        source, of_units = source_of(offset), source_of(groups)
        of_weights, of_y = named_in(X, sample_weight, formulas), named_responses(X, y, formulas)
        if of_y is not None:
            y = response_of(X, y, several=True)
            X = without_columns(X, of_y)
        missing = self._missing_rows(X, y, sample_weight, offset, groups)
        if missing is not None:
            given = (X, y, sample_weight, offset, groups)
            X, y, sample_weight, offset, groups = (taken(one, missing.kept) for one in given)
        y, holes = filled(y) if self.missing == IN_PART else (y, None)
        y = family.bounded(y)
        if formulas is None:
            table, response, schema = enter(
                self,
                without_columns(X, source, of_units, of_weights),
                y,
                multi_output=True,
                y_numeric=True,
                booleans=family.response == "binomial",
            )
        else:
            check_exposure(formulas, family)
            table = check_frame(X, "formula", n_rows=2)
            formulas = formulas.of_table(table)
            check_dotted(formulas, {"offset": source, "groups": of_units})
            response = agreed_y(formulas, table, y, family)
            schema = Schema.of_frame(table, formulas, is_vector=response.ndim == 1)
        response = with_holes(response, holes)
        weight = told_weights(X, sample_weight, len(response), formulas)
        beside = {"offset": source, "groups": of_units, "weights": of_weights, "response": of_y}
        schema = replace(schema, missing=missing, **beside)
        outputs = 1 if response.ndim == 1 or family.paired else response.shape[1]
        known = read_offset(X, offset, schema, family, len(response), outputs)
        unit = read_units(X, groups, of_units)
        return TrainingRows(table, response, weight, offset=known, unit=unit), schema

    def _response(self, X: Table, y: Response) -> Float[np.ndarray, "n m"]:
        fit = self.fit_
        formulas = fit.request.schema.formulas
        if y is None:
            if formulas is None:
                raise ValueError("y must be given: the model was not made from a formula.")
            y = read_numbers(formulas, X, family=fit.model.experts)
        y, holes = filled(y) if fit.model.experts.in_part else (y, None)
        y = check_numbers("y", fit.model.experts.bounded(y))
        check_outputs("y", y)
        checked = check_array(y, ensure_2d=False, dtype=np.float64, input_name="y")
        check_length("y", checked, count_rows(X))
        if formulas is not None:
            check_transformed(formulas, X, checked)
        table = np.asarray(checked).reshape(len(checked), -1)
        m = len(fit.units.location)
        if table.shape[1] not in fit.model.experts.widths(m):
            raise ValueError(f"y must have {m} outputs as in fit, got {table.shape[1]}.")
        fit.user_model.experts.check(table)
        return table if holes is None else np.where(holes, np.nan, table)

    def _predictive(self, X: Table, *beside: Table) -> Predictive:
        """The law of y at rows, given their offset, groups and history."""
        return self.fit_.predictive(*self._read_beside(X, *beside))

    def _read_beside(
        self, X: Table, offset: Table = None, groups: Table = None, history: Setting = None
    ) -> tuple[Table, Offset, Float[np.ndarray, "n K"] | None]:
        """Rows that are asked about, their offset, and log shares where history tells of them."""
        read = self._read(X)
        log_share = None
        if history is not None:
            log_share = self._given_history(X, groups, history)
        elif groups is not None:
            raise ValueError(
                f"groups must be left out without history, {HISTORY}: of units without earlier "
                "rows nothing is known but x."
            )
        return read, self._offset(X, offset), log_share

    def _given_history(self, X: Table, groups: Table, history: Setting) -> Float[np.ndarray, "n K"]:
        """Log probabilities of the experts of rows, given earlier rows of their units."""
        past = check_history(history)
        labels = self._units(X, groups)
        if labels is None:
            raise ValueError("history must be left out: the fit had no groups.")
        try:
            check_same_rows(X=past.X, y=past.y, groups=past.groups, offset=past.offset)
            earlier = self._units(past.X, past.groups)
            assert earlier is not None
            pair = self._read_pairs(past.X, past.y)
            known = self._offset(past.X, past.offset)
            posterior = self.fit_.responsibilities(*pair, known, earlier)
        except (TypeError, ValueError) as error:
            raise type(error)(f"history: {error}") from error
        return known_shares(labels, self.fit_.log_gate(self._read(X)), earlier, posterior)
