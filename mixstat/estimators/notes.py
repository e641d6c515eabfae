"""What a summary tells below its tables: of the model, the rows and the search."""

import numpy as np

from mixstat.fitting.fit import Fit
from mixstat.fitting.inequalities import read_limits


def notes_of(fit: Fit) -> list[str]:
    """What stands below the tables."""
    certificate = fit.maximum.certificate
    return [
        *_formula_note(fit),
        *_level_note(fit),
        *_offset_note(fit),
        *_missing_note(fit),
        *_unit_note(fit),
        *_order_note(fit),
        *_names_note(fit),
        *_restrictions_note(fit),
        *_limits_note(fit),
        *(f"{words}." for words in fit.model.experts.notes()),
        *_class_note(fit),
        *_joint_note(fit),
        *weight_note(fit),
        error_note(fit),
        *penalty_note(fit),
        *_scale_note(fit),
        *certificate.remarks(),
        *certificate.notes(),
        *_settled(fit),
        *(condition.describe() for condition in fit.maximum.identifiability.conditions),
    ]


def _formula_note(fit: Fit) -> list[str]:
    formulas = fit.request.schema.formulas
    return [] if formulas is None else [f"{formulas.experts}; gate {formulas.gate or 'same'}."]


def _level_note(fit: Fit) -> list[str]:
    """What the coefficients of categories are told against."""
    told = [f"{name} {levels[0]}" for name, levels in fit.designs.levels.items()]
    return [f"Reference levels: {', '.join(told)}."] if told else []


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
    note = "All rows of a unit share one expert; shares, errors and BIC count units."
    alone = "Every unit has one row, so that groups change nothing."
    return [note, alone] if fit.rows_per_unit == 1 else [note]


def _missing_note(fit: Fit) -> list[str]:
    """How many rows were left out, and why."""
    missing = fit.request.schema.missing
    if missing is None:
        return []
    n, response, notes = len(missing.kept), missing.without_response, []
    if missing.n_dropped:
        of_these = f", {response} of them without a response" if response else ""
        notes += [
            f"{missing.n_dropped} of {n} rows have missing values and were left out{of_these}."
        ]
    if missing.in_part:
        notes += [
            f"{missing.in_part} of {n} rows lack some outputs and count by those that they have, "
            "as if these were missing at random."
        ]
    if missing.by_inputs:
        notes += [
            f"{missing.by_inputs} of {n} rows have no response and count by the density of their "
            "inputs."
        ]
    return notes


def error_note(fit: Fit) -> str:
    """What standard errors are made of."""
    ridge = 0.0 if fit.request.options.expert_penalty else fit.strengths.expert_square
    added = f", to which ridge={ridge:g} adds." if ridge else "."
    return "Standard errors are from the observed information" + added


def weight_note(fit: Fit) -> list[str]:
    """What weights mean for errors and criteria, where there are any."""
    if not fit.weighted:
        return []
    return [
        f"Weights count as numbers of rows, {fit.sum_of_weights:g} in all: weights c times as "
        "large give standard errors smaller by the root of c. Scale them to the effective number "
        "of rows."
    ]


def penalty_note(fit: Fit) -> list[str]:
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
    options, told = fit.request.options, contexts_of(fit)
    alike = fit.user_model.exchangeable and not options.own_degrees
    if fit.n_experts == 1 or not (alike or told):
        return []
    if options.gate_penalty and not told and options.l1_ratio and fit.n_experts > 2:
        return ["Experts keep the order of their start: the penalty of the gate depends on it."]
    if fit.request.schema.known is not None and fit.maximum.knows_contexts:
        return _known_note(fit)
    if fit.maximum.objective.keeps_order and options.restrictions.any:
        return ["Experts keep the numbers that constraints, or frozen, give them."]
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


def _names_note(fit: Fit) -> list[str]:
    """Which name belongs to which number."""
    names = fit.request.options.expert_names
    listed = ", ".join(f"{k} is {name}" for k, name in enumerate(names))
    return [f"Names of experts: {listed}."] if names else []


def _restrictions_note(fit: Fit) -> list[str]:
    """What is held, and which parameters are tied to each other."""
    told = fit.request.options.restrictions.held()
    return [f"Held: {'; '.join(told)}."] if told else []


def _limits_note(fit: Fit) -> list[str]:
    """Which limits people set, and on which of them the maximum lies."""
    texts = fit.request.options.restrictions.inequalities
    if not texts:
        return []
    limits, params = read_limits(texts, fit.parameter_names), fit.params
    on = np.any(fit.user_jacobian[:, fit.maximum.on_limit] != 0, axis=1)
    reached = [
        f"{fit.parameter_names[one.place]} = {params[one.place]:g}"
        for one in limits
        if on[one.place] and one.holds(float(params[one.place]))
    ]
    note = f"Bounded: {'; '.join(one.words for one in limits)}."
    if not reached:
        return [f"{note} No bound is reached: the maximum is that without them."]
    return [
        f"{note} On a bound, and so without a standard error and not counted as parameters: "
        f"{', '.join(reached)}; errors of the others take them as known."
    ]


def _known_note(fit: Fit) -> list[str]:
    """Of how many rows the experts are known, and that experts have the numbers told there."""
    if not fit.has_rows:
        return ["Experts have the numbers of known_experts."]
    rows = fit.maximum.batch.rows
    known = np.any(np.exp(np.asarray(rows.log_possibility)) < 1, axis=1)
    counted = np.asarray(rows.weight) > 0
    return [
        f"Of {int(np.sum(known & counted))} of {int(counted.sum())} rows something is known of the "
        "expert; experts have the numbers of known_experts."
    ]


def contexts_of(fit: Fit) -> list[str]:
    """Contexts of the experts, where a fit was told of them."""
    contexts = fit.request.contexts
    return contexts.of_experts if contexts is not None and fit.maximum.knows_contexts else []


def _joint_note(fit: Fit) -> list[str]:
    """What was maximised, where it is not the density of y given x."""
    if np.isclose(fit.log_likelihood, fit.conditional_log_likelihood, rtol=1e-9, atol=0):
        return []
    joint = fit.log_likelihood * fit.sum_of_weights
    if fit.maximum.knows_contexts:
        known = "of the response and of what is known of its expert"
        what = "weighted by possibilities" if fit.request.contexts is not None else known
        return [
            f"Maximised was the likelihood {what} (log-likelihood {joint:.4f}). Log-likelihood, "
            "AIC and BIC above are of the response given the inputs by the gate alone."
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
