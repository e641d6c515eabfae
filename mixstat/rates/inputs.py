"""Laws of the inputs of a simulation: draws, and nodes for averages over the law."""

import abc
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from mixstat.arguments import Setting
from mixstat.gates.gaussian import GaussianGate
from mixstat.rates.checks import check_instance, check_interval, check_table
from mixstat.validation import check_integer

PANELS = 24  # pieces of an interval in which a gate may be steep
ORDERS = (4, 7)  # Gauss-Legendre points of a piece: for the error estimate, and for the value
MOST_NODES = 20_000  # above, a sample must replace the grid of nodes
NOWHERE = np.zeros(0)


class Nodes(NamedTuple):
    """Points and weights whose weighted sums are averages over the law of the inputs."""

    X: Float[np.ndarray, "n d"]
    weight: Float[np.ndarray, " n"]  # sums to one


class InputLaw(abc.ABC):
    """Interface: where the inputs of a simulated data set come from."""

    @property
    @abc.abstractmethod
    def n_inputs(self) -> int:
        """Number of inputs d."""

    @abc.abstractmethod
    def sample(self, n: int, random: np.random.Generator) -> Float[np.ndarray, "n d"]:
        """Inputs of a data set of size ``n``."""

    @property
    def interval(self) -> tuple[float, float] | None:
        """Ends of the interval of a single input that fills one; else None."""
        return None

    @abc.abstractmethod
    def nodes(self, order: int, breaks: Float[np.ndarray, " b"] = NOWHERE) -> Nodes:
        """Nodes for averages; ``order`` points in each piece of each input.

        Pieces of an :attr:`interval` end at ``breaks`` too, where a density may jump.
        """

    def describe(self) -> str:
        """One line for people and for a study's fingerprint."""
        return repr(self)


