"""What a kernel is asked for all non-dominated pairs of summed weight and loss, and its answer.

The compiled kernel (``native/front.c``) works in two phases (Ulungu and Teghem 1995, "The two
phases method: an efficient procedure to solve bi-objective combinatorial optimization problems"):
the *supported* points are the corners of the convex hull of all sums and follow from the hulls of
the groups (Zemel 1980); what lies in the triangles between them is enumerated by dynamic
programming, with the slope of the hull edge as multiplier.

Guarantee
---------
Let U(T) be the loss that the staircase of the points has for the capacity T, and z(T) the least
loss. A search drops a label only if it is dominated, or if no choice that extends it has, for any T
of the triangle, a loss below U(T) that is also at most U(T) / (1 + epsilon) where U(T) is positive.
So if the optimum of T is dropped, U(T) = z(T), or both are positive and U(T) < (1 + epsilon) z(T).
No error adds up over the groups. A triangle is not searched at all if the hull, a lower bound on z,
already certifies this. When a limit ends the computation, the triangles left keep the ratio that
the hull certifies for them; the worst are searched first.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

    from mpsolve.model.solution import Limit
    from mpsolve.typing import FloatArray, IntArray


@dataclass(frozen=True, eq=False)
class FrontPoints:
    """Points by increasing weight and decreasing loss, and what is proven about them.

    Attributes
    ----------
    weights, losses
        ``(P,)`` int64, the sums of one choice per point.
    excess
        ``(P,)`` float64. For every capacity from the weight of point i up to that of point i + 1,
        the loss of point i exceeds the least loss by at most this part of it. 0 is exact; inf
        where nothing is proven, since a loss that is not positive has no ratio.
    limit
        What ended the computation before everything asked for was proven, if anything.
    """

    weights: IntArray
    losses: IntArray
    excess: FloatArray
    limit: Limit | None

    @property
    def guarantee(self) -> float:
        """The largest excess."""
        return float(self.excess.max())


class FrontOptions(NamedTuple):
    """What to look for, and how long.

    Attributes
    ----------
    epsilon
        0 for all points; otherwise points that have, for every capacity, at most (1 + epsilon)
        times the least loss, and the least loss where that is not positive.
    base_loss
        What every choice loses beside the sum: epsilon is a part of both together.
    label_limit
        How many labels may be formed in all; None for the kernel's own limit.
    deadline
        `time.monotonic` value at which to stop.
    progress
        Called between searches with the part of them that is done.
    """

    epsilon: float = 0.0
    base_loss: int = 0
    label_limit: int | None = None
    deadline: float = math.inf
    progress: Callable[[float], None] | None = None
