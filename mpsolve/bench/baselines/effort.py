"""How long a search by chance goes on."""

from __future__ import annotations

import time
from dataclasses import dataclass


@dataclass(frozen=True)
class Effort:
    """So many steps, or so many seconds, whichever is over first.

    The three random searches get the same `SECONDS`, unless a limit is shorter.

    Attributes
    ----------
    seconds
        Wall seconds.
    steps
        Steps, None for no limit; with it alone a result is reproducible.
    """

    seconds: float = float("inf")
    steps: int | None = None

    def within(self, time_limit: float) -> Effort:
        """The same, but no longer than a time limit."""
        return Effort(min(self.seconds, time_limit), self.steps)

    def start(self) -> Clock:
        """Begin."""
        return Clock(self, time.monotonic())


@dataclass(frozen=True)
class Clock:
    """An effort that has begun."""

    effort: Effort
    began: float

    def spent(self, step: int) -> float:
        """Which part of the effort is spent before a step; 1 or more ends the search."""
        parts = [(time.monotonic() - self.began) / self.effort.seconds]
        if self.effort.steps is not None:
            parts.append(step / self.effort.steps)
        return max(parts)


#: What each random search may take for one problem.
SECONDS = 0.5
DEFAULT = Effort(SECONDS)
