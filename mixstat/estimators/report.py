"""The summary of a fit, and profiles of its parameters."""

import numpy as np
from jaxtyping import Bool

from mixstat.arguments import Setting
from mixstat.fitting.fit import Fit
from mixstat.inference.estimate import Description
from mixstat.inference.profile import ProfileLikelihood, Target, profile_likelihood
from mixstat.inference.summary import Block, Summary, summary_tables
from mixstat.validation import check_integer, check_open_share


def profile_of(
    fit: Fit, name: Setting, grid: Setting, n_points: Setting, level: Setting
) -> ProfileLikelihood:
    """The profile of a reported parameter."""
    names = fit.parameter_names
    if not isinstance(name, str) or name not in names:
        raise ValueError(f"name must be one of {', '.join(names)}; got {name!r}.")
    share, count = check_open_share("level", level), check_integer("n_points", n_points, 2)
    place = names.index(name)
    target = Target(
        name=name,
        row=fit.user_jacobian[place],
        estimate=float(fit.params[place]),
        std_error=float(np.sqrt(fit.cov_params()[place, place])),
        total_weight=fit.sum_of_weights,
        log_unit=fit.log_unit,
    )
    found = fit.maximum.objective.replace(batch=fit.maximum.batch), fit.maximum.result
    return profile_likelihood(*found, target, grid=grid, n_points=count, level=share)


def summarise(fit: Fit) -> Summary:
    """Facts about the fit, then a table per expert, per gate equation and for the scales."""
    error = np.sqrt(np.diag(fit.cov_params()))
    value, names = fit.params, fit.parameter_names
    # a coefficient of a feature that the polynomial of an expert does without is none of its own
    listed = ~(fit.request.options.own_degrees & (value == 0) & np.isnan(error))
    value, error = value[listed], error[listed]
    names = [name for name, kept in zip(names, listed, strict=True) if kept]
    blocks = [
        Block(title, *_pick(prefix, names, value, error), tested=not prefix.startswith("log_"))
        for title, prefix in _sections(fit)
    ]
    blocks += _identified_block(fit)
    notes = _notes(fit)
    if np.isnan(error).any():
        zeroed = ", the penalty holds it at zero" if _penalty_note(fit) else ""
        notes.append(
            f"nan: the data do not determine this parameter{zeroed}, or it is on its floor."
        )
    return summary_tables("Mixture of Experts", _facts(fit), blocks, notes)


def describe(fit: Fit) -> Description:
    """What a summary tells beside estimates and errors, whatever these are from."""
    apart = {_error_note(fit), *_weight_note(fit)}
    cautions = _cautions(fit)
    notes = [note for note in _notes(fit) if note not in apart and note not in cautions]
    hidden = np.flatnonzero(_done_without(fit))
    zeroed = ", the penalty holds it at zero" if _penalty_note(fit) else ""
    return Description(
        title="Mixture of Experts",
        facts=tuple(_facts(fit)),
        sections=tuple(_sections(fit)),
        notes=tuple(notes),
        cautions=tuple(cautions),
        hidden=frozenset(hidden.tolist()),
        zeroed=zeroed,
    )


def _cautions(fit: Fit) -> list[str]:
    """Why errors of this fit should be read with care; nothing for a sound one."""
    certificate = fit.maximum.certificate
    told = [f"This fit is not sound ({certificate.status.name.lower()}).", *certificate.remarks()]
    cautions = [] if certificate.is_regular else told
    if certificate.is_regular and not certificate.sound:
        cautions = [note for note in certificate.notes() if "not called sound" in note]
    if ridge := (0.0 if fit.request.options.expert_penalty else fit.strengths.expert_square):
        cautions.append(f"Penalised: ridge={ridge:g} shrinks slopes, and counts as information.")
    return cautions + _penalty_note(fit)


def _done_without(fit: Fit) -> Bool[np.ndarray, " E"]:
    """Coefficients of features that the polynomial of an expert does without."""
    idle = ~np.any(np.where(fit.maximum.held, 0.0, fit.user_jacobian), axis=1)
    return fit.request.options.own_degrees & (fit.params == 0) & idle


