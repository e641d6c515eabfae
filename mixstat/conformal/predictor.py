"""ConformalPredictor: sets of responses around any fit, with coverage in samples of any size."""

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

import mixstat.conformal.asked as asked
import mixstat.conformal.calibrated as calibrated
from mixstat.alignment import check_same_rows
from mixstat.arguments import Estimator, Response, Seed, Setting, Table, Weights
from mixstat.conformal.adaptive import AdaptiveSets, check_follows, follow, places_of
from mixstat.conformal.asked import Rows
from mixstat.conformal.calibrated import Kind
from mixstat.conformal.guarantees import told_of_cross, told_of_split, told_of_time
from mixstat.conformal.made import made
from mixstat.conformal.ranks import Ranks
from mixstat.conformal.sets import IntervalSets, LabelSets
from mixstat.estimators.named import named_in, without_named
from mixstat.estimators.offsets import without_columns
from mixstat.selection.folds import Splitter, check_params
from mixstat.validation import (
    check_choice,
    check_open_share,
    check_positive,
    check_seed,
    check_switch,
)


class ConformalPredictor(BaseEstimator):
    """Sets of responses that hold new ones with a stated probability, whatever the truth.

    A fitted mixture says how probable each response is given x. Rows that the fit has not seen
    tell how small that may be for a response still to be likely to come: the set of a new row is
    ``{y: log p(y | x) >= threshold}``, a union of intervals where experts are apart. A wrong
    family or a poor fit makes the sets longer; their coverage it cannot touch, as long as new
    rows come from where the old ones came.

    Parameters
    ----------
    estimator : estimator
        A regressor of one output, or a classifier; its settings, or with ``method="prefit"`` a
        fit. It is not changed.
    method : {"split", "cross", "prefit"}, default="split"
        "split" fits to some of the rows and takes the threshold from the others. "cross" fits as
        often as there are folds and uses every row for both (Vovk 2015; CV+ of Barber et al.
        2021), with a weaker guarantee and, as a rule, shorter sets. "prefit" takes the threshold
        from all rows that ``fit`` is given, none of which the estimator may have seen.
    calibration : float, default=0.5
        Share of the rows from which "split" takes the threshold.
    cv : int or splitter, default=10
        Folds of "cross"; as many as rows gives the jackknife+.
    regions : {"all", "expert"}, default="all"
        With "expert" a threshold for each expert, of the rows at which it is the most probable
        given x: coverage then holds within each of these regions. For "split" and "prefit".
    threshold : {"density", "content"}, default="density"
        What is the same at the ends of all sets (of a region): the density, which makes them short
        on average and empty where there is much noise; or the probability that the fit gives to
        what is more probable, which makes none empty and coverage more even over x (HPD-split of
        Izbicki, Shimizu and Stern 2022). For "split" and "prefit".
    shuffle : bool, default=True
        Whether "split" draws the calibration rows; if not, they are the last (in time).
    random_state : int, RandomState or None, default=None
        Seed of that draw.

    Attributes
    ----------
    estimators_ : tuple of estimators
        The fits: one, or one for each fold.
    calibration_ : Calibration or Ranks
        Scores (minus log densities, or contents) of rows under a fit that has not seen them.
    n_calibration_ : int
        How many there are.

    Notes
    -----
    The threshold of "split" is the ``ceil((n + 1) * level)``-th smallest score of n calibration
    rows. If rows are exchangeable, the set of a new one holds its response with a probability of
    at least ``level`` and, without ties, less than ``level + 1 / (n + 1)``. It is
    that of the mean over calibration sets; one of them has a coverage that is beta distributed.
    Where the density is below the threshold everywhere the set is empty; ``regions="expert"``
    keeps a region of little noise from setting the threshold of one that has much, and
    ``threshold="content"`` compares no densities of different rows at all.

    References
    ----------
    Vovk, V., Gammerman, A. and Shafer, G. (2005). Algorithmic Learning in a Random World. Springer.

    Vovk, V. (2015). Cross-conformal predictors. Ann. Math. Artif. Intell. 74, 9-28.

    Lei, J., Robins, J. and Wasserman, L. (2013). Distribution-free prediction sets. J. Amer.
    Statist. Assoc. 108, 278-287.

    Tibshirani, R. J., Barber, R. F., Candes, E. J. and Ramdas, A. (2019). Conformal prediction
    under covariate shift. NeurIPS 32.

    Barber, R. F., Candes, E. J., Ramdas, A. and Tibshirani, R. J. (2021). Predictive inference with
    the jackknife+. Ann. Statist. 49, 486-507.

    Izbicki, R., Shimizu, G. and Stern, R. B. (2022). CD-split and HPD-split: efficient conformal
    regions in high dimensions. J. Mach. Learn. Res. 23.

    Gibbs, I. and Candes, E. J. (2021). Adaptive conformal inference under distribution shift.
    NeurIPS 34.

    Examples
    --------
    >>> import numpy as np
    >>> from mixstat import MixtureOfExperts
    >>> from mixstat.conformal import ConformalPredictor
    >>> rng = np.random.default_rng(0)
    >>> X = rng.uniform(-1, 1, size=(400, 1))
    >>> sign = np.where(rng.random(400) < 0.5, 1, -1)
    >>> y = sign * (2 + X[:, 0]) + 0.3 * rng.standard_normal(400)
    >>> moe = MixtureOfExperts(2, gate_degree=0, n_init=4, random_state=0)
    >>> sets = ConformalPredictor(moe, random_state=0).fit(X, y).predict_set([[0.0], [0.9]])
    >>> sets.n_intervals
    array([2, 2])
    >>> sets.contains([2.1, 0.0])
    array([ True, False])
    """

    def __init__(
        self,
        estimator: Estimator,
        *,
        method: Setting = "split",
        calibration: Setting = 0.5,
        cv: Splitter = 10,
        regions: Setting = "all",
        threshold: Setting = "density",
        shuffle: Setting = True,
        random_state: Seed = None,
    ) -> None:
        self.estimator = estimator
        self.method = method
        self.calibration = calibration
        self.cv = cv
        self.regions = regions
        self.threshold = threshold
        self.shuffle = shuffle
        self.random_state = random_state

    def fit(
        self, X: Table, y: Response = None, sample_weight: Weights = None, *, params: Setting = None
    ) -> "ConformalPredictor":
        """Fit the estimator, and score rows that it has not seen.

        Parameters
        ----------
        X : array-like of shape (n, d)
            Inputs.
        y : array-like of shape (n,) or str
            Responses or labels, or the column of a frame X that holds them; may be left out beside
            a formula, but not for "cross". Columns that are named are no inputs.
        sample_weight : array-like of shape (n,) or str, default=None
            How many rows like each there are in the population that sets are wanted for, up to a
            common factor: the ratio of the density of the inputs there to that here. They weigh
            rows in the fit and in the threshold. Not for "cross".
        params : dict, default=None
            Further arguments of the estimator's ``fit``, such as ``{"possibilities": table}``. An
            offset is the name of a column of a frame X, since new rows need theirs.

        Returns
        -------
        ConformalPredictor
            This predictor.

        Raises
        ------
        ValueError
            If a setting has a wrong type or range, or does not go with the method.

        Warns
        -----
        ConvergenceWarning
            As the estimator does; for "cross" once for all folds. Coverage holds all the same.
        """
        method = check_choice("method", self.method, asked.METHODS)
        regions = check_choice("regions", self.regions, asked.REGIONS)
        threshold = check_choice("threshold", self.threshold, asked.THRESHOLDS)
        kind = Kind(regions, threshold)
        base = asked.check_estimator(self.estimator, fitted=method == "prefit")
        given, formulas = check_params(params), base._formulas()
        asked.check_offset(given)
        told = named_in(X, y, formulas), named_in(X, sample_weight, formulas)
        X, y, weight = without_named(X, y, sample_weight, formulas)
        check_same_rows(X=X, y=y, sample_weight=weight, **given)
        rows = Rows(X, y, asked.weights_of(base, X, weight), given)
        if method == "cross":
            asked.check_crossed(regions, threshold, sample_weight, y)
            fits, calibration = calibrated.of_folds(base, rows, self.cv)
        elif method == "split":
            share = check_open_share("calibration", self.calibration)
            random = check_seed("random_state", self.random_state)
            random = random if check_switch("shuffle", self.shuffle) else None
            fits, calibration = calibrated.of_split(base, rows, kind, share, random)
        else:
            fits, calibration = (base,), calibrated.scored(base, rows, kind)
        self.estimators_ = fits
        self.calibration_ = calibration
        self.kind_ = kind
        self.is_weighted_ = sample_weight is not None
        self._told = told
        return self

    @property
    def n_calibration_(self) -> int:
        """Number of rows that were scored under a fit that had not seen them."""
        check_is_fitted(self, "calibration_")
        found = self.calibration_
        return found.n_rows if isinstance(found, Ranks) else len(found.score)

    def predict_set(
        self, X: Table, level: Setting = 0.9, sample_weight: Weights = None
    ) -> IntervalSets | LabelSets:
        """Sets of responses for new rows.

        Parameters
        ----------
        X : array-like of shape (n, d)
            Inputs.
        level : float, default=0.9
            Probability that a set holds the response of its row, strictly between 0 and 1.
        sample_weight : array-like of shape (n,) or str, default=None
            Weights of these rows, as those of ``fit`` were given; needed if they were.

        Returns
        -------
        IntervalSets or LabelSets
            Unions of intervals of a real response or of counts, or sets of classes.

        Warns
        -----
        UserWarning
            If there are too few calibration rows (in a region) for such a level, so that sets
            hold everything.
        """
        check_is_fitted(self, "calibration_")
        share = check_open_share("level", level)
        weight = asked.new_weights(self.estimators_[0], X, sample_weight, told=self.is_weighted_)
        found, X = self.calibration_, without_columns(X, *self._told)
        if isinstance(found, Ranks):
            return made(self.estimators_, X, (share, told_of_cross(found, share)), ranks=found)
        region = asked.regions_of(self.estimators_[0], X, self.kind_.regions)
        most = found.thresholds(region, weight, share)
        calibrated.warn_of_few(found, region, most, share)
        told = told_of_split(found, share, weighted=self.is_weighted_)
        least = calibrated.least(self.estimators_[0], X, most, self.kind_)
        return made(self.estimators_, X, (share, told), least=least, region=region)

    def follow(
        self,
        X: Table,
        y: Response,
        level: Setting = 0.9,
        *,
        step: Setting = 0.01,
        after: Setting = None,
    ) -> AdaptiveSets:
        """Sets for rows in the order of time, each made before its own response is seen.

        After each row the level asked of the next one moves by ``step`` times what the last set
        fell short of: adaptive conformal inference (Gibbs and Candes 2021). The share of rows
        that were held comes to ``level`` whatever the rows do, within
        ``(max(level, 1 - level) + step) / (step * n)``. The predictor is not changed.

        Parameters
        ----------
        X : array-like of shape (n, d)
            Inputs, oldest first.
        y : array-like of shape (n,) or str
            Their responses, or the column of a frame X that holds them, missing where not yet
            known: such rows have sets and move no level.
        level : float, default=0.9
            Share of the rows to be held.
        step : float, default=0.01
            How fast the level moves; 0 leaves it, and only lets the scores of the past grow.
        after : AdaptiveSets, default=None
            What this method returned of the rows before these, from where it goes on.

        Returns
        -------
        AdaptiveSets
            The sets, the level that each was made at, and whether it held its response.
        """
        check_is_fitted(self, "calibration_")
        share, pace = check_open_share("level", level), check_positive("step", step, zero=True)
        found = check_follows(self.calibration_, self.method, weighted=self.is_weighted_)
        fit = self.estimators_[0]
        X, y, _ = without_named(X, y, None, fit._formulas())
        X = without_columns(X, *self._told)
        check_same_rows(X=X, y=y)
        region = asked.regions_of(fit, X, self.kind_.regions)
        scores = calibrated.scores_where_known(fit, X, y, self.kind_)
        begin = places_of(after, share)
        levels, most, places = follow(found, region, scores, share, pace, begin)
        told, least = told_of_time(share, pace), calibrated.least(fit, X, most, self.kind_)
        sets = made(self.estimators_, X, (share, told), least=least, region=region)
        return AdaptiveSets(sets, levels, scores <= most, ~np.isnan(scores), pace, places)
