"""Many variants of one problem, solved one after the other under one time limit."""

from __future__ import annotations

import math
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from mpsolve.errors import InputError, MissingDependencyError, UnsupportedError
from mpsolve.heuristics.method import HEURISTICS
from mpsolve.model.solution import Limit, Status
from mpsolve.solving.solve import GENERAL, solve

if TYPE_CHECKING:
    from mpsolve.model.problem import Problem
    from mpsolve.model.solution import Solution
    from mpsolve.typing import IntArray

PROVEN = (Status.OPTIMAL, Status.INFEASIBLE)


class Stopped(Exception):
    """A limit ended the work, which ``limit`` names; None where every method gave up."""

    def __init__(self, limit: Limit | None) -> None:
        super().__init__(str(limit))
        self.limit = limit


class Repetition:
    """Solves variants by one method, or by ``auto`` where the method cannot express a variant.

    Parameters
    ----------
    method
        An exact method, or ``"auto"``.
    time_limit
        Wall seconds for all solves together, or None.
    threads, seed
        As for `mpsolve.solve`.

    Raises
    ------
    InputError
        If the method is a heuristic, or the time limit is not positive.
    """

    def __init__(
        self, method: str, time_limit: float | None = None, threads: int = 1, seed: int = 0
    ) -> None:
        if method in HEURISTICS:
            raise InputError(f"{method} is a heuristic and proves nothing; name an exact method.")
        if time_limit is not None and not time_limit > 0:
            raise InputError(f"The time limit must be positive, not {time_limit}.")
        self._method, self._threads, self._seed = method, threads, seed
        self._deadline = math.inf if time_limit is None else time.monotonic() + time_limit

    def solve(
        self, problem: Problem, warm_start: IntArray | None = None, *, explain: bool = False
    ) -> Solution:
        """The answer to a variant, proven or not.

        Variants have limits that lie very close to sums of candidates, about which a method that
        computes in floats may end without a proof; the next one is then asked.

        Raises
        ------
        Stopped
            If the time is over before the search begins.
        """
        try:
            solution = self._by(self._method, problem, warm_start, explain)
        except UnsupportedError:
            solution = self._by("auto", problem, warm_start, explain)
        for method in reversed(GENERAL):
            if solution.limit is not None or solution.status in PROVEN:
                break
            with suppress(MissingDependencyError):
                solution = self._by(method, problem, warm_start, explain)
        return solution

    def optimum(self, problem: Problem, warm_start: IntArray | None = None) -> Solution:
        """The proven optimum of a variant, or the proof that it has no assignment.

        Raises
        ------
        Stopped
            If a limit ended the search, or no method finished the proof.
        """
        solution = self.solve(problem, warm_start)
        if solution.status not in PROVEN:
            raise Stopped(solution.limit)
        return solution

    def _by(
        self, method: str, problem: Problem, warm_start: IntArray | None, explain: bool
    ) -> Solution:
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise Stopped(Limit.TIME)
        return solve(
            problem,
            method,
            warm_start=warm_start,
            time_limit=None if left == math.inf else left,
            threads=self._threads,
            seed=self._seed,
            explain=explain,
        )
