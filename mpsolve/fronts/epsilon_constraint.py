"""A front point by point: one sum is minimised under a limit on the other.

Haimes, Lasdon and Wismer (1971), "On a bicriterion formulation of the problems of integrated system
identification and system optimization"; Chankong and Haimes (1983), *Multiobjective Decision
Making*, section 6.3. A minimum under a limit need not be non-dominated; the second solve of every
step, which minimises the other sum, makes it so.

With epsilon > 0 the step from a minimum y0 goes to the least x with y <= (1 + epsilon) y0, which
gives the fewest points that can have the guarantee (Diakonikolas and Yannakakis 2009, "Small
approximate Pareto sets for biobjective shortest paths and other problems"): every limit on x
between the two has an optimum of at least y0.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mpsolve.typing import IntArray, Number


@dataclass(frozen=True, eq=False)
class Point:
    """Two sums and the ``(N,)`` choice that has them."""

    x: Number
    y: Number
    choice: IntArray


class Oracle(Protocol):
    """Solves for one proven optimum at a time."""

    def least_y(self, x_limit: Number | None) -> Point:
        """A choice of least y among those with x <= x_limit, of which there is at least one."""

    def least_x(self, y_limit: Number, start: Point) -> Point:
        """A choice of least x among those with y <= y_limit; ``start`` is one of them."""

    def below(self, x: Number) -> Number:
        """The largest limit that excludes x."""


def epsilon_constraint(
    oracle: Oracle, least: Number, epsilon: float = 0.0, after: Number | None = None
) -> Iterator[Point]:
    """The points of a front by decreasing x.

    Parameters
    ----------
    oracle
        Solves for the optima.
    least
        The least x of all choices.
    epsilon
        0 for all points.
    after
        Where a previous run ended: only points with less x are found.
    """
    limit = None if after is None else oracle.below(after)
    while limit is None or limit >= least:
        lowest = oracle.least_y(limit)
        relaxed = lowest.y * (1 + epsilon) if epsilon and lowest.y > 0 else lowest.y
        point = oracle.least_x(relaxed, lowest)
        if relaxed > lowest.y:
            point = oracle.least_y(point.x)
        yield point
        limit = oracle.below(point.x)
