"""The exact search: relaxation, incumbent, reduction and core, under limits."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mpsolve.formulations.mckp.core import Core, Labels, Reduced, extend, open_core, reduce
from mpsolve.formulations.mckp.incumbent import improve, settle_ties
from mpsolve.formulations.mckp.relaxation import relax
from mpsolve.solution import Limit

if TYPE_CHECKING:
    from collections.abc import Callable

    from mpsolve.formulations.mckp.instance import Instance
    from mpsolve.typing import BoolArray, IntArray

#: Labels at once, from which on a dive for a better incumbent pays; repeated at the next power.
DIVE_AT = 50_000
DIVE_WIDTH = 5_000
DIVE_GROWTH = 8
#: Labels kept for back-tracking when the caller sets no limit: about 100 MB.
LABEL_LIMIT = 8_000_000


@dataclass(frozen=True, eq=False)
class Result:
    """The best choice found and the proof that comes with it.

    Attributes
    ----------
    choice
        ``(G,)`` int64, or None if even the lightest choice exceeds the capacity.
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


def search(
    instance: Instance,
    *,
    start: IntArray | None = None,
    deadline: float = math.inf,
    label_limit: int = LABEL_LIMIT,
    gap: float = 0.0,
    report: Callable[[int, int], None] | None = None,
) -> Result:
    """Solve an instance to proven optimality, or as far as the limits allow.

    Parameters
    ----------
    instance
        The knapsack.
    start
        A choice to begin with as incumbent; ignored if it exceeds the capacity.
    deadline
        `time.monotonic` value at which to stop.
    label_limit
        How many labels to keep in memory.
    gap
        Stop when no choice is better than the incumbent by more than this part of its loss.
    report
        Called with incumbent and bound between steps of long searches.
    """
    relaxation = relax(instance)
    if relaxation is None:
        return Result(None, 0, 0, None)
    if relaxation.above is None:
        loss = instance.loss(relaxation.below)
        return Result(relaxation.below, loss, loss, None)
    break_choice = settle_ties(instance, relaxation)
    reduced = reduce(instance, break_choice, relaxation.multiplier)
    candidates = [improve(instance, break_choice), improve(instance, relaxation.above)]
    candidates += [start] if start is not None else []
    feasible = [c for c in candidates if instance.weight(c) <= instance.capacity]
    best = min(feasible, key=instance.loss)
    return _Search(instance, reduced, best, deadline, label_limit, gap, report).run()


class _Search:
    """The state of one core search: the incumbent, the history of labels, the limits."""

    def __init__(
        self,
        instance: Instance,
        reduced: Reduced,
        best: IntArray,
        deadline: float,
        label_limit: int,
        gap: float,
        report: Callable[[int, int], None] | None,
    ) -> None:
        self._reduced = reduced
        self._origin = instance.loss(reduced.choice)
        self._best = best
        self._value = instance.loss(best) - self._origin
        self._deadline = deadline
        self._label_limit = label_limit
        self._gap = gap
        self._report = report

    @property
    def _target(self) -> int:
        """The loss that an improvement must not exceed."""
        return self._value - 1 - int(self._gap * abs(self._value + self._origin))

    def run(self) -> Result:
        reduced = self._reduced
        alive = reduced.within(self._target)
        core = open_core(reduced, alive)
        labels = Labels(np.array([-reduced.room]), np.zeros(1, np.int64), np.array([reduced.bound]))
        bound, limit = self._expand(labels, core, alive)
        # Dropped labels exceed the target; those still open, if any, lie above their least bound.
        proven = self._target + 1 if limit is None else min(bound, self._target + 1)
        bound = min(self._value, max(proven, math.ceil(reduced.bound)))
        return Result(self._best, self._value + self._origin, bound + self._origin, limit)

    def _expand(self, labels: Labels, core: Core, alive: BoolArray) -> tuple[int, Limit | None]:
        """Extend the labels group by group until none is left, or a limit is reached."""
        history: list[tuple[int, IntArray, int, IntArray]] = []
        stored, dive_at, bound = 0, DIVE_AT, math.ceil(self._reduced.bound)
        try:
            for position, group in enumerate(core.groups):
                if not len(labels.bounds):
                    break
                candidates = self._open_candidates(group, alive)
                if len(candidates) == 1:
                    continue
                if len(labels.bounds) * len(candidates) > self._label_limit - stored:
                    return bound, Limit.LABELS
                previous = len(labels.bounds)
                labels, origin = self._step(labels, group, candidates, core, position)
                history.append((int(group), candidates, previous, origin))
                stored += len(origin)
                self._update(labels, history)
                if len(labels.bounds) > DIVE_AT // 10:
                    bound = max(bound, math.ceil(labels.bounds.min(initial=math.inf)))
                    self._tell(bound)
                    if time.monotonic() >= self._deadline:
                        return bound, Limit.TIME
                if len(labels.bounds) > dive_at:
                    dive_at *= DIVE_GROWTH
                    self._dive(labels, core, alive, position + 1, history)
        except KeyboardInterrupt:
            return bound, Limit.INTERRUPTED
        return bound, None

    def _dive(
        self,
        labels: Labels,
        core: Core,
        alive: BoolArray,
        position: int,
        history: list[tuple[int, IntArray, int, IntArray]],
    ) -> None:
        """Follow only the most promising labels to the end, for a better incumbent."""
        history = list(history)
        for later in range(position, len(core.groups)):
            if time.monotonic() >= self._deadline or not len(labels.bounds):
                break
            chosen = np.arange(len(labels.bounds))
            if len(chosen) > DIVE_WIDTH:
                chosen = np.sort(np.argpartition(labels.bounds, DIVE_WIDTH)[:DIVE_WIDTH])
            group, previous = int(core.groups[later]), len(labels.bounds)
            beam = Labels(labels.weights[chosen], labels.losses[chosen], labels.bounds[chosen])
            candidates = self._open_candidates(group, alive)
            labels, origin = self._step(beam, group, candidates, core, later)
            candidate, label = np.divmod(origin, len(chosen))
            history.append((group, candidates, previous, candidate * previous + chosen[label]))
            self._update(labels, history)

    def _open_candidates(self, group: int, alive: BoolArray) -> IntArray:
        """The break candidate, then the group's alternatives that can still be in an optimum."""
        reduced = self._reduced
        limit = self._target - reduced.bound
        open_ = alive[group] & (reduced.above[group] <= limit + abs(limit) * 1e-12)
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

    def _tell(self, bound: int) -> None:
        if self._report is not None:
            self._report(self._value + self._origin, min(bound, self._value) + self._origin)