def _facts(fit: Fit) -> list[tuple[str, str]]:
    """What stands above the tables."""
    certificate = fit.maximum.certificate
    total = fit.criterion_log_likelihood * fit.sum_of_weights
    df = fit.n_parameters
    return [
        *_sizes(fit),
        ("Experts", str(fit.n_experts)),
        ("Parameters", str(df)),
        ("Solver", f"{fit.request.options.solver_name}, {fit.n_iter} iterations"),
        ("Starts agreeing", f"{certificate.starts_agreeing} of {certificate.starts_finished}"),
        ("Log-likelihood", f"{total:.4f}"),
        ("AIC", f"{-2 * total + 2 * df:.4f}"),
        ("BIC", f"{-2 * total + df * np.log(fit.sum_of_weights):.4f}"),
        ("Status", certificate.status.name.lower()),
        ("Largest gradient", f"{certificate.gradient_norm:.1e}"),
    ]


def _sizes(fit: Fit) -> list[tuple[str, str]]:
    """How many rows there are, and units of them."""
    if fit.rows_per_unit is None:
        return [("Observations", f"{fit.sum_of_weights:g}")]
    rows = fit.rows_per_unit * fit.sum_of_weights
    return [("Observations", f"{rows:g}"), ("Units", f"{fit.sum_of_weights:g}")]


def _notes(fit: Fit) -> list[str]:
    """What stands below the tables."""
    certificate = fit.maximum.certificate
    return [
        *_formula_note(fit),
        *_offset_note(fit),
        *_missing_note(fit),
        *_unit_note(fit),
        *_order_note(fit),
        *_class_note(fit),
        *_joint_note(fit),
        *_weight_note(fit),
        _error_note(fit),
        *_penalty_note(fit),
        *_scale_note(fit),
        *certificate.remarks(),
        *certificate.notes(),
        *_settled(fit),
        *(condition.describe() for condition in fit.maximum.identifiability.conditions),
    ]


def _formula_note(fit: Fit) -> list[str]:
    formulas = fit.request.schema.formulas
    return [] if formulas is None else [f"{formulas.experts}; gate {formulas.gate or 'same'}."]


def _offset_note(fit: Fit) -> list[str]:
    """What is added to predictors beside coefficients."""
    schema = fit.request.schema
    if fit.units.offset_centre is None:
        return []
    told = [str(term) for term in (schema.formulas.offsets if schema.formulas else ())]
    if schema.offset is not None:
        column = schema.offset.column
        told.append("given in numbers" if column is None else f"the column {column}")
    return [f"Offset of the experts' predictors, with a coefficient of one: {', '.join(told)}."]


def _unit_note(fit: Fit) -> list[str]:
    """What rows share, and what is counted."""
    if fit.rows_per_unit is None:
        return []
    return ["All rows of a unit share one expert; shares, errors and BIC count units."]


def _missing_note(fit: Fit) -> list[str]:
    """How many rows were left out, and why."""
    missing = fit.request.schema.missing
    if missing is None or not missing.n_dropped:
        return []
    response = missing.without_response
    of_these = f", {response} of them without a response" if response else ""
    return [
        f"{missing.n_dropped} of {len(missing.kept)} rows have missing values and were left "
        f"out{of_these}."
    ]


def _error_note(fit: Fit) -> str:
    ridge = 0.0 if fit.request.options.expert_penalty else fit.strengths.expert_square
    added = f", to which ridge={ridge:g} adds." if ridge else "."
    return "Standard errors are from the observed information" + added


def _weight_note(fit: Fit) -> list[str]:
    """What weights mean for errors and criteria, where there are any."""
    if not fit.weighted:
        return []
    return [
        f"Weights count as numbers of rows, {fit.sum_of_weights:g} in all: weights c times as "
        "large give standard errors smaller by the root of c. Scale them to the effective number "
        "of rows."
    ]


def _penalty_note(fit: Fit) -> list[str]:
    """What an elastic net does to the estimates and their errors."""
    options = fit.request.options
    parts = (("experts", options.expert_penalty), ("gate", options.gate_penalty))
    told = [f"{name} {strength:g}" for name, strength in parts if strength]
    if not told:
        return []
    remarks = [
        f"Elastic net ({', '.join(told)}; L1 share {options.l1_ratio:g}): slopes are shrunk."
    ]
    if options.l1_ratio < 1:
        remarks.append("Standard errors count the squared penalty as information.")
    if fit.n_parameters < int(fit.maximum.varying.sum()):
        remarks.append("Standard errors take zeros as known, so they are too small.")
    return [" ".join(remarks)]


def _scale_note(fit: Fit) -> list[str]:
    """What keeps scales from vanishing."""
    strength = fit.request.options.scale_penalty
    if not strength:
        return []
    return [f"{2 * strength:g} rows at the scale of one regression are added to each expert."]


