"""What a pass over the data must cost: bytes read, multiplications, exponentials."""

from typing import NamedTuple


class Machine(NamedTuple):
    """Speed of one core."""

    bandwidth: float  # bytes per second
    multiply: float  # floating point operations per second of a large matrix product
    exp: float  # seconds per exponential in a vectorised loop
    log: float  # seconds per logarithm


# One core of a 2.6 GHz server with AVX-512, best of many repetitions.
STATED = Machine(24e9, 49.5e9, 0.57e-9, 0.74e-9)


class Work(NamedTuple):
    """Least work of one call. Symmetric products count one triangle."""

    bytes: float
    flops: float
    exps: float
    logs: float

    def floor(self, machine: Machine) -> float:
        """Seconds at those speeds, reading and computing at once."""
        computing = (
            self.flops / machine.multiply + self.exps * machine.exp + self.logs * machine.log
        )
        return max(self.bytes / machine.bandwidth, computing)


def work(kernel: str, n: int, d: int, k: int) -> Work:
    """Least work of ``kernel`` for Gaussian experts on the gate's features.

    The data are read once. A density needs one exponential per expert, and the gate one per
    logit that is not the reference's; a row's log-likelihood is one logarithm of a ratio.
    """
    p = d + 1
    predict = 2.0 * (2 * k - 1) * p * n
    triangle = p * (p + 1.0) * n  # of one weighted product of the features with themselves
    extra = {
        "log_likelihood": 0.0,
        "gradient": predict,
        "em_step": predict + (k + k * (k - 1) / 2) * triangle,
        "hessian": predict + _hessian_flops(n, p, k, triangle),
    }
    return Work(8.0 * n * (d + 1), predict + extra[kernel], n * (2.0 * k - 1), float(n))


def _hessian_flops(n: int, p: int, k: int, triangle: float) -> float:
    linear = 2 * k - 1  # predictors on the features: K - 1 logits and K means
    pairs = linear * (linear + 1) / 2
    with_scales = 2.0 * p * n * linear * k
    return pairs * triangle + with_scales + n * k * (k + 1.0)
