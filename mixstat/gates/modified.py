"""The softmax gate on a function of the inputs."""

from collections.abc import Callable

import equinox as eqx
import numpy as np
from jaxtyping import Float

from mixstat.gates.activations import MAPS, find, tell
from mixstat.gates.base import blank
from mixstat.gates.identification import Identification
from mixstat.gates.softmax import LinearSoftmaxGate
from mixstat.numerics.precision import AnyArray


class ModifiedSoftmaxGate(LinearSoftmaxGate):
    """pi_k(x) proportional to exp(b_k + w_k . M(x)); the last expert is the reference.

    M acts in the gate alone; experts see x itself. ``function`` is "tanh", "sigmoid", "sin",
    "cube" (column by column) or a callable that maps an array (n, d) of inputs, in the units
    they are given in, to an array (n, r).

    Following Nguyen, H., Akbarian, P., Nguyen, T. and Ho, N. (2024). A general theory for softmax
    gating multinomial logistic mixture of experts. ICML. arXiv 2310.14188.

    Examples
    --------
    >>> from mixstat import MixtureOfExperts
    >>> from mixstat.datasets import make_tent
    >>> from mixstat.gates import ModifiedSoftmaxGate
    >>> X, y = make_tent(300, random_state=0)
    >>> gate = ModifiedSoftmaxGate(function="tanh")
    >>> moe = MixtureOfExperts(2, gate=gate, n_init=2, random_state=0).fit(X, y)
    >>> moe.gate_names_
    ['1', 'tanh(x0)', 'tanh(x1)', 'tanh(x2)']
    """

    coef: Float[AnyArray, "J q"] = eqx.field(default_factory=blank)  # J = K - 1; per unit of M
    function: str | Callable = eqx.field(static=True, default="tanh", kw_only=True)

    def null(self, n_experts: int, n_features: int) -> "ModifiedSoftmaxGate":
        find("function", self.function, MAPS)
        return ModifiedSoftmaxGate(np.zeros((n_experts - 1, n_features)), function=self.function)

    def feature_map(self) -> Callable[[np.ndarray], np.ndarray]:
        return find("function", self.function, MAPS)

    def map_name(self) -> str:
        return tell(self.function)

    def identification(self) -> Identification:
        return ProductIndependence()


class ProductIndependence(Identification):
    """Rates rest on products of the inputs and their functions."""

    def independence(
        self, features: Float[np.ndarray, "n q"], inputs: Float[np.ndarray, "n d"]
    ) -> dict[str, list[np.ndarray]]:
        """Products x^p M(x)^q with p + q <= 2, as products of the columns of x and M(x).

        Condition following Nguyen et al. (2024), arXiv 2310.14188. Columns are standardised,
        which changes the margin and not the span, since the constant belongs to it.
        """
        columns = [_standard(c) for c in [*inputs.T, *features.T[1:]]]
        pairs = [a * b for i, a in enumerate(columns) for b in columns[i:]]
        return {"second": [np.column_stack([np.ones(len(inputs)), *columns, *pairs])]}


def _standard(column: np.ndarray) -> np.ndarray:
    """Centred, with deviation one unless it is constant."""
    centred = column - column.mean()
    return centred / (centred.std() or 1.0)
