"""Protected costs: what a cost may become when its numbers are off, and linear relaxations of it.

A protected cost is not a sum over the layers, but with one parameter fixed it is bounded by one.
A *span* is an interval of the parameter. The relaxation of a span has two properties, from which
`mpsolve.uncertainty.solve_robust` needs nothing else:

* every assignment that is kept by the budget when protected, with its parameter in the span, is
  kept by the relaxation;
* where the ends of the span meet, every assignment that the relaxation keeps is kept when
  protected.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeAlias

import numpy as np

from mpsolve.model.evaluation import keeps, total

if TYPE_CHECKING:
    from mpsolve.model.problem import Problem
    from mpsolve.typing import FloatArray, IntArray, Number, NumberArray

Span: TypeAlias = tuple[float, float]

#: A protected cost of floats keeps its budget if it exceeds it by no more than this part of the
#: numbers involved; ten times as much as the rounding that a relaxation allows for.
TOLERANCE = 2.0**-40
ROUNDING = 2.0**-44


class Protection(Protocol):
    """A cost under protection, bound to a problem. ``flat`` are ``(N,)`` chosen candidates."""

    @property
    def whole(self) -> Span:
        """All that the parameter can be."""

    def cost(self, flat: IntArray) -> Number:
        """The protected cost of an assignment."""

    def kept(self, flat: IntArray) -> bool:
        """Whether the protected cost keeps the budget."""

    def relaxed(self, span: Span) -> tuple[NumberArray, Number]:
        """``(M,)`` costs and the limit on their sum that relax a span."""

    def around(self, flat: IntArray) -> Span:
        """The single point at which the relaxation tells an assignment's own protected cost."""

    def halves(self, span: Span, flat: IntArray) -> tuple[Span, Span]:
        """Two parts of a span; neither relaxation keeps the assignment for ever."""


@dataclass(frozen=True, eq=False)
class Padded:
    """Every candidate costs its worst: the protected cost is a sum, and its own relaxation.

    Attributes
    ----------
    worst
        ``(M,)`` costs.
    limit
        The budget.
    """

    worst: NumberArray
    limit: Number
    whole: Span = (0.0, 0.0)

    def cost(self, flat: IntArray) -> Number:
        return total(self.worst[flat])

    def kept(self, flat: IntArray) -> bool:
        return keeps(self.cost(flat), self.limit, len(flat))

    def relaxed(self, span: Span) -> tuple[NumberArray, Number]:
        return self.worst, self.limit

    def around(self, flat: IntArray) -> Span:
        return self.whole

    def halves(self, span: Span, flat: IntArray) -> tuple[Span, Span]:
        return span, span


class Spread:
    """Sum of means + factor * root of the sum of variances; the parameter is that sum.

    The root is concave: between the ends of a span its chord lies below it, which relaxes, and
    beyond them above it. An assignment that the relaxation keeps although it is not kept when
    protected thus has its variance strictly inside the span, and splitting there excludes it from
    both halves. Where the ends meet, the chord is the tangent, which lies above the root.

    Parameters
    ----------
    problem
        The problem, for its layers and restrictions.
    mean
        ``(M,)`` costs.
    deviation
        ``(M,)`` standard deviations.
    factor
        How many standard deviations of the sum are added.
    limit
        The budget.
    """

    def __init__(
        self,
        problem: Problem,
        mean: NumberArray,
        deviation: FloatArray,
        factor: float,
        limit: Number,
    ) -> None:
        unit = float(deviation.max()) or 1.0  # so that no square underflows
        self._mean, self._variance = mean, (deviation / unit) ** 2
        self._factor, self._limit = factor * unit, limit
        starts, allowed = problem.offsets[:-1], problem.allowed
        low = np.minimum.reduceat(np.where(allowed, self._variance, np.inf), starts).sum()
        high = np.maximum.reduceat(np.where(allowed, self._variance, 0.0), starts).sum()
        self.whole = (float(low), float(high))
        size = float(np.maximum.reduceat(np.abs(mean), starts).sum())
        self._size = abs(float(limit)) + size + self._factor * math.sqrt(high)

    def cost(self, flat: IntArray) -> Number:
        return total(self._mean[flat]) + self._factor * math.sqrt(self._sum(flat))

    def kept(self, flat: IntArray) -> bool:
        return self.cost(flat) <= self._limit + TOLERANCE * self._size

    def relaxed(self, span: Span) -> tuple[NumberArray, Number]:
        low, high = map(math.sqrt, span)
        ends = (low + high) or 1.0
        chord = self._mean + self._factor / ends * self._variance
        return chord, self._limit - self._factor * low * high / ends + ROUNDING * self._size

    def around(self, flat: IntArray) -> Span:
        return self._sum(flat), self._sum(flat)

    def halves(self, span: Span, flat: IntArray) -> tuple[Span, Span]:
        low, high = span
        inside = min(max(self._sum(flat), low), high)
        return (low, inside), (inside, high)

    def _sum(self, flat: IntArray) -> float:
        return math.fsum(self._variance[flat])


