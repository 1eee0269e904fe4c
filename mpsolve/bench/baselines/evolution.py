"""An evolutionary search whose mutations trade layers against each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mpsolve.bench.baselines.effort import ByChance
from mpsolve.bench.baselines.groups import Groups
from mpsolve.bench.contender import Answer
from mpsolve.bench.result import Claim

if TYPE_CHECKING:
    from mpsolve.model.problem import Problem

#: Offspring of a generation.
OFFSPRING = 64
#: Layers that one mutation may change.
CHANGES = 6


class Evolution(ByChance):
    """(1 + L) evolution with level switches (EvoPress, Sieberling et al. 2024, Algorithm 1).

    "EvoPress: towards optimal dynamic model compression via evolutionary search". A mutation
    changes the candidates of a few random layers, as many as the smaller of two random numbers
    says; offspring that break a budget die, the best of the others and the parent lives on.
    Deviations: the fitness is the additive loss, so that one round of selection is exact; layers
    differ in size, so that a switch does not keep the sum of costs by itself.
    A step is a generation.
    """

    def run(self, problem: Problem, seed: int, time_limit: float) -> Answer:
        """Return the last parent."""
        rng = np.random.default_rng(seed)
        groups = Groups.of(problem)
        parent = groups.cheapest()
        losses, costs = groups.sums(parent[None])
        if not groups.keeps(costs)[0]:
            return Answer(Claim.NOTHING)
        least = float(losses[0])
        rows = np.arange(OFFSPRING)
        clock, step = self.effort.start(time_limit), 0
        while clock.spent(step) < 1:
            offspring = np.repeat(parent[None], OFFSPRING, 0)
            changes = 1 + rng.integers(0, CHANGES, (2, OFFSPRING)).min(0)
            for change in range(changes.max()):
                mutant = rows[changes > change]
                group = rng.integers(0, len(parent), len(mutant))
                offspring[mutant, group] = rng.integers(0, groups.counts[group])
            losses, costs = groups.sums(offspring)
            losses = np.where(groups.keeps(costs), losses, np.inf)
            first = int(losses.argmin())
            if losses[first] <= least:
                parent, least = offspring[first], float(losses[first])
            step += 1
        return Answer(Claim.FEASIBLE, groups.source.lift(parent), note=f"{step} generations")
