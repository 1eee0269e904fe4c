"""What budgets are worth at the optimum: the multipliers of the linear relaxation.

The relaxation lets a layer take fractions of its candidates. Its value as a function of one budget
is the lower convex envelope of the front of that cost, and the multiplier is the slope of this
envelope (Dyer, *Mathematical Programming* 29 (1984); Zemel, *Information Processing Letters* 18
(1984)). One budget over independent groups needs numpy alone; whatever else can bind makes it a
linear programme, which the HiGHS in SciPy solves.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from mpsolve.errors import MpsolveError
from mpsolve.presolve.choice_groups import choice_groups
from mpsolve.presolve.redundancy import binding_budgets, binding_constraints
from mpsolve.storage.optional import require

if TYPE_CHECKING:
    from mpsolve.model.problem import Problem
    from mpsolve.presolve.choice_groups import ChoiceGroups
    from mpsolve.typing import BoolArray, FloatArray, IntArray

#: Candidates that exceed the least loss of their layer by this many times what the optimum does
#: are left out: as fractions they hardly count, and beside them every other loss would vanish.
HOPELESS = 2.0**10
MAX_STEPS = 100


def multipliers(problem: Problem, choice: IntArray) -> dict[str, float]:
    """Loss per unit of each budget: the slope of the relaxation's bound, at least 0.

    Parameters
    ----------
    problem
        The problem.
    choice
        ``(N,)`` an optimal choice.

    Returns
    -------
    Cost name -> multiplier, for every budget; 0 where the budget cannot bind.

    Raises
    ------
    UnsupportedError
        If tied layers have too many joint candidates.
    MissingDependencyError
        If more than one limit can bind and SciPy is not installed.
    """
    budgets = binding_budgets(problem)
    groups = choice_groups(problem, usable=_hopeful(problem, choice))
    if len(budgets) == 1 and not binding_constraints(problem):
        name = budgets[0]
        loss, cost = (
            groups.merged(v.astype(np.float64)) for v in (problem.loss, problem.costs[name])
        )
        found = {name: _slope(loss, cost, groups.offsets, float(problem.budgets[name]))}
    else:
        found = _linear_programme(problem, groups, budgets, problem.flat(choice))
    return {name: found.get(name, 0.0) for name in problem.budgets}


def _hopeful(problem: Problem, choice: IntArray) -> BoolArray:
    loss, offsets = problem.loss.astype(np.float64), problem.offsets
    least = np.minimum.reduceat(np.where(problem.allowed, loss, np.inf), offsets[:-1])
    excess = loss - np.repeat(least, np.diff(offsets))
    known = float(excess[offsets[:-1] + choice].sum())
    return problem.allowed & (excess <= HOPELESS * known)


def _slope(loss: FloatArray, cost: FloatArray, offsets: IntArray, limit: float) -> float:
    """The multiplier that maximises sum_g min_j (loss + multiplier * cost) - multiplier * limit.

    Kelley's cutting planes (1960) on a concave function of one variable: two choices, one that
    keeps the limit and one that exceeds it, are two cuts, and where they meet is tried next.
    """
    rows = np.arange(int(np.diff(offsets).max()))
    padded = np.minimum(offsets[:-1, None] + rows, offsets[1:, None] - 1)

    def cheapest(values: FloatArray, ties: FloatArray) -> tuple[float, float]:
        """Cost and loss of the choice of least ``values`` and, among those, of least ``ties``."""
        table = values[padded]
        equal = table == table.min(1, keepdims=True)
        chosen = np.where(equal, ties[padded], np.inf).argmin(1)
        flat = padded[np.arange(len(chosen)), chosen]
        return float(cost[flat].sum()), float(loss[flat].sum())

    above_cost, above_loss = cheapest(loss, cost)
    if above_cost <= limit:
        return 0.0
    below_cost, below_loss = cheapest(cost, loss)
    multiplier = 0.0
    for _ in range(MAX_STEPS):
        if not below_cost < above_cost:  # the limit is the least achievable cost
            break
        multiplier = (below_loss - above_loss) / (above_cost - below_cost)
        middle_cost, middle_loss = cheapest(loss + multiplier * cost, cost)
        gain = (below_loss - middle_loss) + multiplier * (below_cost - middle_cost)
        if gain <= 1e-12 * abs(below_loss - above_loss) or middle_cost in (below_cost, above_cost):
            break
        if middle_cost <= limit:
            below_cost, below_loss = middle_cost, middle_loss
        else:
            above_cost, above_loss = middle_cost, middle_loss
    return max(multiplier, 0.0)


def _linear_programme(
    problem: Problem, groups: ChoiceGroups, budgets: list[str], known: IntArray
) -> dict[str, float]:
    if not budgets:
        return {}
    require("scipy", "solvers", "The value of several budgets or constraints")
    from scipy.optimize import linprog
    from scipy.sparse import csr_array

    variables = len(groups.part_offsets) - 1
    ones = np.ones(variables)
    one_each: Any = csr_array(
        (ones, np.arange(variables), groups.offsets), shape=(len(groups.members), variables)
    )
    limits = [(problem.costs[b], float(problem.budgets[b])) for b in budgets]
    for constraint in binding_constraints(problem):
        values = np.zeros(len(problem.loss))
        for layer, coefficients in constraint.terms.items():
            i = problem.index_of(layer)
            values[problem.offsets[i] : problem.offsets[i + 1]] = coefficients
        limits.append((values, constraint.limit))
    # HiGHS has absolute tolerances: losses and rows are brought to a size of about 1.
    loss, _, loss_unit = _scaled(groups, problem.loss)
    rows = [_scaled(groups, values) for values, _ in limits]
    room = [  # no less than the known choice takes, whose float sum may lie above the limit
        (max(limit, math.fsum(values[known])) - base) / unit
        for (values, limit), (_, base, unit) in zip(limits, rows, strict=True)
    ]
    result = linprog(
        loss,
        A_ub=np.array([row for row, _, _ in rows]),
        b_ub=np.array(room),
        A_eq=one_each,
        b_eq=np.ones(len(groups.members)),
        bounds=(0, None),
        method="highs",
    )
    if result.status != 0:
        raise MpsolveError(f"HiGHS could not price the budgets: {result.message}")
    prices = -result.ineqlin.marginals
    return {
        name: max(float(price), 0.0) * loss_unit / unit
        for name, price, (_, _, unit) in zip(budgets, prices, rows, strict=False)
    }


def _scaled(groups: ChoiceGroups, values: FloatArray) -> tuple[FloatArray, float, float]:
    """Merged values above the least of their group in units of the largest; the base; the unit."""
    merged = groups.merged(values.astype(np.float64))
    least = np.minimum.reduceat(merged, groups.offsets[:-1])
    above = merged - np.repeat(least, np.diff(groups.offsets))
    unit = float(above.max()) or 1.0
    return above / unit, float(least.sum()), unit
