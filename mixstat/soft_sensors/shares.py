"""What each expert adds to a prediction."""

import numpy as np
from jaxtyping import Float
from sklearn.utils.validation import check_is_fitted  # pyright: ignore[reportMissingTypeStubs, reportUnknownVariableType]

from mixstat.arguments import Estimator, Table
from mixstat.estimators.prediction import RegressionMixture
from mixstat.numerics.quiet import quiet


@quiet
def contributions(model: Estimator, X: Table) -> Float[np.ndarray, "n K ..."]:
    """Gate share times mean of each expert; their sum over the experts is ``predict``.

    Parameters
    ----------
    model : MixtureOfExperts or ContextualMixtureOfExperts
        A fitted regressor.
    X : array-like of shape (n, d)
        Inputs.

    Returns
    -------
    ndarray of shape (n, n_experts) or (n, n_experts, m)
        In units of y; the last axis is that of several outputs.

    Examples
    --------
    >>> import numpy as np
    >>> from mixstat import MixtureOfExperts
    >>> from mixstat.datasets import make_tent
    >>> from mixstat.soft_sensors import contributions
    >>> X, y = make_tent(300, random_state=0)
    >>> moe = MixtureOfExperts(2, n_init=2, random_state=0).fit(X, y)
    >>> parts = contributions(moe, X)
    >>> bool(np.allclose(parts.sum(axis=1), moe.predict(X)))
    True
    """
    if not isinstance(model, RegressionMixture):
        raise ValueError(f"model must be a regressor of mixstat, got {model!r}.")
    check_is_fitted(model)
    parts = model.gate_proba(X)[:, :, None] * model.expert_means(X)
    return parts[:, :, 0] if model.fit_.predicts_vectors else parts
