"""Every non-dominated pair of summed weight and summed loss, in integers.

The two-phase method of Ulungu and Teghem (1995), "The two phases method: an efficient procedure to
solve bi-objective combinatorial optimization problems", for the multiple-choice knapsack:

1. The *supported* points are the corners of the convex hull of all sums. They follow from the
   hulls of the groups alone, whose edges are taken by decreasing slope (Zemel 1980).
2. Between two of them all further points lie in a triangle. With the slope of its hull edge as
   multiplier, a point is not dominated by known ones only if its Lagrangian cost stays below that
   of a corner of their staircase. So candidates and partial sums whose reduced cost exceeds it are
   dropped, and the rest is enumerated by dynamic programming with dominance.

A label of the dynamic programme is a complete choice in which the groups that are still open keep
their cheapest candidate at the multiplier. Every label is therefore a point, and the staircase
descends while the search runs. Neighbouring triangles share one search, with the slope of their
common chord as multiplier: any multiplier gives a valid bound.

Guarantee
---------
Let U(T) be the loss that the staircase has for the capacity T, and z(T) the least loss. A search
drops a label only if it is dominated, or if no choice that extends it has, for any T of the
triangle, a loss below U(T) that is also at most U(T) / (1 + epsilon) where U(T) is positive. So if
the optimum of T is dropped, U(T) = z(T), or both are positive and U(T) < (1 + epsilon) z(T). No
error adds up over the groups. A triangle is not searched at all if the hull, a lower bound on z,
already certifies this. When a limit ends the computation, the triangles left keep the ratio that
the hull certifies for them; the worst are searched first.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from mpsolve.formulations.reduced_costs import Groups
from mpsolve.model.solution import Limit
from mpsolve.presolve.hull import OUTWARD, compact, supported

if TYPE_CHECKING:
    from collections.abc import Callable

    from mpsolve.typing import FloatArray, IntArray

#: Neighbouring hull edges that share a search: more means fewer searches with more labels each.
WIDTH_EXACT, WIDTH_RATIO = 16, 4
#: Labels that the searches may form in all when the caller sets no limit: some ten seconds.
LABEL_LIMIT = 100_000_000
#: Labels formed by one step: 400 MB. Wider searches are split, the narrowest are given up.
STEP_LIMIT = 8_000_000


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


def front_points(
    weights: IntArray, losses: IntArray, offsets: IntArray, options: FrontOptions
) -> FrontPoints:
    """The non-dominated sums of one candidate per group; see the module for the method.

    Parameters
    ----------
    weights, losses
        ``(M,)`` int64 of the candidates; the sums must stay below 2^62 in absolute value.
    offsets
        ``(G + 1,)`` int64; group g has the candidates ``offsets[g]:offsets[g + 1]``, at least one.
    options
        What to look for.
    """
    return _TwoPhases(Groups(*compact(weights, losses, offsets)), options).run()


@dataclass(frozen=True, eq=False)
class _Stairs:
    """Known points, and how much Lagrangian cost a point that improves on them can have.

    ``weights`` and ``losses`` are relative to the choice with the loss ``origin``.
    """

    weights: IntArray
    losses: IntArray
    origin: int
    epsilon: float

    def gap(self, multiplier: float) -> float:
        """The Lagrangian cost that no useful point exceeds, relative to the same choice."""
        useful = self.losses[:-1] - 1.0
        if self.epsilon:
            loss = (self.losses[:-1] + self.origin).astype(np.float64)
            within = loss * (-self.epsilon / (1 + self.epsilon)) * (1 - OUTWARD)
            useful = np.where(loss > 0, np.minimum(self.losses[:-1] + within, useful), useful)
        costs = useful + multiplier * (self.weights[1:] - 1)
        scale = float(np.abs(self.losses).max()) + abs(float(costs.max()))
        return float(costs.max()) + OUTWARD * scale

    def joined(self, weights: IntArray, losses: IntArray) -> _Stairs:
        """The staircase of these and of further points between the first and the last."""
        inner = (weights > self.weights[0]) & (weights < self.weights[-1])
        if not inner.any():
            return self
        together = _staircase(
            np.append(self.weights, weights[inner]), np.append(self.losses, losses[inner])
        )
        return _Stairs(*together, self.origin, self.epsilon)


class _TwoPhases:
    """The state of one computation: the points so far, and the hull edges that are settled."""

    def __init__(self, groups: Groups, options: FrontOptions) -> None:
        self._groups = groups
        self._options = options
        self._labels_left = options.label_limit or LABEL_LIMIT
        self._hull = supported(groups.weights, groups.losses, groups.offsets)
        self._found = [(self._hull.weights, self._hull.losses)]
        self._settled = np.ones(len(self._hull.weights), bool)

    def run(self) -> FrontPoints:
        hull, progress, limit = self._hull, self._options.progress, None
        certified = hull.excess(hull.weights, hull.losses, self._options.base_loss)
        self._settled = certified <= self._options.epsilon
        pending = self._runs(certified)
        total = sum(end - begin for begin, end in pending)
        try:
            while pending:
                begin, end = pending.pop()
                stop = self._search(begin, end)
                limit = stop or limit
                if stop and (stop is Limit.TIME or self._labels_left <= 0):
                    break
                if stop and end - begin > 1:
                    middle = (begin + end) // 2
                    pending += [(begin, middle), (middle, end)]
                if progress:
                    progress(1 - sum(end - begin for begin, end in pending) / total)
        except KeyboardInterrupt:
            limit = Limit.INTERRUPTED
        weights, losses = _staircase(*map(np.concatenate, zip(*self._found, strict=True)))
        excess = hull.excess(weights, losses, self._options.base_loss)
        settled = self._settled[np.searchsorted(hull.weights, weights, "right") - 1]
        excess[settled] = np.minimum(excess[settled], self._options.epsilon)
        return FrontPoints(
            weights, losses, excess, limit if (excess > self._options.epsilon).any() else None
        )

    def _runs(self, certified: FloatArray) -> list[tuple[int, int]]:
        """The open hull edges as runs ``[begin, end)`` of neighbours, the worst one last."""
        width = WIDTH_RATIO if self._options.epsilon else WIDTH_EXACT
        open_edges = np.flatnonzero(~self._settled)
        breaks = np.flatnonzero(np.diff(open_edges) > 1) + 1
        runs = [
            (int(part[0]), int(part[-1]) + 1)
            for block in np.split(open_edges, breaks)
            for part in np.split(block, range(width, len(block), width))
            if len(part)
        ]
        return sorted(runs, key=lambda run: certified[run[0] : run[1]].max())

    def _search(self, begin: int, end: int) -> Limit | None:
        """Find the points between two supported ones; what stopped it, if anything."""
        groups = self._groups
        corner_weights = self._hull.weights[begin : end + 1]
        corner_losses = self._hull.losses[begin : end + 1]
        chord = corner_weights[-1] - corner_weights[0], corner_losses[0] - corner_losses[-1]
        multiplier = float(chord[1] / chord[0])
        priced = groups.priced(multiplier)
        weight = int(groups.weights[priced.chosen].sum())
        loss = int(groups.losses[priced.chosen].sum())
        origin, epsilon = loss + self._options.base_loss, self._options.epsilon
        stairs = _Stairs(corner_weights - weight, corner_losses - loss, origin, epsilon)
        gap = stairs.gap(multiplier) + priced.hidden
        alive = priced.within(gap)
        label_weights, label_losses = np.zeros(1, np.int64), np.zeros(1, np.int64)
        stop: Limit | None = None
        for group in priced.most_promising_first(alive, groups.offsets):
            span = np.arange(groups.offsets[group], groups.offsets[group + 1])
            near = alive[span] & (priced.reduced[span] <= gap + priced.noise[span])
            span = span[near | (span == priced.chosen[group])]
            formed = len(label_weights) * len(span)
            if stop := self._exceeded(formed):
                break
            self._labels_left -= formed
            label_weights = (priced.gained[span][:, None] + label_weights).ravel()
            label_losses = (priced.lost[span][:, None] + label_losses).ravel()
            margin = gap + OUTWARD * float(np.abs(label_losses).max())
            near = label_losses + multiplier * label_weights <= margin
            label_weights, label_losses = _staircase(label_weights[near], label_losses[near])
            if not len(label_weights):
                break
            stairs = stairs.joined(label_weights, label_losses)
            gap = stairs.gap(multiplier) + priced.hidden
        self._found.append((stairs.weights + weight, stairs.losses + loss))
        if stop is None:
            self._settled[begin:end] = True
        return stop

    def _exceeded(self, formed: int) -> Limit | None:
        """The limit that forbids a step with so many labels, if any."""
        if formed > self._labels_left:
            self._labels_left = 0
            return Limit.LABELS
        if formed > STEP_LIMIT:
            return Limit.LABELS
        return Limit.TIME if time.monotonic() >= self._options.deadline else None


def _staircase(weights: IntArray, losses: IntArray) -> tuple[IntArray, IntArray]:
    """The non-dominated of some points, by increasing weight and strictly decreasing loss."""
    order = np.argsort(weights, kind="stable")
    weights, losses = weights[order], losses[order]
    kept = np.ones(len(losses), bool)
    kept[1:] = losses[1:] < np.minimum.accumulate(losses)[:-1]
    weights, losses = weights[kept], losses[kept]
    last = np.append(weights[1:] != weights[:-1], np.ones(min(len(weights), 1), bool))
    return weights[last], losses[last]
