"""Good feasible choices around the break choice, found in one pass each."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from mpsolve.formulations.mckp.core import Core, Reduced
    from mpsolve.formulations.mckp.instance import Instance
    from mpsolve.formulations.mckp.relaxation import Relaxation
    from mpsolve.typing import IntArray

#: Candidates whose reduced cost is this small a part of what they trade count as ties.
NEAR_TIE = 1e-12
#: Changes to the first incumbent.
PASSES = 8


def settle_ties(instance: Instance, relaxation: Relaxation, room: int) -> IntArray:
    """Switch candidates of (nearly) zero reduced cost until the capacity is almost used.

    At the critical multiplier these candidates are all equally good to the relaxation: group after
    group takes the heaviest that fits. Without this step, correlated data start thousands of units
    away from the capacity and the core grows by orders of magnitude.
    """
    choice = relaxation.choice.copy()
    room -= instance.weight(choice)
    gained, lost = differences(instance, choice)
    traded = relaxation.multiplier * gained
    near = (gained > 0) & (np.abs(lost + traded) <= NEAR_TIE * (np.abs(lost) + traded))
    rows = np.flatnonzero(near.any(1))
    steps = np.where(near[rows], gained[rows], 0)
    while len(rows) and room > 0:
        fitting = np.where(steps <= room, steps, 0)
        best = fitting.max(1)
        taken = int(np.searchsorted(np.cumsum(best), room, "right"))
        changed = np.flatnonzero(best[:taken])
        choice[rows[changed]] = fitting[changed].argmax(1)
        room -= int(best[:taken].sum())
        rows, steps = rows[taken:], steps[taken:]
    return choice


def best_change(
    gained: IntArray, lost: IntArray, room: int, without: int | None = None
) -> tuple[int, int, int]:
    """The single change that lowers the loss most, or raises it least, and gains at most ``room``.

    Parameters
    ----------
    gained, lost
        ``(G, K)`` changes of weight and of loss.
    room
        The most weight to gain; may be negative.
    without
        A group that must not change.

    Returns
    -------
    lost, group, candidate
        The change of loss, the int64 limit if no change fits, and what changes.
    """
    change = np.where(gained <= room, lost, np.iinfo(np.int64).max)
    if without is not None:
        change[without] = np.iinfo(np.int64).max
    group, candidate = divmod(int(change.argmin()), change.shape[1])
    return int(change[group, candidate]), group, candidate


def improve(choice: IntArray, reduced: Reduced, core: Core) -> IntArray:
    """Apply the fitting change in the core that lowers the loss most, a few times."""
    rows = core.groups
    if not len(rows):
        return choice
    # The break candidate comes first, then what the core leaves of the alternatives.
    gained = np.insert(reduced.gained[rows], 0, 0, axis=1)
    lost = np.insert(reduced.lost[rows], 0, 0, axis=1)
    closed = np.insert(~core.alive[rows], 0, False, axis=1)
    taken = reduced.gained[np.arange(len(choice)), choice]
    room = reduced.room - int(taken.sum())
    gains, losses = taken[rows], reduced.lost[rows, choice[rows]]
    choice = choice.copy()
    for _ in range(PASSES):
        fits = (gained - gains[:, None] <= room) & ~closed
        change = np.where(fits, lost - losses[:, None], 0)
        at, column = divmod(int(change.argmin()), change.shape[1])
        if change[at, column] >= 0:
            break
        room -= int(gained[at, column] - gains[at])
        gains[at], losses[at] = gained[at, column], lost[at, column]
        choice[rows[at]] = column - 1 if column else reduced.choice[rows[at]]
    return choice


def differences(instance: Instance, choice: IntArray) -> tuple[IntArray, IntArray]:
    """``(G, K)`` changes of weight and of loss when one group leaves the choice."""
    return (
        instance.weights - instance.weights[instance.rows, choice][:, None],
        instance.losses - instance.losses[instance.rows, choice][:, None],
    )
