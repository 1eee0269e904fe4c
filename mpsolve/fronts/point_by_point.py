"""Fronts under further budgets and constraints: one exact solve after the other."""

from __future__ import annotations

import math
import time
from contextlib import closing
from typing import TYPE_CHECKING

import numpy as np

from mpsolve.errors import Conflict, InfeasibleError, NoSolutionError
from mpsolve.fronts.checkpoint import Checkpoint
from mpsolve.fronts.epsilon_constraint import Point, epsilon_constraint
from mpsolve.fronts.front import Front
from mpsolve.model.evaluation import total
from mpsolve.model.solution import Limit
from mpsolve.presolve.presolved import Presolved
from mpsolve.solving.session import Repetition, Stopped

if TYPE_CHECKING:
    from collections.abc import Callable
    from os import PathLike

    from mpsolve.model.problem import Problem
    from mpsolve.typing import IntArray, Number, NumberArray

#: Floats: points that differ by less than this part of the largest sum are taken for one. The
#: general methods compare sums of floats to about 1e-10 of them.
FLOAT_STEP = 1e-9


class _Solves:
    """The oracle of the epsilon-constraint method, which is `mpsolve.solve`, again and again."""

    def __init__(self, presolved: Presolved, x: str, repetition: Repetition) -> None:
        problem = self._problem = presolved.problem
        self._presolved = presolved
        self._x = x
        self._repetition = repetition
        self._y = _unused_name(problem)
        costs = {**problem.costs, self._y: problem.loss}
        turned = problem.replace(loss=problem.costs[x], loss_name=x, costs=costs)
        self._turned = Presolved(turned)
        #: How far apart two points must lie in x; 0 for integers.
        self.x_step = _step(problem.costs[x], problem.offsets)

    def least_y(self, x_limit: Number | None) -> Point:
        budgets = dict(self._problem.budgets)
        if x_limit is not None:
            budgets[self._x] = min(x_limit, budgets.get(self._x, x_limit))
        return self._proven(self._presolved.under(budgets))

    def least_x(self, y_limit: Number | None, start: Point | None = None) -> Point:
        limits = {} if y_limit is None else {self._y: y_limit}
        turned = self._turned.under({**self._problem.budgets, **limits})
        return self._proven(turned, None if start is None else start.choice)

    def below(self, x: Number) -> Number:
        return x - (1 if isinstance(x, int) else self.x_step)

    def _proven(self, problem: Presolved, start: IntArray | None = None) -> Point:
        solution = self._repetition.optimum(problem, start)
        if solution.choice is None:
            conflict = self._repetition.solve(problem, explain=True).conflict
            raise InfeasibleError(conflict or Conflict("No assignment keeps the constraints."))
        flat = self._problem.flat(solution.choice)
        x, y = total(self._problem.costs[self._x][flat]), total(self._problem.loss[flat])
        return Point(x, y, solution.choice)


def front_point_by_point(
    presolved: Presolved,
    x: str,
    *,
    epsilon: float,
    method: str,
    threads: int,
    time_limit: float | None,
    checkpoint: str | PathLike[str] | None,
    progress: Callable[[float], None] | None,
) -> Front:
    """The front of x and the loss; the parameters are those of `mpsolve.pareto_front`.

    Points are found by decreasing x. For floats, points that differ in x by less than
    `FLOAT_STEP` of the largest sum are taken for one.
    """
    began, problem = time.perf_counter(), presolved.problem
    solves = _Solves(presolved, x, Repetition(method, time_limit, threads))
    complete, limit, notes = False, None, []
    with closing(Checkpoint(checkpoint, problem, x, epsilon)) as file:
        points = file.points
        after = points[-1].x if points else None
        if points:
            notes.append(f"{len(points)} points were taken over from {checkpoint}.")
        try:
            least = solves.least_x(None).x
            for point in epsilon_constraint(solves, least, epsilon, after):
                file.append(point)
                if progress:
                    width = points[0].x - least
                    progress((points[0].x - point.x) / width if width else 1.0)
            complete = True
        except Stopped as stop:
            limit = stop.limit
        except KeyboardInterrupt:
            limit = Limit.INTERRUPTED
    if not points:
        raise NoSolutionError("The front was stopped before its first point was found.")
    found = points[::-1]
    return Front(
        problem,
        x,
        np.array([point.x for point in found]),
        np.array([point.y for point in found]),
        np.full(len(found), epsilon),
        epsilon=epsilon,
        limit=limit,
        complete_from=None if complete else points[-1].x,
        x_resolution=solves.x_step,
        y_resolution=_step(problem.loss, problem.offsets),
        method=method,
        choices=np.array([point.choice for point in found]),
        seconds=time.perf_counter() - began,
        notes=tuple(notes),
    )


def _step(values: NumberArray, offsets: IntArray) -> float:
    """What two sums must differ by to be told apart; 0 for integers."""
    if values.dtype.kind == "i":
        return 0.0
    return FLOAT_STEP * math.fsum(np.maximum.reduceat(np.abs(values), offsets[:-1]))


def _unused_name(problem: Problem) -> str:
    """A name under which the loss can stand among the costs."""
    name = problem.loss_name
    while name in problem.costs:
        name += "'"
    return name
