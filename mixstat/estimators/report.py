"""The summary of a fitted regressor."""

from dataclasses import replace
from typing import Any

import numpy as np

from mixstat.inference.identifiability import Identifiability, conditions, undetermined
from mixstat.inference.profile import ProfileLikelihood, profile_likelihood
from mixstat.inference.summary import Block, summary_tables
from mixstat.results import SINGULAR, Certificate
from mixstat.validation import check_integer


def parameter_names(moe: Any) -> list[str]:
    """Names of the reported parameters, in the order of ``cov_params``."""
    gate, experts = moe.user_model_.gate, moe.user_model_.experts
    names = gate.parameter_names(moe.gate_names_)
    return names + experts.parameter_names(moe.expert_names_, moe._output_names())


def name_undetermined(moe: Any) -> Certificate:
    """The certificate, with names for what the data leave open."""
    certificate = moe.certificate_
    if not certificate.min_eigenvalue < SINGULAR:
        return certificate
    return replace(
        certificate, undetermined=undetermined(moe.result_, moe._jacobian(), parameter_names(moe))
    )


def identify(moe: Any, X: Any, tables: Any) -> Identifiability:
    """What the rows ``X`` of the fit tell about identifiability."""
    gate, design = moe.model_.gate, moe.gate_design_
    inputs = tables.Z
    if gate.feature_map() is not None:
        inner = design.source.source
        inputs = inner.raw(X)[:, int(inner.constant) :]
    certificate = moe.certificate_
    found = conditions(gate, tables.Z, inputs, tables.weight)
    return Identifiability(found, certificate.invariances, certificate.undetermined)


def profile_of(moe: Any, name: str, grid: Any, n_points: int, level: float) -> ProfileLikelihood:
    """The profile of a reported parameter of a fitted estimator."""
    names = parameter_names(moe)
    if name not in names:
        raise ValueError(f"name must be one of {', '.join(names)}; got {name!r}.")
    if not 0 < level < 1:
        raise ValueError(f"level must lie between 0 and 1, got {level!r}.")
    if grid is None:
        check_integer("n_points", n_points, 2)
    place = names.index(name)
    return profile_likelihood(
        moe.problem_,
        moe.result_,
        moe._jacobian()[place],
        float(moe.params[place]),
        name=name,
        std_error=float(np.sqrt(moe.cov_params()[place, place])),
        total_weight=moe.sum_of_weights_,
        units=moe.units_,
        grid=grid,
        n_points=n_points,
        level=level,
    )


def summarise(moe: Any) -> Any:
    """Facts about the fit, then a table per expert, per gate equation and for the scales."""
    certificate = moe.certificate_
    total = moe.conditional_log_likelihood_ * moe.sum_of_weights_
    df = moe.n_parameters_
    facts = [
        ("Observations", f"{moe.sum_of_weights_:g}"),
        ("Experts", str(moe.n_experts_)),
        ("Parameters", str(df)),
        ("Solver", f"{moe.solver}, {moe.n_iter_} iterations"),
        ("Starts agreeing", f"{certificate.starts_agreeing} of {certificate.starts_finished}"),
        ("Log-likelihood", f"{total:.4f}"),
        ("AIC", f"{-2 * total + 2 * df:.4f}"),
        ("BIC", f"{-2 * total + df * np.log(moe.sum_of_weights_):.4f}"),
        ("Status", moe.status_.name.lower()),
        ("Largest gradient", f"{certificate.gradient_norm:.1e}"),
    ]
    error = np.sqrt(np.diag(moe.cov_params()))
    value = moe.params
    names = parameter_names(moe)
    blocks = [Block(title, *_pick(prefix, names, value, error)) for title, prefix in _sections(moe)]
    blocks += _identified_block(moe)
    notes = [] if moe.formula_ is None else [f"{moe.formula_}; gate {moe.gate_formula_ or 'same'}."]
    notes += [
        *_order_note(moe),
        *_class_note(moe),
        *_joint_note(moe),
        "Standard errors are from the observed information"
        + (f", to which ridge={moe.ridge_:g} adds." if moe.ridge_ else "."),
        *_penalty_note(moe),
        *certificate.remarks(),
        *certificate.notes(),
        *_settled(moe),
        *(condition.describe() for condition in moe.identifiability_.conditions),
    ]
    if np.isnan(error).any():
        zeroed = ", the penalty holds it at zero" if _penalty_note(moe) else ""
        notes.append(
            f"nan: the data do not determine this parameter{zeroed}, or it is on its floor."
        )
    return summary_tables("Mixture of Experts", facts, blocks, notes)


