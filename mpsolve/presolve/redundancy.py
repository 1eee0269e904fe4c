"""Which budgets and constraints can bind at all: the others need not be given to a method."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from mpsolve.errors import UnsupportedError
from mpsolve.model.evaluation import keeps, total

if TYPE_CHECKING:
    from mpsolve.model.constraints import LinearConstraint
    from mpsolve.model.pairwise import PairwiseTerm
    from mpsolve.model.problem import Problem


def binding_budgets(problem: Problem) -> list[str]:
    """The budgets that the costliest allowed candidates, and their pairs, together exceed."""
    names = []
    for name, limit in problem.budgets.items():
        cost = problem.costs[name]
        if not problem.allowed.all():
            cost = np.where(problem.allowed, cost, cost.min())
        largest = np.maximum.reduceat(cost, problem.offsets[:-1])
        together = [term.values.max() for term in problem.pairwise_on(name)]
        most = total(np.append(largest, together) if together else largest)
        if not keeps(most, limit, problem.terms_of(name)):
            names.append(name)
    return names


def binding_constraints(problem: Problem) -> list[LinearConstraint]:
    """The constraints that the largest coefficients together exceed."""
    return [
        constraint
        for constraint in problem.constraints
        if not keeps(
            math.fsum(float(c.max()) for c in constraint.terms.values()),
            constraint.limit,
            len(constraint.terms),
        )
    ]


def binding_pairwise(problem: Problem) -> list[PairwiseTerm]:
    """The pairwise terms that are not zero, on the loss or on a budget that can bind."""
    if not problem.pairwise:
        return []
    targets = {None, *binding_budgets(problem)}
    return [t for t in problem.pairwise if t.cost in targets and t.values.any()]


def refuse_pairwise(problem: Problem, what: str) -> None:
    """Refuse a problem with pairwise terms where only the numbers of single layers are looked at.

    Raises
    ------
    UnsupportedError
        If there is one; the message names it.
    """
    if problem.pairwise:
        raise UnsupportedError(
            f"{what} looks at layers one by one, and the problem has the {problem.pairwise[0]}."
        )
