"""The kernel: shortest paths and one stage of labels; compiled, else the reference."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

import numpy as np

from mpsolve.formulations.lagrangian import reference
from mpsolve.formulations.lagrangian.stage import Labels

compiled: ModuleType | None
try:
    compiled = import_module("mpsolve.formulations.native._native")
except ImportError:  # built without a compiler
    compiled = None

if TYPE_CHECKING:
    from types import ModuleType

    from mpsolve.formulations.lagrangian.graph import LayeredGraph
    from mpsolve.formulations.lagrangian.stage import Stage
    from mpsolve.typing import FloatArray, IntArray


def forward(graph: LayeredGraph, price: FloatArray) -> tuple[FloatArray, IntArray]:
    """``(V,)`` distances from the source, infinite where unreached, and last arcs, or -1."""
    if compiled is None:
        return reference.forward(graph, price)
    count = int(graph.nodes[-1])
    distance, last = np.empty(count), np.empty(count, np.int64)
    compiled.forward(graph.tail, graph.head, price, distance, last)
    return distance, last


def backward(graph: LayeredGraph, price: FloatArray) -> FloatArray:
    """``(V,)`` distances to the sink, infinite where there is no way."""
    if compiled is None:
        return reference.backward(graph, price)
    distance = np.empty(int(graph.nodes[-1]))
    compiled.backward(graph.tail, graph.head, price, distance)
    return distance


def shortest_path(graph: LayeredGraph, price: FloatArray) -> tuple[float, IntArray]:
    """The length of a shortest path to the sink, and its arcs; infinite and empty without one."""
    distance, last = forward(graph, price)
    if not np.isfinite(distance[-1]):
        return np.inf, np.zeros(0, np.int64)
    path = np.empty(graph.stages, np.int64)
    if compiled is None:
        reference.walk(graph.tail, last, path)
    else:
        compiled.walk(graph.tail, last, path)
    return float(distance[-1]), path


def extend(labels: Labels, stage: Stage, most: int) -> Labels | None:
    """Extend labels along the arcs of a stage.

    An extension is dropped if it exceeds the room at its head, if a bound shows that it cannot
    end within the limit, or if another one at the same head loses and weighs no more.

    Returns
    -------
    The new labels, or None when more than ``most`` extensions are within the limits.
    """
    if compiled is None:
        return reference.extend(labels, stage, most)
    out = compiled.extend(
        labels.start,
        labels.loss,
        labels.weight,
        stage.arc_start,
        stage.head,
        stage.loss,
        stage.weight,
        stage.room,
        stage.multiplier,
        stage.rest,
        stage.limit,
        most,
    )
    if out is None:
        return None
    start, loss, weight, parent, arc = (np.frombuffer(part, np.int64) for part in out[:5])
    return Labels(
        start,
        loss,
        weight.reshape(len(loss), stage.room.shape[1]),
        parent,
        arc,
        np.frombuffer(out[5]),
    )
