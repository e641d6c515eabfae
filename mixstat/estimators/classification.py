"""What classifiers have beyond other mixtures: labels, and probabilities of classes."""

from typing import TypeVar

import numpy as np
from jaxtyping import Bool, Float
from sklearn.base import ClassifierMixin
from sklearn.utils.validation import check_array, check_consistent_length, column_or_1d

from mixstat.arguments import Frame, Response, Setting, Table, Weights
from mixstat.data.formula import evaluate
from mixstat.estimators.base import BaseMixture
from mixstat.estimators.door import enter
from mixstat.estimators.labels import check_same, learn, numbers
from mixstat.experts.multinomial import MultinomialExperts
from mixstat.fitting.fit import Fit
from mixstat.fitting.schema import Formulas, Schema
from mixstat.fitting.tables import TrainingRows
from mixstat.numerics.quiet import quiet
from mixstat.predictive import expert_predictors
from mixstat.validation import check_weights

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
    ) -> Fit:
        options = self._options()
        table, response, schema = enter(self, X, y)
        weight = check_weights(sample_weight, len(table))
        classes, y = learn(response, weight, self.classes)
        family = MultinomialExperts(n_classes=len(classes))
        schema = Schema(schema.n_features, schema.feature_names, classes=classes)
        return self._fitted(options, family, schema, TrainingRows(table, y, weight), zeros=zeros)

    def _formula_fit(self, formulas: Formulas, data: Frame, sample_weight: Weights) -> Fit:
        options = self._options()
        formulas.sources()  # refuse what is no formula before anything is evaluated
        weight = check_weights(sample_weight, len(data))
        labels = _formula_labels(formulas, data)
        # rows of weight zero count here as they always did: their labels must be known
        classes, y = learn(labels, np.ones(len(labels)), self.classes)
        family = MultinomialExperts(n_classes=len(classes))
        schema = Schema.of_frame(data, formulas, classes=classes)
        return self._fitted(options, family, schema, TrainingRows(data, y, weight))

    def _response(self, X: Table, y: Response) -> Float[np.ndarray, "n 1"]:
        fit = self.fit_
        if y is None:
            formulas = fit.request.schema.formulas
            if formulas is None:
                raise ValueError("y must be given: the model was not made from a formula.")
            y = X[_label_column(formulas)]  # type: ignore[index]
        y = check_array(y, ensure_2d=False, dtype=None, input_name="y")
        check_consistent_length(X, y)
        return numbers(column_or_1d(y), _classes(fit))[:, None]

    def _probabilities(
        self, X: Table
    ) -> tuple[Float[np.ndarray, "K n"], Float[np.ndarray, "K C n"]]:
        """Of the experts, and of the classes under each of them."""
        X, fit = self._read(X), self.fit_
        eta = expert_predictors(fit.model.experts, fit.designs.experts.transform(X))
        return np.exp(fit.log_gate(X)).T, fit.model.experts.marginals(eta).probability

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
        return np.transpose(self._probabilities(X)[1], (2, 0, 1))

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
        share, each = self._probabilities(X)
        return np.einsum("kn,kcn->nc", share, each)

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
        fit = self._learned(X, y, sample_weight, forgetting)
        check_same(classes, _classes(fit), "the first call must hold rows of every class")
        self.fit_ = fit
        return self

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


def _classes(fit: Fit) -> np.ndarray:
    """The labels of a fit, which a classifier always has."""
    classes = fit.request.schema.classes
    assert classes is not None
    return classes


def _formula_labels(formulas: Formulas, data: Frame) -> np.ndarray:
    """Labels that the left side of a formula names."""
    name = _label_column(formulas)
    if name in [str(c) for c in data.columns]:
        return np.asarray(data[name])
    return evaluate(formulas.response, data, "formula").to_numpy()[:, 0]


def _label_column(formulas: Formulas) -> str:
    """The column of labels that the left side of a formula names."""
    left = formulas.response
    return str(next(iter(left), left))  # type: ignore[call-overload]
