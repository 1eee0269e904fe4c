"""Lagrangian bounds for parts of a problem with one budget."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from mpsolve.model.evaluation import keeps
from mpsolve.presolve.choice_groups import choice_groups
from mpsolve.presolve.fixed_point import fixed_capacity, fixed_point
from mpsolve.presolve.hull import compact, supported
from mpsolve.presolve.redundancy import binding_budgets

if TYPE_CHECKING:
    from mpsolve.model.problem import Problem
    from mpsolve.presolve.choice_groups import ChoiceGroups
    from mpsolve.typing import BoolArray, Number, NumberArray

#: Part of the summed losses and prices by which a bound is lowered against rounding.
ROUNDING = 1e-12


class Prices:
    """The loss of every joint candidate plus the price of what it costs.

    For any multiplier m >= 0, the sum over the groups of the least loss + m cost, minus m times
    the budget, is at most the loss of every assignment that keeps the budget. The multiplier is
    the slope of the hull of the whole problem at the budget, where the bound is the best.
    """

    def __init__(self, problem: Problem) -> None:
        self._groups = groups = choice_groups(problem)
        names = binding_budgets(problem)
        cost = problem.costs[names[0]] if names else np.zeros(len(problem.loss), np.int64)
        self._limit: Number = problem.budgets[names[0]] if names else 0
        self._cost = groups.merged(cost)
        loss = groups.merged(problem.loss).astype(np.float64)
        multiplier = _multiplier(problem, groups, cost, self._limit) if names else 0.0
        self._priced = loss + multiplier * self._cost
        self._paid = multiplier * float(self._limit)
        sizes = np.abs(loss) + multiplier * np.abs(self._cost)
        largest = math.fsum(np.maximum.reduceat(sizes, groups.offsets[:-1]))
        self._margin = ROUNDING * (largest + abs(self._paid))

    def bound(self, allowed: BoolArray) -> float:
        """A lower bound on the loss with ``(M,)`` allowed candidates; inf where none is left."""
        groups = self._groups
        joint = allowed[groups.parts]
        if not groups.trivial:
            joint = np.logical_and.reduceat(joint, groups.part_offsets[:-1])
        starts = groups.offsets[:-1]
        if not np.logical_or.reduceat(joint, starts).all():
            return math.inf
        highest = self._cost.max()
        cheapest = np.minimum.reduceat(np.where(joint, self._cost, highest), starts).sum().item()
        if not keeps(cheapest, self._limit, len(allowed)):
            return math.inf
        least = np.minimum.reduceat(np.where(joint, self._priced, np.inf), starts)
        return math.fsum(least) - self._paid - self._margin


def _multiplier(problem: Problem, groups: ChoiceGroups, cost: NumberArray, limit: Number) -> float:
    """Loss per unit of cost at the budget, from the hull of all sums."""
    weights = fixed_point(np.where(problem.allowed, cost, 0), problem.offsets)
    losses = fixed_point(np.where(problem.allowed, problem.loss, 0), problem.offsets)
    hull = supported(
        *compact(groups.merged(weights.integers), groups.merged(losses.integers), groups.offsets)
    )
    capacity = fixed_capacity(limit, weights, len(problem.layers))
    edge = int(np.searchsorted(hull.weights, capacity, "right")) - 1
    if not 0 <= edge < len(hull.weights) - 1:
        return 0.0
    return math.ldexp(hull.slopes()[edge], weights.exponent - losses.exponent)
