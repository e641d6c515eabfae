"""What must hold of models of which one is tested within the other."""

from mixstat.arguments import Estimator
from mixstat.estimators.base import BaseMixture
from mixstat.estimators.contextual import ContextualMixtureOfExperts
from mixstat.selection.choice import check_base


def check_testable(estimator: Estimator) -> BaseMixture:
    """The estimator's settings, of maximum likelihood of y given x alone."""
    base = check_base(estimator)
    if isinstance(base, ContextualMixtureOfExperts):
        raise ValueError(
            "estimator must be MixtureOfExperts or MixtureOfExpertsClassifier: contexts state how "
            "many experts there are; got ContextualMixtureOfExperts."
        )
    options = base._options()
    if options.penalises or options.scale_penalty:
        raise ValueError(
            f"estimator must not be penalised: the test is of a ratio of likelihoods; got {base!r}."
        )
    if options.gate.joint or not options.gate.continuous:
        raise ValueError(
            "estimator must have a gate that is fitted to y given x alone, by a likelihood that "
            f"does not jump: responses are drawn from it; got {base!r}."
        )
    return base


def check_nested(null: BaseMixture) -> None:
    """Refuse what is no hypothesis within the model of one expert more."""
    fit = null.fit_
    if not null.status_.is_high:
        raise ValueError(
            f"n_experts={fit.n_experts} must have a fit that is a maximum: {null.certificate_}"
        )
    if any(null.strengths_):
        raise ValueError(
            f"X has {len(fit.maximum.batch.rows.weight)} rows, and n_experts={fit.n_experts} needs "
            "more than it has parameters."
        )
    alike = fit.model.exchangeable and not fit.request.options.own_degrees
    if not alike or fit.model.doubled(0, fit.designs.gate.source.constant) is None:
        raise ValueError(
            "estimator must have experts that are all of one kind, and a gate that can halve a "
            "share (a softmax gate with a constant, say), or K experts are no special case of "
            f"K + 1; got {null!r}."
        )
