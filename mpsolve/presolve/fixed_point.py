"""Exact arithmetic for every method: numbers as int64 with a power-of-two scale.

Sums, comparisons and dominance of integers are exact and do not depend on their order, so the
methods need no tolerances. Multiplying all numbers by a power of two gives the same integers,
hence the same answer.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mpsolve.model.evaluation import FLOAT_SLACK_BITS

if TYPE_CHECKING:
    from mpsolve.typing import IntArray, Number, NumberArray

#: The largest sum of one value per group stays below 2^SUM_BITS, far from the int64 limit.
SUM_BITS = 60


@dataclass(frozen=True, eq=False)
class FixedPoint:
    """Integers that stand for numbers: ``values * 2^exponent``.

    Attributes
    ----------
    integers
        ``(M,)`` int64.
    exponent
        The binary exponent of the scale.
    exact
        Whether no number was rounded.
    """

    integers: IntArray
    exponent: int
    exact: bool

    def original(self, integer: int) -> float:
        """The number that an integer stands for."""
        return math.ldexp(integer, -self.exponent)


def fixed_point(
    values: NumberArray, offsets: IntArray, *, bits: int = SUM_BITS, round_up: bool = False
) -> FixedPoint:
    """Scale numbers by the largest power of two that keeps their sums below ``2^bits``.

    Parameters
    ----------
    values
        ``(M,)`` float64, or int64 whose absolute values add up to less than ``2^(bits - 1)``,
        as `Problem` guarantees it; integers are never rounded.
    offsets
        ``(G + 1,)`` where the groups begin and end; a sum takes one value per group.
    bits
        Size of the largest sum.
    round_up
        Round numbers up instead of to nearest, as the weights of a budget need it.
    """
    if values.dtype.kind == "i":
        integers, exponent, exact = values, 0, True
    else:
        largest = float(np.cumsum(np.maximum.reduceat(np.abs(values), offsets[:-1]))[-1])
        exponent = bits - math.frexp(largest)[1] - 1  # one bit for the rounding of every term
        scaled = np.ldexp(values, exponent)
        rounded = np.ceil(scaled) if round_up else np.rint(scaled)
        integers, exact = rounded.astype(np.int64), bool((scaled == rounded).all())
    common = int(np.bitwise_or.reduce(integers))
    shift = (common & -common).bit_length() - 1 if common else 0
    return FixedPoint(integers >> shift, exponent - shift, exact)


def fixed_capacity(limit: Number, scale: FixedPoint, terms: int) -> int:
    """The largest integer sum that a choice can have which keeps a budget.

    Under the rule of `evaluation.keeps`, no such choice is lost. Where the numbers were rounded up
    by more than its slack, as it may be with sums that cancel, a choice that exceeds the budget by
    as little may be let in: every answer is evaluated on the original numbers.
    """
    exact = _floor(*limit.as_integer_ratio(), scale.exponent)
    if not isinstance(limit, float):
        return exact
    numerator, denominator = limit.as_integer_ratio()
    widened = numerator * 2**FLOAT_SLACK_BITS + terms * abs(numerator)
    capacity = _floor(widened, denominator, scale.exponent - FLOAT_SLACK_BITS)
    return capacity if scale.exact else max(capacity, exact + terms)


def _floor(numerator: int, denominator: int, exponent: int) -> int:
    """The integer part of a fraction times ``2^exponent``; the denominator is a power of two."""
    shift = exponent - denominator.bit_length() + 1
    return numerator << shift if shift >= 0 else numerator >> -shift
