"""Shares of experts as features for other estimators."""

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.utils import Tags, get_tags
from sklearn.utils.validation import check_is_fitted

from mixstat.arguments import Estimator, Response, Setting, Table, Weights
from mixstat.hints import hinting
from mixstat.validation import check_choice

KINDS = ("gate", "responsibilities")


class ExpertShares(TransformerMixin, BaseEstimator):
    """Probabilities of the experts of a mixture, as features for a pipeline.

    A transformer sees new rows without their responses, so that features are what the gate says
    of x alone. Responsibilities, which need y, are features only where a formula finds y in X.

    Parameters
    ----------
    estimator : estimator
        A mixture of experts; a copy of it is fitted. One that is fitted stays as it is within
        :class:`sklearn.frozen.FrozenEstimator`.
    of : {"gate", "responsibilities"}, default="gate"
        Probabilities given x, ``gate_proba(X)``; or given x and y, ``responsibilities(X)`` of an
        estimator with a ``formula``, from a data frame that has the response.

    Attributes
    ----------
    estimator_ : estimator
        The fitted mixture.
    n_features_in_ : int
        Number of columns of X.
    feature_names_in_ : ndarray of str
        Their names, where they have names.

    Examples
    --------
    >>> import numpy as np
    >>> from mixstat import ExpertShares, MixtureOfExperts
    >>> rng = np.random.default_rng(0)
    >>> X = rng.uniform(-1, 1, size=(400, 1))
    >>> up = rng.random(400) < 1 / (1 + np.exp(-3 * X[:, 0]))
    >>> y = np.where(up, X[:, 0], -X[:, 0]) + 0.1 * rng.standard_normal(400)
    >>> shares = ExpertShares(MixtureOfExperts(n_experts=2, random_state=0)).fit(X, y)
    >>> shares.transform([[-0.2], [0.2]]).round(1)
    array([[0.7, 0.3],
           [0.4, 0.6]])
    >>> shares.get_feature_names_out()
    array(['expert0', 'expert1'], dtype=object)
    """

    def __init__(self, estimator, *, of="gate") -> None:
        self.estimator: Estimator = estimator
        self.of: Setting = of

    def __sklearn_is_fitted__(self) -> bool:
        return "estimator_" in vars(self)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.target_tags = get_tags(self.estimator).target_tags
        return tags

    @property
    def n_features_in_(self) -> int:
        """Number of columns of X."""
        return self.estimator_.n_features_in_

    @property
    def feature_names_in_(self) -> np.ndarray:
        """Names of the columns of X, where they have names."""
        return self.estimator_.feature_names_in_

    @hinting
    def fit(self, X: Table, y: Response = None, sample_weight: Weights = None) -> "ExpertShares":
        """Fit a copy of the estimator.

        Parameters
        ----------
        X : array-like of shape (n, d)
            Inputs.
        y : array-like of shape (n,) or (n, m), default=None
            Responses; may be left out beside ``formula``.
        sample_weight : array-like of shape (n,), default=None
            Row weights.

        Returns
        -------
        ExpertShares
            This transformer.

        Raises
        ------
        TypeError
            If the estimator is no mixture of experts.
        ValueError
            If ``of`` is unknown, or needs y where no formula finds it.
        """
        self._check()
        weights = {} if sample_weight is None else {"sample_weight": sample_weight}
        self.estimator_ = clone(self.estimator).fit(X, y, **weights)  # type: ignore[union-attr]
        return self

    def transform(self, X: Table) -> np.ndarray:
        """Probabilities of the experts.

        Parameters
        ----------
        X : array-like of shape (n, d)
            Inputs.

        Returns
        -------
        ndarray of shape (n, n_experts)
            Rows sum to one; a data frame after ``set_output(transform="pandas")``.
        """
        check_is_fitted(self)
        self._check()
        fitted = self.estimator_
        return fitted.gate_proba(X) if self.of == "gate" else fitted.responsibilities(X)

    def get_feature_names_out(self, input_features: Setting = None) -> np.ndarray:
        """Names of experts, or of their contexts, where they have them; else "expert0" and so on.

        Parameters
        ----------
        input_features : object, default=None
            Not used.

        Returns
        -------
        ndarray of str
            A name for each expert.
        """
        check_is_fitted(self)
        numbers = [f"expert{k}" for k in range(self.estimator_.certificate_.n_experts)]
        names = list(getattr(self.estimator_, "expert_names", None) or numbers)
        told = list(getattr(self.estimator_, "expert_contexts_", names))
        return np.asarray(told if len(set(told)) == len(told) else numbers, object)

    def _check(self) -> None:
        if isinstance(self.estimator, type) or not hasattr(self.estimator, "gate_proba"):
            raise TypeError(f"estimator must be a mixture of experts, got {self.estimator!r}.")
        check_choice("of", self.of, KINDS)
        formula = getattr(self.estimator, "formula", None)
        if self.of == "responsibilities" and formula is None:
            raise ValueError(
                "of must be 'gate' without a formula, got 'responsibilities': new rows have no y."
            )
