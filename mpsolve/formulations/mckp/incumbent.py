"""Good feasible choices around the break solution, found in a few passes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from mpsolve.formulations.mckp.instance import Instance
    from mpsolve.formulations.mckp.relaxation import Relaxation
    from mpsolve.typing import FloatArray, IntArray

PASSES = 4
#: Candidates whose reduced cost is this small a part of what they trade count as ties.
NEAR_TIE = 1e-12


def settle_ties(instance: Instance, relaxation: Relaxation) -> IntArray:
    """Switch candidates of (nearly) zero reduced cost until the capacity is almost used.

    At the critical multiplier these candidates are all equally good to the relaxation. Without
    this step, correlated data start thousands of units away from the capacity and the core
    grows by orders of magnitude.
    """
    choice = relaxation.below.copy()
    room = instance.capacity - instance.weight(choice)
    gained, lost = _differences(instance, choice)
    traded = relaxation.multiplier * gained
    near = (gained > 0) & (np.abs(lost + traded) <= NEAR_TIE * (np.abs(lost) + traded))
    rows = np.flatnonzero(near.any(1))
    if not len(rows):
        return choice
    steps = np.where(near[rows], gained[rows], 0)
    while len(rows):
        fitting = np.where(steps <= room, steps, 0)
        best = fitting.max(1)
        order = np.argsort(-best, kind="stable")
        taken = order[: int(np.searchsorted(np.cumsum(best[order]), room, "right"))]
        taken = taken[best[taken] > 0]
        if not len(taken):
            break
        choice[rows[taken]] = fitting[taken].argmax(1)
        room -= int(best[taken].sum())
        rows, steps = np.delete(rows, taken), np.delete(steps, taken, 0)
    return choice


def improve(instance: Instance, choice: IntArray) -> IntArray:
    """Apply the single change that lowers the loss most and keeps the capacity, a few times.

    A choice that exceeds the capacity is repaired by its first change, if a single one can do
    that, and returned as it is otherwise.
    """
    choice = choice.copy()
    for _ in range(PASSES):
        room = instance.capacity - instance.weight(choice)
        gained, lost = _differences(instance, choice)
        change = np.where(gained <= room, lost, np.iinfo(np.int64).max)
        group, candidate = divmod(int(change.argmin()), change.shape[1])
        if gained[group, candidate] > room or (room >= 0 and lost[group, candidate] >= 0):
            break
        choice[group] = candidate
    return choice


def _differences(instance: Instance, choice: IntArray) -> tuple[IntArray, IntArray]:
    rows = np.arange(len(choice))
    return (
        instance.weights - instance.weights[rows, choice][:, None],
        instance.losses - instance.losses[rows, choice][:, None],
    )


def reduced_costs(gained: IntArray, lost: IntArray, multiplier: float) -> FloatArray:
    """Lower bounds on the reduced costs, valid in spite of the rounding of doubles."""
    traded = multiplier * gained
    return lost + traded - (np.abs(lost) + np.abs(traded)) * 2.0**-51
