"""How many parameters of its own an expert has, where a ridge holds some of them back."""

import numpy as np
from jaxtyping import Bool, Float

from mixstat.model import Mixture, expanded_index
from mixstat.objective.derivatives import expert_information
from mixstat.objective.objective import Objective


def effective_parameters(
    objective: Objective, model: Mixture, own: Bool[np.ndarray, "K E"]
) -> Float[np.ndarray, " K"]:
    """Effective number of each expert's own parameters, at most how many there are.

    That of a ridge regression on the rows that an expert is responsible for: the trace of the
    matrix that makes fitted values of responses. It is at most their rank, however many columns
    there are, and falls to the number of free parameters as the ridge grows.

    Hastie, T., Tibshirani, R. and Friedman, J. (2009). The Elements of Statistical Learning,
    equation 3.50; Zou, H., Hastie, T. and Tibshirani, R. (2007). On the "degrees of freedom" of
    the lasso. Ann. Statist. 35, 2173-2192, for those that an elastic net has not left out.

    Parameters
    ----------
    objective, model
        The penalty and the rows, and where they are looked at.
    own
        Parameters that count, as positions in the predictors of each expert.
    """
    each = expanded_index(model)[1]
    squares = np.where(own, objective.penalty.squares(len(objective.lower))[each], 0.0)
    if not np.any(squares > 0):
        return own.sum(axis=1).astype(float)
    information = expert_information(model, objective.batch)
    return np.array([_trace(*one) for one in zip(information, squares, own, strict=True)])


def _trace(
    information: Float[np.ndarray, "E E"],
    squares: Float[np.ndarray, " E"],
    own: Bool[np.ndarray, " E"],
) -> float:
    """Free parameters, and the part of each penalised one that the rows determine."""
    free, held = np.flatnonzero(own & (squares == 0)), np.flatnonzero(squares > 0)
    if not np.isfinite(information).all():
        return float(own.sum())
    across = information[np.ix_(free, held)]
    # what the rows tell of the penalised ones once the free ones have followed
    told = information[np.ix_(held, held)]
    told = (
        told - across.T @ np.linalg.pinv(information[np.ix_(free, free)], hermitian=True) @ across
    )
    root = np.sqrt(squares[held])
    told = told / np.outer(root, root)
    values = np.maximum(np.linalg.eigvalsh(0.5 * (told + told.T)), 0.0)
    return float(len(free) + np.sum(values / (1.0 + values)))
