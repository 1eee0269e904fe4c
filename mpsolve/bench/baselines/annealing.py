"""Simulated annealing on single layers, many chains at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mpsolve.bench.baselines.effort import ByChance
from mpsolve.bench.baselines.groups import Groups
from mpsolve.bench.contender import Answer
from mpsolve.bench.result import Claim

if TYPE_CHECKING:
    from mpsolve.model.problem import Problem

#: Chains that run side by side.
CHAINS = 64
#: The temperature falls from the mean absolute change of loss to this part of it.
COLDEST = 1e-4
#: Look at the clock every so many steps.
GLANCE = 16


class Annealing(ByChance):
    """Simulated annealing (Kirkpatrick, Gelatt and Vecchi 1983) with geometric cooling.

    "Optimization by simulated annealing", Science 220(4598). Every step gives a random layer of
    each chain a random candidate; a move that breaks a budget is refused, any other is taken with
    Metropolis' probability. All chains begin at the cheapest choice. A step moves every chain once.
    """

    def run(self, problem: Problem, seed: int, time_limit: float) -> Answer:
        """Return the best choice that any chain has seen."""
        rng = np.random.default_rng(seed)
        groups = Groups.of(problem)
        chains = np.arange(CHAINS)
        choices = np.repeat(groups.cheapest()[None], CHAINS, 0)
        losses, costs = groups.sums(choices)
        if not groups.keeps(costs)[0]:
            return Answer(Claim.NOTHING)
        best, least = choices.copy(), losses.copy()
        finite = np.where(np.isfinite(groups.loss), groups.loss, np.nan)
        hottest = float(np.nanmean(np.abs(finite - np.nanmean(finite, 1, keepdims=True)))) or 1.0
        clock, step, spent = self.effort.start(time_limit), 0, 0.0
        while spent < 1:
            group = rng.integers(0, len(groups.counts), CHAINS)
            candidate = rng.integers(0, groups.counts[group])
            present = choices[chains, group]
            gained = groups.loss[group, candidate] - groups.loss[group, present]
            moved = costs + (groups.costs[:, group, candidate] - groups.costs[:, group, present]).T
            temperature = hottest * COLDEST**spent
            likely = rng.random(CHAINS) < np.exp(-np.maximum(gained, 0.0) / temperature)
            taken = likely & groups.keeps(moved)
            choices[chains[taken], group[taken]] = candidate[taken]
            losses[taken] += gained[taken]
            costs[taken] = moved[taken]
            better = losses < least
            best[better], least[better] = choices[better], losses[better]
            step += 1
            if step % GLANCE == 0:
                spent = clock.spent(step)
        winner = best[int(least.argmin())]
        return Answer(Claim.FEASIBLE, groups.source.lift(winner), note=f"{step * CHAINS} moves")
