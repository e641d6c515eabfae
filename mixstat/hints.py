"""Arguments that people know by another name from elsewhere."""

import difflib
import inspect
from collections.abc import Callable, Iterable, Mapping
from functools import wraps
from typing import ParamSpec, TypeVar

Given = ParamSpec("Given")
Answer = TypeVar("Answer")

# other names, and what is called so here
ELSEWHERE: Mapping[str, tuple[str, ...]] = {
    "n_experts": ("k", "K", "G", "n_components", "n_clusters", "n_mixtures", "components"),
    "sample_weight": ("weights", "weight", "w", "sample_weights", "freq_weights", "obs_weights"),
    "offset": ("exposure", "log_exposure", "offsets", "base_margin"),
    "groups": ("units", "unit", "cluster", "clusters", "subject", "id", "group"),
    "known_experts": ("known", "known_labels", "known_class", "labels", "partial", "z"),
    "missing": ("na_action", "nan_policy", "na", "dropna"),
    "random_state": ("seed", "rng", "key", "random_seed"),
    "max_iter": ("maxiter", "n_iter", "iterations", "max_iterations", "n_iterations"),
    "n_init": ("nrep", "n_starts", "nstart", "restarts", "n_restarts", "starts"),
    "ridge": ("alpha", "l2", "reg_covar", "C", "regularization"),
    "expert_penalty": ("lambda_", "l1", "penalty", "alpha"),
    "expert": ("family", "experts", "distribution", "model", "response"),
    "gate": ("gating", "concomitant", "gates", "router", "prior"),
    "gate_formula": ("gating_formula", "concomitant_formula", "formula_gate"),
    "covariance": ("covariance_type", "cov", "cov_type"),
    "solver": ("method", "algorithm", "optimizer"),
    "init": ("init_params", "start", "initial", "means_init"),
    "min_scale": ("min_covar", "floor", "min_std"),
    "data": ("df", "X", "frame"),
    "y": ("target", "endog", "response", "labels"),
    "X": ("data", "exog", "df", "features"),
    "coverage": ("level", "alpha", "confidence"),
    "q": ("quantile", "quantiles", "level", "alpha"),
    "n_samples": ("size", "n_draws", "n"),
    "verbose": ("verbosity", "disp"),
    "tol": ("eps", "tolerance", "xtol", "ftol"),
}


def check_known(name: str, given: Iterable[str], known: Iterable[str]) -> None:
    """Refuse arguments that do not exist, with the one that may have been meant.

    Parameters
    ----------
    name
        Of what was called.
    given, known
        Names of arguments.
    """
    listed = list(known)
    for argument in given:
        if argument not in listed:
            meant = [one for one in listed if argument in ELSEWHERE.get(one, ())]
            meant = meant or difflib.get_close_matches(argument, listed, 1)
            hint = f"; did you mean {' or '.join(meant)}?" if meant else ""
            raise TypeError(f"{name} has no argument {argument!r}{hint}")


def hinting(function: Callable[Given, Answer]) -> Callable[Given, Answer]:
    """A method that tells which argument may have been meant by one that it lacks."""
    known = [name for name in inspect.signature(function).parameters if name != "self"]

    @wraps(function)
    def asked(*args: Given.args, **kwargs: Given.kwargs) -> Answer:
        if not kwargs.keys() <= set(known):
            check_known(f"{function.__name__}()", kwargs, known)
        return function(*args, **kwargs)

    return asked
