"""Complete enumeration: the oracle that every exact method answers to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from mpsolve import Problem
    from mpsolve.typing import IntArray, NumberArray


@dataclass(frozen=True)
class Truth:
    """What complete enumeration finds.

    Attributes
    ----------
    least
        The least loss of a feasible assignment, None if there is none.
    tolerance
        What the rounding of a sum of floats may hide; 0 for integers.
    """

    least: float | None
    tolerance: float

    def agrees(self, loss: float | None) -> bool:
        """Whether a reported optimum is the true one."""
        if self.least is None or loss is None:
            return self.least is None and loss is None
        return bool(abs(loss - self.least) <= self.tolerance)


def brute_force(problem: Problem) -> Truth:
    """The least loss of every assignment; sums in extended precision."""
    feasible = feasible_assignments(problem)
    if not len(feasible):
        return Truth(None, 0.0)
    terms = summands(problem, None, feasible)
    if terms.dtype.kind == "i":
        return Truth(int(terms.sum(1).min()), 0.0)
    tolerance = 2.0**-50 * float(np.abs(terms).sum(1).max())
    return Truth(float(terms.astype(np.longdouble).sum(1).min()), tolerance)


def feasible_assignments(problem: Problem) -> IntArray:
    """``(A, N)`` the candidates, among all, of every assignment that keeps the constraints."""
    counts = np.diff(problem.offsets)
    choices = np.indices(tuple(counts)).reshape(len(counts), -1).T
    flat = choices + problem.offsets[:-1]
    feasible = np.ones(len(flat), bool)
    for name, limit in problem.budgets.items():
        feasible &= _kept(summands(problem, name, flat), limit)
    for tie in problem.ties:
        shared = [problem.index_of(layer) for layer in tie.layers]
        codes = {tie.key(p): code for code, p in enumerate(problem.precisions)}
        keys = np.array([codes[tie.key(p)] for p in problem.precisions])[flat[:, shared]]
        feasible &= (keys == keys[:, :1]).all(1)
    for constraint in problem.constraints:
        columns = [
            coefficients[choices[:, problem.index_of(layer)]]
            for layer, coefficients in constraint.terms.items()
        ]
        feasible &= _kept(np.stack(columns, 1), constraint.limit)
    for restriction in problem.restrictions:
        layer = problem.index_of(restriction.layer)
        allowed = np.array([restriction.allows(p) for p in problem.precisions])
        feasible &= allowed[flat[:, layer]]
    assignments: IntArray = flat[feasible]
    return assignments


def summands(problem: Problem, cost: str | None, flat: IntArray) -> NumberArray:
    """All terms of a cost, or of the loss, of assignments ``(A, N)``; pairwise ones last."""
    choices = flat - problem.offsets[:-1]
    pairs = [
        term.values[
            choices[:, problem.index_of(term.first)], choices[:, problem.index_of(term.second)]
        ]
        for term in problem.pairwise
        if term.cost == cost
    ]
    values = problem.loss if cost is None else problem.costs[cost]
    return np.column_stack([values[flat], *pairs])


def _kept(terms: NumberArray, limit: float) -> NumberArray:
    if terms.dtype.kind == "i":
        return terms.sum(1) <= limit
    slack = np.longdouble(limit) + terms.shape[1] * np.longdouble(2) ** -52 * abs(limit)
    return terms.astype(np.longdouble).sum(1) <= slack


def cancels(problem: Problem) -> bool:
    """Whether float losses have both signs: what is left of a sum may be below a resolution."""
    terms = (term.values for term in problem.pairwise_on(None))
    return problem.loss.dtype.kind == "f" and any(
        values.min() < 0 for values in (problem.loss, *terms)
    )
