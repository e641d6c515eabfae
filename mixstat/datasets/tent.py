"""The tent function: two lines that meet, among inputs that do not matter."""

import numpy as np
from jaxtyping import Float

from mixstat.arguments import Seed, Setting
from mixstat.validation import check_integer, check_positive, check_seed


def make_tent(
    n_samples: Setting = 1000,
    *,
    n_irrelevant: Setting = 2,
    noise: Setting = 0.1,
    random_state: Seed = None,
) -> tuple[Float[np.ndarray, "n d"], Float[np.ndarray, " n"]]:
    """Draw from the tent function: y = 2 x for x < 1/2, y = 2 - 2 x above, plus normal noise.

    Parameters
    ----------
    n_samples : int, default=1000
        Number of rows n.
    n_irrelevant : int, default=2
        Inputs beside x that y does not depend on.
    noise : float, default=0.1
        Standard deviation of the noise, in units of y.
    random_state : int, RandomState or None, default=None
        Seed of the draws.

    Returns
    -------
    X : ndarray of shape (n, 1 + n_irrelevant)
        Inputs, all uniform on (0, 1); x is the first.
    y : ndarray of shape (n,)
        Responses.

    Raises
    ------
    ValueError
        If a number is out of range.

    Examples
    --------
    >>> from mixstat.datasets import make_tent
    >>> X, y = make_tent(500, random_state=0)
    >>> X.shape
    (500, 3)
    """
    n = check_integer("n_samples", n_samples, 1)
    d = 1 + check_integer("n_irrelevant", n_irrelevant, 0)
    deviation = check_positive("noise", noise, zero=True)
    random = check_seed("random_state", random_state)
    X = random.uniform(size=(n, d))
    mean = 1 - np.abs(2 * X[:, 0] - 1)
    return X, mean + deviation * random.standard_normal(n)
