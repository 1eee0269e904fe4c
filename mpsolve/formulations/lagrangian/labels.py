"""Label setting for the shortest path problem with resource constraints.

Dumitrescu and Boland (2003), "Improved preprocessing, labeling and scaling algorithms for the
weight-constrained shortest path problem", section 4: partial paths are extended stage by stage;
one is dropped when it cannot end within the capacities, when a Lagrangian bound on its completions
exceeds the target, or when another one at its node loses and weighs no more. With a width the
search is a beam search: of every layer only the most promising labels are kept.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mpsolve.formulations.lagrangian.fixing import weight_rounding
from mpsolve.formulations.lagrangian.kernel import backward, extend
from mpsolve.formulations.lagrangian.stage import Labels, Stage

if TYPE_CHECKING:
    from mpsolve.formulations.lagrangian.graph import LayeredGraph
    from mpsolve.typing import FloatArray, IntArray

#: Besides those of the dual, bounds with each multiplier changed by these factors.
FACTORS = (0.8, 1.25)


@dataclass(frozen=True, eq=False)
class Found:
    """What a pass has found.

    Attributes
    ----------
    choice
        ``(G,)`` the candidates along the best path that ended, or None.
    loss
        Its loss.
    count
        How many labels there were.
    complete
        Whether every path within the target was considered.
    limited
        Whether the limit on labels or the deadline ended the pass.
    """

    choice: IntArray | None
    loss: int
    count: int
    complete: bool
    limited: bool = False


class LabelSetting:
    """Passes over one graph with one target.

    Parameters
    ----------
    graph
        The graph.
    multiplier
        ``(R,)`` the multipliers of its dual.
    target
        Paths that lose more are of no interest.
    """

    def __init__(self, graph: LayeredGraph, multiplier: FloatArray, target: int) -> None:
        self._graph = graph
        self._multipliers = _around(multiplier)
        # In the sink the bound without prices is the loss itself.
        prices = [graph.loss + graph.weight @ m for m in self._multipliers]
        self._rest = np.stack([backward(graph, price) for price in prices])
        self._limit = np.array(
            [target + float(m @ graph.capacity) + graph.rounding(m) for m in self._multipliers]
        )
        self._room = np.empty((int(graph.nodes[-1]), len(graph.capacity)), np.int64)
        for r, capacity in enumerate(graph.capacity):
            least = backward(graph, graph.weight[:, r].astype(np.float64))
            lenient = np.floor(np.where(np.isinf(least), 0.0, least) - weight_rounding(graph, r))
            room = capacity - np.maximum(lenient, 0.0).astype(np.int64)
            self._room[:, r] = np.where(np.isinf(least), -1, room)

    def run(self, width: int, most: int, deadline: float) -> Found:
        """One pass.

        Parameters
        ----------
        width
            Labels to keep per layer.
        most
            Labels to keep in memory.
        deadline
            `time.monotonic` value at which to stop.
        """
        graph, resources = self._graph, len(self._graph.capacity)
        labels = Labels(
            np.array([0, 1]),
            np.zeros(1, np.int64),
            np.zeros((1, resources), np.int64),
            np.zeros(1, np.int64),
            np.zeros(1, np.int64),
            np.zeros(1),
        )
        history: list[tuple[int, IntArray, IntArray]] = []
        count, complete = 0, True
        single = np.diff(graph.arcs) == 1
        for t in range(graph.stages):
            if single[t]:
                labels = self._passed(labels, t)
                continue
            if time.monotonic() >= deadline:
                return Found(None, 0, count, False, True)
            extended = extend(labels, self._stage(t), most - count)
            if extended is None:
                return Found(None, 0, count, False, True)
            labels = extended
            if len(labels.loss) > width:
                complete, labels = False, _narrowed(labels, width)
            count += len(labels.loss)
            history.append((t, labels.parent, labels.arc))
            if not len(labels.loss):
                return Found(None, 0, count, complete)
        # Stages with one arc were not checked, and rooms are lenient by rounding.
        ended = np.flatnonzero((labels.weight <= graph.capacity).all(1))
        if not len(ended):
            return Found(None, 0, count, complete)
        label = ended[labels.loss[ended].argmin()]
        loss = int(labels.loss[label])
        path = graph.arcs[:-1].copy()
        for t, parent, arc in reversed(history):
            path[t] += arc[label]
            label = parent[label]
        return Found(graph.choice(path), loss, count, complete)

    def _stage(self, t: int) -> Stage:
        graph = self._graph
        first, middle, end = graph.nodes[t : t + 3]
        arcs = slice(graph.arcs[t], graph.arcs[t + 1])
        return Stage(
            np.searchsorted(graph.tail[arcs], np.arange(first, middle + 1)),
            graph.head[arcs] - middle,
            graph.loss[arcs],
            graph.weight[arcs],
            self._room[middle:end],
            self._multipliers,
            np.ascontiguousarray(self._rest[:, middle:end]),
            self._limit,
        )

    def _passed(self, labels: Labels, t: int) -> Labels:
        """The labels beyond a stage with one arc, which all of them take."""
        graph, arc = self._graph, self._graph.arcs[t]
        nodes = np.arange(graph.nodes[t + 1], graph.nodes[t + 2] + 1)
        return Labels(
            np.where(nodes > graph.head[arc], len(labels.loss), 0),
            labels.loss + graph.loss[arc],
            labels.weight + graph.weight[arc],
            labels.parent,
            labels.arc,
            labels.excess,
        )


def _around(multiplier: FloatArray) -> FloatArray:
    """The multipliers of the dual, none at all, and some neighbours."""
    rows = [multiplier, np.zeros_like(multiplier)]
    for r in np.flatnonzero(multiplier):
        for factor in FACTORS:
            rows.append(np.where(np.arange(len(multiplier)) == r, factor * multiplier, multiplier))
    return np.array(rows)


def _narrowed(labels: Labels, width: int) -> Labels:
    """The labels with the best bounds."""
    keep = np.sort(np.argpartition(labels.excess, width)[:width])
    return Labels(
        np.searchsorted(keep, labels.start),
        labels.loss[keep],
        labels.weight[keep],
        labels.parent[keep],
        labels.arc[keep],
        labels.excess[keep],
    )
