"""The summary of a fit, and profiles of its parameters."""

from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Bool

from mixstat.arguments import Setting
from mixstat.estimators.notes import contexts_of, error_note, notes_of, penalty_note, weight_note
from mixstat.fitting.fit import Fit
from mixstat.inference.estimate import Description
from mixstat.validation import check_integer, check_open_share

if TYPE_CHECKING:  # loaded by the first question: a fit does without
    from mixstat.inference.profile import ProfileLikelihood
    from mixstat.inference.summary import Block, Summary


def profile_of(
    fit: Fit, name: Setting, grid: Setting, n_points: Setting, level: Setting
) -> "ProfileLikelihood":
    """The profile of a reported parameter."""
    from mixstat.inference.profile import Target, profile_likelihood

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


def summarise(fit: Fit) -> "Summary":
    """Facts about the fit, then a table per expert, per gate equation and for the scales."""
    from mixstat.inference.summary import Block, summary_tables

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
    notes = notes_of(fit)
    if np.isnan(error).any():
        zeroed = ", the penalty holds it at zero" if penalty_note(fit) else ""
        notes.append(
            f"nan: the data do not determine this parameter{zeroed}, or it is on its floor."
        )
    return summary_tables(_title(fit), _facts(fit), blocks, notes)


def _title(fit: Fit) -> str:
    """What the tables are about: the response, where it has a name."""
    names = fit.request.schema.responses
    return "Mixture of Experts" + (f" for {', '.join(names)}" if names else "")


def describe(fit: Fit) -> Description:
    """What a summary tells beside estimates and errors, whatever these are from."""
    apart = {error_note(fit), *weight_note(fit)}
    cautions = _cautions(fit)
    notes = [note for note in notes_of(fit) if note not in apart and note not in cautions]
    hidden = np.flatnonzero(_done_without(fit))
    zeroed = ", the penalty holds it at zero" if penalty_note(fit) else ""
    return Description(
        title=_title(fit),
        facts=tuple(_facts(fit)),
        sections=tuple(_sections(fit)),
        notes=tuple(notes),
        cautions=tuple(cautions),
        hidden=frozenset(hidden.tolist()),
        zeroed=zeroed,
        experts=fit.request.options.expert_names,
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
    return cautions + penalty_note(fit)


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


def _identified_block(fit: Fit) -> list["Block"]:
    """Functions of the gate's parameters that the data determine."""
    from mixstat.inference.summary import Block

    table = fit.identified()
    if len(table) == 0:
        return []
    names = [str(name) for name in table["name"]]
    return [Block("Gate: identified functions", names, table["value"], table["std_error"])]


def _sections(fit: Fit) -> list[tuple[str, str]]:
    """Titles of the tables and what their parameters' names begin with."""
    share = fit.maximum.share
    gate, experts = fit.user_model.gate, fit.user_model.experts
    told = fit.request.options.expert_names or contexts_of(fit)
    name = [f", {one}" for one in told] or [""] * fit.n_experts
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
