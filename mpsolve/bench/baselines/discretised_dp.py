"""Dynamic programming over a budget that is cut into equal parts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mpsolve.bench.baselines.groups import Groups, refusal
from mpsolve.bench.contender import Answer
from mpsolve.bench.result import Claim

if TYPE_CHECKING:
    from mpsolve.model.problem import Problem

#: Parts of the budget.
PARTS = 2000


class DiscretisedDp:
    """The textbook recursion over groups and capacities (Dudzinski and Walukiewicz 1987).

    "Exact methods for the knapsack problem and its generalizations", European Journal of
    Operational Research 28(1), on rounded costs, as SPDY (Frantar and Alistarh 2022) allocates
    sparsities: what the cheapest choice leaves of the budget is cut into
    equal parts, and costs are rounded up to whole parts, so that the answer keeps the budget.

    Parameters
    ----------
    parts
        How many.
    """

    def __init__(self, parts: int = PARTS) -> None:
        self.parts = parts

    def unsupported(self, problem: Problem) -> str | None:
        """A single budget and ties are supported."""
        return refusal(problem, single=True)

    def run(self, problem: Problem, seed: int, time_limit: float) -> Answer:
        """Return the best choice of the rounded problem."""
        groups = Groups.of(problem)
        least = groups.costs[0].min(1, keepdims=True)
        room = float(groups.limits[0] - least.sum())
        if room < 0:
            return Answer(Claim.NOTHING)
        above = groups.costs[0] - least
        with np.errstate(divide="ignore", invalid="ignore"):
            parts = np.ceil(np.where(above > 0, above / (room / self.parts), 0.0))
        parts = np.minimum(parts, self.parts + 1).astype(np.int64)
        # best[b]: the least loss of the groups so far with at most b parts spent.
        best = np.zeros(self.parts + 1)
        taken = np.empty((len(parts), self.parts + 1), np.int64)
        for g, (losses, needed) in enumerate(zip(groups.loss, parts, strict=True)):
            options = np.full((len(losses), self.parts + 1), np.inf)
            for k, need in enumerate(needed):
                if need <= self.parts:
                    options[k, need:] = best[: self.parts + 1 - need] + losses[k]
            taken[g] = options.argmin(0)
            best = options[taken[g], np.arange(self.parts + 1)]
        choice = np.empty(len(parts), np.int64)
        left = self.parts
        for g in range(len(parts) - 1, -1, -1):
            choice[g] = taken[g, left]
            left -= parts[g, choice[g]]
        return Answer(Claim.FEASIBLE, groups.source.lift(choice))
