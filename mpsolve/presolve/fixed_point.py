"""Exact arithmetic for every method: numbers as int64 with a power-of-two scale.

Sums, comparisons and dominance of integers are exact and do not depend on their order, so the
methods need no tolerances. Multiplying all numbers by a power of two gives the same integers,
hence the same answer.
"""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mpsolve.model.evaluation import slackened

if TYPE_CHECKING:
    from mpsolve.typing import IntArray, Number, NumberArray

#: The largest sum of one value per group stays below 2^SUM_BITS, far from the int64 limit.
SUM_BITS = 60
#: Integers of so many bits are doubles.
MANTISSA = 53
INT64_BITS = 64


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

    Where no number was rounded, a choice has at most this sum if and only if `evaluation.keeps`
    accepts it. Where numbers were rounded up, no choice within the budget itself is lost, and one
    that exceeds it by as little may be let in: every answer is evaluated on the original numbers.

    Parameters
    ----------
    limit
        The budget: an integer on sums of integers, else a float.
    scale
        The scale of the numbers.
    terms
        How many numbers a sum has.
    """
    exact = _floor(*limit.as_integer_ratio(), scale.exponent)
    if not isinstance(limit, float):
        return exact
    capacity = _largest_kept(slackened(limit, terms), scale.exponent)
    return capacity if scale.exact else max(capacity, exact + terms)


def _largest_kept(limit: float, exponent: int) -> int:
    """The largest integer that, as a multiple of ``2^-exponent``, does not round to above a limit.

    Sums are rounded to the nearest double before they are compared.
    """
    whole = _floor(*min(limit, sys.float_info.max).as_integer_ratio(), exponent)
    if not MANTISSA < whole.bit_length() < INT64_BITS:
        return whole  # the integers around it are doubles, or beyond every sum
    gap = _floor(*math.nextafter(limit, math.inf).as_integer_ratio(), exponent) - whole
    return whole + gap // 2 - (whole // gap) % 2  # half-way sums are rounded to the even double


def _floor(numerator: int, denominator: int, exponent: int) -> int:
    """The integer part of a fraction times ``2^exponent``; the denominator is a power of two."""
    shift = exponent - denominator.bit_length() + 1
    return numerator << shift if shift >= 0 else numerator >> -shift
