"""A process that fits and evaluates on request: a line of JSON in, a line of JSON out.

``mixstat`` and JAX are imported on the first request that needs them, so that the memory of the
reference is its own.
"""

import importlib
import json
import os
import sys
import traceback
import warnings
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from . import kernels, reference_em, workloads
from .clocks import Spent, peak_mb, timed

Answer = dict[str, Any]


class Session:
    """What requests share: the data, and functions that were compiled."""

    def __init__(self) -> None:
        self.data: workloads.Workload
        self.n_experts = 0
        self.kernels: dict[str, Callable[[], Any]] = {}
        self.precision = ""

    def measure(self, module: str, **settings: Any) -> Answer:
        """What ``measure`` of a module of this folder finds."""
        return importlib.import_module(f".{module}", __package__).measure(**settings)

    def load(self, path: str, n_experts: int) -> Answer:
        """Read a workload."""
        self.data, self.n_experts = workloads.load(path), n_experts
        return {"cpu": 0.0}

    def simulate(self, n: int, d: int, n_experts: int) -> Answer:
        """Data for kernels."""
        spec = workloads.Spec(n, d, n_experts)
        self.data = workloads.simulate(spec, kernels.truth(n, d, n_experts), seed=4)
        self.n_experts = n_experts
        return {"cpu": 0.0}

    def device(self) -> Answer:
        """What JAX computes on."""
        import jax

        return {"cpu": 0.0, "name": jax.devices()[0].device_kind}

    def import_mixstat(self) -> Answer:
        """Load everything that a fit needs, apart from what is loaded when used."""

        def load() -> None:
            from mixstat import MixtureOfExperts  # noqa: F401

        return _answer(timed(load)[1])

    def fit(self) -> Answer:
        """Fit by mixstat from the labels."""
        from mixstat import MixtureOfExperts, MixtureOfExpertsClassifier

        X, y, labels, truth = self.data
        kind = MixtureOfExperts if truth.sigma.size else MixtureOfExpertsClassifier
        moe = kind(self.n_experts, init=labels)
        _, spent = timed(lambda: moe.fit(X, y))
        return _answer(
            spent,
            log_likelihood=moe.log_likelihood_,
            n_passes=moe.result_.n_passes,
            gradient_norm=moe.certificate_.gradient_norm,
            converged=bool(moe.converged_),
        )

    def reference(self, target: float) -> Answer:
        """Fit by the reference from the labels until ``target`` is reached."""
        X, y, labels, truth = self.data
        rule = {"target": target, "tol": 1e-15, "classes": truth.classes}
        found, spent = timed(lambda: reference_em.fit(X, y, labels, self.n_experts, **rule))
        return _answer(spent, log_likelihood=found.log_likelihood, n_passes=found.n_passes)

    def compile(self, kernel: str, precision: str = "float64") -> Answer:
        """Compile a kernel on the data, at the true parameters; its value is a check."""
        if self.precision != precision:
            self.kernels = _kernels(self.data, self.n_experts, precision)
            self.precision = precision
        result, spent = timed(self.kernels[kernel])
        if kernel == "log_likelihood":
            result = (result,)
        return _answer(spent, log_likelihood=float(result[0]))

    def call(self, kernel: str, calls: int) -> Answer:
        """Mean seconds of one call of a compiled kernel."""
        run = self.kernels[kernel]

        def many() -> None:
            for _ in range(calls):
                run()

        spent = timed(many)[1]
        return _answer(Spent(spent.cpu / calls, spent.wall / calls))

    def measure_machine(self) -> Answer:
        """Speed of this core by NumPy, best of several."""
        random = np.random.default_rng(0)
        square = random.standard_normal((1024, 1024))
        source, target = np.ones(2**24), np.empty(2**24)
        few = -5 * random.random(4096)
        out = np.empty_like(few)
        return {
            "cpu": 0.0,
            "bandwidth": 16 * len(source) / _best(lambda: np.copyto(target, source), 9),
            "multiply": 2 * 1024**3 / _best(lambda: square @ square, 9),
            "exp": _best(lambda: np.exp(few, out=out), 2000) / len(few),
            "log": _best(lambda: np.log(-few, out=out), 2000) / len(few),
        }


def _kernels(data: workloads.Workload, k: int, dtype: str) -> dict[str, Callable[[], Any]]:
    """The compiled passes that solvers make, on one batch laid out as an estimator does."""
    import jax

    from mixstat.data import batch as batches
    from mixstat.experts import GaussianExperts
    from mixstat.fitting.tables import table_width
    from mixstat.gates import SoftmaxGate
    from mixstat.model import Mixture
    from mixstat.numerics import parameter_vector, precision
    from mixstat.numerics.compiled import kernel
    from mixstat.objective import objective
    from mixstat.objective.derivatives import derivatives, value_and_gradient
    from mixstat.objective.likelihood import log_likelihood
    from mixstat.objective.reduction import total
    from mixstat.solvers import m_step

    features = np.c_[np.ones(len(data.X)), data.X]
    p = features.shape[1]
    with precision.float64():
        width = table_width(3 * k - 1, p, p)
        batch = batches.build(features, features, data.y[:, None], width=width)
        null = Mixture(SoftmaxGate().null(k, p), GaussianExperts().null(k, p, 1))
        truth = (data.truth.gate[:-1], data.truth.coef, np.log(data.truth.sigma))
        model = parameter_vector.from_vector(
            null, np.concatenate([np.ravel(part) for part in truth])
        )
        if dtype == "float32":
            batch = batches.single(batch)
        model = jax.device_put(model)
        bounds = objective.make(null, batch, min_scale=1e-4)

    @kernel()
    def em_step(model: Any, batch: Any) -> Any:
        sums = total(m_step.step_statistics, model, batch)
        return m_step.m_step_of(bounds.replace(batch=batch), model, sums)

    passes = {
        "em_step": em_step,
        "log_likelihood": log_likelihood,
        "gradient": value_and_gradient,
        "hessian": derivatives,
    }

    def run(function: Callable[..., Any]) -> Any:
        with precision.float64():
            return jax.block_until_ready(function(model, batch))

    return {name: partial(run, function) for name, function in passes.items()}


def _best(function: Callable[[], Any], times: int) -> float:
    return min(timed(function)[1].cpu for _ in range(times))


def _answer(spent: Spent, **more: Any) -> Answer:
    return {"cpu": spent.cpu, "wall": spent.wall, "peak_mb": peak_mb(), **more}


def main() -> None:
    """Answer until the input ends."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # whatever a library prints must not be taken for an answer
    warnings.simplefilter("ignore")
    session = Session()
    for line in sys.stdin:
        request = json.loads(line)
        try:
            answer = getattr(session, request.pop("what"))(**request)
        except Exception:
            answer = {"error": traceback.format_exc()}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
