"""The summary of a fitted regressor."""

from typing import Any

import numpy as np

from mixstat.inference.summary import Block, summary_tables


def parameter_names(moe: Any) -> list[str]:
    """Names of the reported parameters, in the order of ``cov_params``."""
    k, m = moe.n_experts_, len(moe.location_)
    names = [f"gate{j}:{z}" for j in range(k - 1) for z in moe.gate_names_]
    outputs = [""] if moe.single_output_ else [f"y{o}:" for o in range(m)]
    names += [f"expert{j}:{o}{p}" for j in range(k) for o in outputs for p in moe.expert_names_]
    experts = moe.user_model_.experts
    pairs = [f"y{a} on y{b}" for a, b in zip(*np.tril_indices(m, -1), strict=True)]
    for word, table, columns in (
        ("log_scale", experts.log_scale, [f"y{o}" for o in range(m)]),
        ("shear", experts.shear, pairs),
    ):
        for j in range(len(table)):
            owner = word if len(table) < k else f"{word}{j}"
            width = table.shape[1]
            names += [f"{owner}:{c}" for c in columns[:width]] if width > 1 else [owner] * width
    return names


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
    reference = moe.n_experts_ - 1
    notes = [] if moe.formula_ is None else [f"{moe.formula_}; gate {moe.gate_formula_ or 'same'}."]
    notes += [
        "Experts are numbered by their mean prediction, smallest first."
        + (f" Gate coefficients are logits against expert {reference}." if reference else ""),
        "Standard errors are from the observed information"
        + (f", to which ridge={moe.ridge_:g} adds." if moe.ridge_ else "."),
        *certificate.remarks(),
    ]
    if np.isnan(error).any():
        notes.append("nan: the data do not determine this parameter, or it is on its floor.")
    return summary_tables("Mixture of Experts", facts, blocks, notes)


def _sections(moe: Any) -> list[tuple[str, str]]:
    share = moe.expert_share_
    k = moe.n_experts_
    titles = [(f"Expert {j} (share {share[j]:.3f})", f"expert{j}:") for j in range(k)]
    titles += [(f"Gate: expert {j} against {k - 1}", f"gate{j}:") for j in range(k - 1)]
    titles.append(("Log of standard deviation", "log_scale"))
    if moe.user_model_.experts.shear.size:
        titles.append(
            ("Shear (regression of each residual on those before, sign reversed)", "shear")
        )
    return titles


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
