"""What classifiers have beyond other mixtures: labels, and probabilities of classes."""

from dataclasses import replace
from functools import partial
from typing import TypeVar

import numpy as np
from jaxtyping import Bool, Float
from sklearn.base import ClassifierMixin

from mixstat.alignment import check_same_rows
from mixstat.arguments import Response, Seed, Setting, Table, Weights, count_rows
from mixstat.data.categories import as_pandas
from mixstat.data.formula import check_frame
from mixstat.estimators.base import BaseMixture
from mixstat.estimators.by_block import in_blocks
from mixstat.estimators.door import enter
from mixstat.estimators.formula_rows import agreed, as_labels, read_labels
from mixstat.estimators.grouping import shown
from mixstat.estimators.known_experts import told
from mixstat.estimators.labels import check_same, learn, numbers
from mixstat.estimators.missing import taken
from mixstat.estimators.named import named_in, response_of, told_weights
from mixstat.estimators.offsets import source_of, without_columns
from mixstat.experts.multinomial import MultinomialExperts
from mixstat.fitting.fit import Fit
from mixstat.fitting.schema import Schema
from mixstat.fitting.tables import TrainingRows
from mixstat.hints import hinting
from mixstat.kinds import check_labels, check_length
from mixstat.numerics.quiet import quiet
from mixstat.predictive import Predictive
from mixstat.validation import check_integer, check_seed

Classifier = TypeVar("Classifier", bound="ClassificationMixture")


