"""Whether a slope has settled: the same slope without the smallest sizes."""

import warnings

import numpy as np

from mixstat.arguments import DataFrame, Setting
from mixstat.rates.fitted import Rate, RateWarning, fit_rate
from mixstat.validation import check_integer


def rates_from(
    table: DataFrame, loss: Setting, *, least: Setting = 3, **settings: Setting
) -> list[Rate]:
    """Rates of a loss from each smallest size on.

    An asymptote that is reached shows as slopes that no longer change when small sizes are left
    out. :class:`mixstat.plotting.WindowDisplay` draws them.

    Parameters
    ----------
    table : DataFrame
        As for :func:`fit_rate`.
    loss : str
        A column of ``table``, or a loss that has one column there.
    least : int, default=3
        Sizes that each slope rests on at least.
    **settings
        Others of :func:`fit_rate`, but for ``window``.

    Returns
    -------
    list of Rate
        The first one rests on all sizes.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from mixstat.rates import rates_from
    >>> n = np.repeat([100, 200, 400, 800, 1600], 20)
    >>> noise = np.random.default_rng(0).chisquare(50, size=100) / 50
    >>> table = pd.DataFrame({"n": n, "kl": noise * (1 / n + 50 / n**2)})
    >>> [int(rate.sizes[0]) for rate in rates_from(table, "kl")]
    [100, 200, 400]
    """
    count = check_integer("least", least, 2)
    if "window" in settings:
        raise TypeError(f"window must be left out here, got {settings['window']!r}.")
    whole = fit_rate(table, loss, **settings)
    if count > len(whole.sizes):
        raise ValueError(f"least must be at most the {len(whole.sizes)} sizes, got {count}.")
    firsts = whole.sizes[1 : len(whole.sizes) - count + 1]
    with warnings.catch_warnings():  # what all rows warn of has been told
        warnings.simplefilter("ignore", RateWarning)
        later = [fit_rate(table, loss, **settings, window=(n, np.inf)) for n in firsts.tolist()]
    return [whole, *later]
