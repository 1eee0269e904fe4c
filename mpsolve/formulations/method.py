"""What an exact method is, and the registry of those that exist.

A method is one class in one file, and one entry in `METHODS`. Those that search in integers are
engines; `mpsolve.formulations.refinement` shows how to write one.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Protocol

from mpsolve.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable

    from mpsolve.model.solution import Limit, Progress
    from mpsolve.presolve.presolved import Presolved
    from mpsolve.typing import IntArray


#: What is said of a method that knows of no choice although there is one.
NONE_FOUND = (
    "{} found no assignment although the one returned keeps every constraint; its optimality is "
    "not proven."
)


@dataclass(frozen=True)
class Options:
    """How to search.

    Attributes
    ----------
    time_limit
        Wall seconds, or None.
    threads
        Threads that a method may use.
    seed
        Seed of a method that draws random numbers.
    gap
        Relative gap at which a search may stop; 0 asks for the optimum.
    label_limit
        How many labels a dynamic programme may keep in memory, or None for its own limit.
    warm_start
        ``(N,)`` a choice to begin with, or None.
    progress
        Called from time to time with the state of the search, or None.
    """

    time_limit: float | None = None
    threads: int = 1
    seed: int = 0
    gap: float = 0.0
    label_limit: int | None = None
    warm_start: IntArray | None = None
    progress: Callable[[Progress], None] | None = None

    def __post_init__(self) -> None:
        if self.time_limit is not None and not self.time_limit > 0:
            raise InputError(f"The time limit must be positive, not {self.time_limit}.")
        if self.threads < 1:
            raise InputError(f"The number of threads must be at least 1, not {self.threads}.")
        if not 0 <= self.gap < 1:
            raise InputError(f"The gap must lie in [0, 1), not {self.gap}.")
        if self.label_limit is not None and self.label_limit < 1:
            raise InputError(f"The label limit must be at least 1, not {self.label_limit}.")

    def deadline(self) -> float:
        """The `time.monotonic` value at which the time limit ends, if it starts now."""
        return float("inf") if self.time_limit is None else time.monotonic() + self.time_limit


@dataclass(frozen=True, eq=False)
class Outcome:
    """What a method says; nobody believes it before `mpsolve.solve` has verified it.

    Attributes
    ----------
    choice
        ``(N,)`` the best assignment found, or None.
    bound
        Proven lower bound on the loss, or None.
    complete
        Whether the search ended by itself: the choice is optimal or, without one, none exists.
    limit
        What stopped it otherwise.
    notes
        Remarks for the user.
    """

    choice: IntArray | None
    bound: float | None = None
    complete: bool = False
    limit: Limit | None = None
    notes: tuple[str, ...] = ()


class ExactMethod(Protocol):
    """An exact method."""

    def unsupported(self, presolved: Presolved) -> str | None:
        """One sentence that names the part of the problem it cannot express, or None."""

    def solve(self, presolved: Presolved, options: Options) -> Outcome:
        """Search for the optimum."""


#: Method name -> where its class is.
METHODS: dict[str, tuple[str, str]] = {
    "mckp": ("mpsolve.formulations.mckp.method", "Mckp"),
    "lagrangian": ("mpsolve.formulations.lagrangian.method", "Lagrangian"),
    "milp": ("mpsolve.formulations.milp", "Milp"),
    "highs": ("mpsolve.formulations.highs", "Highs"),
    "cpsat": ("mpsolve.formulations.cpsat", "CpSat"),
}
#: The methods whose class takes the text after the colon.
WITH_VARIANTS = ("mckp", "milp")


def method_named(name: str) -> ExactMethod:
    """The method of this name; ``milp:highs`` asks the method ``milp`` for a certain solver."""
    family, _, variant = name.partition(":")
    if family not in METHODS:
        raise InputError(f"There is no exact method {name!r}; there are {', '.join(METHODS)}.")
    if variant and family not in WITH_VARIANTS:
        raise InputError(
            f"Method {family} has no variants such as {name!r}; {' and '.join(WITH_VARIANTS)} have."
        )
    module, attribute = METHODS[family]
    factory = getattr(import_module(module), attribute)
    method: ExactMethod = factory(variant) if variant else factory()
    return method
