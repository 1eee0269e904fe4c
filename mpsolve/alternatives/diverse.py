"""Assignments that are nearly optimal and differ from each other as much as possible."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from mpsolve.alternatives.collect import collected, first_answer
from mpsolve.alternatives.distance import at_least, distance
from mpsolve.errors import InputError
from mpsolve.model.solution import Status
from mpsolve.solving.session import Repetition, Stopped

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mpsolve.model.problem import Problem
    from mpsolve.model.solution import Solution
    from mpsolve.typing import IntArray, Number


def diverse(
    problem: Problem,
    count: int = 5,
    within: float = 0.01,
    *,
    method: str = "auto",
    time_limit: float | None = None,
    threads: int = 1,
) -> list[Solution]:
    """Assignments near the optimum, each as far as possible from all earlier ones.

    The loss is a proxy for what a network loses: a handful of candidates that differ in many
    layers is worth fine-tuning where the very best of the proxy alone is not.

    The first is the optimum. Each further one is, among all assignments that keep the constraints
    and whose loss is at most ``optimum + within * |optimum|``, one whose least distance to the
    earlier ones is the largest possible; among those, one of least loss. The distance is the
    number of layers with another precision. This is the farthest-point selection of Gonzalez
    (1985), "Clustering to minimize the maximum intercluster distance": by the triangle inequality
    the least distance within the set is at least half of the largest possible one.

    Parameters
    ----------
    problem
        The problem.
    count
        How many; there may be fewer.
    within
        How far above the optimum a loss may lie, as a part of its absolute value.
    method
        An exact method, or ``"auto"``; distances are kept as constraints, by ``auto`` where the
        method cannot.
    time_limit
        Wall seconds for all together.
    threads
        For the methods that use them.

    Returns
    -------
    list of Solution
        ``Status.OPTIMAL`` for those proven to be as said. Where a limit ended the search, the
        list is shorter, and its last element is ``Status.FEASIBLE`` or has a note that says so.

    Raises
    ------
    InfeasibleError
        If no assignment keeps the constraints.
    NoSolutionError
        If a limit ended the search before the first one.
    InputError
        If the count is less than 1, or ``within`` negative.

    Examples
    --------
    >>> from mpsolve import Problem, diverse
    >>> problem = Problem.from_arrays([[0, 3], [10, 11], [0, 2]], {"t": [[1, 1], [1, 1], [1, 1]]})
    >>> [(s.loss, s.choice.tolist()) for s in diverse(problem, 3, within=0.3)]
    [(10, [0, 0, 0]), (13, [0, 1, 1]), (11, [0, 1, 0])]
    """
    if count < 1:
        raise InputError(f"The count must be at least 1, not {count}.")
    if not within >= 0:
        raise InputError(f"within must be at least 0, not {within}.")
    return collected(_farthest(problem, within, Repetition(method, time_limit, threads)), count)


def _farthest(problem: Problem, within: float, solves: Repetition) -> Iterator[Solution]:
    solution: Solution | None = first_answer(problem, solves)
    assert solution is not None and solution.loss is not None  # promised by `first_answer`
    highest = solution.loss + within * abs(solution.loss)
    chosen: list[IntArray] = []
    layers = len(problem.layers)
    while solution is not None and solution.choice is not None:
        yield solution
        chosen.append(solution.choice)
        solution = _most_distant(problem, chosen, highest, layers, solves)
        if solution is not None:
            # No later one can be farther away: it would have been chosen now.
            layers = _least_distance(solution, chosen)


def _most_distant(
    problem: Problem,
    chosen: list[IntArray],
    highest: Number,
    layers: int,
    solves: Repetition,
) -> Solution | None:
    """An assignment of at most the highest loss, as far as possible from the chosen ones.

    The least loss at a distance grows with the distance, which is found by bisection; it is at
    most ``layers``.
    """
    near, far, best = 0, layers, None
    while near < far:
        middle = (near + far + 1) // 2
        apart = [at_least(problem, choice, middle) for choice in chosen]
        try:
            found = solves.optimum(problem.replace(constraints=(*problem.constraints, *apart)))
        except Stopped as stop:  # what is known keeps every limit, but may not be the farthest
            if best is None:
                raise
            return replace(best, status=Status.FEASIBLE, limit=stop.limit)
        if found.loss is not None and found.loss <= highest:
            near, best = _least_distance(found, chosen), found
        else:
            far = middle - 1
    return best


def _least_distance(solution: Solution, chosen: list[IntArray]) -> int:
    assert solution.choice is not None
    return min(distance(solution.choice, other) for other in chosen)