class Largest:
    """Sum of costs + the ``gamma`` largest deviations among the layers, the last one in part.

    By duality this is the minimum over thresholds t >= 0 of gamma t + sum(cost + max(deviation -
    t, 0)), attained at a deviation or at 0 (Bertsimas and Sim, *Mathematical Programming* 98
    (2003), theorem 3, for the cost of a combinatorial problem; here for a budget). One nominal
    problem per threshold would do; the parameter is the position among the sorted thresholds, and
    a span takes the least gamma t and the least max(deviation - t, 0) of any threshold in it.

    Parameters
    ----------
    problem
        The problem, for its layers and restrictions.
    nominal, deviation
        ``(M,)`` costs, and by how much each can be higher.
    gamma
        How many layers deviate at once.
    limit
        The budget.
    """

    def __init__(
        self,
        problem: Problem,
        nominal: NumberArray,
        deviation: NumberArray,
        gamma: float,
        limit: Number,
    ) -> None:
        self._nominal, self._deviation, self._limit = nominal, deviation, limit
        whole = math.floor(gamma)
        self._gamma: Number = whole if gamma == whole else gamma
        thresholds = np.unique(np.append(deviation[problem.allowed], 0))
        self._thresholds = thresholds[:1] if gamma >= len(problem.layers) else thresholds
        self.whole = (0, len(self._thresholds) - 1)
        peaks = np.maximum.reduceat(np.abs(nominal) + deviation, problem.offsets[:-1])
        self._size = abs(float(limit)) + float(peaks.sum())

    def cost(self, flat: IntArray) -> Number:
        largest = np.sort(self._deviation[flat])[::-1]
        whole = math.floor(self._gamma)
        extra = total(largest[:whole])
        if whole < len(largest) and self._gamma > whole:
            extra += (self._gamma - whole) * largest[whole].item()
        return total(self._nominal[flat]) + extra

    def kept(self, flat: IntArray) -> bool:
        cost = self.cost(flat)
        slack = 0 if isinstance(cost, int) else TOLERANCE * self._size
        return cost <= self._limit + slack

    def relaxed(self, span: Span) -> tuple[NumberArray, Number]:
        low, high = (self._thresholds[int(end)] for end in span)
        costs = self._nominal + np.maximum(self._deviation - high, 0)
        limit = self._limit - self._gamma * low.item()
        exact = costs.dtype.kind == "i" and isinstance(limit, int)
        return costs, limit if exact else limit + ROUNDING * self._size

    def around(self, flat: IntArray) -> Span:
        rank = min(math.floor(self._gamma), len(flat) - 1)
        threshold = np.sort(self._deviation[flat])[::-1][rank]
        position = float(np.searchsorted(self._thresholds, threshold))
        position = min(position, self.whole[1])
        return position, position

    def halves(self, span: Span, flat: IntArray) -> tuple[Span, Span]:
        middle = (span[0] + span[1]) // 2
        return (span[0], middle), (middle + 1, span[1])
