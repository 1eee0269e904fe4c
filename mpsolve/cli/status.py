"""What the exit status of the program says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mpsolve.errors import InfeasibleError, NoSolutionError
from mpsolve.model.solution import Status

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mpsolve.model.solution import Solution

SOLVED = 0
BAD_INPUT = 2
INFEASIBLE = 3
UNANSWERED = 4
INTERRUPTED = 130

#: Shown at the end of every help text that it applies to.
EPILOG = (
    "Exit status: 0 solved; 2 bad input; 3 infeasible; 4 stopped by a limit without an answer, "
    "or a heuristic that failed to keep the constraints."
)

_OF_STATUS = {
    Status.OPTIMAL: SOLVED,
    Status.FEASIBLE: SOLVED,
    Status.INFEASIBLE: INFEASIBLE,
    Status.NO_SOLUTION: UNANSWERED,
    Status.FAILED: UNANSWERED,
}


def exit_status(solution: Solution) -> int:
    """The exit status that belongs to an answer."""
    return _OF_STATUS[solution.status]


def best_status(solutions: Iterable[Solution]) -> int:
    """The exit status of several answers: 0 if any is one, 3 if any proves that none exists."""
    return min(map(exit_status, solutions), default=BAD_INPUT)


def error_status(error: InfeasibleError | NoSolutionError) -> int:
    """The exit status where a set of answers could not even be begun."""
    return INFEASIBLE if isinstance(error, InfeasibleError) else UNANSWERED
