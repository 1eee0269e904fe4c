"""Arcs that no path of interest takes (Beasley and Christofides 1989; Dumitrescu and Boland 2003).

An arc is fixed to zero when the shortest path through it, a forward and a backward distance apart,
is too long: under the prices of the dual, by reduced cost, or under a weight alone, by capacity.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mpsolve.formulations.lagrangian.kernel import backward, forward

if TYPE_CHECKING:
    from mpsolve.formulations.lagrangian.graph import LayeredGraph
    from mpsolve.typing import FloatArray


def through(graph: LayeredGraph, price: FloatArray) -> FloatArray:
    """``(A,)`` the length of the shortest path through each arc, infinite without one."""
    distance, _ = forward(graph, price)
    return distance[graph.tail] + price + backward(graph, price)[graph.head]


def lower_bounds(graph: LayeredGraph, multiplier: FloatArray) -> FloatArray:
    """``(A,)`` no path through an arc loses less within the capacities, whatever the rounding."""
    price = graph.loss + graph.weight @ multiplier
    worth = float(multiplier @ graph.capacity) + graph.rounding(multiplier)
    return through(graph, price) - worth


def within_capacities(graph: LayeredGraph) -> LayeredGraph:
    """The arcs on paths that keep every capacity, each by itself."""
    keep = np.ones(len(graph.loss), bool)
    for r, capacity in enumerate(graph.capacity):
        weight = graph.weight[:, r].astype(np.float64)
        keep &= through(graph, weight) <= capacity + weight_rounding(graph, r)
    return graph.kept(keep)


def weight_rounding(graph: LayeredGraph, resource: int) -> float:
    """What doubles may hide in a sum of weights along a path."""
    return (graph.stages + 4) * 2.0**-52 * float(graph.heaviest[resource])
