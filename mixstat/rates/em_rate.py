"""How fast EM itself goes: the contraction of its steps, in theory and as it is seen."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import scipy.linalg
from jaxtyping import Float

from mixstat.arguments import Setting
from mixstat.data.batch import Rows
from mixstat.model import Mixture
from mixstat.numerics import parameter_vector
from mixstat.numerics.precision import AnyArray, in_float64
from mixstat.rates.cells import Plan, make_task
from mixstat.rates.checks import check_instance
from mixstat.rates.engine import solve_all
from mixstat.rates.inputs import ORDERS
from mixstat.rates.law import Law
from mixstat.rates.losses.density import log_densities, response_nodes
from mixstat.rates.specification import Specification
from mixstat.rates.starts import NearTruth, Task
from mixstat.rates.truths import Truth
from mixstat.solvers.em import EM, StopRule
from mixstat.validation import check_integer

LEFT = 1e-6  # part of the first distance at which EM is looked at last
MOST = 20_000  # steps
PLAIN = EM(accelerate=False, exact_gate=True, stop=StopRule(0.0, 0.0, MOST))


class EMRate(NamedTuple):
    """Factors by which a step of EM shortens the distance to its limit, near that."""

    at_truth: float
    """Spectral radius at the truth, for infinitely many rows."""
    at_fit: float
    """Spectral radius at the maximum of one data set."""
    observed: float
    """Factor of the last steps towards that maximum."""

    @property
    def steps_per_digit(self) -> float:
        """Steps in which the distance becomes a tenth, as observed."""
        return float(np.log(0.1) / np.log(self.observed))

    def __str__(self) -> str:
        return (
            f"EM shortens the distance by {self.observed:.4f} a step, {self.steps_per_digit:.3g} "
            f"steps a digit; spectral radius {self.at_fit:.4f} at the fit, {self.at_truth:.4f} at "
            "the truth"
        )


@in_float64
def em_rate(truth: Setting, n: Setting = 10_000, *, random_state: Setting = 0) -> EMRate:
    """The contraction of EM on a truth that is fitted with as many experts.

    Near its limit EM multiplies the distance by I - C^-1 J, of the information J of the data and
    that of the complete data, C, in which the experts of the rows are known. Its spectral radius
    is computed at the truth, by quadrature over x and y, and at the maximum of one data set, and
    is set beside what plain EM, with exact M-steps, is seen to do there from the truth on.

    Dempster, A. P., Laird, N. M. and Rubin, D. B. (1977). Maximum likelihood from incomplete data
    via the EM algorithm. J. R. Stat. Soc. B 39, 1-38.

    Parameters
    ----------
    truth : Truth
        A mixture of experts with one output.
    n : int, default=10000
        Size of the data set.
    random_state : int, default=0
        Its seed.

    Returns
    -------
    EMRate
        The three factors; ``print`` tells them in a sentence.

    Examples
    --------
    >>> from mixstat.rates import em_rate, find_truth
    >>> found = em_rate(find_truth("softmax-gaussian-mild"), 1000)
    >>> abs(found.observed - found.at_fit) < 1e-3
    True
    """
    truth = check_instance("truth", truth, Truth, "a Truth")
    size = check_integer("n", n, 2)
    seed = check_integer("random_state", random_state, 0)
    law = truth.law
    if not isinstance(law, Law):
        raise ValueError(f"truth must be a mixture of experts, got {truth.name!r}, which is none.")
    spec = Specification(truth.n_experts)
    task = make_task(Plan(truth, spec, NearTruth(), (), seed), size, 0)
    (end,) = solve_all([task.objective], [law.mixture], spec)
    rows = _rows(law, task.X, task.y, task.weight / task.weight.sum())
    at_fit = spectral_radius(end.model, rows)
    return EMRate(_at_truth(truth, law), at_fit, _observed(task, law.mixture, end.model, at_fit))


def spectral_radius(model: Mixture, rows: Rows) -> float:
    """Of I - C^-1 J at a model, over weighted rows."""
    vector = parameter_vector.to_vector(model)

    def joint(v: AnyArray) -> AnyArray:
        one = parameter_vector.from_vector(model, v)
        return one.gate.log_weight(rows) + one.experts.log_prob(rows)

    share = jax.nn.softmax(joint(vector), axis=0)
    weight = jnp.asarray(rows.weight)

    def observed(v: AnyArray) -> AnyArray:
        return -jnp.sum(weight * jax.nn.logsumexp(joint(v), axis=0))

    def complete(v: AnyArray) -> AnyArray:
        return -jnp.sum(weight[None, :] * share * joint(v))

    both = [np.asarray(jax.jit(jax.hessian(one))(vector)) for one in (observed, complete)]
    try:
        return 1.0 - float(scipy.linalg.eigh(*both, eigvals_only=True)[0])
    except np.linalg.LinAlgError as error:
        raise ValueError(
            "truth must have parameters that complete data determine; those of "
            f"{type(model.gate).__name__} with {type(model.experts).__name__} are not, such as a "
            "temperature beside slopes that it divides."
        ) from error


def _rows(law: Law, X: np.ndarray, y: np.ndarray, weight: Float[np.ndarray, " n"]) -> Rows:
    Phi, Z = law.features.tables(X)
    return Rows(Z.T, Phi.T, law.mixture.experts.encode(y.reshape(len(X), -1)).T, weight)


def _at_truth(truth: Truth, law: Law) -> float:
    """The spectral radius over the distribution of x and y itself."""
    nodes = truth.inputs.nodes(ORDERS[0])
    at = law.at(nodes.X)
    y, mass = response_nodes(at, at, ORDERS[0])
    coded = at.experts.encode(y.reshape(-1, 1)).T
    share = nodes.weight[:, None] * mass * np.exp(log_densities(at, coded, y.shape))
    X = np.repeat(nodes.X, y.shape[1], axis=0)
    weight = np.ravel(share) / share.sum()
    return spectral_radius(law.mixture, _rows(law, X, y.reshape(-1, 1), weight))


def _observed(task: Task, start: Mixture, end: Mixture, expected: float) -> float:
    """The mean factor of the second half of the steps that leave little of the distance."""
    steps = int(np.clip(np.log(LEFT) / np.log(min(max(expected, 1e-3), 1 - 1e-9)), 4, MOST))
    limit = parameter_vector.to_vector(end)
    runs = [PLAIN.run(task.objective, start, max_iter=count) for count in (steps // 2, steps)]
    gaps = [np.linalg.norm(parameter_vector.to_vector(run.model) - limit) for run in runs]
    return float((gaps[1] / gaps[0]) ** (1.0 / (runs[1].n_iter - runs[0].n_iter)))
