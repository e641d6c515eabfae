"""How many programs JAX compiled."""

from collections.abc import Iterator
from contextlib import contextmanager

BACKEND = "/jax/core/compile/backend_compile_duration"


@contextmanager
def counted() -> Iterator[list[float]]:
    """Seconds that the compiler took for each program made inside, or found in a cache."""
    import jax.monitoring

    from mixstat.numerics.programs import LOADED

    found: list[float] = []
    inside = True

    def count(event: str, seconds: float, **_: object) -> None:
        if inside and event in (BACKEND, LOADED):
            found.append(seconds)

    jax.monitoring.register_event_duration_secs_listener(count)
    yield found
    inside = False  # listeners cannot be taken back
