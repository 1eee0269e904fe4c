"""Searches by chance, and how long they go on."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mpsolve.bench.baselines.groups import refusal

if TYPE_CHECKING:
    from mpsolve.model.problem import Problem

#: Which part of the time limit each of the random searches takes, the same for all.
SHARE = 0.05


@dataclass(frozen=True)
class Effort:
    """So many steps, or else a share of the time limit.

    Attributes
    ----------
    steps
        Steps, which make a result reproducible; None for `SHARE` of the time limit.
    """

    steps: int | None = None

    def start(self, time_limit: float) -> Clock:
        """Begin."""
        return Clock(self.steps, SHARE * time_limit, time.monotonic())


@dataclass(frozen=True)
class Clock:
    """An effort that has begun: the steps, or else the seconds, that it has."""

    steps: int | None
    seconds: float
    began: float

    def spent(self, step: int) -> float:
        """Which part of the effort is spent before a step; 1 or more ends the search."""
        if self.steps is not None:
            return step / self.steps
        return (time.monotonic() - self.began) / self.seconds


DEFAULT = Effort()


class ByChance:
    """A search that draws random numbers as long as its effort lasts.

    Parameters
    ----------
    effort
        How long to go on, in steps of the search's own.
    """

    def __init__(self, effort: Effort = DEFAULT) -> None:
        self.effort = effort

    def unsupported(self, problem: Problem) -> str | None:
        """Budgets and ties are supported."""
        return refusal(problem)
