"""What results of inference tell of rows: predictions, effects and diagnostics."""

from mixstat.arguments import Setting, Table
from mixstat.inference.covariances import ParameterCovariance
from mixstat.inference.effects import MarginalEffects, marginal_effects
from mixstat.inference.estimate import Estimate
from mixstat.inference.prediction_errors import PredictionResults, get_prediction


class RowResults:
    """Questions about rows; not to be used directly."""

    estimate: Estimate
    covariance: ParameterCovariance
    level: float

    def get_prediction(self, X: Table = None, quantiles: Setting = None) -> PredictionResults:
        """Means, experts' means, gate shares, probabilities and quantiles, with errors.

        Parameters
        ----------
        X : array-like of shape (n, d), default=None
            Inputs; None takes the X that was given to ``inference``.
        quantiles : float or array-like of shape (Q,), default=None
            Levels of quantiles of the response, strictly between 0 and 1; None for none.

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
        return get_prediction(self.estimate, self.covariance, rows, quantiles, self.level)

    def marginal_effects(
        self, at: Table = "average", of: Setting = None, columns: Setting = None
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
        return marginal_effects(self.estimate, self.covariance, at, of, columns, self.level)
