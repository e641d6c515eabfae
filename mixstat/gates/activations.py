"""Scalar functions that gates apply, by name or as a callable of one's own."""

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import TypeVar

import jax
import jax.numpy as jnp
import numpy as np

from mixstat.numerics.precision import AnyArray, float64

Function = Callable[[AnyArray], AnyArray]
AnyFunction = TypeVar("AnyFunction", bound=Callable)


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


def find(argument: str, value: object, table: Mapping[str, AnyFunction]) -> AnyFunction:
    """A function by name, or the callable itself."""
    if callable(value):
        return value  # pyright: ignore[reportReturnType]
    if not isinstance(value, str) or value not in table:
        listed = ", ".join(repr(name) for name in table)
        raise ValueError(f"{argument} must be one of {listed}, or a callable; got {value!r}.")
    return table[value]


def check_activation(value: object) -> None:
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


def homogeneity(function: Function) -> float | None:
    """The p of a function with s(z) = constant + p z s'(z), such as a power 1/p; else None.

    Then s(c^p z) = c s(z) up to a constant, so that a factor may move between the slopes inside
    and a temperature outside. Judged on a grid.
    """
    z, values, slopes = _on_grid(function)
    columns = np.column_stack([np.ones(len(z)), z * slopes])
    fitted, *_ = np.linalg.lstsq(columns, values, rcond=None)
    exact = np.allclose(columns @ fitted, values, rtol=0, atol=1e-10 * np.abs(values).max())
    return float(fitted[1]) if exact and abs(fitted[1]) > 1e-8 else None


def is_affine(function: Function) -> bool:
    """Whether the function is a straight line; judged on a grid."""
    slopes = _on_grid(function)[2]
    return bool(np.ptp(slopes) <= 1e-12 * np.abs(slopes).max())


@lru_cache
def _on_grid(function: Function) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Points, values and slopes."""
    with float64():
        z = jnp.linspace(-3.0, 3.0, 60)
        values, slopes = jax.vmap(jax.value_and_grad(function))(z)
        return np.asarray(z), np.asarray(values), np.asarray(slopes)


def tell(value: object) -> str:
    """Name of a function for people."""
    return value if isinstance(value, str) else getattr(value, "__name__", repr(value))
