"""The exact search: relaxation, incumbent, reduction and core, under limits."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from mpsolve.formulations.mckp.core import Core, Labels, Reduced, extend, open_core, reduce
from mpsolve.formulations.mckp.incumbent import best_change, improve, settle_ties
from mpsolve.formulations.mckp.relaxation import relax
from mpsolve.model.solution import Limit

if TYPE_CHECKING:
    from collections.abc import Callable

    from mpsolve.formulations.mckp.instance import Instance
    from mpsolve.formulations.mckp.relaxation import Relaxation
    from mpsolve.typing import FloatArray, IntArray

#: Of a core of more groups than this, a part is opened first and grows by a factor; in a part of
#: more groups, a first dive follows so many labels.
LARGE_CORE = 250
FIRST_PART = 64.0
NEXT_PART = 8.0
FIRST_WIDTH = 100
#: Labels at once, from which on a dive for a better incumbent pays; repeated at each multiple.
DIVE_AT = 1000
DIVE_GROWTH = 8
#: A dive follows this part of so many labels, over as many groups.
DIVE_SHARE = 4
#: What the distance to the capacity counts for beside the bound.
NEARNESS = 1e-3
#: Labels at once, from which on the caller is asked whether to go on.
POLL_AT = 5000
#: Labels kept for back-tracking when the caller sets no limit: about 100 MB.
LABEL_LIMIT = 8_000_000


@dataclass(frozen=True, eq=False)
class Result:
    """The best choice found and the proof that comes with it.

    Attributes
    ----------
    choice
        ``(G,)`` int64, positions among each group's given candidates, or None if even the
        lightest choice exceeds the capacity.
    loss
        Its summed integer loss.
    bound
        No choice has less loss than this; equal to ``loss`` when it is proven optimal.
    limit
        What stopped the search before the proof, if anything.
    """

    choice: IntArray | None
    loss: int
    bound: int
    limit: Limit | None


class SearchOptions(NamedTuple):
    """How to search.

    Attributes
    ----------
    start
        ``(G,)`` a choice to begin with as incumbent; ignored if it exceeds the capacity.
    deadline
        `time.monotonic` value at which to stop.
    label_limit
        How many labels to keep in memory.
    gap
        Stop when no choice is better than the incumbent by more than this part of its loss.
    report
        Called with incumbent and bound between steps of long searches.
    """

    start: IntArray | None = None
    deadline: float = math.inf
    label_limit: int = LABEL_LIMIT
    gap: float = 0.0
    report: Callable[[int, int], None] | None = None


def search(instance: Instance, capacity: int, options: SearchOptions) -> Result:
    """Solve an instance under a limit on the summed weights, as far as the options allow."""
    room = capacity - instance.base_weight
    if room < 0:
        return Result(None, 0, 0, None)
    if room >= instance.heaviest:
        return _result(instance, instance.counts - 1, instance.base_loss, None)
    relaxation = relax(instance, room)
    choice = settle_ties(instance, relaxation, room)
    room -= instance.weight(choice)
    reduced = reduce(instance, choice, relaxation.multiplier, room)
    best = _first_incumbent(instance, reduced, relaxation, options.start)
    return _Search(instance, reduced, best, options).run()


def _result(instance: Instance, choice: IntArray, bound: int, limit: Limit | None) -> Result:
    loss = instance.loss(choice) + instance.base_loss
    return Result(instance.origin[instance.rows, choice], loss, bound, limit)


def _first_incumbent(
    instance: Instance, reduced: Reduced, relaxation: Relaxation, start: IntArray | None
) -> IntArray:
    """The best of: one change to the break choice, the critical segment and one more, the start."""
    best, value = reduced.choice.copy(), 0
    lost, group, candidate = best_change(reduced.gained, reduced.lost, reduced.room)
    if lost < value:
        best[group], value = candidate, lost
    critical = relaxation.group, relaxation.candidate
    room = reduced.room - int(reduced.gained[critical])
    lost, group, candidate = best_change(reduced.gained, reduced.lost, room, without=critical[0])
    if lost < np.iinfo(np.int64).max and lost + int(reduced.lost[critical]) < value:
        best, value = reduced.choice.copy(), lost + int(reduced.lost[critical])
        best[critical[0]], best[group] = critical[1], candidate
    if start is not None:
        start = instance.position[instance.offsets[:-1] + start]
        room = reduced.room + instance.weight(reduced.choice)
        if instance.weight(start) <= room:
            value += instance.loss(reduced.choice)
            best = start if instance.loss(start) < value else best
    return best


def _least(keys: FloatArray, width: int) -> IntArray:
    """Positions of the ``width`` least keys in their order; the first of equal ones."""
    if len(keys) <= width:
        return np.arange(len(keys))
    last = np.partition(keys, width - 1)[width - 1]
    below, equal = np.flatnonzero(keys < last), np.flatnonzero(keys == last)
    return np.sort(np.concatenate((below, equal[: width - len(below)])))


class _Search:
    """The state of one core search: the incumbent, the history of labels, the limits."""

    def __init__(
        self, instance: Instance, reduced: Reduced, best: IntArray, options: SearchOptions
    ) -> None:
        self._instance = instance
        self._reduced = reduced
        self._origin = instance.loss(reduced.choice) + instance.base_loss
        self._best = best
        self._value = instance.loss(best) + instance.base_loss - self._origin
        self._bound = math.ceil(reduced.bound)
        self._options = options

    @property
    def _target(self) -> int:
        """The loss that an improvement must not exceed."""
        return self._value - 1 - int(self._options.gap * abs(self._value + self._origin))

    def run(self) -> Result:
        try:
            limit = self._expand(self._first_label(), self._settled_core())
        except KeyboardInterrupt:
            limit = Limit.INTERRUPTED
        # Dropped labels exceed the target; those still open, if any, lie above their least bound.
        proven = self._target + 1 if limit is None else min(self._bound, self._target + 1)
        bound = min(self._value, max(proven, math.ceil(self._reduced.bound)))
        return _result(self._instance, self._best, bound + self._origin, limit)

    def _first_label(self) -> Labels:
        """The break choice."""
        reduced = self._reduced
        return Labels(np.array([-reduced.room]), np.zeros(1, np.int64), np.array([reduced.bound]))

    def _settled_core(self) -> Core:
        """The core of all that a better choice may change.

        A large one is opened in parts, since the incumbent found in a small one makes it small.
        """
        reduced = self._reduced
        limit = reduced.reach(self._target)
        if np.count_nonzero(reduced.within(limit).any(1)) > LARGE_CORE:
            limit /= FIRST_PART
        while True:
            core = open_core(reduced, limit)
            self._best = improve(self._best, reduced, core)
            self._value = self._instance.loss(self._best) - self._instance.loss(reduced.choice)
            if len(core.groups) > LARGE_CORE:
                self._dive(self._first_label(), core, 0, FIRST_WIDTH, [])
            needed = reduced.reach(self._target)
            if limit >= needed:
                return core
            limit = min(limit * NEXT_PART, needed)

    def _expand(self, labels: Labels, core: Core) -> Limit | None:
        """Extend the labels group by group until none is left, or a limit is reached."""
        history: list[tuple[int, IntArray, int, IntArray]] = []
        stored, dive_at = 0, DIVE_AT
        for position, group in enumerate(core.groups):
            if not len(labels.bounds):
                break
            candidates = self._open_candidates(group, core)
            if len(candidates) == 1:
                continue
            if len(labels.bounds) * len(candidates) > self._options.label_limit - stored:
                return Limit.LABELS
            previous = len(labels.bounds)
            labels, origin = self._step(labels, group, candidates, core, position)
            history.append((int(group), candidates, previous, origin))
            stored += len(origin)
            self._update(labels, history)
            if len(labels.bounds) > POLL_AT:
                self._bound = max(self._bound, math.ceil(labels.bounds.min(initial=math.inf)))
                self._tell()
                if time.monotonic() >= self._options.deadline:
                    return Limit.TIME
            if len(labels.bounds) > dive_at:
                self._dive(labels, core, position + 1, max(1, dive_at // DIVE_SHARE), history)
                dive_at *= DIVE_GROWTH
        return None

    def _dive(
        self,
        labels: Labels,
        core: Core,
        position: int,
        width: int,
        history: list[tuple[int, IntArray, int, IntArray]],
    ) -> None:
        """Follow only the most promising labels for a while, for a better incumbent.

        Of labels with the same bound those near the capacity are preferred.
        """
        history = list(history)
        nearness = NEARNESS * self._reduced.multiplier
        for later in range(position, min(position + width, len(core.groups))):
            if time.monotonic() >= self._options.deadline or not len(labels.bounds):
                break
            keys = labels.bounds + nearness * np.abs(labels.weights)
            chosen = _least(keys, width)
            group, previous = int(core.groups[later]), len(labels.bounds)
            beam = Labels(labels.weights[chosen], labels.losses[chosen], labels.bounds[chosen])
            candidates = self._open_candidates(group, core)
            labels, origin = self._step(beam, group, candidates, core, later)
            candidate, label = np.divmod(origin, len(chosen))
            history.append((group, candidates, previous, candidate * previous + chosen[label]))
            self._update(labels, history)

    def _open_candidates(self, group: int, core: Core) -> IntArray:
        """The break candidate, then the group's alternatives that can still be in an optimum."""
        reduced = self._reduced
        open_ = core.alive[group] & (reduced.above[group] <= reduced.reach(self._target))
        return np.append(reduced.choice[group], np.flatnonzero(open_))

    def _step(
        self, labels: Labels, group: int, candidates: IntArray, core: Core, position: int
    ) -> tuple[Labels, IntArray]:
        gained, lost = self._reduced.gained[group], self._reduced.lost[group]
        return extend(labels, gained[candidates], lost[candidates], core, position, self._target)

    def _update(self, labels: Labels, history: list[tuple[int, IntArray, int, IntArray]]) -> None:
        """Take the best label within the capacity as incumbent if it is an improvement."""
        label = labels.best_within_capacity()
        if label < 0 or labels.losses[label] >= self._value:
            return
        self._value = int(labels.losses[label])
        self._best = self._reduced.choice.copy()
        for group, candidates, previous, origin in reversed(history):
            candidate, label = divmod(int(origin[label]), previous)
            self._best[group] = candidates[candidate]

    def _tell(self) -> None:
        if self._options.report is not None:
            bound = min(self._bound, self._value)
            self._options.report(self._value + self._origin, bound + self._origin)
