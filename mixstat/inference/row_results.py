"""What results of inference tell of rows: predictions, effects and diagnostics."""

import numpy as np
from jaxtyping import Float

from mixstat.arguments import DataFrame, Seed, Setting, Table
from mixstat.inference.diagnostics import (
    entropies,
    expert_diagnostics,
    gate_reliability,
    own_law,
    probability_transform,
    quantile_residuals,
    rootogram,
)
from mixstat.inference.effects import MarginalEffects, marginal_effects
from mixstat.inference.influence import Influence, influence_of
from mixstat.inference.numbers import ReportedNumbers
from mixstat.inference.prediction_errors import PredictionResults, get_prediction
from mixstat.numerics.quiet import quiet_methods


@quiet_methods
class RowResults(ReportedNumbers):
    """Questions about rows; not to be used directly."""

    def get_prediction(
        self, X: Table = None, quantiles: Setting = None, *, offset: Table = None
    ) -> PredictionResults:
        """Means, experts' means, gate shares, probabilities and quantiles, with errors.

        Parameters
        ----------
        X : array-like of shape (n, d), default=None
            Inputs; None takes the X that was given to ``inference``.
        quantiles : float or array-like of shape (Q,), default=None
            Levels of quantiles of the response, strictly between 0 and 1; None for none.
        offset : array-like of shape (n,) or (n, m), or str, default=None
            Offset of the rows of X, where the fit had one.

        Returns
        -------
        PredictionResults
            ``mean``, ``se_mean``, ``conf_int()``, ``summary_frame()``, and ``experts``,
            ``shares`` and ``quantiles``. Errors are by the delta method, or those of the draws of
            a bootstrap. Quantiles of counts have errors only from draws.
        """
        rows = self.estimate.rows if X is None else X
        if rows is None:
            raise ValueError("X must be given, here or to inference; got None.")
        return get_prediction(self.estimate, self.covariance, rows, quantiles, self.level, offset)

    def marginal_effects(
        self,
        at: Table = "average",
        of: Setting = None,
        columns: Setting = None,
        *,
        offset: Table = None,
    ) -> MarginalEffects:
        """How the mean, probabilities of classes, or shares move with each input.

        Derivatives, and for binary columns and categories differences between levels. Effects on
        the mean and on probabilities are split into the part through the gate (experts stay, their
        shares move) and the part through the experts. Of differences each part is the mean of two:
        with the other part before and after it has moved (Kitagawa 1955).

        Parameters
        ----------
        at : {"average", "means"} or array-like of shape (n, d), default="average"
            Averaged over the rows of the fit, with their weights; at the means of the columns
            (of categories at the most frequent one); or at given rows.
        of : {"mean", "probability", "share", "expert"}, default=None
            What moves; None takes the mean, or probabilities of classes. "expert" is the mean
            (or the probabilities) of each expert.
        columns : str, list of str, default=None
            Columns of X; None takes all that the model uses.
        offset : array-like of shape (n,) or (n, m), or str, default=None
            Offset of the rows in ``at``, where the fit had one; that of "average" and of "means" is
            the offset of the fit, and its mean.

        Returns
        -------
        MarginalEffects
            ``summary()`` and ``summary_frame()``. Errors are by the delta method, inputs taken as
            given, or those of the draws of a bootstrap.

        References
        ----------
        Kitagawa, E. M. (1955). Components of a difference between two rates. J. Amer. Statist.
        Assoc. 50, 1168-1194.
        """
        return marginal_effects(
            self.estimate, self.covariance, at, of, columns, self.level, self.remarks, offset
        )

    # diagnostics

    def pit(self, random_state: Seed = 0) -> Float[np.ndarray, "n ..."]:
        """Probability integral transforms: P(Y <= y given x) at each response.

        Uniform on (0, 1) if the model is true, up to the estimation of its parameters. For counts
        and classes drawn between P(Y < y) and P(Y <= y), so that this holds for them too; those of
        more than two classes depend on the order of the classes.

        Parameters
        ----------
        random_state : int, RandomState or None, default=0
            Seed of the draws.

        Returns
        -------
        ndarray of shape (n,) or (n, m)
            Of the rows of the fit that count; for several outputs each by itself.
        """
        return _vector(probability_transform(self.estimate, random_state))

    def quantile_residuals(self, random_state: Seed = 0) -> Float[np.ndarray, "n ..."]:
        """Randomised quantile residuals: normal quantiles of :meth:`pit`.

        Standard normal if the model is true, whatever the family.

        Parameters
        ----------
        random_state : int, RandomState or None, default=0
            Seed of the draws, for counts and classes.

        Returns
        -------
        ndarray of shape (n,) or (n, m)
            Of the rows of the fit that count; never above 8.3.

        References
        ----------
        Dunn, P. K. and Smyth, G. K. (1996). Randomized quantile residuals. J. Comput. Graph.
        Statist. 5, 236-244.
        """
        return _vector(quantile_residuals(self.estimate, random_state))

    def fitted_means(self) -> Float[np.ndarray, "n m"]:
        """Conditional means at the rows of the fit that count; of classes, mean class numbers.

        Returns
        -------
        ndarray of shape (n, m)
            In units of y.
        """
        return own_law(self.estimate).mean().T

    def influence(self) -> Influence:
        """Leverage, Cook's distance and the estimates without each row, by one Newton step.

        Returns
        -------
        Influence
            ``leverage``, ``cooks_distance``, ``deleted``, ``dfbetas`` and ``summary_frame()``.
            Rows of weight w are left out as a whole. Cook's distance holds scales at their
            estimates, as that of least squares does.

        References
        ----------
        Cook, R. D. and Weisberg, S. (1982). Residuals and Influence in Regression. Chapman and
        Hall.
        """
        return influence_of(self.estimate)

    def expert_diagnostics(self) -> DataFrame:
        """How much each expert rests on, and how sure the model is of its rows.

        Returns
        -------
        DataFrame
            By expert: share of the weight; rows (sum of responsibilities); effective_rows (Kish:
            squared sum over sum of squares); assigned (weight of the rows for which it is the most
            probable one); certainty (their mean responsibility); odds_of_correct (the odds of it
            over those of the share; above 5 is called good, Nagin 2005); entropy (mean over its
            rows).
        """
        return expert_diagnostics(self.estimate)

    def posterior_entropy(self) -> Float[np.ndarray, " n"]:
        """Entropy of the responsibilities of each row of the fit that counts.

        Returns
        -------
        ndarray of shape (n,)
            From 0, where one expert is sure, to log n_experts.
        """
        return entropies(self.estimate)

    def posterior_rootogram(self, n_bins: Setting = 20, omit: Setting = 1e-4) -> DataFrame:
        """Histograms of the responsibilities of each expert.

        Parameters
        ----------
        n_bins : int, default=20
            Bins of equal width from 0 to 1.
        omit : float, default=1e-4
            Responsibilities below this are left out: of well separated experts they are most.

        Returns
        -------
        DataFrame
            Columns expert, low, high and count (weight of the rows).
        """
        return rootogram(self.estimate, n_bins, omit)

    def gate_reliability(self, n_bins: Setting = 10) -> DataFrame:
        """Whether shares of the gate are those that the responses show.

        Parameters
        ----------
        n_bins : int, default=10
            Bins of equally many rows, by the share.

        Returns
        -------
        DataFrame
            By expert and bin: mean share, mean responsibility, std_error of its mean distance
            from the share, and rows.
        """
        return gate_reliability(self.estimate, n_bins)


def _vector(table: Float[np.ndarray, "n m"]) -> Float[np.ndarray, "n ..."]:
    return table[:, 0] if table.shape[1] == 1 else table
