"""Polynomial features: which monomials, their values, and how shifting x moves coefficients."""

from collections.abc import Sequence
from itertools import combinations_with_replacement
from math import comb
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int


def powers(n_inputs: int, degree: int, *, interactions: bool = True) -> Int[np.ndarray, "p d"]:
    """Exponents of all monomials of total degree at most ``degree``, the constant first.

    Without ``interactions`` only powers of single inputs. Both sets contain every divisor of
    their members, so a shift of the inputs maps them into themselves.
    """
    rows = [np.zeros(n_inputs, int)]
    for total in range(1, degree + 1):
        if interactions:
            chosen = combinations_with_replacement(range(n_inputs), total)
        else:
            chosen = (total * (j,) for j in range(n_inputs))
        rows += [np.bincount(c, minlength=n_inputs) for c in chosen]
    return np.array(rows, int).reshape(len(rows), n_inputs)


class Step(NamedTuple):
    """A monomial as an earlier one times an input; None twice is the constant."""

    earlier: int | None
    factor: int | None


def steps(exponents: Int[np.ndarray, "p d"]) -> list[Step]:
    """How each monomial comes from an earlier one."""
    each = [_powers_used(e) for e in exponents]
    place = {used: i for i, used in enumerate(each)}
    found: list[Step] = []
    for used in each:
        if not used:
            found.append(Step(None, None))
            continue
        (first, power), *others = used
        smaller = ((first, power - 1), *others) if power > 1 else tuple(others)
        found.append(Step(place[smaller], first))
    return found


def _powers_used(e: Int[np.ndarray, " d"]) -> tuple[tuple[int, int], ...]:
    """The inputs of a monomial, in order, with their powers."""
    used = np.flatnonzero(e)
    return tuple(zip(used.tolist(), e[used].tolist(), strict=True))


def monomials(X: Float[np.ndarray, "n d"], exponents: Int[np.ndarray, "p d"]) -> np.ndarray:
    """Values of the monomials (n, p)."""
    return np.ascontiguousarray(follow(X.T, steps(exponents)).T)


def follow(X: Float[np.ndarray, "d n"], made: list[Step]) -> Float[np.ndarray, "p n"]:
    """Values of the monomials that are made in these steps, rows of data last."""
    out = np.empty((len(made), X.shape[1]))
    for i, (earlier, factor) in enumerate(made):
        if earlier is None or factor is None:
            out[i] = 1.0
        else:
            np.multiply(out[earlier], X[factor], out=out[i])
    return out


def slopes(
    X: Float[np.ndarray, "n d"], exponents: Int[np.ndarray, "p d"], column: int
) -> Float[np.ndarray, "n p"]:
    """Derivatives of the monomials in one input."""
    power = exponents[:, column]
    lower = exponents.copy()
    lower[:, column] = np.maximum(power - 1, 0)
    # not by monomials(): divisors of these need not be among them in their order
    factors = [X[:, j, None] ** lower[None, :, j] for j in range(X.shape[1])]
    return power * np.prod(factors, axis=0)


def shift_map(
    exponents: Int[np.ndarray, "p d"],
    location: Float[np.ndarray, " d"],
    scale: Float[np.ndarray, " d"],
) -> Float[np.ndarray, "p p"]:
    """Matrix M with ``monomials((X - location) / scale) = monomials(X) @ M.T``.

    By the binomial theorem in each input, so a coefficient row ``c`` on the standardised
    monomials is ``c @ M`` on the raw ones.
    """
    each = [_powers_used(e) for e in exponents]
    place = {used: i for i, used in enumerate(each)}
    out = np.zeros((len(exponents), len(exponents)))
    for i, used in enumerate(each):
        terms: dict[tuple[tuple[int, int], ...], float] = {(): 1.0}
        for j, power in used:
            expanded = {
                ((j, b),) if b else (): comb(power, b)
                * (-location[j]) ** (power - b)
                / scale[j] ** power
                for b in range(power + 1)
            }
            terms = {(*t, *b): v * c for t, v in terms.items() for b, c in expanded.items()}
        for b, value in terms.items():
            out[i, place[b]] = value
    return out


def names(exponents: Int[np.ndarray, "p d"], inputs: Sequence[str]) -> list[str]:
    """Column names such as "1", "x", "x^2", "x w"."""

    def one(e: np.ndarray) -> str:
        used = np.flatnonzero(e).tolist()
        parts = [f"{inputs[j]}^{e[j]}" if e[j] > 1 else inputs[j] for j in used]
        return " ".join(parts) or "1"

    return [one(e) for e in exponents]
