"""The exact search: dual, fixing and labels, for a growing target.

An optimum is proven by looking at every path that loses less. How much that is nobody knows
beforehand, so the search is one for all paths within a target that begins at the dual bound and
grows (iterative deepening, Korf 1985): as long as there is none, the target is a proven bound, and
the first path within it is an optimum. Small targets fix most arcs and cost next to nothing. Where
a pass would have many labels, narrow beams look for a path within the target first, since each one
found lowers the target.
"""

from __future__ import annotations

import itertools
import math
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mpsolve.formulations.lagrangian.dual import Dual
from mpsolve.formulations.lagrangian.fixing import lower_bounds, within_capacities
from mpsolve.formulations.lagrangian.labels import LabelSetting
from mpsolve.model.solution import Limit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from mpsolve.formulations.lagrangian.graph import LayeredGraph
    from mpsolve.typing import FloatArray, IntArray

#: Labels that are kept for back-tracking when the caller sets no limit: about 250 MB.
LABEL_LIMIT = 4_000_000
#: Width of the beam that looks for a first path.
FIRST_WIDTH = 100
#: Width of the first beam within a target, and by how much the next one is wider.
WIDTH, WIDER = 1000, 8
#: The first target lies this part of the gap above the dual bound.
FIRST_STEP = 1 / 8
#: By how much the step grows after a search with at most so many labels.
GROWTH = ((3_000, 2.5), (30_000, 1.8), (math.inf, 1.4))


@dataclass(frozen=True, eq=False)
class Result:
    """The best path found and the proof that comes with it.

    Attributes
    ----------
    choice
        ``(G,)`` the candidates along the path, or None.
    loss
        Their loss; without a path, more than any has.
    bound
        No path within the capacities loses less; `loss` when it is proven optimal, or when it is
        proven that there is no path.
    limit
        What stopped the search before the proof, if anything.
    """

    choice: IntArray | None
    loss: int
    bound: int
    limit: Limit | None


def search(
    graph: LayeredGraph,
    *,
    start: tuple[IntArray, int] | None = None,
    deadline: float = math.inf,
    label_limit: int = LABEL_LIMIT,
    allowance: Callable[[int], int] = lambda loss: 0,
    report: Callable[[IntArray | None, int, int], None] | None = None,
) -> Result:
    """Find the path of least loss within the capacities, or as good a one as the limits allow.

    Parameters
    ----------
    graph
        The graph.
    start
        The candidates along a path and their loss, to begin with.
    deadline
        `time.monotonic` value at which to stop.
    label_limit
        How many labels to keep in memory.
    allowance
        How far the bound may stay below a loss; 0 asks for the optimum.
    report
        Called with the best choice, its loss and the bound after every pass.
    """
    state = _Search(graph, start, deadline, label_limit, allowance, report)
    try:
        limit = state.run()
    except KeyboardInterrupt:
        limit = Limit.INTERRUPTED
    return Result(state.choice, state.loss, min(state.bound, state.loss), limit)


class _Search:
    """The state of a search: the best path, the bound, the limits."""

    def __init__(
        self,
        graph: LayeredGraph,
        start: tuple[IntArray, int] | None,
        deadline: float,
        label_limit: int,
        allowance: Callable[[int], int],
        report: Callable[[IntArray | None, int, int], None] | None,
    ) -> None:
        self._graph = graph
        self._deadline = deadline
        self._label_limit = label_limit
        self._allowance = allowance
        self._report = report
        self.choice: IntArray | None = None
        self.loss = 0 if graph.empty else graph.most + 1
        self.bound = 0
        if start is not None:
            self._take(*start)

    @property
    def _goal(self) -> int:
        """The largest loss of a path that is worth finding."""
        slack = 0 if self.choice is None else self._allowance(self.loss)
        return self.loss - 1 - slack

    def run(self) -> Limit | None:
        """Search; say what stopped it before the proof."""
        graph = self._graph if self._graph.empty else within_capacities(self._graph)
        if graph.empty:
            self.bound = self.loss
            return None
        dual = Dual(graph, self._deadline)
        dual.maximise()
        if dual.path is not None:
            self._take(graph.choice(dual.path), int(dual.loss))
        self.bound = max(self.bound, math.ceil(min(dual.bound, self.loss)))
        passes = _Passes(graph, lower_bounds(graph, dual.multiplier), dual.multiplier)
        limit = self._look(passes, self._goal, [FIRST_WIDTH])[0]
        step = FIRST_STEP * (self._goal + 1 - dual.bound)
        while limit is None and self.bound <= self._goal:
            target = min(math.floor(dual.bound + step), self._goal)
            widths = (WIDTH * WIDER**k for k in itertools.count())
            limit, labels = self._look(passes, max(target, self.bound), widths)
            step *= next(growth for most, growth in GROWTH if labels <= most)
        return limit

    def _look(
        self, passes: _Passes, target: int, widths: Iterable[int]
    ) -> tuple[Limit | None, int]:
        """Look for paths within a target by beams of these widths, until one is wide enough.

        Returns
        -------
        What ended it before that, if anything, and how many labels the last pass had.
        """
        labels = 0
        for width in widths:
            target = min(target, self._goal)
            if self.bound > target:
                break
            narrowed = passes.within(target)
            if narrowed is None:
                self.bound = target + 1
                break
            found = narrowed.run(width, self._label_limit, self._deadline)
            labels = found.count
            if found.choice is not None:
                self._take(found.choice, found.loss)
            if found.complete:
                self.bound = max(self.bound, min(target + 1, self.loss))
            if self._report:
                self._report(self.choice, self.loss, min(self.bound, self.loss))
            if found.complete:
                break
            if found.limited:
                late = time.monotonic() >= self._deadline
                return Limit.TIME if late else Limit.LABELS, labels
        return None, labels

    def _take(self, choice: IntArray, loss: int) -> None:
        if loss < self.loss:
            self.choice, self.loss = choice, loss


@dataclass(frozen=True, eq=False)
class _Passes:
    """What passes with different targets share.

    Attributes
    ----------
    graph
        The graph.
    below
        ``(A,)`` lower bounds on the loss of the paths through each arc.
    multiplier
        ``(R,)`` the multipliers that give them.
    """

    graph: LayeredGraph
    below: FloatArray
    multiplier: FloatArray

    def within(self, target: int) -> LabelSetting | None:
        """Label setting on the arcs that paths within a target can take; None without one."""
        graph = self.graph.kept(self.below <= target)
        graph = graph if graph.empty else within_capacities(graph)
        if graph.empty:
            return None
        return LabelSetting(graph, self.multiplier, target)
