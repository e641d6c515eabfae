"""TwoLevelMixtureOfExperts: classes of units, and experts of rows within them."""

import warnings
from dataclasses import replace
from typing import TypeVar

from sklearn.exceptions import ConvergenceWarning

from mixstat.arguments import Columns, Response, Seed, Setting, Table, Weights
from mixstat.data.design import Design
from mixstat.data.formula import FormulaColumns
from mixstat.data.formula_text import right_side
from mixstat.data.source import Source
from mixstat.estimators.missing import WAYS
from mixstat.estimators.regressor import MixtureOfExperts
from mixstat.estimators.two_level_questions import TwoLevelQuestions
from mixstat.fitting.schema import Schema
from mixstat.fitting.sources import linear_source
from mixstat.fitting.two_level import Search, TwoLevelFit, fit_two_level
from mixstat.hints import hinting
from mixstat.results import report
from mixstat.validation import check_choice, check_integer, check_seed

Made = TypeVar("Made", bound="TwoLevelMixtureOfExperts")

OF_ROWS = (
    "n_experts", "degree", "interactions", "expert_features", "gate_degree", "gate_features",
    "formula", "gate_formula", "expert", "tol", "max_iter", "min_scale", "missing", "random_state",
)  # fmt: skip


class TwoLevelMixtureOfExperts(TwoLevelQuestions):
    """Mixture of experts in which units have classes, and rows of a unit experts of their own.

    For repeated measurements: students with several weeks, wards with several patients. A unit
    belongs to one of H classes, which depends on what is known of the unit; each of its rows
    comes from one of K experts, by a gate whose constants are those of the class::

        p(y_u | x_u) = sum_c rho_c(w_u) prod_{i in u} sum_k pi_{k|c}(z_i) f_k(y_i | x_i)

    With ``MixtureOfExperts.fit(..., groups=...)`` all rows of a unit share one expert; here they
    share a class, which tells how often each expert is at work.

    Parameters
    ----------
    n_experts : int, default=2
        Number of experts K of rows, at least 2.
    n_classes : int, default=2
        Number of classes H of units; 1 is the mixture of rows.
    degree : int, default=1
        Total degree of the experts' polynomial.
    interactions : bool, default=True
        Whether polynomials have products of different inputs.
    expert_features : list, str, int, slice or None, default=None
        Columns the experts see, by name, position or mask; None means all.
    gate_degree : int, default=1
        Total degree of the polynomial of the gate of rows; 0 gives shares that the class of a
        unit alone tells.
    gate_features : list, str, int, slice or None, default=None
        Columns the gate of rows sees; None means all. Their coefficients are the same in all
        classes of units.
    unit_features : list, str, int, slice or None, default=()
        Columns on which the class of a unit depends, constant within units; none by default.
        None means all.
    formula : str or None, default=None
        The model of rows as a formula, such as ``"y ~ x"``, in place of degrees and features.
    gate_formula : str or None, default=None
        Features of the gate of rows beside ``formula``, such as ``"~ z"``.
    unit_formula : str or None, default=None
        Features of the classes of units beside ``formula``, such as ``"~ w"``; None has none.
    expert : str or experts, default="gaussian"
        Family of the experts, as in :class:`MixtureOfExperts`.
    n_init : "auto" or int, default="auto"
        Number of starts. "auto" goes on until the best end was met often enough, 30 at most.
    tol : float, default=1e-8
        Largest component of the gradient of the mean log-likelihood of units, in standardised
        units, at which a fit counts as converged.
    max_iter : int, default=1000
        Largest number of steps of one start.
    min_scale : float, default=1e-4
        Floor under every expert's scale, as a share of the deviation of y.
    missing : {"raise", "drop"}, default="raise"
        What becomes of rows with a missing value, as in :class:`MixtureOfExperts`.
    random_state : int, RandomState or None, default=None
        Seed of the starts; the same seed gives the same fit.

    Attributes
    ----------
    params : ndarray of shape (E,)
        Reported parameters: logits of classes against the last class ("class0:w"), of experts
        against the last expert with a constant for each class ("gate0:1[class 0]"), and those
        of the experts.
    parameter_names : list of str
        Their names.
    expert_coef_ : ndarray of shape (n_experts, p) or (n_experts, m, p)
        Coefficients of the experts.
    expert_share_ : ndarray of shape (n_experts,)
        Share of the rows that each expert is responsible for.
    log_likelihood_ : float
        Weighted mean over units of the log density of all rows of a unit.
    n_parameters_ : int
        Number of free parameters.
    certificate_ : Certificate
        Gradient, curvature and everything odd about the returned parameters.
    status_ : Status
        Why the fit stopped.
    converged_ : bool
        Whether the status is CONVERGED.
    n_features_in_ : int
        Number of columns of X.
    feature_names_in_ : ndarray of str
        Names of the columns of X, where it has names.

    References
    ----------
    Vermunt, J. K. (2003). Multilevel latent class models. Sociological Methodology 33, 213-239.

    Examples
    --------
    >>> import numpy as np
    >>> from mixstat import TwoLevelMixtureOfExperts
    >>> rng = np.random.default_rng(0)
    >>> who = np.repeat(np.arange(80), 8)
    >>> often = np.where(rng.random(80) < 0.5, 0.85, 0.2)[who]
    >>> x = rng.uniform(-1, 1, size=(640, 1))
    >>> y = np.where(rng.random(640) < often, -2 + x[:, 0], 2.0) + 0.5 * rng.standard_normal(640)
    >>> model = TwoLevelMixtureOfExperts(gate_degree=0, random_state=0).fit(x, y, groups=who)
    >>> model.converged_
    True
    >>> model.class_responsibilities(x, y, groups=who)[:2].round(2)
    array([[0.01, 0.99],
           [0.01, 0.99]])
    """

    def __init__(
        self,
        n_experts=2,
        n_classes=2,
        *,
        degree=1,
        interactions=True,
        expert_features=None,
        gate_degree=1,
        gate_features=None,
        unit_features=(),
        formula=None,
        gate_formula=None,
        unit_formula=None,
        expert="gaussian",
        n_init="auto",
        tol=1e-8,
        max_iter=1000,
        min_scale=1e-4,
        missing="raise",
        random_state=None,
    ) -> None:
        self.n_experts: Setting = n_experts
        self.n_classes: Setting = n_classes
        self.degree: Setting = degree
        self.interactions: Setting = interactions
        self.expert_features: Columns = expert_features
        self.gate_degree: Setting = gate_degree
        self.gate_features: Columns = gate_features
        self.unit_features: Columns = unit_features
        self.formula: Setting = formula
        self.gate_formula: Setting = gate_formula
        self.unit_formula: Setting = unit_formula
        self.expert: Setting = expert
        self.n_init: Setting = n_init
        self.tol: Setting = tol
        self.max_iter: Setting = max_iter
        self.min_scale: Setting = min_scale
        self.missing: Setting = missing
        self.random_state: Seed = random_state

    @hinting
    def fit(
        self: Made,
        X: Table,
        y: Response = None,
        sample_weight: Weights = None,
        *,
        groups: Table = None,
    ) -> Made:
        """Find the maximum likelihood estimate.

        Parameters
        ----------
        X : array-like of shape (n, d)
            Inputs, as for :class:`MixtureOfExperts`.
        y : array-like of shape (n,) or (n, m), or str
            Responses, or the column of a data frame that holds them. Beside ``formula`` it may
            be left out.
        sample_weight : array-like of shape (n,) or str, default=None
            Weights, the same for all rows of a unit.
        groups : array-like of shape (n,) or str
            Unit of each row, or the column of a data frame that tells it.

        Returns
        -------
        TwoLevelMixtureOfExperts
            This estimator.

        Raises
        ------
        ValueError
            If an argument has a wrong shape, type or range.

        Warns
        -----
        ConvergenceWarning
            If the result is not a certified maximum; the message says why.
        """
        fit = self._new_fit(X, y, sample_weight, groups)
        report(fit.result.certificate, ConvergenceWarning)
        self.fit_ = fit
        return self

    def _new_fit(self, X: Table, y: Response, sample_weight: Weights, groups: Table) -> TwoLevelFit:
        check_integer("n_experts", self.n_experts, 2)
        search = self._search()
        if groups is None:
            raise ValueError("groups must be given: the unit of each row; got None.")
        check_choice("missing", self.missing, WAYS)
        model = self._row_model()
        rows, schema = model._training_rows(X, y, sample_weight, None, groups)
        if rows.offset is not None:
            raise ValueError("formula must have no offset, which two levels do not take.")
        design = Design(self._unit_source(schema))
        with warnings.catch_warnings():
            # the mixture of rows is but where starts set out from
            warnings.simplefilter("ignore", ConvergenceWarning)
            alone = replace(rows, unit=None)
            fit = model._fitted(model._options(), model._family(), schema, alone)
        if not fit.designs.gate.source.constant:
            raise ValueError("gate_formula must have a constant, which depends on the class.")
        return fit_two_level(fit, rows, design, search)

    def _row_model(self) -> MixtureOfExperts:
        return MixtureOfExperts(**{name: getattr(self, name) for name in OF_ROWS})

    def _search(self) -> Search:
        options = self._row_model()._options()
        starts = self.n_init
        return Search(
            n_classes=check_integer("n_classes", self.n_classes, 1),
            n_init=None if starts == "auto" else check_integer("n_init", starts, 1),
            tol=options.tol,
            max_iter=options.max_iter,
            min_scale=options.min_scale,
            seed=int(check_seed("random_state", self.random_state).randint(2**31)),
        )

    def _unit_source(self, schema: Schema) -> Source:
        """Columns on which classes of units depend."""
        if schema.formulas is None:
            if self.unit_formula is not None:
                raise ValueError(
                    f"formula must be given beside unit_formula, as in 'y ~ x'; got None and "
                    f"{self.unit_formula!r}."
                )
            return linear_source(
                "unit_features", self.unit_features, schema.columns, schema.categories
            )
        if not (isinstance(self.unit_features, tuple | list) and len(self.unit_features) == 0):
            raise ValueError(
                "unit_features cannot be set beside a formula: write the features of units in "
                f"unit_formula; got {self.unit_features!r}."
            )
        text = "~ 1" if self.unit_formula is None else self.unit_formula
        if not isinstance(text, str):
            raise TypeError(f"unit_formula must be a string such as '~ w', got {text!r}.")
        return FormulaColumns(right_side(text, "unit_formula"), "unit_formula")
