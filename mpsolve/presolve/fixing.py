"""Candidates that no optimum can contain, found before any method runs.

Besides making the problem smaller, this keeps the fixed-point scale fine: one enormous loss that
cannot be chosen would otherwise use up the range of the integers.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from mpsolve.model.problem import Problem
    from mpsolve.typing import BoolArray, IntArray, Number, NumberArray

#: Relative safety against the rounding of doubles, on the side of keeping a candidate.
SAFETY = 1e-9


def affordable(cost: NumberArray, offsets: IntArray, limit: Number) -> BoolArray:
    """Candidates that fit into a budget when every other layer takes its cheapest one.

    Parameters
    ----------
    cost
        ``(M,)`` the cost of each candidate.
    offsets
        ``(N + 1,)`` where the candidates of each layer begin and end.
    limit
        The budget.

    Returns
    -------
    ``(M,)`` bool. If the cheapest candidates together exceed the budget, all are kept.
    """
    least = np.minimum.reduceat(cost, offsets[:-1]).astype(np.float64)
    slack = SAFETY * (abs(float(limit)) + math.fsum(np.abs(least)))
    room = float(limit) - math.fsum(least) + slack
    if room < 0:
        return np.ones(len(cost), bool)
    return cost - np.repeat(least, np.diff(offsets)) <= room


def competitive(
    loss: NumberArray, offsets: IntArray, choice: IntArray, together: float = 0.0
) -> BoolArray:
    """Candidates whose loss alone does not exceed that of a known feasible choice.

    Parameters
    ----------
    loss
        ``(M,)`` the loss of each candidate.
    offsets
        ``(N + 1,)`` where the candidates of each layer begin and end.
    choice
        ``(N,)`` a feasible choice.
    together
        What pairs of layers add to its loss, above the least that they can add.

    Returns
    -------
    ``(M,)`` bool.
    """
    least = np.minimum.reduceat(loss, offsets[:-1])
    excess = loss - np.repeat(least, np.diff(offsets))
    known = math.fsum(excess[offsets[:-1] + choice]) + together
    return excess <= known * (1 + SAFETY)


def contenders(problem: Problem, choice: IntArray) -> BoolArray | None:
    """``(M,)`` the candidates that can compete with a feasible choice; None if all can."""
    together = pairwise_excess(problem, choice)
    usable = competitive(problem.loss, problem.offsets, choice, together)
    return None if usable.all() else usable


def pairwise_excess(problem: Problem, choice: IntArray) -> float:
    """What pairs of layers add to the loss of a choice, above the least that they can add."""
    return math.fsum(
        term.value(problem, choice) - term.values.min() for term in problem.pairwise_on(None)
    )