def _penalty_note(moe: Any) -> list[str]:
    """What an elastic net does to the estimates and their errors."""
    parts = (("experts", moe.expert_penalty), ("gate", moe.gate_penalty))
    told = [f"{name} {strength:g}" for name, strength in parts if strength]
    if not told:
        return []
    remarks = [f"Elastic net ({', '.join(told)}; L1 share {moe.l1_ratio:g}): slopes are shrunk."]
    if moe.l1_ratio < 1:
        remarks.append("Standard errors count the squared penalty as information.")
    if moe.n_parameters_ < int(moe.problem_.varying.sum()):
        remarks.append("Standard errors take zeros as known, so they are too small.")
    return [" ".join(remarks)]


def _identified_block(moe: Any) -> list[Block]:
    """Functions of the gate's parameters that the data determine."""
    table = moe.identified()
    title = "Gate: identified functions"
    return [Block(title, *(table[f] for f in table.dtype.names))] if len(table) else []


def _settled(moe: Any) -> list[str]:
    """Invariances of the gate among whose values a penalty chooses."""
    told = moe.certificate_.invariances
    rest = dict.fromkeys(one.words for one in moe.model_.gate.invariances())
    return [
        f"Without the ridge, {words}; the ridge alone chooses among them."
        for words in rest
        if words not in told
    ]


def _order_note(moe: Any) -> list[str]:
    """How experts are numbered, and which is the reference."""
    alike = moe.user_model_.exchangeable and np.ndim(moe.degree) == 0
    told = _contexts(moe)
    if moe.n_experts_ == 1 or not (alike or told):
        return []
    if moe.gate_penalty and not told and moe.l1_ratio and moe.n_experts_ > 2:
        return ["Experts keep the order of their start: the penalty of the gate depends on it."]
    what = "their mean prediction" if hasattr(moe, "scale_") else "their first coefficient"
    note = f"Experts are numbered by {what}, smallest first."
    if told:
        each = ", ".join(f"{k} of {name}" for k, name in enumerate(told))
        note = f"Experts are those of contexts: {each}."
    full = len(moe.gate_coef_) == moe.n_experts_ and not np.any(moe.gate_coef_[-1])
    last = moe.n_experts_ - 1
    return [note + (f" Gate coefficients are logits against expert {last}." if full else "")]


def _contexts(moe: Any) -> list[str]:
    """Contexts of the experts, where a fit was told of them."""
    told = moe.problem_.batch.rows.log_possibility is not None
    return moe.expert_contexts_ if told else []


def _joint_note(moe: Any) -> list[str]:
    """What was maximised, where it is not the density of y given x."""
    if np.isclose(moe.log_likelihood_, moe.conditional_log_likelihood_, rtol=1e-9, atol=0):
        return []
    joint = moe.log_likelihood_ * moe.sum_of_weights_
    if _contexts(moe):
        return [
            f"Maximised was the likelihood weighted by possibilities (log-likelihood {joint:.4f}). "
            "Log-likelihood, AIC and BIC above are of the response given the inputs by the gate "
            "alone."
        ]
    return [
        f"The joint density of inputs and response was maximised (log-likelihood {joint:.4f}). "
        "Log-likelihood, AIC and BIC above are of the response given the inputs, with all "
        "parameters counted, also those of the density of the inputs."
    ]


def _class_note(moe: Any) -> list[str]:
    """Which class the experts' log odds are taken against."""
    if not hasattr(moe, "classes_"):
        return []
    last = moe.classes_[-1]
    whose = f"of {moe.classes_[0]} " if len(moe.classes_) == 2 else ""
    return [f"Experts' coefficients are log odds {whose}against {last}."]


def _sections(moe: Any) -> list[tuple[str, str]]:
    """Titles of the tables and what their parameters' names begin with."""
    share = moe.expert_share_
    gate, experts = moe.user_model_.gate, moe.user_model_.experts
    each = range(moe.n_experts_)
    name = [f", {told}" for told in _contexts(moe)] or [""] * moe.n_experts_
    titles = {f"expert{j}:": f"Expert {j}{name[j]} (share {share[j]:.3f})" for j in each}
    titles |= {f"{prefix}:": title for prefix, title in gate.titles().items()}
    titles |= experts.titles()
    names = parameter_names(moe)
    return [(t, p) for p, t in titles.items() if any(name.startswith(p) for name in names)]


def _pick(prefix: str, names: list[str], value: np.ndarray, error: np.ndarray):
    chosen = [i for i, name in enumerate(names) if name.startswith(prefix)]
    rests = [names[i].removeprefix(prefix) for i in chosen]
    short = rests if prefix.endswith(":") else [_owner(rest) for rest in rests]
    return short, value[chosen], error[chosen]


def _owner(rest: str) -> str:
    """Whose noise a parameter describes: "0" or "0:y1" becomes "expert 0" or "expert 0, y1"."""
    number, _, what = rest.partition(":")
    owner = f"expert {number}" if number else "all experts"
    return f"{owner}, {what}" if what else owner
