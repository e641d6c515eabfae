"""``inference``: errors, intervals and tests of the parameters of a fitted mixture."""

from copy import copy
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from sklearn.utils.validation import check_is_fitted

from mixstat.alignment import check_same_rows
from mixstat.arguments import Response, Setting, Table, Weights
from mixstat.data.blocks import Blocks
from mixstat.data.formula import check_frame
from mixstat.data.formula_text import listed
from mixstat.estimators.by_block import check_alone, counted_rows
from mixstat.estimators.estimates import estimate_of, estimate_of_blocks
from mixstat.estimators.fitted import RowQuestions
from mixstat.estimators.offsets import Offset
from mixstat.fitting.fit import Fit
from mixstat.hints import hinting
from mixstat.inference.clusters import number_groups
from mixstat.inference.covariances import Covariance, find_covariance
from mixstat.inference.estimate import Estimate
from mixstat.inference.read_estimate import check_takes_blocks
from mixstat.numerics.quiet import quiet
from mixstat.validation import check_open_share

if TYPE_CHECKING:  # loaded by the first question: a fit does without
    from mixstat.inference.results import InferenceResults


class InferringMixture(RowQuestions):
    """Inference on the parameters; not to be used directly."""

    @hinting
    @quiet
    def inference(
        self,
        X: Table = None,
        y: Response = None,
        *,
        cov_type: Setting = "observed",
        groups: Table = None,
        sample_weight: Weights = None,
        level: Setting = 0.95,
        offset: Table = None,
        known_experts: Table = None,
    ) -> "InferenceResults":
        """Standard errors of a chosen kind, intervals, tests and a summary.

        Parameters
        ----------
        X, y
            The rows of the fit, in their order; other rows are refused. They may be left out
            unless the model was saved (and so lost its rows). :class:`mixstat.Blocks` are read
            once more, for "observed", "opg", "robust" and "sampling".
        cov_type : str or covariance, default="observed"
            "observed" information, outer products of scores ("opg"), "robust" sandwich,
            "cluster", "hac" for rows in the order of time, "sampling" weights, "bootstrap"; or an
            object with settings from :mod:`mixstat.inference`, such as ``HAC(lags=5)``.
        groups : array-like of shape (n,) or (n, 2), or str, default=None
            Clusters of the rows, of one or two variables, for "cluster"; series or clusters for
            "hac" and some kinds of bootstrap. Beside ``formula`` columns may be named. Of a fit
            with groups, its units, where X and y are given; errors then take units as
            independent.
        sample_weight : array-like of shape (n,) or str, default=None
            Row weights of the fit, where X and y are given.
        level : float, default=0.95
            Confidence level of intervals.
        offset : array-like of shape (n,) or (n, m), or str, default=None
            Offset of the fit, where X and y are given and it was told one.
        known_experts : array-like of shape (n,) or (n, n_experts), or str, default=None
            What the fit was told of the experts of rows, where X and y are given.

        Returns
        -------
        InferenceResults
            ``params``, ``bse``, ``pvalues``, ``conf_int()``, ``t_test``, ``wald_test``,
            ``delta``, ``summary()`` and more.

        Raises
        ------
        ValueError
            If X, y and ``sample_weight`` are not the rows of the fit, clusters are missing, of
            the wrong length or not used by this kind, or another argument is out of range.
        """
        check_is_fitted(self)
        if isinstance(X, Blocks):
            others = {"groups": groups, "offset": offset, "known_experts": known_experts}
            check_alone(y=y, sample_weight=sample_weight, **others)
            return self._inferred_of_blocks(X, cov_type, level)
        check_same_rows(X=X, groups=groups, known_experts=known_experts)
        given, beside = (X, y, sample_weight, offset), (groups, known_experts)
        X, y, sample_weight, offset, *rest = self._complete(*given, beside=beside)
        groups, known_experts = rest
        others = {"offset": offset, "known_experts": known_experts}
        told = {name: table for name, table in others.items() if table is not None}
        if self.fit_.request.schema.groups is not None and X is not None:
            told["groups"] = groups
        estimate = self._estimate(X, y, sample_weight, **told)
        return self._inferred(estimate, X, cov_type, groups, level)

    def _inferred(
        self, estimate: Estimate, X: Table, cov_type: Setting, groups: Table, level: Setting
    ) -> "InferenceResults":
        """Results with a kind of covariance, checked."""
        kind, share = find_covariance(cov_type), check_open_share("level", level)
        check_same_rows(X=X, groups=groups)
        schema = self.fit_.request.schema
        if schema.groups is not None:
            groups = _of_units(kind, groups)
        labels = _named(X, groups, by_name=self.fit_.request.schema.formulas is not None)
        numbered = number_groups(labels, kind, estimate.counted)
        return _infer(self._with_readers(estimate), kind, numbered, share)

    def _inferred_of_blocks(
        self, blocks: Blocks, cov_type: Setting, level: Setting
    ) -> "InferenceResults":
        """Results from sums over rows, which are read again."""
        kind, share = find_covariance(cov_type), check_open_share("level", level)
        check_takes_blocks(kind)
        estimate = estimate_of_blocks(self.fit_, lambda: counted_rows(self, blocks))
        return _infer(self._with_readers(estimate), kind, None, share)

    def _with_readers(self, estimate: Estimate) -> Estimate:
        """An estimate that reads other rows, also once this estimator is fitted again."""
        known = copy(self)
        return replace(estimate, read=known._read, offset=known._internal_offset)

    def _estimate(self, X: Table, y: Response, sample_weight: Weights, **others: Table) -> Estimate:
        """The fit as inference sees it, with its own rows."""
        if X is None and y is None:
            for name, table in {"sample_weight": sample_weight, **others}.items():
                if table is not None:
                    raise ValueError(f"{name} is for X and y; give them too, got X=None.")
            return _without_tables(self.fit_)
        fit = self._on_own_rows(X, y, sample_weight, **others)
        response = self._read_pairs(X, y)[1]
        weight = self._weights(X, sample_weight, len(response))
        counted = weight > 0
        return estimate_of(fit, weight[counted], counted, X, response[counted])

    def _internal_offset(self, X: Table, offset: Table) -> Offset:
        """The offset of rows as the fit sees it."""
        fit = self.fit_
        return fit.units.standardised_offset(self._offset(X, offset), fit.model.experts)


