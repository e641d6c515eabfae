"""What regressors share: families of experts, moments, quantiles and draws of y given x."""

from dataclasses import replace
from functools import partial

import numpy as np
from jaxtyping import Bool, Float
from sklearn.base import RegressorMixin
from sklearn.metrics import r2_score
from sklearn.utils import Tags
from sklearn.utils.validation import check_array, check_is_fitted

from mixstat.alignment import check_same_rows
from mixstat.arguments import Response, Seed, Setting, Table, Weights, count_rows
from mixstat.data.design import check_magnitude
from mixstat.data.formula import check_frame
from mixstat.estimators.covering import CoveringMixture
from mixstat.estimators.door import enter
from mixstat.estimators.formula_rows import agreed, check_transformed, read_numbers, row_weights
from mixstat.estimators.grouping import HISTORY, check_history, known_shares, read_units
from mixstat.estimators.missing import taken
from mixstat.estimators.offsets import (
    check_dotted,
    check_exposure,
    read_offset,
    source_of,
    without_column,
)
from mixstat.experts.base import Experts
from mixstat.experts.gaussian import COVARIANCES
from mixstat.fitting.fit import Fit
from mixstat.fitting.options import Options
from mixstat.fitting.schema import Schema
from mixstat.fitting.settings import find_experts
from mixstat.fitting.tables import TrainingRows
from mixstat.hints import hinting
from mixstat.kinds import check_length, check_numbers, check_outputs
from mixstat.numerics.quiet import quiet
from mixstat.predictive import Predictive
from mixstat.validation import (
    check_choice,
    check_integer,
    check_open_share,
    check_probability,
    check_seed,
    check_switch,
)


