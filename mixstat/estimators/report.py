"""The summary of a fitted regressor."""

from typing import Any

import numpy as np

from mixstat.inference.summary import Block, summary_tables


def parameter_names(moe: Any) -> list[str]:
    """Names of the reported parameters, in the order of ``cov_params``."""
    gate, experts = moe.user_model_.gate, moe.user_model_.experts
    names = gate.parameter_names(moe.gate_names_)
    return names + experts.parameter_names(moe.expert_names_, moe._output_names())


def summarise(moe: Any) -> Any:
    """Facts about the fit, then a table per expert, per gate equation and for the scales."""
    certificate = moe.certificate_
    total = moe.log_likelihood_ * moe.sum_of_weights_
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
    notes = [] if moe.formula_ is None else [f"{moe.formula_}; gate {moe.gate_formula_ or 'same'}."]
    notes += [
        *_order_note(moe),
        "Standard errors are from the observed information"
        + (f", to which ridge={moe.ridge_:g} adds." if moe.ridge_ else "."),
        *certificate.remarks(),
        *certificate.notes(),
    ]
    if np.isnan(error).any():
        notes.append("nan: the data do not determine this parameter, or it is on its floor.")
    return summary_tables("Mixture of Experts", facts, blocks, notes)


def _order_note(moe: Any) -> list[str]:
    """How experts are numbered, and which is the reference."""
    alike = moe.user_model_.exchangeable and np.ndim(moe.degree) == 0
    if moe.n_experts_ == 1 or not alike:
        return []
    what = "their mean prediction" if hasattr(moe, "scale_") else "their first coefficient"
    note = f"Experts are numbered by {what}, smallest first."
    full = len(moe.gate_coef_) == moe.n_experts_ and not np.any(moe.gate_coef_[-1])
    last = moe.n_experts_ - 1
    return [note + (f" Gate coefficients are logits against expert {last}." if full else "")]


def _sections(moe: Any) -> list[tuple[str, str]]:
    """Titles of the tables and what their parameters' names begin with."""
    share = moe.expert_share_
    gate, experts = moe.user_model_.gate, moe.user_model_.experts
    each = range(moe.n_experts_)
    titles = {f"expert{j}:": f"Expert {j} (share {share[j]:.3f})" for j in each}
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
