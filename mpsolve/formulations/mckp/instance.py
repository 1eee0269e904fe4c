"""The multiple-choice knapsack in integers: one padded row per choice group."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from mpsolve.typing import BoolArray, IntArray


@dataclass(frozen=True, eq=False)
class Instance:
    """Minimise the summed losses, one candidate per group, summed weights <= capacity.

    Attributes
    ----------
    weights, losses
        ``(G, K)`` int64; rows of groups with fewer candidates repeat their last one.
    real
        ``(G, K)`` bool, False where an entry is such a repetition.
    capacity
        The limit on the summed weights.
    """

    weights: IntArray
    losses: IntArray
    real: BoolArray
    capacity: int

    def weight(self, choice: IntArray) -> int:
        """Summed weight of a choice."""
        return int(self.weights[np.arange(len(choice)), choice].sum())

    def loss(self, choice: IntArray) -> int:
        """Summed loss of a choice."""
        return int(self.losses[np.arange(len(choice)), choice].sum())


def padded(weights: IntArray, losses: IntArray, offsets: IntArray, capacity: int) -> Instance:
    """Arrange flat groups as the rows of an `Instance`."""
    counts = np.diff(offsets)
    width = int(counts.max())
    if (counts == width).all():
        shape = (len(counts), width)
        real = np.ones(shape, bool)
        return Instance(weights.reshape(shape), losses.reshape(shape), real, capacity)
    column = np.arange(width)
    index = np.minimum(offsets[:-1, None] + column, offsets[1:, None] - 1)
    return Instance(weights[index], losses[index], column < counts[:, None], capacity)
