"""What a kernel is asked for the least loss under one capacity, and what it answers.

The compiled search (``native/search.h``) solves the linear relaxation (Dyer 1984, Zemel 1984),
takes its break choice with a few changes as incumbent, and settles what reduced costs cannot
decide, the core, by dynamic programming with bounds (Pisinger 1995, "A minimal algorithm for the
multiple-choice knapsack problem"). Dives look for better incumbents where labels become many.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

    from mpsolve.model.solution import Limit
    from mpsolve.typing import IntArray

#: Labels kept for back-tracking when the caller sets no limit: about 100 MB.
LABEL_LIMIT = 8_000_000


@dataclass(frozen=True, eq=False)
class Result:
    """The best choice found and the proof that comes with it.

    Attributes
    ----------
    choice
        ``(G,)`` int64, positions among each group's given candidates, or None if even the
        lightest choice exceeds the capacity.
    loss
        Its summed integer loss.
    bound
        No choice has less loss than this; equal to ``loss`` when it is proven optimal.
    limit
        What stopped the search before the proof, if anything.
    """

    choice: IntArray | None
    loss: int
    bound: int
    limit: Limit | None


class SearchOptions(NamedTuple):
    """How to search.

    Attributes
    ----------
    start
        ``(G,)`` a choice to begin with as incumbent; ignored if it exceeds the capacity.
    deadline
        `time.monotonic` value at which to stop.
    label_limit
        How many labels to keep in memory.
    gap
        Stop when no choice is better than the incumbent by more than this part of its loss.
    report
        Called with incumbent and bound between steps of long searches.
    """

    start: IntArray | None = None
    deadline: float = math.inf
    label_limit: int = LABEL_LIMIT
    gap: float = 0.0
    report: Callable[[int, int], None] | None = None


class Tuning(NamedTuple):
    """What decides about the time of the compiled search, not about its answer.

    Attributes
    ----------
    dive_at, dive_growth
        Labels at once, from which on a dive for a better incumbent pays; and by how much the
        number grows after each.
    dive_share
        A dive follows this part of so many labels, over as many groups.
    nearness
        What the distance to the capacity counts for beside the bound.
    poll_at
        Labels at once, from which on the caller is asked whether to go on.
    large_core, first_part, next_part, first_width
        Of a core of more groups than this, a part is opened first and grows by a factor; in a part
        of more groups, a first dive follows so many labels.
    passes
        Changes to the first incumbent.
    """

    dive_at: int = 1000
    dive_growth: int = 8
    dive_share: int = 4
    nearness: float = 1e-3
    poll_at: int = 5000
    large_core: int = 250
    first_part: float = 64.0
    next_part: float = 8.0
    first_width: int = 100
    passes: int = 8


TUNING = Tuning()
