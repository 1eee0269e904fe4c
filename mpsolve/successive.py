"""Several solves in a row under one time limit, for sets of answers."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mpsolve.entrance import solve
from mpsolve.errors import InfeasibleError, NoSolutionError
from mpsolve.formulations.method import method_named
from mpsolve.solution import Limit, Solution, Status

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mpsolve.problem import Problem
    from mpsolve.typing import IntArray


@dataclass(frozen=True)
class Successive:
    """How to solve, and until when.

    Attributes
    ----------
    method
        An exact method, or ``"auto"``.
    threads
        For the methods that use them.
    time_limit
        Wall seconds for all solves together, or None.
    began
        The `time.monotonic` value from which they count.
    """

    method: str
    threads: int = 1
    time_limit: float | None = None
    began: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        if self.method != "auto":
            method_named(self.method)  # a heuristic proves nothing

    def solve(self, problem: Problem, start: IntArray | None = None) -> Solution:
        """An answer within the time left; none where no time is left."""
        left = None
        if self.time_limit is not None:
            left = self.time_limit - (time.monotonic() - self.began)
            if left <= 0:
                return Solution(Status.NO_SOLUTION, self.method, limit=Limit.TIME)
        return solve(
            problem,
            self.method,
            warm_start=start,
            threads=self.threads,
            time_limit=left,
            explain=False,
        )

    def first(self, problem: Problem) -> Solution:
        """The first answer, which must exist.

        Raises
        ------
        InfeasibleError
            If no assignment keeps the constraints.
        NoSolutionError
            If a limit ended the search without one.
        """
        solution = solve(problem, self.method, threads=self.threads, time_limit=self.time_limit)
        if solution.conflict:
            raise InfeasibleError(solution.conflict)
        if solution.choice is None:
            raise NoSolutionError(f"{solution.method}: {solution.status.meaning}")
        return solution


def collected(answers: Iterator[Solution], count: int) -> list[Solution]:
    """The first so many answers, up to one that is not proven, or until Ctrl-C."""
    found: list[Solution] = []
    try:
        for answer in answers:
            found.append(answer)
            if len(found) == count or answer.status is not Status.OPTIMAL:
                break
    except KeyboardInterrupt:
        if not found:
            raise
    return found
