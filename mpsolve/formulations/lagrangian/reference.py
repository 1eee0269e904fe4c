"""The reference of the kernel, short rather than fast: for tests, and where none was compiled."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mpsolve.formulations.lagrangian.stage import Labels

if TYPE_CHECKING:
    from mpsolve.formulations.lagrangian.graph import LayeredGraph
    from mpsolve.formulations.lagrangian.stage import Stage
    from mpsolve.typing import BoolArray, FloatArray, IntArray

#: A label is compared with so many of those kept before it at its node.
WINDOW = 1024


def forward(graph: LayeredGraph, price: FloatArray) -> tuple[FloatArray, IntArray]:
    """See `kernel.forward`."""
    distance, last = np.full(graph.nodes[-1], np.inf), np.full(graph.nodes[-1], -1)
    distance[0] = 0.0
    for begin, end in zip(graph.arcs[:-1], graph.arcs[1:], strict=True):
        head = graph.head[begin:end]
        reached = distance[graph.tail[begin:end]] + price[begin:end]
        order = np.lexsort((reached, head))
        first = order[np.flatnonzero(np.diff(head[order], prepend=-1))]
        first = first[np.isfinite(reached[first])]
        distance[head[first]], last[head[first]] = reached[first], begin + first
    return distance, last


def backward(graph: LayeredGraph, price: FloatArray) -> FloatArray:
    """See `kernel.backward`."""
    distance = np.full(graph.nodes[-1], np.inf)
    distance[-1] = 0.0
    for begin, end in zip(graph.arcs[-2::-1], graph.arcs[:0:-1], strict=True):
        reached = price[begin:end] + distance[graph.head[begin:end]]
        np.minimum.at(distance, graph.tail[begin:end], reached)
    return distance


def walk(tail: IntArray, last: IntArray, path: IntArray) -> None:
    """Write the path to the sink along the last arcs."""
    node = len(last) - 1
    for stage in reversed(range(len(path))):
        path[stage] = last[node]
        node = tail[path[stage]]


def extend(labels: Labels, stage: Stage, most: int) -> Labels | None:
    """See `kernel.extend`."""
    node = np.repeat(np.arange(len(labels.start) - 1), np.diff(labels.start))
    degree = np.diff(stage.arc_start)[node]
    parent = np.repeat(np.arange(len(node)), degree)
    within = np.arange(len(parent)) - np.repeat(np.cumsum(degree) - degree, degree)
    arc = stage.arc_start[node[parent]] + within
    head = stage.head[arc]
    loss = labels.loss[parent] + stage.loss[arc]
    weight = labels.weight[parent] + stage.weight[arc]
    bounds = loss + stage.multiplier @ weight.T + stage.rest[:, head]
    excess = (bounds - stage.limit[:, None]).max(0)
    kept = np.flatnonzero((weight <= stage.room[head]).all(1) & (excess <= 0.0))
    if len(kept) > most:
        return None
    order = kept[np.lexsort((*weight[kept].T[::-1], loss[kept], head[kept]))]
    order = order[_undominated(head[order], weight[order])]
    start = np.searchsorted(head[order], np.arange(len(stage.room) + 1))
    return Labels(start, loss[order], weight[order], parent[order], arc[order], excess[order])


def _undominated(head: IntArray, weight: IntArray) -> BoolArray:
    """Which labels, by head and loss, weigh less in something than each kept one before them."""
    keep = np.zeros(len(head), bool)
    kept: list[int] = []
    for k, own in enumerate(weight):
        if k and head[k] != head[k - 1]:
            kept = []
        if not (weight[kept[-WINDOW:]] <= own).all(1).any():
            keep[k] = True
            kept.append(k)
    return keep
