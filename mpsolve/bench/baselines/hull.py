"""The convex hull alone: a multiplier prices the budget, and every layer chooses by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mpsolve.bench.baselines.groups import Groups, refusal
from mpsolve.bench.contender import Answer
from mpsolve.bench.result import Claim

if TYPE_CHECKING:
    from mpsolve.model.problem import Problem
    from mpsolve.typing import IntArray

#: Halvings of the interval of the multiplier.
HALVINGS = 100


class Hull:
    """Bisection on the multiplier (Shoham and Gersho 1988, after Everett 1963).

    "Efficient bit allocation for an arbitrary set of quantizers", IEEE Transactions on Acoustics,
    Speech, and Signal Processing 36(9): for a multiplier m every layer takes its
    candidate of least loss + m cost, and the least m whose choice keeps the budget is sought.
    Only choices on the lower convex hull of the front are found. Deviation: the multiplier is
    bisected instead of walked from one slope of the hull to the next. Several open allocators of
    language models work so, without a second step.
    """

    def unsupported(self, problem: Problem) -> str | None:
        """A single budget and ties are supported."""
        return refusal(problem, single=True)

    def run(self, problem: Problem, seed: int, time_limit: float) -> Answer:
        """Return the last choice of the hull that keeps the budget, and the Lagrangian bound."""
        groups = Groups.of(problem)
        loss, cost, limit = groups.loss, groups.costs[0], float(groups.limits[0])
        cost = np.where(np.isinf(cost), 0.0, cost)  # an infinite loss keeps the gaps of rows out

        def priced(multiplier: float) -> tuple[IntArray, float, float]:
            """Choice, cost and Lagrangian value at a multiplier; among equals the cheaper."""
            value = loss + multiplier * cost
            least = value.min(1, keepdims=True)
            choice = np.where(value == least, cost, np.inf).argmin(1)
            spent = float(cost[np.arange(len(choice)), choice].sum())
            return choice, spent, float(least.sum()) - multiplier * limit

        choice, spent, bound = priced(0.0)
        if spent <= limit:
            return Answer(Claim.OPTIMAL, groups.source.lift(choice), bound)
        finite = loss[np.isfinite(loss)]
        low, high = 0.0, float(np.ptp(finite)) / max(float(np.abs(cost).max()), 1e-300) or 1.0
        for _ in range(2 * HALVINGS):  # double until the cheapest choices are dear enough
            choice, spent, value = priced(high)
            bound = max(bound, value)
            if spent <= limit:
                break
            low, high = high, 2 * high
        else:
            return Answer(Claim.NOTHING)
        for _ in range(HALVINGS):
            middle = (low + high) / 2
            if not low < middle < high:
                break
            found, spent, value = priced(middle)
            bound = max(bound, value)
            if spent <= limit:
                choice, high = found, middle
            else:
                low = middle
        return Answer(Claim.FEASIBLE, groups.source.lift(choice), bound)
