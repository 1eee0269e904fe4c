"""The k assignments of least loss, in order."""

from __future__ import annotations

import heapq
import math
from dataclasses import dataclass, replace
from itertools import count
from typing import TYPE_CHECKING

import numpy as np

from mpsolve.alternatives.collect import collected, first_answer
from mpsolve.alternatives.distance import at_least
from mpsolve.alternatives.lagrangian_bound import Prices
from mpsolve.errors import InputError, UnsupportedError
from mpsolve.formulations.method import method_named
from mpsolve.model.constraints import Restriction
from mpsolve.model.solution import Status
from mpsolve.presolve.presolved import Presolved
from mpsolve.solving.session import Repetition, Stopped

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mpsolve.model.problem import Problem
    from mpsolve.model.solution import Limit, Solution
    from mpsolve.typing import BoolArray


def k_best(
    problem: Problem,
    k: int,
    *,
    method: str = "auto",
    min_distance: int = 1,
    time_limit: float | None = None,
    threads: int = 1,
) -> list[Solution]:
    """The k assignments of least loss that keep every constraint, in order.

    Assignments of equal loss all count; `mpsolve.diverse` finds a handful that differ in more.

    Parameters
    ----------
    problem
        The problem.
    k
        How many; there may be fewer.
    method
        An exact method, or ``"auto"``. ``mckp`` partitions what earlier assignments leave over
        (`by_partition`), which needs many quick solves; the others exclude earlier assignments by
        constraints (`by_exclusion`), which needs k. A distance above 1 takes constraints too.
    min_distance
        In how many layers each assignment must differ from all earlier ones, at least; each is
        the best of those that do.
    time_limit
        Wall seconds for all together.
    threads
        For the methods that use them.

    Returns
    -------
    list of Solution
        ``Status.OPTIMAL`` and ``bound`` leave aside the earlier assignments, and those too close
        to them. Where a limit ended the search, the list is shorter, and its last element is
        ``Status.FEASIBLE`` or has a note that says so.

    Raises
    ------
    InfeasibleError
        If no assignment keeps the constraints.
    NoSolutionError
        If a limit ended the search before the first one.
    InputError
        If k or the distance is less than 1, or the method does not exist.
    UnsupportedError
        If the method cannot express a part of the problem.

    Examples
    --------
    >>> from mpsolve import Problem, k_best
    >>> problem = Problem.from_arrays([[0, 3, 5], [0, 1]], {"t": [[9, 4, 1], [7, 2]]}, {"t": 11})
    >>> [solution.loss for solution in k_best(problem, 3)]
    [1, 3, 4]
    """
    if k < 1:
        raise InputError(f"k must be at least 1, not {k}.")
    if min_distance < 1:
        raise InputError(f"The least distance must be at least 1, not {min_distance}.")
    knapsack = method.partition(":")[0] in ("auto", "mckp")
    refusal = method_named("mckp").unsupported(Presolved(problem)) if knapsack else None
    if refusal and method != "auto":
        raise UnsupportedError(refusal)
    if knapsack and not refusal and min_distance == 1:
        solves = Repetition("mckp" if method == "auto" else method, time_limit, threads)
        return collected(by_partition(problem, solves), k)
    solves = Repetition(method, time_limit, threads)
    return collected(by_exclusion(problem, solves, min_distance), k)


def by_exclusion(problem: Problem, solves: Repetition, min_distance: int) -> Iterator[Solution]:
    """The assignments in order; each is excluded by a constraint on the distance to it."""
    solution = first_answer(problem, solves)
    while solution.choice is not None:
        yield solution
        apart = at_least(problem, solution.choice, min_distance)
        problem = problem.replace(constraints=(*problem.constraints, apart))
        solution = solves.solve(problem)
    if solution.status is not Status.INFEASIBLE:
        raise Stopped(solution.limit)


@dataclass(frozen=True, eq=False)
class _Part:
    """The assignments that use allowed candidates alone.

    ``fixed`` is the number of leading layers that have one allowed candidate by the partition,
    ``best`` the part's assignment of least loss as soon as it is known.
    """

    allowed: BoolArray
    fixed: int
    best: Solution | None = None


def by_partition(problem: Problem, solves: Repetition) -> Iterator[Solution]:
    """The assignments in order, by partition of what earlier ones leave over.

    Lawler (1972), "A procedure for computing the K best solutions to discrete optimization
    problems"; Murty (1968) for assignments. When the best assignment of a part is taken out, the
    rest of the part falls into one part per layer i: those that agree with it before i and differ
    from it at i. A part is solved only when its Lagrangian bound is the least of all.
    """
    serial = count()
    first = first_answer(problem, solves)
    prices = Prices(problem)
    queue = [(_loss(first), next(serial), _Part(problem.allowed, 0, first))]
    while queue:
        bound, _, part = heapq.heappop(queue)
        if part.best is None:
            try:
                best = solves.optimum(_restricted(problem, part.allowed))
            except Stopped as stop:
                yield from _best_known(bound, stop.limit, [entry[2] for entry in queue])
                raise
            if best.status is Status.OPTIMAL:
                heapq.heappush(queue, (_loss(best), next(serial), replace(part, best=best)))
            continue
        yield part.best
        for child in _partition(problem, part, part.best):
            bound = max(prices.bound(child.allowed), _loss(part.best))
            if bound < math.inf:
                heapq.heappush(queue, (bound, next(serial), child))


def _best_known(bound: float, limit: Limit | None, parts: list[_Part]) -> Iterator[Solution]:
    """The best of the parts that were solved, where others remain that may hold a better one."""
    known = [part.best for part in parts if part.best is not None]
    if known:
        best = min(known, key=_loss)
        bound = min(bound, _loss(best))
        yield replace(best, status=Status.FEASIBLE, bound=bound, limit=limit)


def _loss(solution: Solution) -> float:
    assert solution.loss is not None  # there is an assignment
    return float(solution.loss)


def _partition(problem: Problem, part: _Part, best: Solution) -> Iterator[_Part]:
    flat = problem.flat(np.asarray(best.choice))
    agreeing = part.allowed.copy()
    for i in range(part.fixed, len(problem.layers)):
        differing = agreeing.copy()
        differing[flat[i]] = False
        yield _Part(differing, i)
        agreeing[problem.offsets[i] : problem.offsets[i + 1]] = False
        agreeing[flat[i]] = True


def _restricted(problem: Problem, allowed: BoolArray) -> Problem:
    """The problem with these candidates alone."""
    restrictions = []
    for i in np.unique(problem.layer_index[allowed != problem.allowed]):
        layer, rows = problem.layers[i], range(problem.offsets[i], problem.offsets[i + 1])
        left = [problem.precisions[j] for j in rows if allowed[j]]
        lost = [problem.precisions[j] for j in rows if not allowed[j]]
        if len(left) == 1:
            restrictions.append(Restriction(layer, "fixed", left[0]))
        else:
            restrictions += [Restriction(layer, "forbidden", precision) for precision in lost]
    return problem.replace(restrictions=(*problem.restrictions, *restrictions))
