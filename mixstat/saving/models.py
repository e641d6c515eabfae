"""``save`` and ``load``: fitted estimators as files."""

from sklearn.utils.validation import check_is_fitted

import mixstat
from mixstat.arguments import Estimator, Setting
from mixstat.estimators.base import BaseMixture
from mixstat.files import as_file, write_at_once
from mixstat.saving.container import damaged, pack, unpack
from mixstat.saving.learnt import check_harmless
from mixstat.saving.reader import Reader
from mixstat.saving.records import ESTIMATORS, is_kept
from mixstat.saving.writer import Writer
from mixstat.validation import check_switch


def save(estimator: Estimator, path: Setting, *, rows: Setting = False) -> None:
    """Write a fitted estimator to a file that runs no code when it is read.

    The file is a zip archive of JSON and arrays with checksums (:doc:`/guide/saving` describes
    it), written whole or not at all: after a full disk or a kill the file that was there is
    still there.

    Parameters
    ----------
    estimator : MixtureOfExperts, MixtureOfExpertsClassifier or ContextualMixtureOfExperts
        A fitted estimator.
    path : str or path-like
        The file, in a folder that exists; what it held is replaced.
    rows : bool, default=False
        Whether the training rows are kept too, with their labels (``kept_index_``). Without them
        the file is small, and what needs rows takes them again and refuses others.

    Raises
    ------
    TypeError
        If something cannot be kept without code, such as a function or a gate of your own.
    ValueError
        If the estimator is not fitted, or the path is none.

    See Also
    --------
    load : Reads the file.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import numpy as np
    >>> import mixstat
    >>> x = np.linspace(-1, 1, 200)[:, None]
    >>> y = np.where(np.arange(200) % 2, x[:, 0], -x[:, 0]) + 0.1 * np.sin(40 * x[:, 0])
    >>> moe = mixstat.MixtureOfExperts(2, random_state=0).fit(x, y)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     mixstat.save(moe, Path(folder) / "model.npz")
    ...     again = mixstat.load(Path(folder) / "model.npz")
    >>> bool((again.predict(x) == moe.predict(x)).all())
    True
    """
    place, with_rows = as_file(path, "path"), check_switch("rows", rows)
    if not isinstance(estimator, BaseMixture) or not is_kept(estimator):
        raise TypeError(f"estimator must be one of {', '.join(ESTIMATORS)}; got {estimator!r}.")
    check_is_fitted(estimator)
    if not place.parent.is_dir():
        raise ValueError(f"path must be in a folder that exists, got {str(place)!r}.")
    if (formulas := estimator.fit_.request.schema.formulas) is not None:
        check_harmless(formulas)
    writer = Writer(rows=with_rows)
    model = writer.estimator(estimator)
    write_at_once(place, pack(model, writer.arrays, mixstat.__version__))


def load(path: Setting) -> BaseMixture:
    """Read a fitted estimator from a file that :func:`save` wrote.

    Parameters
    ----------
    path : str or path-like
        The file, from this version of mixstat or an earlier one.

    Returns
    -------
    MixtureOfExperts, MixtureOfExpertsClassifier or ContextualMixtureOfExperts
        The estimator as it was saved: its predictions, summary and certificate are the same to
        the last bit.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is no model file, is damaged, or was written by a later version whose format this
        one does not know.

    See Also
    --------
    save : Writes the file, with an example.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import mixstat
    >>> from mixstat.datasets import make_tent
    >>> X, y = make_tent(300, random_state=0)
    >>> moe = mixstat.MixtureOfExperts(2, n_init=2, random_state=0).fit(X, y)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     mixstat.save(moe, Path(folder) / "model.npz")
    ...     again = mixstat.load(Path(folder) / "model.npz")
    >>> bool((again.predict(X) == moe.predict(X)).all())
    True
    """
    place, version = as_file(path, "path"), mixstat.__version__
    content = unpack(place.read_bytes(), place, version)
    try:
        estimator = Reader(content.arrays).estimator(content.model)  # type: ignore[arg-type]
    except (KeyError, TypeError, AttributeError, AssertionError, StopIteration) as error:
        raise damaged(
            place,
            f"it was written by mixstat {content.written_by}, and mixstat {version} does not know "
            f"{error} in it",
        ) from error
    return estimator
