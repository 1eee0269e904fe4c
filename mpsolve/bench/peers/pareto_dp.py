"""pareto_dp: approximate fronts by dynamic programming, written in Rust."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mpsolve.bench.contender import Answer
from mpsolve.bench.peers.rows import choice, refusal, rows
from mpsolve.bench.result import Claim

if TYPE_CHECKING:
    from mpsolve.model.problem import Problem

#: Its precision: the relative width of the cells of which it keeps one point each.
EPSILON = 1e-3


class ParetoDp:
    """``find_pareto_front`` of pareto-dp (0.1.9); the best point within the budget is taken.

    It has no budget: its time is that of a whole front.
    """

    def unsupported(self, problem: Problem) -> str | None:
        """A single budget."""
        return refusal(problem, single=True)

    def run(self, problem: Problem, seed: int, time_limit: float) -> Answer:
        """Call it, and look for the best point that keeps the budget."""
        from pareto_dp import find_pareto_front

        ((name, limit),) = problem.budgets.items()
        pairs = zip(rows(problem, problem.loss), rows(problem, problem.costs[name]), strict=True)
        data = [np.array(pair, float).T.tolist() for pair in pairs]
        points = find_pareto_front(data, EPSILON)
        within = [p for p in points if p.target_vector[1] <= limit]
        if not within:
            return Answer(Claim.NOTHING, note=f"{len(points)} points")
        best = min(within, key=lambda p: p.target_vector[0])
        return Answer(
            Claim.FEASIBLE, choice(problem, best.design_vector), note=f"{len(points)} points"
        )
