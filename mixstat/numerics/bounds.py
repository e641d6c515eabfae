"""What bounds hold."""

from jaxtyping import Bool, Float

from mixstat.numerics.precision import AnyArray


def free_to_rise(
    vector: Float[AnyArray, " D"],
    gradient: Float[AnyArray, " D"],
    bounds: tuple[Float[AnyArray, " D"], Float[AnyArray, " D"]],
) -> Bool[AnyArray, " D"]:
    """Parameters that no bound holds from moving uphill."""
    lower, upper = bounds
    below = (vector <= lower) & (gradient <= 0)
    return ~(below | ((vector >= upper) & (gradient >= 0)))
