"""The kernel in NumPy, for where it is not compiled; kernel/labels.c is the other half."""

from __future__ import annotations

from bisect import bisect_right
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from mpsolve.formulations.lagrangian.graph import LayeredGraph
    from mpsolve.formulations.lagrangian.kernel import Labels, Stage
    from mpsolve.typing import BoolArray, FloatArray, IntArray

#: With three resources or more a draft is compared with so many of those kept before it.
WINDOW = 1024


def forward(graph: LayeredGraph, price: FloatArray) -> tuple[FloatArray, IntArray]:
    """As `kernel.forward`."""
    distance = np.full(graph.nodes[-1], np.inf)
    last = np.full(graph.nodes[-1], -1)
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
    """As `kernel.backward`."""
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
    """As `kernel.extend`."""
    from mpsolve.formulations.lagrangian.kernel import Labels

    node = np.repeat(np.arange(len(labels.start) - 1), np.diff(labels.start))
    degree = np.diff(stage.arc_start)[node]
    parent = np.repeat(np.arange(len(node)), degree)
    within = np.arange(len(parent)) - np.repeat(np.cumsum(degree) - degree, degree)
    arc = stage.arc_start[node[parent]] + within
    head = stage.head[arc]
    loss = labels.loss[parent] + stage.loss[arc]
    weight = labels.weight[parent] + stage.weight[arc]
    excess = _excess(stage, head, loss, weight)
    kept = np.flatnonzero((weight <= stage.room[head]).all(1) & (excess <= 0.0))
    if len(kept) > most:
        return None
    order = kept[np.lexsort((*weight[kept].T[::-1], loss[kept], head[kept]))]
    order = order[_undominated(head[order], weight[order])]
    start = np.searchsorted(head[order], np.arange(len(stage.room) + 1))
    return Labels(start, loss[order], weight[order], parent[order], arc[order], excess[order])


def _excess(stage: Stage, head: IntArray, loss: IntArray, weight: IntArray) -> FloatArray:
    """What the tightest bound on any completion exceeds its limit by."""
    worst = np.full(len(head), -np.inf)
    for multiplier, rest, limit in zip(stage.multiplier, stage.rest, stage.limit, strict=True):
        bound = loss.astype(np.float64)
        for r, factor in enumerate(multiplier):
            bound += factor * weight[:, r]
        bound += rest[head]
        bound -= limit
        worst = np.maximum(worst, bound)
    return worst


def _undominated(head: IntArray, weight: IntArray) -> BoolArray:
    """Which drafts, by head and loss, weigh less in something than each kept one before them."""
    keep = np.zeros(len(head), bool)
    for begin, end in _runs(head):
        if weight.shape[1] > 2:
            _keep_windowed(weight[begin:end], keep[begin:end])
        else:
            columns = np.zeros((end - begin, 2), np.int64)
            columns[:, : weight.shape[1]] = weight[begin:end]
            _keep_staircase(columns.tolist(), keep[begin:end])
    return keep


def _runs(head: IntArray) -> list[tuple[int, int]]:
    edges = [*np.flatnonzero(np.diff(head, prepend=-1)).tolist(), len(head)]
    return list(pairwise(edges))


def _keep_staircase(weights: list[list[int]], keep: BoolArray) -> None:
    """With two weights: the lower left staircase of those kept so far tells."""
    xs: list[int] = []
    ys: list[int] = []
    for k, (x, y) in enumerate(weights):
        low = bisect_right(xs, x)
        if low and ys[low - 1] <= y:
            continue
        keep[k] = True
        first = low - 1 if low and xs[low - 1] == x else low
        past = first
        while past < len(ys) and ys[past] >= y:
            past += 1
        xs[first:past], ys[first:past] = [x], [y]


def _keep_windowed(weight: IntArray, keep: BoolArray) -> None:
    """With more: a comparison with the last ones kept."""
    kept: list[int] = []
    for k, own in enumerate(weight):
        if not (weight[kept[-WINDOW:]] <= own).all(1).any():
            keep[k] = True
            kept.append(k)
