"""The entrance for fronts: all points at once where one knapsack holds them, else one by one."""

from __future__ import annotations

import math
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from mpsolve.errors import InfeasibleError, InputError, NoSolutionError, UnsupportedError
from mpsolve.formulations.mckp.front import FrontOptions
from mpsolve.formulations.mckp.kernels import default_kernel, kernel_named
from mpsolve.formulations.method import method_named
from mpsolve.fronts.front import Front
from mpsolve.fronts.point_by_point import front_point_by_point
from mpsolve.model.evaluation import slackened
from mpsolve.model.solution import Limit
from mpsolve.presolve.choice_groups import layer_groups
from mpsolve.presolve.fixed_point import fixed_point
from mpsolve.presolve.hull import undominated
from mpsolve.presolve.presolved import Presolved
from mpsolve.presolve.redundancy import binding_constraints, refuse_pairwise
from mpsolve.solving.solve import solve

if TYPE_CHECKING:
    from collections.abc import Callable
    from os import PathLike

    from mpsolve.model.problem import Problem
    from mpsolve.presolve.choice_groups import ChoiceGroups
    from mpsolve.typing import BoolArray, FloatArray, Number, NumberArray

#: A remark is due when the resolution is more than this part of what some candidate adds.
RESOLUTION = 1e-6


def pareto_front(
    problem: Problem,
    x: str = "latency",
    y: str = "loss",
    *,
    epsilon: float = 0.0,
    method: str = "auto",
    time_limit: float | None = None,
    label_limit: int | None = None,
    threads: int = 1,
    checkpoint: str | PathLike[str] | None = None,
    progress: Callable[[float], None] | None = None,
) -> Front:
    """Every non-dominated pair of a summed cost and the loss, or of two summed costs.

    Where nothing but x and y couples the layers (ties and restrictions are no hindrance), all
    points are found together; see `mpsolve.formulations.mckp.front`. Further budgets,
    constraints, and ties that cannot be merged are kept by solving for one point after the
    other; see `mpsolve.fronts.epsilon_constraint`.

    Parameters
    ----------
    problem
        The problem; budgets on x or y cut the front off, other budgets must be kept.
    x
        The name of a cost.
    y
        ``"loss"``, or the name of another cost.
    epsilon
        0 for all points. Otherwise fewer points, at least one of which has, for every budget that
        can be kept, y <= (1 + epsilon) optimum within the budget; where the optimum is not
        positive, y is the optimum.
    method
        ``"auto"``, or the exact method that finds the points: ``mckp`` all together, any other
        one by one. `Front.at` uses it too.
    time_limit
        Wall seconds after which the front found so far is returned, with what is proven.
    label_limit
        How many labels may be formed for finding all points together; by default, about as many
        as ten seconds allow. Where it is reached, the front says what is proven.
    threads
        For the methods that use them.
    checkpoint
        A file to which each point is appended when points are found one by one, and from which
        a run that was stopped goes on.
    progress
        Called from time to time with the part that is done, from 0 to 1.

    Raises
    ------
    InputError
        If there is no such cost, epsilon is negative, or the checkpoint belongs to another front.
    InfeasibleError
        If no assignment keeps the constraints.
    NoSolutionError
        If a limit ended the computation before the first point was found.
    UnsupportedError
        If the method cannot express a part of the problem, or it has pairwise terms.

    Examples
    --------
    >>> from mpsolve import Problem, pareto_front
    >>> problem = Problem.from_arrays([[0, 3, 5], [0, 1]], {"cycles": [[9, 4, 1], [7, 2]]})
    >>> front = pareto_front(problem, "cycles")
    >>> list(zip(front.x.tolist(), front.y.tolist()))
    [(3, 6), (6, 4), (11, 1), (16, 0)]
    >>> front.at(10).loss
    4
    """
    if not (epsilon >= 0 and math.isfinite(epsilon)):
        raise InputError(f"epsilon must be a finite number that is at least 0, not {epsilon}.")
    if time_limit is not None and not time_limit > 0:
        raise InputError(f"The time limit must be positive, not {time_limit}.")
    refuse_pairwise(problem, "The front")
    together = method.partition(":")[0] in ("auto", "mckp")
    if method != "auto":
        method_named(method)
    began = time.monotonic()
    deadline = math.inf if time_limit is None else began + time_limit
    posed = Presolved(_posed(problem, x, y))
    obstacle = _obstacle(posed, x, y)
    if method != "auto" and together and obstacle:
        raise UnsupportedError(f"{obstacle}; use method auto.")
    if obstacle or not together:
        front = front_point_by_point(
            posed,
            x,
            epsilon=epsilon,
            method=method,
            threads=threads,
            time_limit=time_limit,
            checkpoint=checkpoint,
            progress=progress,
        )
        return (
            _with_note(front, f"{obstacle}: points were found one by one.") if obstacle else front
        )
    front = _all_together(posed, x, y, epsilon, method, label_limit, deadline, progress)
    if checkpoint is None:
        return front
    note = "All points were found together, so nothing was written to the checkpoint."
    return _with_note(front, note)


