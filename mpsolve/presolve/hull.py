"""The convex hull of all pairs of summed weight and summed loss that the groups allow.

Its corners, the *supported* points, follow from the hulls of the single groups, whose edges are
taken by decreasing slope (Zemel 1980, "The linear multiple choice knapsack problem"). The hull is a
lower bound on the least loss of every capacity: it is the linear relaxation as a function of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from mpsolve.typing import BoolArray, FloatArray, IntArray, NumberArray

#: Relative safety of bounds computed in doubles, on the side of weaker bounds.
OUTWARD = 2.0**-48


@dataclass(frozen=True, eq=False)
class Hull:
    """The supported points.

    Attributes
    ----------
    weights, losses
        ``(S,)`` int64, by increasing weight; the edges between them are convex.
    """

    weights: IntArray
    losses: IntArray

    def slopes(self) -> FloatArray:
        """``(S - 1,)`` loss per unit of weight along each edge, positive."""
        return -np.diff(self.losses) / np.diff(self.weights)

    def excess(self, weights: IntArray, losses: IntArray, base: int) -> FloatArray:
        """``(P,)`` what the hull certifies for a staircase that contains all supported points.

        The excess over the least loss up to the next point; see `mckp.front.FrontPoints`.
        """
        excess = np.zeros(len(weights))
        if len(weights) < 2:
            return excess
        edge = np.searchsorted(self.weights, weights[:-1], "right") - 1
        descent = self.slopes()[edge] * (weights[1:] - 1 - self.weights[edge]) * (1 + OUTWARD)
        # Differences keep their precision where the losses themselves are beyond 2^53.
        gap = (losses[:-1] - self.losses[edge]) + np.floor(descent)
        value = (losses[:-1] + base).astype(np.float64)
        least = value - gap - OUTWARD * np.abs(value)
        ratio = np.divide(gap, least, where=least > 0, out=np.full(len(gap), np.inf))
        excess[:-1] = np.where(gap <= 0, 0.0, ratio)
        return excess


def undominated(weights: NumberArray, losses: NumberArray, offsets: IntArray) -> BoolArray:
    """``(M,)`` whether no candidate of the same group is as light and loses as little.

    Of equal candidates the first one stays.
    """
    group = np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))
    order = np.lexsort((losses, weights, group))
    rank = np.unique(losses, return_inverse=True)[1].astype(np.int64)
    # Ranks descend from group to group, so that the running minimum begins anew in each.
    rank = (rank - group * (len(losses) + 1))[order]
    kept = np.ones(len(losses), bool)
    kept[order[1:]] = rank[1:] < np.minimum.accumulate(rank)[:-1]
    return kept


def compact(
    weights: IntArray, losses: IntArray, offsets: IntArray
) -> tuple[IntArray, IntArray, IntArray]:
    """The undominated candidates alone, sorted by weight within their groups, and their offsets."""
    kept = undominated(weights, losses, offsets)
    group = np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))
    order = np.lexsort((weights, group))
    order = order[kept[order]]
    return weights[order], losses[order], np.concatenate(([0], np.cumsum(kept)))[offsets]


def supported(weights: IntArray, losses: IntArray, offsets: IntArray) -> Hull:
    """The supported points of groups whose candidates are sorted by weight and undominated."""
    edges: list[tuple[int, int, int]] = []
    w, c = weights.tolist(), losses.tolist()
    for begin, end in pairwise(offsets.tolist()):
        edges += _hull_edges(w[begin:end], c[begin:end])
    edges.sort(reverse=True)
    steps = np.array([edge[1:] for edge in edges], np.int64).reshape(-1, 2)
    return Hull(
        np.append(0, np.cumsum(steps[:, 0])) + weights[offsets[:-1]].sum(),
        np.append(0, np.cumsum(steps[:, 1])) + losses[offsets[:-1]].sum(),
    )


def _hull_edges(weights: list[int], losses: list[int]) -> list[tuple[int, int, int]]:
    """The edges of the lower convex hull, as exact slope, change of weight, change of loss."""
    corners = [0]
    for k in range(1, len(weights)):
        while len(corners) > 1:
            i, j = corners[-2:]
            before = (losses[i] - losses[j]) * (weights[k] - weights[j])
            if before > (losses[j] - losses[k]) * (weights[j] - weights[i]):
                break
            corners.pop()
        corners.append(k)
    steps = [(weights[j] - weights[i], losses[j] - losses[i]) for i, j in pairwise(corners)]
    # Slopes with denominators below 2^63 that differ do so by more than 2^-126.
    return [((-loss << 128) // weight, weight, loss) for weight, loss in steps]
