"""The reference kernel: a dynamic programme with dominance and bounds, short rather than fast.

It is what the compiled kernel is compared with, and serves where that was not built. Groups choose
one after the other, those whose weights differ most first. A label is what the groups so far chose;
one that another label undercuts in weight and loss is dropped (Kellerer, Pferschy and Pisinger
2004, "Knapsack problems", section 11.5). The linear relaxation of the groups that follow bounds
every label, and its break choice completes it (Zemel 1980); see `mpsolve.presolve.hull`.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from mpsolve.formulations.mckp.front import FrontOptions, FrontPoints
from mpsolve.formulations.mckp.search import Result, SearchOptions
from mpsolve.model.solution import Limit
from mpsolve.presolve.fixed_point import FixedPoint, fixed_point
from mpsolve.presolve.hull import OUTWARD, Hull, supported

if TYPE_CHECKING:
    from mpsolve.typing import IntArray, NumberArray

#: Labels that a front may form in all when the caller sets no limit: some seconds.
FRONT_LABELS = 20_000_000


class ReferenceKernel:
    """NumPy suffices."""

    name = "reference"

    def fixed_point(
        self, values: NumberArray, offsets: IntArray, bits: int, round_up: bool
    ) -> FixedPoint:
        """In a handful of array operations."""
        return fixed_point(values, offsets, bits=bits, round_up=round_up)

    def prepare(self, weights: IntArray, losses: IntArray, offsets: IntArray) -> _Knapsack:
        """Group by group."""
        return _Knapsack(weights, losses, offsets)


class _Group(NamedTuple):
    """Undominated candidates by weight: their group, and where they stand in it."""

    number: int
    origin: IntArray
    weights: IntArray
    losses: IntArray


class _Knapsack:
    """Groups in the order in which they choose, and the steps along their lower convex hulls."""

    def __init__(self, weights: IntArray, losses: IntArray, offsets: IntArray) -> None:
        self.given = weights, losses, offsets
        widths = [np.ptp(part) for part in np.split(weights, offsets[1:-1])]
        self.groups: list[_Group] = []
        steps: list[tuple[int, ...]] = []
        for p, g in enumerate(sorted(range(len(widths)), key=lambda g: -widths[g])):
            span = slice(offsets[g], offsets[g + 1])
            kept = _undominated(weights[span], losses[span])
            w, c = weights[span][kept], losses[span][kept]
            self.groups.append(_Group(g, kept, w, c))
            corners = np.searchsorted(w, supported(w, c, np.array([0, len(w)])).weights)
            gained, lost = np.diff(w[corners]).tolist(), np.diff(c[corners]).tolist()
            for step in zip(corners[1:].tolist(), gained, lost, strict=True):
                steps.append(((step[2] << 128) // step[1], p, *step))
        columns = np.array([step[1:] for step in sorted(steps)], np.int64).reshape(-1, 4)
        self._group, self._candidate, self._gained, self._lost = columns.T
        first = np.array([(group.weights[0], group.losses[0]) for group in self.groups])
        self.lightest = np.vstack([first[::-1].cumsum(0)[::-1], [[0, 0]]])
        self.base_loss = sum(int(group.losses[-1]) for group in self.groups)

    def hull(self, position: int) -> Hull:
        """The supported points of the groups from a position on."""
        later, (weight, loss) = self._group >= position, self.lightest[position]
        gained, lost = (np.cumsum(part[later]) for part in (self._gained, self._lost))
        return Hull(weight + np.append(0, gained), loss + np.append(0, lost))

    def corner(self, position: int, steps: int) -> dict[int, int]:
        """The candidates of the groups that are not at their lightest one at a corner of it."""
        later = np.flatnonzero(self._group >= position)[:steps]
        return dict(zip(self._group[later].tolist(), self._candidate[later].tolist(), strict=True))

    def spread(self, excess: int) -> int:
        """The largest of what each group can lose beyond its least, up to ``excess``, summed."""
        beyond = (group.losses - group.losses[-1] for group in self.groups)
        return sum(int(lost[lost <= max(excess, 0)].max()) for lost in beyond)

    def search(self, capacity: int, options: SearchOptions = SearchOptions()) -> Result:
        """Minimise the loss under a limit on the weight, as far as the options allow."""
        if capacity < self.lightest[0, 0]:
            return Result(None, 0, 0, None)
        state = _Search(self, capacity, options)
        try:
            limit = state.run()
        except KeyboardInterrupt:
            limit = Limit.INTERRUPTED
        return Result(state.choice, state.value, min(state.bound, state.value), limit)

    def front(self, options: FrontOptions = FrontOptions()) -> FrontPoints:
        """All points, or the supported ones where those are close enough or a limit is reached."""
        hull, formed, limit = self.hull(0), 0, None
        excess = hull.excess(hull.weights, hull.losses, options.base_loss)
        if excess.max() <= options.epsilon:
            return FrontPoints(hull.weights, hull.losses, excess, None)
        weights, losses = np.zeros((2, 1), np.int64)
        try:
            for done, group in enumerate(self.groups, 1):
                formed += len(weights) * len(group.weights)
                if formed > (options.label_limit or FRONT_LABELS):
                    limit = Limit.LABELS
                elif time.monotonic() >= options.deadline:
                    limit = Limit.TIME
                if limit:
                    break
                weights, losses = _extended(group, weights, losses)
                kept = _undominated(weights, losses)
                weights, losses = weights[kept], losses[kept]
                if options.progress:
                    options.progress(done / len(self.groups))
        except KeyboardInterrupt:
            limit = Limit.INTERRUPTED
        if limit:
            return FrontPoints(hull.weights, hull.losses, excess, limit)
        return FrontPoints(weights, losses, np.zeros(len(weights)), None)


class _Search:
    """The best choice so far, its loss, and what no choice loses less than."""

    def __init__(self, knapsack: _Knapsack, capacity: int, options: SearchOptions) -> None:
        self._knapsack, self._capacity, self._options = knapsack, capacity, options
        self._history: list[tuple[IntArray, IntArray]] = []
        self.bound, self.value = knapsack.base_loss, int(knapsack.lightest[0, 1])
        self.choice = self._written({})
        if options.start is not None:
            weights, losses, offsets = knapsack.given
            chosen = offsets[:-1] + options.start
            if weights[chosen].sum() <= capacity and losses[chosen].sum() < self.value:
                self.choice, self.value = options.start, int(losses[chosen].sum())

    @property
    def _target(self) -> int:
        """The loss that an improvement must not exceed."""
        return self.value - 1 - int(self._options.gap * abs(self.value))

    def run(self) -> Limit | None:
        """Let group after group choose until no label is left."""
        options, stored = self._options, 0
        weights, losses = np.zeros((2, 1), np.int64)
        for position, group in enumerate(self._knapsack.groups):
            kept = self._worthwhile(position, weights, losses)
            weights, losses = weights[kept], losses[kept]
            self._history[-1:] = [(c[kept], label[kept]) for c, label in self._history[-1:]]
            stored, formed = stored + len(kept), len(kept) * len(group.weights)
            if not formed:
                return None
            if options.report:
                options.report(self.value, min(self.bound, self.value))
            if time.monotonic() >= options.deadline:
                return Limit.TIME
            if formed > options.label_limit - stored:
                return Limit.LABELS
            weights, losses = _extended(group, weights, losses)
            self._history.append(np.divmod(np.arange(formed), len(kept)))
        self._worthwhile(len(self._knapsack.groups), weights, losses)
        return None

    def _worthwhile(self, position: int, weights: IntArray, losses: IntArray) -> IntArray:
        """The labels that may become better than the best of their completions."""
        hull = self._knapsack.hull(position)
        fitting = np.flatnonzero(self._capacity - weights >= hull.weights[0])
        room = self._capacity - weights[fitting]
        corner = np.searchsorted(hull.weights, room, "right") - 1
        completed = losses[fitting] + hull.losses[corner]
        best = int(completed.argmin())
        if completed[best] < self.value:
            chosen, label = self._knapsack.corner(position, int(corner[best])), fitting[best]
            for earlier in reversed(range(position)):
                candidate, parent = self._history[earlier]
                chosen[earlier], label = int(candidate[label]), parent[label]
            self.choice, self.value = self._written(chosen), int(completed[best])
        slope = np.append(hull.slopes(), 0.0)[corner]
        descent = np.floor(slope * (room - hull.weights[corner]) * (1 + OUTWARD))
        bounds = completed - descent.astype(np.int64)
        kept = bounds <= self._target
        self.bound = max(self.bound, int(bounds[kept].min(initial=self._target + 1)))
        kept = fitting[kept]
        return kept[_undominated(weights[kept], losses[kept])]

    def _written(self, chosen: dict[int, int]) -> IntArray:
        """Positions in the groups as they were given; by default those of the lightest."""
        choice = np.empty(len(self._knapsack.groups), np.int64)
        for position, group in enumerate(self._knapsack.groups):
            choice[group.number] = group.origin[chosen.get(position, 0)]
        return choice


def _extended(group: _Group, weights: IntArray, losses: IntArray) -> tuple[IntArray, IntArray]:
    """The labels with each candidate: all with the first, then all with the second."""
    return np.add.outer(group.weights, weights).ravel(), np.add.outer(group.losses, losses).ravel()


def _undominated(weights: IntArray, losses: IntArray) -> IntArray:
    """Positions of the pairs that no other undercuts, by weight; of equal pairs the first."""
    order = np.lexsort((losses, weights))
    kept = np.ones(len(order), bool)
    kept[1:] = losses[order[1:]] < np.minimum.accumulate(losses[order])[:-1]
    return order[kept]