class Uniform(InputLaw):
    """Independent inputs, uniform on an interval.

    Parameters
    ----------
    low, high : float
        Ends of the interval.
    n_inputs : int, default=1
        Number of inputs.

    Examples
    --------
    >>> import numpy as np
    >>> from mixstat.rates import Uniform
    >>> X = Uniform(-1, 1, n_inputs=2).sample(1000, np.random.default_rng(0))
    >>> print(X.shape, X.min().round(1), X.max().round(1))
    (1000, 2) -1.0 1.0
    """

    def __init__(self, low: Setting, high: Setting, n_inputs: Setting = 1) -> None:
        self.low, self.high = check_interval(low, high)
        self._n_inputs = check_integer("n_inputs", n_inputs, 1)

    @property
    def n_inputs(self) -> int:
        """Number of inputs d."""
        return self._n_inputs

    def sample(self, n: int, random: np.random.Generator) -> Float[np.ndarray, "n d"]:
        """Independent draws."""
        return random.uniform(self.low, self.high, (n, self.n_inputs))

    @property
    def interval(self) -> tuple[float, float] | None:
        """The interval, if there is one input."""
        return (self.low, self.high) if self.n_inputs == 1 else None

    def nodes(self, order: int, breaks: Float[np.ndarray, " b"] = NOWHERE) -> Nodes:
        """Gauss-Legendre points in equal pieces, cut at the breaks of a single input."""
        pieces = max(PANELS // 4 ** (self.n_inputs - 1), 2)
        edges = np.linspace(self.low, self.high, pieces + 1)
        if self.n_inputs == 1:
            edges = np.union1d(edges, np.clip(breaks, self.low, self.high))
        x, weight = panels(edges, order)
        return tensor(x, weight / weight.sum(), self.n_inputs)

    def __repr__(self) -> str:
        return f"Uniform({self.low:g}, {self.high:g}, n_inputs={self.n_inputs})"


class Grid(Uniform):
    """One input on an even grid over an interval, the same in every data set.

    Examples
    --------
    >>> import numpy as np
    >>> from mixstat.rates import Grid
    >>> Grid(0, 1).sample(5, np.random.default_rng(0)).ravel()
    array([0.  , 0.25, 0.5 , 0.75, 1.  ])
    """

    def __init__(self, low: Setting, high: Setting) -> None:
        super().__init__(low, high)

    def sample(self, n: int, random: np.random.Generator) -> Float[np.ndarray, "n 1"]:
        """The grid of ``n`` points."""
        return np.linspace(self.low, self.high, n)[:, None]

    def __repr__(self) -> str:
        return f"Grid({self.low:g}, {self.high:g})"


class Clusters(InputLaw):
    """The mixture of normal inputs that a Gaussian gate is made of.

    Examples
    --------
    >>> import numpy as np
    >>> from mixstat.rates import Clusters, find_truth
    >>> inputs = Clusters(find_truth("gaussian-gate-mild").mixture.gate)
    >>> inputs.weights
    array([0.5, 0.5])
    >>> inputs.sample(3, np.random.default_rng(0)).shape
    (3, 1)
    """

    def __init__(self, gate: Setting) -> None:
        self.gate = check_instance("gate", gate, GaussianGate, "a GaussianGate with numbers")
        if not self.gate.inputs.n_experts:
            raise ValueError("gate must have the numbers of its clusters, got settings alone.")

    @property
    def n_inputs(self) -> int:
        """Number of inputs d."""
        return self.gate.inputs.n_outputs

    @property
    def weights(self) -> Float[np.ndarray, " K"]:
        """Probability of each cluster."""
        logits = np.append(np.ravel(self.gate.logit), 0.0)
        share = np.exp(logits - logits.max())
        return share / share.sum()

    def sample(self, n: int, random: np.random.Generator) -> Float[np.ndarray, "n d"]:
        """Independent draws."""
        label = random.choice(len(self.weights), size=n, p=self.weights)
        factor = np.linalg.cholesky(self.gate.inputs.covariances())
        noise = random.standard_normal((n, self.n_inputs))
        return self.gate.coefficients()[label] + np.einsum("nij,nj->ni", factor[label], noise)

    def nodes(self, order: int, breaks: Float[np.ndarray, " b"] = NOWHERE) -> Nodes:
        """Gauss-Hermite points of each cluster."""
        z, weight = np.polynomial.hermite_e.hermegauss((4 if self.n_inputs == 1 else 2) * order)
        one = tensor(z, weight / weight.sum(), self.n_inputs)
        factor = np.linalg.cholesky(self.gate.inputs.covariances())
        centre = self.gate.coefficients()
        X = [c + one.X @ f.T for c, f in zip(centre, factor, strict=True)]
        return Nodes(np.vstack(X), np.concatenate([w * one.weight for w in self.weights]))

    def __repr__(self) -> str:
        where, spread = self.gate.coefficients(), self.gate.inputs.covariances()
        return f"Clusters({self.weights.tolist()}, {where.tolist()}, {spread.tolist()})"


class Observed(InputLaw):
    """Rows of a data set, drawn with replacement.

    Parameters
    ----------
    X : ndarray of shape (n, d)
        The rows.

    Examples
    --------
    >>> import numpy as np
    >>> from mixstat.rates import Observed
    >>> inputs = Observed([[1.0, 2.0], [3.0, 4.0]])
    >>> inputs.sample(100, np.random.default_rng(0)).shape
    (100, 2)
    >>> inputs.nodes(1).weight
    array([0.5, 0.5])
    """

    def __init__(self, X: Setting) -> None:
        self.X = check_table("X", X)

    @property
    def n_inputs(self) -> int:
        """Number of inputs d."""
        return self.X.shape[1]

    def sample(self, n: int, random: np.random.Generator) -> Float[np.ndarray, "n d"]:
        """Rows drawn with replacement."""
        return self.X[random.integers(len(self.X), size=n)]

    def nodes(self, order: int, breaks: Float[np.ndarray, " b"] = NOWHERE) -> Nodes:
        """All rows, whatever the order: the law is discrete, so averages are exact."""
        return Nodes(self.X, np.full(len(self.X), 1.0 / len(self.X)))

    def __repr__(self) -> str:
        import hashlib

        digest = hashlib.sha256(np.ascontiguousarray(self.X).tobytes()).hexdigest()[:16]
        return f"Observed({self.X.shape[0]} x {self.X.shape[1]}, sha256 {digest})"


class Lattice(Observed):
    """One input that is equally often at each of a few points, evenly spaced.

    Data sets of classes are then tables of counts: they are drawn and fitted as such, so that a
    size of many millions takes no more time or memory than a small one.

    Parameters
    ----------
    low, high : float
        First and last point.
    n_points : int, default=61
        Number of points.

    Examples
    --------
    >>> from mixstat.rates import Lattice
    >>> Lattice(-1, 1, n_points=5).X.ravel()
    array([-1. , -0.5,  0. ,  0.5,  1. ])
    """

    def __init__(self, low: Setting, high: Setting, n_points: Setting = 61) -> None:
        self.low, self.high = check_interval(low, high)
        count = check_integer("n_points", n_points, 2)
        super().__init__(np.linspace(self.low, self.high, count)[:, None])

    def __repr__(self) -> str:
        return f"Lattice({self.low:g}, {self.high:g}, n_points={len(self.X)})"


def check_inputs(inputs: Setting) -> InputLaw:
    """A law of the inputs."""
    return check_instance("inputs", inputs, InputLaw, "a law of the inputs, such as Uniform(-3, 3)")


def panels(
    edges: Float[np.ndarray, "*rows e"], order: int
) -> tuple[Float[np.ndarray, "*rows p"], Float[np.ndarray, "*rows p"]]:
    """Gauss-Legendre points and weights between each two edges, along the last axis."""
    z, weight = np.polynomial.legendre.leggauss(order)
    half = 0.5 * np.diff(edges, axis=-1)[..., None]
    points = edges[..., :-1, None] + half * (1.0 + z)
    shape = (*edges.shape[:-1], -1)
    return points.reshape(shape), (half * weight).reshape(shape)


def tensor(x: Float[np.ndarray, " p"], weight: Float[np.ndarray, " p"], d: int) -> Nodes:
    """The same points in each of ``d`` inputs.

    Raises ValueError if that makes too many; give :class:`Observed` a sample of the law then.
    """
    if len(x) ** d > MOST_NODES:
        kept = max(int(MOST_NODES ** (1 / d)), 2)
        raise ValueError(
            f"averages over {d} inputs would take {len(x)}^{d} nodes, more than {MOST_NODES} "
            f"(about {kept} an input); use inputs=Observed(sample) for them."
        )
    X = np.stack(np.meshgrid(*[x] * d, indexing="ij"), axis=-1).reshape(-1, d)
    product = np.prod(np.stack(np.meshgrid(*[weight] * d, indexing="ij"), axis=-1), axis=-1)
    return Nodes(X, np.ravel(product))
