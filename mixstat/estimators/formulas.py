"""Models that are written as formulas and fitted to data frames."""

import inspect
from typing import TypeVar

from mixstat.arguments import Setting, Table, Weights
from mixstat.estimators.updating import UpdatingMixture
from mixstat.fitting.options import FEATURE_SETTINGS
from mixstat.fitting.schema import Formulas
from mixstat.gates import REGISTRY as GATES
from mixstat.hints import check_known

Made = TypeVar("Made", bound="FormulaMixture")


class FormulaMixture(UpdatingMixture):
    """Formulas as parameters, and ``from_formula``; not to be used directly."""

    # constructor parameters, set by the leaves
    formula: Setting
    gate_formula: Setting

    @classmethod
    def from_formula(
        cls: type[Made],
        formula: Setting,
        data: Table,
        *,
        gate: Setting = None,
        gate_kind: Setting = None,
        gate_formula: Setting = None,
        sample_weight: Weights = None,
        offset: Table = None,
        groups: Table = None,
        known_experts: Table = None,
        **settings: Setting,
    ) -> Made:
        """Fit a model written as formulas: in short for its parameters and ``fit(data)``.

        Parameters
        ----------
        formula : str
            Response and experts' features, such as ``"y ~ x + I(x**2)"``.
        data : DataFrame
            Columns that the formulas name.
        gate : str or gate, default=None
            The gate's features, such as ``"~ w"``, in short for ``gate_formula``; or the kind
            of gate, as the parameter of the estimator.
        gate_kind : str or gate, default=None
            Kind of gate, where ``gate`` has its features; None means "softmax".
        gate_formula : str or None, default=None
            The gate's features; ``"~ 1"`` gives constant shares and None the same features as
            the experts.
        sample_weight : str or array-like of shape (n,), default=None
            Row weights as in ``fit``, or the column of ``data`` that holds them.
        offset : str or array-like of shape (n,), default=None
            Offset as in ``fit``; formulas have ``offset(log(e))`` too.
        groups : str or array-like of shape (n,), default=None
            Units of rows that share one expert, as in ``fit``.
        known_experts : str or array-like of shape (n,) or (n, n_experts), default=None
            What is known of the experts of rows, as in ``fit``.
        **settings
            Parameters of the estimator, except those that describe features.

        Returns
        -------
        MixtureOfExperts or MixtureOfExpertsClassifier
            A fitted estimator with the parameters ``formula`` and ``gate_formula``, whose
            methods take data frames.

        Raises
        ------
        TypeError
            If ``data`` is no data frame, or a setting is no parameter of the estimator.
        ValueError
            If a formula names a column that ``data`` lacks, a value is missing, or a setting
            describes features.
        """
        others = {"offset": offset, "groups": groups, "known_experts": known_experts}
        known = [*inspect.signature(cls).parameters, "data", "sample_weight", *others]
        check_known("from_formula()", settings, known)
        features, kind = _gate_words(gate, gate_kind, gate_formula)
        if kind is not None:
            settings["gate"] = kind
        moe = cls(**settings)
        moe.formula, moe.gate_formula = formula, features
        moe.fit_ = moe._new_fit(data, None, sample_weight, **others)
        return moe

    def _formulas(self) -> Formulas | None:
        """The formulas of the parameters, checked; None where there are none."""
        if self.formula is None:
            if self.gate_formula is not None:
                raise ValueError(
                    "formula must be given beside gate_formula, as in 'y ~ x'; got None and "
                    f"{self.gate_formula!r}."
                )
            return None
        described = sorted(name for name in FEATURE_SETTINGS if not self._is_default(name))
        if described:
            raise ValueError(
                f"{', '.join(described)} cannot be set beside a formula: write the features of "
                "the experts in formula and those of the gate in gate_formula."
            )
        gate = None if self.gate_formula is None else self._text("gate_formula", "'~ x'")
        formulas = Formulas(self._text("formula", "'y ~ x'"), gate)
        formulas.check()
        return formulas

    def _text(self, argument: str, wanted: str) -> str:
        value = getattr(self, argument)
        if not isinstance(value, str):
            raise TypeError(f"{argument} must be a string such as {wanted}, got {value!r}.")
        return value

    def _is_default(self, name: str) -> bool:
        value = getattr(self, name)
        default = inspect.signature(type(self)).parameters[name].default
        plain = isinstance(value, int | str) and type(value) is type(default)
        return value is default or (plain and value == default)


def _gate_words(
    gate: Setting, gate_kind: Setting, gate_formula: Setting
) -> tuple[Setting, Setting]:
    """The gate's features and its kind, from three arguments that say them."""
    if isinstance(gate, str) and gate not in GATES:
        if gate_formula is not None:
            raise ValueError(
                f"give the gate's features in gate_formula alone; got {gate_formula!r} beside "
                f"gate={gate!r}."
            )
        return gate, gate_kind
    if gate is not None and gate_kind is not None:
        raise ValueError(
            f"give the kind of gate in gate alone; got {gate!r} beside gate_kind={gate_kind!r}."
        )
    return gate_formula, gate_kind if gate is None else gate
