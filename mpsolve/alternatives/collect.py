"""Sets of answers: the first, which must exist, and as many of the others as could be proven."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from mpsolve.errors import InfeasibleError, NoSolutionError
from mpsolve.model.solution import Limit, Status
from mpsolve.solving.session import Stopped

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mpsolve.model.problem import Problem
    from mpsolve.model.solution import Solution
    from mpsolve.solving.session import Repetition


def first_answer(problem: Problem, solves: Repetition) -> Solution:
    """The best assignment, which must exist.

    Raises
    ------
    InfeasibleError
        If no assignment keeps the constraints.
    NoSolutionError
        If a limit ended the search without one.
    """
    solution = solves.solve(problem, explain=True)
    if solution.conflict:
        raise InfeasibleError(solution.conflict)
    if solution.choice is None:
        raise NoSolutionError(f"{solution.method}: {solution.status.meaning}")
    return solution


def collected(answers: Iterator[Solution], count: int) -> list[Solution]:
    """The first so many answers, or those up to a limit, to Ctrl-C, or to one without a proof.

    A note on the last one says where a search for another was stopped.
    """
    found: list[Solution] = []
    try:
        for answer in answers:
            found.append(answer)
            if len(found) == count or answer.status is not Status.OPTIMAL:
                break
    except (Stopped, KeyboardInterrupt) as stop:
        if not found:
            raise
        limit = stop.limit if isinstance(stop, Stopped) else Limit.INTERRUPTED
        note = f"The search for another one was stopped: {limit or 'no method finished a proof'}."
        found[-1] = replace(found[-1], notes=(*found[-1].notes, note))
    return found