def _infer(
    estimate: Estimate, kind: Covariance, numbered: np.ndarray | None, share: float
) -> "InferenceResults":
    from mixstat.inference.results import infer

    return infer(estimate, kind, numbered, share)


def _without_tables(fit: Fit) -> Estimate:
    """Weights are those of the rows that the fit keeps."""
    rows = np.ravel(np.asarray(fit.maximum.batch.rows.weight))
    weight = rows[rows > 0] * fit.sum_of_weights
    return estimate_of(fit, weight, np.ones(len(weight), bool))


def _of_units(kind: Covariance, groups: Table) -> None:
    """Units of a fit are its clusters, and no others are taken."""
    if kind.needs_groups:
        raise ValueError(
            f"cov_type must not be {kind.name!r} for a fit with groups: 'robust' takes each unit "
            "as a cluster."
        )


def _named(X: Table, groups: Table, *, by_name: bool) -> Table:
    """Clusters, or the columns of the frame that are named."""
    names = [groups] if isinstance(groups, str) else groups
    told = isinstance(names, list | tuple) and all(isinstance(one, str) for one in names)
    if not by_name or not told or X is None or len(names) > 2:  # type: ignore[arg-type]
        return groups
    frame = check_frame(X, "formula")
    for name in names:  # type: ignore[union-attr]
        if name not in frame.columns:
            raise ValueError(
                f"groups names {name!r}, which is not a column of data; data has "
                f"{listed(frame.columns)}."
            )
    return [np.asarray(frame[name]) for name in names]  # type: ignore[union-attr]