def _identified_block(fit: Fit) -> list[Block]:
    """Functions of the gate's parameters that the data determine."""
    table = fit.identified()
    if len(table) == 0:
        return []
    names = [str(name) for name in table["name"]]
    return [Block("Gate: identified functions", names, table["value"], table["std_error"])]


def _settled(fit: Fit) -> list[str]:
    """Invariances of the gate among whose values a penalty chooses."""
    told = fit.maximum.certificate.invariances
    rest = dict.fromkeys(one.words for one in fit.model.gate.identification().invariances())
    return [
        f"Without the ridge, {words}; the ridge alone chooses among them."
        for words in rest
        if words not in told
    ]


def _order_note(fit: Fit) -> list[str]:
    """How experts are numbered, and which is the reference."""
    options, told = fit.request.options, _contexts(fit)
    alike = fit.user_model.exchangeable and not options.own_degrees
    if fit.n_experts == 1 or not (alike or told):
        return []
    if options.gate_penalty and not told and options.l1_ratio and fit.n_experts > 2:
        return ["Experts keep the order of their start: the penalty of the gate depends on it."]
    if fit.maximum.objective.keeps_order and not told:
        return ["Experts keep the numbers that they have in the start that was given."]
    note = f"Experts are numbered by {fit.model.experts.order_words}, smallest first."
    if told:
        listed = ", ".join(f"{k} of {name}" for k, name in enumerate(told))
        note = f"Experts are those of contexts: {listed}."
    coef = fit.attributes["gate_coef_"]
    full = len(coef) == fit.n_experts and not np.any(coef[-1])
    last = fit.n_experts - 1
    return [note + (f" Gate coefficients are logits against expert {last}." if full else "")]


def _contexts(fit: Fit) -> list[str]:
    """Contexts of the experts, where a fit was told of them."""
    contexts = fit.request.contexts
    return contexts.of_experts if contexts is not None and fit.maximum.knows_contexts else []


def _joint_note(fit: Fit) -> list[str]:
    """What was maximised, where it is not the density of y given x."""
    if np.isclose(fit.log_likelihood, fit.conditional_log_likelihood, rtol=1e-9, atol=0):
        return []
    joint = fit.log_likelihood * fit.sum_of_weights
    if _contexts(fit):
        return [
            f"Maximised was the likelihood weighted by possibilities (log-likelihood {joint:.4f}). "
            "Log-likelihood, AIC and BIC above are of the response given the inputs by the gate "
            "alone."
        ]
    alone = fit.conditional_log_likelihood * fit.sum_of_weights
    return [
        "The joint density of inputs and response was maximised. Log-likelihood, AIC and BIC above "
        "are of it, and not to be compared with those of other gates; the log-likelihood of the "
        f"response given the inputs is {alone:.4f}."
    ]


def _class_note(fit: Fit) -> list[str]:
    """Which class the experts' log odds are taken against."""
    classes = fit.request.schema.classes
    if classes is None:
        return []
    whose = f"of {classes[0]} " if len(classes) == 2 else ""
    return [f"Experts' coefficients are log odds {whose}against {classes[-1]}."]


def _sections(fit: Fit) -> list[tuple[str, str]]:
    """Titles of the tables and what their parameters' names begin with."""
    share = fit.maximum.share
    gate, experts = fit.user_model.gate, fit.user_model.experts
    name = [f", {context}" for context in _contexts(fit)] or [""] * fit.n_experts
    titles = {
        f"expert{k}:": f"Expert {k}{name[k]} (share {share[k]:.3f})" for k in range(fit.n_experts)
    }
    titles |= {f"{prefix}:": title for prefix, title in gate.titles().items()}
    titles |= experts.titles()
    names = fit.parameter_names
    return [(t, p) for p, t in titles.items() if any(name.startswith(p) for name in names)]


def _pick(
    prefix: str, names: list[str], value: np.ndarray, error: np.ndarray
) -> tuple[list[str], np.ndarray, np.ndarray]:
    """Short names, values and errors of the parameters of one table."""
    chosen = [i for i, name in enumerate(names) if name.startswith(prefix)]
    rests = [names[i].removeprefix(prefix) for i in chosen]
    short = rests if prefix.endswith(":") else [_owner(rest) for rest in rests]
    return short, value[chosen], error[chosen]


def _owner(rest: str) -> str:
    """Whose noise a parameter describes: "0" or "0:y1" becomes "expert 0" or "expert 0, y1"."""
    number, _, what = rest.partition(":")
    owner = f"expert {number}" if number else "all experts"
    return f"{owner}, {what}" if what else owner
