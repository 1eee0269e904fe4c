"""Random choices, of which the best that keeps the budgets is kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mpsolve.bench.baselines.effort import ByChance
from mpsolve.bench.baselines.groups import Groups
from mpsolve.bench.contender import Answer
from mpsolve.bench.result import Claim

if TYPE_CHECKING:
    from mpsolve.model.problem import Problem

#: Choices drawn at once.
BATCH = 64


class RandomSearch(ByChance):
    """Uniform random search (Bergstra and Bengio 2012), begun at the cheapest choice.

    "Random search for hyper-parameter optimization", Journal of Machine Learning Research 13.
    Deviation: with uniform draws alone, hardly any choice of fifty layers keeps a tight budget; so
    a draw moves a random share of the layers away from the cheapest choice. A
    step is a batch of `BATCH` draws.
    """

    def run(self, problem: Problem, seed: int, time_limit: float) -> Answer:
        """Return the best of all draws."""
        rng = np.random.default_rng(seed)
        groups = Groups.of(problem)
        start = groups.cheapest()
        losses, costs = groups.sums(start[None])
        best, least = start, float(losses[0]) if groups.keeps(costs)[0] else np.inf
        clock, step = self.effort.start(time_limit), 0
        while clock.spent(step) < 1:
            drawn = rng.integers(0, groups.counts, (BATCH, len(start)))
            moved = rng.random((BATCH, len(start))) < rng.random((BATCH, 1))
            choices = np.where(moved, drawn, start)
            losses, costs = groups.sums(choices)
            losses = np.where(groups.keeps(costs), losses, np.inf)
            first = int(losses.argmin())
            if losses[first] < least:
                best, least = choices[first], float(losses[first])
            step += 1
        claim = Claim.FEASIBLE if np.isfinite(least) else Claim.NOTHING
        return Answer(claim, groups.source.lift(best), note=f"{step * BATCH} draws")
