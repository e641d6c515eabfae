"""Convergence-rate studies: truths, losses, resumable simulations and fitted rates."""

from mixstat.rates.box import Box
from mixstat.rates.em_rate import em_rate
from mixstat.rates.estimated import from_fit
from mixstat.rates.fitted import Rate, RateWarning, fit_rate
from mixstat.rates.further_truths import from_sampler, moving_truth
from mixstat.rates.inputs import Clusters, Grid, Lattice, Observed, Uniform
from mixstat.rates.losses import evaluate
from mixstat.rates.losses.density import divergences
from mixstat.rates.misses import MissRate
from mixstat.rates.own_loss import register_loss
from mixstat.rates.registry import find_truth, truths
from mixstat.rates.regression import RegressionFunction
from mixstat.rates.slopes import latex_table, slope_table
from mixstat.rates.specification import Specification
from mixstat.rates.starts import NearTruth, PublishedStart, RandomStart
from mixstat.rates.store import StoreMismatchError
from mixstat.rates.studies import named_study, study_names
from mixstat.rates.study import RateStudy
from mixstat.rates.truths import Truth, replicate_seed
from mixstat.rates.verdicts import verdict
from mixstat.rates.windows import rates_from

__all__ = [
    "Box",
    "Clusters",
    "Grid",
    "Lattice",
    "MissRate",
    "NearTruth",
    "Observed",
    "PublishedStart",
    "RandomStart",
    "Rate",
    "RateStudy",
    "RateWarning",
    "RegressionFunction",
    "Specification",
    "StoreMismatchError",
    "Truth",
    "Uniform",
    "divergences",
    "em_rate",
    "evaluate",
    "find_truth",
    "fit_rate",
    "from_fit",
    "from_sampler",
    "latex_table",
    "moving_truth",
    "named_study",
    "rates_from",
    "register_loss",
    "replicate_seed",
    "slope_table",
    "study_names",
    "truths",
    "verdict",
]