class ClassificationMixture(ClassifierMixin, BaseMixture):
    """Fits and predictions of a classifier; not to be used directly."""

    classes: Setting  # a constructor parameter, set by the leaf

    @property
    def classes_(self) -> np.ndarray:
        """Labels; the last is the reference."""
        return _classes(self.fit_)

    def _new_fit(
        self,
        X: Table,
        y: Response,
        sample_weight: Weights,
        *,
        zeros: Bool[np.ndarray, "K p"] | None = None,
        offset: Table = None,
        groups: Table = None,
        known_experts: Table = None,
    ) -> Fit:
        formulas, known, given = self._formulas(), source_of(known_experts), X
        X = X if formulas is not None else without_columns(X, known)
        _check_none("offset", offset if formulas is None else formulas.offsets or offset)
        _check_none("groups", groups)
        options = self._options()
        check_same_rows(X=X, y=y, sample_weight=sample_weight, init=self.init)
        X = as_pandas(X) if formulas is None else X
        of_weights, of_y = (named_in(X, one, formulas) for one in (sample_weight, y))
        if of_y is not None:
            y = response_of(X, y)
        missing = self._missing_rows(X, y, sample_weight)
        if missing is not None:
            X, y, sample_weight = (taken(one, missing.kept) for one in (X, y, sample_weight))
        if formulas is None:
            table, labels, schema = enter(self, without_columns(X, of_weights, of_y), y)
        else:
            table = check_frame(X, "formula", n_rows=2)
            formulas = formulas.of_table(table)
            y = check_labels("y", y)
            labels = agreed(formulas, table, y, partial(read_labels, formulas, table))
            schema = Schema.of_frame(table, formulas)
        weight = told_weights(X, sample_weight, len(labels), formulas)
        schema = replace(schema, weights=of_weights, response=of_y)
        classes, numbered = learn(labels, weight, self.classes)
        schema = replace(schema, is_vector=True, classes=classes, missing=missing)
        options = self._of_kept_rows(options, schema)
        family = MultinomialExperts(n_classes=len(classes))
        rows = TrainingRows(table, numbered, weight)
        rows, schema = told(rows, schema, given, known_experts, known, options.n_experts)
        return self._fitted(options, family, schema, rows, zeros=zeros)

    def _labels(self, X: Table, y: Response) -> np.ndarray:
        """Labels of rows that were read; None takes them from the frame of a formula."""
        if y is not None:
            labels = as_labels(y)
            check_length("y", labels, count_rows(X))
            return labels
        formulas = self.fit_.request.schema.formulas
        if formulas is None:
            raise ValueError("y must be given: the model was not made from a formula.")
        return read_labels(formulas, X)

    def _response(self, X: Table, y: Response) -> Float[np.ndarray, "n 1"]:
        return numbers(self._labels(X, y), _classes(self.fit_))[:, None]

    @hinting
    def score(self, X: Table, y: Response = None, sample_weight: Weights = None) -> float:
        """Share of rows whose class is predicted.

        Parameters
        ----------
        X : array-like of shape (n, d)
            Inputs.
        y : array-like of shape (n,)
            Classes; may be left out for a model made from a formula.
        sample_weight : array-like of shape (n,), default=None
            Row weights.

        Returns
        -------
        float
            Between 0 and 1.
        """
        X, y, sample_weight = self._complete(X, y, sample_weight)
        labels = self._labels(self._read(X), y)
        weight = self._weights(X, sample_weight, len(labels))
        return float(np.average(self.predict(X) == labels, weights=weight))

    @in_blocks()
    @quiet
    def expert_proba(self, X: Table) -> np.ndarray:
        """Class probabilities under each expert.

        Parameters
        ----------
        X : array-like of shape (n, d)
            Inputs.

        Returns
        -------
        ndarray of shape (n, n_experts, n_classes)
            Rows sum to one over the classes.
        """
        read = self._read(X)
        law = self.fit_.predictive(read)
        return np.transpose(law.experts.functions(law.eta), (2, 0, 1))

    @in_blocks()
    @quiet
    def predict_proba(self, X: Table) -> np.ndarray:
        """Class probabilities.

        Parameters
        ----------
        X : array-like of shape (n, d)
            Inputs.

        Returns
        -------
        ndarray of shape (n, n_classes)
            Columns in the order of ``classes_``; rows sum to one.
        """
        read = self._read(X)
        return self.fit_.of_laws(Predictive.functions, read).T

    @in_blocks()
    @quiet
    def predict_log_proba(self, X: Table) -> np.ndarray:
        """Logarithms of class probabilities.

        Parameters
        ----------
        X : array-like of shape (n, d)
            Inputs.

        Returns
        -------
        ndarray of shape (n, n_classes)
            Columns in the order of ``classes_``.
        """
        return np.log(self.predict_proba(X))

    @hinting
    @quiet
    def sample_y(self, X: Table, n_samples: Setting = 1, random_state: Seed = 0) -> np.ndarray:
        """Draw classes from the fitted probabilities.

        Parameters
        ----------
        X : array-like of shape (n, d)
            Inputs.
        n_samples : int, default=1
            Draws at each row.
        random_state : int, RandomState or None, default=0
            Seed of the draws.

        Returns
        -------
        ndarray of shape (n, n_samples)
            Labels from ``classes_``.
        """
        count = check_integer("n_samples", n_samples, 1)
        seed = check_seed("random_state", random_state).randint(2**31)
        reached = np.cumsum(self.predict_proba(X), axis=1)[:, None, :-1]
        draws = np.random.default_rng(seed).random((len(reached), count, 1))
        return _classes(self.fit_)[np.sum(draws > reached, axis=2)]

    @hinting
    def partial_fit(
        self: Classifier,
        X: Table,
        y: Response = None,
        classes: Response = None,
        sample_weight: Weights = None,
        *,
        forgetting: Setting = 1.0,
    ) -> Classifier:
        """Update the fit by one EM step with new rows; the first call is ``fit``.

        Parameters
        ----------
        X : array-like of shape (n, d)
            New inputs, in the order of time.
        y : array-like of shape (n,)
            Their classes; may be left out for a model made from a formula.
        classes : array-like of shape (c,), default=None
            All classes. The first call must hold rows of each: they are those of the fit.
        sample_weight : array-like of shape (n,), default=None
            Row weights as in ``fit``.
        forgetting : float, default=1.0
            Factor, above 0 and at most 1, by which the weight of everything before a row
            shrinks when the row comes.

        Returns
        -------
        MixtureOfExpertsClassifier
            This estimator.

        Raises
        ------
        ValueError
            If ``classes`` are not those of the fit, ``forgetting`` is out of range, or rows are
            not like those of the fit.
        """
        first = not self.__sklearn_is_fitted__()
        if not first:
            check_same(classes, _classes(self.fit_), "classes stay")
        fit = self._learned(X, y, sample_weight, forgetting, None)
        check_same(classes, _classes(fit), "the first call must hold rows of every class")
        self.fit_ = fit
        return self

    @in_blocks()
    def predict(self, X: Table) -> np.ndarray:
        """The most probable class.

        Parameters
        ----------
        X : array-like of shape (n, d)
            Inputs.

        Returns
        -------
        ndarray of shape (n,)
            Labels from ``classes_``.
        """
        proba = self.predict_proba(X)
        return _classes(self.fit_)[np.argmax(proba, axis=1)]


def _check_none(name: str, given: Table) -> None:
    """Refuse what a classifier, with its several log odds, does not take."""
    if given is None or (isinstance(given, tuple) and not given):
        return
    seen = ", ".join(map(str, given)) if isinstance(given, tuple) else shown(given)
    raise ValueError(
        f"{name} must be left out of a classifier, and of its formula, as it has several log odds; "
        f"MixtureOfExperts(expert='binomial') takes it. Got {seen}."
    )


def _classes(fit: Fit) -> np.ndarray:
    """The labels of a fit, which a classifier always has."""
    classes = fit.request.schema.classes
    assert classes is not None
    return classes