class RegressionMixture(RegressorMixin, CoveringMixture):
    """Fits and predictions of a regressor; not to be used directly."""

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
        return find_experts(self.expert, covariance)

    def _new_fit(
        self,
        X: Table,
        y: Response,
        sample_weight: Weights,
        *,
        zeros: Bool[np.ndarray, "K p"] | None = None,
        offset: Table = None,
        groups: Table = None,
    ) -> Fit:
        options = self._options()
        rows, schema = self._training_rows(X, y, sample_weight, offset, groups)
        options = self._of_kept_rows(options, schema)
        return self._fitted(options, self._family(), schema, rows, zeros=zeros)

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
        source, of_units = source_of(offset), source_of(groups)
        missing = self._missing_rows(X, y, sample_weight, offset, groups)
        if missing is not None:
            given = (X, y, sample_weight, offset, groups)
            X, y, sample_weight, offset, groups = (taken(one, missing.kept) for one in given)
        booleans = family.response == "binomial"
        if formulas is None:
            table, response, schema = enter(
                self,
                without_column(without_column(X, source, None), of_units, None),
                y,
                multi_output=True,
                y_numeric=True,
                booleans=booleans,
            )
        else:
            check_exposure(formulas, family)
            table = check_frame(X, "formula", n_rows=2)
            formulas = formulas.of_table(table)
            check_dotted(formulas, {"offset": source, "groups": of_units})
            y = check_numbers("y", y, booleans=booleans)
            read = partial(read_numbers, formulas, table, booleans=booleans)
            response = np.asarray(agreed(formulas, table, y, read), float)
            schema = Schema.of_frame(table, formulas, is_vector=response.ndim == 1)
        weight = row_weights(X, sample_weight, len(response), formulas)
        schema = replace(schema, offset=source, missing=missing, groups=of_units)
        outputs = 1 if response.ndim == 1 else response.shape[1]
        known = read_offset(X, offset, schema, family, len(response), outputs)
        unit = read_units(X, groups, of_units)
        return TrainingRows(table, response, weight, offset=known, unit=unit), schema

    def _response(self, X: Table, y: Response) -> Float[np.ndarray, "n m"]:
        fit = self.fit_
        formulas = fit.request.schema.formulas
        if y is None:
            if formulas is None:
                raise ValueError("y must be given: the model was not made from a formula.")
            y = read_numbers(formulas, X)
        y = check_numbers("y", y)
        check_outputs("y", y)
        checked = check_array(y, ensure_2d=False, dtype=np.float64, input_name="y")
        check_length("y", checked, count_rows(X))
        if formulas is not None:
            check_transformed(formulas, X, checked)
        table = np.asarray(checked).reshape(len(checked), -1)
        m = len(fit.units.location)
        if table.shape[1] != m:
            raise ValueError(f"y must have {m} outputs as in fit, got {table.shape[1]}.")
        fit.model.experts.check(table)
        return table

    def _predictive(
        self, X: Table, offset: Table = None, groups: Table = None, history: Setting = None
    ) -> Predictive:
        read = self._read(X)
        log_share = None
        if history is not None:
            log_share = self._given_history(X, groups, history)
        elif groups is not None:
            raise ValueError(
                f"groups must be left out without history, {HISTORY}: of units without earlier "
                "rows nothing is known but x."
            )
        return self.fit_.predictive(read, self._offset(X, offset), log_share)

    def _given_history(self, X: Table, groups: Table, history: Setting) -> Float[np.ndarray, "n K"]:
        """Log probabilities of the experts of rows, given earlier rows of their units."""
        past = check_history(history)
        labels = self._units(X, groups)
        if labels is None:
            raise ValueError("history must be left out: the fit had no groups.")
        check_same_rows(X=past.X, y=past.y, groups=past.groups, offset=past.offset)
        earlier = self._units(past.X, past.groups)
        assert earlier is not None
        pair = self._read_pairs(past.X, past.y)
        posterior = self.fit_.responsibilities(*pair, self._offset(past.X, past.offset), earlier)
        return known_shares(labels, self.fit_.log_gate(self._read(X)), earlier, posterior)

    @quiet
    def expert_means(self, X: Table, *, offset: Table = None) -> np.ndarray:
        """Mean of y under each expert.

        Parameters
        ----------
        X : array-like of shape (n, d)
            Inputs.
        offset : array-like of shape (n,) or (n, m), or str, default=None
            Offset of these rows, where ``fit`` was given one; a column that it took is found by
            itself.

        Returns
        -------
        ndarray of shape (n, n_experts, m)
            In units of y; m is 1 for a single output.
        """
        return np.transpose(self._predictive(X, offset).marginals.mean(), (2, 0, 1))

    def _shaped(self, table: Float[np.ndarray, "m n ..."]) -> Float[np.ndarray, "n ..."]:
        """A table as people see it: rows first, no output axis for one output."""
        return table[0] if self.fit_.predicts_vectors else np.moveaxis(table, 0, 1)

    @hinting
    @quiet
    def predict(
        self,
        X: Table,
        return_std: Setting = False,
        *,
        offset: Table = None,
        groups: Table = None,
        history: Setting = None,
    ) -> np.ndarray | tuple[np.ndarray, np.ndarray]:
        """Conditional mean of y.

        Parameters
        ----------
        X : array-like of shape (n, d)
            Inputs.
        return_std : bool, default=False
            Also return the conditional standard deviation.
        offset : array-like of shape (n,) or (n, m), or str, default=None
            Offset of these rows, where ``fit`` was given one; a column that it took is found by
            itself.
        groups : array-like of shape (n,) or str, default=None
            Unit of each row, beside ``history``.
        history : tuple, default=None
            Earlier rows (X, y, groups) or (X, y, groups, offset), in fits with groups: what they
            tell of the experts of their units is used. Other units are new ones.

        Returns
        -------
        ndarray of shape (n,) or (n, m), or a pair of them
            Means, and deviations if asked for, in units of y.
        """
        check_switch("return_std", return_std)
        predictive = self._predictive(X, offset, groups, history)
        mean = self._shaped(predictive.mean())
        return (mean, self._shaped(predictive.std())) if return_std else mean

    @hinting
    @quiet
    def score(
        self,
        X: Table,
        y: Response = None,
        sample_weight: Weights = None,
        *,
        offset: Table = None,
    ) -> float:
        """Coefficient of determination (R2) of the conditional mean.

        Parameters
        ----------
        X : array-like of shape (n, d)
            Inputs.
        y : array-like of shape (n,) or (n, m)
            Responses; may be left out for a model made from a formula.
        sample_weight : array-like of shape (n,), default=None
            Row weights.
        offset : array-like of shape (n,) or (n, m), or str, default=None
            Offset of these rows, where ``fit`` was given one; a column that it took is found by
            itself.

        Returns
        -------
        float
            One for perfect predictions.
        """
        check_same_rows(X=X, y=y, sample_weight=sample_weight, offset=offset)
        check_is_fitted(self)
        X, y, sample_weight, offset = self._complete(X, y, sample_weight, offset)
        response = self._read_pairs(X, y)[1]
        mean = self.predict(X, offset=offset)
        check_magnitude("y", response)
        weight = self._weights(X, sample_weight, len(response))
        observed = self._shaped(self.fit_.model.experts.observed(response).T)
        return float(r2_score(observed, mean, sample_weight=weight))

    @hinting
    @quiet
    def predict_quantile(
        self,
        X: Table,
        q: Setting,
        *,
        offset: Table = None,
        groups: Table = None,
        history: Setting = None,
    ) -> np.ndarray:
        """Conditional quantiles of y (of each output, for several).

        Parameters
        ----------
        X : array-like of shape (n, d)
            Inputs.
        q : float or array-like of shape (Q,)
            Levels strictly between 0 and 1.
        offset : array-like of shape (n,) or (n, m), or str, default=None
            Offset of these rows, where ``fit`` was given one; a column that it took is found by
            itself.
        groups : array-like of shape (n,) or str, default=None
            Unit of each row, beside ``history``.
        history : tuple, default=None
            Earlier rows (X, y, groups) or (X, y, groups, offset), in fits with groups: what they
            tell of the experts of their units is used. Other units are new ones.

        Returns
        -------
        ndarray of shape (n,), (n, Q), (n, m) or (n, m, Q)
            A last axis of levels if ``q`` is an array.
        """
        levels = check_probability("q", q)
        predictive = self._predictive(X, offset, groups, history)
        tables = [self._shaped(predictive.quantile(float(level))) for level in np.ravel(levels)]
        return tables[0] if levels.ndim == 0 else np.stack(tables, axis=-1)

    @hinting
    def predict_interval(
        self,
        X: Table,
        coverage: Setting = 0.9,
        *,
        offset: Table = None,
        groups: Table = None,
        history: Setting = None,
    ) -> np.ndarray:
        """Central prediction interval: equal probability is left out at both ends.

        Parameters
        ----------
        X : array-like of shape (n, d)
            Inputs.
        coverage : float, default=0.9
            Probability inside, strictly between 0 and 1.
        offset : array-like of shape (n,) or (n, m), or str, default=None
            Offset of these rows, where ``fit`` was given one; a column that it took is found by
            itself.
        groups : array-like of shape (n,) or str, default=None
            Unit of each row, beside ``history``.
        history : tuple, default=None
            Earlier rows (X, y, groups) or (X, y, groups, offset), in fits with groups: what they
            tell of the experts of their units is used. Other units are new ones.

        Returns
        -------
        ndarray of shape (n, 2) or (n, m, 2)
            Lower and upper ends, in units of y. Parameters are taken as known.
        """
        tail = 0.5 * (1 - check_open_share("coverage", coverage))
        known = {"offset": offset, "groups": groups, "history": history}
        return self.predict_quantile(X, [tail, 1 - tail], **known)

    @hinting
    @quiet
    def cdf(self, X: Table, y: Response = None, *, offset: Table = None) -> np.ndarray:
        """Probability that the response does not exceed y, given x.

        Parameters
        ----------
        X : array-like of shape (n, d)
            Inputs.
        y : array-like of shape (n,) or (n, m)
            Responses; may be left out for a model made from a formula.
        offset : array-like of shape (n,) or (n, m), or str, default=None
            Offset of these rows, where ``fit`` was given one; a column that it took is found by
            itself.

        Returns
        -------
        ndarray of shape (n,) or (n, m)
            Uniform on (0, 1) for rows drawn from the model.
        """
        response = self._read_pairs(X, y)[1]
        return self._shaped(self._predictive(X, offset).cdf(response.T))

    @hinting
    @quiet
    def crps(self, X: Table, y: Response = None, *, offset: Table = None) -> np.ndarray:
        """Continuous ranked probability score of each row; small is good.

        The integral over t of ``(F(t) - 1(y <= t))**2`` with F the conditional distribution
        function (for counts the sum over counts), in units of y: the mean absolute error where F
        is a point. In closed form for Gaussian experts, else by quadrature; NaN for t experts
        with half a degree of freedom or less, for which it is infinite.

        Gneiting, T. and Raftery, A. E. (2007). Strictly proper scoring rules, prediction, and
        estimation. J. Amer. Statist. Assoc. 102, 359-378. For mixtures of normals: Grimit, E. P.
        et al. (2006). Quart. J. Roy. Meteor. Soc. 132, 2925-2942.

        Parameters
        ----------
        X : array-like of shape (n, d)
            Inputs.
        y : array-like of shape (n,) or (n, m)
            Responses; may be left out for a model made from a formula.
        offset : array-like of shape (n,) or (n, m), or str, default=None
            Offset of these rows, where ``fit`` was given one; a column that it took is found by
            itself.

        Returns
        -------
        ndarray of shape (n,) or (n, m)
            Scores, none negative; of each output by itself, for several.
        """
        response = self._read_pairs(X, y)[1]
        return self._shaped(self._predictive(X, offset).crps(response.T))

    @hinting
    @quiet
    def sample_y(
        self,
        X: Table,
        n_samples: Setting = 1,
        random_state: Seed = 0,
        *,
        offset: Table = None,
    ) -> np.ndarray:
        """Draw responses from the fitted conditional density.

        Parameters
        ----------
        X : array-like of shape (n, d)
            Inputs.
        n_samples : int, default=1
            Draws at each row.
        random_state : int, RandomState or None, default=0
            Seed of the draws.
        offset : array-like of shape (n,) or (n, m), or str, default=None
            Offset of these rows, where ``fit`` was given one; a column that it took is found by
            itself.

        Returns
        -------
        ndarray of shape (n, n_samples) or (n, m, n_samples)
            Draws in units of y.
        """
        count = check_integer("n_samples", n_samples, 1)
        seed = check_seed("random_state", random_state).randint(2**31)
        draws = self._predictive(X, offset).sample(count, np.random.default_rng(seed))
        return self._shaped(draws)
