"""Labels of classes, and the numbers that stand for them in a fit."""

import numpy as np
from jaxtyping import Float
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import column_or_1d

from mixstat.arguments import Response, Setting


def learn(
    y: Response, weight: Float[np.ndarray, " n"], given: Setting
) -> tuple[np.ndarray, Float[np.ndarray, " n"]]:
    """The classes, and the number of each row's class.

    Parameters
    ----------
    y
        Labels of rows.
    weight
        Of the rows; labels of rows of weight zero do not count.
    given
        All classes in the order wanted; None takes those of y, sorted.
    """
    labels = np.asarray(column_or_1d(y, warn=True))
    try:
        check_classification_targets(labels)
    except ValueError as error:
        raise ValueError(f"y must hold labels of classes: {error}") from error
    seen = np.unique(labels[weight > 0])
    classes = seen if given is None else np.asarray(given)
    if classes.ndim != 1 or len(np.unique(classes)) != len(classes):
        raise ValueError(f"classes must be a list of different labels, got {given!r}.")
    missing = [str(c) for c in classes if c not in seen]
    if missing:
        raise ValueError(
            f"y has no row (of positive weight) with class {', '.join(missing)}, one of "
            "classes; its probability cannot be estimated. In cross-validation use "
            "stratified folds."
        )
    if len(classes) < 2:
        raise ValueError(f"y must have at least two classes, got one class: {classes.tolist()}.")
    counted = np.where(weight > 0, labels, seen[0]) if weight.min() == 0 else labels
    return classes, numbers(counted, classes)


def numbers(y: np.ndarray, classes: np.ndarray) -> Float[np.ndarray, " n"]:
    """The number of each label among the classes."""
    is_known = np.isin(y, classes)
    if not is_known.all():
        strange = ", ".join(str(c) for c in np.unique(y[~is_known])[:5])
        raise ValueError(
            f"y has the label {strange}, which is not among the classes of the fit: "
            f"{', '.join(str(c) for c in classes)}."
        )
    order = np.argsort(classes)
    return order[np.searchsorted(classes, y, sorter=order)].astype(float)


def check_same(given: Response, classes: np.ndarray, when: str) -> None:
    """Refuse classes that are not those of a fit; None is no statement."""
    if given is None or np.array_equal(np.unique(np.asarray(given)), np.unique(classes)):
        return
    listed = ", ".join(str(c) for c in classes)
    raise ValueError(f"classes must be those of the fit ({listed}), as {when}; got {given!r}.")
