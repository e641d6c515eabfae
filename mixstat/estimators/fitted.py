"""What a fitted mixture tells of rows: shares, responsibilities, densities, criteria."""

from collections.abc import Callable, Sequence

import numpy as np
from jaxtyping import Float
from sklearn.utils.validation import check_is_fitted

from mixstat.alignment import check_same_rows
from mixstat.arguments import Response, Setting, Table, Weights, count_rows
from mixstat.data.categories import as_pandas
from mixstat.data.formula import check_frame
from mixstat.data.units import Labels, check_weights_of_units, firsts, numbered
from mixstat.estimators.by_block import in_blocks
from mixstat.estimators.door import is_sound, read_again
from mixstat.estimators.grouping import read_units
from mixstat.estimators.known_experts import read_known
from mixstat.estimators.missing import complete
from mixstat.estimators.named import asked_response, told_weights
from mixstat.estimators.offsets import Offset, read_offset, without_columns
from mixstat.estimators.parameters import OF_FIT, ParameterQuestions
from mixstat.fitting.fit import Fit
from mixstat.fitting.tables import TrainingRows
from mixstat.hints import check_known, hinting
from mixstat.numerics.quiet import quiet
from mixstat.results import warn
from mixstat.validation import check_choice


class RowQuestions(ParameterQuestions):
    """Questions about rows, to a fitted mixture; not to be used directly."""

    missing: Setting = "raise"
    """What becomes of rows that lack a value; a constructor parameter of some."""

    def _read(self, X: Table) -> Table:
        """Check new rows as sklearn does (or leave a data frame to the formulas)."""
        check_is_fitted(self)
        schema = self.fit_.request.schema
        if schema.formulas is not None:
            return check_frame(X, "formula")
        if is_sound(X, schema):
            return X
        return read_again(self, without_columns(as_pandas(X), *schema.beside), schema)

    def _complete(
        self, X: Table, y: Response, *others: Table, beside: Sequence[Table] = ()
    ) -> list[Table]:
        """X, y, weights, offset, groups, and more; without rows that lack one of the former."""
        check_same_rows(X=X, y=y, **dict(zip(("sample_weight", "offset", "groups"), others)))
        check_is_fitted(self)
        rows = (X, asked_response(X, y, self.fit_.request.schema), *others)
        if X is None or self.missing == "raise":
            return [*rows, *beside]
        return complete(rows, beside, self.fit_)

    def _offset(self, X: Table, offset: Table) -> Offset:
        """The offset of rows that were read, from the table as it was given."""
        check_same_rows(X=X, offset=offset)
        fit, n, m = self.fit_, count_rows(X), len(self.fit_.units.location)
        return read_offset(X, offset, fit.request.schema, fit.model.experts, n, m)

    def _response(self, X: Table, y: Response) -> Float[np.ndarray, "n c"]:
        """Check responses of rows that were read; None takes them from the frame of a formula."""
        raise NotImplementedError

    def _units(self, X: Table, groups: Table) -> Labels | None:
        """The units of rows, from the table as it was given."""
        check_same_rows(X=X, groups=groups)
        return read_units(X, groups, self.fit_.request.schema.groups)

    def _on_own_rows(
        self,
        X: Table,
        y: Response,
        sample_weight: Weights,
        offset: Table = None,
        groups: Table = None,
        **knowledge: Table,
    ) -> Fit:
        check_known("fit()", knowledge, OF_FIT)
        told = knowledge.get("known_experts")
        check_same_rows(X=X, known_experts=told)
        given = (X, y, sample_weight, offset, groups)
        X, y, sample_weight, offset, groups, told = self._complete(*given, beside=(told,))
        table, response = self._read_pairs(X, y)
        weight = self._weights(X, sample_weight, len(response))
        known, unit = self._offset(X, offset), self._units(X, groups)
        possible = read_known(X, told, self.fit_.request.schema.known, self.fit_.n_experts, unit)
        return self.fit_.on_rows(TrainingRows(table, response, weight, possible, known, unit))

    def _read_pairs(
        self, X: Table, y: Response, **others: Table
    ) -> tuple[Table, Float[np.ndarray, "n c"]]:
        """Inputs and responses of rows, checked; ``others`` must be of the same rows."""
        check_is_fitted(self)
        y = asked_response(X, y, self.fit_.request.schema)
        check_same_rows(X=X, y=y, **others)
        read = self._read(X)
        return read, self._response(read, y)

    def _weights(self, X: Table, sample_weight: Weights, n: int) -> Float[np.ndarray, " n"]:
        """Weights of rows that are asked about, checked."""
        return told_weights(X, sample_weight, n, self.fit_.request.schema.formulas)

    @in_blocks()
    @quiet
    def gate_proba(self, X: Table) -> np.ndarray:
        """Probability of each expert given x alone.

        Parameters
        ----------
        X : array-like of shape (n, d)
            Inputs.

        Returns
        -------
        ndarray of shape (n, n_experts)
            Rows sum to one.
        """
        return self.fit_.shares(self._read(X))

    @quiet
    def gate_scores(self, X: Table) -> np.ndarray:
        """What gate shares are made of: for a sigmoid gate the independent sigmoids.

        Parameters
        ----------
        X : array-like of shape (n, d)
            Inputs.

        Returns
        -------
        ndarray of shape (n, n_experts)
            s_k(x) in (0, 1) for ``gate="sigmoid"``, each expert's by itself, whose shares are
            s_k / sum(s); for other gates the shares.
        """
        X, fit = self._read(X), self.fit_
        return fit.model.gate.scores(fit.log_gate(X), fit.designs.gate.transform(X))

    @quiet
    def predict_expert(self, X: Table) -> np.ndarray:
        """The most probable expert given x alone.

        Parameters
        ----------
        X : array-like of shape (n, d)
            Inputs.

        Returns
        -------
        ndarray of shape (n,)
            Numbers from 0 to ``n_experts - 1``.
        """
        return np.argmax(self.fit_.log_gate(self._read(X)), axis=1)

    @hinting
    @quiet
    def responsibilities(
        self, X: Table, y: Response = None, *, offset: Table = None, groups: Table = None
    ) -> np.ndarray:
        """Probability of each expert given x and y, or given all rows of its unit.

        Parameters
        ----------
        X : array-like of shape (n, d)
            Inputs.
        y : array-like of shape (n,) or (n, m)
            Responses; may be left out for a model made from a formula.
        offset : array-like of shape (n,) or (n, m), or str, default=None
            Offset of these rows, where ``fit`` was given one; a column that it took is found by
            itself.
        groups : array-like of shape (n,) or str, default=None
            Unit of each row, where ``fit`` was given units; a column that it took is found by
            itself.

        Returns
        -------
        ndarray of shape (n, n_experts)
            Rows sum to one.
        """
        pair, known = self._read_pairs(X, y), self._offset(X, offset)
        return self.fit_.responsibilities(*pair, known, self._units(X, groups))

    @in_blocks(with_response=True)
    @hinting
    @quiet
    def score_samples(
        self, X: Table, y: Response = None, *, offset: Table = None, groups: Table = None
    ) -> np.ndarray:
        """log p(y | x) of each row, in the units of y; of each unit, in fits with groups.

        Parameters
        ----------
        X : array-like of shape (n, d)
            Inputs.
        y : array-like of shape (n,) or (n, m)
            Responses; may be left out for a model made from a formula.
        offset : array-like of shape (n,) or (n, m), or str, default=None
            Offset of these rows, where ``fit`` was given one; a column that it took is found by
            itself.
        groups : array-like of shape (n,) or str, default=None
            Unit of each row, where ``fit`` was given units; a column that it took is found by
            itself.

        Returns
        -------
        ndarray of shape (n,)
            Natural logarithms of densities; of units in the order in which they first come.
        """
        pair, unit = self._read_pairs(X, y), self._units(X, groups)
        logs = self.fit_.log_density(*pair, self._offset(X, offset), unit)
        return logs if unit is None else logs[firsts(numbered(unit))]

    @hinting
    def aic(
        self,
        X: Table,
        y: Response = None,
        sample_weight: Weights = None,
        *,
        offset: Table = None,
        groups: Table = None,
    ) -> float:
        """Akaike's criterion, -2 log-likelihood + 2 parameters; small is good.

        With a Gaussian gate it is that of the joint density of x and y, as in ``bic``.

        Parameters
        ----------
        X, y, sample_weight, offset, groups
            Rows as for ``fit``; without weights each counts once, whatever the fit had.

        Returns
        -------
        float
            The criterion on these rows.
        """
        return self._criterion(X, y, sample_weight, offset, groups, lambda total: 2.0)

    @hinting
    def bic(
        self,
        X: Table,
        y: Response = None,
        sample_weight: Weights = None,
        *,
        offset: Table = None,
        groups: Table = None,
        count: Setting = "units",
    ) -> float:
        """Bayesian criterion, -2 log-likelihood + parameters log n; small is good.

        With a Gaussian gate it is that of the joint density of x and y, which is what was
        maximised and what the parameters belong to; it cannot be compared with other gates.

        Parameters
        ----------
        X, y, sample_weight, offset, groups
            Rows as for ``fit``; n is the sum of the weights. Without weights each row counts
            once, whatever the fit had.
        count : {"units", "rows"}, default="units"
            Whose number n is, in fits with groups: that of units, which are independent, or that
            of rows, as some programs have it.

        Returns
        -------
        float
            The criterion on these rows.
        """
        whole = check_choice("count", count, ("units", "rows")) == "rows"
        return self._criterion(X, y, sample_weight, offset, groups, np.log, of_rows=whole)

    @quiet
    def _criterion(
        self,
        X: Table,
        y: Response,
        sample_weight: Weights,
        offset: Table,
        groups: Table,
        price: Callable[[float], float],
        of_rows: bool = False,
    ) -> float:
        X, y, sample_weight, offset, groups = self._complete(X, y, sample_weight, offset, groups)
        table, response = self._read_pairs(X, y)
        unit, known = self._units(X, groups), self._offset(X, offset)
        logs = self.fit_.log_density(table, response, known, unit) + self.fit_.log_inputs(table)
        weight = every = self._weights(X, sample_weight, len(logs))
        if unit is not None:
            check_weights_of_units(weight, unit)
            logs, weight = (one[firsts(numbered(unit))] for one in (logs, weight))
        if self.fit_.weighted and sample_weight is None:
            warn(
                "sample_weight was given to fit and not here, where each row now counts once. Give "
                "the weights of these rows, or ones to silence this.",
                UserWarning,
            )
        paid = price((every if of_rows else weight).sum())
        return float(-2 * weight @ logs + self.fit_.n_parameters * paid)
