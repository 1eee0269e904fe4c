"""mpsolve's own methods and heuristics as contenders."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mpsolve.bench.contender import Answer
from mpsolve.bench.result import Claim
from mpsolve.errors import InfeasibleError, InputError, NoSolutionError, UnsupportedError
from mpsolve.formulations.method import METHODS, method_named
from mpsolve.heuristics.method import HEURISTICS
from mpsolve.model.solution import Status
from mpsolve.presolve.presolved import Presolved
from mpsolve.solving.assign import assign
from mpsolve.solving.solve import solve

if TYPE_CHECKING:
    from mpsolve.model.problem import Problem
    from mpsolve.typing import IntArray, NumberArray

_CLAIMS = {
    Status.OPTIMAL: Claim.OPTIMAL,
    Status.FEASIBLE: Claim.FEASIBLE,
    Status.FAILED: Claim.NOTHING,
    Status.INFEASIBLE: Claim.INFEASIBLE,
    Status.NO_SOLUTION: Claim.NOTHING,
}


class Ours:
    """`mpsolve.solve` with one method.

    Parameters
    ----------
    method
        The method.
    """

    def __init__(self, method: str) -> None:
        self.method = method

    def unsupported(self, problem: Problem) -> str | None:
        """What the method says."""
        if self.method.partition(":")[0] in METHODS:
            return method_named(self.method).unsupported(Presolved(problem))
        try:
            solve(problem, self.method)
        except InputError as error:
            return str(error)
        return None

    def run(self, problem: Problem, seed: int, time_limit: float) -> Answer:
        """Solve."""
        if self.method in HEURISTICS:
            solution = solve(problem, self.method)
        else:
            solution = solve(problem, self.method, seed=seed, time_limit=time_limit)
        return Answer(
            _CLAIMS[solution.status], solution.choice, solution.bound, "; ".join(solution.notes)
        )


class Assign:
    """`mpsolve.assign`, the array call, without the parts of a `Problem`."""

    def unsupported(self, problem: Problem) -> str | None:
        """Arrays have nothing but losses, costs and budgets."""
        parts = (problem.ties, problem.constraints, problem.restrictions, problem.pairwise)
        return "assign takes arrays alone." if any(parts) else None

    def run(self, problem: Problem, seed: int, time_limit: float) -> Answer:
        """Solve."""
        loss = _rows(problem.loss, problem.offsets)
        costs = [_rows(problem.costs[name], problem.offsets) for name in problem.budgets]
        limits = list(problem.budgets.values())
        try:
            cost, limit = (costs[0], limits[0]) if len(limits) == 1 else (costs, limits)
            answer = assign(loss, cost, limit, time_limit=time_limit)
        except InfeasibleError:
            return Answer(Claim.INFEASIBLE)
        except (NoSolutionError, UnsupportedError) as error:
            return Answer(Claim.NOTHING, note=str(error))
        return Answer(_CLAIMS[answer.status], answer.choice, answer.bound)


def _rows(values: NumberArray, offsets: IntArray) -> NumberArray | list[NumberArray]:
    """``(N, K)``, or N rows of different lengths."""
    layers, counts = len(offsets) - 1, np.diff(offsets)
    if (counts == counts[0]).all():
        return values.reshape(layers, -1)
    return np.split(values, offsets[1:-1])
