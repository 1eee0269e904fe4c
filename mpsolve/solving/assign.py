"""The array call for other search tools."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, overload

import numpy as np

from mpsolve.errors import InfeasibleError, InputError, NoSolutionError
from mpsolve.formulations.mckp.knapsack import Knapsack
from mpsolve.formulations.method import Options
from mpsolve.model.evaluation import keeps, total
from mpsolve.model.problem import Problem
from mpsolve.model.ragged import checked_limit, flatten, magnitude
from mpsolve.model.solution import Status, relative_gap
from mpsolve.solving.session import Session
from mpsolve.solving.solve import solve

if TYPE_CHECKING:
    from mpsolve.model.solution import Solution
    from mpsolve.typing import IntArray, Number, NumberArray


@dataclass(frozen=True, eq=False)
class Assignment:
    """The answer of `assign`.

    Attributes
    ----------
    choice
        ``(N,)`` int64, the candidate of each group.
    loss
        The summed loss.
    bound
        A proven lower bound on the loss of every choice that keeps the budgets.
    status
        ``Status.OPTIMAL``, or ``Status.FEASIBLE`` when a limit ended the search.
    """

    choice: IntArray
    loss: Number
    bound: float
    status: Status

    @property
    def gap(self) -> float:
        """(loss - bound) / abs(loss); 0 when proven optimal."""
        return relative_gap(self.loss, self.bound)


def assign(loss: Any, cost: Any, budget: Any, *, time_limit: float | None = None) -> Assignment:
    """Choose one candidate per group with least summed loss within one or more budgets.

    Parameters
    ----------
    loss
        ``(N, K)`` numbers, or N rows of different lengths.
    cost
        Numbers in the shape of ``loss``; for M budgets M of them, ``(M, N, K)``.
    budget
        The limit on the summed cost; for M budgets ``(M,)``.
    time_limit
        Wall seconds, or None.

    Returns
    -------
    Assignment
        Proven optimal unless the time limit ended the search.

    Raises
    ------
    InputError
        If the shapes do not fit or a number is not finite.
    InfeasibleError
        If no choice keeps the budgets; ``least`` and ``layers`` say what is achievable and where.
    NoSolutionError
        If the time limit ended the search before it found a choice.

    Examples
    --------
    >>> assign(loss=[[0, 3, 5], [0, 1]], cost=[[9, 4, 1], [7, 2]], budget=8).choice.tolist()
    [1, 1]
    """
    if _dimensions(budget) > 0:
        return _general(loss, cost, budget, time_limit)
    limit = checked_limit("The budget", budget)
    pair = _flat_pair(loss, cost)
    answer = pair and _assigned(Knapsack(*pair), *pair, limit, time_limit)
    return answer or _general(loss, cost, limit, time_limit)


class PreparedAssignment:
    """Losses and one cost of independent groups, prepared once to be assigned under any budget.

    Threads may share it: an assignment changes nothing in it and depends on no earlier one.

    Parameters
    ----------
    loss
        ``(N, K)`` numbers, or N rows of different lengths.
    cost
        Numbers in the shape of ``loss``.

    Raises
    ------
    InputError
        If the shapes do not fit or a number is not finite.
    """

    def __init__(self, loss: Any, cost: Any) -> None:
        pair = _flat_pair(loss, cost)
        if pair is None:
            self._session: Session | None = Session(Problem.from_arrays(loss, {"cost": cost}))
            return
        self._session = None
        self._loss, self._cost, self._offsets = (np.array(part) for part in pair)
        self._knapsack = Knapsack(self._loss, self._cost, self._offsets)

    def assign(self, budget: Any, *, time_limit: float | None = None) -> Assignment:
        """The choice of least loss within a budget; see `mpsolve.assign`."""
        limit = checked_limit("The budget", budget)
        if self._session is not None:
            return _as_assignment(self._session.solve({"cost": limit}, time_limit=time_limit))
        pair = self._loss, self._cost, self._offsets
        answer = _assigned(self._knapsack, *pair, limit, time_limit)
        if answer is not None:
            return answer
        bounds = self._offsets[1:-1]
        rows = np.split(self._loss, bounds), np.split(self._cost, bounds)
        return _general(*rows, limit, time_limit)


@overload
def prepare(loss: Problem) -> Session: ...
@overload
def prepare(loss: Any, cost: Any) -> PreparedAssignment: ...
def prepare(loss: Any, cost: Any = None) -> Session | PreparedAssignment:
    """Prepare a problem, or losses and a cost as arrays, that many budgets are to be put on.

    Each further budget then costs only what depends on it. What is prepared may be used by any
    number of threads at the same time.

    Parameters
    ----------
    loss
        A `Problem`, or losses as for `assign`.
    cost
        Costs as for `assign`; none beside a problem.

    Returns
    -------
    Session or PreparedAssignment
        For a problem, a session with a method ``solve``; for arrays, an object with a method
        ``assign``.

    Examples
    --------
    >>> prepared = prepare(loss=[[0, 3, 5], [0, 1]], cost=[[9, 4, 1], [7, 2]])
    >>> [prepared.assign(budget).loss for budget in (8, 11, 16)]
    [4, 1, 0]
    >>> problem = Problem.from_arrays([[0, 3, 5], [0, 1]], {"us": [[9, 4, 1], [7, 2]]})
    >>> session = prepare(problem)
    >>> [session.solve({"us": budget}).loss for budget in (8, 11, 16)]
    [4, 1, 0]
    """
    if not isinstance(loss, Problem):
        return PreparedAssignment(loss, cost)
    if cost is not None:
        raise InputError("A problem has its costs; prepare(problem) takes nothing beside it.")
    return Session(loss)


def _flat_pair(loss: Any, cost: Any) -> tuple[NumberArray, NumberArray, IntArray] | None:
    """Flat numbers and their offsets; None where there is something to say about them."""
    losses, offsets = flatten("loss", loss)
    costs, cost_offsets = flatten("cost", cost)
    if not np.array_equal(offsets, cost_offsets) or (np.diff(offsets) < 1).any():
        return None
    if not math.isfinite(magnitude(losses)) or not math.isfinite(magnitude(costs)):
        return None
    return losses, costs, offsets


def _assigned(
    knapsack: Knapsack,
    losses: NumberArray,
    costs: NumberArray,
    offsets: IntArray,
    budget: Number,
    time_limit: float | None,
) -> Assignment | None:
    """Straight from the knapsack, without building a `Problem`; None if that needs words."""
    try:
        limit = math.floor(budget) if costs.dtype.kind == "i" else float(budget)
    except OverflowError:
        return None
    deadline = math.inf if time_limit is None else Options(time_limit).deadline()
    answer = knapsack.solve(limit, deadline=deadline)
    if answer.choice is None:
        return None
    flat = offsets[:-1] + answer.choice
    if not keeps(total(costs[flat]), limit, len(flat)):
        return None
    value = total(losses[flat])
    if answer.limit is None:
        return Assignment(answer.choice, value, float(value), Status.OPTIMAL)
    return Assignment(answer.choice, value, min(answer.bound, float(value)), Status.FEASIBLE)


def _general(loss: Any, cost: Any, budget: Any, time_limit: float | None) -> Assignment:
    """Any number of budgets, with every check and explanation."""
    dimensions = _dimensions(budget)
    limits = [budget] if dimensions == 0 else list(budget)
    rows = [cost] if dimensions == 0 else list(cost) if _dimensions(cost) > 0 else [cost]
    if dimensions > 1 or not limits:
        raise InputError("budget must be one number, or (M,) numbers for (M, N, K) costs.")
    if len(rows) != len(limits):
        raise InputError(f"{len(limits)} budgets need as many costs, not {len(rows)}.")
    names = ["cost"] if dimensions == 0 else [f"cost{m}" for m in range(len(limits))]
    problem = Problem.from_arrays(
        loss, dict(zip(names, rows, strict=True)), dict(zip(names, limits, strict=True))
    )
    return _as_assignment(solve(problem, time_limit=time_limit))


def _as_assignment(solution: Solution) -> Assignment:
    """The assignment that a solution is, or the error that it stands for."""
    if solution.conflict is not None:
        raise InfeasibleError(solution.conflict)
    if solution.choice is None or solution.loss is None:
        raise NoSolutionError(f"{solution.method}: {solution.status.meaning} {solution.reason}")
    bound = -np.inf if solution.bound is None else solution.bound
    return Assignment(solution.choice, solution.loss, bound, solution.status)


def _dimensions(values: Any) -> int:
    try:
        return np.ndim(values)
    except ValueError:  # rows of different lengths
        return 2
