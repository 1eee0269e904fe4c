"""The linear relaxation: the multiplier that prices the budget, and the break solution.

Dyer (1984) and Zemel (1984) find the critical slope by selection on the convex hulls. Here the
same multiplier is the maximum of the Lagrangian dual, reached by Kelley's cutting planes (1960):
each step intersects the two cuts around the maximum and is one vectorised argmin. About ten
steps are enough, and no hull is built.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from mpsolve.formulations.mckp.instance import Instance
    from mpsolve.typing import FloatArray, IntArray

MAX_STEPS = 100


@dataclass(frozen=True, eq=False)
class Relaxation:
    """The solution of the linear relaxation.

    Attributes
    ----------
    multiplier
        Loss per unit of weight at the optimum of the dual, at least 0.
    below, above
        ``(G,)`` two choices that minimise loss + multiplier * weight, one that keeps the
        capacity and one that exceeds it. ``above`` is None when the least loss of every group
        keeps the capacity, and ``below`` is then optimal.
    """

    multiplier: float
    below: IntArray
    above: IntArray | None


def relax(instance: Instance) -> Relaxation | None:
    """Solve the linear relaxation; None if even the lightest choice exceeds the capacity."""
    weights, losses, capacity = instance.weights, instance.losses, instance.capacity
    below = _lexicographic_argmin(weights, losses)
    weight_below, loss_below = instance.weight(below), instance.loss(below)
    if weight_below > capacity:
        return None
    above = _lexicographic_argmin(losses, weights)
    weight_above, loss_above = instance.weight(above), instance.loss(above)
    if weight_above <= capacity:
        return Relaxation(0.0, above, None)
    priced_losses = _excess(losses)
    priced_weights = _excess(weights)
    for _ in range(MAX_STEPS):
        multiplier = (loss_below - loss_above) / (weight_above - weight_below)
        middle = (priced_losses + multiplier * priced_weights).argmin(1)
        weight, loss = instance.weight(middle), instance.loss(middle)
        gain = (loss - loss_below) + multiplier * (weight - weight_below)
        if gain >= -1e-12 * abs(loss_below - loss_above) or weight in (weight_below, weight_above):
            break
        if weight <= capacity:
            below, weight_below, loss_below = middle, weight, loss
        else:
            above, weight_above, loss_above = middle, weight, loss
    return Relaxation(multiplier, below, above)


def _lexicographic_argmin(first: IntArray, second: IntArray) -> IntArray:
    """Per row, the column of the least ``first``, and among those of the least ``second``."""
    ties = first == first.min(1, keepdims=True)
    return np.where(ties, second, np.iinfo(np.int64).max).argmin(1)


def _excess(values: IntArray) -> FloatArray:
    """How far every entry lies above the least of its row."""
    return (values - values.min(1, keepdims=True)).astype(np.float64)
