"""The Lagrangian dual: prices of the resources that make the shortest path as long as possible.

For multipliers ``u >= 0`` the shortest path under the prices ``loss + u * weight``, less
``u * capacity``, is a lower bound on the loss of every path that keeps the capacities. The bound is
a concave function of ``u``, and each path found gives a supporting plane. It is maximised one
multiplier inside the other: for the outermost one, Kelley's cutting planes (1960) intersect the two
cuts around the maximum, and a cut is what maximising over the other multipliers returns, with the
slope of that mixture of two paths which is flat in them. This takes about ten steps per
multiplier, each to the last digit, where a subgradient method crawls.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mpsolve.formulations.lagrangian.kernel import shortest_path

if TYPE_CHECKING:
    from mpsolve.formulations.lagrangian.graph import LayeredGraph
    from mpsolve.typing import FloatArray, IntArray

#: Shortest paths at most; with many resources the multipliers are then not yet the best ones.
MAX_PATHS = 2000
#: Cutting planes per multiplier at most.
MAX_CUTS = 40
#: A cut that lies less than this part above what it promised ends the search.
CLOSE = 1e-9
#: Doublings of a first guess at a multiplier, twice the binary exponents of 64 bits.
MAX_DOUBLINGS = 128


@dataclass(frozen=True, eq=False)
class Cut:
    """The value of the dual at some multipliers, and its slope ``(R,)`` there."""

    value: float
    slope: FloatArray


class Dual:
    """The maximisation, and the best it has seen.

    Attributes
    ----------
    bound
        Lower bound on the loss of every path within the capacities, valid in spite of rounding;
        infinite without a path.
    multiplier
        ``(R,)`` the multipliers that give it.
    loss, path
        The least loss of a path within the capacities that came up, and its arcs; infinite and
        None if none did.
    """

    def __init__(self, graph: LayeredGraph, deadline: float = math.inf) -> None:
        self._graph = graph
        self._losses = graph.loss.astype(np.float64)
        self._weights = graph.weight.astype(np.float64)
        self._capacity = graph.capacity.astype(np.float64)
        self._guess = (graph.most + 1) / (graph.heaviest + 1)
        self._deadline = deadline
        self._paths = 0
        self.bound = -math.inf
        self.multiplier = np.zeros(len(graph.capacity))
        self.loss: float = math.inf
        self.path: IntArray | None = None

    def maximise(self) -> None:
        """Find the best multipliers."""
        self._maximise(len(self._capacity) - 1, np.zeros(len(self._capacity)))

    @property
    def _done(self) -> bool:
        """Whether no path can lose as much as the bound, or there were enough."""
        late = self._paths >= MAX_PATHS or time.monotonic() >= self._deadline
        return late or self.bound > self._graph.most

    def _price(self, multiplier: FloatArray) -> Cut:
        """Price the resources, and see what the shortest path then says."""
        self._paths += 1
        price = self._losses + self._weights @ multiplier
        length, path = shortest_path(self._graph, price)
        value = length - float(multiplier @ self._capacity)
        bound = value - self._graph.rounding(multiplier)
        if bound > self.bound:
            self.bound, self.multiplier = bound, multiplier
        if not len(path):
            return Cut(value, np.zeros(len(multiplier)))
        weight, loss = self._graph.weight[path].sum(0), int(self._graph.loss[path].sum())
        if loss < self.loss and (weight <= self._graph.capacity).all():
            self.loss, self.path = loss, path
        return Cut(value, weight - self._capacity)

    def _maximise(self, level: int, outer: FloatArray) -> Cut:
        """Maximise over the multipliers up to a level, those above it being given."""
        if level < 0:
            return self._price(outer)

        def cut_at(multiplier: float) -> Cut:
            tried = outer.copy()
            tried[level] = multiplier
            return self._maximise(level - 1, tried)

        low, below = 0.0, cut_at(0.0)
        if below.slope[level] <= 0 or self._done:
            return below
        high = self._guess[level]
        above = cut_at(high)
        for _ in range(MAX_DOUBLINGS):
            if above.slope[level] <= 0 or self._done:
                break
            low, below, high = high, above, 2 * high
            above = cut_at(high)
        if above.slope[level] > 0:
            return above
        best = max(below, above, key=lambda cut: cut.value)
        for _ in range(MAX_CUTS):
            rise, fall = below.slope[level], above.slope[level]
            step = (above.value - below.value - fall * (high - low)) / (rise - fall)
            middle, promise = low + step, below.value + rise * step
            if not low < middle < high or self._done:
                break
            cut = cut_at(middle)
            if cut.value > best.value:
                best, self._guess[level] = cut, middle
            if promise - cut.value <= CLOSE * abs(promise):
                break
            if cut.slope[level] > 0:
                low, below = middle, cut
            else:
                high, above = middle, cut
        rise, fall = below.slope[level], above.slope[level]
        share = fall / (fall - rise)
        return Cut(best.value, share * below.slope + (1 - share) * above.slope)
