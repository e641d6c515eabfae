"""Models that are written as formulas and fitted to data frames."""

from typing import TypeVar

from mixstat.arguments import Frame, Setting, Table, Weights
from mixstat.estimators.updating import UpdatingMixture
from mixstat.fitting.fit import Fit
from mixstat.fitting.options import FEATURE_SETTINGS
from mixstat.fitting.schema import Formulas

Made = TypeVar("Made", bound="FormulaMixture")


class FormulaMixture(UpdatingMixture):
    """``from_formula``; not to be used directly."""

    gate: Setting

    @classmethod
    def from_formula(
        cls: type[Made],
        formula: str,
        data: Table,
        *,
        gate: str | None = None,
        gate_kind: Setting = None,
        sample_weight: Weights = None,
        **settings: Setting,
    ) -> Made:
        """Fit a model written as formulas.

        Parameters
        ----------
        formula : str
            Response and experts' features, such as ``"y ~ x + I(x**2)"``.
        data : DataFrame
            Columns that the formulas name.
        gate : str or None, default=None
            The gate's features, such as ``"~ w"``; ``"~ 1"`` gives constant shares and None
            the same features as the experts.
        gate_kind : str or gate, default=None
            Kind of gate, as the parameter ``gate`` of the estimator; None means "softmax".
        sample_weight : array-like of shape (n,), default=None
            Row weights as in ``fit``.
        **settings
            Parameters of the estimator, except those that describe features.

        Returns
        -------
        MixtureOfExperts or MixtureOfExpertsClassifier
            A fitted estimator whose methods take data frames.

        Raises
        ------
        ValueError
            If a formula names a column that ``data`` lacks, a value is missing, or a setting
            describes features.
        """
        described = sorted(FEATURE_SETTINGS & set(settings))
        if described:
            raise ValueError(
                f"{', '.join(described)} cannot be set beside a formula: write the features of "
                "the experts in formula and those of the gate in gate."
            )
        moe = cls(**settings)
        if gate_kind is not None:
            moe.gate = gate_kind
        moe.fit_ = moe._formula_fit(Formulas(formula, gate), _frame(data), sample_weight)
        return moe

    def _formula_fit(self, formulas: Formulas, data: Frame, sample_weight: Weights) -> Fit:
        """The fit to a data frame of a model written as formulas."""
        raise NotImplementedError


def _frame(data: Table) -> Frame:
    """Refuse what is no data frame."""
    if not isinstance(data, Frame):
        raise TypeError(
            f"formula needs a data frame (with named columns), got {type(data).__name__}."
        )
    return data
