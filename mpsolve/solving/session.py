"""Many variants of one problem: what they share is prepared once, by whoever needs it first."""

from __future__ import annotations

import math
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from mpsolve.errors import InputError, MissingDependencyError, UnsupportedError
from mpsolve.heuristics.method import HEURISTICS
from mpsolve.model.solution import Limit, Status
from mpsolve.presolve.presolved import Presolved
from mpsolve.solving.solve import GENERAL, solve

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mpsolve.model.problem import Problem
    from mpsolve.model.solution import Solution
    from mpsolve.typing import IntArray, Number

PROVEN = (Status.OPTIMAL, Status.INFEASIBLE)


class Session:
    """A problem that is prepared once and solved under many budgets.

    Whatever does not depend on the budgets (tied layers merged, numbers brought to integers) is
    worked out by the first solve that needs it and only read afterwards. A session holds nothing
    that a solve changes: any number of threads may use one at the same time, and an answer does
    not depend on what was solved before. It can be pickled; the other process prepares anew.

    Parameters
    ----------
    problem
        The problem.
    """

    def __init__(self, problem: Problem) -> None:
        self._presolved = Presolved(problem)

    @property
    def problem(self) -> Problem:
        """The problem as it was given."""
        return self._presolved.problem

    def solve(
        self,
        budgets: Mapping[str, Number | str] | None = None,
        method: str = "auto",
        **options: Any,
    ) -> Solution:
        """Find the assignment of least loss within other budgets.

        Parameters
        ----------
        budgets
            Cost name -> limit, in place of all budgets of the problem: numbers, or text as
            `mpsolve.building.budgets` reads it. By default, the budgets of the problem.
        method, options
            As for `mpsolve.solve`, which has the errors that are raised, too.
        """
        if budgets is None:
            return solve(self._presolved, method, **options)
        from mpsolve.building.budgets import resolve_budgets  # loads more than a search

        limits = resolve_budgets(self.problem, budgets)
        return solve(self._presolved.under(limits), method, **options)

    def __reduce__(self) -> tuple[type[Session], tuple[Problem]]:
        return Session, (self.problem,)


class Stopped(Exception):
    """A limit ended the work, which ``limit`` names; None where every method gave up."""

    def __init__(self, limit: Limit | None) -> None:
        super().__init__(str(limit))
        self.limit = limit


class Repetition:
    """Solves variants under one time limit by one method, or by ``auto`` where it cannot.

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
        self,
        problem: Problem | Presolved,
        warm_start: IntArray | None = None,
        *,
        explain: bool = False,
    ) -> Solution:
        """The answer to a variant, proven or not.

        Variants have limits that lie very close to sums of candidates, about which a method that
        computes in floats may end without a proof; the next one is then asked.

        Raises
        ------
        Stopped
            If the time is over before the search begins.
        """
        presolved = Presolved.of(problem)
        try:
            solution = self._by(self._method, presolved, warm_start, explain)
        except UnsupportedError:
            solution = self._by("auto", presolved, warm_start, explain)
        for method in reversed(GENERAL):
            if solution.limit is not None or solution.status in PROVEN:
                break
            with suppress(MissingDependencyError):
                solution = self._by(method, presolved, warm_start, explain)
        return solution

    def optimum(self, problem: Problem | Presolved, warm_start: IntArray | None = None) -> Solution:
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
        self, method: str, problem: Presolved, warm_start: IntArray | None, explain: bool
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
