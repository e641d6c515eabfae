"""A model taken apart into JSON and arrays.

JSON has text, finite numbers, true, false, null and lists as they are. Everything else is an
object whose first key says what it is: ``record``, ``array``, ``tuple``, ``dict`` and so on.
"""

import datetime
import math

import jax
import numpy as np
from sklearn.base import BaseEstimator

from mixstat.results import Status
from mixstat.saving.records import is_kept, is_shared, kinds, state

PLAIN = "biufcSUMm"  # kinds of arrays whose bytes say all
ITEMS = "biufU"  # kinds of numbers that JSON has, and text


class Writer:
    """Takes an estimator apart; arrays are named by where they were found."""

    def __init__(self, *, rows: bool) -> None:
        self.rows = rows
        self.arrays: dict[str, np.ndarray] = {}
        self._kinds = kinds()
        self._places: dict[int, str] = {}  # of records that may be met again

    def estimator(self, estimator: BaseEstimator, path: str = "") -> dict[str, object]:
        """An estimator by its parameters and its fit."""
        params = estimator.get_params(deep=False)
        return {
            "estimator": type(estimator).__name__,
            "params": {name: self.value(one, f"{path}{name}") for name, one in params.items()},
            "fit": self.value(vars(estimator).get("fit_"), f"{path}fit"),
        }

    def value(self, value: object, path: str) -> object:
        """A value as JSON has it; ``path`` says where it was found."""
        if value is None or type(value) in (bool, int, str):
            return value
        if isinstance(value, Status):
            return {"status": value.name}
        if isinstance(value, np.generic):
            return self._scalar(value, path)
        if isinstance(value, np.ndarray | jax.Array):
            return self._array(np.asarray(value), path)
        if isinstance(value, BaseEstimator) and is_kept(value):
            return self.estimator(value, f"{path}.")
        if self._kinds.get(type(value).__name__) is type(value):
            return self._record(value, path)
        return self._simple(value, path)

    def _simple(self, value: object, path: str) -> object:
        """Numbers that JSON has not, collections, times."""
        if type(value) is float:
            return value if math.isfinite(value) else {"number": repr(value)}
        if type(value) is list:
            return self._items(value, path)
        if type(value) is tuple:
            return {"tuple": self._items(list(value), path)}
        if type(value) is dict:
            return {"dict": self._items([list(pair) for pair in value.items()], path)}
        if type(value) is slice:
            return {"slice": self._items([value.start, value.stop, value.step], path)}
        if isinstance(value, np.random.RandomState):
            return {"random_state": self.value(value.get_state(legacy=False), path)}
        if isinstance(value, datetime.date | datetime.timedelta):
            return _time(value, path)
        raise refused(value, path)

    def _items(self, values: list, path: str) -> list[object]:
        return [self.value(one, f"{path}.{i}") for i, one in enumerate(values)]

    def _record(self, record: object, path: str) -> dict[str, object]:
        if is_shared(record):
            if id(record) in self._places:
                return {"same": self._places[id(record)]}
            self._places[id(record)] = path
        kept = state(record, rows=self.rows)
        fields = {name: self.value(one, f"{path}.{name}") for name, one in kept.items()}
        return {"record": type(record).__name__, "fields": fields}

    def _scalar(self, value: np.generic, path: str) -> dict[str, object]:
        kind, size = value.dtype.kind, value.dtype.itemsize
        if kind in "Mm":
            return {"scalar": value.dtype.str, "value": int(value.view("i8"))}
        if kind == "U" or (kind in ITEMS and size <= 8):
            return {"scalar": value.dtype.str, "value": self.value(value.item(), path)}
        raise refused(value, path)

    def _array(self, array: np.ndarray, path: str) -> dict[str, object]:
        if array.dtype.kind == "O":
            return {"objects": self._items(list(array.ravel()), path), "shape": list(array.shape)}
        if array.dtype.hasobject or array.dtype.kind not in (*PLAIN, "V"):
            raise refused(array, path)
        self.arrays[path] = array
        return {"array": path}


def _time(value: datetime.date | datetime.timedelta, path: str) -> dict[str, object]:
    """Times of Python and of pandas."""
    name = type(value).__name__
    if name in ("Timestamp", "Timedelta", "datetime", "date"):
        return {"time": name, "value": value.isoformat()}  # type: ignore[union-attr]
    if type(value) is datetime.timedelta:
        return {"time": name, "value": [value.days, value.seconds, value.microseconds]}
    raise refused(value, path)


def refused(value: object, path: str) -> TypeError:
    """The error of a value that no file can hold."""
    kind = f"{type(value).__module__}.{type(value).__qualname__}"
    place = path.removeprefix("fit.request.options.")
    return TypeError(
        f"estimator cannot be saved: {place} is {value!r} ({kind}), and a model file holds no code "
        "and no objects but those of mixstat and arrays of NumPy; name a function or a class of "
        "mixstat's own, or keep the model with pickle or joblib."
    )
