"""The multiple-choice knapsack in integers, prepared once for every capacity.

Per group the candidates are sorted by weight and freed of dominated ones; the lower convex hull of
what is left gives the segments that the linear relaxation takes in the order of their slopes.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from mpsolve.typing import BoolArray, FloatArray, IntArray

#: Sorts behind every weight.
_LAST = np.iinfo(np.int64).max


@dataclass(frozen=True, eq=False)
class Instance:
    """Minimise the summed losses, one candidate per group, under a limit on the summed weights.

    Weights and losses are counted from the least of their group. A row holds the candidates of a
    group that no other candidate of the group dominates, by increasing weight and decreasing loss;
    shorter rows repeat their last candidate.

    Attributes
    ----------
    weights, losses
        ``(G, K)`` int64.
    counts
        ``(G,)`` candidates per group.
    origin
        ``(G, K)`` position of each candidate in the group as it was given.
    position
        ``(M,)`` for every given candidate, the column of itself or of one that dominates it.
    offsets
        ``(G + 1,)`` where the given candidates of each group begin and end.
    base_weight, base_loss
        The summed minima.
    """

    weights: IntArray
    losses: IntArray
    counts: IntArray
    origin: IntArray
    position: IntArray
    offsets: IntArray
    base_weight: int
    base_loss: int

    @cached_property
    def rows(self) -> IntArray:
        """``(G,)`` the group indices."""
        return np.arange(len(self.counts))

    @cached_property
    def real(self) -> BoolArray:
        """``(G, K)`` False where a row repeats its last candidate."""
        return np.arange(self.weights.shape[1]) < self.counts[:, None]

    @cached_property
    def heaviest(self) -> int:
        """The summed weight of the choice of least loss."""
        return int(self.weights[:, -1].sum())

    def weight(self, choice: IntArray) -> int:
        """Summed weight of a choice of columns."""
        return int(self.weights[self.rows, choice].sum())

    def loss(self, choice: IntArray) -> int:
        """Summed loss of a choice of columns."""
        return int(self.losses[self.rows, choice].sum())

    def spread(self, excess: int) -> int:
        """The summed largest losses beyond the minima, each at most ``excess``."""
        return int(np.where(self.losses <= excess, self.losses, 0).max(1).sum())

    @cached_property
    def segments(self) -> Segments:
        """The segments of all lower convex hulls, steepest first."""
        group, candidate, slope, step = _hull_segments(self)
        order = np.argsort(-slope, kind="stable")
        return Segments(group[order], candidate[order], slope[order], np.cumsum(step[order]))


class Segments(NamedTuple):
    """Hull segments by decreasing slope, each group's in their order along the hull.

    ``group`` and ``candidate`` (the column at its end), ``slope`` (loss saved per unit of weight),
    ``reached`` (weight of the choice that has taken all segments up to this one); all ``(S,)``.
    """

    group: IntArray
    candidate: IntArray
    slope: FloatArray
    reached: IntArray


def prepare(weights: IntArray, losses: IntArray, offsets: IntArray) -> Instance:
    """Sort every group, drop dominated candidates, and count from the minima.

    Parameters
    ----------
    weights, losses
        ``(M,)`` int64, group after group.
    offsets
        ``(G + 1,)`` where the groups begin and end; none is empty.
    """
    counts = np.diff(offsets)
    column = np.arange(counts.max())
    index = np.minimum(offsets[:-1, None] + column, len(weights) - 1)
    padding = column >= counts[:, None]
    order = np.where(padding, _LAST, losses[index]).argsort(1, kind="stable")
    w = np.take_along_axis(np.where(padding, _LAST, weights[index]), order, 1)
    order = np.take_along_axis(order, w.argsort(1, kind="stable"), 1)
    order = np.minimum(order, counts[:, None] - 1)
    index = offsets[:-1, None] + order
    w, c = weights[index], losses[index]
    kept = ~padding
    kept[:, 1:] &= c[:, 1:] < np.minimum.accumulate(c, 1)[:, :-1]
    position = np.empty(len(weights), np.int64)
    position[index[~padding]] = (kept.cumsum(1) - 1)[~padding]
    counts = kept.sum(1)
    front = np.minimum(
        (~kept).argsort(1, kind="stable")[:, : counts.max()],
        kept.shape[1] - 1 - kept[:, ::-1].argmax(1)[:, None],
    )
    w, c = np.take_along_axis(w, front, 1), np.take_along_axis(c, front, 1)
    last = counts[:, None] - 1
    beyond = np.arange(w.shape[1]) > last
    w = np.where(beyond, np.take_along_axis(w, last, 1), w)
    c = np.where(beyond, np.take_along_axis(c, last, 1), c)
    lightest, least = w[:, :1], c[:, -1:]
    return Instance(
        w - lightest,
        c - least,
        counts,
        np.take_along_axis(order, front, 1),
        position,
        offsets,
        int(lightest.sum()),
        int(least.sum()),
    )


def _hull_segments(instance: Instance) -> tuple[IntArray, IntArray, FloatArray, IntArray]:
    """Wrap all hulls at once: from each vertex to the farthest candidate of the steepest slope."""
    weights, losses, last = instance.weights, instance.losses, instance.counts - 1
    rows, at = np.flatnonzero(last > 0), np.zeros(len(last), np.int64)
    steepest = np.full(len(last), np.inf)
    found: list[tuple[IntArray, IntArray, FloatArray, IntArray]] = []
    columns = np.arange(weights.shape[1])[::-1]
    while len(rows):
        here = at[rows, None]
        gained = weights[rows][:, ::-1] - np.take_along_axis(weights[rows], here, 1)
        saved = np.take_along_axis(losses[rows], here, 1) - losses[rows][:, ::-1]
        slope = np.divide(saved, gained, where=gained > 0, out=np.full(gained.shape, -1.0))
        best = slope.argmax(1)
        end = np.minimum(columns[best], last[rows])
        picked = np.arange(len(rows)), best
        steepest[rows] = np.minimum(slope[picked], steepest[rows])  # rounding may break the order
        found.append((rows, end, steepest[rows], gained[picked]))
        at[rows] = end
        rows = rows[end < last[rows]]
    if not found:
        return at[:0], at[:0], steepest[:0], at[:0]
    group, end, slope, step = (np.concatenate(part) for part in zip(*found, strict=True))
    order = np.lexsort((end, group))
    return group[order], end[order], slope[order], step[order]