def _posed(problem: Problem, x: str, y: str) -> Problem:
    """The problem with y as its loss; a loss that y replaces is reported as a cost."""
    known = ", ".join(problem.costs) or "none"
    if x not in problem.costs:
        raise InputError(f"There is no cost {x} for the x axis; the costs are: {known}.")
    if y in ("loss", problem.loss_name) and y not in problem.costs:
        return problem
    if y not in problem.costs:
        raise InputError(f"y must be 'loss' or a cost, not {y!r}; the costs are: {known}.")
    if x == y:
        raise InputError(f"A front needs two different axes, not {x} twice.")
    costs = dict(problem.costs)
    costs.setdefault(problem.loss_name, problem.loss)
    return problem.replace(loss=problem.costs[y], loss_name=y, costs=costs)


def _obstacle(presolved: Presolved, x: str, y: str) -> str | None:
    """What keeps the points from being found together, or None."""
    others = [name for name in presolved.binding_budgets if name not in (x, y)]
    if others:
        return f"The front must keep a budget on {others[0]} as well"
    if constraints := binding_constraints(presolved.problem):
        return f"The front must keep {constraints[0]}"
    try:
        _ = presolved.groups
    except UnsupportedError as error:
        return str(error).split(";")[0]
    return None


def _all_together(
    presolved: Presolved,
    x: str,
    y: str,
    epsilon: float,
    method: str,
    label_limit: int | None,
    deadline: float,
    progress: Callable[[float], None] | None,
) -> Front:
    began = time.perf_counter()
    problem = presolved.problem
    if presolved.groups.empty_groups:
        raise _infeasible(presolved)
    groups, usable = _useful(presolved, x)
    weights = fixed_point(np.where(usable, problem.costs[x], 0), problem.offsets)
    losses = fixed_point(np.where(usable, problem.loss, 0), problem.offsets)
    kernel = method.partition(":")[2]
    prepared = (kernel_named(kernel) if kernel else default_kernel()).prepare(
        groups.merged(weights.integers), groups.merged(losses.integers), groups.offsets
    )
    found = prepared.front(FrontOptions(epsilon, 0, label_limit, deadline, progress))
    terms = len(problem.layers)
    xs, x_resolution = _original(found.weights, weights.exponent, weights.exact, terms)
    ys, y_resolution = _original(found.losses, losses.exponent, losses.exact, terms)
    kept = _within(problem, x, xs, x_resolution) & _within(problem, y, ys, y_resolution)
    if not kept.any():
        raise _infeasible(presolved)
    front = Front(
        problem,
        x,
        xs[kept],
        ys[kept],
        found.excess[kept],
        epsilon=epsilon,
        limit=found.limit,
        complete_from=_cut(xs, kept, found.excess),
        x_resolution=x_resolution,
        y_resolution=y_resolution,
        method=method,
        seconds=time.perf_counter() - began,
    )
    for name, values, resolution in (
        (x, problem.costs[x], x_resolution),
        (y, problem.loss, y_resolution),
    ):
        sizes = np.abs(values[usable & (values != 0)].astype(np.float64))
        if resolution > RESOLUTION * sizes.min(initial=math.inf):
            note = f"{name} was resolved to {resolution:.2g}; single answers are not affected."
            front = _with_note(front, note)
    if found.limit is Limit.LABELS:
        note = (
            "There may be more points than the label limit lets find: give epsilon, such as 0.01, "
            "for fewer points with that guarantee, or a larger label limit."
        )
        front = _with_note(front, note)
    return front


def _useful(presolved: Presolved, x: str) -> tuple[ChoiceGroups, BoolArray]:
    """The groups, and the candidates they use; dominated ones would only coarsen the scale."""
    problem, groups = presolved.problem, presolved.groups
    if not groups.trivial:
        return groups, problem.allowed
    values = problem.costs[x][groups.parts], problem.loss[groups.parts]
    usable = np.zeros(len(problem.loss), bool)
    usable[groups.parts[undominated(*values, groups.offsets)]] = True
    return layer_groups(problem.offsets, usable), usable


def _original(
    sums: NumberArray, exponent: int, exact: bool, terms: int
) -> tuple[NumberArray, float]:
    """Integer sums in original numbers, and how far off they may be."""
    if exact and exponent <= 0:
        return sums << -exponent, 0.0
    return np.ldexp(sums, -exponent), 0.0 if exact else math.ldexp(terms / 2, -exponent)


def _within(problem: Problem, name: str, values: NumberArray, resolution: float) -> BoolArray:
    """``(P,)`` which sums keep the budget on a cost, if there is one."""
    if name not in problem.budgets:
        return np.ones(len(values), bool)
    limit = problem.budgets[name]
    if values.dtype.kind == "f":
        limit = slackened(limit, len(problem.layers)) + resolution
    return values <= limit


def _cut(values: NumberArray, kept: BoolArray, excess: FloatArray) -> Number | None:
    """Where a limit on y cuts the front, if a missing point may lie on this side of it."""
    first = int(np.argmax(kept))
    return values[first].item() if first and excess[first - 1] > 0 else None


def _infeasible(presolved: Presolved) -> InfeasibleError | NoSolutionError:
    conflict = solve(presolved).conflict
    if conflict is None:
        return NoSolutionError("The front has no point that keeps the budgets on its axes.")
    return InfeasibleError(conflict)


def _with_note(front: Front, note: str) -> Front:
    return replace(front, notes=(*front.notes, note))
