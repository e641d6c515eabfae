"""Scalar functions that gates apply, by name or as a callable of one's own."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from mixstat.precision import AnyArray

Function = Callable[[AnyArray], AnyArray]


def _gelu(z: AnyArray) -> AnyArray:
    return jax.nn.gelu(z, approximate=False)


# applied to a linear predictor
ACTIVATIONS: dict[str, Function] = {
    "sigmoid": jax.nn.sigmoid,
    "tanh": jnp.tanh,
    "sin": jnp.sin,
    "gelu": _gelu,
    "silu": jax.nn.silu,
    "softplus": jax.nn.softplus,
    "relu": jax.nn.relu,
    "identity": lambda z: z,
    "polynomial": lambda z: z + z**2,
    "square": lambda z: z**2,
    "cube": lambda z: z**3,
}

# applied to the inputs, column by column
MAPS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "tanh": np.tanh,
    "sigmoid": lambda x: 0.5 * (1 + np.tanh(0.5 * x)),
    "sin": np.sin,
    "cube": lambda x: x**3,
}


def find(argument: str, value: Any, table: dict[str, Any]) -> Any:
    """A function by name, or the callable itself."""
    if callable(value):
        return value
    if not isinstance(value, str) or value not in table:
        listed = ", ".join(repr(name) for name in table)
        raise ValueError(f"{argument} must be one of {listed}, or a callable; got {value!r}.")
    return table[value]


def check_activation(value: Any) -> None:
    """Refuse a callable that JAX cannot trace, or that is not finite between -10 and 10."""
    function = find("activation", value, ACTIVATIONS)
    grid = jnp.linspace(-10.0, 10.0, 41)
    try:
        values = np.asarray(jax.jit(function)(grid))
    except Exception as error:
        raise ValueError(
            f"activation must be written with jax.numpy and act on each entry; {tell(value)} "
            f"fails: {error}"
        ) from error
    if values.shape != grid.shape or not np.isfinite(values).all():
        seen = "another shape" if values.shape != grid.shape else "NaN or infinity"
        raise ValueError(
            f"activation must be finite and keep the shape of its argument; {tell(value)} gives "
            f"{seen} between -10 and 10."
        )


def tell(value: Any) -> str:
    """Name of a function for people."""
    return value if isinstance(value, str) else getattr(value, "__name__", repr(value))
