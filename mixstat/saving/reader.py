"""A model put together again of JSON and arrays; nothing in them is ever run."""

import datetime
from collections.abc import Callable, Mapping

import numpy as np

from mixstat.estimators.base import BaseMixture
from mixstat.fitting.fit import Fit
from mixstat.results import Status
from mixstat.saving.learnt import reconnect
from mixstat.saving.records import ESTIMATORS, is_shared, kinds, made


class Reader:
    """Puts an estimator together; KeyError for names that this version does not know."""

    def __init__(self, arrays: Mapping[str, np.ndarray]) -> None:
        self.arrays = arrays
        self._kinds = kinds()
        self._places: dict[str, object] = {}
        self._tags: dict[str, Callable[[dict, str], object]] = {
            "array": lambda told, _: self.arrays[told["array"]],
            "dict": lambda told, path: dict(self._items(told["dict"], path)),
            "estimator": lambda told, path: self.estimator(told, f"{path}."),
            "number": lambda told, _: float(told["number"]),
            "objects": self._objects,
            "random_state": self._random_state,
            "record": self._record,
            "same": lambda told, _: self._places[told["same"]],
            "scalar": self._scalar,
            "slice": lambda told, path: slice(*self._items(told["slice"], path)),
            "status": lambda told, _: _status(told["status"]),
            "time": lambda told, _: _time(told["time"], told["value"]),
            "tuple": lambda told, path: tuple(self._items(told["tuple"], path)),
        }

    def estimator(self, told: dict, path: str = "") -> BaseMixture:
        """An estimator of its parameters and its fit."""
        params = {name: self.value(one, f"{path}{name}") for name, one in told["params"].items()}
        estimator = ESTIMATORS[told["estimator"]](**params)
        fit = self.value(told["fit"], f"{path}fit")
        if fit is not None:
            assert isinstance(fit, Fit)
            estimator.fit_ = fit
        return estimator

    def value(self, told: object, path: str) -> object:
        """A value of what JSON has of it."""
        if isinstance(told, list):
            return self._items(told, path)
        if isinstance(told, dict):
            return self._tags[next(iter(told))](told, path)
        return told

    def _items(self, told: list, path: str) -> list:
        return [self.value(one, f"{path}.{i}") for i, one in enumerate(told)]

    def _record(self, told: dict, path: str) -> object:
        fields = {name: self.value(one, f"{path}.{name}") for name, one in told["fields"].items()}
        record = made(self._kinds[told["record"]], fields)
        if is_shared(record):
            self._places[path] = record
        if isinstance(record, Fit):
            reconnect(record)
        return record

    def _objects(self, told: dict, path: str) -> np.ndarray:
        entries = self._items(told["objects"], path)
        array = np.empty(len(entries), object)
        for i, one in enumerate(entries):
            array[i] = one
        return array.reshape(told["shape"])

    def _scalar(self, told: dict, path: str) -> object:
        kind = np.dtype(told["scalar"])
        if kind.kind in "Mm":
            return np.asarray(told["value"], "i8").view(kind)[()]
        return kind.type(self.value(told["value"], path))

    def _random_state(self, told: dict, path: str) -> np.random.RandomState:
        random = np.random.RandomState(0)
        random.set_state(self.value(told["random_state"], path))  # type: ignore[arg-type]
        return random


def _status(name: str) -> Status:
    return Status[name]


def _time(name: str, value: object) -> object:
    """Times of Python and of pandas."""
    if name == "timedelta":
        return datetime.timedelta(*value)  # type: ignore[misc]
    if name in ("date", "datetime"):
        return getattr(datetime, name).fromisoformat(value)
    import pandas as pd

    return {"Timestamp": pd.Timestamp, "Timedelta": pd.Timedelta}[name](value)
