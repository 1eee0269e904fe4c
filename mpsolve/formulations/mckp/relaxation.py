"""The linear relaxation: the multiplier that prices the budget, and the break choice.

Dyer (1984) and Zemel (1984): every group starts at its lightest candidate and the hull segments of
all groups are taken in the order of their slopes until one does not fit. Its slope is the
multiplier at the optimum of the Lagrangian dual, and what was taken before it the break choice.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from mpsolve.formulations.mckp.instance import Instance
    from mpsolve.typing import IntArray


@dataclass(frozen=True, eq=False)
class Relaxation:
    """The solution of the linear relaxation.

    Attributes
    ----------
    multiplier
        Loss per unit of weight at the optimum of the dual, above 0.
    choice
        ``(G,)`` the break choice; it keeps the capacity.
    group, candidate
        The segment that no longer fits: its group and the candidate at its end.
    """

    multiplier: float
    choice: IntArray
    group: int
    candidate: int


def relax(instance: Instance, room: int) -> Relaxation:
    """Solve the linear relaxation.

    Parameters
    ----------
    instance
        The knapsack.
    room
        The capacity beyond the lightest choice, at least 0 and less than what the choice of least
        loss would need.
    """
    segments = instance.segments
    critical = int(np.searchsorted(segments.reached, room, "right"))
    choice = np.zeros(len(instance.counts), np.int64)
    # Of a group's segments the last one counts, as NumPy assigns repeated indices in order.
    choice[segments.group[:critical]] = segments.candidate[:critical]
    return Relaxation(
        float(segments.slope[critical]),
        choice,
        int(segments.group[critical]),
        int(segments.candidate[critical]),
    )
