"""Learning from new rows one step at a time, without the old ones."""

from typing import Any

import numpy as np
from jaxtyping import Float
from sklearn.utils.validation import check_is_fitted

from mixstat import batch as batches
from mixstat import flat
from mixstat.estimators.fitted import FittedMixture
from mixstat.estimators.online import Rules, Sums, advance, collect, rules
from mixstat.precision import in_float64
from mixstat.validation import check_positive, check_weights

# what a fit says of the rows it was fitted to
OUTDATED = (
    "certificate_",
    "conditional_log_likelihood_",
    "converged_",
    "expert_share_",
    "identifiability_",
    "log_likelihood_",
    "problem_",
    "result_",
    "starts_",
    "status_",
)


class UpdatingMixture(FittedMixture):
    """``partial_fit``; not to be used directly."""

    problem_: Any
    kept_: Sums  # of all rows so far, once the model was updated
    rules_: Rules

    def __getattr__(self, name: str) -> Any:
        if name in OUTDATED and "kept_" in vars(self):
            raise AttributeError(
                f"{name} is of a fit, and this model was updated by partial_fit; call fit to have "
                "it, standard errors and a summary."
            )
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Any:
        """Fit from the beginning."""
        raise NotImplementedError

    def _describe(self) -> None:
        raise NotImplementedError

    def partial_fit(
        self, X: Any, y: Any = None, sample_weight: Any = None, *, forgetting: Any = 1.0
    ) -> Any:
        """Update a fitted model by one step with new rows; without a fit, fit to them.

        The step is an EM step on new rows and on the expected statistics of all earlier ones,
        which are not needed again (online EM). Features and their units, penalties and the
        number of experts stay those of the fit.

        Parameters
        ----------
        X : array-like of shape (n, d)
            New inputs, in the order of time.
        y : array-like of shape (n,) or (n, m)
            Their responses; may be left out for a model made from a formula.
        sample_weight : array-like of shape (n,), default=None
            Row weights as in ``fit``.
        forgetting : float, default=1.0
            Factor, above 0 and at most 1, by which the weight of everything before a row
            shrinks when the row comes. About ``1 / (1 - forgetting)`` rows are remembered.

        Returns
        -------
        MixtureOfExperts or MixtureOfExpertsClassifier
            This estimator.

        Raises
        ------
        ValueError
            If ``forgetting`` is out of range, or rows are not like those of the fit.

        Notes
        -----
        The updated model is no certified maximum: attributes that describe the fit
        (``certificate_``, ``log_likelihood_`` and so on) are removed, and standard errors are
        not to be had until ``fit`` is called. New rows of a contextual mixture are taken as rows
        of which no context is known.

        References
        ----------
        Cappe, O. and Moulines, E. (2009). On-line expectation-maximization algorithm for latent
        data models. J. R. Statist. Soc. B 71, 593-613.
        """
        if check_positive("forgetting", forgetting) > 1:
            raise ValueError(f"forgetting must be at most 1, got {forgetting!r}.")
        if not self.__sklearn_is_fitted__():
            return self.fit(X, y, sample_weight=sample_weight)
        check_is_fitted(self)
        X = self._read(X)
        response = self._response(X, y)
        weight = check_weights(sample_weight, len(response))
        decay = float(forgetting) ** np.arange(len(weight) - 1, -1, -1)
        self._update(X, response, weight * decay, float(forgetting) ** len(weight))
        return self

    @in_float64
    def _update(
        self, X: Any, y: np.ndarray, weight: Float[np.ndarray, " n"], memory: float
    ) -> None:
        experts = self.model_.experts
        encoded = experts.encode((y - self.location_) / self.response_scale_)
        Phi, Z = self.expert_design_.transform(X), self._gate_features(X)
        batch = batches.build(Z, Phi, encoded, weight)
        if not hasattr(self, "kept_"):
            self.kept_ = collect(self.model_, self.problem_.batch)
            self.rules_ = rules(self.problem_)
        model, kept = advance(self.model_, self.kept_, batch, np.asarray(memory), self.rules_)
        if not np.all(np.isfinite(flat.to_vector(model))):
            raise ValueError("X or y is too far from the rows of the fit: the step is not finite.")
        self.model_, self.kept_ = flat.as_numpy(model), flat.as_numpy(kept)
        self._tell()

    def _tell(self) -> None:
        """Fitted attributes of the new parameters, without those that spoke of the fit."""
        for name in OUTDATED:
            self.__dict__.pop(name, None)
        self.user_model_ = self._to_user(self.model_)
        self.sum_of_weights_ = float(self.kept_.weight)
        self.gate_coef_ = self.user_model_.gate.coefficients()
        coef = self.user_model_.experts.coefficients()
        self.expert_coef_ = coef[:, 0] if coef.shape[1] == 1 else coef
        self._describe()
