"""A problem as the baselines see it: matrices with one row per layer, or per tied layers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mpsolve.presolve.choice_groups import choice_groups

if TYPE_CHECKING:
    from mpsolve.model.problem import Problem
    from mpsolve.presolve.choice_groups import ChoiceGroups
    from mpsolve.typing import BoolArray, FloatArray, IntArray


@dataclass(frozen=True, eq=False)
class Groups:
    """Losses and costs of G groups with up to K candidates each.

    Attributes
    ----------
    loss
        ``(G, K)``; inf where a group has fewer candidates.
    costs
        ``(B, G, K)``, one matrix per budget; inf there too.
    limits
        ``(B,)`` the budgets.
    counts
        ``(G,)`` how many candidates each group has.
    source
        The groups of the problem.
    """

    loss: FloatArray
    costs: FloatArray
    limits: FloatArray
    counts: IntArray
    source: ChoiceGroups

    @classmethod
    def of(cls, problem: Problem) -> Groups:
        """The groups of a problem, tied layers merged."""
        groups = choice_groups(problem)
        counts = np.diff(groups.offsets)
        real = np.arange(counts.max(initial=1)) < counts[:, None]
        matrices = np.full((1 + len(problem.budgets), *real.shape), np.inf)
        for m, values in enumerate(
            (problem.loss, *(problem.costs[name] for name in problem.budgets))
        ):
            matrices[m][real] = groups.merged(values)
        limits = np.array(list(problem.budgets.values()), np.float64)
        return cls(matrices[0], matrices[1:], limits, counts, groups)

    def sums(self, choices: IntArray) -> tuple[FloatArray, FloatArray]:
        """``(P,)`` losses and ``(P, B)`` costs of ``(P, G)`` choices."""
        rows = np.arange(len(self.counts))
        loss = self.loss[rows, choices].sum(1)
        return loss, np.stack([cost[rows, choices].sum(1) for cost in self.costs], 1)

    def keeps(self, costs: FloatArray) -> BoolArray:
        """Which of ``(..., B)`` sums keep every budget."""
        return np.logical_and.reduce(costs <= self.limits, -1)

    def cheapest(self) -> IntArray:
        """``(G,)`` the choice with the least costs, each in units of its budget."""
        scale = np.where(self.limits, np.abs(self.limits), 1.0)
        return (self.costs / scale[:, None, None]).sum(0).argmin(1)


def refusal(problem: Problem, *, single: bool = False) -> str | None:
    """What no baseline can express, or what those for a single budget cannot."""
    if problem.constraints or problem.pairwise:
        return "The baselines know budgets and ties, no constraints and no pairwise terms."
    if single and len(problem.budgets) != 1:
        return "It knows a single budget."
    if choice_groups(problem).empty_groups:
        return "A layer has no candidate left."
    return None
